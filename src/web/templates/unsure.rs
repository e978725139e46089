//! What the threader was not sure of: each as the chat looked, answered with one tap or key.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::files::{FileView, files as draw_files};
use super::post::why_line;
use super::words::words;
use super::{Look, page};
use crate::domain::{PostId, Role};
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::threading::excerpt;

/// So much of what was answered is said again.
const SAID_GRAPHEMES_MAX: usize = 20;

/// One post that a person should look at.
#[derive(Clone, Debug)]
pub struct Unsure {
    pub post: Post,
    /// Where it is.
    pub discussion: Discussion,
    /// It began that discussion.
    pub opens: bool,
    pub project: String,
    /// What was said in the chat before it, in order.
    pub before: Vec<Post>,
    /// What its author said in one go with it.
    pub after: Vec<Post>,
    /// Pictures and files among them.
    pub files: BTreeMap<PostId, Vec<FileView>>,
    /// The next best discussions: number and title.
    pub others: Vec<(i64, String)>,
}

/// What became of the post that the reader has just answered.
#[derive(Clone, Debug)]
pub struct JustNow {
    pub post: Post,
    /// Where it is now.
    pub discussion: Discussion,
    /// Somebody else had answered before, and that stands.
    pub late: bool,
    /// What can be taken back of it.
    pub undo: Option<Undo>,
}

/// What a reader takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    Correction(i64),
    /// That it is right where it is.
    Confirmation,
}

/// What the threader did in seven days, in posts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// 0 = the last seven days.
    pub ago: i64,
    /// Filed without asking, and left alone.
    pub silently: i64,
    /// Filed without asking, and put elsewhere by a person.
    pub corrected: i64,
    /// Asked about: it was right.
    pub confirmed: i64,
    /// Asked about: it was put elsewhere.
    pub put_right: i64,
    /// Asked about: nobody has said yet.
    pub open: i64,
    /// No matter of their own.
    pub rested: i64,
}

impl Week {
    /// Of a hundred that were filed without asking, so many were left alone; `None` where there were none.
    fn right(&self) -> Option<i64> {
        let all = self.silently + self.corrected;
        (all > 0).then(|| (self.silently * 100 + all / 2) / all)
    }

    fn asked(&self) -> i64 {
        self.confirmed + self.put_right + self.open
    }
}

