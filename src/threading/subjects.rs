//! What words are about: some four hundred subjects of firms' work, each in the words that people use for it (`lexicon/subjects_zh.toml`).
//!
//! "發票還沒收到" and "抬頭打錯了" share no word, and one subject. Words are found by the longest match, so that 發票章 is no 發票.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::words::is_in_word;

const FILE: &str = include_str!("lexicon/subjects_zh.toml");
/// Fields that are spoken of in any trade: that two lines share one of these as a field says nothing, though their subjects do.
const GENERAL: [&str; 6] = ["times", "places", "colours", "acts", "people", "chat"];
/// Daily life: what is no matter of a client's.
const DAILY: &str = "chat";

/// A subject, counted through the whole file.
pub type Subject = u16;
/// A field of work, counted likewise.
pub type Field = u8;

/// The file as it is looked up.
struct Subjects {
    /// The words by their first character, the longest first, each with its subjects.
    words: HashMap<char, Vec<(String, Vec<Subject>)>>,
    /// The field of each subject; `None` where it is a general one.
    fields: Vec<Option<Field>>,
    /// The first subject of daily life, and the first after them.
    daily: (Subject, Subject),
}

fn subjects() -> &'static Subjects {
    static SUBJECTS: OnceLock<Subjects> = OnceLock::new();
    SUBJECTS.get_or_init(|| {
        let file: BTreeMap<String, Vec<String>> = toml::from_str(FILE).expect("the list of subjects is checked by a test");
        let mut of_word: BTreeMap<&str, Vec<Subject>> = BTreeMap::new();
        let (mut fields, mut daily) = (vec![], (0, 0));
        let mut next: Subject = 0;
        for (field, (name, lines)) in (0_u8..).zip(&file) {
            let from = next;
            for line in lines {
                for word in line.split_whitespace() {
                    of_word.entry(word).or_default().push(next);
                }
                fields.push((!GENERAL.contains(&name.as_str())).then_some(field));
                next += 1;
            }
            if name == DAILY {
                daily = (from, next);
            }
        }
        let mut words: HashMap<char, Vec<(String, Vec<Subject>)>> = HashMap::new();
        for (word, of) in of_word {
            words.entry(word.chars().next().unwrap_or(' ')).or_default().push((word.to_owned(), of));
        }
        for longest_first in words.values_mut() {
            longest_first.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        }
        Subjects { words, fields, daily }
    })
}

/// The longest word of the file that `text` begins with: its bytes and its subjects. `before` is the character in front of it.
fn at_start(text: &str, before: char) -> Option<(usize, &'static [Subject])> {
    let first = text.chars().next()?;
    let whole = |word: &str| {
        text.strip_prefix(word)
            .is_some_and(|after| !word.is_ascii() || !(is_in_word(before) || after.trim_start_matches('s').starts_with(is_in_word)))
    };
    subjects().words.get(&first)?.iter().find(|(word, _)| whole(word)).map(|(word, of)| (word.len(), of.as_slice()))
}

/// The subjects of a text (in small letters): sorted, each once.
pub fn of(text: &str) -> Vec<Subject> {
    let mut found = vec![];
    let (mut rest, mut before) = (text, ' ');
    while let Some(c) = rest.chars().next() {
        let bytes = match at_start(rest, before) {
            Some((bytes, of)) => {
                found.extend(of);
                bytes
            }
            None => c.len_utf8(),
        };
        before = rest[..bytes].chars().next_back().unwrap_or(' ');
        rest = &rest[bytes..];
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a text is made of words of the file alone: 門市主管 is a job, 佩珍 somebody's name.
pub fn is_only_subjects(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        match at_start(rest, ' ') {
            Some((bytes, _)) => rest = &rest[bytes..],
            None => return false,
        }
    }
    !text.is_empty()
}

/// The fields of work of subjects (sorted): sorted, each once.
pub fn fields(subjects_of: &[Subject]) -> Vec<Field> {
    let mut fields: Vec<Field> = subjects_of.iter().filter_map(|s| field(*s)).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// The field of work of a subject; `None` for what any trade speaks of.
pub fn field(subject: Subject) -> Option<Field> {
    subjects().fields.get(usize::from(subject)).copied().flatten()
}

/// Whether a subject is daily life.
pub fn is_daily(subject: Subject) -> bool {
    let (from, to) = subjects().daily;
    (from..to).contains(&subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shares_no_word_may_share_a_subject() {
        let shared = |a: &str, b: &str| of(a).iter().any(|s| of(b).contains(s));
        assert!(shared("發票還沒收到", "抬頭打錯了"));
        assert!(shared("物流說明天", "黑貓還沒來"));
        assert!(shared("the invoices are late", "發票呢"));
        assert!(!shared("發票還沒收到", "冷氣滴水"));
        assert!(of("shipwreck").is_empty(), "a Latin word counts only as a whole");
    }

    #[test]
    fn the_longest_word_counts() {
        assert_ne!(of("發票章"), of("發票"));
        assert!(fields(&of("對帳單")).len() == 1);
        assert!(of("今天").iter().all(|s| field(*s).is_none()));
        assert!(of("午餐吃什麼").iter().any(|s| is_daily(*s)));
    }

    #[test]
    fn every_line_of_the_file_is_written_in_small_letters_and_read() {
        let file: BTreeMap<String, Vec<String>> = toml::from_str(FILE).unwrap();
        for general in GENERAL {
            assert!(file.contains_key(general), "{general}");
        }
        for line in file.values().flatten() {
            assert_eq!(*line, line.to_lowercase());
            assert!(line.split_whitespace().all(|word| !of(word).is_empty()), "{line}");
        }
        assert!(is_only_subjects("門市主管") && !is_only_subjects("佩珍"));
    }
}
