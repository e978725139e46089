//! What people do, as events and as the members see it.

use super::*;

#[tokio::test]
async fn events_have_the_documented_shape() {
    let settings = Settings { bot_name: "小幫手🤖".to_owned(), ..Settings::default() };
    let w = world_with(settings).await;
    let asked = w.says("請問");
    let how = Say { quote: asked.message.clone(), mention_bot: true, ..Say::default() };
    let mention = w.platform.say(&w.group, Some(&w.amy), "幫我看一下", how);
    let message = &mention.json["message"];
    assert_eq!(message["text"], "@小幫手🤖 幫我看一下");
    assert_eq!(message["quotedMessageId"], asked.message_id().as_str());
    let mentionee = &message["mention"]["mentionees"][0];
    assert_eq!((&mentionee["index"], &mentionee["length"], &mentionee["isSelf"]), (&json!(0), &json!(6), &json!(true)));
    assert_eq!(mention.json["source"], json!({"type": "group", "groupId": w.group.as_str(), "userId": w.amy.as_str()}));
    assert_eq!(mention.id.len(), 26);
    assert!(mention.json["timestamp"].as_i64() > asked.json["timestamp"].as_i64());
    assert!(mention.id > asked.id, "ULIDs sort by time");

    let edit = w.platform.edit(asked.message_id(), "請問發票");
    assert_eq!((edit.json["type"].as_str(), edit.json["message"]["id"].as_str()), (Some("messageEdited"), message_id(&asked)));
    assert!(edit.json["message"].get("markAsReadToken").is_none());
    assert_ne!(edit.reply_token, asked.reply_token);
    assert!(w.platform.file(&w.group, None, "a.pdf", Upload::new("application/pdf", "x")).json["message"].get("quoteToken").is_none());
    w.platform.withdraw_consent(&w.amy);
    assert!(w.says("匿名").json["source"].get("userId").is_none());
    assert!(w.platform.join(&w.group).json["source"].get("userId").is_none());
    for event in [w.platform.leave(&w.group), w.platform.unfollow(&w.amy), w.platform.member_left(&w.group, &[])] {
        assert!(event.json.get("replyToken").is_none(), "{}", event.json["type"]);
    }
}

fn message_id(event: &Event) -> Option<&str> {
    event.message.as_ref().map(crate::domain::LineMessageId::as_str)
}

#[tokio::test]
async fn members_see_who_said_what_and_what_was_taken_back() {
    let w = world().await;
    let asked = w.says("請問發票開了嗎？");
    let quote_token = asked.json["message"]["quoteToken"].clone();
    let body = json!({"replyToken": asked.reply_token, "messages": [{"type": "text", "text": "已收到", "quoteToken": quote_token}]});
    assert_eq!(w.send("reply", body, None).await.unwrap().status, 200);
    let before = w.platform.version();
    w.platform.unsend(asked.message_id());
    assert!(w.platform.version() > before);
    let log = w.platform.chat_log(&w.group);
    assert_eq!((log[0].retracted, log[0].content.get("text")), (true, None));
    assert_eq!((&log[1].by, &log[1].quotes), (&Speaker::Bot, &asked.message));
}

#[tokio::test]
async fn one_seed_gives_one_set_of_ids() {
    let (one, other, third) = (world().await, world().await, world_with(Settings { seed: 2, ..Settings::default() }).await);
    assert_eq!(one.says("一").json, other.says("一").json);
    assert_ne!(one.group, third.group);
}

/// Reference, "Image": webhooks of one set come in any order; old clients leave `index` and `total` out.
#[tokio::test]
async fn pictures_sent_at_once_are_a_set_in_any_order() {
    let w = world().await;
    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    let pictures = |count: usize| (0..count).map(|n| Upload::new("image/jpeg", format!("picture {n}"))).collect();
    let set = w.platform.images(&w.group, Some(&w.amy), pictures(9), true);
    assert!(w.platform.deliver_shuffled(&set).await.iter().all(Delivered::is_ok));
    let indices: Vec<u64> = seen
        .lock()
        .await
        .iter()
        .map(|(_, body)| {
            let body: Value = serde_json::from_slice(body).unwrap();
            assert_eq!(body["events"].as_array().unwrap().len(), 1);
            assert_eq!(body["events"][0]["message"]["imageSet"]["total"], 9);
            body["events"][0]["message"]["imageSet"]["index"].as_u64().unwrap()
        })
        .collect();
    let mut sorted = indices.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=9).collect::<Vec<_>>());
    assert_ne!(indices, sorted);
    let old = w.platform.images(&w.group, Some(&w.amy), pictures(2), false);
    let id = old[0].json["message"]["imageSet"]["id"].clone();
    assert_eq!(id.as_str().map(str::len), Some(64));
    assert!(old.iter().all(|e| e.json["message"]["imageSet"] == json!({"id": id})));
}

