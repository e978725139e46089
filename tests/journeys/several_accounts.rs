//! Two Official Accounts at once, one of them with tokens made from its id and secret, which is being reissued.

use std::slice::from_ref;

use serde_json::{Value, json};
use threadline::config::Secret;
use threadline::domain::{LineChatId, LineUserId, Via};
use threadline::simulator::{Endpoint, Event, Fault, FaultKind, Platform, Say, Settings};

use crate::support::{ACCOUNT, PUBLIC_URL, Setup, TestApp, eventually, journey_with, program, stays};

/// The second account in the configuration.
const SECOND: &str = r#"
[[line]]
name = "second"
channel_id = "1650000002"
channel_secret = "old-secret"
channel_secret_next = "next-secret"
api_url = "LINE_URL"
data_api_url = "LINE_URL"
"#;

fn setup() -> Setup {
    Setup { more_config: SECOND, ..Setup::default() }
}

/// The second account at LINE, with a bound group of one client.
async fn second(t: &TestApp) -> (Platform, LineChatId, LineUserId) {
    let second = t.line.another(Settings {
        channel_id: "1650000002".to_owned(),
        channel_secret: Secret::new("old-secret"),
        access_token: Secret::new("a-long-lived-token-that-is-not-configured"),
        bot_name: "第二小幫手".to_owned(),
        ..t.line.settings().clone()
    });
    second.set_webhook(&t.webhook("second"));
    let chen = second.person("陳小姐");
    let group = second.group("第二個群組", from_ref(&chen));
    t.project("beta").await;
    let bound = json!({"channel": "second", "group_id": group.as_str()});
    t.api.put("/projects/beta/line-groups", &bound).await.expect(200);
    (second, group, chen)
}

async fn delivered(account: &Platform, event: &Event) -> u16 {
    account.deliver(from_ref(event)).await.status
}

async fn acknowledged(account: &Platform, count: usize) {
    eventually("the account answers for free", async || (account.sent().len() == count).then_some(())).await;
    assert!(account.sent().iter().all(|s| s.via == Via::LineReply));
}

#[test]
fn each_account_answers_its_own_group_with_its_own_token() {
    journey_with(setup(), async |t| {
        let (group, lin) = t.project_with_group("alpha").await;
        let (second, theirs, chen) = second(t).await;
        let asked = second.say(&theirs, Some(&chen), "廁所漏水", Say::default());
        assert_eq!(delivered(&second, &asked).await, 200);
        acknowledged(&second, 1).await;
        assert!(t.line.sent().is_empty());
        t.say(&group, &lin, "冷氣壞了").await;
        acknowledged(&t.line, 1).await;
        let projects: Vec<Value> = t.discussions().await.iter().map(|d| d["project"].clone()).collect();
        assert_eq!(projects.len(), 2);
        assert_ne!(projects[0], projects[1]);
        let members = t.line.requests(Endpoint::Member);
        assert!(members.iter().all(|r| r.status == Some(200)), "each group's people are asked for with its account's token: {members:?}");

        // The tokens end; LINE's 401 is answered with a new one.
        let issued = t.line.requests(Endpoint::Token).len();
        second.end_access_tokens();
        let quoting = Say { quote: asked.message.clone(), ..Say::default() };
        assert_eq!(delivered(&second, &second.say(&theirs, Some(&chen), "樓下也在滴水", quoting)).await, 200);
        let number = t.discussion_where("樓下也在滴水").await["number"].clone();
        t.api.post(&format!("/discussions/{number}/posts"), &json!({"body": "師傅明天到"})).await.expect(201);
        eventually("the answer is pushed by the second account", async || {
            second.sent().into_iter().find(|s| s.chat == theirs && s.strings().iter().any(|w| w.contains("師傅明天到")))
        })
        .await;
        assert!(t.line.requests(Endpoint::Token).len() > issued);
        assert!(t.line.sent().iter().all(|s| s.chat == group));
    });
}

