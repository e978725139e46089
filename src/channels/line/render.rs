//! What the bot says in a LINE chat, as message objects.
//!
//! Notices are reminders: one Flex bubble a discussion, a carousel for several, each with the link to the discussion's page.
//! However long a title or however many cards, what people see in one send stays within [`SHOWN_UNITS_MAX`]: texts are cut at a
//! grapheme, and what still does not fit is counted, never dropped unsaid.

mod fit;
mod personal;
mod replies;
pub mod samples;
mod text;

use serde_json::{Value, json};

use super::commands::Tap;
use super::limits;
use crate::domain::{Status, TITLE_GRAPHEMES_MAX};
use crate::i18n::{Locale, Texts};
use fit::{fit, merge, sound};
pub use personal::personal;
pub use replies::{apart, moved, not_solved, progress, solved, words};
use text::{cut, cut_units, units};

/// The most that one send shows (every `text`, `title` and `label` of all its objects together), in UTF-16 units.
pub const SHOWN_UNITS_MAX: usize = 600;
/// The longest `altText` of ours, in UTF-16 units: it is what a notification shows.
pub const ALT_TEXT_UNITS_MAX: usize = 400;
/// The longest excerpt, in grapheme clusters.
pub const EXCERPT_GRAPHEMES_MAX: usize = 60;

/// The longest name of an author, in grapheme clusters.
const NAME_GRAPHEMES_MAX: usize = 20;
/// Up to so many cards show excerpts and have buttons; more make a list of titles.
const CARDS_IN_FULL_MAX: usize = 3;

/// LINE's own green, dark enough to read on white.
const GREEN: &str = "#06A048";
const INK: &str = "#1F2328";
const GREY: &str = "#6B7280";

/// A discussion as a notice shows it.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a> {
    /// The discussion's number.
    pub number: i64,
    /// Its title; cut here, and replaced by a word where nothing of it can be seen.
    pub title: &'a str,
    /// Where it stands.
    pub status: Status,
    /// The https link of its page.
    pub url: &'a str,
    /// Who said what the notice is about.
    pub said_by: Option<&'a str>,
    /// The beginning of what was said.
    pub excerpt: Option<&'a str>,
}

/// What a card tells of its discussion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// It was opened, acknowledged. Buttons ask for progress, say that what follows belongs here, set apart what was said of another
    /// matter, and join it to the one before.
    Opened,
    /// Staff answered `times`: who last, the beginning of that, the link. Buttons say whether that solved it, or that an answer follows.
    /// `status`: it changed too.
    Answered { times: usize, status: bool },
    /// It stands elsewhere now.
    StatusChanged,
    /// What the chat knows under another number is here.
    Moved { from: Option<i64> },
    /// Somebody else looks after it; an empty name: nobody.
    Assigned { to: &'a str },
}

impl News<'_> {
    fn heading(self, texts: &Texts, card: &Card) -> String {
        match self {
            Self::Opened => texts.get("line.opened").to_owned(),
            Self::Answered { times, status } => {
                let answered = answered_by(texts, card, times);
                if status { texts.fill("line.with_status", &[("told", &answered)]) } else { answered }
            }
            Self::StatusChanged => texts.get("line.status_changed").to_owned(),
            Self::Moved { from: Some(from) } => texts.fill("line.moved", &[("number", &from.to_string())]),
            Self::Moved { from: None } => texts.get("line.moved_here").to_owned(),
            Self::Assigned { to } => match cut(to, NAME_GRAPHEMES_MAX) {
                name if name.is_empty() => texts.get("line.unassigned").to_owned(),
                name => texts.fill("line.assigned", &[("name", &name)]),
            },
        }
    }

    fn taps(self, texts: &Texts, card: &Card) -> Vec<Value> {
        match self {
            Self::Opened => {
                let ways = row(&[tap_button(texts, Tap::Reply(card.number)), tap_button(texts, Tap::Progress)]);
                vec![ways, row(&[tap_button(texts, Tap::Apart(card.number)), tap_button(texts, Tap::Join(card.number))])]
            }
            Self::Answered { .. } => {
                let answers = row(&[tap_button(texts, Tap::Solved(card.number)), tap_button(texts, Tap::NotSolved(card.number))]);
                vec![answers, row(&[tap_button(texts, Tap::Reply(card.number)), tap_button(texts, Tap::Apart(card.number))])]
            }
            Self::StatusChanged | Self::Moved { .. } => vec![tap_button(texts, Tap::Reply(card.number))],
            Self::Assigned { .. } => vec![],
        }
    }
}

