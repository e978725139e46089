//! Replies, pushes, what they cost and how they fail.

use super::*;

#[tokio::test]
async fn a_reply_token_works_once_and_costs_nothing() {
    let w = world().await;
    let asked = w.says("請問發票開了嗎？");
    let first = w.reply(&asked).await;
    assert_eq!(first.status, 200);
    let told = &first.json["sentMessages"][0];
    assert!(told["id"].is_string() && told["quoteToken"].is_string(), "{told}");
    assert!(w.violations().is_empty());

    let second = w.reply(&asked).await;
    assert_eq!((second.status, second.json["message"].as_str()), (400, Some("Invalid reply token")));
    assert_eq!(w.violations(), ["a reply token used twice"]);
    let sent = w.platform.sent_to(&w.group);
    assert_eq!((sent.len(), sent[0].via, w.platform.billed()), (1, Via::LineReply, 0));
}

#[tokio::test]
async fn a_reply_token_dies_after_its_minute_and_a_redelivery_revives_it() {
    let w = world().await;
    let asked = w.says("一");
    w.clock.advance(Duration::from_secs(61));
    assert_eq!(w.reply(&asked).await.status, 400);
    w.platform.deliver_as(std::slice::from_ref(&asked), How { copies: 1, redelivery: true }).await;
    w.clock.advance(Duration::from_secs(59));
    assert_eq!(w.reply(&asked).await.status, 200);

    let late = w.says("二");
    w.clock.advance(Duration::from_mins(20));
    w.platform.deliver_as(std::slice::from_ref(&late), How { copies: 1, redelivery: true }).await;
    assert_eq!(w.reply(&late).await.status, 400);
}

#[tokio::test]
async fn a_retry_key_on_a_reply_is_refused() {
    let w = world().await;
    let body = json!({"replyToken": w.says("一").reply_token, "messages": [{"type": "text", "text": "二"}]});
    assert_eq!(w.send("reply", body, Some(&key())).await.unwrap().status, 400);
    assert_eq!(w.violations(), ["a retry key on reply, which takes none"]);
}

#[tokio::test]
async fn a_retry_key_makes_a_push_happen_once() {
    let w = world().await;
    let key = key();
    let first = w.push(w.group.as_str(), &key, "報價單好了").await;
    let again = w.push(w.group.as_str(), &key.to_uppercase(), "報價單好了").await;
    assert_eq!((first.status, again.status), (200, 409));
    assert_eq!(again.json["message"], "The retry key is already accepted");
    assert_eq!(again.json["sentMessages"], first.json["sentMessages"]);
    assert_eq!(again.headers["x-line-accepted-request-id"], first.headers["x-line-request-id"]);
    assert_eq!(w.platform.sent().len(), 1);
    assert!(w.violations().is_empty());

    assert_eq!(w.push(w.group.as_str(), &key, "別的話").await.status, 409);
    assert_eq!(w.violations(), ["another body under a used retry key"]);
    w.clock.advance(Duration::from_hours(24));
    assert_eq!(w.push(w.group.as_str(), &key, "報價單好了").await.status, 200);
}

#[tokio::test]
async fn of_pushes_under_one_key_at_one_instant_one_is_accepted() {
    let w = world().await;
    let key = key();
    let pushes = (0..8).map(|_| w.push(w.group.as_str(), &key, "同時"));
    let mut statuses: Vec<u16> = futures_util::future::join_all(pushes).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!((w.platform.sent().len(), w.platform.billed()), (1, 3));
}

#[tokio::test]
async fn an_invalid_message_is_refused_in_lines_words() {
    let w = world().await;
    let messages = json!([{"type": "text", "text": "好"}, {"type": "text", "text": "長".repeat(5_001)}]);
    let body = json!({"to": w.group.as_str(), "messages": messages});
    let refused = w.send("push", body, Some(&key())).await.unwrap();
    assert_eq!((refused.status, refused.json["message"].as_str()), (400, Some("A message (messages[1]) in the request body is invalid")));
    assert!(refused.json["details"][0]["property"].as_str().unwrap().starts_with("messages[1]"));
    assert_eq!((w.platform.sent().len(), w.violations().len()), (0, 1));
    for (call, status) in [("validate/push", 400), ("validate/reply", 400)] {
        assert_eq!(w.send(call, json!({"messages": messages}), None).await.unwrap().status, status);
    }
    let good = json!({"messages": [{"type": "text", "text": "好"}]});
    assert_eq!(w.send("validate/reply", good, None).await.unwrap().status, 200);
    assert_eq!(w.violations().len(), 1, "a dry run harms nobody");
}

