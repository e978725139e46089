//! The stream: what was said, in order.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use maud::{Markup, html};
use unicode_segmentation::UnicodeSegmentation;

use super::cost::{self, Cost, Waiting};
use super::files::{FileView, files};
use super::history::by_name;
use super::icons::{self, Icon};
use super::told::{NoticeView, line, state, whom};
use super::unsure::answers;
use super::words::{place, said, sticker, words};
use super::{Look, gap, held, history, linked, within};
use crate::domain::{DeliveryStatus, Gap, PersonId, PostId, Role, Source};
use crate::store::discussion_events::DiscussionEvent;
use crate::store::mail_posts::FromElsewhere;
use crate::store::posts::Post;
use crate::store::versions::Version;
use crate::threading::{Evidence, Reason};

/// A post with what belongs to it.
#[derive(Clone, Debug)]
pub struct PostView {
    pub post: Post,
    /// In order.
    pub files: Vec<FileView>,
    /// Who was told of it; empty for a client's view.
    pub told: Vec<NoticeView>,
    /// How it read before and reads now, where it was edited; empty for a client's view.
    pub versions: Vec<Version>,
    /// The next best discussions, number and title, where the threader was not sure and the reader may say; see [`PostView::asks`].
    pub others: Vec<(i64, String)>,
    /// It began the discussion.
    pub opens: bool,
    /// The reader may put it elsewhere.
    pub may_move: bool,
    /// Among the other messages of its chat, too.
    pub may_rest: bool,
    /// What the LINE users whom it mentions are called now, by LINE's id.
    pub names: BTreeMap<String, String>,
    /// It came from an address that was not known as its author's.
    pub elsewhere: Option<FromElsewhere>,
}

impl PostView {
    /// Whether a person is to say where it belongs.
    pub fn asks(&self) -> bool {
        self.may_move && is_marked(&self.post)
    }
}

fn is_marked(post: &Post) -> bool {
    post.class.as_deref() == Some("likely") && post.retracted_at.is_none()
}

/// Of what was said in one go, and is marked as one, the first asks for all.
fn is_asked_before(before: &[PostView], post: &Post) -> bool {
    let near = before.iter().rev().take_while(|b| within(b.post.created_at, post.created_at, SAID_TOGETHER_WITHIN));
    near.into_iter().any(|b| is_marked(&b.post) && b.post.person.is_some() && b.post.person == post.person)
}

/// What one person said with no longer a pause than this was said together.
const SAID_TOGETHER_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// Posts of one person closer together than this share one head.
const ONE_HEAD_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// Colours that authors without a side of their own are told apart by; the style sheet has as many.
const HUES: i64 = 6;

/// What stands beside the posts.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The discussion's number.
    pub number: i64,
    /// What the chat's record may lack.
    pub gaps: Vec<Gap>,
    /// Authors' pictures, by the address of their bytes.
    pub pictures: BTreeMap<PersonId, String>,
    /// Answers that wait and of which nothing has left; for staff.
    pub waiting: BTreeMap<PostId, Waiting>,
    /// What a push into the discussion's chat costs; for staff, where there is a chat.
    pub cost: Option<Cost>,
}

/// The posts, with a line where a new day begins, where something may be missing and where something was changed.
pub fn stream(look: &Look<'_>, posts: &[PostView], events: &[DiscussionEvent], beside: &Beside, viewer: Role) -> Markup {
    let when = look.when();
    // What was changed before the first post shown belongs to what is not shown.
    let since = posts.first().map(|p| p.post.created_at);
    let mut events = events.iter().filter(|e| since.is_none_or(|s| e.at >= s)).peekable();
    html! {
        @for (i, view) in posts.iter().enumerate() {
            @let changes: Vec<_> = std::iter::from_fn(|| events.next_if(|e| i > 0 && e.at < view.post.created_at)).collect();
            @for change in &changes { (history::line(look, change)) }
            @let before = i.checked_sub(1).map(|b| &posts[b].post);
            @if let Some(before) = before { (gap::between(look, &beside.gaps, before.created_at, view.post.created_at, viewer)) }
            @let new_day = before.is_none_or(|b| !when.same_day(b.created_at, view.post.created_at));
            @if new_day {
                li.day id={ "day-" (view.post.id) } { span { (when.day(view.post.created_at)) } }
            }
            @let gap_before = before.is_some_and(|b| beside.gaps.iter().any(|g| b.created_at < g.from && g.from <= view.post.created_at));
            @let parted = new_day || gap_before || !changes.is_empty();
            @let goes_on = !parted && before.is_some_and(|b| goes_on(b, &view.post));
            (post(look, view, beside, viewer, (goes_on, view.asks() && !is_asked_before(&posts[..i], &view.post))))
        }
        @for change in events { (history::line(look, change)) }
        @if let Some(last) = posts.last() { (gap::lasting(look, &beside.gaps, last.post.created_at, viewer)) }
    }
}

