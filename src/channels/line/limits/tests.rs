use serde_json::json;

use super::*;

/// The properties that one message object is refused for.
fn wrong(message: &Value) -> Vec<String> {
    check_messages(&json!([message]))
        .into_iter()
        .map(|v| v.property.strip_prefix("messages[0]").map(str::to_owned).unwrap_or(v.property))
        .collect()
}

fn flex(contents: &Value) -> Value {
    json!({"type": "flex", "altText": "a", "contents": contents})
}

fn bubble_of(component: &Value) -> Value {
    flex(&json!({"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [component]}}))
}

/// A template message with one button.
fn button_of(action: &Value) -> Value {
    json!({"type": "template", "altText": "a", "template": {"type": "buttons", "text": "t", "actions": [action]}})
}

#[test]
fn sound_messages_pass() {
    let uri = json!({"type": "uri", "label": "看", "uri": "https://example.com/d/1"});
    let image = json!({"type": "image", "url": "https://example.com/a.png", "size": "full", "aspectRatio": "20:13", "aspectMode": "cover"});
    let text = json!({"type": "text", "contents": [{"type": "span", "text": "a", "color": "#00FF00", "weight": "bold"}], "size": "14px"});
    let carousel = json!({"type": "carousel", "columns": [{"text": "t", "actions": [uri]}, {"title": "x", "text": "t", "actions": [uri]}]});
    for good in [
        json!({"type": "text", "text": "🤨".repeat(2_500), "emojis": [{"index": 0, "productId": "p", "emojiId": "1"}]}),
        json!({"type": "textV2", "text": "{who} {{不是}} {face}", "substitution": {"who": {"type": "mention", "mentionee": {"type": "user", "userId": "U1"}}, "face": {"type": "emoji", "productId": "p", "emojiId": "1"}}}),
        json!({"type": "sticker", "packageId": "446", "stickerId": "1988", "quoteToken": "q"}),
        json!({"type": "image", "originalContentUrl": "https://example.com/a.jpg", "previewImageUrl": "https://example.com/b.jpg"}),
        json!({"type": "video", "originalContentUrl": "https://example.com/a.mp4", "previewImageUrl": "https://example.com/b.jpg"}),
        json!({"type": "audio", "originalContentUrl": "https://example.com/a.m4a", "duration": 1000}),
        json!({"type": "location", "title": "倉庫", "address": "桃園市", "latitude": 25.0, "longitude": 121.0}),
        json!({"type": "imagemap", "baseUrl": "https://example.com/map", "altText": "圖", "baseSize": {"width": 1040, "height": 500}, "actions": [{"type": "uri", "linkUri": "https://example.com/", "area": {"x": 0, "y": 0, "width": 9, "height": 9}}]}),
        json!({"type": "template", "altText": "a", "template": {"type": "confirm", "text": "好嗎", "actions": [uri, uri]}}),
        json!({"type": "template", "altText": "a", "template": carousel}),
        json!({"type": "coupon", "couponId": "c"}),
        button_of(&json!({"type": "postback", "label": "結案", "data": "d".repeat(300), "displayText": "好"})),
        flex(
            &json!({"type": "bubble", "size": "kilo", "hero": image, "body": {"type": "box", "layout": "vertical", "contents": [text, {"type": "separator", "margin": "md"}]}, "footer": {"type": "box", "layout": "vertical", "contents": [{"type": "button", "action": uri, "style": "primary", "height": "sm"}]}}),
        ),
    ] {
        assert_eq!(wrong(&good), [""; 0], "{good}");
    }
}

#[test]
fn one_to_five_known_objects_travel_together() {
    let text = json!({"type": "text", "text": "a"});
    let found = |messages: Value| check_messages(&messages).into_iter().map(|v| v.property).collect::<Vec<_>>();
    assert_eq!(found(json!([text, text, text, text, text])), [""; 0]);
    assert_eq!(found(json!([])), ["messages"]);
    assert_eq!(found(json!([text, text, text, text, text, text])), ["messages"]);
    assert_eq!(found(Value::Null), ["messages"]);
    assert_eq!(found(json!([text, {"type": "flash"}, 7])), ["messages[1].type", "messages[2]"]);
}

#[test]
fn texts_have_their_lengths_in_utf16_units() {
    assert_eq!(wrong(&json!({"type": "text", "text": ""})), [".text"]);
    assert_eq!(wrong(&json!({"type": "text"})), [".text"]);
    assert_eq!(wrong(&json!({"type": "text", "text": 7})), [".text"]);
    assert_eq!(wrong(&json!({"type": "text", "text": format!("{}x", "🤨".repeat(2_500))})), [".text"]);
    assert_eq!(
        wrong(
            &json!({"type": "flex", "altText": "x".repeat(1_501), "contents": {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": []}}})
        ),
        [".altText"]
    );
}

#[test]
fn braces_in_text_v2_are_places_or_doubled() {
    for text in ["{", "}", "a } b", "{a b}", "{}", "{missing}", "{{}", "{012345678901234567890}"] {
        assert_eq!(wrong(&json!({"type": "textV2", "text": text})), [".text"], "{text}");
    }
    for text in ["{{", "}}", "{{a}} {{{{"] {
        assert_eq!(wrong(&json!({"type": "textV2", "text": text})), [""; 0], "{text}");
    }
    assert_eq!(wrong(&json!({"type": "textV2", "text": "{a}", "substitution": {"a": {"type": "link"}}})), [".substitution.a.type"]);
}

#[test]
fn people_are_mentioned_only_among_several() {
    let body = |to: &str| json!({"to": to, "messages": [{"type": "textV2", "text": "{a}", "substitution": {"a": {"type": "mention", "mentionee": {"type": "all"}}}}]});
    assert_eq!(check_request(Send::Push, &body("C1")), []);
    assert_eq!(check_request(Send::Push, &body("U1"))[0].property, "messages[0].substitution.a");
}

#[test]
fn actions_need_labels_that_fit() {
    let uri = |label: &str| json!({"type": "uri", "label": label, "uri": "https://example.com/"});
    assert_eq!(wrong(&button_of(&uri(&"👨‍👩‍👧‍👦".repeat(20)))), [""; 0]);
    assert_eq!(wrong(&button_of(&uri(&"字".repeat(21)))), [".template.actions[0].label"]);
    assert_eq!(wrong(&button_of(&uri(""))), [".template.actions[0].label"]);
    let flex_button = |label: &str| bubble_of(&json!({"type": "button", "action": uri(label)}));
    assert_eq!(wrong(&flex_button(&"字".repeat(40))), [""; 0]);
    assert_eq!(wrong(&flex_button(&"字".repeat(41))), [".contents.body.contents[0].action.label"]);
    assert_eq!(wrong(&bubble_of(&json!({"type": "button"}))), [".contents.body.contents[0].action"]);
    let quick = |n: usize| json!({"type": "text", "text": "a", "quickReply": {"items": vec![json!({"type": "action", "action": {"type": "camera", "label": "拍"}}); n]}});
    assert_eq!(wrong(&quick(13)), [""; 0]);
    assert_eq!(wrong(&quick(14)), [".quickReply.items"]);
}

#[test]
fn links_are_encoded_short_and_of_a_known_scheme() {
    let uri = |uri: &str| wrong(&button_of(&json!({"type": "uri", "label": "a", "uri": uri})));
    for good in ["https://example.com/d/1?a=%E5%A0%B1", "http://127.0.0.1:8080/d/1", "line://nv/chat", "tel:+886212345678"] {
        assert_eq!(uri(good), [""; 0], "{good}");
    }
    for bad in [
        "",
        "example.com",
        "ftp://example.com",
        "javascript:alert(1)",
        "https://example.com/報價",
        "https://exa mple.com",
        "https://",
        &format!("https://example.com/{}", "x".repeat(1_000)),
    ] {
        assert_eq!(uri(bad), [".template.actions[0].uri"], "{bad}");
    }
    let postback = json!({"type": "postback", "label": "a", "data": "d".repeat(301), "displayText": "t".repeat(301)});
    assert_eq!(wrong(&button_of(&postback)), [".template.actions[0].data", ".template.actions[0].displayText"]);
    assert_eq!(
        wrong(&json!({"type": "image", "originalContentUrl": "http://example.com/a.jpg", "previewImageUrl": "https://"})),
        [".originalContentUrl", ".previewImageUrl"]
    );
}

#[test]
fn flex_components_are_complete_and_in_their_places() {
    for (component, property) in [
        (json!({"type": "text", "text": ""}), ".text"),
        (json!({"type": "text"}), ".text"),
        (json!({"type": "text", "text": "a", "color": "red"}), ".color"),
        (json!({"type": "text", "text": "a", "size": "huge"}), ".size"),
        (json!({"type": "text", "text": "a", "maxLines": -1}), ".maxLines"),
        (json!({"type": "span", "text": "a"}), ".type"),
        (json!({"type": "icon", "url": "https://example.com/i.png"}), ".type"),
        (json!({"type": "box", "contents": []}), ".layout"),
        (json!({"type": "box", "layout": "vertical"}), ".contents"),
        (json!({"type": "box", "layout": "baseline", "contents": [{"type": "button"}]}), ".contents[0].type"),
        (json!({"type": "separator", "color": "#12345"}), ".color"),
        (json!({"type": "image", "url": "http://example.com/a.png"}), ".url"),
        (json!({"type": "image", "url": "https://example.com/a.png", "aspectRatio": "1:4"}), ".aspectRatio"),
        (json!({"type": "text", "text": "a", "margin": "wide"}), ".margin"),
    ] {
        assert_eq!(wrong(&bubble_of(&component)), [format!(".contents.body.contents[0]{property}")], "{component}");
    }
    assert_eq!(wrong(&flex(&json!({"type": "bubble"}))), [".contents"]);
    assert_eq!(wrong(&flex(&json!({"type": "bubble", "body": {"type": "text", "text": "a"}}))), [".contents.body.type"]);
    assert_eq!(wrong(&json!({"type": "flex", "altText": "a"})), [".contents.type"]);
}

#[test]
fn bubbles_and_carousels_have_their_sizes() {
    let bubble = |text: &str, size: &str| json!({"type": "bubble", "size": size, "body": {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": text}]}});
    let carousel = |bubbles: Vec<Value>| flex(&json!({"type": "carousel", "contents": bubbles}));
    assert_eq!(wrong(&carousel(vec![bubble("a", "kilo"); 12])), [""; 0]);
    assert_eq!(wrong(&carousel(vec![bubble("a", "kilo"); 13])), [".contents.contents"]);
    assert_eq!(wrong(&carousel(vec![])), [".contents.contents"]);
    assert_eq!(wrong(&carousel(vec![bubble("a", "kilo"), bubble("a", "mega")])), [".contents.contents"]);
    assert_eq!(wrong(&flex(&bubble(&"字".repeat(10_000), "kilo"))), [".contents"]);
    assert_eq!(wrong(&carousel(vec![bubble(&"x".repeat(20_000), "kilo"); 3])), [".contents"]);
}

#[test]
fn a_request_names_its_recipient() {
    let messages = json!([{"type": "text", "text": "a"}]);
    let wrong = |kind, body: Value| check_request(kind, &body).into_iter().map(|v| v.property).collect::<Vec<_>>();
    assert_eq!(wrong(Send::Reply, json!({"replyToken": "t", "messages": messages, "notificationDisabled": true})), [""; 0]);
    assert_eq!(wrong(Send::Reply, json!({"messages": messages, "notificationDisabled": 1})), ["replyToken", "notificationDisabled"]);
    assert_eq!(wrong(Send::Push, json!({"to": "", "messages": []})), ["to", "messages"]);
    assert_eq!(wrong(Send::Multicast, json!({"to": ["U1", "C1"], "messages": messages})), ["to[1]"]);
    assert_eq!(wrong(Send::Broadcast, json!({"messages": messages})), [""; 0]);
    assert_eq!(
        wrong(Send::Push, json!({"to": "C1", "messages": messages, "customAggregationUnits": ["a", "b"]})),
        ["customAggregationUnits"]
    );
    assert_eq!(wrong(Send::Push, json!([])), [""]);
    let huge =
        json!({"to": "C1", "messages": [{"type": "text", "text": "a", "sender": {"name": "n", "x": "x".repeat(REQUEST_BYTES_MAX)}}]});
    assert_eq!(wrong(Send::Push, huge), [""]);
}
