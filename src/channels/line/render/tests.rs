use super::*;

const URL: &str = "https://support.example.com/d/123";

fn card<'a>(title: &'a str, excerpt: &'a str) -> Card<'a> {
    Card { number: 123, title, status: Status::InProgress, url: URL, said_by: Some("小美"), excerpt: Some(excerpt) }
}

/// Every text that people see, in order.
fn shown(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(s) if matches!(name.as_str(), "text" | "label" | "title") => vec![s.clone()],
                other => shown(other),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(shown).collect(),
        _ => Vec::new(),
    }
}

fn links(message: &Value) -> Vec<String> {
    let bubbles = message["contents"]["contents"].as_array().cloned().unwrap_or_else(|| vec![message["contents"].clone()]);
    bubbles.iter().filter_map(|b| b["footer"]["contents"][0]["action"]["uri"].as_str().map(str::to_owned)).collect()
}

fn assert_sendable(messages: &[Value]) {
    assert_eq!(limits::check_messages(&json!(messages)), []);
    let total: usize = shown(&json!(messages)).iter().map(|s| units(s)).sum();
    assert!(total <= SHOWN_UNITS_MAX, "{total}");
    for message in messages {
        assert_eq!(message["type"], "flex");
        assert!(units(message["altText"].as_str().unwrap()) <= ALT_TEXT_UNITS_MAX);
    }
}

#[test]
fn an_answer_says_who_what_and_where_to_read_on() {
    let message = answered(Locale::ZhTw, &[card("報價單版本", "已經更新到第三版，\n請看附件")]);
    assert_eq!(
        shown(&message),
        [
            "#123",
            "處理中",
            "報價單版本",
            "小美 回覆了",
            "已經更新到第三版， 請看附件",
            "查看討論",
            "已解決",
            "還沒",
            "回覆這件",
            "這是另一件事"
        ]
    );
    assert_eq!(links(&message), [URL]);
    assert_eq!(message["altText"], format!("#123 報價單版本｜處理中\n小美 回覆了　已經更新到第三版， 請看附件\n{URL}"));
    assert_sendable(&[message]);
}

#[test]
fn each_kind_speaks_each_language() {
    for locale in Locale::ALL {
        let cards = [card("報價單版本", "好")];
        let all = [opened(locale, &cards), answered(locale, &cards), status_changed(locale, &cards), joined(locale, URL, None)];
        assert!(all.iter().all(|m| links(m) == [URL]), "{}", locale.tag());
        assert_sendable(&combine(all.to_vec()));
        assert_eq!(combine(all.to_vec()), all, "what fits is left as it is");
        for key in shown(&json!(all)) {
            assert!(!key.starts_with("line.") && !key.starts_with("status."), "{key}");
        }
    }
}

#[test]
fn the_welcome_says_what_is_recorded_who_reads_it_and_how_to_stop() {
    let message = joined(Locale::ZhTw, URL, None);
    let text = shown(&message).join("\n");
    for word in ["記錄", "看得到的人", "移出"] {
        assert!(text.contains(word), "{word}");
    }
    assert_sendable(&[message]);
}

#[test]
fn every_status_has_a_word_and_a_colour_of_its_own() {
    let look = |status: &Status| {
        let message = opened(Locale::ZhTw, &[Card { status: *status, ..card("標題", "") }]);
        let line = &message["contents"]["body"]["contents"][0]["contents"][1];
        (line["text"].as_str().unwrap().to_owned(), line["color"].as_str().unwrap().to_owned())
    };
    let looks: Vec<_> = Status::ALL.iter().map(look).collect();
    assert_eq!(looks.iter().map(|l| l.0.as_str()).collect::<Vec<_>>(), ["待處理", "處理中", "等待客戶", "已處理", "已結案"]);
    assert_eq!(looks.iter().map(|l| &l.1).collect::<std::collections::HashSet<_>>().len(), 5);
}

#[test]
fn several_cards_become_one_carousel() {
    let message = opened(Locale::ZhTw, &[card("第一件", ""), card("第二件", ""), card("第三件", "")]);
    assert_eq!(message["contents"]["type"], "carousel");
    assert_eq!(links(&message).len(), 3);
    assert_eq!(message["altText"], "#123 第一件｜處理中\n#123 第二件｜處理中\n#123 第三件｜處理中");
    assert_sendable(&[message]);
}

#[test]
fn cards_past_the_twelfth_are_counted() {
    let cards = vec![card("一件事情", "內容"); 15];
    let message = status_changed(Locale::ZhTw, &cards);
    assert_eq!(links(&message).len(), 12);
    assert_eq!(shown(&message).iter().filter(|t| *t == "還有 3 則").count(), 1);
    assert!(message["altText"].as_str().unwrap().ends_with("還有 3 則"));
    assert_sendable(&[message]);
}