/// Docs, "Receive messages": a mention has offsets in UTF-16 units; everybody, members, and the bot can be mentioned.
#[tokio::test]
async fn names_in_a_text_become_mentions() {
    let w = world().await;
    let how = Say { mention_names: true, ..Say::default() };
    let text = "🙏 @林先生 @鄭小姐 和 @All 請看，@牽線小幫手 也是 @路人 a@b.example";
    let third = w.platform.state().chats[&w.group].members[2].clone();
    w.platform.withdraw_consent(&third);
    let said = w.platform.say(&w.group, Some(&w.amy), text, how.clone());
    let mentionees = said.json["message"]["mention"]["mentionees"].as_array().unwrap().clone();
    let units: Vec<u16> = text.encode_utf16().collect();
    let words: Vec<String> = mentionees
        .iter()
        .map(|m| {
            let at = usize::try_from(m["index"].as_u64().unwrap()).unwrap();
            String::from_utf16(&units[at..at + usize::try_from(m["length"].as_u64().unwrap()).unwrap()]).unwrap()
        })
        .collect();
    assert_eq!(words, ["@林先生", "@鄭小姐", "@All", "@牽線小幫手"]);
    let kinds: Vec<(&str, Option<bool>, bool)> =
        mentionees.iter().map(|m| (m["type"].as_str().unwrap(), m["isSelf"].as_bool(), m["userId"].is_string())).collect();
    assert_eq!(kinds, [("user", Some(false), true), ("user", Some(false), false), ("all", None, false), ("user", Some(true), true)]);
    let edited = w.platform.edit_as(said.message_id(), "@林先生 改一下", &how);
    assert_eq!(edited.json["message"]["mention"]["mentionees"].as_array().unwrap().len(), 1);
}

/// Reference, "Edit event", "Unsend event": at any age, and before the message itself was delivered.
#[tokio::test]
async fn edits_and_unsends_can_be_made_and_delivered_at_any_time() {
    let w = world().await;
    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    let said = w.says("打錯字");
    let first = w.platform.edit(said.message_id(), "打錯字了");
    w.clock.advance(Duration::from_hours(24 * 30));
    let second = w.platform.edit(said.message_id(), "沒有錯字");
    let unsent = w.platform.unsend(said.message_id());
    assert!(first.json["timestamp"].as_i64() < second.json["timestamp"].as_i64());
    for event in [&unsent, &second, &first, &said] {
        assert!(w.platform.deliver(std::slice::from_ref(event)).await.is_ok());
    }
    let bodies: Vec<Value> = seen.lock().await.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
    assert_eq!(bodies[0]["events"][0]["unsend"]["messageId"], said.message_id().as_str());
    assert_eq!(bodies[3]["events"][0]["message"]["text"], "打錯字", "LINE delivers what it had to deliver");
    let line = &w.platform.chat_log(&w.group)[0];
    assert_eq!((line.retracted, line.edited, line.content.get("text")), (true, true, None));
}

/// Docs, "Receive messages", "Group chats": edits are a group's alone.
#[tokio::test]
#[should_panic(expected = "only texts in groups can be edited")]
async fn a_users_own_chat_has_no_edits() {
    let w = world().await;
    let said = w.platform.say(&LineChatId::from(w.amy.as_str()), Some(&w.amy), "您好", Say::default());
    w.platform.edit(said.message_id(), "您好嗎");
}

