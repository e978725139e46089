//! Who should hear of a post or a change, and how soon. By which way each of them hears it is [`super::hearing`]'s to say. The notices are
//! part of the transaction of what they tell.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use super::hearing::{self, Listener, News};
use super::{change, patience, role_in, watch};
use crate::App;
use crate::domain::{
    ChatId, Concern, Happening, HappeningKind, Mentioned, NoticeKind, PersonId, PostId, ProjectId, Role, Source, Status, Way, Why,
    mail_pause, may_mention, mentioned,
};
use crate::store::discussion_events::{self, By};
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Target};
use crate::store::posts::Post;
use crate::store::{Result, Tx, chats, listening, members, notices, persons, posts};
use crate::threading::is_smalltalk;

/// A fact that people are told of.
#[expect(clippy::struct_excessive_bools, reason = "five independent facts about one post; every mix of them occurs")]
pub struct Told {
    pub post: PostId,
    /// Nobody is told of what they did themselves.
    pub by: Option<PersonId>,
    pub by_staff: bool,
    pub source: Source,
    pub internal: bool,
    /// The post opened its discussion.
    pub opens: bool,
    /// Nothing may be sent to the chat.
    pub silent: bool,
}

/// Names of people that are looked for in one post.
const NAMES_MAX: i64 = 1000;
/// Clients of one discussion who are told of it in their own LINE chats.
const IN_LINE_MAX: i64 = 100;

/// Promises to tell everybody concerned.
pub async fn promise(tx: &mut Tx, app: &App, discussion: &Discussion, told: &Told) -> Result<()> {
    let now = app.clock.now();
    let promise = Promise { discussion, told, now };
    tell_people(tx, app, &promise).await?;
    if told.internal {
        return Ok(());
    }
    if told.silent {
        return Ok(());
    }
    if told.by_staff {
        // A colleague who writes in a group has been read there. Where the account is no longer in it, the notice fails and says why, and
        // clients who have an address are told by mail.
        if is_wanted(tx, discussion.project, NoticeKind::Answered).await? {
            let due_at = if discussion.urgent { now } else { now + app.config.notify.hold };
            let deadline_at =
                if discussion.urgent { now } else { patience::deadline(tx, app, discussion.project, NoticeKind::Answered, due_at).await? };
            let read_in = match told.source {
                Source::Line => posts::find(tx, told.post).await?.and_then(|p| p.chat),
                _ => None,
            };
            for chat in chats_concerned(tx, discussion).await?.into_iter().filter(|chat| Some(*chat) != read_in) {
                notices::add(tx, &promise.notice(NoticeKind::Answered, Target::Chat(chat), due_at, deadline_at)).await?;
            }
        }
        return Ok(());
    }
    let Some(chat) = discussion.chat else { return Ok(()) };
    // The acknowledgement of a new matter in the group; it leaves once the burst is quiet.
    if told.source == Source::Line
        && (told.opens || is_owed_an_acknowledgement(tx, discussion, told.post).await?)
        && is_wanted(tx, discussion.project, NoticeKind::Opened).await?
    {
        let due_at = now + app.config.notify.settle;
        let deadline_at = patience::deadline(tx, app, discussion.project, NoticeKind::Opened, due_at).await?;
        notices::add(tx, &promise.notice(NoticeKind::Opened, Target::Chat(chat), due_at, deadline_at)).await?;
    }
    Ok(())
}

/// The chats that hear of it: the one that it began in, as long as something of it is left there, and those of which something was merged
/// with it or moved here, so that nobody waits for an answer that another group was given.
pub async fn chats_concerned(c: &mut AnyConnection, discussion: &Discussion) -> Result<Vec<ChatId>> {
    let mut concerned: Vec<ChatId> = vec![];
    if let Some(chat) = discussion.chat
        && posts::is_of_chat(c, discussion.id, chat).await?
    {
        concerned.push(chat);
    }
    concerned.extend(posts::other_chats(c, discussion).await?);
    Ok(concerned)
}

