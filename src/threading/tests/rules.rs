//! What is certain, what waits and what never opens.

use super::super::{Choice, Class, Evidence, Reason, typed_numbers};
use super::*;

const ONE: DiscussionId = DiscussionId(1);
const DAY: i64 = 86_400;

fn leak() -> Chat {
    Chat::new().in_discussion(0, "王大明", "頂樓漏水 請問什麼時候可以修", 1).in_discussion(300, "我們小陳", "明天下午師傅過去看頂樓", 1)
}

#[test]
fn a_quote_goes_to_its_discussion_however_old() {
    let chat = leak().in_discussion(20 * DAY, "李小姐", "發票抬頭要改", 2);
    let quoting = Heard { quotes: Some(ONE), ..heard(20 * DAY + 10, "李小姐", "這個好了嗎") };
    let placement = chat.decided(&quoting);
    assert_eq!((placement.choice.clone(), placement.class, placement.confidence), (Choice::Join(ONE), Class::Sure, 1.0));
    assert_eq!(Evidence::Quote { quoted: "612".into() }.to_json(), r#"{"rule":"quote","quoted":"612"}"#);
}

#[test]
fn numbers_are_read_where_they_stand_alone() {
    let typed = |text| typed_numbers(text).collect::<Vec<_>>();
    assert_eq!(typed("見 #12，還有＃7"), [12, 7]);
    assert_eq!(typed("#12a # 12 #"), Vec::<i64>::new());
    assert_eq!(typed("#1 #2 #3 #4"), [1, 2, 3]);
    assert_eq!(typed("#9999999999"), Vec::<i64>::new());
}

#[test]
fn a_sticker_or_a_picture_word_right_after_ones_own_words_goes_with_them() {
    let chat = leak().in_discussion(600, "李小姐", "發票抬頭要改", 2);
    let sticker = Heard { kind: "sticker", ..heard(630, "李小姐", "") };
    let placement = chat.decided(&sticker);
    assert_eq!((placement.choice, placement.class), (Choice::Join(DiscussionId(2)), Class::Sure));
    assert_eq!(placement.why, [Reason::Burst { seconds: 30 }]);
    assert_eq!(chat.asked(640, "李小姐", "謝謝").choice, Choice::Join(DiscussionId(2)));
}

#[test]
fn what_leads_on_to_something_else_does_not_go_with_ones_own_words_before() {
    let chat = leak().in_discussion(600, "李小姐", "發票抬頭要改", 2);
    let placement = chat.asked(630, "李小姐", "順便問");
    assert!(!placement.chances.is_empty(), "the model weighs it, it is not certain");
    assert!(!matches!(placement.choice, Choice::Open { .. }));
}

#[test]
fn small_talk_never_opens_a_discussion() {
    let chats = [Chat::new(), leak(), leak().told(400, "李小姐", "中午吃什麼", Place::Rest)];
    for chat in &chats {
        for second in [401, 4_000, 3 * DAY, 30 * DAY] {
            for text in
                ["早安", "大家好", "謝謝", "收到", "OK", "好的 謝謝", "+1", "哈哈", "@王大明", "👍", "辛苦了", "請問", "在嗎？", "？"]
            {
                let choice = chat.asked(second, "張先生", text).choice;
                assert!(!matches!(choice, Choice::Open { .. }), "{text} at {second}");
            }
            let sticker = Heard { kind: "sticker", ..heard(second, "張先生", "早安") };
            assert!(!matches!(chat.decided(&sticker).choice, Choice::Open { .. }));
        }
    }
}

#[test]
fn a_greeting_in_an_empty_chat_waits_two_minutes() {
    let placement = Chat::new().asked(0, "王大明", "您好");
    assert_eq!((placement.choice, placement.class), (Choice::Wait { until: at(120) }, Class::Waits));
}

#[test]
fn thanks_in_an_empty_chat_rest() {
    let placement = Chat::new().asked(0, "王大明", "謝謝");
    assert_eq!((placement.choice, placement.class), (Choice::Rest, Class::Other));
}

#[test]
fn what_waits_is_taken_along_by_what_its_person_says_next() {
    let mut chat = Chat::new().told(0, "王大明", "您好", Place::Waiting).told(20, "李小姐", "早", Place::Waiting);
    let line = chat.stream.read(&heard(60, "王大明", "三樓冷氣壞了"));
    let waiting: Vec<u64> = chat.stream.waiting(line.speaker, line.at).map(|l| l.number).collect();
    assert_eq!(waiting, [0]);
    assert_eq!(chat.stream.waiting(line.speaker, at(121).as_second()).count(), 0, "two minutes are over");
    chat.stream.settle(0, Place::In(ONE));
    assert_eq!(chat.stream.waiting(line.speaker, line.at).count(), 0);
    let thought_of = chat.asked(90, "李小姐", "三樓冷氣是哪一台").chances;
    assert!(thought_of.iter().any(|c| c.to == super::super::model::To::Discussion(ONE)));
}

#[test]
fn the_first_matter_of_a_chat_opens_a_discussion_surely() {
    let placement = Chat::new().asked(0, "王大明", "您好，請問頂樓漏水什麼時候可以修？");
    assert_eq!(placement.choice, Choice::Open { title: "頂樓漏水什麼時候可以修？".into() });
    assert_eq!(placement.class, Class::New);
    assert_eq!(Evidence::of(&placement, |_| None), Evidence::Nothing {});
}

#[test]
fn an_answer_joins_what_was_asked() {
    let placement = leak().asked(420, "王大明", "好 那我請管理員開頂樓的門");
    assert_eq!(placement.choice, Choice::Join(ONE));
    assert!(!placement.why.is_empty());
}

#[test]
fn of_two_discussions_the_one_is_joined_that_shares_the_words() {
    let chat = leak()
        .in_discussion(3_600, "李小姐", "請問報價單的發票抬頭可以改嗎", 2)
        .in_discussion(3_660, "我們小林", "可以 發票抬頭要改成什麼", 2)
        .in_discussion(7_200, "王大明", "頂樓漏水師傅看過了嗎", 1)
        .in_discussion(7_260, "我們小陳", "看過了 頂樓防水層破了", 1);
    let placement = chat.asked(10_800, "李小姐", "發票抬頭改好了嗎");
    assert_eq!(placement.choice, Choice::Join(DiscussionId(2)));
    let words = placement.why.iter().find_map(|r| if let Reason::Shares { words } = r { Some(words.as_str()) } else { None });
    assert!(words.is_none_or(|w| w.contains("抬頭") || w.contains("發票")), "{words:?}");
}

#[test]
fn a_discussion_is_no_candidate_after_fourteen_days() {
    let placement = leak().asked(15 * DAY, "王大明", "頂樓漏水又來了");
    assert!(matches!(placement.choice, Choice::Open { .. }));
    assert!(placement.chances.iter().all(|c| c.to != super::super::model::To::Discussion(ONE)));
}

#[test]
fn alternatives_are_at_most_two_and_never_the_choice() {
    let mut chat = leak();
    for (n, text) in ["電梯保養", "停車位漏油", "大門磁扣", "監視器角度"].iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        chat = chat.in_discussion(600 + n * 60, &format!("住戶{n}"), text, 10 + n);
    }
    let placement = chat.asked(1_000, "住戶1", "還沒好嗎");
    let Choice::Join(id) = placement.choice else { panic!("it goes on with something") };
    assert!(placement.alternatives.len() <= 2 && !placement.alternatives.contains(&id));
    let sum: f32 = placement.chances.iter().map(|c| c.probability).sum();
    assert!((sum - 1.0).abs() < 1e-3);
}
