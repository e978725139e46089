//! Every template in every language, from samples.

mod accounts;
mod announced;
mod stream;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::Markup;

use super::bill::{Bill, Share};
use super::cost::{Cost, Waiting};
use super::discussion::{Draft, Mails, Shown, discussion};
use super::discussions::{Asked, List, Row, list};
use super::error::{Wrong, error};
use super::files::FileView;
use super::group::{Group, Person};
use super::groups::Groups;
use super::inbound::{Shown as Arrived, inbound};
use super::listening::Listening;
use super::login::{Login, login};
use super::mail_switch::{Switch, mail_switch};
use super::me::{Me, me};
use super::notices::{self, Notices};
use super::post::{Beside, PostView};
use super::project_times::{DaysOffView, TimesView, days_off, times};
use super::projects::{ProjectView, list as project_list, project};
use super::scripts::Scripts;
use super::told::NoticeView;
use super::{Look, group, groups, held, trouble};
use crate::discussions::Wish;
use crate::domain::{
    AttachmentId, Audience, ChatId, ChatKind, CorrectionKind, DeliveryId, DeliveryStatus, Details, DiscussionId, Emoji, Ended, Gap,
    GapKind, Happening, InboundId, Inbox, LISTENED, LineChatId, Mention, Mentioned, NoticeId, NoticeKind, NotifyTokenId, PersonId, Place,
    PostId, ProjectId, ProjectKind, Role, Source, Span, Status, Sticker, Via, Way, Why, ways,
};
use crate::i18n::Locale;
use crate::store::attachments::{Attachment, AttachmentStatus, Thumbnail};
use crate::store::chats::Chat;
use crate::store::corrections::Correction;
use crate::store::discussion_events::DiscussionEvent;
use crate::store::discussions::Discussion;
use crate::store::held_mails::{HeldMail, HeldWhy, MailDecision};
use crate::store::identities::{Bounced, Identity};
use crate::store::inbound::{InboundStatus, Listed};
use crate::store::mail_posts::FromElsewhere;
use crate::store::members::Member;
use crate::store::notice_lists::{Listed as Notice, Ride};
use crate::store::notify_tokens;
use crate::store::posts::Post;
use crate::store::projects::Project;
use crate::store::rosters::{Friendship, InChat};
use crate::store::versions::Version;
use crate::threading::Evidence;
use crate::web::templates::unsure::{JustNow, Undo, Unsure, Week};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + minute * 60).unwrap()
}

fn sample_discussion(status: Status) -> Discussion {
    Discussion {
        id: DiscussionId(1),
        number: 12,
        project: ProjectId(1),
        title: "<b>發票</b>".into(),
        status,
        assignee: Some(PersonId(2)),
        urgent: true,
        chat: Some(ChatId(1)),
        source: Source::Line,
        opened_at: at(-3000),
        last_post_at: at(-1),
        merged_into: None,
        other: false,
    }
}

fn post(id: i64, kind: &str, evidence: &str) -> Post {
    Post {
        id: PostId(id),
        discussion: DiscussionId(1),
        person: Some(PersonId(id)),
        author: String::new(),
        role: if id % 2 == 0 { Role::Staff } else { Role::Client },
        source: Source::ALL[usize::try_from(id).unwrap() % Source::ALL.len()],
        internal: id % 4 == 0,
        chat: None,
        external_id: None,
        kind: kind.into(),
        body: "<script>alert(1)</script> https://example.com/".into(),
        whole: Some("整封<信>".into()),
        evidence: evidence.into(),
        created_at: at(id * 700 - 30_000),
        edited_at: Some(at(-5)),
        retracted_at: None,
        details: details(kind),
        image_set: None,
        quotes: None,
        edit_only: id % 7 == 0,
        class: None,
    }
}

/// What a post of this kind has beside its words.
fn details(kind: &str) -> Details {
    let span = Span { start: 0, end: 8 };
    Details {
        mentions: vec![Mention { at: span, whom: Mentioned::User("U1".into()) }],
        emoji: vec![Emoji { at: Span { start: 9, end: 14 }, product: "p".into(), emoji: "1".into() }],
        sticker: (kind == "sticker").then(|| Sticker { keywords: vec!["<b>".into(), "hi".into()], ..Sticker::default() }),
        place: (kind == "location").then(|| Place {
            title: Some("<b>".into()),
            address: Some("台北".into()),
            degrees: Some((25.0, 121.5)),
        }),
        image_set: None,
        url: Some("https://example.com/?a=\"><b>".into()),
        duration_ms: (kind == "video").then_some(61_000),
    }
}

