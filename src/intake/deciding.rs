//! Where something that was said in LINE goes: what is certain first, then the threader.

use jiff::SignedDuration;

use super::place_said::{Heard, untitled};
use crate::App;
use crate::channels::line::commands::addressed_to;
use crate::discussions::{GoingOn, Remembered, recall_around};
use crate::domain::{DiscussionId, LineMessageId, PostId, Said};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::recalled::Recalled;
use crate::store::{self, Tx, discussions, posts};
use crate::threading::{self, Choice, Class, Evidence, Placement, Reason};

/// How long a chat's last active discussion takes in what was taken back before it came: nothing is known of it but its time.
const TOMBSTONE_REACH: SignedDuration = SignedDuration::from_mins(10);
/// Messages that quote one which comes after them, as far as they are looked at.
const QUOTES_MAX: i64 = 20;

/// Where it goes.
pub(super) enum To {
    Join(DiscussionId),
    Open {
        title: String,
    },
    /// To what is no matter of its own.
    Rest,
}

/// Where it goes, and why.
pub(super) struct Decision {
    pub to: To,
    pub evidence: Evidence,
    /// How sure the threader is, where it was asked.
    pub class: Option<Class>,
    /// What the same person said in one go before it, and stands elsewhere: it goes along.
    pub along: Vec<PostId>,
}

impl Decision {
    fn certain(to: DiscussionId, evidence: Evidence) -> Self {
        Self { to: To::Join(to), evidence, class: None, along: vec![] }
    }
}

/// Decides it by what is in the record.
pub(super) async fn decide(tx: &mut Tx, app: &App, chat: &Chat, heard: &Heard) -> Result<Decision, store::Error> {
    if let Some(decision) = certain(tx, chat, &heard.said).await? {
        return Ok(decision);
    }
    if heard.unsent_at.is_some() {
        return tombstone(tx, app, chat, heard).await;
    }
    let speaker = heard.person.map(|p| p.to_string()).unwrap_or_default();
    let said = threading::Heard {
        at: heard.at,
        speaker: &speaker,
        name: "",
        role: Some(heard.role),
        kind: &heard.said.kind,
        text: &heard.said.text,
        mentions: &[],
        quotes: None,
    };
    let remembered = recall_around(tx, app, chat, &said).await?;
    let untitled = untitled(app, heard);
    let Some(going_on) = &remembered.going_on else {
        let placement = threading::file(&remembered.stream, &said, untitled, &app.weights());
        return Ok(decided(&remembered, placement, vec![]));
    };
    if let Some(fixed) = going_on.earlier.iter().rev().find(|p| is_fixed(p) && !p.other) {
        return Ok(in_one_go(fixed, &said));
    }
    let placement = threading::file(&remembered.stream, &going_on.burst.heard(), untitled, &app.weights());
    Ok(with_earlier(&remembered, going_on, &said, placement))
}

fn decided(remembered: &Remembered, placement: Placement, along: Vec<PostId>) -> Decision {
    let evidence = Evidence::of(&placement, |id| remembered.number_of(id));
    let class = Some(placement.class);
    let to = match placement.choice {
        Choice::Join(id) => To::Join(id),
        Choice::Open { title } => To::Open { title },
        Choice::Rest | Choice::Wait { .. } => To::Rest,
    };
    Decision { to, evidence, class, along }
}

/// What is certain or what a person has put there draws along what was said in one go with it, and is not judged again.
fn is_fixed(post: &Recalled) -> bool {
    post.class.as_deref().and_then(Class::find).is_none()
}

/// It stands where what was said right before it stands.
fn in_one_go(before: &Recalled, said: &threading::Heard<'_>) -> Decision {
    let seconds = said.at.as_second().saturating_sub(before.created_at.as_second()).max(0);
    let (class, why) = (Class::Sure, vec![Reason::Burst { seconds }]);
    let evidence = Evidence::Threader { class, percent: 100, why, alternatives: vec![] };
    Decision { to: To::Join(before.discussion), evidence, class: Some(class), along: vec![] }
}

