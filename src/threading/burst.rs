//! What one person sends in one go is judged as one: "還有 共用資料夾", and eight seconds later "業務那組打不開".
//!
//! A line alone often does not say what it is about; the next of the same person does. So each further line is judged together with those
//! before it, as if they had been one message, and those go where it goes.

use jiff::Timestamp;

use super::decide::{Choice, Placement, typed_numbers};
use super::features::BURST_SECONDS;
use super::stream::Heard;
use super::words::{Names, Words};
use crate::domain::{DiscussionId, Role};

/// A burst lasts no longer than this, in seconds, however short its pauses.
pub const BURST_SECONDS_MAX: i64 = 180;
/// A burst has no more lines.
const BURST_LINES_MAX: usize = 20;

/// What one person has said in one go so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Burst {
    from: Timestamp,
    until: Timestamp,
    speaker: String,
    name: String,
    role: Option<Role>,
    /// `text` as soon as there are words.
    kind: String,
    /// The words, and below them the names of files: 「請看一下」 alone says nothing of 「草稿.pdf」.
    text: String,
    /// Where in `text` the words end.
    words_end: usize,
    mentions: Vec<String>,
    quotes: Option<DiscussionId>,
    lines: usize,
}

impl Burst {
    /// Begins with it.
    pub fn begin(heard: &Heard<'_>) -> Self {
        Self {
            from: heard.at,
            until: heard.at,
            speaker: heard.speaker.to_owned(),
            name: heard.name.to_owned(),
            role: heard.role,
            kind: heard.kind.to_owned(),
            text: heard.text.to_owned(),
            words_end: if heard.kind == "text" { heard.text.len() } else { 0 },
            mentions: heard.mentions.to_vec(),
            quotes: heard.quotes,
            lines: 1,
        }
    }

    /// Whether `heard`, the next line of the chat, goes on with it: the same person within a minute. What quotes, names a discussion by its
    /// number or changes the subject ("另外") begins anew.
    pub fn takes_in(&self, heard: &Heard<'_>) -> bool {
        let (pause, all) = (heard.at.as_second() - self.until.as_second(), heard.at.as_second() - self.from.as_second());
        !self.speaker.is_empty()
            && self.speaker == heard.speaker
            && (0..=BURST_SECONDS).contains(&pause)
            && all <= BURST_SECONDS_MAX
            && self.lines < BURST_LINES_MAX
            && heard.quotes.is_none()
            && typed_numbers(heard.text).next().is_none()
            && !Words::read(heard.text, &Names::default()).tone.turns
    }

    /// Goes on with `heard`.
    pub fn add(&mut self, heard: &Heard<'_>) {
        self.until = heard.at;
        self.lines += 1;
        self.mentions.extend_from_slice(heard.mentions);
        match heard.kind {
            "text" => self.add_words(heard),
            "file" if matches!(self.kind.as_str(), "text" | "file") => self.text = lines([&self.text, heard.text]),
            "file" => {
                heard.kind.clone_into(&mut self.kind);
                heard.text.clone_into(&mut self.text);
            }
            _ => {}
        }
    }

    fn add_words(&mut self, heard: &Heard<'_>) {
        let (words, files) = match self.kind.as_str() {
            "text" => self.text.split_at(self.words_end),
            "file" => ("", self.text.as_str()),
            // The words of a sticker are none.
            _ => ("", ""),
        };
        let words = lines([words, heard.text]);
        self.words_end = words.len();
        self.text = lines([&words, files.trim_start_matches('\n')]);
        heard.kind.clone_into(&mut self.kind);
    }

    /// As one message, said when it began.
    pub fn heard(&self) -> Heard<'_> {
        Heard {
            at: self.from,
            speaker: &self.speaker,
            name: &self.name,
            role: self.role,
            kind: &self.kind,
            text: &self.text,
            mentions: &self.mentions,
            quotes: self.quotes,
        }
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.lines
    }
}

/// Those of two texts that say something, below each other.
fn lines(texts: [&str; 2]) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Whether a decision about a whole burst puts it into a discussion. What does not never takes the lines before out of theirs.
pub fn files(placement: &Placement) -> bool {
    matches!(placement.choice, Choice::Join(_) | Choice::Open { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(second: i64, speaker: &'static str, kind: &'static str, text: &'static str) -> Heard<'static> {
        let at = Timestamp::from_second(1_795_136_400 + second).unwrap();
        Heard { at, speaker, name: speaker, role: None, kind, text, mentions: &[], quotes: None }
    }

    #[test]
    fn what_one_person_says_within_a_minute_is_one_and_what_changes_the_subject_is_not() {
        let mut burst = Burst::begin(&heard(0, "甲", "image", "a.png"));
        assert!(burst.takes_in(&heard(60, "甲", "text", "這張顏色不對")));
        assert!(!burst.takes_in(&heard(61, "甲", "text", "這張顏色不對")));
        assert!(!burst.takes_in(&heard(10, "乙", "text", "這張顏色不對")));
        assert!(!burst.takes_in(&heard(10, "甲", "text", "另外發票還沒收到")));
        assert!(!burst.takes_in(&heard(10, "甲", "text", "#12 好了嗎")));
        assert!(!burst.takes_in(&Heard { quotes: Some(DiscussionId(1)), ..heard(10, "甲", "text", "好") }));
        assert!(!Burst::begin(&heard(0, "", "text", "好")).takes_in(&heard(1, "", "text", "好")), "nobody known is no one person");
        burst.add(&heard(30, "甲", "text", "這張顏色不對"));
        burst.add(&heard(50, "甲", "text", "偏紅"));
        burst.add(&heard(55, "甲", "sticker", "哭"));
        let whole = burst.heard();
        assert_eq!((whole.kind, whole.text, whole.at), ("text", "這張顏色不對\n偏紅", heard(0, "甲", "text", "").at));
    }

    #[test]
    fn what_a_file_is_called_is_said_with_the_words_beside_it() {
        let said = |all: &[(&'static str, &'static str)]| {
            let mut burst = Burst::begin(&heard(0, "甲", all[0].0, all[0].1));
            all[1..].iter().for_each(|(kind, text)| burst.add(&heard(5, "甲", kind, text)));
            (burst.kind.clone(), burst.text.clone())
        };
        let both = ("text".to_owned(), "請看一下\n沒問題就用印\n草稿.pdf".to_owned());
        assert_eq!(said(&[("file", "草稿.pdf"), ("text", "請看一下"), ("text", "沒問題就用印")]), both);
        assert_eq!(said(&[("text", "請看一下"), ("file", "草稿.pdf"), ("text", "沒問題就用印")]), both);
        assert_eq!(said(&[("image", ""), ("file", "a.pdf"), ("file", "b.pdf")]), ("file".to_owned(), "a.pdf\nb.pdf".to_owned()));
        assert_eq!(said(&[("sticker", "哭"), ("text", "壞了")]), ("text".to_owned(), "壞了".to_owned()));
    }

    #[test]
    fn a_burst_ends_however_short_its_pauses_are() {
        let mut burst = Burst::begin(&heard(0, "甲", "text", "一"));
        let mut second = 0;
        while burst.takes_in(&heard(second + 30, "甲", "text", "還在打字")) {
            second += 30;
            burst.add(&heard(second, "甲", "text", "還在打字"));
        }
        assert_eq!(second, BURST_SECONDS_MAX);
    }
}