/// Whether the project's groups are told of this kind at all.
async fn is_wanted(tx: &mut Tx, project: ProjectId, kind: NoticeKind) -> Result<bool> {
    Ok(listening::of_group(tx, project, kind).await? != Some(Way::Web))
}

/// Everybody who hears of a post for themselves.
async fn tell_people(tx: &mut Tx, app: &App, promise: &Promise<'_>) -> Result<()> {
    let Promise { discussion, told, now } = promise;
    let mut all = Listeners::default();
    all.add_staff(tx, discussion).await?;
    // What a client says is told to staff; what staff say, and was not said inside, to the clients of the discussion too.
    if told.by_staff && !told.internal {
        all.add_clients(tx, discussion).await?;
        if told.opens && discussion.chat.is_none() && !all.has_clients() {
            for client in members::clients_with_email(tx, discussion.project).await? {
                all.add(client, Role::Client, Concern::Part);
            }
        }
    }
    for (person, role) in spoken_to(tx, discussion, told).await? {
        // LINE itself tells who is spoken to in a group.
        if role.is_staff() || (!told.internal && told.source != Source::Line) {
            all.add(person, role, Concern::Mentioned);
        }
    }
    let kind = match (told.by_staff, told.opens) {
        (true, _) => NoticeKind::Answered,
        (false, true) => NoticeKind::Opened,
        (false, false) => NoticeKind::ClientPosted,
    };
    // Everything comes in pieces: the mail waits until the burst is quiet, and takes all of it.
    let due_at = if discussion.urgent { *now } else { *now + app.config.notify.settle };
    let notice = promise.notice(kind, Target::Person(PersonId(0)), due_at, due_at);
    // An answer on the page can be taken back until something has left for a client.
    let held = matches!(told.source, Source::Web | Source::Api) && !discussion.urgent && !chats_concerned(tx, discussion).await?.is_empty();
    let to_clients = NewNotice { due_at: if held { due_at.max(*now + app.config.notify.hold) } else { due_at }, ..notice.clone() };
    let (staff, clients) = all.apart();
    staff.tell(tx, app, discussion, told.by, &notice).await?;
    clients.tell(tx, app, discussion, told.by, &to_clients).await
}

/// Everybody who is told of one thing: each once, for the best reason that there is.
#[derive(Default)]
struct Listeners(BTreeMap<PersonId, Listener>);

impl Listeners {
    fn add(&mut self, person: PersonId, role: Role, concern: Concern) {
        let listener = self.0.entry(person).or_insert(Listener { person, role, concern });
        listener.concern = listener.concern.max(concern);
        if role.is_staff() {
            listener.role = role;
        }
    }

    /// The project's staff (where it has none, the admins), the colleagues who follow the discussion, and who looks after it.
    async fn add_staff(&mut self, tx: &mut Tx, discussion: &Discussion) -> Result<()> {
        for person in staff_to_tell(tx, discussion.project).await? {
            self.add(person, Role::Staff, Concern::Part);
        }
        for person in watch::to_tell(tx, discussion).await?.0 {
            self.add(person, Role::Staff, Concern::Follows);
        }
        if let Some(person) = discussion.assignee
            && let Some(found) = persons::find(tx, person).await?
            && change::may_look_after(tx, discussion.project, &found).await?
        {
            self.add(person, Role::Staff, Concern::LooksAfter);
        }
        Ok(())
    }

    /// The clients who hear of the discussion for themselves: who wrote by mail, who follows it, who wants to hear in LINE; every client of
    /// the project where the account has left the chat that would tell them.
    async fn add_clients(&mut self, tx: &mut Tx, discussion: &Discussion) -> Result<()> {
        for person in posts::mail_clients(tx, discussion.id).await? {
            self.add(person, Role::Client, Concern::Part);
        }
        for person in listening::clients_in_line(tx, discussion.id, IN_LINE_MAX).await? {
            self.add(person, Role::Client, Concern::Part);
        }
        for person in watch::to_tell(tx, discussion).await?.1 {
            self.add(person, Role::Client, Concern::Follows);
        }
        if let Some(chat) = discussion.chat
            && chats::get(tx, chat).await?.left_at.is_some()
        {
            for person in members::clients_with_email(tx, discussion.project).await? {
                self.add(person, Role::Client, Concern::Part);
            }
        }
        Ok(())
    }