/// The decision about all that was said in one go, for its last line: what the lines before it had opened stays theirs.
fn with_earlier(remembered: &Remembered, going_on: &GoingOn, said: &threading::Heard<'_>, placement: Placement) -> Decision {
    let GoingOn { earlier, .. } = going_on;
    let begun = earlier.iter().rev().find(|p| !p.other);
    match (&placement.choice, begun) {
        (Choice::Rest | Choice::Wait { .. }, Some(begun)) => in_one_go(begun, said),
        (Choice::Rest | Choice::Wait { .. }, None) => decided(remembered, placement, vec![]),
        // Nothing else is there: they opened it.
        (Choice::Open { .. }, Some(begun)) if !remembered.stream.knows(begun.discussion) => in_one_go(begun, said),
        (Choice::Open { .. }, _) => {
            let along = earlier.iter().map(|p| p.id).collect();
            decided(remembered, placement, along)
        }
        (Choice::Join(id), _) => {
            let along = earlier.iter().filter(|p| p.discussion != *id).map(|p| p.id).collect();
            decided(remembered, placement, along)
        }
    }
}

/// What needs no threader: a number that it begins with, what it quotes, what quotes it.
async fn certain(tx: &mut Tx, chat: &Chat, said: &Said) -> Result<Option<Decision>, store::Error> {
    if let Some(number) = addressed_to(&said.text)
        && let Some(id) = named(tx, chat, number).await?
    {
        return Ok(Some(Decision::certain(id, Evidence::Number { number })));
    }
    if let (Some(message), Some((_, discussion))) = (&said.quotes, quoted(tx, chat, said).await?)
        && !discussion.other
    {
        return Ok(Some(Decision::certain(discussion.id, Evidence::Quote { quoted: message.to_string() })));
    }
    // Events may arrive in any order: what a quote refers to stands with it, whichever of the two came first.
    for quoting in posts::quoting(tx, chat.id, &[said.message.to_string()], QUOTES_MAX).await? {
        if let Some(discussion) = of_project(tx, chat, quoting.discussion).await?.filter(|d| !d.other) {
            let message = quoting.external_id.unwrap_or_default();
            return Ok(Some(Decision::certain(discussion.id, Evidence::QuotedBy { message })));
        }
    }
    Ok(None)
}

/// What it quotes, where that is in the record and of the chat's project: the post, if it is not the bot's own, and its discussion.
pub(super) async fn quoted(tx: &mut Tx, chat: &Chat, said: &Said) -> Result<Option<(Option<Post>, Discussion)>, store::Error> {
    let Some(message) = said.quotes.as_ref().map(LineMessageId::as_str) else { return Ok(None) };
    let post = posts::find_line(tx, chat.id, message).await?;
    let found = match &post {
        Some(post) => Some(post.discussion),
        None => posts::discussion_of_sent_message(tx, chat.id, message).await?,
    };
    let Some(id) = found else { return Ok(None) };
    Ok(of_project(tx, chat, id).await?.map(|discussion| (post, discussion)))
}

/// Where the discussion's posts are now. A chat that was bound elsewhere since keeps quoting; what it quotes must be of its project.
async fn of_project(tx: &mut Tx, chat: &Chat, id: DiscussionId) -> Result<Option<Discussion>, store::Error> {
    let found = discussions::get(tx, id).await?;
    let now_in = discussions::follow(tx, found).await?;
    Ok((now_in.project == chat.project).then_some(now_in))
}

/// The discussion with this number, if it is of the chat's project: any other number is only a part of what is said.
async fn named(tx: &mut Tx, chat: &Chat, number: i64) -> Result<Option<DiscussionId>, store::Error> {
    let Some(found) = discussions::find(tx, number).await? else { return Ok(None) };
    Ok(of_project(tx, chat, found.id).await?.filter(|d| !d.other).map(|d| d.id))
}

/// What was taken back before it came goes with what was said around it.
async fn tombstone(tx: &mut Tx, app: &App, chat: &Chat, heard: &Heard) -> Result<Decision, store::Error> {
    let latest = discussions::recent_in_chat(tx, chat.id, heard.at - TOMBSTONE_REACH, 1).await?;
    let near = latest.first().map(|d| (d.id, heard.at.duration_since(d.last_post_at))).filter(|(_, since)| since.abs() <= TOMBSTONE_REACH);
    Ok(match near {
        Some((id, since)) => Decision::certain(id, Evidence::SameChat { seconds_since_last_post: since.as_secs() }),
        None => {
            Decision { to: To::Open { title: untitled(app, heard).to_owned() }, evidence: Evidence::Nothing {}, class: None, along: vec![] }
        }
    })
}
