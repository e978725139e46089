//! What the bot says in a LINE chat, as message objects.
//!
//! Notices are reminders: one Flex bubble a discussion, a carousel for several, each with the link to the discussion's page.
//! However long a title or however many cards, what people see in one send stays within [`SHOWN_UNITS_MAX`]: texts are cut at a
//! grapheme, and what still does not fit is counted, never dropped unsaid.

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::limits;
use crate::domain::{Status, TITLE_GRAPHEMES_MAX};
use crate::i18n::{Locale, Texts};

/// The most that one send shows (every `text`, `title` and `label` of all its objects together), in UTF-16 units.
pub const SHOWN_UNITS_MAX: usize = 600;
/// The longest `altText` of ours, in UTF-16 units: it is what a notification shows.
pub const ALT_TEXT_UNITS_MAX: usize = 400;
/// The longest excerpt, in grapheme clusters.
pub const EXCERPT_GRAPHEMES_MAX: usize = 60;

/// The longest name of an author, in grapheme clusters.
const NAME_GRAPHEMES_MAX: usize = 20;
/// A grapheme may have any number of characters (joined emoji, stacked accents): the longest text, in UTF-16 units a grapheme allowed.
const UNITS_PER_GRAPHEME_MAX: usize = 3;
/// Up to so many cards show excerpts; more make a list of titles.
const CARDS_WITH_EXCERPTS_MAX: usize = 3;
/// How far texts are cut where a send shows too much, one after the other, in graphemes.
const CUTS_GRAPHEMES: [usize; 6] = [40, 30, 24, 18, 14, 10];

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

/// New discussions, acknowledged.
pub fn opened(locale: Locale, cards: &[Card]) -> Value {
    cards_message(locale, cards, |texts, _| texts.get("line.opened").to_owned())
}

/// Staff answered: who, the beginning of the answer, the link.
pub fn answered(locale: Locale, cards: &[Card]) -> Value {
    cards_message(locale, cards, |texts, card| match card.said_by.map(|name| cut(name, NAME_GRAPHEMES_MAX)) {
        Some(name) if !name.is_empty() => texts.fill("line.answered_by", &[("name", &name)]),
        _ => texts.get("line.answered").to_owned(),
    })
}

/// Statuses changed.
pub fn status_changed(locale: Locale, cards: &[Card]) -> Value {
    cards_message(locale, cards, |texts, _| texts.get("line.status_changed").to_owned())
}

