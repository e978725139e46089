//! What is done with a message, by the server and by `threadline thread replay` alike: as [`decide`], but no words of a client are put aside
//! or put away that may be a matter; and with what its author said in one go before it.

use super::burst::{Burst, files};
use super::decide::{ALTERNATIVES_MAX, Choice, Class, Placement, decide, title};
use super::explain::Reason;
use super::model::{Table, To};
use super::stream::{Heard, Stream, Topic};
use super::subjects;
use super::words::{Names, Words};
use crate::domain::DiscussionId;

/// From this confidence on what a client says in words of its own rests: rather a discussion too many than a question that nobody sees.
const SURELY_NO_MATTER: f32 = 0.5;
/// How sure it is at least that what a young chat brings up is of its own.
const RATHER_NEW: f32 = 0.5;
/// Up to so many lines a chat is young: the weights, fitted on chats in full swing, make too much of the one discussion that there is.
const YOUNG_LINES_MAX: u64 = 6;
/// Up to so many lines a client's words rest only where they bring up nothing.
const FEW_LINES_MAX: u64 = 20;
/// In a young chat a discussion takes in what shares nothing with it for so long after its last post, in seconds.
const YOUNG_REACH_SECONDS: i64 = 600;

/// Where the server puts `heard`. `untitled` is what to call a discussion that its text gives no title ("圖片").
pub fn file(stream: &Stream, heard: &Heard<'_>, untitled: &str, table: &Table) -> Placement {
    let placement = decide(stream, heard, untitled, table);
    if stream.read(heard).small().is_some() {
        // Nobody is asked where a thank-you or a sticker belongs: an answer costs more than it is worth.
        let class = if placement.class == Class::Likely { Class::Sure } else { placement.class };
        return Placement { class, ..placement };
    }
    // In a chat of which nobody knows who serves whom, the weights know best.
    let Some(role) = heard.role else { return placement };
    if role.is_staff() {
        return if is_chatter_in_a_young_chat(stream, heard, &placement) { rests(placement) } else { placement };
    }
    if let Choice::Join(id) = placement.choice
        && is_another_in_a_young_chat(stream, heard, &placement, id)
    {
        let choice = Choice::Open { title: title(stream, heard, untitled) };
        // What the weights say of it counts little here: one of two.
        let confidence = placement.chances.iter().find(|c| c.to == To::New).map_or(0.0, |c| c.probability).max(RATHER_NEW);
        let others = [id].into_iter().chain(placement.alternatives.iter().copied()).take(ALTERNATIVES_MAX).collect();
        let why = vec![Reason::NoWordsShared {}];
        return Placement { choice, class: Class::Likely, confidence, why, alternatives: others, ..placement };
    }
    if placement.choice != Choice::Rest || placement.confidence >= SURELY_NO_MATTER && !is_matter_in_a_young_chat(stream, heard) {
        return placement;
    }
    let Some(at) = placement.chances.iter().position(|c| c.to != To::Rest) else { return placement };
    let next = placement.chances[at];
    let choice = match next.to {
        To::Discussion(id) => Choice::Join(id),
        To::New | To::Rest => Choice::Open { title: title(stream, heard, untitled) },
    };
    let others = placement.chances[at + 1..].iter().filter_map(|c| discussion(c.to)).take(ALTERNATIVES_MAX).collect();
    Placement { choice, class: Class::Likely, confidence: next.probability, alternatives: others, ..placement }
}

/// Where something stands that was said in one go with what is to be filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It was certain, or a person put it there: it stays, and draws the rest to it.
    Fixed,
    /// It opened the discussion in which it is, and is all that is there.
    Opened,
    /// It joined one.
    Joined,
}

/// What is done with one more line of what is said in one go, and with the lines before it.
#[derive(Clone, Debug, PartialEq)]
pub enum Filed<T> {
    /// It goes where those before it stand, surely, and nothing is said anew of them.
    Follows(T),
    /// It goes where those before it stand, and this is why they all do.
    Stays(T, Placement),
    /// All of it goes there.
    Goes(Placement),
}

