//! Addresses in what people wrote become links.

use maud::{Markup, html};
use url::Url;

/// A longer one is left as text.
const LINK_BYTES_MAX: usize = 2048;
const SCHEMES: [&str; 2] = ["https://", "http://"];

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Link(&'a str),
}

/// The text with its http and https addresses clickable. Line breaks are the style sheet's.
pub fn linked(text: &str) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Link(address) => a href=(address) target="_blank" rel="noopener noreferrer nofollow" { (address) },
            }
        }
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let mut text_from = 0;
    let mut at = 0;
    while let Some(start) = next_scheme(text, at) {
        let end = start + address_length(&text[start..]);
        let glued = text[..start].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        if glued || !is_address(&text[start..end]) {
            // Past the scheme's first letter, so that the search goes on.
            at = start + 1;
            continue;
        }
        if text_from < start {
            pieces.push(Piece::Text(&text[text_from..start]));
        }
        pieces.push(Piece::Link(&text[start..end]));
        text_from = end;
        at = end;
    }
    if text_from < text.len() {
        pieces.push(Piece::Text(&text[text_from..]));
    }
    pieces
}

/// Where the next `http://` or `https://` begins, at or after `from`.
fn next_scheme(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let begins = |at: usize| SCHEMES.iter().any(|s| bytes.get(at..at + s.len()).is_some_and(|b| b.eq_ignore_ascii_case(s.as_bytes())));
    (from..bytes.len()).find(|at| bytes[*at].eq_ignore_ascii_case(&b'h') && begins(*at))
}

/// How many bytes of `text` belong to the address that it begins with. Chinese is written without blanks, so the first character that is
/// not ASCII ends it; copied addresses have theirs percent-encoded.
fn address_length(text: &str) -> usize {
    let ends = |c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"' | '`' | '\\' | '^' | '{' | '}' | '|');
    // What is longer than an address may be is not read to its end, so that a page of them costs no more than its length.
    let looked_at = &text[..text.floor_char_boundary(LINK_BYTES_MAX + 1)];
    let mut address = &looked_at[..looked_at.find(ends).unwrap_or(looked_at.len())];
    let unmatched = |open: char, close: char| address.matches(close).count().saturating_sub(address.matches(open).count());
    let (mut round, mut square) = (unmatched('(', ')'), unmatched('[', ']'));
    while let Some(last) = address.chars().next_back() {
        match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' => {}
            ')' if round > 0 => round -= 1,
            ']' if square > 0 => square -= 1,
            _ => break,
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address.len()
}

fn is_address(text: &str) -> bool {
    text.len() <= LINK_BYTES_MAX
        && Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host_str().is_some_and(|h| !h.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<&str> {
        pieces(text).into_iter().filter_map(|p| if let Piece::Link(l) = p { Some(l) } else { None }).collect()
    }

    #[test]
    fn addresses_end_where_people_end_them() {
        assert_eq!(links("請看https://example.com/a?b=1&c=2，謝謝"), ["https://example.com/a?b=1&c=2"]);
        assert_eq!(links("https://example.com謝謝"), ["https://example.com"]);
        assert_eq!(links("(see https://example.com/a_(b))."), ["https://example.com/a_(b)"]);
        assert_eq!(links("HTTP://Example.com. <https://x.tw>"), ["HTTP://Example.com", "https://x.tw"]);
        assert_eq!(links("「https://a.tw」https://b.tw"), ["https://a.tw", "https://b.tw"]);
    }

    #[test]
    fn only_http_and_https_become_links() {
        for text in [
            "javascript:alert(1)",
            "ftp://example.com",
            "http://",
            "https:// x",
            "xhttps://example.com",
            "file:///etc/passwd",
            "h",
            "www.example.com",
        ] {
            assert_eq!(links(text), Vec::<&str>::new(), "{text}");
        }
        assert_eq!(links(&format!("https://example.com/{}", "a".repeat(LINK_BYTES_MAX))), Vec::<&str>::new());
    }

    #[test]
    fn nothing_of_the_text_is_lost_and_all_of_it_is_escaped() {
        for text in ["", "甲\nhttps://a.tw/?x=<b>\n乙", "https://a.tw", "https://a.twhttps://b.tw", "hhttp://x http://y"] {
            let whole: String = pieces(text)
                .iter()
                .map(|p| match p {
                    Piece::Text(t) | Piece::Link(t) => *t,
                })
                .collect();
            assert_eq!(whole, text);
        }
        let out = linked("<script> https://a.tw/\"onclick=x").into_string();
        assert_eq!(
            out,
            "&lt;script&gt; <a href=\"https://a.tw/\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">https://a.tw/</a>&quot;onclick=x"
        );
    }
}
