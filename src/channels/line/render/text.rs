//! Texts cut to what may be shown.

use unicode_segmentation::UnicodeSegmentation as _;

/// A grapheme may have any number of characters (joined emoji, stacked accents): the longest text, in UTF-16 units a grapheme allowed.
const UNITS_PER_GRAPHEME_MAX: usize = 3;

/// UTF-16 units of a text.
pub(super) fn units(s: &str) -> usize {
    s.encode_utf16().count()
}

/// One line of at most so many graphemes, with an ellipsis where something went; empty where there is nothing to see.
pub(super) fn cut(s: &str, graphemes_max: usize) -> String {
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

/// At most so many UTF-16 units, cut at a grapheme with an ellipsis.
pub(super) fn cut_units(s: &str, units_max: usize) -> String {
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