fn file(id: i64, status: AttachmentStatus, content_type: &str) -> FileView {
    let file = Attachment {
        id: AttachmentId(id),
        post: PostId(1),
        name: "a\"<.pdf".into(),
        content_type: content_type.into(),
        size: Some(12_345),
        sha256: None,
        status,
        inbox: None,
        message_id: None,
        attempts: 1,
        error: Some("HTTP 500".into()),
        thumbnail: Thumbnail::default(),
    };
    FileView { file, url: format!("/files/{id}/a.pdf"), again: id % 2 == 0 }
}

/// A notice of every kind and status, on every ride, to every sort of destination, for every reason.
fn told() -> Vec<NoticeView> {
    let mut told = vec![];
    let reasons = Why::ALL.iter().flat_map(|why| [why.as_str().to_owned(), why.quoting("<b>403")]);
    let mut reasons = reasons.chain(["quota <b>used up".to_owned()]).map(Some).chain([None]).cycle();
    let mut kinds = NoticeKind::ALL.iter().cycle();
    for status in DeliveryStatus::ALL {
        for via in [None, Some(Via::LineReply), Some(Via::LinePush), Some(Via::Email)] {
            for chat in [None, Some(String::new()), Some("客戶<b>群".to_owned())] {
                for (due, deadline, attempts) in [(-5, -5, 0), (-5, 5, 1), (5, 10, 2), (-5, 3000, 3)] {
                    let ride = via.map(|via| Ride {
                        delivery: DeliveryId(1),
                        via,
                        attempts,
                        unanswered: attempts % 2,
                        last_error: reasons.next().flatten().filter(|_| attempts > 0),
                        next_try_at: at(5),
                        sent_at: (*status == DeliveryStatus::Sent).then(|| at(0)),
                        heads: 8,
                    });
                    let row = notice(told.len(), *kinds.next().unwrap(), *status, chat.clone(), (due, deadline));
                    told.push(NoticeView { row: Notice { reason: reasons.next().flatten(), ride, ..row }, pushed_at: Some(at(deadline)) });
                }
            }
        }
    }
    told
}

fn notice(n: usize, kind: NoticeKind, status: DeliveryStatus, chat: Option<String>, (due, deadline): (i64, i64)) -> Notice {
    let n = i64::try_from(n).unwrap();
    let number = (n % 5 > 0).then_some(if n % 7 == 0 { -3 } else { 12 });
    Notice {
        id: NoticeId(n),
        kind,
        status,
        reason: None,
        due_at: at(due),
        deadline_at: at(deadline),
        created_at: at(-6),
        digest: chat.is_none() && n % 3 == 0,
        post: Some(PostId(1)).filter(|_| number.is_some()),
        discussion_number: number,
        discussion_title: number.map(|_| "<b>發票".into()),
        project: Some(ProjectId(1)),
        project_name: Some("專案<b>".into()),
        chat: chat.as_ref().map(|_| ChatId(n % 9)),
        chat_target: chat.as_ref().map(|_| "C1".into()),
        members: chat.as_ref().and((n % 2 == 0).then_some(8)),
        person: Some(PersonId(n % 4)).filter(|_| chat.is_none()),
        person_name: Some("林<小>美".to_owned()).filter(|_| chat.is_none() && n % 4 > 0),
        email: Some("<b>@c".to_owned()).filter(|_| chat.is_none() && n % 8 > 0),
        script: Some("備份<b>".to_owned()).filter(|_| kind == NoticeKind::Scripted),
        chat_name: chat,
        ride: None,
    }
}

/// Months that are over budget, within it, just begun, and without any notice.
fn bills() -> Vec<Bill> {
    let today = jiff::civil::date(2026, 11, 18);
    let share =
        Share {
            account: "<b>".into(), project: "專案<b>".into(), notices: 1200, free: 900, pushes: 30, heads: 240, heads_if_pushed: 9600
        };
    let full = Bill {
        now: at(0),
        today,
        ours: (1..=18).map(|d| d * 13).collect(),
        each: (1..=18).map(|d| d * 90).collect(),
        forecast: crate::domain::forecast(
            &(1..=18).map(|d| (jiff::civil::date(2026, 11, d), 13)).collect(),
            jiff::civil::date(2026, 11, 1),
            today,
            |day| crate::domain::Calendar::plain(TimeZone::UTC, None).kind_of(day),
        ),
        ceiling: Some(300),
        shares: vec![share.clone(), Share { heads: 0, ..share }],
    };
    vec![
        Bill { ceiling: Some(200), ..full.clone() },
        Bill { ceiling: Some(20_000), forecast: None, ..full.clone() },
        Bill { ours: vec![0; 18], each: vec![0; 18], ceiling: None, forecast: None, shares: vec![], ..full.clone() },
        full,
    ]
}

