//! Placing what people say in LINE, change and take back. Whatever order the events come in, the record ends up the same.
//!
//! What may be ahead of what it refers to waits a little (an edit, a quote); after that it is recorded as it is, and what comes late finds
//! it: the message of an edit becomes its oldest version, what was quoted joins the quote.

use jiff::Timestamp;

use super::deciding::{Before, Decision, Retitled, To, decide, quoted};
use super::place::{PlaceError, Placed, at};
use super::place_line::{Arrived, author};
use crate::App;
use crate::discussions::{self as acts, Tell, Told, Wording, Written, word_of_kind};
use crate::domain::{Details, ImageSet, LineContent, LineMessageId, PersonId, PostId, Role, Said, Source};
use crate::store::attachments::{AttachmentStatus, NewAttachment};
use crate::store::chats::Chat;
use crate::store::discussion_events::By;
use crate::store::discussions::{Discussion, Opening};
use crate::store::posts::{LineExtras, NewPost, Post};
use crate::store::{self, Tx, attachments, discussions, inbound, notices, posts, versions};
use crate::threading::{Class, Evidence, is_smalltalk, said_in, title_of};

/// How often an edit is put off while its message is not there: 1 + 2 + 4 s. After that it stands for the message itself.
const EDIT_WAITS_MAX: i64 = 3;
/// How often a message is put off while what it quotes is not there: 1 + 2 s. What was said before the account came will never be.
const QUOTE_WAITS_MAX: i64 = 2;

/// What somebody said, with who they are, and without its words where it was taken back.
pub(super) struct Heard {
    pub said: Said,
    pub at: Timestamp,
    /// By LINE's clock, which orders the wordings, even if it runs ahead of ours.
    told_at: Timestamp,
    pub person: Option<PersonId>,
    pub role: Role,
    pub unsent_at: Option<Timestamp>,
    /// It is an edit of the message.
    is_edit: bool,
}

impl Heard {
    /// A set's picture has its message id at its attachment: the post is many messages.
    fn set(&self) -> Option<&ImageSet> {
        self.said.details.image_set.as_ref()
    }

    fn message(&self) -> &str {
        self.said.message.as_str()
    }
}

async fn hear(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, said: &Said, is_edit: bool) -> Result<Heard, store::Error> {
    let at = at(arrived.incoming.at, arrived.row.received_at);
    let (person, role) = author(tx, app, arrived, chat).await?;
    let unsent_at = posts::unsent_at(tx, chat.id, said.message.as_str()).await?;
    let mut said = said.clone();
    if unsent_at.is_some() {
        inbound::forget_own_body(tx, arrived.row.id).await?;
        said.text.clear();
        said.details = Details { image_set: said.details.image_set.take(), ..Details::default() };
        if let Some(file) = &mut said.attachment {
            file.name.clear();
            file.size = None;
        }
    }
    let told_at = at.max(arrived.incoming.at);
    Ok(Heard { said, at, told_at, person, role, unsent_at, is_edit })
}

/// Somebody wrote, or sent something.
pub(super) async fn say(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, said: &Said) -> Result<Placed, PlaceError> {
    let heard = hear(tx, app, arrived, chat, said, false).await?;
    if let Some(post) = posts::find_line(tx, chat.id, heard.message()).await? {
        if post.edit_only {
            return complete(tx, app, chat, &post, &heard).await;
        }
        return Ok(Placed::ignored("the message has a post already"));
    }
    if let Some(set) = heard.set()
        && let Some(post) = posts::find_image_set(tx, chat.id, &set.id).await?
    {
        return add_to_set(tx, app, arrived, chat, &post, &heard).await;
    }
    if arrived.row.attempts < QUOTE_WAITS_MAX && quotes_the_unknown(tx, chat, said).await? {
        return Err(PlaceError::NotYet("the quoted message is not in the record"));
    }
    write(tx, app, arrived, chat, &heard).await
}

/// Somebody changed a text of theirs.
pub(super) async fn edit(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, said: &Said) -> Result<Placed, PlaceError> {
    let heard = hear(tx, app, arrived, chat, said, true).await?;
    let Some(post) = posts::find_line(tx, chat.id, heard.message()).await? else {
        if heard.unsent_at.is_none() && arrived.row.attempts < EDIT_WAITS_MAX {
            return Err(PlaceError::NotYet("the edited message is not in the record"));
        }
        return write(tx, app, arrived, chat, &heard).await;
    };
    if post.kind != "text" {
        return Ok(Placed::ignored("only texts can be edited, and the message is none"));
    }
    if post.edit_only {
        // Until the message itself comes, the oldest edit is what we know of its time.
        posts::said_by(tx, post.id, heard.at).await?;
    }
    if post.retracted_at.is_some() {
        return Ok(Placed::ignored("the message was taken back"));
    }
    acts::edit(tx, app, &post, &wording(&heard, heard.said.details.to_json().as_deref())).await?;
    let discussion = discussions::get(tx, post.discussion).await?;
    Ok(Placed::done(Some((discussion.id, discussion.number))))
}

