//! Where something that was said in LINE goes: what is certain first, then the threader.

use jiff::{SignedDuration, Timestamp};

use super::place_said::{Heard, untitled};
use crate::App;
use crate::channels::line::commands::addressed_to;
use crate::discussions::{GoingOn, Remembered, is_fixed, meant, recall_around, tapped_before, word_of_kind};
use crate::domain::{DiscussionId, LineMessageId, PostId, Said};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::recalled::Recalled;
use crate::store::{self, Tx, discussions, posts};
use crate::threading::{self, ALTERNATIVES_MAX, Choice, Class, Evidence, Filed, Placement, Reason, Stream};

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
    /// When what is said in one go with it began.
    pub since: Timestamp,
    pub before: Before,
}

/// What the same person said in one go before it.
#[derive(Default)]
pub(super) struct Before {
    /// It stands elsewhere, and goes along.
    pub along: Vec<PostId>,
    /// Why it is where it is, and how sure that is, by all that is said by now.
    pub judged: Vec<(PostId, Evidence, Class)>,
    /// What the discussion that it opened is called by all that is said.
    pub title: Option<Retitled>,
}

/// Another title for what was opened a moment ago.
pub(super) struct Retitled {
    pub title: String,
    /// Titles that were drawn from what was said by then: any other was given by a person.
    pub drawn: Vec<String>,
}

impl Decision {
    fn new(to: To, evidence: Evidence, class: Option<Class>, since: Timestamp) -> Self {
        Self { to, evidence, class, since, before: Before::default() }
    }

    fn certain(to: DiscussionId, evidence: Evidence, since: Timestamp) -> Self {
        Self::new(To::Join(to), evidence, None, since)
    }
}

/// Decides it by what is in the record.
pub(super) async fn decide(tx: &mut Tx, app: &App, chat: &Chat, heard: &Heard) -> Result<Decision, store::Error> {
    if let Some((to, evidence)) = certain(tx, chat, heard).await? {
        return Ok(Decision::certain(to, evidence, heard.at));
    }
    if heard.unsent_at.is_some() {
        return tombstone(tx, app, chat, heard).await;
    }
    let speaker = heard.person.map(|p| p.to_string()).unwrap_or_default();
    let mentions = heard.said.details.mentioned_in(&heard.said.text);
    let said = threading::Heard {
        at: heard.at,
        speaker: &speaker,
        name: "",
        role: Some(heard.role),
        kind: &heard.said.kind,
        text: read(&heard.said),
        mentions: &mentions,
        quotes: None,
    };
    let remembered = recall_around(tx, app, chat, &said).await?;
    let untitled = untitled(app, heard);
    let told = told_together(tx, chat, &heard.said).await?;
    if !told.is_empty() {
        let placement = threading::file(&remembered.stream, &said, untitled, &app.weights());
        if let Some(decision) = one_of(&told, &placement, heard.at) {
            return Ok(decision);
        }
    }
    let Some(going_on) = &remembered.going_on else {
        let placement = threading::file(&remembered.stream, &said, untitled, &app.weights());
        let (to, evidence) = (to(&placement), evidence(&remembered, &placement));
        return Ok(Decision::new(to, evidence, Some(placement.class), heard.at));
    };
    let begun = going_on.begun(&remembered.stream);
    Ok(match threading::file_together(&remembered.stream, &going_on.burst, begun, untitled, &app.weights()) {
        Filed::Follows(there) => follows(going_on, there, &said),
        Filed::Stays(there, placement) => {
            let mut decision = all_of_it(&remembered, going_on, (To::Join(there), placement.class), &placement, &said);
            let title = said_by_lines(&remembered.stream, going_on, &said, Some(there));
            decision.before.title = title.map(|title| Retitled { title, drawn: titles_before(app, going_on) });
            decision
        }
        Filed::Goes(placement) => {
            let to = match to(&placement) {
                To::Open { .. } => To::Open { title: title_of_all(app, &remembered.stream, going_on, &said, untitled) },
                to => to,
            };
            all_of_it(&remembered, going_on, (to, placement.class), &placement, &said)
        }
    })
}

/// What the threader reads: of a file its name.
fn read(said: &Said) -> &str {
    match &said.attachment {
        Some(file) if said.kind == "file" && said.text.is_empty() => &file.name,
        _ => &said.text,
    }
}

fn to(placement: &Placement) -> To {
    match &placement.choice {
        Choice::Join(id) => To::Join(*id),
        Choice::Open { title } => To::Open { title: title.clone() },
        Choice::Rest | Choice::Wait { .. } => To::Rest,
    }
}

fn evidence(remembered: &Remembered, placement: &Placement) -> Evidence {
    Evidence::of(placement, |id| remembered.number_of(id))
}

/// It stands where what was said right before it stands.
fn follows(going_on: &GoingOn, there: DiscussionId, said: &threading::Heard<'_>) -> Decision {
    let class = Class::Sure;
    let evidence = Evidence::Threader { class, percent: 100, why: vec![going_on.pause_before(said.at)], alternatives: vec![] };
    Decision::new(To::Join(there), evidence, Some(class), going_on.burst.heard().at)
}