fn desks(projects: &[Project]) -> Vec<Notices> {
    let asked = |status| notices::Asked { status, kind: None, project: None, to: String::new(), number: None };
    let mut desks = vec![];
    for (status, bill) in DeliveryStatus::ALL.iter().zip(bills()) {
        let rows: Vec<NoticeView> = told().into_iter().filter(|t| t.row.status == *status).collect();
        let full = Notices {
            asked: asked(*status),
            rows,
            waiting: 1000,
            failed: 3,
            projects: projects.to_vec(),
            next: Some("1-2".into()),
            continued: false,
            bill: Some(bill),
            cancelled: Some(NoticeId(3)),
        };
        desks.push(Notices { rows: vec![], next: None, ..full.clone() });
        let filtered = notices::Asked { kind: Some(NoticeKind::Answered), to: "<b>".into(), number: Some(7), ..asked(*status) };
        desks.push(Notices { asked: filtered, rows: vec![], continued: true, bill: None, ..full.clone() });
        desks.push(full);
    }
    desks
}

/// Why posts are where they are, as it is kept.
const EVIDENCE: [&str; 23] = [
    r#"{"rule":"quote","quoted":"612"}"#,
    r#"{"rule":"quoted_by","message":"612"}"#,
    r#"{"rule":"introduces"}"#,
    r#"{"rule":"same_chat","seconds_since_last_post":-61}"#,
    r#"{"rule":"nothing"}"#,
    r#"{"rule":"reply_address","number":7}"#,
    r#"{"rule":"answers_mail","message_id":"a@b"}"#,
    r#"{"rule":"subject_tag","number":7}"#,
    r#"{"rule":"number","number":7}"#,
    r#"{"rule":"reply_here","number":7}"#,
    r#"{"rule":"parted","from":7}"#,
    r#"{"rule":"directly"}"#,
    r#"{"rule":"corrected","by":"林","from":3}"#,
    r#"{"rule":"threader","class":"likely","percent":74,"why":[{"why":"quote"},{"why":"burst","seconds":5},{"why":"same_person"},{"why":"other_person"},{"why":"minutes","minutes":3},{"why":"hours","hours":5}],"alternatives":[3]}"#,
    r#"{"rule":"threader","class":"likely","percent":74,"why":[{"why":"days","days":2},{"why":"latest"},{"why":"shares","words":"<b>報價單"},{"why":"no_words_shared"},{"why":"named"},{"why":"answers"},{"why":"other_side"}],"alternatives":[3]}"#,
    r#"{"rule":"threader","class":"likely","percent":74,"why":[{"why":"picture"},{"why":"small_talk"},{"why":"brings_up"},{"why":"turns"},{"why":"chatter"},{"why":"state"}],"alternatives":[3]}"#,
    r#"{"rule":"threader","class":"sure","percent":99,"why":[],"alternatives":[]}"#,
    r#"{"rule":"long_done","number":4}"#,
    r#"{"rule":"passed_on","by":"<b>"}"#,
    r#"{"rule":"something_new"}"#,
    r#"{"rule":"accepted","by":"林"}"#,
    "not json",
    "{}",
];

