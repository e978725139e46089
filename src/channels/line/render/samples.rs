//! Every card that the bot makes, from samples: to look at, and to test with.

use serde_json::Value;

use super::{Card, answered, apart, joined, moved, not_solved, opened, progress, solved, status_changed, words};
use crate::domain::Status;
use crate::i18n::Locale;

/// A sample's name and its message object, in a language. `public_url` is what its links begin with.
pub fn all(locale: Locale, public_url: &str) -> Vec<(&'static str, Value)> {
    let texts = locale.texts();
    let titles = ["line.sample_title_1", "line.sample_title_2", "line.sample_title_3"].map(|key| texts.get(key));
    let urls = [123, 124, 131].map(|number| (number, format!("{public_url}/d/{number}")));
    let statuses = [Status::InProgress, Status::Open, Status::Waiting];
    let cards: Vec<Card<'_>> = (0..3)
        .map(|i| Card {
            number: urls[i].0,
            title: titles[i],
            status: statuses[i],
            url: &urls[i].1,
            said_by: Some(texts.get("line.sample_name")),
            excerpt: Some(texts.get("line.sample_excerpt")),
        })
        .collect();
    let plain: Vec<Card<'_>> = cards.iter().map(|card| Card { excerpt: None, said_by: None, ..*card }).collect();
    let list = format!("{public_url}/discussions");
    let says = |key: &str, fill: &[(&str, &str)]| words(&texts.fill(key, fill));
    let name = texts.get("line.sample_name");
    vec![
        ("joined", joined(locale, public_url, None)),
        ("joined-bound", joined(locale, public_url, Some(texts.get("line.sample_project")))),
        ("opened", opened(locale, &plain[..1])),
        ("opened-several", opened(locale, &plain)),
        ("answered", answered(locale, &cards[..1])),
        ("answered-without-excerpt", answered(locale, &[Card { excerpt: None, ..cards[0] }])),
        ("answered-several", answered(locale, &cards)),
        ("status-changed", status_changed(locale, &plain[..1])),
        ("progress", progress(locale, &cards, 2, &list)),
        ("progress-none", progress(locale, &[], 0, &list)),
        ("solved", solved(locale, &Card { status: Status::Resolved, excerpt: None, ..cards[0] })),
        ("not-solved", not_solved(locale, &Card { excerpt: None, ..cards[0] })),
        ("apart", apart(locale, &plain[1], 123)),
        ("moved", moved(locale, &plain[1], 123)),
        ("nothing-before", says("line.nothing_before", &[("number", "123")])),
        ("nothing-apart", says("line.nothing_apart", &[("number", "123")])),
        ("bound", says("line.bound", &[("project", texts.get("line.sample_project"))])),
        ("bound-elsewhere", says("line.bound_elsewhere", &[])),
        ("linked", says("line.linked", &[("name", name)])),
        ("linked-elsewhere", says("line.linked_elsewhere", &[])),
        ("not-here", says("line.not_here", &[])),
        ("no-such-code", says("line.no_such_code", &[])),
    ]
}