#[test]
fn too_much_for_one_send_is_cut_and_then_counted() {
    for locale in Locale::ALL {
        let title = "很長的標題".repeat(20);
        let long = Card { number: i64::MAX, ..card(&title, "") };
        let cards = vec![long; 20];
        let parts = vec![opened(locale, &cards), answered(locale, &cards), status_changed(locale, &cards), joined(locale, URL, None)];
        let sent = combine(parts);
        assert_eq!(sent.len(), 4);
        assert_sendable(&sent);
        let notes: Vec<String> = shown(&json!(sent[..3])).into_iter().filter(|t| t.starts_with('+')).collect();
        let counted: usize = notes.iter().map(|n| n[1..].parse::<usize>().unwrap()).sum();
        let left: usize = sent[..3].iter().map(|m| links(m).len()).sum();
        assert_eq!(counted + left, 36, "{notes:?}");
    }
}

#[test]
fn more_objects_than_line_takes_become_carousels() {
    let parts: Vec<Value> = (0..9).map(|n| answered(Locale::ZhTw, &[Card { number: n, ..card("事情", "好") }])).collect();
    let sent = combine(parts);
    assert_eq!(sent.len(), 5);
    assert_eq!(sent.iter().map(|m| links(m).len()).sum::<usize>(), 9);
    assert_sendable(&sent);
}

#[test]
fn a_title_nobody_can_see_gets_a_word() {
    for title in ["", " \n\t", "\u{200b}\u{feff}", "\u{202e}\u{0}", "\u{200d}\u{3164}"] {
        assert_eq!(shown(&opened(Locale::ZhTw, &[card(title, "")]))[2], "（無標題）", "{title:?}");
    }
}

#[test]
fn texts_are_cut_between_graphemes() {
    assert_eq!(cut("  一行\n兩行\u{7}\u{202e}  ", 40), "一行 兩行");
    assert_eq!(cut("12345", 5), "12345");
    assert_eq!(cut("123456", 5), "1234…");
    assert_eq!(cut("1234 67", 6), "1234…");
    let family = "👨‍👩‍👧‍👦";
    assert_eq!(cut(&family.repeat(30), 10), format!("{family}{family}…"));
    assert_eq!(cut(&format!("a{}", "\u{301}".repeat(500)), 10), "…");
    assert_eq!(cut_units("🤨🤨🤨", 6), "🤨🤨🤨");
    assert_eq!(cut_units("🤨🤨🤨", 5), "🤨🤨…");
}

#[test]
fn a_link_is_encoded_or_left_out() {
    let message = opened(Locale::ZhTw, &[Card { url: "https://例子.tw/討論/1?a=b c", ..card("a", "") }]);
    assert_eq!(links(&message), ["https://xn--fsqu00a.tw/%E8%A8%8E%E8%AB%96/1?a=b%20c"]);
    let too_long = format!("https://example.com/{}", "x".repeat(1_000));
    for url in ["", "no link", "javascript:alert(1)", &too_long] {
        let message = opened(Locale::ZhTw, &[Card { url, ..card("a", "") }]);
        assert_eq!(links(&message), [""; 0]);
        assert_sendable(&[message]);
    }
}

#[test]
fn an_object_that_line_would_refuse_is_sent_as_plain_text() {
    let broken = json!({"type": "flex", "altText": "#1 標題", "contents": {"type": "bubble"}});
    assert_eq!(combine(vec![broken]), [json!({"type": "text", "text": "#1 標題"})]);
    let mut broken = answered(Locale::ZhTw, &[Card { excerpt: None, ..card("標題", "") }]);
    broken["contents"]["size"] = json!("vast");
    assert_eq!(combine(vec![broken]), [json!({"type": "text", "text": format!("#123 標題｜處理中\n小美 回覆了\n{URL}")})]);
    let mut broken = opened(Locale::ZhTw, &[card("第一件", ""), card("第二件", "")]);
    broken["contents"]["contents"][0]["size"] = json!("vast");
    assert_eq!(combine(vec![broken]), [json!({"type": "text", "text": format!("#123 第一件｜處理中\n#123 第二件｜處理中\n{URL}")})]);
    assert_eq!(opened(Locale::ZhTw, &[])["type"], "text");
}

/// Words as people and programs send them: joined emoji, stacked accents, right-to-left, braces, markup, nothing, very much.
fn any_words() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop_oneof![
        Just("👩‍👩‍👧‍👦".to_owned()),
        Just("e\u{301}\u{301}".repeat(50)),
        Just("مرحبا بالعالم ".to_owned()),
        Just("\u{202e}\u{2066}".to_owned()),
        Just("{name} {{}} {".to_owned()),
        Just("<b>&\"\\".to_owned()),
        Just("\u{0}\r\n\t".to_owned()),
        Just("報價".repeat(2_000)),
        ".{0,20}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn whatever_people_write_can_be_sent(title in any_words(), excerpt in any_words(), name in any_words(), number: i64, count in 1_usize..30, locale in 0_usize..3, status in 0_usize..5) {
        let locale = Locale::ALL[locale];
        let card = Card { number, title: &title, status: Status::ALL[status], url: URL, said_by: Some(&name), excerpt: Some(&excerpt) };
        let cards = vec![card; count];
        for message in [opened(locale, &cards), answered(locale, &cards), status_changed(locale, &cards)] {
            assert_sendable(&[message]);
        }
        let parts = vec![opened(locale, &cards[..1]), answered(locale, &cards), status_changed(locale, &cards), joined(locale, URL, None)];
        assert_sendable(&combine(parts));
    }
}