fn posts() -> Vec<PostView> {
    const KINDS: [&str; 10] =
        ["text", "sticker", "image", "video", "audio", "file", "location", "mail", "unsupported:imagemap", "unsupported:<b>"];
    let files = || {
        let kinds = ["image/png", "video/mp4", "audio/mp4; x=y", "application/pdf", "image/svg+xml", "text/html"];
        let ready = kinds.into_iter().map(|k| file(1, AttachmentStatus::Ready, k));
        let seen = ["image/png", "video/mp4"].map(|kind| {
            let mut view = file(3, AttachmentStatus::Ready, kind);
            view.file.thumbnail = Thumbnail { sha256: Some("00".into()), size: Some((4032, 3024)), at: Some(at(0)), attempts: 1 };
            view
        });
        let rest = AttachmentStatus::ALL.iter().flat_map(|s| [file(2, *s, "x/y"), file(4, *s, "image/jpeg")]);
        ready.chain(seen).chain(rest).collect::<Vec<_>>()
    };
    let mut views = vec![];
    for (n, id) in (1..=24).enumerate() {
        let mut post = post(id, KINDS[n % KINDS.len()], EVIDENCE[n % EVIDENCE.len()]);
        if n % 5 == 4 {
            post.body = String::new();
        }
        if n == 23 {
            post.retracted_at = Some(at(0));
            post.body = String::new();
            post.whole = None;
        }
        let (files, told) = if n % 3 == 0 { (files(), told()) } else { (vec![], vec![]) };
        let version = |minute| Version { post: post.id, at: at(minute), body: "<b>".into(), details: details("text") };
        let versions = if n % 4 == 0 { vec![version(-9), version(-5)] } else { vec![] };
        let names = BTreeMap::from([("U1".to_owned(), "<b>\"".to_owned())]);
        let post = Post { class: (n % 5 == 0).then(|| "likely".to_owned()), ..post };
        let elsewhere = (n % 6 == 1).then(|| FromElsewhere { post: post.id, address: "<b>@c".into(), linked: n % 12 == 1 });
        views.push(PostView {
            post,
            files,
            told,
            versions,
            names,
            others: vec![(9, "<b>".into())],
            opens: n == 0,
            may_move: n % 2 == 0,
            may_rest: n % 2 == 0,
            elsewhere,
        });
    }
    views
}

fn gap(kind: GapKind, n: usize) -> Gap {
    let n = i64::try_from(n).unwrap();
    Gap { kind, from: at(n * 700 - 29_000), to: Some(at(n * 700 - 29_000 + n * 60)) }
}

fn lasting() -> Gap {
    Gap { kind: GapKind::Left, from: at(-60), to: None }
}

fn sample_chat(n: i64, bound: bool) -> Chat {
    Chat {
        id: ChatId(n),
        inbox: Inbox::line("main"),
        external_id: LineChatId(format!("C{n}")),
        kind: ChatKind::ALL[usize::try_from(n).unwrap() % ChatKind::ALL.len()],
        name: if n == 1 { String::new() } else { format!("群組<b>{n}") },
        project: ProjectId(1),
        bound,
        member_count: (n > 1).then_some(5),
        named_at: None,
        last_event_at: Some(at(-7)),
        left_at: None,
        unreachable: None,
    }
}

fn person(n: i64) -> Person {
    let friendship = [None, Some(Friendship::Friend), Some(Friendship::Blocked)][usize::try_from(n).unwrap() % 3];
    let known = InChat {
        person: PersonId(n),
        name: if n == 1 { String::new() } else { "王<b>".into() },
        joined_at: (n > 2).then(|| at(-90)),
        seen_at: at(-5),
        left_at: (n > 3).then(|| at(-3)),
        friendship,
        picture: None,
    };
    let former_names = if n == 3 { vec!["小王<b>".into(), "阿王".into()] } else { vec![] };
    Person { known, picture: (n == 2).then(|| "/people/2/picture?v=ab".to_owned()), former_names }
}

/// The list and every chat's own page, for admins and others.
fn chat_pages(look: &Look<'_>, project: impl Fn(i64) -> Project) -> Vec<Markup> {
    let gaps = |n: i64| match n {
        0 => vec![],
        1 => vec![gap(GapKind::Stopped, 1), lasting()],
        2 => vec![Gap { kind: GapKind::Inactive, ..lasting() }],
        _ => vec![Gap { kind: GapKind::Unplaced, from: at(-9), to: Some(at(-9)) }],
    };
    let row = |n: i64, bound: bool| groups::Row { chat: sample_chat(n, bound), project: project(n), gaps: gaps(n) };
    let mut pages = vec![];
    for is_admin in [true, false] {
        let rows = (0..4).flat_map(|n| [row(n, true), row(n, false)]).collect();
        let to_choose = vec![project(1), project(2)];
        let full = Groups { rows, to_choose: to_choose.clone(), is_admin, next: Some(1), continued: true };
        pages.push(groups::groups(look, &Groups { rows: vec![], next: None, ..full.clone() }));
        pages.push(groups::groups(look, &full));
        for bound in [true, false] {
            for n in 0..4 {
                let people = if n == 0 { vec![] } else { (1..6).map(person).collect() };
                let (is_configured, just_bound) = (n != 2, n == 3);
                let shown = Group { row: row(n, bound), people, to_choose: to_choose.clone(), is_admin, is_configured, just_bound };
                pages.push(group::group(look, &shown));
            }
        }
    }
    pages
}