/// Whether `next` needs no head of its own.
fn goes_on(before: &Post, next: &Post) -> bool {
    let same = |p: &Post| (p.person, p.role, p.source, p.internal);
    before.person.is_some() && same(before) == same(next) && within(before.created_at, next.created_at, ONE_HEAD_WITHIN)
}

fn post(look: &Look<'_>, view: &PostView, beside: &Beside, viewer: Role, (goes_on, asks): (bool, bool)) -> Markup {
    let p = &view.post;
    let side = if p.role.is_staff() { "by-staff" } else { "by-client" };
    html! {
        li.post.goes-on[goes_on].internal[p.internal].gone[p.retracted_at.is_some()] .(side) id={ "post-" (p.id) } {
            (avatar(&author(look, p), p.person, p.person.and_then(|id| beside.pictures.get(&id)).map(String::as_str)))
            article.post-in {
                (head(look, p))
                @if let Some(elsewhere) = &view.elsewhere { (held::elsewhere(look, elsewhere, &author(look, p), viewer)) }
                @if p.retracted_at.is_some() {
                    p.tombstone { (look.t("page.retracted")) }
                    @if viewer.is_staff() { (sent_before(look, view)) }
                } @else {
                    (body(look, view, viewer))
                }
                @if viewer.is_staff() {
                    @if let Some(waiting) = beside.waiting.get(&p.id) { (cost::waiting(look, p.id, waiting, beside.cost.as_ref())) }
                    (versions(look, view))
                    @if asks { (asked(look, view, beside.number)) }
                    (behind(look, view))
                }
            }
        }
    }
}

fn author(look: &Look<'_>, p: &Post) -> String {
    if p.author.is_empty() { look.word("person", "unknown") } else { p.author.clone() }
}

/// Somebody's picture, or their initial.
pub fn avatar(name: &str, person: Option<PersonId>, picture: Option<&str>) -> Markup {
    let initial = name.graphemes(true).next().unwrap_or_default().to_uppercase();
    let hue = person.map_or(0, |id| id.0.rem_euclid(HUES));
    html! {
        div class={ "avatar hue-" (hue) } aria-hidden="true" {
            @match picture {
                Some(url) => img src=(url) alt="" width="36" height="36" loading="lazy" decoding="async";,
                None => (initial),
            }
        }
    }
}

fn head(look: &Look<'_>, p: &Post) -> Markup {
    let when = look.when();
    html! {
        header.post-head {
            strong.author { (author(look, p)) }
            span.role { (look.word("role", p.role.as_str())) }
            @if p.internal {
                span.internal-mark title=(look.t("page.internal_hint")) { (icons::icon(Icon::Lock)) (look.t("page.internal")) }
            }
            span.source { (icons::icon(Icon::of(p.source))) (look.word("source", p.source.as_str())) }
            (look.clock(p.created_at))
            @if let Some(at) = p.edited_at.filter(|_| p.retracted_at.is_none()) {
                span.edited title=(look.fill("page.edited_at", &[("time", &when.absolute(at))])) { (look.t("page.edited")) }
            }
        }
    }
}

fn body(look: &Look<'_>, view: &PostView, viewer: Role) -> Markup {
    let p = &view.post;
    // What a colleague's mail quotes may hold what is not for clients: they see its new words alone.
    let whole = p.whole.as_deref().filter(|w| w.trim() != p.body.trim() && (viewer.is_staff() || !p.role.is_staff()));
    html! {
        @if let Some(kind) = p.kind.strip_prefix("unsupported:") {
            p.odd { (look.fill("page.unsupported", &[("kind", kind)])) }
        }
        @match p.kind.as_str() {
            "sticker" => (sticker(look, &p.body, &p.details)),
            "location" => (place(look, &p.body, &p.details)),
            _ if !p.body.is_empty() => div.words { (words(&p.body, &p.details, &view.names)) },
            "image" | "video" | "audio" | "file" if view.files.is_empty() => p.odd { (look.word("message", &p.kind)) },
            _ => {},
        }
        (said(look, &p.details))
        @if let Some(whole) = whole {
            details.whole id={ "whole-" (p.id) } {
                summary { (look.t("page.show_whole")) }
                div.words { (linked(whole)) }
            }
        }
        @if p.source == Source::Email && p.kind == "mail" && (viewer.is_staff() || !p.role.is_staff()) {
            p.as-sent { a href={ "/mails/" (p.id) } target="_blank" rel="noopener" { (look.t("page.mail_as_sent")) } }
        }
        (files(look, &view.files, viewer))
    }
}

