//! Of any chat whatever.

use proptest::prelude::*;

use super::super::{Choice, Class, file, seen, title_of};
use super::*;
use crate::domain::TITLE_GRAPHEMES_MAX;
use unicode_segmentation::UnicodeSegmentation;

#[derive(Clone, Debug)]
struct Said {
    second: i64,
    speaker: u8,
    kind: &'static str,
    text: String,
    place: u8,
    quotes: Option<i64>,
}

fn said() -> impl Strategy<Value = Said> {
    let text = prop_oneof![
        any::<String>(),
        "[早安謝收到好的嗎？,. @#0-9a-zA-Z王大明小陳報價單發票漏水]{0,20}",
        Just("謝謝".to_owned()),
        Just("@王大明 ".to_owned()),
    ];
    let kind = prop::sample::select(vec!["text", "sticker", "image", "file", "location", "whatever"]);
    (-100_000_i64..3_000_000, 0_u8..6, kind, text, 0_u8..12, prop::option::of(0_i64..12))
        .prop_map(|(second, speaker, kind, text, place, quotes)| Said { second, speaker, kind, text, place, quotes })
}

fn heard_of(said: &Said) -> Heard<'_> {
    const NAMES: [&str; 6] = ["", "王大明", "小陳", "原料商 小范", "K", "@"];
    let name = NAMES[usize::from(said.speaker)];
    let role = [None, Some(Role::Client), Some(Role::Staff)][usize::from(said.speaker) % 3];
    Heard {
        at: at(said.second),
        speaker: name,
        name,
        role,
        kind: said.kind,
        text: &said.text,
        mentions: &[],
        quotes: said.quotes.map(DiscussionId),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_always_answers_and_always_the_same(all in prop::collection::vec(said(), 1..60)) {
        let mut chat = Chat::new();
        let mut again = Chat::new();
        for one in &all {
            let heard = heard_of(one);
            let placement = chat.decided(&heard);
            prop_assert_eq!(&placement, &again.decided(&heard));
            prop_assert!((0.0..=1.0).contains(&placement.confidence));
            if let Choice::Open { title } = &placement.choice {
                prop_assert!(title.graphemes(true).count() <= TITLE_GRAPHEMES_MAX);
            }
            prop_assert!(seen(&chat.stream, &heard).iter().all(|c| c.terms.0.iter().all(|(_, v)| v.is_finite())));
            let filed = file(&chat.stream, &heard, "", Table::shipped());
            prop_assert!(filed.alternatives.len() <= 2);
            let files = matches!(filed.choice, Choice::Join(_) | Choice::Open { .. });
            prop_assert!(files || filed.class != Class::Likely);
            let place = match one.place { 0 => Place::Rest, 1 => Place::Waiting, n => Place::In(DiscussionId(i64::from(n))) };
            chat.stream.record(&heard, place);
            again.stream.record(&heard, place);
        }
    }

    #[test]
    fn a_title_is_never_too_long_and_only_empty_where_the_text_is(text in any::<String>()) {
        let title = title_of(&text, "");
        prop_assert!(title.graphemes(true).count() <= TITLE_GRAPHEMES_MAX);
        prop_assert!(!title.is_empty() || !text.chars().any(char::is_alphanumeric));
        prop_assert!(!title.contains(['\n', '\r']));
    }
}
