//! How texts are read.

use super::super::lexicon::{List, list};
use super::super::words::{Names, Small, Words};
use super::*;

fn names(of: &[&str]) -> Names {
    let mut names = Names::default();
    for (who, name) in of.iter().enumerate() {
        names.add(name, who);
    }
    names
}

fn small(text: &str) -> Option<Small> {
    Words::read(text, &names(&["陳怡君", "原料商 小范", "Kevin"])).tone.small
}

#[test]
fn small_talk_is_known_by_kind() {
    for (kind, texts) in [
        (
            Small::Greeting,
            &[
                "早安",
                "早安～",
                "大家好",
                "您好",
                "Hi all",
                "哈囉 大家好",
                "各位早",
                "不好意思",
                "請問",
                "早",
                "順便問",
                "有件事要反應",
                "在嗎？",
                "有人在嗎??",
            ][..],
        ),
        (Small::Thanks, &["謝謝", "謝謝您！", "好的 謝謝", "感恩", "thanks", "thank you very much", "辛苦了", "收到 感謝"]),
        (Small::Ack, &["收到", "OK", "ok!", "好", "好的", "+1", "了解", "沒問題", "嗯嗯", "Got it"]),
        (Small::Laugh, &["哈哈哈", "XD", "😂😂", "👍"]),
        (Small::Mention, &["@陳怡君", "怡君", "@新來的人", "@Kevin", "?", "？？"]),
    ] {
        for text in texts {
            assert_eq!(small(text), Some(kind), "{text}");
        }
    }
}

#[test]
fn what_says_something_is_not_small() {
    for text in [
        "收到 我再看看",
        "好的那明天三點",
        "早上來的貨少一箱",
        "ok的那份報價單",
        "謝謝 發票再麻煩寄到台中",
        "hi i have a question",
        "1234",
        "好貴",
    ] {
        assert_eq!(small(text), None, "{text}");
    }
}

#[test]
fn names_are_found_whole_by_part_and_by_given_name() {
    let names = names(&["陳怡君", "原料商 小范", "Kevin", "Al"]);
    assert_eq!(names.all_in("怡君 小范說kevin會來"), [0, 1, 2]);
    assert_eq!(names.all_in("陳怡君"), [0]);
    assert_eq!(names.all_in("kevins algebra"), Vec::<usize>::new());
}

#[test]
fn names_are_no_words_of_the_matter() {
    let names = names(&["陳怡君"]);
    assert_eq!(Words::read("@陳怡君 報價單", &names).tokens, Words::read("報價單", &names).tokens);
    assert_eq!(Words::read("怡君 報價單", &names).tokens, Words::read("報價單", &names).tokens);
}

#[test]
fn questions_need_no_question_mark() {
    let asks = |text: &str| Words::read(text, &Names::default()).tone.asks;
    for text in ["發票開了嗎", "什麼時候到", "可不可以改", "多少錢", "how do I log in", "anyone here", "師傅來了沒", "怎麼用?"]
    {
        assert!(asks(text), "{text}");
    }
    for text in ["發票開了", "明天到", "somehow it works now", "改好了"] {
        assert!(!asks(text), "{text}");
    }
}

#[test]
fn chinese_is_compared_by_pairs_and_latin_by_words() {
    let words = |text: &str| Words::read(text, &Names::default());
    let shared = |a: &str, b: &str| words(a).tokens.iter().filter(|(t, _)| words(b).tokens.iter().any(|(x, _)| x == t)).count();
    assert_eq!(shared("報價單好了", "新的報價單"), 2);
    assert_eq!(shared("Ｘ320 壞了", "X320 又壞"), 1, "full-width letters are the same letters");
    assert_eq!(shared("我們可以嗎", "你們可以吧"), 0, "what says nothing is not compared");
    assert_eq!(shared("the server is down", "is the printer on"), 0);
}

#[test]
fn a_morning_greeting_is_none_in_other_words() {
    let morning = |text: &str| Words::read(text, &Names::default()).tone.morning;
    assert!(morning("早安") && morning("早 今天3樓灌漿") && morning("大家早") && morning("中秋節快樂"));
    assert!(!morning("早上送到") && !morning("提早兩天") && !morning("早餐訂好了"));
}

#[test]
fn every_word_list_has_words_and_none_twice() {
    for which in List::ALL {
        let mut words = list(*which).to_vec();
        assert!(!words.is_empty(), "{which}");
        assert!(words.iter().all(|w| !w.is_empty() && *w == w.to_lowercase()), "{which}");
        words.sort_unstable();
        assert!(words.windows(2).all(|w| w[0] != w[1]), "{which} has a word twice");
    }
}

#[test]
fn trouble_requests_promises_and_reports_are_told_apart() {
    let tone = |text: &str| Words::read(text, &Names::default()).tone;
    assert!(tone("盤點機又連不上了").trouble && tone("it fails with an error").trouble && !tone("顏色不錯").trouble);
    assert!(tone("麻煩寄一份新的").requests && tone("please paste it").requests && !tone("寄出了").requests);
    assert!(tone("我查一下再跟您說").promises && tone("let me check").promises && !tone("查到了").promises);
    assert!(tone("標籤改好了").reports && tone("fixed now").reports && !tone("什麼時候改").reports);
    assert!(tone("各位住戶 週五停水").announces && !tone("水停了").announces);
}

#[test]
fn who_begins_with_a_name_calls_somebody() {
    let names = names(&["陳怡君", "原料商 小范"]);
    let calls = |text: &str| Words::read(text, &names).tone.calls;
    assert!(calls("怡君 報價單好了嗎") && calls("@小范 早") && calls("王經理 圖好了") && calls("各位住戶 週五停水"));
    assert!(!calls("報價單怡君看過了") && !calls("停車場想加兩支"));
}

#[test]
fn a_mention_with_blanks_in_it_is_one_name() {
    let mentions = ["資安 Louis".to_owned()];
    let alone = Heard { mentions: &mentions, ..heard(0, "王大明", "@資安 Louis") };
    assert_eq!(Chat::new().stream.read(&alone).small(), Some(Small::Mention));
}