fn events() -> Vec<DiscussionEvent> {
    let all = [
        Happening::Status { from: Status::Open, to: Status::Resolved },
        Happening::Assignee { to: Some("<b>林</b>".into()) },
        Happening::Assignee { to: None },
        Happening::Title { to: "<b>發票</b>".into() },
        Happening::Urgent { to: true },
        Happening::Urgent { to: false },
        Happening::NotSolved {},
        Happening::Merged { from: 1 },
        Happening::Split { to: 2 },
        Happening::SplitFrom { from: 3 },
        Happening::MovedHere { from: 4 },
        Happening::MovedAway { to: 5 },
        Happening::MailAccepted { from: "<b>@c".into() },
        Happening::MailDismissed { from: String::new() },
        Happening::MailHeldAgain { from: "a@b".into() },
        Happening::AddressLinked { address: "a@b".into() },
        Happening::AddressUnlinked { address: "a@b".into() },
        Happening::AutoReplied { text: "<b>休假".into() },
        Happening::Bounced { address: "a@b".into(), reason: "<b>5.1.1".into() },
        Happening::PassedOn {},
        Happening::Continues { from: 6 },
        Happening::ContinuedIn { to: 7 },
    ];
    let event = |(n, what): (usize, Happening)| {
        let n = i64::try_from(n).unwrap();
        let by = if n % 3 == 0 { String::new() } else { "林<小>美".to_owned() };
        DiscussionEvent { id: n, at: at(n * 900 - 30_000), person: None, by, via: Source::Line, what }
    };
    all.into_iter().enumerate().map(event).collect()
}

fn correction(kind: CorrectionKind) -> Correction {
    Correction {
        id: 1,
        at: at(-1),
        person: None,
        kind,
        from: DiscussionId(1),
        to: DiscussionId(2),
        title: None,
        ended: Ended::default(),
        undone_at: None,
        by: "<b>".into(),
        numbers: (1, -2),
        posts: 2,
    }
}

fn unsures() -> Vec<Unsure> {
    let marked = |id, kind| Unsure {
        post: Post {
            class: Some("likely".into()),
            ..post(
                id,
                kind,
                r#"{"rule":"threader","class":"likely","percent":60,"why":[{"why":"shares","words":"<b>"}],"alternatives":[]}"#,
            )
        },
        discussion: sample_discussion(Status::Open),
        opens: id == 1,
        project: "<b>".into(),
        before: vec![post(5, "text", "{}"), Post { body: String::new(), ..post(6, "sticker", "{}") }],
        after: vec![post(7, "text", "{}")],
        files: BTreeMap::new(),
        others: vec![(1, "<b>".into()), (2, String::new())],
    };
    vec![marked(1, "text"), marked(2, "image")]
}

fn shown(role: Role, status: Status) -> Shown {
    Shown {
        discussion: sample_discussion(status),
        project: "宏達<工業>".into(),
        project_key: "acme".into(),
        events: events(),
        chat: Some("客戶群".into()),
        assignee: Some("林小美".into()),
        role,
        staff: vec![(PersonId(2), "林小美".into())],
        mails: Mails {
            to_reader: [None, Some(true), Some(false)][status as usize % 3],
            watchers: vec![(PersonId(3), "<b>".into()), (PersonId(4), String::new())],
        },
        posts: posts(),
        beside: Beside {
            number: 7,
            gaps: GapKind::ALL.iter().enumerate().map(|(n, kind)| gap(*kind, n)).chain([lasting()]).collect(),
            pictures: [(PersonId(2), "/people/2/picture?v=ab".to_owned())].into(),
            waiting: waiting(),
            cost: Some(Cost { people: 8, left: Some(412), out_of_reach: false, unwanted: false, held_back: None }),
        },
        undoable: CorrectionKind::ALL.iter().map(|kind| correction(*kind)).collect(),
        earlier: 3,
        draft: Draft {
            form_id: "x".into(),
            body: "</textarea><b>".into(),
            internal: true,
            status: Some(Status::Waiting),
            trouble: Some("t".into()),
            told: None,
        },
        trouble: Some("t".into()),
        held: held_mails(),
        bounced: vec![Bounced { name: "<b>".into(), address: "a@b".into(), at: at(-9), reason: "\"<b>".into() }],
    }
}

fn token(n: i64, name: &str, chat_name: &str, last_used_at: Option<Timestamp>) -> notify_tokens::Listed {
    notify_tokens::Listed {
        id: NotifyTokenId(n),
        name: name.into(),
        project: ProjectId(1),
        project_key: "p1".into(),
        inbox: "line/main".into(),
        chat: "C1".into(),
        chat_name: chat_name.into(),
        chat_kind: ChatKind::Group,
        made_by: "<b>".into(),
        created_at: at(-99),
        last_used_at,
        calls: 12,
    }
}