#[test]
fn without_a_token_an_answer_waits_and_is_not_lost() {
    journey_with(setup(), async |t| {
        let (second, theirs, chen) = second(t).await;
        t.line.fault(Fault::always(Endpoint::Token, FaultKind::Status(503)));
        second.end_access_tokens();
        assert_eq!(delivered(&second, &second.say(&theirs, Some(&chen), "廁所漏水", Say::default())).await, 200);
        t.discussion_where("廁所漏水").await;
        eventually("a token was asked for", async || (!t.line.requests(Endpoint::Token).is_empty()).then_some(())).await;
        stays("nothing is said to have failed", async || t.api.items("/deliveries?status=failed").await.is_empty()).await;
        t.line.clear_faults();
        acknowledged(&second, 1).await;
    });
}

#[test]
fn while_the_secret_is_reissued_both_sign_and_a_third_does_not() {
    journey_with(setup(), async |t| {
        let (second, theirs, chen) = second(t).await;
        let says = |text: &str| second.say(&theirs, Some(&chen), text, Say::default());
        assert_eq!(delivered(&second, &says("舊密鑰")).await, 200);
        second.reissue_secret(Secret::new("next-secret"));
        second.end_access_tokens();
        assert_eq!(delivered(&second, &says("新密鑰")).await, 200);
        t.discussion_where("新密鑰").await;
        acknowledged_at_least_once(&second).await;
        second.register_webhook(&format!("{PUBLIC_URL}/webhooks/line/second"));
        let checked = program::run(&t.config, &["check"]).await;
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        let line = said.lines().find(|l| l.contains("line second")).expect("a line about the account");
        for part in ["ok", "tokens of 15 minutes", "1650000002", "第二小幫手", "channel_secret_next is accepted too"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!said.contains("old-secret") && !said.contains("next-secret"));
        let third = says("第三把");
        let body = second.body(from_ref(&third), false);
        second.reissue_secret(Secret::new("a third"));
        let signature = second.signature(&body);
        assert_eq!(second.post(body, Some(&signature)).await.status, 401);
    });
}

async fn acknowledged_at_least_once(account: &Platform) {
    eventually("the account answers", async || (!account.sent().is_empty()).then_some(())).await;
}

#[test]
fn what_is_meant_for_another_bot_is_kept_and_what_another_account_signed_is_refused() {
    journey_with(setup(), async |t| {
        let (group, lin) = t.project_with_group("alpha").await;
        let (second, theirs, chen) = second(t).await;
        let event = t.line.say(&group, Some(&lin), "頂樓漏水", Say::default());
        let mut body: Value = serde_json::from_slice(&t.line.body(from_ref(&event), false)).expect("it is JSON");
        body["destination"] = json!(second.bot().as_str());
        let body = body.to_string().into_bytes();
        let signature = t.line.signature(&body);
        assert_eq!(t.line.post(body, Some(&signature)).await.status, 200);
        assert_eq!(t.settled(&event.id).await["status"], "done");

        // The second account's address was pasted wrongly: LINE signs with the second's secret.
        let strayed = second.say(&theirs, Some(&chen), "寄錯地方", Say::default());
        second.set_webhook(&t.webhook(ACCOUNT));
        assert_eq!(delivered(&second, &strayed).await, 401);
        second.set_webhook(&t.webhook("second"));
        eventually("LINE delivers it again, and it is taken", async || second.is_acknowledged(&strayed).then_some(())).await;
        assert_eq!(t.settled(&strayed.id).await["status"], "done");
    });
}

/// One account a group: a second one that is invited says that it was there, and goes.
#[test]
fn a_second_account_that_is_invited_does_not_disturb_the_first() {
    journey_with(setup(), async |t| {
        let (group, lin) = t.project_with_group("alpha").await;
        let (second, ..) = second(t).await;
        for event in second.invite(&group) {
            assert_eq!(delivered(&second, &event).await, 200);
            t.settled(&event.id).await;
        }
        t.say(&group, &lin, "頂樓漏水").await;
        eventually("the first one answers", async || t.line.sent().pop()).await;
        let ours: Vec<Value> = t.discussions().await;
        assert_eq!(ours.len(), 1);
    });
}