/// The decision about all that was said in one go, of which `said` is the last line: the first says why, and what rests or waits by itself
/// says it each for itself.
fn all_of_it(
    remembered: &Remembered,
    going_on: &GoingOn,
    (to, class): (To, Class),
    placement: &Placement,
    said: &threading::Heard<'_>,
) -> Decision {
    let first = evidence(remembered, placement);
    let alternatives = match &first {
        Evidence::Threader { alternatives, .. } => alternatives.clone(),
        _ => vec![],
    };
    let percent = placement.percent();
    let rests = matches!(to, To::Rest);
    let of_later = |at: Timestamp| {
        let (class, why) = threading::together(class, going_on.pause_before(at));
        (Evidence::Threader { class, percent, why, alternatives: alternatives.clone() }, class)
    };
    let mut judged: Vec<(PostId, Evidence, Class)> = vec![];
    let mut along = vec![];
    for post in going_on.earlier.iter().filter(|p| !is_fixed(p)) {
        match &to {
            To::Join(id) if post.discussion == *id => {}
            To::Rest => {}
            To::Join(_) | To::Open { .. } => along.push(post.id),
        }
        // What waited is told as what introduces it.
        let introduces = post.introduces || post.class.as_deref() == Some(Class::Waits.as_str());
        if rests || !introduces {
            let (evidence, class) = if rests || judged.is_empty() { (first.clone(), class) } else { of_later(post.created_at) };
            judged.push((post.id, evidence, class));
        }
    }
    let (evidence, class) = if rests || judged.is_empty() { (first.clone(), class) } else { of_later(said.at) };
    let before = Before { along, judged, title: None };
    Decision { before, ..Decision::new(to, evidence, Some(class), going_on.burst.heard().at) }
}

/// The first line that says what it is about. A title is of one line alone, so that it goes when that is taken back.
/// Lines that a person has put elsewhere than `there` are not of it.
fn said_by_lines(stream: &Stream, going_on: &GoingOn, said: &threading::Heard<'_>, there: Option<DiscussionId>) -> Option<String> {
    let of_it = |p: &&Recalled| !is_fixed(p) || Some(p.discussion) == there;
    let of_kind = |kind: &'static str| {
        let earlier = going_on.earlier.iter().filter(of_it).filter(move |p| p.kind == kind).map(|p| (p.body.as_str(), p.mentions()));
        earlier.chain((said.kind == kind).then(|| (said.text, said.mentions.to_vec())))
    };
    // A file's name tells more than 「請看一下」 below it.
    let all: Vec<(&str, Vec<String>)> = of_kind("text").chain(of_kind("file")).collect();
    let uncalled = all.iter().map(|(text, mentions)| stream.uncalled(&threading::Heard { text, mentions, ..said.clone() }));
    let lines: Vec<&str> = uncalled.collect();
    lines.iter().find_map(|line| threading::said_alone(line)).or_else(|| lines.iter().find_map(|line| threading::said_in(line)))
}

/// What a discussion is called that all of it opens.
fn title_of_all(app: &App, stream: &Stream, going_on: &GoingOn, said: &threading::Heard<'_>, untitled: &str) -> String {
    said_by_lines(stream, going_on, said, None).unwrap_or_else(|| match going_on.earlier.iter().find(|p| !is_fixed(p)) {
        Some(first) => threading::title(stream, &threading::Heard { text: &first.body, ..said.clone() }, word_of_kind(app, &first.kind)),
        None => threading::title(stream, said, untitled),
    })
}

/// What the discussion that these lines opened may be called after them.
fn titles_before(app: &App, going_on: &GoingOn) -> Vec<String> {
    let of = |p: &Recalled| threading::possible_titles(&p.body).into_iter().chain([word_of_kind(app, &p.kind).to_owned(), p.body.clone()]);
    going_on.earlier.iter().flat_map(of).collect()
}

