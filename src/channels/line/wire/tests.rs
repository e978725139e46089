use super::*;

/// The bodies in `tests/fixtures/line`, by name.
fn body(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/line/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_group_text_keeps_its_bytes_and_says_where_and_when() {
    let body = body("text_in_group");
    let events = events(&body).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.external_id, "01KTESTEVENT00000000000001");
    assert_eq!(event.at_ms, 1_795_000_001_000);
    assert_eq!(event.chat_key, "C0a1b2c3d4e5f60718293a4b5c6d7e8f9");
    assert!(event.has_reply_token);
    assert!(String::from_utf8(body).unwrap().contains(&event.raw));
    assert!(event.raw.starts_with('{') && event.raw.ends_with('}'));
}

#[test]
fn the_consoles_empty_webhook_is_legal() {
    assert_eq!(events(&body("empty_verify")).unwrap(), []);
    assert_eq!(events(b" \n{\"events\": []} ").unwrap(), []);
}

#[test]
fn what_is_no_webhook_is_malformed() {
    for bad in [
        "",
        "null",
        "[]",
        "[[]]",
        "[[{}]]",
        "{}",
        r#"{"events":{}}"#,
        r#"{"events":null}"#,
        r#"{"events":[}"#,
        r#"{"events":[]"#,
        r#"{"events":[]} x"#,
        "\"events\"",
    ] {
        assert!(events(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn an_error_does_not_repeat_the_body() {
    let error = events(br#"{"events":"secret words"}"#).unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn one_strange_event_never_fails_the_rest() {
    let events = events(&body("strange_events")).unwrap();
    assert_eq!(events.len(), 13);
    assert_eq!(events[1].raw, "\"不是物件\"");
    for hashed in [1, 2, 3, 4, 5, 11] {
        let event = &events[hashed];
        assert!(event.external_id.starts_with("sha256:") && event.external_id.len() == 71, "{event:?}");
        assert_eq!((event.at_ms, event.chat_key.as_str(), event.has_reply_token), (0, "", false));
    }
    assert_eq!(events[10].chat_key, "");
    assert_eq!(events[12].external_id, "01KTESTEVENT00000000000037");
}

#[test]
fn the_same_bytes_get_the_same_id_and_others_another() {
    let old = events(&body("old_console_dummies")).unwrap();
    assert_ne!(old[0].external_id, old[1].external_id);
    assert_eq!(old, events(&body("old_console_dummies")).unwrap());
    assert!(old.iter().all(|e| !e.has_reply_token), "{old:?}");
}

#[test]
fn an_id_that_cannot_be_kept_is_hashed() {
    let long = "x".repeat(EXTERNAL_ID_BYTES_MAX + 1);
    for id in ["", "a\\u0001b", &long] {
        let body = format!(r#"{{"events":[{{"webhookEventId":"{id}"}}]}}"#);
        assert!(events(body.as_bytes()).unwrap()[0].external_id.starts_with("sha256:"), "{id}");
    }
}

#[test]
fn a_time_out_of_range_counts_as_none() {
    for time in ["-1", "0", "1e12", "99999999999999999", "253402207201000", "\"1\"", "null", "[1]"] {
        let body = format!(r#"{{"events":[{{"timestamp":{time}}}]}}"#);
        assert_eq!(events(body.as_bytes()).unwrap()[0].at_ms, 0, "{time}");
    }
}

#[test]
fn repeated_keys_deep_nesting_and_broken_text_lose_no_event() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let body =
        format!(r#"{{"events":[{{"a":{deep},"timestamp":1,"timestamp":2,"webhookEventId":"E1"}},{{"\ud800":1,"webhookEventId":"E2"}}]}}"#);
    let ids: Vec<_> = events(body.as_bytes()).unwrap().into_iter().map(|e| (e.external_id, e.at_ms)).collect();
    assert_eq!(ids, [("E1".to_owned(), 2), ("E2".to_owned(), 0)]);
    let mut broken = br#"{"events":[{"webhookEventId":"E3","x":"#.to_vec();
    broken.extend_from_slice(b"\"\xff\"}]}");
    assert_eq!(events(&broken).unwrap()[0].external_id, "E3");
}

#[test]
fn half_pairs_are_repaired_and_whole_ones_left() {
    assert!(matches!(repair_surrogates(r#""\ud83e\udd28 plain""#), Cow::Borrowed(_)));
    assert_eq!(repair_surrogates(r#""\ud83ex""#), r#""\ufffdx""#);
    assert_eq!(repair_surrogates(r#""\uDD28\uD83E\ud83e\udd28""#), r#""\ufffd\ufffd\ud83e\udd28""#);
    assert_eq!(repair_surrogates(r#""\\ud83e""#), r#""\\ud83e""#);
    assert_eq!(repair_surrogates(r#""\\\ud83e""#), r#""\\\ufffd""#);
    assert_eq!(repair_surrogates(r"\ud83"), r"\ud83");
    assert_eq!(repair_surrogates(r"\ud83e\"), r"\ufffd\");
}

proptest::proptest! {
    #[test]
    fn any_text_is_repaired_without_a_panic_into_what_serde_takes(units in proptest::collection::vec(0_u16.., 0..20)) {
        let json = units.iter().fold("\"".to_owned(), |s, u| format!("{s}\\u{u:04x}")) + "\"";
        let repaired: String = serde_json::from_str(&repair_surrogates(&json)).unwrap();
        proptest::prop_assert_eq!(repaired, String::from_utf16_lossy(&units));
    }

    #[test]
    fn any_bytes_are_cut_or_refused(bytes in proptest::collection::vec(0_u8.., 0..200), text in ".*") {
        drop(events(&bytes));
        drop(events(text.as_bytes()));
        drop(events(format!("{{\"events\":[{text}]}}").as_bytes()));
        let text = repair_surrogates(&text);
        proptest::prop_assert!(text.len() < 10_000);
    }
}