#[tokio::test]
async fn a_push_is_billed_for_each_member() {
    let w = world().await;
    assert_eq!(w.push(w.group.as_str(), &key(), "一").await.status, 200);
    assert_eq!(w.platform.billed(), 3);
    assert_eq!(w.push(w.amy.as_str(), &key(), "不是好友").await.status, 200);
    assert_eq!(w.platform.billed(), 3);
    w.platform.follow(&w.amy);
    assert_eq!(w.push(w.amy.as_str(), &key(), "好友").await.status, 200);
    assert_eq!(w.get("/v2/bot/message/quota/consumption").await.json, json!({"totalUsage": 4}));
    assert_eq!(w.get("/v2/bot/message/quota").await.json, json!({"type": "none"}));
}

#[tokio::test]
async fn a_used_up_month_refuses_pushes_until_the_next() {
    let w = world_with(Settings { quota: Some(7), ..Settings::default() }).await;
    assert_eq!(w.get("/v2/bot/message/quota").await.json, json!({"type": "limited", "value": 7}));
    assert_eq!(w.push(w.group.as_str(), &key(), "一").await.status, 200);
    assert_eq!(w.push(w.group.as_str(), &key(), "二").await.status, 200);
    let third = w.push(w.group.as_str(), &key(), "三").await;
    assert_eq!((third.status, third.json["message"].as_str()), (429, Some("You have reached your monthly limit.")));
    assert_eq!(w.reply(&w.says("回覆不計費")).await.status, 200);
    w.clock.advance(Duration::from_hours(24 * 10));
    assert_eq!(w.push(w.group.as_str(), &key(), "下個月").await.status, 200);
}

#[tokio::test]
async fn a_group_without_the_bot_gets_no_push() {
    let w = world().await;
    w.platform.leave(&w.group);
    let refused = w.push(w.group.as_str(), &key(), "一").await;
    assert_eq!((refused.status, refused.json["message"].as_str()), (400, Some("Failed to send messages")));
    assert_eq!(w.get(&format!("/v2/bot/group/{}/summary", w.group)).await.status, 404);
    let bad = w.push("C123", &key(), "一").await;
    assert_eq!(bad.json["message"], "The property, 'to', in the request body is invalid (line: -, column: -)");
}

#[tokio::test]
async fn what_a_good_client_never_does_is_written_down() {
    let w = world().await;
    let body = json!({"to": w.group.as_str(), "messages": [{"type": "text", "text": "一"}]});
    assert_eq!(w.send("push", body.clone(), None).await.unwrap().status, 200);
    assert_eq!(w.send("push", body.clone(), Some("not-a-uuid")).await.unwrap().status, 400);
    assert_eq!(w.send("broadcast", body.clone(), None).await.unwrap().status, 403);
    assert_eq!(w.get("/v2/bot/nothing").await.status, 404);
    let stranger = w.http.get(format!("{}/v2/bot/info", w.url)).bearer_auth("wrong").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let token = w.platform.settings().access_token.expose();
    let garbled = w.http.post(format!("{}/v2/bot/message/push", w.url)).bearer_auth(token).body("{").send().await.unwrap();
    assert_eq!(garbled.status(), 415);
    let mut quote = body;
    quote["messages"][0]["quoteToken"] = json!("of-another-chat");
    let quoted = w.send("push", quote, Some(&key())).await.unwrap();
    assert_eq!((quoted.status, quoted.json["message"].as_str()), (400, Some("A message (messages[0]) in the request body is invalid")));
    assert_eq!(w.violations().len(), 7, "{:?}", w.violations());
}

