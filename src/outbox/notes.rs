//! What a mail tells that is no post: a sentence a notice.

use serde::Deserialize;

use crate::App;
use crate::discussions::MENTIONED;
use crate::domain::{NoticeKind, Status};
use crate::store::discussions::Discussion;
use crate::store::notices::Notice;

/// The sentences, each once, in the order of their notices.
pub(super) fn of(app: &App, discussion: &Discussion, notices: &[Notice]) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for note in notices.iter().filter_map(|n| note(app, discussion, n)) {
        if !all.contains(&note) {
            all.push(note);
        }
    }
    all
}

/// From which discussion to which something moved: a notice's detail.
#[derive(Deserialize)]
struct Moved {
    from: i64,
    to: i64,
}

fn note(app: &App, discussion: &Discussion, notice: &Notice) -> Option<String> {
    let texts = app.texts();
    let detail = notice.detail.as_deref().unwrap_or_default();
    Some(match notice.kind {
        _ if detail == MENTIONED => texts.get("mail.mentioned").to_owned(),
        NoticeKind::Bounced => texts.fill("mail.bounced", &[("address", detail)]),
        NoticeKind::CommandRefused => texts.fill("mail.order_refused", &[("line", detail)]),
        // As it stands when the mail leaves.
        NoticeKind::StatusChanged => {
            Status::find(detail)?;
            texts.fill("mail.status_changed", &[("status", texts.get(&format!("status.{}", discussion.status)))])
        }
        NoticeKind::Assigned => texts.get("mail.assigned").to_owned(),
        NoticeKind::Moved => {
            let moved: Moved = serde_json::from_str(detail).ok()?;
            texts.fill("mail.moved", &[("from", &moved.from.to_string()), ("to", &moved.to.to_string())])
        }
        NoticeKind::Task => texts.fill("mail.task", &[("what", detail)]),
        NoticeKind::TaskDue => texts.fill("mail.task_due", &[("what", detail)]),
        NoticeKind::NotSolved => {
            let time = notice.created_at.to_zoned(app.config.server.time_zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
            if detail.is_empty() {
                texts.fill("mail.not_solved_by_somebody", &[("time", &time)])
            } else {
                texts.fill("mail.not_solved", &[("name", detail), ("time", &time)])
            }
        }
        _ => return None,
    })
}
