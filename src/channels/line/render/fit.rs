//! One send: no more shown than people read, nothing that LINE would refuse.

use serde_json::{Value, json};

use super::text::{cut, cut_units, units};
use super::{SHOWN_UNITS_MAX, flex, note_line};
use crate::channels::line::limits;

/// How far texts are cut where a send shows too much, one after the other, in graphemes.
const CUTS_GRAPHEMES: [usize; 6] = [40, 30, 24, 18, 14, 10];

/// Shortens what may be shortened (texts with `maxLines`), step by step, until the objects show no more than allowed together;
/// then takes the buttons that only save typing away, and at last leaves bubbles out and says how many.
pub(super) fn fit(send: &mut [Value]) {
    for graphemes_max in CUTS_GRAPHEMES {
        if send.iter().map(shown_units).sum::<usize>() <= SHOWN_UNITS_MAX {
            return;
        }
        for message in send.iter_mut() {
            shorten(message, graphemes_max);
        }
    }
    if send.iter().map(shown_units).sum::<usize>() > SHOWN_UNITS_MAX {
        send.iter_mut().for_each(take_taps_away);
    }
    let mut left_out = vec![0_usize; send.len()];
    while send.iter().map(shown_units).sum::<usize>() > SHOWN_UNITS_MAX {
        let bubbles = |message: &Value| message["contents"]["contents"].as_array().map_or(0, Vec::len);
        let Some(longest) = (0..send.len()).max_by_key(|i| bubbles(&send[*i])).filter(|i| bubbles(&send[*i]) > 1) else { return };
        leave_one_out(&mut send[longest], &mut left_out[longest]);
    }
}

/// Every button but the links, and every box that held nothing else.
fn take_taps_away(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(items)) = fields.get_mut("contents") {
                items.iter_mut().for_each(take_taps_away);
                items.retain(|i| {
                    i["action"]["type"] != "postback" && !(i["type"] == "box" && i["contents"].as_array().is_some_and(Vec::is_empty))
                });
            }
            for part in ["body", "contents"] {
                if let Some(inside @ Value::Object(_)) = fields.get_mut(part) {
                    take_taps_away(inside);
                }
            }
            if let Some(footer) = fields.get_mut("footer") {
                take_taps_away(footer);
                if footer["contents"].as_array().is_some_and(Vec::is_empty) {
                    fields.remove("footer");
                    fields.remove("styles");
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(take_taps_away),
        _ => {}
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
pub(super) fn shown_units(value: &Value) -> usize {
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
pub(super) fn merge(a: Value, b: Value) -> Value {
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

/// The object itself, or its `altText` and links as a plain text should LINE refuse it: a reminder that looks plain beats none.
pub(super) fn sound(message: Value) -> Value {
    let found = limits::check_messages(&json!([message]));
    if found.is_empty() {
        return message;
    }
    let properties: Vec<&str> = found.iter().map(|v| v.property.as_str()).collect();
    tracing::error!(?properties, "a LINE message of ours breaks a limit; its plain text is sent instead");
    let said = message["altText"].as_str().or_else(|| message["text"].as_str()).unwrap_or_default();
    let mut text = vec![said.to_owned()];
    let mut links = vec![];
    collect_links(&message["contents"], &mut links);
    for link in links {
        if !text.iter().any(|said| said.contains(link)) {
            text.push(link.to_owned());
        }
    }
    let text = cut_units(text.join("\n").trim(), SHOWN_UNITS_MAX);
    json!({"type": "text", "text": if text.is_empty() { "…" } else { &text }})
}

fn collect_links<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(link) if name == "uri" => into.push(link),
                    other => collect_links(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_links(item, into)),
        _ => {}
    }
}