/// The bot came into a chat: what it records, who can read it, how to stop it, and the link to read more.
pub fn joined(locale: Locale, url: &str) -> Value {
    let texts = locale.texts();
    let paragraph = |key| json!({"type": "text", "text": texts.get(key), "size": "sm", "color": INK, "wrap": true});
    let body = vec![
        json!({"type": "text", "text": texts.get("line.joined_title"), "weight": "bold", "size": "md", "color": GREEN, "wrap": true}),
        paragraph("line.joined_recorded"),
        paragraph("line.joined_readers"),
        paragraph("line.joined_stop"),
    ];
    let link = link(url);
    let mut alt = vec![texts.get("line.joined_title"), texts.get("line.joined_recorded")];
    alt.extend(link.as_deref());
    let bubble = bubble(&body, button(link.as_deref(), texts.get("line.joined_button"), GREEN));
    sound(flex(&alt.join("\n"), vec![bubble]))
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

fn cards_message(locale: Locale, cards: &[Card], heading: impl Fn(&Texts, &Card) -> String) -> Value {
    let texts = locale.texts();
    let shown = &cards[..cards.len().min(limits::BUBBLES_MAX)];
    let more = cards.len() - shown.len();
    let more = (more > 0).then(|| texts.fill("line.more", &[("count", &more.to_string())]));
    let with_excerpts = cards.len() <= CARDS_WITH_EXCERPTS_MAX;
    let bubbles = shown.iter().enumerate().map(|(i, card)| {
        let excerpt = card.excerpt.filter(|_| with_excerpts).map(|e| cut(e, EXCERPT_GRAPHEMES_MAX)).unwrap_or_default();
        let note = more.as_deref().filter(|_| i + 1 == shown.len());
        card_bubble(texts, card, &heading(texts, card), &excerpt, note)
    });
    let message = flex(&alt_text(texts, shown, more.as_deref(), &heading), bubbles.collect());
    let mut send = vec![message];
    fit(&mut send);
    send.into_iter().next().map(sound).expect("one object was put in, and fitting keeps every object")
}

fn card_bubble(texts: &Texts, card: &Card, heading: &str, excerpt: &str, note: Option<&str>) -> Value {
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
    bubble(&body, button(link(card.url).as_deref(), texts.get("line.view"), accent))
}

/// What a notification, a watch or an old client shows: everything needed without the picture.
fn alt_text(texts: &Texts, cards: &[Card], more: Option<&str>, heading: &impl Fn(&Texts, &Card) -> String) -> String {
    let line = |card: &Card| format!("#{} {}｜{}", card.number, title(texts, card), status_word(texts, card.status));
    let mut lines: Vec<String> = Vec::new();
    if let [card] = cards {
        lines.push(line(card));
        let excerpt = card.excerpt.map(|e| cut(e, EXCERPT_GRAPHEMES_MAX)).filter(|e| !e.is_empty());
        lines.push([Some(heading(texts, card)), excerpt].into_iter().flatten().collect::<Vec<_>>().join("　"));
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
fn bubble(body: &[Value], footer: Option<Value>) -> Value {
    let mut bubble = json!({
        "type": "bubble", "size": "kilo",
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "paddingAll": "16px", "contents": body},
    });
    if let Some(button) = footer {
        bubble["footer"] = json!({"type": "box", "layout": "vertical", "paddingAll": "8px", "contents": [button]});
        bubble["styles"] = json!({"footer": {"separator": true}});
    }
    bubble
}

fn button(link: Option<&str>, label: &str, colour: &str) -> Option<Value> {
    let action = json!({"type": "uri", "label": label, "uri": link?});
    Some(json!({"type": "button", "style": "link", "height": "sm", "color": colour, "action": action}))
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

fn units(s: &str) -> usize {
    s.encode_utf16().count()
}

/// One line of at most so many graphemes, with an ellipsis where something went; empty where there is nothing to see.
fn cut(s: &str, graphemes_max: usize) -> String {
    // Looks no further than what could be kept, whatever the length of `s`.
    let enough = graphemes_max * UNITS_PER_GRAPHEME_MAX;
    let line = one_line(s, enough * 4);
    let mut kept = String::new();
    let mut room = enough;
    let mut graphemes = line.graphemes(true).peekable();
    for _ in 0..graphemes_max {
        match graphemes.next_if(|g| units(g) <= room) {
            Some(g) => {
                room -= units(g);
                kept.push_str(g);
            }
            None => break,
        }
    }
    if graphemes.peek().is_none() {
        return kept;
    }
    while kept.graphemes(true).count() >= graphemes_max || units(&kept) >= enough {
        match kept.grapheme_indices(true).next_back() {
            Some((last, _)) => kept.truncate(last),
            None => break,
        }
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// `s` in one line, as people see it: no control or direction-changing characters, no runs of blanks; empty where every
/// character is invisible. Stops after `chars_max` characters.
fn one_line(s: &str, chars_max: usize) -> String {
    let dropped =
        |c: char| c.is_control() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let unseen = |c: char| {
        c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{200c}'..='\u{200f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}')
    };
    let mut line = String::new();
    for c in s.chars().filter(|c| c.is_whitespace() || !dropped(*c)).take(chars_max) {
        if !c.is_whitespace() {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    if line.chars().all(unseen) { String::new() } else { line }
}

fn cut_units(s: &str, units_max: usize) -> String {
    if units(s) <= units_max {
        return s.to_owned();
    }
    let mut room = units_max - 1;
    let fits = |g: &&str| {
        let fits = units(g) <= room;
        room = room.saturating_sub(units(g));
        fits
    };
    let mut kept: String = s.graphemes(true).take_while(fits).collect();
    kept.push('…');
    kept
}

/// Shortens what may be shortened (texts with `maxLines`), step by step, until the objects show no more than allowed together;
/// then leaves bubbles out and says how many.
fn fit(send: &mut [Value]) {
    for graphemes_max in CUTS_GRAPHEMES {
        if send.iter().map(shown_units).sum::<usize>() <= SHOWN_UNITS_MAX {
            return;
        }
        for message in send.iter_mut() {
            shorten(message, graphemes_max);
        }
    }
    let mut left_out = vec![0_usize; send.len()];
    while send.iter().map(shown_units).sum::<usize>() > SHOWN_UNITS_MAX {
        let bubbles = |message: &Value| message["contents"]["contents"].as_array().map_or(0, Vec::len);
        let Some(longest) = (0..send.len()).max_by_key(|i| bubbles(&send[*i])).filter(|i| bubbles(&send[*i]) > 1) else { return };
        leave_one_out(&mut send[longest], &mut left_out[longest]);
    }
}

/// Takes the last bubble but one away (the last may carry a count already) and counts it on the last: `+1`, `+2`, …
fn leave_one_out(message: &mut Value, left_out: &mut usize) {
    let Some(bubbles) = message["contents"]["contents"].as_array_mut().filter(|b| b.len() > 1) else { return };
    bubbles.remove(bubbles.len() - 2);
    let lines = bubbles.last_mut().and_then(|last| last["body"]["contents"].as_array_mut());
    if let Some(lines) = lines {
        if *left_out > 0 {
            lines.pop();
        }
        *left_out += 1;
        lines.push(note_line(&format!("+{left_out}")));
    }
}

/// UTF-16 units in every `text`, `title` and `label` of a message object.
fn shown_units(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(s) if matches!(name.as_str(), "text" | "title" | "label") => units(s),
                other => shown_units(other),
            })
            .sum(),
        Value::Array(items) => items.iter().map(shown_units).sum(),
        _ => 0,
    }
}

fn shorten(value: &mut Value, graphemes_max: usize) {
    match value {
        Value::Object(fields) => {
            let may = fields.contains_key("maxLines");
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(s) if may && name == "text" => {
                        let short = cut(s, graphemes_max);
                        if !short.is_empty() {
                            *s = short;
                        }
                    }
                    other => shorten(other, graphemes_max),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, graphemes_max)),
        _ => {}
    }
}

/// Two Flex messages as one carousel; bubbles past its size are counted on the last.
fn merge(a: Value, b: Value) -> Value {
    let alt = [&a, &b].map(|m| m["altText"].as_str().or_else(|| m["text"].as_str()).unwrap_or_default()).join("\n");
    let mut bubbles = Vec::new();
    for mut message in [a, b] {
        match message["contents"].take() {
            Value::Object(mut carousel) if carousel.get("type").is_some_and(|t| t == "carousel") => {
                if let Some(Value::Array(inside)) = carousel.remove("contents") {
                    bubbles.extend(inside);
                }
            }
            Value::Null => {}
            bubble => bubbles.push(bubble),
        }
    }
    let mut merged = flex(&alt, bubbles);
    let mut left_out = 0;
    while merged["contents"]["contents"].as_array().is_some_and(|b| b.len() > limits::BUBBLES_MAX) {
        leave_one_out(&mut merged, &mut left_out);
    }
    merged
}

/// The object itself, or its `altText` as a plain text should LINE refuse it: a reminder that looks plain beats none.
fn sound(message: Value) -> Value {
    let found = limits::check_messages(&json!([message]));
    if found.is_empty() {
        return message;
    }
    let properties: Vec<&str> = found.iter().map(|v| v.property.as_str()).collect();
    tracing::error!(?properties, "a LINE message of ours breaks a limit; its plain text is sent instead");
    let text = message["altText"].as_str().filter(|t| !t.is_empty()).unwrap_or("…");
    json!({"type": "text", "text": text})
}

#[cfg(test)]
mod tests;