/// Reference, "Join event", "Leave event", "Member join event", "Member leave event": what is heard while the account is out.
#[tokio::test]
async fn an_account_that_was_removed_hears_nothing_until_it_is_back() {
    let w = world().await;
    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    let said = w.says("留下來");
    let events = [
        w.platform.leave(&w.group),
        w.says("它不在了"),
        w.platform.unsend(said.message_id()),
        w.platform.member_left(&w.group, std::slice::from_ref(&w.amy)),
        w.platform.member_joined(&w.group, std::slice::from_ref(&w.amy)),
        w.platform.join(&w.group),
        w.says("歡迎回來"),
    ];
    assert_eq!(events.iter().map(|e| e.heard).collect::<Vec<_>>(), [true, false, false, false, false, true, true]);
    let unheard = w.platform.deliver(&events[1..5]).await;
    assert_eq!((unheard.status, unheard.error.as_deref()), (0, Some("the account is not in the chat")));
    assert!(w.platform.deliver(&events).await.is_ok());
    let body: Value = serde_json::from_slice(&seen.lock().await[0].1).unwrap();
    let kinds: Vec<&Value> = body["events"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert_eq!(kinds, ["leave", "join", "message"]);
    assert_eq!(w.get(&format!("/v2/bot/group/{}/members/count", w.group)).await.json, json!({"count": 3}));
    assert_eq!(w.platform.member_left(&w.group, std::slice::from_ref(&w.amy)).json["left"]["members"][0]["userId"], w.amy.as_str());
}

/// Reference, "Postback action": the event has the button's data; its `displayText` shows in the chat and is no message of its own.
#[tokio::test]
async fn a_tapped_button_sends_its_data_and_shows_its_words() {
    let w = world().await;
    let tap = |action: Value, params| w.platform.tap_button(&w.group, Some(&w.amy), &action, params);
    let postback = json!({"type": "postback", "label": "查進度", "data": "v=1&do=progress", "displayText": "查進度"});
    let tapped = tap(postback, None).unwrap();
    assert_eq!(tapped.json["postback"], json!({"data": "v=1&do=progress"}));
    assert!(tapped.reply_token.is_some() && tapped.message.is_none());
    assert_eq!(w.reply(&tapped).await.status, 200);
    let log = w.platform.chat_log(&w.group);
    assert_eq!((&log[0].by, &log[0].content["text"], &log[0].id), (&Speaker::Person(Some(w.amy.clone())), &json!("查進度"), &None));
    let date = json!({"type": "datetimepicker", "label": "改期", "data": "move", "mode": "date"});
    assert!(tap(date.clone(), None).is_none(), "nothing was chosen");
    let picked = tap(date, Some(json!({"date": "2026-11-30"}))).unwrap();
    assert_eq!(picked.json["postback"], json!({"data": "move", "params": {"date": "2026-11-30"}}));
    let said = tap(json!({"type": "message", "label": "好", "text": "好的"}), None).unwrap();
    assert_eq!((&said.json["type"], &said.json["message"]["text"]), (&json!("message"), &json!("好的")));
    assert!(tap(json!({"type": "uri", "label": "開", "uri": "https://example.com"}), None).is_none());
}

/// Reference, "Video viewing complete event" to "Membership event"; "Common properties" for standby and for events without a source.
#[tokio::test]
async fn rarer_events_have_the_documented_shape() {
    let w = world().await;
    let p = &w.platform;
    let shapes = [
        (p.video_played(&w.amy, "track-1"), "videoPlayComplete", json!({"trackingId": "track-1"})),
        (p.beacon(&w.amy, "d41d8cd98f", "enter"), "beacon", json!({"hwid": "d41d8cd98f", "type": "enter"})),
        (p.account_link(&w.amy, "nonce", true), "link", json!({"result": "ok", "nonce": "nonce"})),
        (p.membership(&w.amy, "joined", 3189), "membership", json!({"type": "joined", "membershipId": 3189})),
    ];
    for (event, field, content) in shapes {
        assert_eq!((&event.json[field], event.reply_token.is_some()), (&content, true));
        assert_eq!(event.json["source"], json!({"type": "user", "userId": w.amy.as_str()}));
    }
    let failed = p.account_link(&w.amy, "nonce", false);
    assert!(failed.reply_token.is_none() && failed.json.get("source").is_none() && failed.json.get("replyToken").is_none());
    let module = p.channel_event("module", json!({"module": {"type": "attached", "botId": "U1", "scopes": []}}));
    assert!(module.heard && module.json.get("source").is_none() && module.json.get("replyToken").is_none());
    let standby = w.says("另一個模組在處理").in_standby();
    assert_eq!((&standby.json["mode"], standby.json.get("replyToken"), &standby.reply_token), (&json!("standby"), None, &None));
    assert_eq!(w.says("平常").json["mode"], "active");
    assert_eq!(p.follow(&w.amy).json["follow"], json!({"isUnblocked": false}));
    assert!(
        !p.say(&LineChatId::from(p.unfollow(&w.amy).json["source"]["userId"].as_str().unwrap()), Some(&w.amy), "？", Say::default()).heard
    );
}