fn wording<'a>(heard: &'a Heard, details: Option<&'a str>) -> Wording<'a> {
    Wording { at: heard.told_at, body: &heard.said.text, details }
}

/// Somebody took a message back.
pub(super) async fn unsend(tx: &mut Tx, app: &App, chat: &Chat, message: &LineMessageId, at: Timestamp) -> Result<Placed, PlaceError> {
    let (post, unused_files) = acts::unsend(tx, app, chat, message.as_str(), at).await?;
    let discussion = match post {
        Some(post) => Some(discussions::get(tx, post.discussion).await?),
        None => None,
    };
    let note = discussion.is_none().then(|| "what was taken back is not in the record (yet): it will be a tombstone there".to_owned());
    Ok(Placed { note, unused_files, ..Placed::done(discussion.map(|d| (d.id, d.number))) })
}

/// The message whose edit has stood for it: its oldest wording, its time, and where it belongs.
async fn complete(tx: &mut Tx, app: &App, chat: &Chat, post: &Post, heard: &Heard) -> Result<Placed, PlaceError> {
    posts::said_by(tx, post.id, heard.at).await?;
    let quotes = heard.said.quotes.as_ref().map(LineMessageId::as_str);
    posts::complete(tx, post.id, heard.person, &kind_of(&heard.said), quotes).await?;
    if post.retracted_at.is_none() {
        acts::edit(tx, app, post, &wording(heard, heard.said.details.to_json().as_deref())).await?;
    }
    discussions::refresh_last_post(tx, post.discussion).await?;
    let mut discussion = discussions::get(tx, post.discussion).await?;
    let mut changed = vec![];
    if let Some((quoted_post, quoted)) = quoted(tx, chat, &heard.said).await?
        && quoted.id != discussion.id
    {
        let post = Post { quotes: quotes.map(str::to_owned), ..post.clone() };
        if let Some(resting) = quoted_post.filter(|_| quoted.other) {
            changed.extend(bring_quoted(tx, resting, heard, &discussion).await?);
            let mut placed = Placed::done(Some((discussion.id, discussion.number)));
            placed.changed.extend(changed);
            return Ok(placed);
        }
        changed.extend(acts::bring(tx, &post, &quoted).await?);
        discussion = quoted;
        changed.extend(acts::follow_quote(tx, chat.id, &heard.said.message, &discussion).await?);
    }
    let mut placed = Placed::done(Some((discussion.id, discussion.number)));
    placed.changed.extend(changed);
    Ok(placed)
}

/// One more picture of a set that has a post.
async fn add_to_set(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, post: &Post, heard: &Heard) -> Result<Placed, PlaceError> {
    attach(tx, app, chat, post.id, heard).await?;
    posts::said_by(tx, post.id, heard.at).await?;
    discussions::touch(tx, post.discussion, heard.at).await?;
    let mut discussion = discussions::get(tx, post.discussion).await?;
    let told_total = heard.set().and_then(|s| s.total);
    if told_total > post.details.image_set.as_ref().and_then(|s| s.total) {
        posts::set_details(tx, post.id, of_whole_set(&heard.said.details).to_json().as_deref()).await?;
    }
    if post.retracted_at.is_some() {
        if let (0, Some(last)) = posts::set_left(tx, post.id, chat.id).await? {
            posts::retract(tx, post.id, last).await?;
        } else {
            revive(tx, app, arrived, post, heard, &mut discussion).await?;
        }
    }
    let mut placed = Placed::done(Some((discussion.id, discussion.number)));
    placed.changed.extend(acts::follow_quote(tx, chat.id, &heard.said.message, &discussion).await?);
    Ok(placed)
}

/// What had come of the set was taken back, and this picture was not: the post is no tombstone, and is told as a new one is.
async fn revive(
    tx: &mut Tx,
    app: &App,
    arrived: &Arrived<'_>,
    post: &Post,
    heard: &Heard,
    discussion: &mut Discussion,
) -> Result<(), store::Error> {
    let opens = begin_again(tx, app, discussion, heard).await?;
    posts::revive(tx, post.id).await?;
    posts::set_details(tx, post.id, of_whole_set(&heard.said.details).to_json().as_deref()).await?;
    if discussion.other {
        return Ok(());
    }
    let (by_staff, silent) = (post.role.is_staff(), arrived.incoming.standby);
    let told = Told { post: post.id, by: post.person, by_staff, source: post.source, internal: false, opens, silent };
    acts::promise(tx, app, discussion, &told).await
}

