//! Staff tell the groups of chosen projects something. It is a notice for each of their chats and no discussion.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::budget::account_month;
use super::{Viewer, patience};
use crate::App;
use crate::domain::{ANNOUNCEMENT_UNITS_MAX, Announced, AnnouncementId, Inbox, NoticeKind, ProjectId, Why};
use crate::store::announcements::{Announcement, Reach};
use crate::store::notices::{NewNotice, Target};
use crate::store::{self, Tx, announcements, chats, notices};

/// Chats that one announcement can reach.
const CHATS_MAX: i64 = 2_000;

/// What is to be announced.
#[derive(Clone, Copy, Debug)]
pub struct Announcing<'a> {
    /// The form's or call's own name: the same name of the same person is the same announcement.
    pub form: &'a str,
    pub text: &'a str,
    /// Pushed at once, quiet hours or not, instead of waiting for a free ride until the projects' next digest.
    pub urgent: bool,
}

/// Why something cannot be announced.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    #[error("the text is empty")]
    Empty,
    #[error("the text has {units} UTF-16 units; LINE takes {ANNOUNCEMENT_UNITS_MAX}")]
    TooLong { units: usize },
    #[error("none of these projects has a LINE chat that the account is in")]
    NoChats,
    /// A project of which the viewer is no staff.
    #[error("there is no project {0:?}")]
    NotFound(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An announcement, and whether this call made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    pub id: AnnouncementId,
    pub is_new: bool,
}

/// The chats of the projects with these keys, or of all that the viewer is staff of.
pub async fn choose(c: &mut AnyConnection, viewer: &Viewer, keys: Option<&[String]>) -> Result<Vec<Reach>, AnnounceError> {
    let all = announcements::reach(c, viewer.limit(), CHATS_MAX).await?;
    let Some(keys) = keys else { return Ok(all) };
    for key in keys {
        let is_staff = viewer.project(c, key).await?.is_some_and(|(_, role)| role.is_staff());
        if !is_staff {
            return Err(AnnounceError::NotFound(key.clone()));
        }
    }
    Ok(all.into_iter().filter(|r| keys.contains(&r.project_key)).collect())
}

/// The text as it is announced.
fn plain(text: &str) -> Result<String, AnnounceError> {
    // As a browser's form and a script's JSON mean the same.
    let text = text.replace("\r\n", "\n").replace('\0', "").trim().to_owned();
    let units = text.encode_utf16().count();
    match units {
        0 => Err(AnnounceError::Empty),
        _ if units > ANNOUNCEMENT_UNITS_MAX => Err(AnnounceError::TooLong { units }),
        _ => Ok(text),
    }
}

/// Promises it to these chats, exactly once.
pub async fn announce(tx: &mut Tx, app: &App, viewer: &Viewer, new: Announcing<'_>, to: &[Reach]) -> Result<Made, AnnounceError> {
    let text = plain(new.text)?;
    let form = format!("{}:{}", viewer.person, new.form);
    if let Some(id) = announcements::of_form(tx, &form).await? {
        return Ok(Made { id, is_new: false });
    }
    if to.is_empty() {
        return Err(AnnounceError::NoChats);
    }
    let now = app.clock.now();
    let Some(id) = announcements::add(tx, &form, viewer.person, (&text, new.urgent), now).await? else {
        // The same form was faster by another way.
        let id = announcements::of_form(tx, &form).await?.ok_or(store::Error::RowNotFound)?;
        return Ok(Made { id, is_new: false });
    };
    let detail = Announced { text, urgent: new.urgent }.to_json();
    let mut deadlines: BTreeMap<ProjectId, Timestamp> = BTreeMap::new();
    for reach in to {
        let deadline_at = match deadlines.get(&reach.project) {
            _ if new.urgent => now,
            Some(known) => *known,
            None => patience::deadline(tx, app, reach.project, NoticeKind::Announced, now).await?,
        };
        deadlines.insert(reach.project, deadline_at);
        let notice = NewNotice {
            kind: NoticeKind::Announced,
            discussion: None,
            post: None,
            target: Target::Chat(reach.chat),
            due_at: now,
            deadline_at,
            now,
            detail: Some(detail.clone()),
            expires_at: None,
        };
        let notice = notices::add(tx, &notice).await?;
        announcements::add_notice(tx, id, notice).await?;
    }
    Ok(Made { id, is_new: true })
}

/// Takes back what has not left yet; what has is not LINE's to take back. Only its author and admins may.
pub async fn withdraw(tx: &mut Tx, app: &App, viewer: &Viewer, announcement: &Announcement) -> store::Result<bool> {
    if !viewer.is_admin && viewer.person != announcement.by {
        return Ok(false);
    }
    announcements::withdraw(tx, announcement.id, app.clock.now()).await?;
    for chat in announcements::waiting(tx, announcement.id).await?.into_iter().filter_map(|(_, chat)| chat) {
        // What is being frozen at this moment leaves.
        chats::lock(tx, app.db.dialect, chat).await?;
    }
    let waiting: Vec<_> = announcements::waiting(tx, announcement.id).await?.into_iter().map(|(notice, _)| notice).collect();
    notices::drop_all(tx, &waiting, Why::Withdrawn.as_str()).await?;
    announcements::end_cancelled(tx, announcement.id, (Why::Cancelled.as_str(), Why::Withdrawn.as_str())).await?;
    Ok(true)
}

/// What an announcement would cost on one LINE account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncementCost {
    /// The account's name in the configuration.
    pub account: String,
    /// Those that LINE takes messages for.
    pub groups: usize,
    /// People in them, and messages billed if all of them were pushed.
    pub heads: i64,
    /// Groups of which LINE has not told how many are in them; counted as one person each.
    pub uncounted: usize,
    /// Messages that may still be billed this month, where that is known.
    pub left: Option<i64>,
}

/// What it would cost, account by account.
pub async fn costs(c: &mut AnyConnection, app: &App, to: &[Reach]) -> store::Result<Vec<AnnouncementCost>> {
    let mut by_inbox: BTreeMap<&str, Vec<&Reach>> = BTreeMap::new();
    for reach in to.iter().filter(|r| r.in_reach) {
        by_inbox.entry(&reach.inbox).or_default().push(reach);
    }
    let mut costs = vec![];
    for (inbox, reached) in by_inbox {
        costs.push(AnnouncementCost {
            account: Inbox::stored(inbox.to_owned()).name().to_owned(),
            groups: reached.len(),
            heads: reached.iter().map(|r| r.heads.unwrap_or(1)).sum(),
            uncounted: reached.iter().filter(|r| r.heads.is_none()).count(),
            left: account_month(c, app, &Inbox::stored(inbox.to_owned())).await?.left(),
        });
    }
    Ok(costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_one_message_of_lines() {
        assert_eq!(plain(" 停水公告\r\n明天 ").unwrap(), "停水公告\n明天");
        assert!(matches!(plain("\r\n\0 "), Err(AnnounceError::Empty)));
        assert!(plain(&"水".repeat(5_000)).is_ok());
        assert!(matches!(plain(&"🚰".repeat(2_501)), Err(AnnounceError::TooLong { units: 5_002 })));
    }
}
