//! The names of a chat's people, found in what is said.

use std::collections::HashMap;

use super::super::lexicon::{List, list};
use super::super::subjects;
use super::{is_in_word, is_wide};

/// What stands before the one character by which somebody is called.
const FAMILIAR_FRONTS: [char; 3] = ['小', '阿', '老'];
/// What stands after it.
const FAMILIAR_ENDS: [&str; 22] = [
    "哥", "姐", "姊", "董", "總", "律", "桑", "大哥", "大姐", "小姐", "先生", "太太", "經理", "主任", "老師", "律師", "醫師", "顧問",
    "教練", "店長", "院長", "老闆",
];

/// The one character by which people call somebody of this name: the one beside 阿, 哥, 小姐 and the like.
fn short_of(name: &str) -> Option<char> {
    let mut chars = name.chars();
    let (first, second) = (chars.next()?, chars.next()?);
    if FAMILIAR_FRONTS.contains(&first) && chars.next().is_none() {
        return is_wide(second).then_some(second);
    }
    let rest = &name[first.len_utf8()..];
    (is_wide(first) && FAMILIAR_ENDS.contains(&rest)).then_some(first)
}

/// The names of a chat's people, by their first character.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<char, Vec<(String, usize)>>);

impl Names {
    /// `who` is called `name`. Each part of it is a name too ("小范" of "原料商 小范") but those that say a job or a firm's trade
    /// ("制服 業務 阿寶"), and the last two of three Chinese characters; and how people call somebody of that name (徐哥 for 老徐).
    pub fn add(&mut self, name: &str, who: usize) {
        let name = name.to_lowercase();
        let parts: Vec<&str> = name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').filter(|p| !p.is_empty()).collect();
        if parts.len() > 1 {
            for part in parts.iter().filter(|p| !subjects::is_only_subjects(p)) {
                self.add_part(part, who);
            }
        }
        self.add_part(&name, who);
    }

    fn add_part(&mut self, name: &str, who: usize) {
        let count = name.chars().count();
        if count == 3 && name.chars().all(is_wide) {
            self.add_one(name.chars().skip(1).collect(), who);
        }
        if count > 2 || count == 2 && !name.is_ascii() {
            self.add_one(name.to_owned(), who);
        }
        if let Some(short) = short_of(name) {
            for front in FAMILIAR_FRONTS {
                self.add_one(format!("{front}{short}"), who);
            }
            for end in FAMILIAR_ENDS {
                self.add_one(format!("{short}{end}"), who);
            }
        }
    }

    fn add_one(&mut self, name: String, who: usize) {
        if let Some(first) = name.chars().next() {
            self.0.entry(first).or_default().push((name, who));
        }
    }

    /// The longest name that `text` (in small letters) begins with as a word: its bytes, and whose it is.
    pub fn at_start(&self, text: &str) -> Option<(usize, usize)> {
        let whole = |name: &str| {
            text.strip_prefix(name).is_some_and(|after| name.chars().next_back().is_some_and(is_wide) || !after.starts_with(is_in_word))
        };
        self.0.get(&text.chars().next()?)?.iter().filter(|(n, _)| whole(n)).map(|(n, who)| (n.len(), *who)).max()
    }

    /// What follows the name that `text` begins with, where the name calls somebody: a break follows, or words said to people.
    pub fn without_call<'a>(&self, text: &'a str) -> Option<&'a str> {
        let lower = text.to_lowercase();
        // 早安Rita: what greets goes with the name.
        let greeting = list(List::Morning).iter().filter(|g| lower.starts_with(g.as_str())).map(String::len).max().unwrap_or(0);
        let greeting = lower.len() - lower[greeting..].trim_start().len();
        let (bytes, _) = self.at_start(&lower[greeting..])?;
        // Places in the text hold where small letters take as many bytes.
        let after = text.get(greeting + bytes..).filter(|_| lower.len() == text.len())?;
        let calls = after.starts_with(|c: char| c.is_whitespace() || "，,、:：~～!！".contains(c))
            || list(List::AfterCalls).iter().any(|w| after.starts_with(w.as_str()));
        (calls && !after.trim().is_empty()).then_some(after)
    }

    /// Everybody whose name stands in `text` (in small letters), in order.
    pub fn all_in(&self, text: &str) -> Vec<usize> {
        let mut found = vec![];
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            if (is_wide(c) || !is_in_word(before))
                && let Some((_, who)) = self.at_start(&text[at..])
            {
                found.push(who);
            }
            before = c;
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