fn figures(look: &Look<'_>, weeks: &[Week]) -> Markup {
    let n = |count: i64| count.to_string();
    html! {
        @if !weeks.is_empty() {
            section.card {
                h2 { (look.t("page.weeks")) }
                ul.lines.weeks {
                    @for week in weeks {
                        li {
                            span.grow { @if week.ago == 0 { (look.t("page.week_last")) } @else { (look.fill("page.week_ago", &[("count", &n(week.ago))])) } }
                            @if let Some(right) = week.right() { strong { (look.fill("page.week_right", &[("percent", &n(right))])) } }
                            span.muted {
                                (look.fill("page.week_silently", &[("count", &n(week.silently)), ("corrected", &n(week.corrected))]))
                                " · "
                                (look.fill("page.week_asked", &[
                                    ("count", &n(week.asked())), ("confirmed", &n(week.confirmed)), ("moved", &n(week.put_right)), ("open", &n(week.open)),
                                ]))
                                " · "
                                (look.fill("page.week_rested", &[("count", &n(week.rested))]))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The page: what is shown of `count` in all, and what became of the one that was just answered.
pub fn list(look: &Look<'_>, (all, just_now): (&[Unsure], Option<&JustNow>), count: i64, weeks: &[Week]) -> Markup {
    let main = html! {
        div.sheet #unsure {
            div.sheet-head {
                h1 { (look.t("page.unsure")) }
                span.muted { (look.fill("page.unsure_count", &[("count", &count.to_string())])) }
            }
            @if let Some(just_now) = just_now { (answered(look, just_now)) }
            @if all.is_empty() {
                section.card { p.muted { (look.t("page.unsure_none")) } }
            } @else {
                p.muted { (look.t("page.unsure_hint")) }
            }
            @for (at, one) in all.iter().enumerate() { (entry(look, one, at == 0)) }
            (figures(look, weeks))
        }
    };
    page(look, "page-unsure", look.t("page.unsure"), &main)
}

/// What became of the last one, and its way back.
fn answered(look: &Look<'_>, one: &JustNow) -> Markup {
    let (d, key) = (&one.discussion, if one.late { "page.unsure_late" } else { "page.unsure_done" });
    let said = if one.post.body.is_empty() { kind(look, &one.post) } else { excerpt(&one.post.body, SAID_GRAPHEMES_MAX) };
    html! {
        div.answered.late[one.late] role="status" {
            span { (look.fill(key, &[("said", &said)])) " " a href={ "/d/" (d.number) "#post-" (one.post.id) } { (where_it_is(look, d)) } }
            @match one.undo {
                Some(Undo::Correction(id)) => form method="post" action={ "/corrections/" (id) "/undo?back=unsure" } {
                    button.quiet type="submit" data-key="u" { (look.t("page.undo")) kbd { "u" } }
                },
                Some(Undo::Confirmation) => form method="post" action={ "/posts/" (one.post.id) "/place" } {
                    input type="hidden" name="back" value="unsure";
                    input type="hidden" name="with" value="burst";
                    button.quiet type="submit" name="to" value="unsaid" data-key="u" { (look.t("page.undo")) kbd { "u" } }
                },
                None => {},
            }
        }
    }
}

fn where_it_is(look: &Look<'_>, d: &Discussion) -> String {
    if d.other { look.t("page.place_other").to_owned() } else { format!("#{} {}", d.number, d.title) }
}

fn entry(look: &Look<'_>, one: &Unsure, first: bool) -> Markup {
    let d = &one.discussion;
    html! {
        article.card.unsure id={ "post-" (one.post.id) } {
            p.unsure-where { (one.project) " · " (look.ago(one.post.created_at)) }
            ol.unsure-said {
                @for before in &one.before { (line(look, before, &one.files, false)) }
                (line(look, &one.post, &one.files, true))
                @for after in &one.after { (line(look, after, &one.files, true)) }
            }
            p.unsure-now {
                (look.t(if one.opens { "page.unsure_opens" } else { "page.unsure_now" })) " "
                a href={ "/d/" (d.number) "#post-" (one.post.id) } { "#" (d.number) " " (d.title) }
                @if let Some(why) = why_line(look, &one.post.evidence) { span.faint { " · " (why) } }
            }
            (answers(look, (&one.post, d.number), (&one.others, one.opens), "unsure", first))
        }
    }
}

fn line(look: &Look<'_>, post: &Post, files: &BTreeMap<PostId, Vec<FileView>>, marked: bool) -> Markup {
    let author = if post.author.is_empty() { look.word("person", "unknown") } else { post.author.clone() };
    html! {
        li.marked[marked] {
            span.unsure-who { (author) " " (look.clock(post.created_at)) }
            @if let Some(files) = files.get(&post.id).filter(|f| !f.is_empty()) {
                (draw_files(look, files, Role::Staff))
            } @else if post.body.is_empty() {
                span.faint { (kind(look, post)) }
            } @else {
                span.words { (words(&post.body, &post.details, &BTreeMap::new())) }
            }
        }
    }
}

fn kind(look: &Look<'_>, post: &Post) -> String {
    match post.kind.as_str() {
        kind @ ("image" | "video" | "audio" | "file" | "location" | "sticker") => look.word("message", kind),
        _ => look.t("page.retracted").to_owned(),
    }
}

/// One tap each: it is right where it is (`here`), one of the next best, a matter of its own where it is none yet (`opens`). `keys`: the answers
/// have keys here.
pub(super) fn answers(
    look: &Look<'_>,
    (post, here): (&Post, i64),
    (others, opens): (&[(i64, String)], bool),
    back: &str,
    keys: bool,
) -> Markup {
    let key = |key: &'static str| keys.then_some(key);
    html! {
        form.answers method="post" action={ "/posts/" (post.id) "/place" } {
            input type="hidden" name="back" value=(back);
            input type="hidden" name="with" value="burst";
            input type="hidden" name="was" value=(here);
            button.button.plain type="submit" name="to" value="here" data-key=[key("y")] { (look.t("page.place_right")) @if keys { kbd { "y" } } }
            @for ((number, title), nth) in others.iter().zip(["1", "2"]) {
                button.button.plain.answer-other type="submit" name="number" value=(number) data-key=[key(nth)] {
                    span { "#" (number) " " (title) } @if keys { kbd { (nth) } }
                }
            }
            @if !opens {
                button.button.plain type="submit" name="to" value="new" data-key=[key("n")] { (look.t("page.place_new")) @if keys { kbd { "n" } } }
            }
        }
    }
}
