//! What a post says, marked up: mentions, LINE emoji, links; stickers and places as small cards.

use std::collections::BTreeMap;
use std::ops::Range;

use maud::{Markup, html};

use super::{Look, linked};
use crate::domain::{Details, Mentioned};

/// Keywords of a sticker that are shown.
const KEYWORDS_SHOWN: usize = 5;

/// A part of the text that is more than its characters.
enum Mark<'a> {
    /// Somebody, with the name that they bear now.
    Mention(Option<&'a str>),
    Emoji,
}

/// The text with its mentions, emoji and links. `names`: what LINE users are called now.
pub fn words(text: &str, details: &Details, names: &BTreeMap<String, String>) -> Markup {
    let mut at = 0;
    let mut pieces = vec![];
    for (span, mark) in marks(text, details, names) {
        pieces.push((&text[at..span.start], Some((&text[span.clone()], mark))));
        at = span.end;
    }
    pieces.push((&text[at..], None));
    html! {
        @for (plain, marked) in pieces {
            (linked(plain))
            @match marked {
                Some((text, Mark::Mention(name))) => span.mention title=[other_name(text, name)] { (text) },
                Some((text, Mark::Emoji)) => span.emoji { (text) },
                None => {},
            }
        }
    }
}

/// The marked parts in order. Of two that overlap, which LINE never sends, the first counts.
fn marks<'a>(text: &str, details: &Details, names: &'a BTreeMap<String, String>) -> Vec<(Range<usize>, Mark<'a>)> {
    let mentions = details.mentions.iter().filter_map(|m| {
        let name = if let Mentioned::User(id) = &m.whom { names.get(id).map(String::as_str) } else { None };
        Some((m.at.of(text)?, Mark::Mention(name)))
    });
    let emoji = details.emoji.iter().filter_map(|e| Some((e.at.of(text)?, Mark::Emoji)));
    let mut all: Vec<_> = mentions.chain(emoji).collect();
    all.sort_by_key(|(span, _)| span.start);
    let mut free_from = 0;
    all.retain(|(span, _)| {
        let free = span.start >= free_from;
        if free {
            free_from = span.end;
        }
        free
    });
    all
}

/// The name that somebody bears now, where the text has another.
fn other_name<'a>(text: &str, name: Option<&'a str>) -> Option<&'a str> {
    name.filter(|n| text.trim_start_matches(['@', '\u{ff20}']).trim() != n.trim())
}

/// A sticker as a small card: its text, or what LINE thinks it means. LINE's picture of it would be fetched from LINE by the reader.
pub fn sticker(look: &Look<'_>, body: &str, details: &Details) -> Markup {
    let keywords: &[String] = details.sticker.as_ref().map(|s| s.keywords.as_slice()).unwrap_or_default();
    let has_text = !body.is_empty() && keywords.first().is_none_or(|first| first != body);
    html! {
        div.sticker {
            span.sticker-word { (look.word("message", "sticker")) }
            @if has_text {
                span.sticker-text { (body) }
            } @else if !keywords.is_empty() {
                span.sticker-keywords { (keywords.iter().take(KEYWORDS_SHOWN).map(String::as_str).collect::<Vec<_>>().join(" · ")) }
            }
        }
    }
}

/// A place as a card with a link to a map; as its lines where they are all that is kept.
pub fn place(look: &Look<'_>, body: &str, details: &Details) -> Markup {
    let Some(place) = &details.place else {
        return html! {
            p.odd { (look.word("message", "location")) }
            div.words { (linked(body)) }
        };
    };
    html! {
        div.place {
            span.place-word { (look.word("message", "location")) }
            @if let Some(title) = &place.title { strong { (title) } }
            @if let Some(address) = place.address.as_ref().filter(|a| place.title.as_ref() != Some(a)) { span { (address) } }
            @if let Some(url) = place.map_url() {
                a href=(url) target="_blank" rel="noopener noreferrer nofollow" { (look.t("page.map")) }
            }
        }
    }
}

/// What else a kind of message tells: how long it lasts, where it lies.
pub fn said(look: &Look<'_>, details: &Details) -> Markup {
    html! {
        @if let Some(ms) = details.duration_ms {
            p.odd { (look.fill("page.duration", &[("time", &minutes(ms))])) }
        }
        @if let Some(url) = &details.url {
            p.odd { a href=(url) target="_blank" rel="noopener noreferrer nofollow" { (look.t("page.external_link")) } }
        }
    }
}

/// `1:05`, `2:00:09`.
fn minutes(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Emoji, Mention, Span};

    fn mention(start: usize, end: usize, whom: Mentioned) -> Mention {
        Mention { at: Span { start, end }, whom }
    }

    #[test]
    fn mentions_are_marked_and_say_who_it_is_now() {
        let text = "@All @Ben 早 (love) https://a.tw";
        let details = Details {
            mentions: vec![mention(5, 9, Mentioned::User("U1".into())), mention(0, 4, Mentioned::All)],
            emoji: vec![Emoji { at: Span { start: 14, end: 20 }, product: "p".into(), emoji: "1".into() }],
            ..Details::default()
        };
        let names = BTreeMap::from([("U1".to_owned(), "林\"本".to_owned())]);
        let shown = words(text, &details, &names).into_string();
        assert!(shown.starts_with("<span class=\"mention\">@All</span> <span class=\"mention\" title=\"林&quot;本\">@Ben</span> 早 "));
        assert!(shown.contains("<span class=\"emoji\">(love)</span> <a href=\"https://a.tw\""), "{shown}");
        let same = BTreeMap::from([("U1".to_owned(), "Ben".to_owned())]);
        assert!(!words(text, &details, &same).into_string().contains("title="));
    }

    #[test]
    fn spans_that_do_not_fit_lose_nothing_of_the_text() {
        let text = "@班 <b>早</b>";
        let details = Details {
            mentions: vec![
                mention(0, 2, Mentioned::All),
                mention(0, 99, Mentioned::All),
                mention(0, 4, Mentioned::Somebody),
                mention(1, 4, Mentioned::Somebody),
                mention(9, 3, Mentioned::Somebody),
            ],
            ..Details::default()
        };
        let shown = words(text, &details, &BTreeMap::new()).into_string();
        assert_eq!(shown, "<span class=\"mention\">@班</span> &lt;b&gt;早&lt;/b&gt;");
    }

    #[test]
    fn durations_read_as_a_clock_does() {
        for (ms, words) in [(0, "0:00"), (65_999, "1:05"), (3_600_000, "1:00:00")] {
            assert_eq!(minutes(ms), words);
        }
    }
}
