//! Samples of the pages of announcements.

use maud::Markup;

use super::at;
use crate::discussions::AnnouncementCost;
use crate::domain::{AnnouncementId, ChatId, ChatKind, DeliveryStatus, PersonId, ProjectId, Via, Why};
use crate::store::announcements::{Announcement, Became, Reach};
use crate::web::templates::announcements::{Draft as Announcing, Form, Preview, Whole};
use crate::web::templates::{Look, announcements};

/// The form, the preview and the page of announcements, with all that can become of one.
pub(super) fn announced(look: &Look<'_>) -> Vec<Markup> {
    let reach = |n: i64, name: &str, heads| Reach {
        project: ProjectId(n / 2),
        project_key: format!("p{}", n / 2),
        project_name: "<b>".into(),
        chat: ChatId(n),
        chat_name: name.into(),
        chat_kind: ChatKind::Group,
        inbox: "line/main".into(),
        heads,
        in_reach: n < 3,
    };
    let reach = vec![reach(1, "<b>", Some(8)), reach(2, "", None), reach(3, "b", Some(3))];
    let announcement = |withdrawn_at| Announcement {
        id: AnnouncementId(1),
        by: PersonId(1),
        by_name: "<b>".into(),
        body: "<b> ".repeat(40),
        urgent: true,
        created_at: at(-5),
        withdrawn_at,
        waiting: 1,
        free: 2,
        pushed: 3,
        failed: 4,
        dropped: 5,
        heads: 24,
        mailed: 2,
    };
    let became = |status, via, reason: Option<&str>, deadline_at| Became {
        project_key: "p1".into(),
        project_name: "<b>".into(),
        chat: "C1".into(),
        chat_name: "<b>".into(),
        chat_kind: ChatKind::Group,
        status,
        via,
        heads: 8,
        sent_at: None,
        deadline_at,
        reason: reason.map(str::to_owned),
    };
    let groups = vec![
        became(DeliveryStatus::Pending, None, None, at(9)),
        became(DeliveryStatus::Pending, None, Some("quiet hours"), at(-9)),
        became(DeliveryStatus::Pending, Some(Via::LinePush), None, at(-9)),
        became(DeliveryStatus::Sent, Some(Via::LineReply), None, at(-9)),
        became(DeliveryStatus::Sent, Some(Via::LinePush), None, at(-9)),
        became(DeliveryStatus::Failed, None, Some("<b>"), at(-9)),
        became(DeliveryStatus::Dropped, None, Some(Why::Withdrawn.as_str()), at(-9)),
    ];
    let draft = Announcing { form: "f".into(), text: "<b>".into(), projects: vec!["p1".into()], urgent: true, back: false };
    let earlier = [1, 5].map(|n| announcements::Earlier { announcement: announcement(None), projects: vec!["<b>".into(); n] }).into();
    let cost = |left| AnnouncementCost { account: "<b>".into(), groups: 3, heads: 12, uncounted: 1, left };
    vec![
        announcements::form(look, &Form { draft: Announcing::default(), reach: vec![], earlier: vec![], trouble: None }),
        announcements::form(look, &Form { draft: draft.clone(), reach: reach.clone(), earlier, trouble: Some("<b>".into()) }),
        announcements::preview(look, &Preview { draft, reach, costs: vec![cost(Some(5)), cost(None)] }),
        announcements::whole(look, &Whole { announcement: announcement(None), groups: groups.clone() }),
        announcements::whole(look, &Whole { announcement: announcement(Some(at(-1))), groups }),
    ]
}