/// A set's details without what is one picture's alone.
fn of_whole_set(details: &Details) -> Details {
    let image_set = details.image_set.clone().map(|set| ImageSet { index: None, ..set });
    Details { image_set, ..details.clone() }
}

/// Whether it quotes something that is neither in the record nor ours.
async fn quotes_the_unknown(tx: &mut Tx, chat: &Chat, said: &Said) -> Result<bool, store::Error> {
    let Some(message) = said.quotes.as_ref().map(LineMessageId::as_str) else { return Ok(false) };
    Ok(posts::find_line(tx, chat.id, message).await?.is_none() && !posts::is_sent_message(tx, chat.id, message).await?)
}

/// What it quotes has rested, as no matter of its own: with the quote it belongs to one.
async fn bring_quoted(tx: &mut Tx, resting: Post, heard: &Heard, into: &Discussion) -> Result<Option<i64>, store::Error> {
    acts::take_along(tx, &[resting], into, &Evidence::QuotedBy { message: heard.message().to_owned() }).await
}

/// A post of its own.
async fn write(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, heard: &Heard) -> Result<Placed, PlaceError> {
    let said = &heard.said;
    let Decision { to, evidence, class, since, before } = decide(tx, app, chat, heard).await?;
    let kind = kind_of(said);
    let evidence = evidence.to_json();
    let details = if heard.unsent_at.is_some() { None } else { of_whole_set(&said.details).to_json() };
    let new = NewPost {
        person: heard.person,
        role: heard.role,
        source: Source::Line,
        internal: false,
        chat: Some(chat.id),
        external_id: heard.set().is_none().then_some(heard.message()),
        inbound: Some(arrived.row.id),
        kind: &kind,
        body: &said.text,
        whole: None,
        evidence: &evidence,
        at: heard.at,
        line: LineExtras {
            details: details.clone(),
            image_set: heard.set().map(|s| s.id.as_str()),
            quotes: said.quotes.as_ref().map(LineMessageId::as_str),
            edit_only: heard.is_edit,
            unsent_at: heard.unsent_at,
            class: class.map(Class::as_str),
        },
    };
    let (written, changed) = put(tx, app, arrived, (chat, heard), (to, &new, since)).await?;
    let Some(post) = written.post else { return Ok(Placed::ignored("the message has a post already")) };
    if heard.is_edit && heard.unsent_at.is_none() {
        versions::add(tx, post, heard.told_at, &said.text, details.as_deref()).await?;
    }
    attach(tx, app, chat, post, heard).await?;
    let discussion = written.discussion;
    let mut placed = Placed::done(Some((discussion.id, discussion.number)));
    placed.changed.extend(changed);
    placed.changed.extend(judge_before(tx, chat, before, &discussion).await?);
    placed.changed.extend(acts::follow_quote(tx, chat.id, &said.message, &discussion).await?);
    placed.note = match (heard.unsent_at, heard.is_edit) {
        (Some(_), _) => Some("the message was taken back before it arrived".to_owned()),
        (None, true) => Some("the message itself has not arrived: its edit stands for it".to_owned()),
        (None, false) => None,
    };
    Ok(placed)
}

/// What was said in one go before it goes along, says why it is where it is by all that was said, and gives what it opened another title
/// where that tells more. In which other discussions something changed.
async fn judge_before(tx: &mut Tx, chat: &Chat, before: Before, discussion: &Discussion) -> Result<Vec<i64>, store::Error> {
    let changed = acts::bring_along(tx, chat.id, &before.along, discussion).await?;
    for (post, evidence, class) in before.judged {
        // A set of pictures stays where it is.
        if posts::find(tx, post).await?.is_none_or(|p| p.discussion != discussion.id) {
            continue;
        }
        posts::set_evidence(tx, post, &evidence.to_json()).await?;
        posts::set_class(tx, post, Some(class.as_str())).await?;
    }
    if let Some(Retitled { title, drawn }) = before.title
        && title != discussion.title
        && drawn.contains(&discussion.title)
    {
        discussions::set_title(tx, discussion.id, &title).await?;
    }
    Ok(changed)
}