/// The threader was not sure: why it is here, and where else it might belong, one tap away.
fn asked(look: &Look<'_>, view: &PostView, here: i64) -> Markup {
    html! {
        div.asked role="group" aria-label=(look.t("page.unsure")) {
            p { strong { (look.t("page.place_asked")) } @if let Some(why) = why_line(look, &view.post.evidence) { span.faint { " " (why) } } }
            (answers(look, (&view.post, here), (&view.others, view.opens), "", false))
        }
    }
}

/// Puts a post somewhere else, alone or with what follows.
fn mover(look: &Look<'_>, view: &PostView) -> Markup {
    html! {
        form.mover method="post" action={ "/posts/" (view.post.id) "/place" } {
            select name="with" aria-label=(look.t("page.place_with")) {
                option value="burst" { (look.t("page.place_burst")) }
                option value="" { (look.t("page.place_alone")) }
                option value="rest" { (look.t("page.place_rest")) }
            }
            span.mover-to {
                input type="text" name="number" inputmode="numeric" size="6" maxlength="12" placeholder="#123" aria-label=(look.t("page.place_number"));
                button.button.plain type="submit" { (look.t("page.place_move")) }
            }
            button.button.plain type="submit" name="to" value="new" { (look.t("page.place_new")) }
            @if view.may_rest { button.quiet type="submit" name="to" value="other" { (look.t("page.place_other")) } }
        }
    }
}

/// For staff: how it read before it was edited, and since.
fn versions(look: &Look<'_>, view: &PostView) -> Markup {
    let when = look.when();
    html! {
        @if view.versions.len() > 1 && view.post.retracted_at.is_none() {
            details.versions id={ "versions-" (view.post.id) } {
                summary { (look.fill("page.versions", &[("count", &view.versions.len().to_string())])) }
                ol {
                    @for version in &view.versions {
                        li {
                            time datetime=(version.at.to_string()) { (when.absolute(version.at)) }
                            div.words { (words(&version.body, &version.details, &view.names)) }
                        }
                    }
                }
            }
        }
    }
}

/// For staff: who had been sent what was taken back, and when.
fn sent_before(look: &Look<'_>, view: &PostView) -> Markup {
    // A notice that was dropped in a delivery may have arrived: its try had no answer.
    let gone = |t: &&NoticeView| match t.row.status {
        DeliveryStatus::Sent => true,
        DeliveryStatus::Dropped => t.row.ride.is_some(),
        _ => false,
    };
    let sent: Vec<&NoticeView> = view.told.iter().filter(gone).collect();
    html! {
        @if !sent.is_empty() {
            div.sent-before {
                p { (look.t("page.sent_before")) }
                ul.told { @for told in sent { (line(look, told)) } }
            }
        }
    }
}

/// For staff: who was told and how, and why the post is here.
fn behind(look: &Look<'_>, view: &PostView) -> Markup {
    let why = evidence(look, &view.post.evidence);
    // What had been sent of a tombstone's words stands under it already.
    let told: &[NoticeView] = if view.post.retracted_at.is_some() { &[] } else { &view.told };
    let wanted: Vec<&NoticeView> = told.iter().filter(|t| t.row.status != DeliveryStatus::Dropped).collect();
    html! {
        @if !told.is_empty() || why.is_some() || view.may_move {
            details.behind.quietly[wanted.is_empty()] id={ "behind-" (view.post.id) } {
                @if wanted.is_empty() {
                    summary title=(look.t("page.why")) { (icons::icon(Icon::Info)) span.sr { (look.t("page.why")) } }
                } @else {
                    summary { (told_in_short(look, &wanted)) }
                }
                @if !told.is_empty() { ul.told { @for told in told { (line(look, told)) } } }
                @if view.post.edit_only { p { (look.t("page.edit_only")) } }
                @if let Some(why) = why { p { span.faint { (look.t("page.why")) " · " } (why) } }
                @if view.may_move { (mover(look, view)) }
            }
        }
    }
}

