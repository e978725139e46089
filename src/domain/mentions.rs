//! Who is spoken to by name in a text: `@名字`.

use std::collections::BTreeSet;

use super::PersonId;

/// People who may be spoken to in one text; further ones are not looked for.
pub const MENTIONED_MAX: usize = 20;

/// Somebody who may be spoken to, by one name that they bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub person: PersonId,
    pub name: String,
}

/// Whether the text may speak to anybody at all.
pub fn may_mention(text: &str) -> bool {
    text.contains(['@', '＠'])
}

/// Those whom the text speaks to: after an `@` (or `＠`) that is no part of an address, the longest of all names that stands there, in
/// whatever case. Two people of one name are both meant.
pub fn mentioned(text: &str, people: &[Called]) -> BTreeSet<PersonId> {
    let mut names: Vec<(Vec<char>, PersonId)> =
        people.iter().map(|c| (folded(c.name.trim()), c.person)).filter(|(name, _)| !name.is_empty()).collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let text = folded(text);
    let mut found = BTreeSet::new();
    for (at, c) in text.iter().enumerate() {
        if found.len() >= MENTIONED_MAX {
            break;
        }
        // amy@client.example speaks to nobody.
        if *c != '@' || at.checked_sub(1).is_some_and(|before| is_of_address(text[before])) {
            continue;
        }
        let rest = &text[at + 1..];
        let Some((longest, _)) = names.iter().find(|(name, _)| stands_at(rest, name)) else { continue };
        found.extend(names.iter().filter(|(name, _)| name == longest).map(|(_, person)| *person));
    }
    found
}

/// Lower case; full-width letters and signs as their narrow ones.
fn folded(text: &str) -> Vec<char> {
    let narrow = |c: char| match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' => ' ',
        c => c,
    };
    text.chars().map(narrow).flat_map(char::to_lowercase).collect()
}

fn is_of_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+')
}

/// Whether the name begins the text. A name in letters ends where no letter follows: 王 stands in 王先生, Li does not in Lin.
fn stands_at(text: &[char], name: &[char]) -> bool {
    let in_letters = name.last().is_some_and(char::is_ascii_alphanumeric);
    text.starts_with(name) && !(in_letters && text.get(name.len()).is_some_and(char::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<Called> {
        let called = |id: i64, name: &str| Called { person: PersonId(id), name: name.to_owned() };
        vec![
            called(1, "陳小明"),
            called(2, "陳小"),
            called(3, "Wang"),
            called(3, "阿旺🔧"),
            called(4, "Wang Da-Ming"),
            called(5, "Li"),
            called(6, "林小姐"),
            called(7, "林小姐"),
            called(8, ""),
        ]
    }

    fn found(text: &str) -> Vec<i64> {
        mentioned(text, &people()).into_iter().map(|p| p.0).collect()
    }

    #[test]
    fn the_longest_name_is_meant() {
        for (text, expected) in [
            ("@陳小明 請看一下", &[1][..]),
            ("@陳小 請看一下", &[2]),
            ("@陳小明請看", &[1]),
            ("請@陳小明和@陳小一起看", &[1, 2]),
            ("@Wang Da-Ming please", &[4]),
            ("@Wang please", &[3]),
            ("@wang da ming", &[3]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        for (text, expected) in [
            ("＠陳小明", &[1][..]),
            ("＠ＷＡＮＧ，麻煩你", &[3]),
            ("@WANG!", &[3]),
            ("@阿旺🔧 來修", &[3]),
            ("@wang\u{3000}da-ming", &[4]),
            ("@林小姐 您好", &[6, 7]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_mention_speaks_to_nobody() {
        for text in ["", "@", "@ 陳小明", "陳小明", "bob@wang.example", "a.b@li", "@Lin", "@Wangs", "@所有人", "@all", "@@"] {
            assert_eq!(found(text), [0; 0], "{text}");
        }
        assert_eq!(found("信箱@Li在這"), [5], "words in Chinese are no address");
    }

    #[test]
    fn a_text_full_of_mentions_ends() {
        let many: Vec<Called> = (0..100).map(|n| Called { person: PersonId(n), name: format!("人{n}號") }).collect();
        let text = many.iter().map(|c| format!("@{}", c.name)).collect::<Vec<_>>().join(" ");
        assert_eq!(mentioned(&text, &many).len(), MENTIONED_MAX);
    }
}