/// Judges all that was said in one go as one, with each further line of it: `whole` has them all. `begun`: where those before the last stand,
/// where they stand in a discussion, and whatever the caller knows it by.
pub fn file_together<T>(stream: &Stream, whole: &Burst, begun: Option<(Begun, T)>, untitled: &str, table: &Table) -> Filed<T> {
    if let Some((Begun::Fixed, there)) = begun {
        return Filed::Follows(there);
    }
    let placement = file(stream, &whole.heard(), untitled, table);
    match begun {
        // What a thank-you leaves in the air is no reason to take words out of their discussion.
        Some((_, there)) if !files(&placement) => Filed::Follows(there),
        Some((Begun::Opened, there)) if matches!(placement.choice, Choice::Open { .. }) => Filed::Stays(there, placement),
        _ => Filed::Goes(placement),
    }
}

/// How sure a line is where the first of what was said in one go is, and why. What is marked is marked as a whole.
pub fn together(of_first: Class, pause: Reason) -> (Class, Vec<Reason>) {
    (if of_first == Class::New { Class::Sure } else { of_first }, vec![pause])
}

/// Whether it would join a discussion with which it shares nothing, long after the last that was said there or by changing the subject
/// ("另外，…?").
fn is_another_in_a_young_chat(stream: &Stream, heard: &Heard<'_>, placement: &Placement, id: DiscussionId) -> bool {
    let certain = placement.chances.is_empty();
    let shares = placement.why.iter().any(|r| matches!(r, Reason::Shares { .. } | Reason::Named {}));
    let line = stream.read(heard);
    let tone = line.words.tone;
    let turns = tone.turns && (tone.asks || tone.brings_up);
    let topic = stream.topics.iter().find(|t| t.id == id);
    let unrelated = topic.is_some_and(|t| is_of_another_field(stream, heard, t) || is_another_beside_pictures(stream, heard, t));
    let far = heard.at.as_second().saturating_sub(topic.map_or(i64::MAX, |t| t.last.at)) > YOUNG_REACH_SECONDS;
    stream.heard <= YOUNG_LINES_MAX && !certain && !shares && (far || turns || unrelated)
}

/// Whether a client brings up something, or speaks of the firm's work, where little has been said: after greetings alone the weights take
/// anything for one more of them.
fn is_matter_in_a_young_chat(stream: &Stream, heard: &Heard<'_>) -> bool {
    let words = stream.read(heard).words;
    let (tone, fields) = (words.tone, subjects::fields(&words.subjects));
    let brings_up = tone.asks || tone.trouble || tone.brings_up || tone.requests || !fields.is_empty();
    stream.heard <= FEW_LINES_MAX && brings_up && !tone.chats && !tone.morning
}

/// Whether a colleague would open a discussion by words that ask, tell, want, promise and name nothing.
fn is_chatter_in_a_young_chat(stream: &Stream, heard: &Heard<'_>, placement: &Placement) -> bool {
    let tone = stream.read(heard).words.tone;
    let is_about_it = tone.asks
        || tone.trouble
        || tone.announces
        || tone.promises
        || tone.reports
        || tone.requests
        || tone.brings_up
        || tone.has_date
        || tone.has_code
        || tone.has_number;
    heard.kind == "text" && stream.heard <= YOUNG_LINES_MAX && matches!(placement.choice, Choice::Open { .. }) && !is_about_it
}

/// It is no matter of its own.
fn rests(placement: Placement) -> Placement {
    let confidence = placement.chances.iter().find(|c| c.to == To::Rest).map_or(0.0, |c| c.probability);
    Placement { choice: Choice::Rest, class: Class::Other, confidence, ..placement }
}

/// Whether somebody who has not spoken there brings up what is of another field of work than all that was said there.
fn is_of_another_field(stream: &Stream, heard: &Heard<'_>, topic: &Topic) -> bool {
    let line = stream.read(heard);
    let tone = line.words.tone;
    let (its, theirs) = (subjects::fields(&line.words.subjects), &topic.fields);
    let took_part = topic.people.iter().any(|(who, _)| Some(*who) == line.speaker);
    !took_part
        && (tone.asks || tone.trouble || tone.brings_up || tone.requests)
        && !its.is_empty()
        && !theirs.is_empty()
        && its.iter().all(|f| theirs.iter().all(|(t, _)| t != f))
}