/// Data and shown text of every postback button.
fn taps(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(fields) if fields.get("type").is_some_and(|t| t == "postback") => {
            let field = |name: &str| fields[name].as_str().unwrap().to_owned();
            vec![(field("data"), field("displayText"))]
        }
        Value::Object(fields) => fields.values().flat_map(taps).collect(),
        Value::Array(items) => items.iter().flat_map(taps).collect(),
        _ => vec![],
    }
}

#[test]
fn buttons_carry_what_is_read_from_them_and_show_the_group_what_was_tapped() {
    let pairs =
        |message: &Value| taps(message).into_iter().map(|(data, shown)| (crate::channels::line::commands::tap(&data).unwrap(), shown));
    let answer = answered(Locale::ZhTw, &[card("報價單版本", "好")]);
    let expected = [
        (Tap::Solved(123), "#123 已解決".to_owned()),
        (Tap::NotSolved(123), "#123 還沒解決".to_owned()),
        (Tap::Reply(123), "回覆 #123".to_owned()),
        (Tap::Apart(123), "這是另一件事（#123）".to_owned()),
    ];
    assert_eq!(pairs(&answer).collect::<Vec<_>>(), expected);
    let acknowledged = opened(Locale::ZhTw, &[card("報價單版本", "")]);
    assert_eq!(pairs(&acknowledged).map(|p| p.0).collect::<Vec<_>>(), [Tap::Reply(123), Tap::Progress, Tap::Apart(123), Tap::Join(123)]);
    assert_eq!(pairs(&joined(Locale::ZhTw, URL, None)).map(|p| p.0).collect::<Vec<_>>(), [Tap::Progress]);
    let many = answered(Locale::ZhTw, &vec![card("事情", "好"); 4]);
    assert_eq!(taps(&many), [], "a list of titles has no room for buttons");
}

#[test]
fn every_sample_is_whole_in_every_language() {
    for locale in Locale::ALL {
        let all = samples::all(locale, "https://support.example.com");
        assert_eq!(all.len(), all.iter().map(|(name, _)| name).collect::<std::collections::HashSet<_>>().len());
        for (name, message) in all {
            assert_eq!(limits::check_messages(&json!([message])), [], "{} {name}", locale.tag());
            assert!(shown(&message).iter().map(|s| units(s)).sum::<usize>() <= SHOWN_UNITS_MAX, "{} {name}", locale.tag());
            for text in shown(&message) {
                assert!(!text.contains('{') && !text.starts_with("line.") && !text.starts_with("status."), "{text}");
            }
        }
    }
}

#[test]
fn the_alternative_text_of_a_single_card_stands_alone() {
    let message = answered(Locale::ZhTw, &[card("報價單版本", "好")]);
    assert_eq!(message["altText"].as_str().unwrap().lines().next(), Some("#123 報價單版本｜處理中"));
}

#[test]
fn the_list_of_open_discussions_is_a_row_with_a_link_each_and_counts_the_rest() {
    let cards = vec![card("很長的標題".repeat(8).leak(), ""); 10];
    let message = progress(Locale::ZhTw, &cards, 7, URL);
    assert_sendable(std::slice::from_ref(&message));
    let rows: Vec<&Value> =
        message["contents"]["body"]["contents"].as_array().unwrap().iter().filter(|c| c["action"]["uri"] == URL).collect();
    assert_eq!(rows.len(), 10);
    assert_eq!(shown(&message).iter().filter(|t| *t == "還有 7 則" || *t == "進行中的討論：17 件").count(), 2);
    assert_eq!(progress(Locale::ZhTw, &[], 0, URL), json!({"type": "text", "text": "目前沒有待處理的討論。"}));
}

#[test]
fn the_welcome_names_the_project_once_the_chat_is_bound() {
    let named = joined(Locale::ZhTw, URL, Some("晨光咖啡"));
    assert!(shown(&named).join("\n").contains("晨光咖啡") && named["altText"].as_str().unwrap().contains("晨光咖啡"));
    assert_sendable(&[named]);
}

#[test]
fn buttons_go_before_a_bubble_is_left_out() {
    let title = "標題".repeat(20);
    let parts: Vec<Value> = (0..5).map(|n| answered(Locale::En, &[Card { number: n, ..card(&title, &title) }])).collect();
    let sent = combine(parts);
    assert_sendable(&sent);
    assert_eq!(sent.iter().map(|m| links(m).len()).sum::<usize>(), 5);
}
