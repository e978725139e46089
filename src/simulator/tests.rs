//! Holds the stand-in to LINE's documentation; each test names the page that it goes by.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::domain::{LineChatId, LineUserId, Via};

/// A platform on a stopped clock, with a group of three.
struct World {
    platform: Platform,
    url: String,
    http: reqwest::Client,
    amy: LineUserId,
    group: LineChatId,
    clock: Clock,
}

async fn world() -> World {
    world_with(Settings::default()).await
}

async fn world_with(settings: Settings) -> World {
    let clock = Clock::stopped(Timestamp::constant(1_793_232_000, 0));
    let (platform, url) = Platform::start_with(Settings { clock: clock.clone(), ..settings }).await;
    let amy = platform.person("陳小姐");
    let (ben, chen) = (platform.person("林先生"), platform.person("鄭小姐"));
    let group = platform.group("幸福社區", &[amy.clone(), ben, chen]);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    World { platform, url, http, amy, group, clock }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl World {
    async fn send(&self, call: &str, body: Value, key: Option<&str>) -> Result<Answer, reqwest::Error> {
        let token = self.platform.settings().access_token.expose();
        let mut request = self.http.post(format!("{}/v2/bot/message/{call}", self.url)).bearer_auth(token).json(&body);
        if let Some(key) = key {
            request = request.header("X-Line-Retry-Key", key);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let json = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok(Answer { status, headers, json })
    }

    async fn get(&self, path: &str) -> Answer {
        let token = self.platform.settings().access_token.expose();
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(token).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({"octets": bytes.len()}));
        Answer { status, headers, json }
    }

    fn says(&self, text: &str) -> Event {
        self.platform.say(&self.group, Some(&self.amy), text, Say::default())
    }

    async fn reply(&self, event: &Event) -> Answer {
        let body = json!({"replyToken": event.reply_token, "messages": [{"type": "text", "text": "收到"}]});
        self.send("reply", body, None).await.unwrap()
    }

    async fn push(&self, to: &str, key: &str, text: &str) -> Answer {
        self.send("push", json!({"to": to, "messages": [{"type": "text", "text": text}]}), Some(key)).await.unwrap()
    }

    fn violations(&self) -> Vec<String> {
        self.platform.violations().into_iter().map(|v| v.what).collect()
    }
}

fn key() -> String {
    Uuid::new_v4().to_string()
}

/// Reference, "Send reply message": a reply token can be used once.
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

/// Reference, "Send reply message": within one minute of receiving the webhook; a redelivery gives another minute until 20 minutes
/// after the event.
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

/// Docs, "Retry a failed API request": not for replies.
#[tokio::test]
async fn a_retry_key_on_a_reply_is_refused() {
    let w = world().await;
    let body = json!({"replyToken": w.says("一").reply_token, "messages": [{"type": "text", "text": "二"}]});
    assert_eq!(w.send("reply", body, Some(&key())).await.unwrap().status, 400);
    assert_eq!(w.violations(), ["a retry key on a reply"]);
}

/// Docs, "Retry a failed API request": 409 with the first answer's `sentMessages` and request id, for 24 hours.
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

/// Reference, "Error messages" and "Validate message objects": one bad object fails the whole request, and is named.
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

/// Docs, "Messaging API pricing": by recipients, not by objects; who blocked the account does not count.
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

/// Reference, "Error messages": the month's quota; a new month begins it anew.
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

/// Reference, "Send push message": the account must be a member of the group.
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

/// Reference, "Get group chat summary", "Get group chat member profile", "Get profile".
#[tokio::test]
async fn people_are_found_where_line_finds_them() {
    let w = world().await;
    let g = w.group.as_str();
    let stranger = w.platform.person("路人");
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/summary")).await.json, json!({"groupId": g, "groupName": "幸福社區"}));
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/members/count")).await.json, json!({"count": 3}));
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/member/{}", w.amy)).await.json["displayName"], "陳小姐");
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/member/{stranger}")).await.status, 404);
    assert_eq!(w.get(&format!("/v2/bot/room/{g}/members/count")).await.status, 404);
    assert_eq!(w.get(&format!("/v2/bot/profile/{}", w.amy)).await.status, 404);
    w.platform.say(&LineChatId::from(w.amy.as_str()), Some(&w.amy), "您好", Say::default());
    assert_eq!(w.get(&format!("/v2/bot/profile/{}", w.amy)).await.json["language"], "zh-Hant");
    assert_eq!(w.get("/v2/bot/info").await.json["userId"], w.platform.bot().as_str());
    assert!(w.violations().is_empty());
}

/// Reference, "Get content": 202 until it is ready, 404 for the unknown, 410 for the unsent.
#[tokio::test]
async fn content_is_ready_after_a_while_and_gone_after_an_unsend() {
    let w = world().await;
    let upload = Upload { not_ready: 2, ..Upload::new("image/jpeg", vec![7; 300]) };
    let picture = w.platform.image(&w.group, Some(&w.amy), upload);
    let path = format!("/v2/bot/message/{}/content", picture.message_id());
    assert_eq!([w.get(&path).await.status, w.get(&path).await.status], [202, 202]);
    let ready = w.get(&path).await;
    assert_eq!((ready.status, ready.headers["content-type"].to_str().unwrap(), ready.json), (200, "image/jpeg", json!({"octets": 300})));
    assert_eq!(w.get("/v2/bot/message/1/content").await.status, 404);
    assert_eq!(w.get(&format!("/v2/bot/message/{}/content", w.says("字").message_id())).await.status, 404);
    let gone = w.platform.unsend(picture.message_id());
    assert!(gone.reply_token.is_none() && gone.json.get("replyToken").is_none());
    assert_eq!(w.get(&path).await.status, 410);
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
async fn a_download_can_break_off_half_way() {
    let w = world().await;
    let file = w.platform.file(&w.group, Some(&w.amy), "報價單.pdf", Upload::new("application/pdf", vec![1; 4_000]));
    w.platform.fault(Fault::once(Endpoint::Content, FaultKind::HalfBody));
    let url = format!("{}/v2/bot/message/{}/content", w.url, file.message_id());
    let token = w.platform.settings().access_token.expose();
    let answer = w.http.get(&url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.content_length(), Some(4_000));
    assert!(answer.bytes().await.is_err());
    assert_eq!(w.http.get(&url).bearer_auth(token).send().await.unwrap().bytes().await.unwrap().len(), 4_000);
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

type Seen = Arc<Mutex<Vec<(Option<String>, Bytes)>>>;

/// A webhook that keeps what it gets and answers with 500 for the first `refusals`.
async fn webhook(refusals: usize) -> (String, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let answer = async move |headers: HeaderMap, body: Bytes| {
        let signature = headers.get("x-line-signature").map(|v| v.to_str().unwrap().to_owned());
        let mut kept = kept.lock().await;
        kept.push((signature, body));
        if kept.len() <= refusals { axum::http::StatusCode::INTERNAL_SERVER_ERROR } else { axum::http::StatusCode::OK }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/line/main", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/webhooks/line/main", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, seen)
}

/// Docs, "Verify webhook signature": the official secret, body and signature.
#[tokio::test]
async fn a_signature_is_over_the_raw_bytes() {
    let secret = crate::config::Secret::new("8c570fa6dd201bb328f1c1eac23a96d8");
    let w = world_with(Settings { channel_secret: secret, ..Settings::default() }).await;
    let body = br#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#;
    assert_eq!(w.platform.signature(body), "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=");

    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    for number in 0..20 {
        let event = w.says(&format!("漏水了 🤨 {number}"));
        assert_eq!(w.platform.deliver(&[event]).await.status, 200);
    }
    let seen = seen.lock().await;
    for (signature, body) in seen.iter() {
        assert_eq!(signature.as_deref(), Some(w.platform.signature(body).as_str()));
        let json: Value = serde_json::from_slice(body).unwrap();
        assert!(json["events"][0]["message"]["text"].as_str().unwrap().starts_with("漏水了 🤨"));
    }
    let escaped = seen.iter().filter(|(_, body)| body.is_ascii()).count();
    assert!((1..20).contains(&escaped), "{escaped} of 20 were escaped");
}

/// Docs, "Redelivered webhooks": the same but for `isRedelivery`; and it goes on until it is answered with 200.
#[tokio::test]
async fn a_redelivery_differs_in_its_flag_alone() {
    let w = world_with(Settings { redeliver: true, ..Settings::default() }).await;
    let (url, seen) = webhook(2).await;
    w.platform.set_webhook(&url);
    let event = w.says("有人在嗎？");
    assert_eq!(w.platform.deliver(std::slice::from_ref(&event)).await.status, 500);
    while w.platform.redeliveries_under_way() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(w.platform.is_acknowledged(&event));
    let bodies: Vec<Value> = seen.lock().await.iter().map(|(_, b)| serde_json::from_slice(b).unwrap()).collect();
    assert_eq!(bodies.len(), 3);
    for again in &bodies[1..] {
        let mut first = bodies[0].clone();
        assert_eq!(first["events"][0]["deliveryContext"], json!({"isRedelivery": false}));
        first["events"][0]["deliveryContext"]["isRedelivery"] = json!(true);
        assert_eq!(*again, first);
    }
}

/// Reference, "Webhook event objects": common properties, mentions in UTF-16 units, what has no reply token.
#[tokio::test]
async fn events_have_the_documented_shape() {
    let settings = Settings { bot_name: "小幫手🤖".to_owned(), ..Settings::default() };
    let w = world_with(settings).await;
    let asked = w.says("請問");
    let how = Say { quote: asked.message.clone(), mention_bot: true, at: None };
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

/// Reference, "Set webhook endpoint URL", "Test webhook endpoint".
#[tokio::test]
async fn the_webhook_can_be_set_read_and_tested_over_the_api() {
    let w = world().await;
    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    assert_eq!(w.get("/v2/bot/channel/webhook/endpoint").await.json, json!({"endpoint": url, "active": true}));
    let token = w.platform.settings().access_token.expose();
    let test = w.http.post(format!("{}/v2/bot/channel/webhook/test", w.url)).bearer_auth(token).send().await.unwrap();
    let test: Value = test.json().await.unwrap();
    assert_eq!((&test["success"], &test["statusCode"]), (&json!(true), &json!(200)));
    let body: Value = serde_json::from_slice(&seen.lock().await[0].1).unwrap();
    assert_eq!(body["events"], json!([]));
    let put = |url: &str| {
        let request = w.http.put(format!("{}/v2/bot/channel/webhook/endpoint", w.url)).bearer_auth(token);
        request.json(&json!({"endpoint": url})).send()
    };
    assert_eq!(put("http://example.com/").await.unwrap().status(), 400);
    assert_eq!(put("https://support.example.com/webhooks/line/main").await.unwrap().status(), 200);
}
