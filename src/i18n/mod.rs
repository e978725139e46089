//! Every text that a client or a member of staff sees, in zh-TW, en and ja.
//!
//! One TOML file a language, the same keys in each (a test compares them). A text may hold `{name}` places that
//! [`Texts::fill`] puts values in; the caller escapes where the output needs it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::domain::Why;

/// A language that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    ZhTw,
    En,
    Ja,
}

impl Locale {
    pub const ALL: [Locale; 3] = [Self::ZhTw, Self::En, Self::Ja];

    /// The BCP 47 tag: `zh-TW`, `en`, `ja`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::ZhTw => "zh-TW",
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The language with exactly this tag.
    pub fn find(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.tag() == tag)
    }

    /// Its texts.
    pub fn texts(self) -> &'static Texts {
        static ALL: OnceLock<[Texts; 3]> = OnceLock::new();
        let all = ALL.get_or_init(|| [include_str!("zh-TW.toml"), include_str!("en.toml"), include_str!("ja.toml")].map(Texts::parse));
        &all[self as usize]
    }
}

/// One language's texts by dotted key (`mail.marker`).
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    fn parse(toml: &str) -> Self {
        let table: toml::Table = toml.parse().expect("the language files are checked by a test");
        let mut flat = BTreeMap::new();
        flatten("", &table, &mut flat);
        Self(flat)
    }

    /// The text under `key`. A key that is missing is shown as itself, which the tests do not let happen.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    /// The text under `key` with each `{name}` replaced by its value; what is in a value is not looked at again.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.get(key);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            if let Some((_, value)) = values.iter().find(|(n, _)| *n == name) {
                out.push_str(value);
            } else {
                out.push('{');
                out.push_str(name);
                out.push('}');
            }
            rest = tail;
        }
        out + rest
    }

    /// A reason as it is kept (see [`Why`]) in words, with what the other side said of it. A sentence from before there were such words is
    /// given back as it is.
    pub fn reason<'a>(&self, written: &'a str) -> (String, Option<&'a str>) {
        match Why::read(written) {
            // Who did it belongs to the sentence.
            Some((why @ (Why::Cancelled | Why::AskedAgain), Some(by))) => (self.fill(&format!("reason.{why}_by"), &[("by", by)]), None),
            Some((why, quoted)) => (self.get(&format!("reason.{why}")).to_owned(), quoted),
            None => (written.to_owned(), None),
        }
    }

    /// Every key, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(t) => flatten(&key, t, into),
            toml::Value::String(s) => {
                into.insert(key, s.clone());
            }
            other => panic!("{key} is a {}, not a text", other.type_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = text.split('{').skip(1).filter_map(|t| t.split_once('}')).map(|(name, _)| name).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_language_has_the_same_keys_and_places() {
        let reference = Locale::ZhTw.texts();
        for locale in Locale::ALL {
            let texts = locale.texts();
            assert_eq!(texts.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>(), "{}", locale.tag());
            for key in reference.keys() {
                assert!(!texts.get(key).trim().is_empty(), "{} {key} is empty", locale.tag());
                assert_eq!(places(texts.get(key)), places(reference.get(key)), "{} {key}", locale.tag());
            }
        }
    }

    #[test]
    fn every_reason_is_said_in_every_language() {
        for locale in Locale::ALL {
            for why in Why::ALL {
                let (words, quoted) = locale.texts().reason(why.as_str());
                assert!(!words.starts_with("reason.") && quoted.is_none(), "{} {why}", locale.tag());
                let with = why.quoting("林");
                let (words, quoted) = locale.texts().reason(&with);
                assert!(words.contains('林') || quoted == Some("林"), "{} {why}", locale.tag());
                assert!(!words.starts_with("reason."), "{} {why}", locale.tag());
            }
        }
        assert_eq!(Locale::ZhTw.texts().reason("451 later"), ("451 later".to_owned(), None));
    }

    #[test]
    fn values_are_put_in_once_and_not_read_again() {
        let texts = Texts::parse("a = \"{x} and {y}, {z\"");
        assert_eq!(texts.fill("a", &[("x", "{y}"), ("y", "2")]), "{y} and 2, {z");
    }
}