/// What needs no threader: a number that it begins with, what it quotes, "reply here" tapped right before it, what quotes it, a number that
/// it names.
async fn certain(tx: &mut Tx, chat: &Chat, heard: &Heard) -> Result<Option<(DiscussionId, Evidence)>, store::Error> {
    let said = &heard.said;
    if let Some(number) = addressed_to(&said.text)
        && let Some(id) = named(tx, chat, number).await?
    {
        return Ok(Some((id, Evidence::Number { number })));
    }
    if let (Some(message), Some((_, discussion))) = (&said.quotes, quoted(tx, chat, said).await?)
        && !discussion.other
    {
        return Ok(Some((discussion.id, Evidence::Quote { quoted: message.to_string() })));
    }
    if let Some(person) = heard.person
        && let Some(tapped) = tapped_before(tx, (chat.id, person), heard.at).await?
        && let number = tapped.number
        && let Some(discussion) = meant(tx, chat.project, tapped).await?
    {
        return Ok(Some((discussion.id, Evidence::ReplyHere { number })));
    }
    // Events may arrive in any order: what a quote refers to stands with it, whichever of the two came first.
    for quoting in posts::quoting(tx, chat.id, &[said.message.to_string()], QUOTES_MAX).await? {
        if let Some(discussion) = of_project(tx, chat, quoting.discussion).await?.filter(|d| !d.other) {
            let message = quoting.external_id.unwrap_or_default();
            return Ok(Some((discussion.id, Evidence::QuotedBy { message })));
        }
    }
    // The number of a discussion that has ended in another, or that rests for long, too.
    for number in threading::typed_numbers(&said.text) {
        if let Some(id) = named(tx, chat, number).await? {
            return Ok(Some((id, Evidence::Number { number })));
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
        None => match posts::discussions_of_sent_message(tx, chat.id, message).await?[..] {
            [one] => Some(one),
            _ => None,
        },
    };
    let Some(id) = found else { return Ok(None) };
    // A card of what was put aside as no matter names it, as its number does; what was said there rests where it was put.
    let named = discussions::get(tx, id).await?;
    let found = match meant(tx, chat.project, named).await? {
        Some(found) => Some(found),
        None => of_project(tx, chat, id).await?,
    };
    Ok(found.map(|discussion| (post, discussion)))
}

/// What a card of the bot's told of that it quotes, where that is several discussions of the chat's project.
async fn told_together(tx: &mut Tx, chat: &Chat, said: &Said) -> Result<Vec<Discussion>, store::Error> {
    let mut found: Vec<Discussion> = vec![];
    let Some(message) = &said.quotes else { return Ok(found) };
    for id in posts::discussions_of_sent_message(tx, chat.id, message.as_str()).await? {
        let named = discussions::get(tx, id).await?;
        if let Some(discussion) = meant(tx, chat.project, named).await?.filter(|d| found.iter().all(|f| f.id != d.id)) {
            found.push(discussion);
        }
    }
    Ok(found)
}

/// It quotes a card that told of several discussions: it belongs to one of them, and the threader says which it takes it for.
fn one_of(told: &[Discussion], placement: &Placement, since: Timestamp) -> Option<Decision> {
    let chance = |d: &Discussion| {
        let of = placement.chances.iter().find(|c| c.to == threading::model::To::Discussion(d.id));
        of.map_or(0.0, |c| c.probability)
    };
    // Where it knows none of them, the newest.
    let best = told.iter().max_by(|a, b| chance(a).total_cmp(&chance(b)).then(a.number.cmp(&b.number)))?;
    let all: f32 = told.iter().map(chance).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 100")]
    let percent = if all > 0.0 { (100.0 * chance(best) / all).round() as u8 } else { 0 };
    let class = if told.len() == 1 { Class::Sure } else { Class::Likely };
    let mut others: Vec<&Discussion> = told.iter().filter(|d| d.id != best.id).collect();
    others.sort_by(|a, b| chance(b).total_cmp(&chance(a)));
    let alternatives = others.iter().take(ALTERNATIVES_MAX).map(|d| d.number).collect();
    let evidence = Evidence::Threader { class, percent, why: vec![Reason::Quote {}], alternatives };
    Some(Decision::new(To::Join(best.id), evidence, Some(class), since))
}

/// Where the discussion's posts are now. A chat that was bound elsewhere since keeps quoting; what it quotes must be of its project.
async fn of_project(tx: &mut Tx, chat: &Chat, id: DiscussionId) -> Result<Option<Discussion>, store::Error> {
    let found = discussions::get(tx, id).await?;
    let now_in = discussions::follow(tx, found).await?;
    Ok((now_in.project == chat.project).then_some(now_in))
}

/// Where the discussion with this number leads, if it is of the chat's project: any other number is only a part of what is said.
async fn named(tx: &mut Tx, chat: &Chat, number: i64) -> Result<Option<DiscussionId>, store::Error> {
    match discussions::find(tx, number).await? {
        Some(found) => Ok(meant(tx, chat.project, found).await?.map(|d| d.id)),
        None => Ok(None),
    }
}

/// What was taken back before it came goes with what was said around it.
async fn tombstone(tx: &mut Tx, app: &App, chat: &Chat, heard: &Heard) -> Result<Decision, store::Error> {
    let latest = discussions::recent_in_chat(tx, chat.id, heard.at - TOMBSTONE_REACH, 1).await?;
    let near = latest.first().map(|d| (d.id, heard.at.duration_since(d.last_post_at))).filter(|(_, since)| since.abs() <= TOMBSTONE_REACH);
    Ok(match near {
        Some((id, since)) => Decision::certain(id, Evidence::SameChat { seconds_since_last_post: since.as_secs() }, heard.at),
        None => Decision::new(To::Open { title: untitled(app, heard).to_owned() }, Evidence::Nothing {}, None, heard.at),
    })
}