    /// Colleagues and clients.
    fn apart(self) -> (Self, Self) {
        let (staff, clients) = self.0.into_iter().partition(|(_, l)| l.role.is_staff());
        (Self(staff), Self(clients))
    }

    fn has_clients(&self) -> bool {
        self.0.values().any(|l| !l.role.is_staff())
    }

    /// Promises each of them the notice; `by`, who did it, is told nothing.
    async fn tell(&self, tx: &mut Tx, app: &App, discussion: &Discussion, by: Option<PersonId>, notice: &NewNotice) -> Result<()> {
        let news = News { project: discussion.project, urgent: discussion.urgent, notice };
        for listener in self.0.values().filter(|l| Some(l.person) != by) {
            hearing::tell(tx, app, listener, &news).await?;
        }
        Ok(())
    }
}

/// Those whom the post speaks to by name and who may read it, with their parts.
async fn spoken_to(tx: &mut Tx, discussion: &Discussion, told: &Told) -> Result<Vec<(PersonId, Role)>> {
    let Some(post) = posts::find(tx, told.post).await? else { return Ok(vec![]) };
    if !may_mention(&post.body) {
        return Ok(vec![]);
    }
    let mut people = mentioned(&post.body, &listening::called_in(tx, discussion.project, NAMES_MAX).await?);
    for mention in &post.details.mentions {
        if let Mentioned::User(user) = &mention.whom
            && let Some(person) = persons::find_by_identity(tx, crate::domain::Channel::Line, user).await?
        {
            people.insert(person.id);
        }
    }
    let mut readers = vec![];
    for person in people {
        if let Some(role) = watch::part_in(tx, discussion.project, person).await? {
            readers.push((person, role));
        }
    }
    Ok(readers)
}