fn answered_by(texts: &Texts, card: &Card, times: usize) -> String {
    let name = card.said_by.map(|name| cut(name, NAME_GRAPHEMES_MAX)).unwrap_or_default();
    let count = times.to_string();
    match (name.is_empty(), times > 1) {
        (true, false) => texts.get("line.answered").to_owned(),
        (true, true) => texts.fill("line.answered_times", &[("count", &count)]),
        (false, false) => texts.fill("line.answered_by", &[("name", &name)]),
        (false, true) => texts.fill("line.answered_by_times", &[("name", &name), ("count", &count)]),
    }
}

/// What several discussions have to tell, whatever it is: one card, or a carousel of them, in the order given.
pub fn news(locale: Locale, told: &[(News, Card)]) -> Value {
    let cards: Vec<Card> = told.iter().map(|(_, card)| *card).collect();
    cards_message(locale, &cards, |texts, at| told[at].0.heading(texts, &told[at].1), |texts, at| told[at].0.taps(texts, &told[at].1))
}

fn all_tell(locale: Locale, what: News, cards: &[Card]) -> Value {
    let told: Vec<(News, Card)> = cards.iter().map(|card| (what, *card)).collect();
    news(locale, &told)
}

/// New discussions, acknowledged.
pub fn opened(locale: Locale, cards: &[Card]) -> Value {
    all_tell(locale, News::Opened, cards)
}

/// Staff answered, once in each.
pub fn answered(locale: Locale, cards: &[Card]) -> Value {
    all_tell(locale, News::Answered { times: 1, status: false }, cards)
}

/// Statuses changed.
pub fn status_changed(locale: Locale, cards: &[Card]) -> Value {
    all_tell(locale, News::StatusChanged, cards)
}

/// The bot came into a chat: what it records, who can read it, how to stop it, and the link to read more. `project`: the name of the
/// project that the chat is bound to.
pub fn joined(locale: Locale, url: &str, project: Option<&str>) -> Value {
    let texts = locale.texts();
    let paragraph = |text: &str| json!({"type": "text", "text": text, "size": "sm", "color": INK, "wrap": true});
    let project = project.map(|name| cut(name, NAME_GRAPHEMES_MAX)).filter(|name| !name.is_empty());
    let readers = match &project {
        Some(name) => texts.fill("line.joined_readers_of", &[("project", name)]),
        None => texts.get("line.joined_readers").to_owned(),
    };
    let body = vec![
        json!({"type": "text", "text": texts.get("line.joined_title"), "weight": "bold", "size": "md", "color": GREEN, "wrap": true}),
        paragraph(texts.get("line.joined_recorded")),
        paragraph(&readers),
        paragraph(texts.get("line.joined_stop")),
    ];
    let link = link(url);
    let mut alt = vec![texts.get("line.joined_title"), texts.get("line.joined_recorded"), &readers];
    alt.extend(link.as_deref());
    let mut footer = view_button(link.as_deref(), texts.get("line.joined_button"), GREEN);
    footer.push(tap_button(texts, Tap::Progress));
    sound(flex(&alt.join("\n"), vec![bubble(&body, &footer)]))
}

/// Puts what one send says into at most [`limits::MESSAGES_MAX`] objects that together show at most [`SHOWN_UNITS_MAX`].
pub fn combine(mut parts: Vec<Value>) -> Vec<Value> {
    while parts.len() > limits::MESSAGES_MAX {
        let (Some(last), Some(before)) = (parts.pop(), parts.pop()) else { break };
        parts.push(merge(before, last));
    }
    fit(&mut parts);
    parts.into_iter().map(sound).collect()
}