/// Held, waiting for a free ride, and for the month to turn.
fn waiting() -> BTreeMap<PostId, Waiting> {
    let one = |due: i64, reason: Option<String>, may_undo| Waiting { due_at: at(due), deadline_at: at(due + 5), reason, may_undo };
    let spent = Why::QuotaSpent.to_string();
    [(PostId(1), one(1, None, true)), (PostId(2), one(-1, None, true)), (PostId(3), one(-1, Some(spent), false))].into()
}

/// One for every reason, waiting, accepted and dismissed.
fn held_mails() -> Vec<HeldMail> {
    let decisions = [None, Some(MailDecision::Accepted), Some(MailDecision::Dismissed)];
    let mail = |(n, (why, decision)): (i64, (&HeldWhy, Option<MailDecision>))| HeldMail {
        inbound: InboundId(n),
        status: if decision.is_none() { InboundStatus::Held } else { InboundStatus::Done },
        received_at: at(-n),
        discussion: (n % 2 == 0).then_some(DiscussionId(1)),
        project: ProjectId(1),
        project_name: "宏達<b>".into(),
        why: *why,
        person: Some(PersonId(2)),
        person_name: if n % 4 == 3 { String::new() } else { "王<b>".into() },
        from_address: if n % 5 == 4 { String::new() } else { "wang@<b>.example".into() },
        from_name: "王<b>".into(),
        subject: "<b>發票".into(),
        words: "請看 https://example.com/<b>".into(),
        files: n % 3,
        decision,
        decided_by: "林<b>".into(),
        decided_at: decision.map(|_| at(-1)),
        linked: false,
        post: (decision == Some(MailDecision::Accepted)).then_some(PostId(3)),
    };
    let all = HeldWhy::ALL.iter().flat_map(|why| decisions.into_iter().map(move |decision| (why, decision)));
    (1..).zip(all).map(mail).collect()
}

fn arrivals() -> [Arrived; 2] {
    let row = |n: i64, kind: &str, status: InboundStatus, why: &str| Listed {
        id: InboundId(n),
        inbox: Inbox::line("main"),
        kind: kind.into(),
        external_id: "<b>01J".into(),
        status,
        received_at: at(-n),
        attempts: n,
        note: Some(why.to_owned()),
        error: (status == InboundStatus::Failed).then(|| "<script>".to_owned()),
        discussion_number: (n % 2 == 0).then_some(n),
    };
    let kinds = ["text", "mail", "", "quantum<b>", "unsend"];
    let whys = ["an automatic answer", "something <b>new", "the mail names no sender", "x", "y"];
    let rows = InboundStatus::ALL
        .iter()
        .zip(1..)
        .map(|(status, n)| row(n, kinds[usize::try_from(n).unwrap() - 1], *status, whys[usize::try_from(n).unwrap() - 1]));
    let mails = held_mails().into_iter().map(|mail| (mail.inbound, mail)).collect();
    let full = Arrived {
        status: Some(InboundStatus::Held),
        rows: rows.collect(),
        held: 3,
        failed: 0,
        next: Some("1".into()),
        continued: true,
        mails,
    };
    [Arrived { rows: vec![], status: None, ..full.clone() }, full]
}