/// Who was told and how, in one quiet line: a chat with what became of it, people counted.
fn told_in_short(look: &Look<'_>, wanted: &[&NoticeView]) -> Markup {
    let counted = |status| wanted.iter().filter(|t| t.row.status == status).count();
    let (waiting, failed) = (counted(DeliveryStatus::Pending), counted(DeliveryStatus::Failed));
    let (chats, people): (Vec<&NoticeView>, Vec<&NoticeView>) = wanted.iter().copied().partition(|t| t.row.chat.is_some());
    let count = |key: &str, all: &[&NoticeView]| {
        let sent = all.iter().filter(|t| t.row.status == DeliveryStatus::Sent).count().to_string();
        look.fill(key, &[("sent", &sent), ("total", &all.len().to_string())])
    };
    let one = |told: &NoticeView| format!("{} · {}", whom(look, &told.row), state(look, told));
    let short: Vec<String> = match (chats.as_slice(), people.as_slice()) {
        ([chat], []) => vec![one(chat)],
        ([], [person]) => vec![one(person)],
        ([chat], people) => vec![one(chat), count("told.mails", people)],
        _ => vec![count("page.told", wanted)],
    };
    html! {
        @if failed == 0 { (icons::icon(if waiting > 0 { Icon::Clock } else { Icon::Check })) }
        span { (short.join(" · ")) }
        @if failed > 0 {
            span.bad { (icons::icon(Icon::Alert)) (look.fill("page.told_failed", &[("count", &failed.to_string())])) }
        }
    }
}

/// Why a post is where it is, as a sentence; `None` where it was simply written there.
fn evidence(look: &Look<'_>, kept: &str) -> Option<String> {
    let Some(evidence) = Evidence::read(kept) else {
        let kept: serde_json::Value = serde_json::from_str(kept).ok()?;
        return Some(look.fill("evidence.other", &[("rule", kept.get("rule")?.as_str()?)]));
    };
    let numbered = |key: &str, number: i64| look.fill(key, &[("number", &number.to_string())]);
    let said = |key: &'static str| look.t(key).to_owned();
    Some(match evidence {
        Evidence::Directly {} => return None,
        Evidence::Quote { .. } => said("evidence.quote"),
        Evidence::QuotedBy { .. } => said("evidence.quoted_by"),
        Evidence::Introduces {} => said("evidence.introduces"),
        Evidence::Nothing {} => said("evidence.nothing"),
        Evidence::ReplyAddress { .. } => said("evidence.reply_address"),
        Evidence::AnswersMail { .. } => said("evidence.answers_mail"),
        Evidence::SameChat { seconds_since_last_post } => {
            // Rounded up: what follows within seconds is a minute away.
            let minutes = (seconds_since_last_post.abs() + 59) / 60;
            look.fill("evidence.same_chat", &[("minutes", &minutes.max(1).to_string())])
        }
        Evidence::Threader { percent, why, .. } => {
            let percent = percent.to_string();
            match reasons(look, &why).join(look.t("why.and")) {
                none if none.is_empty() => look.fill("evidence.threader_plain", &[("percent", &percent)]),
                why => look.fill("evidence.threader", &[("percent", &percent), ("why", &why)]),
            }
        }
        Evidence::SubjectTag { number } => numbered("evidence.subject_tag", number),
        Evidence::Number { number } => numbered("evidence.number", number),
        Evidence::ReplyHere { number } => numbered("evidence.reply_here", number),
        Evidence::LongDone { number } => numbered("evidence.long_done", number),
        Evidence::Parted { from } => look.fill("evidence.parted", &[("from", &from.to_string())]),
        Evidence::Corrected { by, from } => {
            by_name(look, &look.fill("evidence.corrected", &[("by", &by), ("from", &from.to_string())]), from)
        }
        Evidence::Accepted { by } => look.fill("evidence.accepted", &[("by", &by)]),
        Evidence::PassedOn { by } => look.fill("evidence.passed_on", &[("by", &by)]),
    })
}

/// The threader's reasons alone, in one quiet line: "同一人 · 2 分鐘內 · 都提到 報價單".
pub(super) fn why_line(look: &Look<'_>, kept: &str) -> Option<String> {
    match Evidence::read(kept)? {
        Evidence::Threader { why, .. } if !why.is_empty() => Some(reasons(look, &why).join(" · ")),
        _ => None,
    }
}

fn reasons(look: &Look<'_>, why: &[Reason]) -> Vec<String> {
    why.iter().filter_map(|r| reason(look, r)).collect()
}

/// One of the threader's reasons in words; its fields are the text's places.
fn reason(look: &Look<'_>, reason: &Reason) -> Option<String> {
    let kept = serde_json::to_value(reason).ok()?;
    let fields = kept.as_object()?;
    let key = format!("why.{}", fields.get("why")?.as_str()?);
    // What follows at once is a minute, or a second, away.
    let shown = |value: &serde_json::Value| match value.as_i64() {
        Some(n) => n.max(1).to_string(),
        None => value.as_str().unwrap_or_default().to_owned(),
    };
    let values: Vec<(&str, String)> =
        fields.iter().filter(|(name, _)| *name != "why").map(|(name, value)| (name.as_str(), shown(value))).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some(look.fill(&key, &values))
}