/// One bubble a card. Of the card at a place, `heading` is what it tells and `taps` are the buttons under the link.
fn cards_message(
    locale: Locale,
    cards: &[Card],
    heading: impl Fn(&Texts, usize) -> String,
    taps: impl Fn(&Texts, usize) -> Vec<Value>,
) -> Value {
    let texts = locale.texts();
    let shown = &cards[..cards.len().min(limits::BUBBLES_MAX)];
    let more = cards.len() - shown.len();
    let more = (more > 0).then(|| texts.fill("line.more", &[("count", &more.to_string())]));
    let in_full = cards.len() <= CARDS_IN_FULL_MAX;
    let bubbles = shown.iter().enumerate().map(|(i, card)| {
        let excerpt = card.excerpt.filter(|_| in_full).map(|e| cut(e, EXCERPT_GRAPHEMES_MAX)).unwrap_or_default();
        let note = more.as_deref().filter(|_| i + 1 == shown.len());
        let taps = if in_full { taps(texts, i) } else { vec![] };
        card_bubble(texts, card, &Told { heading: &heading(texts, i), excerpt: &excerpt, note }, taps)
    });
    let message = flex(&alt_text(texts, shown, more.as_deref(), &heading), bubbles.collect());
    let mut send = vec![message];
    fit(&mut send);
    send.into_iter().next().map(sound).expect("one object was put in, and fitting keeps every object")
}

/// What a card says beside its discussion.
struct Told<'a> {
    heading: &'a str,
    /// Empty: none.
    excerpt: &'a str,
    note: Option<&'a str>,
}

fn card_bubble(texts: &Texts, card: &Card, told: &Told<'_>, taps: Vec<Value>) -> Value {
    let Told { heading, excerpt, note } = *told;
    let accent = accent(card.status);
    let mut body = vec![
        json!({"type": "box", "layout": "horizontal", "contents": [
            {"type": "text", "text": format!("#{}", card.number), "size": "sm", "weight": "bold", "color": GREY},
            {"type": "text", "text": status_word(texts, card.status), "size": "sm", "weight": "bold", "color": accent, "align": "end"},
        ]}),
        json!({"type": "text", "text": title(texts, card), "size": "md", "weight": "bold", "color": INK, "wrap": true, "maxLines": 3}),
        json!({"type": "text", "text": heading, "size": "sm", "color": GREY, "wrap": true, "maxLines": 2}),
    ];
    if !excerpt.is_empty() {
        body.push(json!({"type": "text", "text": excerpt, "size": "sm", "color": INK, "wrap": true, "maxLines": 3}));
    }
    if let Some(note) = note {
        body.push(note_line(note));
    }
    let mut footer = view_button(link(card.url).as_deref(), texts.get("line.view"), accent);
    footer.extend(taps);
    bubble(&body, &footer)
}

/// What a notification, a watch or an old client shows: everything needed without the picture.
fn alt_text(texts: &Texts, cards: &[Card], more: Option<&str>, heading: &impl Fn(&Texts, usize) -> String) -> String {
    let line = |card: &Card| format!("#{} {}｜{}", card.number, title(texts, card), status_word(texts, card.status));
    let mut lines: Vec<String> = Vec::new();
    if let [card] = cards {
        lines.push(line(card));
        let excerpt = card.excerpt.map(|e| cut(e, EXCERPT_GRAPHEMES_MAX)).filter(|e| !e.is_empty());
        lines.push([Some(heading(texts, 0)), excerpt].into_iter().flatten().collect::<Vec<_>>().join("　"));
        lines.extend(link(card.url).filter(|url| units(url) + units(&lines.join("\n")) < ALT_TEXT_UNITS_MAX));
    } else {
        lines.extend(cards.iter().map(line));
        lines.extend(more.map(str::to_owned));
    }
    lines.join("\n")
}