fn every_page(look: &Look<'_>) -> Vec<Markup> {
    let mut pages = vec![
        login(look, &Login { next: "/d/1", email: "a@b", trouble: Some(look.t("login.wrong")), line: Some("/login/line") }),
        login(look, &Login::default()),
        trouble("x"),
    ];
    pages.extend([true, false].map(|on| mail_switch(look, &Switch { token: "aa", number: 12, on })));
    pages.extend(Wrong::ALL.into_iter().map(|w| error(look, w, 404)));
    for role in Role::ALL {
        for status in Status::ALL {
            pages.push(discussion(look, &shown(*role, *status)));
        }
    }
    let one = |n: i64| Project {
        id: ProjectId(n),
        key: format!("p{n}"),
        name: format!("專案<{n}>"),
        kind: ProjectKind::Client,
        status: "active".into(),
        created_at: at(0),
        excerpts: n % 2 == 0,
        reopen_days: 30 * (n % 2),
        monthly_budget: (n % 2 == 0).then_some(500),
    };
    pages.extend(sheets(look, &[one(1), one(2)]));
    let row = |(n, status): (usize, &Status)| Row {
        discussion: sample_discussion(*status),
        project: "宏達".into(),
        assignee: (n % 2 == 0).then(|| "林".into()),
    };
    pages.extend(announced::announced(look));
    pages.extend(accounts::pages(look));
    pages.push(held::list(look, &[], &[]));
    pages.push(held::list(look, &held_mails(), &held_mails()));
    pages.extend(arrivals().iter().map(|shown| inbound(look, shown)));
    let full = List {
        asked: Asked { status: Some(Status::Open), project: Some("p1".into()), q: "<q>".into(), mine: true },
        rows: Status::ALL.iter().enumerate().map(row).collect(),
        counts: vec![(Status::Open, 3)],
        projects: vec![one(1), one(2)],
        next: Some("1.2".into()),
        continued: true,
        is_staff: true,
        unsure: 3,
    };
    let weeks = [Week::default(), Week { ago: 1, silently: 9, corrected: 1, ..Week::default() }];
    let moved =
        JustNow { post: post(8, "text", "{}"), discussion: sample_discussion(Status::Open), late: false, undo: Some(Undo::Correction(3)) };
    pages.push(super::unsure::list(look, (&unsures(), Some(&moved)), 2, &weeks));
    let late = JustNow { post: post(9, "image", "{}"), late: true, undo: None, ..moved };
    pages.push(super::unsure::list(look, (&[], Some(&late)), 0, &[]));
    pages.push(list(look, &List { rows: vec![], ..full.clone() }));
    pages.push(list(look, &List { asked: Asked::default(), rows: vec![], ..full.clone() }));
    pages.push(list(look, &full));
    pages.extend(chat_pages(look, one));
    pages.extend(desks(&[one(1), one(2)]).iter().map(|desk| notices::notices(look, desk)));
    pages
}

fn sheets(look: &Look<'_>, projects: &[Project]) -> Vec<Markup> {
    let line = vec![
        Identity { id: 1, external_id: "U1".into(), name: "<b>".into() },
        Identity { id: 2, external_id: "U2".into(), name: String::new() },
    ];
    let account =
        Me { name: "<b>林".into(), emails: vec!["a@b".into()], is_staff: true, projects: projects.to_vec(), line, ..Me::default() };
    let chat = |n: i64, kind: ChatKind, left: bool| Chat {
        id: ChatId(n),
        inbox: Inbox::line("main"),
        external_id: "C1".into(),
        kind,
        name: if n % 2 == 0 { "<b>群".to_owned() } else { String::new() },
        project: ProjectId(1),
        bound: true,
        member_count: Some(5),
        named_at: None,
        last_event_at: None,
        left_at: left.then(|| at(0)),
        unreachable: (n > 2).then(|| (at(0), "<b>".to_owned())),
    };
    let member = |role: Role| Member { person: PersonId(1), name: "<b>".into(), role };
    let full = ProjectView {
        project: projects[0].clone(),
        members: Role::ALL.iter().map(|r| member(*r)).collect(),
        chats: vec![chat(1, ChatKind::Group, false), chat(2, ChatKind::Room, true), chat(3, ChatKind::User, false)],
        others: vec![(ChatId(1), -1, 3)],
        senders: vec!["@<b>.example".into()],
        held: held_mails(),
        spent: 12,
        listening: Audience::ALL.iter().map(|a| (*a, wishes(*a))).collect(),
        is_owner: true,
        code: Some("K7QF-3M9T".into()),
        scripts: Scripts {
            tokens: vec![token(1, "<b>", "", Some(at(-9))), token(2, "備份", "<b>", None)],
            made: Some("tn_0123".into()),
            name: "<b>".into(),
            trouble: Some("<b>".into()),
        },
    };
    let empty = ProjectView {
        project: projects[1].clone(),
        members: vec![],
        chats: vec![],
        others: vec![],
        senders: vec![],
        held: vec![],
        spent: 0,
        listening: vec![],
        is_owner: false,
        code: None,
        scripts: Scripts::default(),
    };
    vec![
        me(look, &Me { code: Some("K7QF-3M9T".into()), trouble: Some("t".into()), ..account.clone() }),
        me(look, &account),
        me(look, &Me { listening: listening(Some(projects[0].clone())), ..account.clone() }),
        me(look, &Me { listening: listening(None), ..account.clone() }),
        me(look, &Me::default()),
        project(look, &full),
        project(look, &empty),
        project_list(look, projects, true),
        project_list(look, &[], false),
        times(look, &times_view(&projects[0], true)),
        times(look, &times_view(&projects[1], false)),
        days_off(look, &DaysOffView { days: "2026-02-16 <b>\n".into(), trouble: Some("t".into()) }),
        days_off(look, &DaysOffView { days: String::new(), trouble: None }),
    ]
}

