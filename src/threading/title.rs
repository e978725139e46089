//! A title drawn from what was said, and one-line excerpts.

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::TITLE_GRAPHEMES_MAX;

/// Openings that say nothing of the matter, longest first within a language.
const GREETINGS: [&str; 27] = [
    "各位早安",
    "大家早安",
    "大家好",
    "各位好",
    "您好",
    "你好",
    "妳好",
    "早安",
    "午安",
    "晚安",
    "哈囉",
    "嗨",
    "不好意思",
    "抱歉打擾",
    "打擾了",
    "想請問一下",
    "請問一下",
    "想請問",
    "請問",
    "麻煩了",
    "good morning",
    "good afternoon",
    "hello",
    "hi",
    "お世話になっております",
    "こんにちは",
    "お疲れ様です",
];

/// A title of at most [`TITLE_GRAPHEMES_MAX`] graphemes: the first sentence that says something, without greeting. `untitled` where the
/// text has none.
pub fn title_of(text: &str, untitled: &str) -> String {
    let said = text.lines().map(without_greeting).find(|line| line.chars().any(char::is_alphanumeric));
    if let Some(line) = said {
        return excerpt(first_sentence(line), TITLE_GRAPHEMES_MAX);
    }
    let whole = one_line(text);
    if whole.is_empty() { untitled.to_owned() } else { excerpt(&whole, TITLE_GRAPHEMES_MAX) }
}

/// White space, controls and line breaks folded into single blanks.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text on one line, cut at a grapheme with an ellipsis where it is longer than `graphemes`.
pub fn excerpt(text: &str, graphemes: usize) -> String {
    let line = one_line(text);
    // A grapheme has at least one byte, so most texts need no counting.
    if line.len() <= graphemes || line.graphemes(true).count() <= graphemes {
        return line;
    }
    let mut cut: String = line.graphemes(true).take(graphemes.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

fn without_greeting(line: &str) -> &str {
    let mut rest = trim_openers(line);
    // Two greetings may follow each other (您好，請問…); the bound only keeps a hostile line from looping.
    for _ in 0..4 {
        let Some(after) = GREETINGS.iter().find_map(|g| strip_prefix_ignoring_case(rest, g)) else { break };
        rest = trim_openers(after);
    }
    rest
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    let after = &text[prefix.len()..];
    // "hi" is no greeting in "history".
    let whole_word = !prefix.is_ascii() || !after.starts_with(|c: char| c.is_ascii_alphanumeric());
    (head.eq_ignore_ascii_case(prefix) && whole_word).then_some(after)
}

fn trim_openers(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || "，,。.！!～~、:：;；…-".contains(c))
}

/// Up to the first sentence's end; the mark stays when it asks.
fn first_sentence(line: &str) -> &str {
    for (at, c) in line.char_indices() {
        let end = at + c.len_utf8();
        match c {
            '？' | '?' => return &line[..end],
            '。' | '！' | '!' if at > 0 => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_sentence_without_greeting() {
        for (text, title) in [
            ("請問頂樓漏水什麼時候可以修？\n昨天雨很大", "頂樓漏水什麼時候可以修？"),
            ("您好\n三樓冷氣壞了。可以派人來嗎？", "三樓冷氣壞了"),
            ("您好，請問發票開了嗎", "發票開了嗎"),
            ("Hi, the invoice is wrong! Please check", "the invoice is wrong"),
            ("history of orders", "history of orders"),
            ("早安", "早安"),
            ("", "圖片"),
            ("🙏🙏", "🙏🙏"),
        ] {
            assert_eq!(title_of(text, "圖片"), title, "{text}");
        }
    }

    #[test]
    fn a_long_title_is_cut_at_a_grapheme() {
        let family = "👨‍👩‍👧‍👦".repeat(60);
        let title = title_of(&family, "圖片");
        assert_eq!(title.graphemes(true).count(), TITLE_GRAPHEMES_MAX);
        assert!(title.ends_with("👨‍👩‍👧‍👦…"));
    }
}