/// Whether somebody else brings something up where there are only pictures, of which nothing is known.
fn is_another_beside_pictures(stream: &Stream, heard: &Heard<'_>, topic: &Topic) -> bool {
    let line = stream.read(heard);
    let tone = line.words.tone;
    let took_part = topic.people.iter().any(|(who, _)| Some(*who) == line.speaker);
    !took_part && topic.said == [0; 3] && (tone.asks || tone.trouble || tone.brings_up || tone.requests)
}

fn discussion(to: To) -> Option<DiscussionId> {
    match to {
        To::Discussion(id) => Some(id),
        To::New | To::Rest => None,
    }
}

/// Whether a post of this kind with this text only acknowledges, thanks, greets or laughs: stickers, a thumb, 收到, OK, 好的謝謝, +1.
/// Nobody waits for an answer to it.
pub fn is_smalltalk(kind: &str, text: &str) -> bool {
    match kind {
        "sticker" => true,
        "text" => {
            let tone = Words::read(text, &Names::default()).tone;
            text.chars().all(char::is_whitespace) || tone.small.is_some() && !tone.asks
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::threading::Place;

    fn heard(minute: i64, speaker: &'static str, text: &'static str) -> Heard<'static> {
        Heard {
            at: jiff::Timestamp::from_second(1_795_136_400 + minute * 60).unwrap(),
            speaker,
            name: speaker,
            role: Some(Role::Client),
            kind: "text",
            text,
            mentions: &[],
            quotes: None,
        }
    }

    /// One discussion with one line.
    fn young() -> Stream {
        let mut stream = Stream::new(jiff::tz::TimeZone::UTC);
        stream.record(&heard(0, "林小姐", "頂樓漏水"), Place::In(DiscussionId(1)));
        stream
    }

    fn shop() -> Stream {
        let mut stream = Stream::new(jiff::tz::TimeZone::UTC);
        stream.record(&heard(0, "林小姐", "濾紙還有庫存嗎"), Place::In(DiscussionId(1)));
        stream
    }

    fn filed(stream: &Stream, heard: &Heard<'_>) -> Placement {
        file(stream, heard, "", Table::shipped())
    }

    #[test]
    fn in_a_young_chat_what_comes_long_after_and_shares_nothing_opens_its_own_and_is_marked() {
        let placement = filed(&young(), &heard(15, "林小姐", "發票還沒收到"));
        assert_eq!(placement.choice, Choice::Open { title: "發票還沒收到".into() });
        assert!(placement.class == Class::New || placement.alternatives == [DiscussionId(1)], "{placement:?}");
        assert_eq!(filed(&young(), &heard(15, "林小姐", "頂樓漏水更大了")).choice, Choice::Join(DiscussionId(1)));
        let by_another = filed(&shop(), &heard(5, "王先生", "電梯有怪聲"));
        assert!(matches!(by_another.choice, Choice::Open { .. }) && by_another.class != Class::Sure, "{by_another:?}");
        assert_eq!(filed(&shop(), &heard(5, "王先生", "貨什麼時候到")).choice, Choice::Join(DiscussionId(1)));
        let turned = filed(&young(), &heard(1, "王先生", "另外想問濾紙什麼時候到貨？"));
        assert!(matches!(turned.choice, Choice::Open { .. }), "{turned:?}");
    }

    #[test]
    fn the_number_of_an_order_leads_to_the_discussion_that_names_it() {
        let mut stream = Stream::new(jiff::tz::TimeZone::UTC);
        let said = [("王小姐", "訂單 TW-88213 還沒收到貨", 1), ("陳先生", "冷氣一直滴水", 2), ("林會計", "九月的帳單金額不對", 3)];
        for (minute, (speaker, text, id)) in (0..).zip(said) {
            stream.record(&heard(minute * 7, speaker, text), Place::In(DiscussionId(id)));
        }
        for (speaker, text) in [("林會計", "TW-88213 拿到了"), ("王小姐", "請問88213現在怎麼樣了"), ("陳先生", "TW-88213我代收了")]
        {
            let placement = filed(&stream, &heard(30, speaker, text));
            assert_eq!(placement.choice, Choice::Join(DiscussionId(1)), "{speaker} {text}: {placement:?}");
        }
    }

    #[test]
    fn an_answer_of_staff_joins_what_is_open_however_young_the_chat() {
        let answer = Heard { role: Some(Role::Staff), ..heard(30, "老闆", "明天下午派人過去") };
        assert_eq!(filed(&young(), &answer).choice, Choice::Join(DiscussionId(1)));
    }

    #[test]
    fn what_a_colleague_says_of_nothing_opens_nothing() {
        let by_staff = |text| filed(&Stream::new(jiff::tz::TimeZone::UTC), &Heard { role: Some(Role::Staff), ..heard(0, "老闆", text) });
        for text in ["外面風好大喔", "便當很好吃", "出發囉"] {
            assert_eq!((by_staff(text).choice, by_staff(text).class), (Choice::Rest, Class::Other), "{text}");
        }
        for text in ["明天下午派人過去安裝", "報價單寄給您了，請看一下", "請問收貨地址是哪裡"] {
            assert!(matches!(by_staff(text).choice, Choice::Open { .. }), "{text}");
        }
        let by_client = filed(&Stream::new(jiff::tz::TimeZone::UTC), &heard(0, "林小姐", "便當很好吃")).choice;
        assert!(matches!(by_client, Choice::Open { .. }), "rather a discussion too many");
    }

    #[test]
    fn nobody_is_asked_where_small_talk_belongs() {
        let mut stream = young();
        stream.record(&heard(2, "王先生", "發票還沒收到"), Place::In(DiscussionId(2)));
        for (text, kind) in [("謝謝", "text"), ("收到", "text"), ("", "sticker")] {
            for speaker in ["林小姐", "王先生", "陳先生"] {
                let class = filed(&stream, &Heard { kind, ..heard(3, speaker, text) }).class;
                assert_ne!(class, Class::Likely, "{speaker} {text}{kind}");
            }
        }
    }

    #[test]
    fn small_talk_opens_nothing() {
        for text in ["早安", "收到", "謝謝！"] {
            let choice = filed(&Stream::new(jiff::tz::TimeZone::UTC), &heard(0, "林小姐", text)).choice;
            assert!(matches!(choice, Choice::Rest | Choice::Wait { .. }), "{text}: {choice:?}");
        }
    }

    #[test]
    fn politeness_alone_says_nothing() {
        for text in [
            "收到",
            "收到！",
            "好",
            "好的",
            "好的謝謝",
            "好的，謝謝您～",
            "OK",
            "ok 👌",
            "ＯＫ",
            "謝謝🙏🙏",
            "+1",
            "＋１",
            "👍",
            "哈哈哈",
            "嗯嗯",
            "了解，辛苦了！",
            "早安",
            "大家早安☀️",
            "@小幫手 收到",
            "Thanks!",
            "Got it, thank you!",
            "OK thanks",
            "no problem",
            "承知しました。",
            "ありがとうございます！",
            "",
            "…",
            "@王小明",
        ] {
            assert!(is_smalltalk("text", text), "{text}");
        }
        assert!(is_smalltalk("sticker", "哈囉"));
    }

    #[test]
    fn what_asks_or_tells_is_no_politeness() {
        for text in [
            "可以嗎",
            "可以？",
            "好了嗎",
            "OK?",
            "頂樓漏水",
            "早安，請問發票開了嗎",
            "謝謝，另外三樓冷氣壞了",
            "好像不太對",
            "收到貨了但少兩箱",
            "1. 廁所 2. 廚房",
            "+10",
            "123",
            "nothing works",
            "hi the invoice is wrong",
            "確認",
            "對帳單",
            "是明天嗎",
            "？",
            "在嗎？",
            "不行",
            "還沒收到",
        ] {
            assert!(!is_smalltalk("text", text), "{text}");
        }
        assert!(!is_smalltalk("image", ""));
        assert!(!is_smalltalk("file", "收到"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_one_or_the_other(text in ".{0,80}") {
            is_smalltalk("text", &text);
        }
    }
}