fn flex(alt_text: &str, mut bubbles: Vec<Value>) -> Value {
    let contents = match (bubbles.len(), bubbles.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            bubbles.extend(last);
            json!({"type": "carousel", "contents": bubbles})
        }
    };
    json!({"type": "flex", "altText": cut_units(alt_text, ALT_TEXT_UNITS_MAX), "contents": contents})
}

/// Every bubble has one size, as a carousel demands.
fn bubble(body: &[Value], footer: &[Value]) -> Value {
    let mut bubble = json!({
        "type": "bubble", "size": "kilo",
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "paddingAll": "16px", "contents": body},
    });
    if !footer.is_empty() {
        bubble["footer"] = json!({"type": "box", "layout": "vertical", "spacing": "xs", "paddingAll": "8px", "contents": footer});
        bubble["styles"] = json!({"footer": {"separator": true}});
    }
    bubble
}

/// The button that opens the page; none where there is no link.
fn view_button(link: Option<&str>, label: &str, colour: &str) -> Vec<Value> {
    let Some(link) = link else { return vec![] };
    let action = json!({"type": "uri", "label": label, "uri": link});
    vec![json!({"type": "button", "style": "link", "height": "sm", "color": colour, "action": action})]
}

/// A button whose tap comes back to us; the group sees what was tapped.
fn tap_button(texts: &Texts, tap: Tap) -> Value {
    let (label, shown, number) = match tap {
        Tap::Progress => ("line.tap_progress", "line.tapped_progress", 0),
        Tap::Solved(number) => ("line.tap_solved", "line.tapped_solved", number),
        Tap::NotSolved(number) => ("line.tap_not_solved", "line.tapped_not_solved", number),
        Tap::Reply(number) => ("line.tap_reply", "line.tapped_reply", number),
        Tap::Apart(number) => ("line.tap_apart", "line.tapped_apart", number),
        Tap::Join(number) => ("line.tap_join", "line.tapped_join", number),
    };
    let shown = texts.fill(shown, &[("number", &number.to_string())]);
    let mut action = json!({"type": "postback", "label": texts.get(label), "data": tap.data(), "displayText": shown});
    if matches!(tap, Tap::Reply(_)) {
        action["inputOption"] = json!("openKeyboard");
    }
    match tap {
        Tap::Solved(_) | Tap::NotSolved(_) => json!({"type": "button", "style": "secondary", "height": "sm", "action": action}),
        Tap::Progress | Tap::Reply(_) | Tap::Apart(_) | Tap::Join(_) => {
            json!({"type": "button", "style": "link", "height": "sm", "color": GREY, "action": action})
        }
    }
}

fn row(buttons: &[Value]) -> Value {
    json!({"type": "box", "layout": "horizontal", "spacing": "sm", "contents": buttons})
}

fn note_line(note: &str) -> Value {
    json!({"type": "text", "text": note, "size": "xs", "color": GREY, "align": "end"})
}

/// `url` as LINE takes it: percent-encoded ASCII. None where it is no link, or too long for a button.
fn link(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "https" | "http"))?;
    Some(String::from(url)).filter(|u| u.len() <= limits::URI_UNITS_MAX)
}

fn title(texts: &Texts, card: &Card) -> String {
    let title = cut(card.title, TITLE_GRAPHEMES_MAX);
    if title.is_empty() { texts.get("line.untitled").to_owned() } else { title }
}

fn status_word(texts: &Texts, status: Status) -> &str {
    texts.get(match status {
        Status::Open => "status.open",
        Status::InProgress => "status.in_progress",
        Status::Waiting => "status.waiting",
        Status::Resolved => "status.resolved",
        Status::Closed => "status.closed",
    })
}

fn accent(status: Status) -> &'static str {
    match status {
        Status::Open => "#D9480F",
        Status::InProgress => GREEN,
        Status::Waiting => "#1971C2",
        Status::Resolved => "#0B7285",
        Status::Closed => GREY,
    }
}

#[cfg(test)]
mod tests;