/// The staff who are told of a project: its owners and staff, or the admins where it has none.
pub(super) async fn staff_to_tell(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<PersonId>> {
    let staff = listening::staff(c, project).await?;
    if staff.is_empty() { persons::admins(c).await } else { Ok(staff) }
}

/// Staff are told that mail to `address`, which is `to`'s, comes back.
pub async fn tell_bounced(tx: &mut Tx, app: &App, discussion: &Discussion, to: Option<PersonId>, address: &str) -> Result<()> {
    tell_staff_that(tx, app, discussion, (NoticeKind::Bounced, address), to).await
}

/// Staff are told that an answer did not solve the matter, as `by` said; `name` is theirs, empty where LINE does not tell.
pub(super) async fn tell_not_solved(tx: &mut Tx, app: &App, discussion: &Discussion, by: Option<PersonId>, name: &str) -> Result<()> {
    tell_staff_that(tx, app, discussion, (NoticeKind::NotSolved, name), by).await
}

/// Staff are told of something that is no post; `but` is not.
async fn tell_staff_that(
    tx: &mut Tx,
    app: &App,
    discussion: &Discussion,
    (kind, detail): (NoticeKind, &str),
    but: Option<PersonId>,
) -> Result<()> {
    let mut all = Listeners::default();
    all.add_staff(tx, discussion).await?;
    all.tell(tx, app, discussion, but, &of_change(discussion, kind, detail, app.clock.now(), app.clock.now())).await
}

/// A notice that is about no post.
fn of_change(discussion: &Discussion, kind: NoticeKind, detail: &str, now: Timestamp, due_at: Timestamp) -> NewNotice {
    NewNotice {
        kind,
        discussion: Some(discussion.id),
        post: None,
        target: Target::Person(PersonId(0)),
        due_at,
        deadline_at: due_at,
        now,
        detail: Some(detail.to_owned()),
        expires_at: None,
    }
}

/// Where it stands has changed: the group is told, unless it was changed there and answered there, and whoever hears of the discussion.
/// Who has not been told of a change before it is told of this one alone. By mail it waits a little for an answer to travel with.
pub(super) async fn tell_status(tx: &mut Tx, app: &App, discussion: &Discussion, by: By, to: Status) -> Result<()> {
    if discussion.other {
        return Ok(());
    }
    let now = app.clock.now();
    let is_as_told = is_as_told(tx, discussion, by, to).await?;
    let concerned = chats_concerned(tx, discussion).await?;
    notices::drop_kind(tx, discussion.id, NoticeKind::StatusChanged, &concerned, Why::NoLongerSo.as_str()).await?;
    if by.via != Source::Line && is_wanted(tx, discussion.project, NoticeKind::StatusChanged).await? {
        let due_at = if discussion.urgent { now } else { now + app.config.notify.hold };
        let deadline_at = if discussion.urgent {
            now
        } else {
            patience::deadline(tx, app, discussion.project, NoticeKind::StatusChanged, due_at).await?
        };
        for chat in concerned {
            if chats::get(tx, chat).await?.left_at.is_none() {
                let notice = of_change(discussion, NoticeKind::StatusChanged, to.as_str(), now, due_at);
                notices::add(tx, &NewNotice { target: Target::Chat(chat), deadline_at, ..notice }).await?;
            }
        }
    }
    if is_as_told {
        return Ok(());
    }
    let mut all = Listeners::default();
    all.add_staff(tx, discussion).await?;
    all.add_clients(tx, discussion).await?;
    let due_at = now + mail_pause(1, longest_mail_pause(app));
    all.tell(tx, app, discussion, by.person, &of_change(discussion, NoticeKind::StatusChanged, to.as_str(), now, due_at)).await
}

/// Whether the status is what it was before the changes that still wait to be told, all made by the same person: set and set back is no
/// news. (A group's own notice sees for itself.)
async fn is_as_told(tx: &mut Tx, discussion: &Discussion, by: By, to: Status) -> Result<bool> {
    let Some(since) = notices::waits_since(tx, discussion.id, NoticeKind::StatusChanged).await? else { return Ok(false) };
    let first = discussion_events::last_until(tx, discussion.id, HappeningKind::Status, since).await?;
    Ok(first.is_some_and(|first| first.person == by.person && matches!(first.what, Happening::Status { from, .. } if from == to)))
}

/// Somebody looks after it from now on: they are told at once, and nobody else.
pub(super) async fn tell_assigned(tx: &mut Tx, app: &App, discussion: &Discussion, by: By, to: Option<(PersonId, &str)>) -> Result<()> {
    notices::drop_kind(tx, discussion.id, NoticeKind::Assigned, discussion.chat.as_slice(), Why::NoLongerSo.as_str()).await?;
    let Some((person, name)) = to.filter(|(person, _)| Some(*person) != by.person) else { return Ok(()) };
    let mut all = Listeners::default();
    all.add(person, Role::Staff, Concern::LooksAfter);
    let now = app.clock.now();
    all.tell(tx, app, discussion, by.person, &of_change(discussion, NoticeKind::Assigned, name, now, now)).await
}

/// What `moved` says is in `to` now: whoever was mailed about it as of `from` is told once. What waits to tell of the way back is dropped
/// instead, where there is such.
pub(super) async fn tell_moved(
    tx: &mut Tx,
    app: &App,
    moved: &[PostId],
    (from, to): (&Discussion, &Discussion),
    by: Option<PersonId>,
) -> Result<()> {
    let now = app.clock.now();
    let detail = |from: i64, to: i64| serde_json::json!({ "from": from, "to": to }).to_string();
    let back = detail(to.number, from.number);
    for person in notices::people_told_of(tx, moved).await? {
        if notices::drop_moved(tx, person, &back, Why::Undone.as_str()).await? {
            continue;
        }
        let Some(found) = persons::find(tx, person).await? else { continue };
        let role = role_in(tx, to.project, &found).await?;
        let mut all = Listeners::default();
        all.add(person, role, Concern::Part);
        let notice = of_change(to, NoticeKind::Moved, &detail(from.number, to.number), now, now + mail_pause(1, longest_mail_pause(app)));
        all.tell(tx, app, to, by, &notice).await?;
    }
    Ok(())
}

fn longest_mail_pause(app: &App) -> SignedDuration {
    SignedDuration::try_from(app.config.notify.mail_together).unwrap_or(SignedDuration::MAX)
}

/// What a task tells.
#[derive(Clone, Copy, Debug)]
pub struct TaskNews<'a> {
    /// [`NoticeKind::Task`], or [`NoticeKind::TaskDue`].
    pub kind: NoticeKind,
    /// What is to be done, in a few words.
    pub what: &'a str,
    /// Who is to do it; they are told at once.
    pub of: Option<PersonId>,
    /// Nobody is told of what they did themselves.
    pub by: Option<PersonId>,
}

