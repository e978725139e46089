//! Who is spoken to by name in a text: `@名字`.

use std::collections::BTreeSet;

use super::PersonId;

/// People who may be spoken to in one text; further ones are not looked for.
pub const MENTIONED_MAX: usize = 20;

/// Characters of the longest Chinese name, with a family name of two.
const CHINESE_NAME_MAX: usize = 4;
/// Characters of a given name.
const GIVEN_NAME_CHARS: usize = 2;
/// What stands where a given name does, and is none: 林小姐 is not spoken to as 小姐.
const TITLES: [&str; 20] = [
    "小姐", "先生", "太太", "女士", "經理", "主任", "老師", "組長", "店長", "醫師", "律師", "課長", "主委", "總幹", "師傅", "阿姨", "大哥",
    "同學", "老闆", "客服",
];

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
/// whatever case; where none does, the longest short name (`@小明` for 陳小明, `@Amy` for Amy Chen). Two people of one name are both meant.
pub fn mentioned(text: &str, people: &[Called]) -> BTreeSet<PersonId> {
    let whole = longest_first(people.iter().map(|c| (folded(c.name.trim()), c.person)));
    let short = longest_first(people.iter().flat_map(|c| short_names(&c.name).into_iter().map(|name| (name, c.person))));
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
        let spoken = [&whole, &short].into_iter().find_map(|names| {
            let (longest, _) = names.iter().find(|(name, _)| stands_at(rest, name))?;
            Some(names.iter().filter(move |(name, _)| name == longest).map(|(_, person)| *person))
        });
        found.extend(spoken.into_iter().flatten());
    }
    found
}

type Named = (Vec<char>, PersonId);

fn longest_first(names: impl Iterator<Item = Named>) -> Vec<Named> {
    let mut names: Vec<Named> = names.filter(|(name, _)| !name.is_empty()).collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names
}

/// What somebody is called for short: the given name of a Chinese name, and of a name in several words each word of letters or of Chinese
/// (陳小美 Amy: 小美, 陳小美, Amy). One character or letter alone is nobody's name.
fn short_names(name: &str) -> Vec<Vec<char>> {
    let folded: String = folded(name.trim()).into_iter().collect();
    let words: Vec<Vec<char>> = folded.split_whitespace().map(|word| word.chars().collect()).collect();
    let mut short = vec![];
    for word in &words {
        let is_chinese = word.iter().all(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
        let is_name = (is_chinese && word.len() <= CHINESE_NAME_MAX) || word.iter().all(char::is_ascii_alphabetic);
        if words.len() > 1 && is_name && word.len() >= GIVEN_NAME_CHARS {
            short.push(word.clone());
        }
        if is_chinese && (GIVEN_NAME_CHARS + 1..=CHINESE_NAME_MAX).contains(&word.len()) {
            let given = &word[word.len() - GIVEN_NAME_CHARS..];
            if !TITLES.contains(&String::from_iter(given).as_str()) {
                short.push(given.to_vec());
            }
        }
    }
    short
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
    fn a_short_name_is_meant_where_no_whole_name_stands() {
        let called = |id: i64, name: &str| Called { person: PersonId(id), name: name.to_owned() };
        let people = [
            called(1, "陳小明"),
            called(2, "林小明"),
            called(3, "陳小美 Amy"),
            called(4, "Amy Chen"),
            called(5, "林小姐"),
            called(6, "歐陽大文"),
            called(7, "A棟 管理室"),
            called(8, "大文"),
            called(9, "王五"),
        ];
        for (text, expected) in [
            ("@小明 請看", &[1, 2][..]),
            ("@陳小明 請看", &[1]),
            ("＠小美請看", &[3]),
            ("@amy please", &[3, 4]),
            ("@Chen", &[4]),
            ("@大文 一個全名就是這樣的人", &[8]),
            ("@小姐", &[]),
            ("@A棟", &[]),
            ("@五 單名", &[]),
            ("@Amyx", &[]),
        ] {
            let found: Vec<i64> = mentioned(text, &people).into_iter().map(|p| p.0).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_text_full_of_mentions_ends() {
        let many: Vec<Called> = (0..100).map(|n| Called { person: PersonId(n), name: format!("人{n}號") }).collect();
        let text = many.iter().map(|c| format!("@{}", c.name)).collect::<Vec<_>>().join(" ");
        assert_eq!(mentioned(&text, &many).len(), MENTIONED_MAX);
    }
}
