//! What is said out of politeness: it opens nothing, asks nothing, and nobody waits for an answer to it.

// Acknowledgements, thanks, greetings and laughter, in lower case and without marks. What consists of nothing but these says nothing.
const ZH: &str = "收到|收到了|已收到|了解|了解了|瞭解|明白|明白了|知道了|知道|好|好的|好喔|好哦|好啊|好呀|好唷|好der|好滴|好嘞|好吧|\
    好了|沒問題|没问题|可以|可以的|行|是|是的|對|對的|對啊|嗯|恩|喔|哦|噢|謝謝|谢谢|謝謝你|謝謝您|謝謝大家|謝啦|謝了|\
    多謝|感謝|感謝您|感謝你|感恩|非常感謝|太感謝了|辛苦了|辛苦|辛苦您了|麻煩了|麻煩您|麻煩你|麻煩您了|麻煩你了|拜託了|\
    沒事|沒關係|不客氣|不會|讚|贊|棒|太好了|太棒了|好棒|完美|早|早安|午安|晚安|晚上好|早上好|你好|您好|大家好|各位好|\
    大家早|各位早|大家早安|各位早安|哈囉|嗨|掰掰|再見|哈|呵|嘿|喔喔|嗯嗯|了解謝謝|先這樣|就這樣|等等|稍等|稍等一下|\
    我看一下|我看看|辛苦大家了|ok了|ok的|ok喔";
const EN: &str = "ok|okay|okey|oki|k|got it|noted|roger|sure|yes|yep|yeah|no problem|np|fine|great|nice|cool|perfect|thanks|\
    thank you|thx|ty|tks|thanks a lot|thank you very much|many thanks|cheers|will do|understood|alright|hi|hello|hey|\
    good morning|good afternoon|good evening|good night|bye|lol|haha|1|3q";
const JA: &str = "了解です|了解しました|承知しました|承知いたしました|かしこまりました|わかりました|分かりました|ありがとう|\
    ありがとうございます|ありがとうございました|どうも|はい|おはようございます|おはよう|こんにちは|こんばんは|\
    お疲れ様です|お疲れさまです|お疲れ様でした|よろしくお願いします|宜しくお願いします|よろしくお願いいたします|\
    お世話になっております|いいね";

/// The longest text that is looked at, in characters; a longer one says something.
const CHARS_MAX: usize = 60;

/// Whether a post of this kind with this text only acknowledges, thanks, greets or laughs: stickers, a thumb, 收到, OK, 好的謝謝, +1.
/// What asks is never that.
pub fn is_smalltalk(kind: &str, text: &str) -> bool {
    match kind {
        "sticker" => true,
        "text" => is_polite_alone(text),
        _ => false,
    }
}

fn is_polite_alone(text: &str) -> bool {
    if text.chars().nth(CHARS_MAX).is_some() || text.contains(['?', '？']) {
        return false;
    }
    let text = full_width_folded(text);
    // A mention names somebody; what is said to them is the rest.
    let said: String = text.split_whitespace().filter(|w| !w.starts_with('@')).collect::<Vec<_>>().join(" ");
    // Marks, emoji and blanks part the words.
    let words = said.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    is_made_of_words(&words)
}

/// In lower case, with full-width letters and digits as plain ones.
fn full_width_folded(text: &str) -> String {
    let plain = |c: char| if ('\u{ff01}'..='\u{ff5e}').contains(&c) { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c };
    text.chars().map(plain).collect::<String>().to_lowercase()
}

/// Whether it can be cut into words of the lists without a rest (好的謝謝, 哈哈哈).
fn is_made_of_words(part: &str) -> bool {
    // reached[i]: the first i bytes can be cut.
    let mut reached = vec![false; part.len() + 1];
    reached[0] = true;
    for from in 0..part.len() {
        if !reached[from] || !part.is_char_boundary(from) {
            continue;
        }
        for word in [ZH, EN, JA].into_iter().flat_map(|list| list.split('|')).filter(|w| part[from..].starts_with(w)) {
            let to = from + word.len();
            // Two words in letters need a blank between them; "no" in "nothing" is none.
            let ends = !word.ends_with(|c: char| c.is_ascii_alphanumeric()) || !part[to..].starts_with(|c: char| c.is_ascii_alphanumeric());
            if ends {
                reached[to] = true;
                if part[to..].starts_with(' ') {
                    reached[to + 1] = true;
                }
            }
        }
    }
    reached[part.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "不行",
            "還沒收到",
            &"好的".repeat(40),
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