/// Promises the staff of the discussion to tell of a task in it.
pub async fn tell_task(tx: &mut Tx, app: &App, discussion: &Discussion, news: &TaskNews<'_>) -> Result<()> {
    let mut all = Listeners::default();
    all.add_staff(tx, discussion).await?;
    if let Some(person) = news.of
        && let Some(found) = persons::find(tx, person).await?
        && change::may_look_after(tx, discussion.project, &found).await?
    {
        all.add(person, Role::Staff, Concern::LooksAfter);
    }
    let now = app.clock.now();
    all.tell(tx, app, discussion, news.by, &of_change(discussion, news.kind, news.what, now, now)).await
}

/// Posts that are looked at for whether a discussion has said anything yet; one of so many pleasantries is owed nothing.
const PLEASANTRIES_MAX: i64 = 50;

/// Whether the post is the first that says something in a discussion which was opened with a pleasantry, or with what was taken back.
async fn is_owed_an_acknowledgement(tx: &mut Tx, discussion: &Discussion, post: PostId) -> Result<bool> {
    if notices::is_acknowledged(tx, discussion.id).await? {
        return Ok(false);
    }
    let said = posts::first_of_discussion(tx, discussion.id, PLEASANTRIES_MAX).await?;
    Ok(said.iter().any(|p| p.id == post) && said.iter().filter(|p| p.id != post).all(says_nothing))
}

/// A client's pleasantry or sticker in LINE, or what is there no more.
fn says_nothing(post: &Post) -> bool {
    let taken_back = post.retracted_at.is_some();
    !post.role.is_staff() && post.source == Source::Line && (taken_back || is_smalltalk(&post.kind, &post.body))
}

/// The post was taken back: an acknowledgement that waits to leave tells of the discussion by the next thing that a client says in it,
/// if there is one.
pub(super) async fn hand_on_acknowledgement(tx: &mut Tx, post: &Post) -> Result<()> {
    let said = posts::of_discussion(tx, post.discussion, false).await?;
    let next = said.iter().find(|p| p.id != post.id && p.source == Source::Line && !p.role.is_staff() && !says_nothing(p));
    match next {
        Some(next) => notices::hand_on_acknowledgement(tx, post.id, next.id).await,
        None => Ok(()),
    }
}

/// Promises of one fact, made at one moment.
struct Promise<'a> {
    discussion: &'a Discussion,
    told: &'a Told,
    now: Timestamp,
}

impl Promise<'_> {
    fn notice(&self, kind: NoticeKind, target: Target, due_at: Timestamp, deadline_at: Timestamp) -> NewNotice {
        NewNotice {
            kind,
            discussion: Some(self.discussion.id),
            post: Some(self.told.post),
            target,
            due_at,
            deadline_at,
            now: self.now,
            detail: None,
            expires_at: None,
        }
    }
}

#[cfg(test)]
mod tests;