/// Every kind for an audience: not set, and set to each way that there is.
fn wishes(audience: Audience) -> Vec<Wish> {
    let all = LISTENED.into_iter().map(|kind| (kind, ways(kind, audience))).filter(|(_, ways)| !ways.is_empty());
    all.flat_map(|(kind, ways)| {
        let wish = move |set: Option<Way>| Wish { kind, set, otherwise: ways[0], ways };
        std::iter::once(wish(None)).chain(ways.iter().map(move |w| wish(Some(*w))))
    })
    .collect()
}

fn listening(here: Option<Project>) -> Listening {
    let is_staff = here.is_none();
    let audience = if is_staff { Audience::Staff } else { Audience::Client };
    Listening { wishes: wishes(audience), digest_at: "09:00".to_owned(), here, is_staff, has_line: false, saved: true }
}

/// Words of `page` that look like a key of the texts: its section, a dot, and small letters.
fn keys_shown(page: &str) -> Vec<&str> {
    const SECTIONS: [&str; 23] = [
        "kind.",
        "accounts.",
        "announce.",
        "told.",
        "reason.",
        "held.",
        "file.",
        "inbound.",
        "page.",
        "login.",
        "error.",
        "source.",
        "role.",
        "evidence.",
        "status.",
        "message.",
        "person.",
        "via.",
        "groups.",
        "gap.",
        "chat.",
        "why.",
        "mail.",
    ];
    page.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '_'))
        .filter(|word| SECTIONS.iter().any(|s| word.strip_prefix(s).is_some_and(|rest| !rest.is_empty())))
        .collect()
}

#[test]
fn every_page_is_whole_in_every_language() {
    let zone = TimeZone::get("Asia/Taipei").unwrap();
    for locale in Locale::ALL {
        for viewer in [None, Some("<林>")] {
            let look = Look { locale, zone: &zone, now: at(0), viewer, is_admin: viewer.is_some(), is_staff: viewer.is_some(), held: 3 };
            for page in every_page(&look) {
                let page = page.into_string();
                assert_eq!(keys_shown(&page), Vec::<&str>::new(), "{}", locale.tag());
                let unfilled = page.split('{').nth(1).map(|rest| &rest[..rest.floor_char_boundary(20)]);
                assert_eq!(unfilled, None, "{}", locale.tag());
                assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("style="), "something is not escaped");
            }
        }
    }
}

/// The type itself names its variants, in what it answers to a word that is none of them.
#[test]
fn every_reason_why_a_post_is_where_it_is_is_shown_in_this_test() {
    let answer = serde_json::from_str::<Evidence>(r#"{"rule":"-"}"#).unwrap_err().to_string();
    let rules: Vec<&str> = answer.split('`').skip(3).step_by(2).collect();
    assert!(rules.contains(&"threader") && rules.contains(&"passed_on"), "{answer}");
    for rule in rules {
        let known = EVIDENCE.iter().filter_map(|kept| Evidence::read(kept));
        assert!(known.map(|e| e.to_json()).any(|kept| kept.contains(&format!("\"rule\":\"{rule}\""))), "{rule} is missing");
    }
}

#[test]
fn a_key_that_is_missing_would_be_seen() {
    assert_eq!(keys_shown("<p>page.nothing_such</p> https://page.example"), ["page.nothing_such", "page.example"]);
}

fn times_view(project: &Project, full: bool) -> TimesView {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let own = [field("wait_answered", "minutes"), field("minutes_answered", "7"), field("quiet", "own"), field("quiet_from", "22:00")];
    let answers = if full { jiff::SignedDuration::from_secs(90) } else { jiff::SignedDuration::from_mins(5) };
    TimesView {
        project: project.clone(),
        fields: if full { own.into() } else { [field("wait_answered", "free_only")].into() },
        defaults: crate::domain::Patience { answers, own: std::collections::BTreeMap::new() },
        quiet_by_default: if full { "21:00-08:00".into() } else { String::new() },
        days: "2026-02-16 <b>\n".into(),
        common: if full { vec![(jiff::civil::date(2026, 2, 17), "<b>".into())] } else { vec![] },
        is_owner: full,
        trouble: full.then(|| "t".into()),
        days_trouble: full.then(|| "t".into()),
    }
}