#[tokio::test]
async fn an_answer_can_be_lost_before_and_after_the_work_is_done() {
    let w = world().await;
    let body = json!({"to": w.group.as_str(), "messages": [{"type": "text", "text": "一"}]});
    w.platform.fault(Fault::once(Endpoint::Push, FaultKind::DropBefore));
    let key = key();
    assert!(w.send("push", body.clone(), Some(&key)).await.is_err());
    assert_eq!(w.platform.sent().len(), 0);
    w.platform.fault(Fault::once(Endpoint::Push, FaultKind::DropAfter));
    assert!(w.send("push", body.clone(), Some(&key)).await.is_err());
    assert_eq!(w.platform.sent().len(), 1);
    assert_eq!(w.send("push", body.clone(), Some(&key)).await.unwrap().status, 409);

    w.platform.fault(Fault::once(Endpoint::Reply, FaultKind::StallAfter(Duration::from_millis(50))));
    let asked = w.says("二");
    let answer = json!({"replyToken": asked.reply_token, "messages": [{"type": "text", "text": "三"}]});
    assert!(w.send("reply", answer, None).await.is_err());
    assert_eq!(w.reply(&asked).await.json["message"], "Invalid reply token");
    w.platform.client_was_killed();
    w.reply(&asked).await;
    assert!(w.violations().is_empty(), "a second try after a lost answer is what a good client does");

    for (kind, status) in [(FaultKind::Status(500), 500), (FaultKind::Rate, 429), (FaultKind::Monthly, 429)] {
        w.platform.fault(Fault::once(Endpoint::Push, kind));
        assert_eq!(w.push(w.group.as_str(), &self::key(), "四").await.status, status);
    }
    assert_eq!(w.platform.sent().len(), 2);
    let statuses: Vec<_> = w.platform.requests(Endpoint::Push).iter().map(|r| r.status).collect();
    assert_eq!(statuses, [None, None, Some(409), Some(500), Some(429), Some(429)]);
}

#[tokio::test]
async fn chaos_meets_its_shares_and_never_doubles_a_push() {
    let w = world().await;
    w.platform.chaos(Chaos {
        seed: 5,
        refused: 0.2,
        rate_limited: 0.1,
        delayed: 0.1,
        delay_max: Duration::from_millis(2),
        dropped_before: 0.2,
        dropped_after: 0.2,
    });
    for number in 0..60 {
        let (key, body) = (key(), json!({"to": w.group.as_str(), "messages": [{"type": "text", "text": number.to_string()}]}));
        let mut tries = 0;
        while !w.send("push", body.clone(), Some(&key)).await.is_ok_and(|a| matches!(a.status, 200 | 409)) {
            tries += 1;
            assert!(tries < 50);
        }
    }
    assert_eq!(w.platform.sent().len(), 60);
    let requests = w.platform.requests(Endpoint::Push);
    assert!(requests.len() > 90, "{} requests", requests.len());
    for status in [Some(200), Some(409), Some(429), Some(500), None] {
        assert!(requests.iter().any(|r| r.status == status), "{status:?}");
    }
}

/// Reference, "Send push message": who does not exist cannot be pushed to; who blocked the account, left LINE or never was a friend gets
/// nothing, LINE says 200, and nothing is billed. Who wrote within seven days can be reached.
#[tokio::test]
async fn a_push_to_somebody_who_cannot_be_reached_is_dropped_without_a_word() {
    let w = world().await;
    let unknown = format!("U{}", "0".repeat(32));
    let refused = w.push(&unknown, &key(), "有人嗎").await;
    assert_eq!((refused.status, refused.json["message"].as_str()), (400, Some("Failed to send messages")));
    let own = LineChatId::from(w.amy.as_str());
    assert_eq!(w.push(w.amy.as_str(), &key(), "從未交談").await.status, 200);
    w.platform.say(&own, Some(&w.amy), "您好", Say::default());
    assert_eq!(w.push(w.amy.as_str(), &key(), "您好").await.status, 200);
    w.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(w.push(w.amy.as_str(), &key(), "一週後").await.status, 200);
    w.platform.follow(&w.amy);
    assert_eq!(w.push(w.amy.as_str(), &key(), "好友").await.status, 200);
    w.platform.unfollow(&w.amy);
    let dropped = w.push(w.amy.as_str(), &key(), "被封鎖").await;
    assert_eq!((dropped.status, dropped.json["sentMessages"].as_array().unwrap().len()), (200, 1));
    let unblocked = w.platform.follow(&w.amy);
    assert_eq!(unblocked.json["follow"], json!({"isUnblocked": true}));
    w.platform.delete_account(&w.amy);
    assert_eq!(w.push(w.amy.as_str(), &key(), "帳號已刪除").await.status, 200);
    let sent: Vec<(bool, u64)> = w.platform.sent().iter().map(|s| (s.dropped, s.billed)).collect();
    assert_eq!(sent, [(true, 0), (false, 1), (true, 0), (false, 1), (true, 0), (true, 0)]);
    let seen: Vec<Value> = w.platform.chat_log(&own).iter().map(|l| l.content["text"].clone()).collect();
    assert_eq!(seen, ["您好", "您好", "好友"], "nobody sees what was dropped");
}

