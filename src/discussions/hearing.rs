//! How one person is told of one thing: by the way that they listen, or by the next best that there is.

use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use super::{own_project_key, patience};
use crate::App;
use crate::domain::{
    Audience, ChatId, ChatKind, Concern, Inbox, LineChatId, NoticeKind, PersonId, ProjectId, ProjectKind, Role, Set, Way, next_daily,
    next_hour,
};
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Target};
use crate::store::{Result, Tx, chats, listening, notices, persons, projects};

/// Who wrote to the account within this time gets its messages without being its friend (Messaging API reference, "Send push message"),
/// less an hour for what waits.
const WROTE_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);

/// A notice's detail where its post speaks to its reader by name.
pub const MENTIONED: &str = "{\"mentioned\":true}";

/// Somebody who is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub person: PersonId,
    /// Their part in the project.
    pub role: Role,
    pub concern: Concern,
}

/// What they are told, and when it leaves.
pub(super) struct News<'a> {
    pub project: ProjectId,
    /// Nothing of it waits.
    pub urgent: bool,
    /// Its target is for the listener to say.
    pub notice: &'a NewNotice,
}

/// Promises to tell them, by their way. Web only, or no way that leads to them: nothing is promised.
pub(super) async fn tell(tx: &mut Tx, app: &App, listener: &Listener, news: &News<'_>) -> Result<()> {
    let Listener { person, role, concern } = *listener;
    let set = listening::set_for(tx, person, (news.project, Audience::of(role)), news.notice.kind).await?;
    let mut way = concern.raise(set.way(news.notice.kind, role));
    if news.urgent && matches!(way, Way::Hourly | Way::Daily) {
        way = Way::Mail;
    }
    let (now, zone) = (news.notice.now, &app.config.server.time_zone);
    let presses = news.urgent || concern == Concern::Mentioned;
    // What a client is told can be taken back for as long as any answer, whomever it speaks to by name.
    let at_once = news.urgent || presses && role.is_staff();
    let due_at = if at_once { now } else { news.notice.due_at };
    let mentioned = (concern == Concern::Mentioned).then(|| MENTIONED.to_owned());
    let detail = news.notice.detail.clone().or(mentioned);
    let notice = NewNotice { due_at, deadline_at: due_at, detail, target: Target::Person(person), ..news.notice.clone() };
    match way {
        Way::Web | Way::Group => Ok(()),
        Way::Line => match own_chat(tx, app, person, now).await? {
            // One head is not much: their chat hears of everything as soon as a group hears an answer.
            Some(chat) => {
                let deadline_at =
                    if presses { due_at } else { patience::deadline(tx, app, news.project, NoticeKind::Answered, due_at).await? };
                notices::add(tx, &NewNotice { target: Target::Chat(chat), deadline_at, ..notice }).await.map(drop)
            }
            None => by_mail(tx, app, &notice, None).await,
        },
        Way::Mail => by_mail(tx, app, &notice, None).await,
        Way::Hourly => by_mail(tx, app, &notice, Some(next_hour(now, zone))).await,
        Way::Daily => {
            let minute = listening::digest_minute(tx, person).await?;
            by_mail(tx, app, &notice, Some(next_daily(now, minute, zone))).await
        }
    }
}

/// Promises to tell a client by mail what LINE cannot tell their group: at once or with their digest, as they listen, and not where they
/// themselves want to hear nothing of the kind. What the project says of its clients supposes that the group hears.
pub async fn tell_instead(tx: &mut Tx, app: &App, discussion: &Discussion, client: PersonId, notice: &NewNotice) -> Result<()> {
    let set = listening::set_for(tx, client, (discussion.project, Audience::Client), notice.kind).await?;
    let (now, zone) = (notice.now, &app.config.server.time_zone);
    let theirs = Set { project: None, ..set };
    match theirs.way(notice.kind, Role::Client) {
        Way::Web => Ok(()),
        Way::Hourly if !discussion.urgent => by_mail(tx, app, notice, Some(next_hour(now, zone))).await,
        Way::Daily if !discussion.urgent => {
            let minute = listening::digest_minute(tx, client).await?;
            by_mail(tx, app, notice, Some(next_daily(now, minute, zone))).await
        }
        _ => by_mail(tx, app, notice, None).await,
    }
}

/// `digest_at`: when the digest leaves that it travels in; `None` = in a mail of its discussion's own.
async fn by_mail(tx: &mut Tx, app: &App, notice: &NewNotice, digest_at: Option<Timestamp>) -> Result<()> {
    let Target::Person(person) = notice.target else { return Ok(()) };
    if app.smtp.is_none() || persons::email(tx, person).await?.is_none() {
        return Ok(());
    }
    match digest_at {
        Some(at) => notices::add_to_digest(tx, &NewNotice { due_at: at, deadline_at: at, ..notice.clone() }).await.map(drop),
        None => notices::add(tx, notice).await.map(drop),
    }
}

/// Whether a message into the person's own LINE chat would arrive.
pub async fn has_own_chat(c: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<bool> {
    Ok(listening::own_chat(c, person, now - WROTE_WITHIN).await?.is_some() || listening::friend_of(c, person).await?.is_some())
}

/// The person's own chat with an account that is configured, if what is sent to it would arrive. A friend who has never written has none
/// yet: it is made, in a project of its own as every unbound chat.
pub async fn own_chat(tx: &mut Tx, app: &App, person: PersonId, now: Timestamp) -> Result<Option<ChatId>> {
    if let Some(chat) = listening::own_chat(tx, person, now - WROTE_WITHIN).await? {
        let inbox = chats::get(tx, chat).await?.inbox;
        return Ok(app.line.contains_key(inbox.name()).then_some(chat));
    }
    let Some((inbox, user)) = listening::friend_of(tx, person).await? else { return Ok(None) };
    let (inbox, id) = (Inbox::stored(inbox), LineChatId(user));
    if !app.line.contains_key(inbox.name()) {
        return Ok(None);
    }
    let name = persons::find(tx, person).await?.map(|p| p.name).filter(|n| !n.is_empty()).unwrap_or_else(|| id.as_str().to_owned());
    let project = projects::find_or_add(tx, &own_project_key(&id), &name, ProjectKind::Chat, now).await?;
    chats::add(tx, &inbox, &id, ChatKind::User, project).await?;
    Ok(chats::find(tx, &inbox, &id).await?.map(|c| c.id))
}
