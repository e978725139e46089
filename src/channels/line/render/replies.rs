//! What the bot answers to a tap or a typed command.

use serde_json::{Value, json};

use super::fit::{fit, sound};
use super::text::{cut, cut_units};
use super::{
    Card, GREEN, GREY, INK, NAME_GRAPHEMES_MAX, SHOWN_UNITS_MAX, accent, cards_message, flex, link, note_line, status_word, title,
    view_button,
};
use crate::i18n::Locale;

/// Rows of the list of open discussions; further ones are counted.
pub const PROGRESS_ROWS_MAX: usize = 10;

/// The open discussions of a chat, newest first, each row a link; `more` of them are not among the cards. `url`: where all of them are.
pub fn progress(locale: Locale, cards: &[Card], more: usize, url: &str) -> Value {
    let texts = locale.texts();
    if cards.is_empty() {
        return words(texts.get("line.progress_none"));
    }
    let shown = &cards[..cards.len().min(PROGRESS_ROWS_MAX)];
    let more = more + cards.len() - shown.len();
    let heading = texts.fill("line.progress_some", &[("count", &(shown.len() + more).to_string())]);
    let mut body = vec![json!({"type": "text", "text": heading, "size": "md", "weight": "bold", "color": INK, "wrap": true})];
    let mut alt = vec![heading];
    for card in shown {
        let name = title(texts, card);
        let status = status_word(texts, card.status);
        alt.push(format!("#{} {name}｜{status}", card.number));
        body.push(json!({"type": "separator"}));
        let mut row = json!({"type": "box", "layout": "vertical", "paddingTop": "4px", "paddingBottom": "4px", "contents": [
            {"type": "text", "text": name, "size": "sm", "color": INK, "wrap": true, "maxLines": 2},
            {"type": "box", "layout": "horizontal", "contents": [
                {"type": "text", "text": format!("#{}", card.number), "size": "xs", "weight": "bold", "color": GREY, "flex": 0},
                {"type": "text", "text": status, "size": "xs", "weight": "bold", "color": accent(card.status), "align": "end"},
            ]},
        ]});
        if let Some(link) = link(card.url) {
            row["action"] = json!({"type": "uri", "label": format!("#{}", card.number), "uri": link});
        }
        body.push(row);
    }
    if more > 0 {
        let note = texts.fill("line.more", &[("count", &more.to_string())]);
        body.push(note_line(&note));
        alt.push(note);
    }
    let footer = view_button(link(url).as_deref(), texts.get("line.progress_all"), GREEN);
    let mut send = vec![flex(&alt.join("\n"), vec![super::bubble(&body, &footer)])];
    fit(&mut send);
    send.into_iter().next().map(sound).expect("one object was put in, and fitting keeps every object")
}

/// Somebody (`said_by` of the card) said that it is solved.
pub fn solved(locale: Locale, card: &Card) -> Value {
    said(locale, card, "line.solved_by", "line.solved")
}

/// Somebody (`said_by` of the card) said that it is not solved.
pub fn not_solved(locale: Locale, card: &Card) -> Value {
    said(locale, card, "line.not_solved_by", "line.not_solved")
}

fn said(locale: Locale, card: &Card, by: &'static str, by_nobody: &'static str) -> Value {
    let name = card.said_by.map(|name| cut(name, NAME_GRAPHEMES_MAX)).unwrap_or_default();
    let texts = locale.texts();
    let heading = if name.is_empty() { texts.get(by_nobody).to_owned() } else { texts.fill(by, &[("name", &name)]) };
    cards_message(locale, std::slice::from_ref(card), |_, _| heading.clone(), |_, _| vec![])
}

/// What was said in discussion `from` is a matter of its own now: the card's.
pub fn apart(locale: Locale, card: &Card, from: i64) -> Value {
    let heading = locale.texts().fill("line.apart", &[("number", &from.to_string())]);
    cards_message(locale, std::slice::from_ref(card), |_, _| heading.clone(), |_, _| vec![])
}

/// What the group was told of as discussion `from` is in the card's.
pub fn moved(locale: Locale, card: &Card, from: i64) -> Value {
    let heading = locale.texts().fill("line.moved", &[("number", &from.to_string())]);
    cards_message(locale, std::slice::from_ref(card), |_, _| heading.clone(), |_, _| vec![])
}

/// A sentence, where a card would be too much.
pub fn words(text: &str) -> Value {
    sound(json!({"type": "text", "text": cut_units(text, SHOWN_UNITS_MAX)}))
}