/// Reference, "Error messages": several errors are counted, each with the path of its property.
#[tokio::test]
async fn every_fault_of_a_request_is_told_with_its_property() {
    let w = world().await;
    let long = "長".repeat(5_001);
    let messages = json!([{"type": "text", "text": ""}, {"type": "smell"}, {"type": "text", "text": long}]);
    for call in ["validate/reply", "validate/push", "validate/multicast", "validate/narrowcast", "validate/broadcast"] {
        let refused = w.send(call, json!({"messages": messages}), None).await.unwrap();
        assert_eq!((refused.status, refused.json["message"].as_str()), (400, Some("The request body has 3 error(s)")), "{call}");
        let properties: Vec<&str> = refused.json["details"].as_array().unwrap().iter().map(|d| d["property"].as_str().unwrap()).collect();
        assert_eq!(properties, ["messages[0].text", "messages[1].type", "messages[2].text"], "{call}");
    }
    let action = json!({"type": "uri", "label": "開", "uri": "ftp://example.com"});
    let bubble =
        json!({"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [{"type": "button", "action": action}]}});
    let messages = json!([{"type": "text", "text": "好"}, {"type": "flex", "altText": "卡片", "contents": bubble}]);
    let asked = w.says("一");
    let refused = w.send("reply", json!({"replyToken": asked.reply_token, "messages": messages}), None).await.unwrap();
    assert_eq!(refused.json["message"], "A message (messages[1]) in the request body is invalid");
    assert_eq!(refused.json["details"][0]["property"], "messages[1].contents.body.contents[0].action.uri");
    assert_eq!((w.platform.sent().len(), w.reply(&asked).await.status), (0, 200), "the token was not used");
}

/// Docs, "Retry failed API requests": a call that takes no retry key is refused with one. Reference, "Response headers": every answer has a
/// request id of its own, the failed ones too.
#[tokio::test]
async fn every_answer_has_an_id_and_a_retry_key_goes_where_it_may() {
    let w = world().await;
    let dry = json!({"messages": [{"type": "text", "text": "好"}]});
    assert_eq!(w.send("validate/push", dry, Some(&key())).await.unwrap().status, 400);
    w.platform.fault(Fault::once(Endpoint::BotInfo, FaultKind::Rate));
    let limited = w.get("/v2/bot/info").await;
    assert_eq!((limited.status, limited.json["message"].as_str()), (429, Some("The API rate limit has been exceeded. Try again later.")));
    let key = key();
    let answers = [
        w.push(w.group.as_str(), &key, "一").await,
        w.push(w.group.as_str(), &key, "一").await,
        w.get("/v2/bot/nothing").await,
        w.get("/v2/bot/info").await,
        limited,
    ];
    let ids: std::collections::BTreeSet<&str> = answers.iter().map(|a| a.headers["x-line-request-id"].to_str().unwrap()).collect();
    assert_eq!(ids.len(), answers.len());
    assert_eq!(answers[1].headers["x-line-accepted-request-id"], answers[0].headers["x-line-request-id"]);
}

/// Reference, "Send reply message": a redelivery gives no second use, and no minute once 20 have passed since the event.
#[tokio::test]
async fn a_redelivery_revives_no_token_that_was_used() {
    let w = world().await;
    let asked = w.says("一");
    assert_eq!(w.reply(&asked).await.status, 200);
    w.platform.deliver_as(std::slice::from_ref(&asked), How { copies: 1, redelivery: true }).await;
    w.platform.client_was_killed();
    assert_eq!(w.reply(&asked).await.json["message"], "Invalid reply token");
    let removed = w.says("二");
    w.platform.leave(&w.group);
    assert_eq!(w.reply(&removed).await.json["message"], "Failed to send messages");
    assert!(w.violations().is_empty());
}