/// Puts the post where it was decided to go, with what waited for it and what it quotes. In which other discussions something changed.
async fn put(
    tx: &mut Tx,
    app: &App,
    arrived: &Arrived<'_>,
    (chat, heard): (&Chat, &Heard),
    (to, new, since): (To, &NewPost<'_>, Timestamp),
) -> Result<(Written, Vec<i64>), PlaceError> {
    // Nobody is answered who only says thank you.
    let silent = arrived.incoming.standby || is_smalltalk(&heard.said.kind, &heard.said.text);
    let tell = match (heard.unsent_at, silent) {
        (Some(_), _) => Tell::Nobody,
        (None, true) => Tell::NotTheChat,
        (None, false) => Tell::Everybody,
    };
    if matches!(to, To::Rest) {
        let other = acts::other_of(tx, app, chat, heard.at).await?;
        return Ok((acts::post(tx, app, other, new, Tell::Nobody).await?, vec![]));
    }
    let introductions = acts::introductions(tx, chat.id, heard.person.filter(|_| heard.unsent_at.is_none()), (since, heard.at)).await?;
    let written = match to {
        To::Join(id) => {
            let mut discussion = discussions::get(tx, id).await?;
            acts::live_again(tx, &mut discussion, By { person: heard.person, via: Source::Line }, heard.at).await?;
            if begin_again(tx, app, &mut discussion, heard).await? {
                acts::begin(tx, app, discussion, new, tell).await?
            } else {
                entitle(tx, app, &mut discussion, heard).await?;
                acts::post(tx, app, discussion, new, tell).await?
            }
        }
        To::Open { .. } | To::Rest => {
            let title = if let To::Open { title } = &to { title } else { "" };
            let at = introductions.first().map_or(heard.at, |p| p.created_at);
            let opening = Opening { project: chat.project, title, chat: Some(chat.id), source: Source::Line, at };
            acts::open(tx, app, &opening, new, tell).await?
        }
    };
    let mut changed = vec![];
    if written.post.is_some() {
        changed.extend(acts::take_along(tx, &introductions, &written.discussion, &Evidence::Introduces {}).await?);
        if let Some((Some(resting), quoted)) = quoted(tx, chat, &heard.said).await?
            && quoted.other
        {
            changed.extend(bring_quoted(tx, resting, heard, &written.discussion).await?);
        }
    }
    Ok((written, changed))
}

/// A discussion of nothing but tombstones begins anew with the next words: they give it its title. Whether its beginning is to be told.
async fn begin_again(tx: &mut Tx, app: &App, discussion: &mut Discussion, heard: &Heard) -> Result<bool, store::Error> {
    if heard.unsent_at.is_some() || discussion.other || posts::has_living(tx, discussion.id).await? {
        return Ok(false);
    }
    if discussion.title == app.texts().get("post.unsent") {
        discussion.title = title_of(&heard.said.text, untitled(app, heard));
        discussions::set_title(tx, discussion.id, &discussion.title).await?;
    }
    Ok(!notices::is_acknowledged(tx, discussion.id).await?)
}

/// What pictures, films and recordings alone have opened is called what the first words say, where the side that opened it says them.
async fn entitle(tx: &mut Tx, app: &App, discussion: &mut Discussion, heard: &Heard) -> Result<(), store::Error> {
    let wordless = ["image", "video", "audio", "sticker", ""].iter().any(|kind| word_of_kind(app, kind) == discussion.title);
    if !wordless || heard.unsent_at.is_some() || heard.said.kind != "text" {
        return Ok(());
    }
    let Some(title) = said_in(&heard.said.text) else { return Ok(()) };
    let before = posts::of_discussion(tx, discussion.id, true).await?;
    let first = before.iter().all(|p| p.body.is_empty() || p.kind != "text");
    if first && before.first().is_some_and(|p| p.role.is_staff() == heard.role.is_staff()) {
        discussions::set_title(tx, discussion.id, &title).await?;
        discussion.title = title;
    }
    Ok(())
}

/// The file that comes with it; of one that was taken back, its place.
async fn attach(tx: &mut Tx, app: &App, chat: &Chat, post: PostId, heard: &Heard) -> Result<(), store::Error> {
    let Some(file) = &heard.said.attachment else { return Ok(()) };
    let status = match (&file.at, heard.unsent_at) {
        (_, Some(_)) => AttachmentStatus::Withdrawn,
        (LineContent::Line, None) => AttachmentStatus::Waiting,
        (LineContent::External { .. }, None) => AttachmentStatus::External,
    };
    let new = NewAttachment {
        post,
        name: &file.name,
        content_type: &file.content_type,
        size: file.size.and_then(|s| i64::try_from(s).ok()),
        sha256: None,
        status,
        inbox: Some(chat.inbox.as_str()),
        message_id: Some(heard.message()),
        position: heard.set().and_then(|s| s.index).unwrap_or(0),
        due_at: app.clock.now(),
    };
    attachments::add(tx, &new).await.map(drop)
}

/// `text`, `image` …; `unsupported:KIND` for what cannot be shown.
fn kind_of(said: &Said) -> String {
    if said.unsupported { format!("unsupported:{}", said.kind) } else { said.kind.clone() }
}

/// What a discussion is called whose first message has no words.
pub(super) fn untitled<'a>(app: &App, heard: &'a Heard) -> &'a str {
    if heard.unsent_at.is_some() {
        return app.texts().get("post.unsent");
    }
    match &heard.said.attachment {
        Some(file) if heard.said.kind == "file" => &file.name,
        _ => word_of_kind(app, &heard.said.kind),
    }
}
