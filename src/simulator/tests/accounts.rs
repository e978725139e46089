//! Several Official Accounts on one platform, their secrets and their tokens.

use super::*;
use crate::config::Secret;

/// The world's account, and another one with its own secret and tokens.
async fn two() -> (World, Platform) {
    let w = world().await;
    let second = w.platform.another(Settings {
        channel_id: "1650000002".to_owned(),
        channel_secret: Secret::new("the second's secret"),
        access_token: Secret::new("the-second-token"),
        bot_name: "第二小幫手".to_owned(),
        quota: Some(10),
        ..Settings::default()
    });
    (w, second)
}

impl World {
    async fn issue(&self, id: &str, secret: &str) -> (u16, Value) {
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let answer = self.http.post(format!("{}/oauth2/v3/token", self.url)).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn info(&self, token: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}/v2/bot/info", self.url)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// Reference, "Issue stateless channel access token": 15 minutes, any number of them, 400 for a wrong id or secret.
#[tokio::test]
async fn a_token_is_had_for_id_and_secret_and_ends_after_a_quarter_of_an_hour() {
    let (w, second) = two().await;
    let (status, told) = w.issue("1650000001", w.platform.settings().channel_secret.expose()).await;
    assert_eq!((status, &told["token_type"], &told["expires_in"]), (200, &json!("Bearer"), &json!(900)));
    let token = told["access_token"].as_str().unwrap();
    assert_eq!(w.info(token).await.1["userId"], w.platform.bot().as_str());
    let (_, other) = w.issue("1650000002", "the second's secret").await;
    assert_eq!(w.info(other["access_token"].as_str().unwrap()).await.1["displayName"], "第二小幫手");
    assert_eq!(w.info("the-second-token").await.1["userId"], second.bot().as_str());
    for (id, secret) in [("1650000001", "the second's secret"), ("1", "x"), ("1650000001", "")] {
        let (status, told) = w.issue(id, secret).await;
        assert_eq!((status, told), (400, json!({"error": "invalid_request", "error_description": "Invalid 'client_credentials'."})));
    }
    w.clock.advance(Duration::from_secs(899));
    assert_eq!(w.info(token).await.0, 200);
    w.clock.advance(Duration::from_secs(1));
    let (status, told) = w.info(token).await;
    assert_eq!((status, told["message"].as_str().unwrap().starts_with("Authentication failed due to")), (401, true));
    assert!(w.violations().is_empty(), "a token that ran out is not held against anybody");
    let (_, again) = w.issue("1650000001", w.platform.settings().channel_secret.expose()).await;
    w.platform.end_access_tokens();
    assert_eq!(w.info(again["access_token"].as_str().unwrap()).await.0, 401);
}

/// Docs, "Verify webhook signature": a reissued secret replaces the old one at once, for webhooks and for tokens.
#[tokio::test]
async fn a_reissued_secret_replaces_the_old_one_at_once() {
    let w = world().await;
    let before = w.platform.signature(b"{}");
    w.platform.reissue_secret(Secret::new("the next"));
    assert_ne!(w.platform.signature(b"{}"), before);
    assert_eq!(w.issue("1650000001", w.platform.settings().channel_secret.expose()).await.0, 400);
    assert_eq!(w.issue("1650000001", "the next").await.0, 200);
}

/// Docs, "Group chats and multi-person chats": at any time, only one Official Account can be in a group.
#[tokio::test]
async fn a_second_account_does_not_stay_in_a_group() {
    let (w, second) = two().await;
    let kinds = |events: &[Event]| -> Vec<String> { events.iter().map(|e| e.json["type"].as_str().unwrap().to_owned()).collect() };
    assert_eq!(kinds(&second.invite(&w.group)), ["join", "leave"]);
    assert!(w.platform.is_in(&w.group) && !second.is_in(&w.group));
    w.platform.leave(&w.group);
    assert_eq!(kinds(&second.invite(&w.group)), ["join"]);
    assert!(!w.platform.is_in(&w.group) && second.is_in(&w.group));
    let heard = second.say(&w.group, Some(&w.amy), "換一個小幫手", Say { mention_bot: true, ..Say::default() });
    assert_eq!(heard.json["message"]["mention"]["mentionees"][0]["userId"], second.bot().as_str());
    assert!(!w.says("聽得到嗎").heard);
}

/// Reference, "Send push message", "Get the target limit for sending messages this month": everything is the account's own.
#[tokio::test]
async fn each_account_has_its_own_groups_friends_tokens_keys_and_quota() {
    let (w, second) = two().await;
    let theirs = second.group("另一群", std::slice::from_ref(&w.amy));
    let asked = second.say(&theirs, Some(&w.amy), "一", Say::default());
    let refused = w.reply(&asked).await;
    assert_eq!((refused.status, refused.json["message"].as_str()), (400, Some("Invalid reply token")));
    assert_eq!(w.push(theirs.as_str(), &key(), "二").await.status, 400);
    assert_eq!(w.get(&format!("/v2/bot/group/{theirs}/summary")).await.status, 404);
    let file = second.file(&theirs, None, "a.pdf", Upload::new("application/pdf", "x"));
    assert_eq!(w.get(&format!("/v2/bot/message/{}/content", file.message_id())).await.status, 404);

    let own = LineChatId::from(w.amy.as_str());
    second.say(&own, Some(&w.amy), "您好", Say::default());
    assert_eq!(w.get(&format!("/v2/bot/profile/{}", w.amy)).await.status, 404, "they wrote to the other account");
    assert!(w.platform.chat_log(&own).is_empty() && second.chat_log(&own).len() == 1);

    let key = key();
    let body = json!({"to": theirs.as_str(), "messages": [{"type": "text", "text": "三"}]});
    let as_second = w.http.post(format!("{}/v2/bot/message/push", w.url)).bearer_auth("the-second-token");
    assert_eq!(as_second.header("X-Line-Retry-Key", &key).json(&body).send().await.unwrap().status(), 200);
    assert_eq!(w.push(w.group.as_str(), &key, "四").await.status, 200, "a key is known to the account that used it");
    assert_eq!((second.month(), w.platform.month()), ((Some(10), 1), (None, 3)));
    assert_eq!((second.sent().len(), w.platform.sent().len(), second.billed(), w.platform.billed()), (1, 1, 1, 3));
}

/// Docs, "Verify webhook signature": each channel signs with its own secret, and names its own bot.
#[tokio::test]
async fn each_account_delivers_to_its_own_webhook() {
    let (w, second) = two().await;
    let ((one, seen), (other, seen_by_other)) = (webhook(0).await, webhook(0).await);
    w.platform.set_webhook(&one);
    second.set_webhook(&other);
    let theirs = second.group("另一群", std::slice::from_ref(&w.amy));
    assert!(w.platform.deliver(&[w.says("一")]).await.is_ok());
    assert!(second.deliver(&[second.say(&theirs, None, "二", Say::default())]).await.is_ok());
    for (seen, account) in [(seen, &w.platform), (seen_by_other, &second)] {
        let seen = seen.lock().await;
        let (signature, body) = &seen[0];
        assert_eq!((seen.len(), signature.as_deref()), (1, Some(account.signature(body).as_str())));
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body["destination"], account.bot().as_str());
    }
}
