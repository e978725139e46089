//! Where a LINE group cannot be told, clients who have an address are told by mail, each once; and what an account may cost is for admins
//! to say.

use serde_json::{Value, json};
use threadline::domain::Via;
use threadline::simulator::{Say, Sent};

use crate::money_is_minded::{account, ask_again, group_of};
use crate::support::pages::Browser;
use crate::support::{ACCOUNT, Setup, TestApp, eventually, journey, journey_with, stays};

const LIN: &str = "lin@client.example";
const AMY: &str = "amy@client.example";
const NEWS: &str = "週六全天停機維護";

async fn mails(t: &TestApp, address: &str, words: &str) -> usize {
    t.mail.sent_to(address).await.into_iter().filter(|m| m.subject.contains(words) || m.text.contains(words)).count()
}

#[test]
fn a_status_and_an_announcement_go_by_mail_once_where_the_money_is_spent() {
    journey_with(Setup { quota: Some(3), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        let amy = t.client_with_token("alpha", AMY).await;
        amy.put("/me/listening", &json!({"ways": {"status_changed": "web"}})).await.expect(200);
        let deadlines = json!({"notify": {"deadlines": {"status_changed": 0}}});
        t.api.patch("/projects/alpha", &deadlines).await.expect(200);
        t.api.patch("/discussions/1", &json!({"status": "in_progress"})).await.expect(200);
        eventually("mail takes over", async || (mails(t, LIN, "處理中").await == 1).then_some(())).await;
        let of_chat =
            async |kind: &str| t.api.items(&format!("/deliveries?target={}", chat.as_str())).await.into_iter().find(|n| n["kind"] == kind);
        let waits = of_chat("status_changed").await.expect("the group is to be told");
        assert_eq!((&waits["status"], &waits["reason"]), (&json!("pending"), &json!("quota_spent")));
        // A second group of hers, and an announcement that neither can be told.
        let four: Vec<_> = (0..4).map(|n| t.line.person(&format!("住戶{n}"))).collect();
        let second = t.line.group("林宅管委會", &four);
        t.bind("alpha", &second).await;
        let announced = json!({"text": NEWS, "projects": ["alpha"], "urgent": true});
        let made = t.api.post("/announcements", &announced).await.expect(201);
        let path = format!("/announcements/{}", made["id"].as_str().expect("an id"));
        eventually("both are mailed", async || (mails(t, LIN, NEWS).await == 1 && mails(t, AMY, NEWS).await == 1).then_some(())).await;
        let mail = t.mail.sent_to(LIN).await.into_iter().find(|m| m.text.contains(NEWS)).expect("there it is");
        assert!(mail.subject.contains("公告") && mail.text.contains("老闆"), "{}\n{}", mail.subject, mail.text);
        let whole = t.api.get(&path).await.expect(200);
        assert_eq!((&whole["waiting"], &whole["mailed"], &whole["pushed"]), (&json!(2), &json!(2), &json!(0)));
        let boss = Browser::boss(t).await;
        let page = boss.get(&path).await;
        assert!(page.html.contains("2 位客戶改收 Email") && page.html.contains("則數不夠"), "{}", page.html);
        ask_again(t).await;
        stays("nobody is told twice, and who wants to hear nothing hears nothing", async || {
            mails(t, LIN, "處理中").await == 1
                && mails(t, AMY, "處理中").await == 0
                && mails(t, LIN, NEWS).await == 1
                && mails(t, AMY, NEWS).await == 1
        })
        .await;
        // What waits still leaves for free.
        t.deliver(&t.line.say(&chat, None, "有人嗎", Say::default())).await;
        eventually("the group hears of both for free", async || {
            let told: Vec<String> = t.line.sent_to(&chat).iter().filter(|s| s.via == Via::LineReply).flat_map(Sent::strings).collect();
            (told.iter().any(|w| w.contains("處理中")) && told.iter().any(|w| w.contains(NEWS))).then_some(())
        })
        .await;
        assert_eq!(t.line.billed(), 0);
    });
}

#[test]
fn clients_of_a_group_that_threw_the_account_out_hear_by_mail() {
    journey(async |t| {
        let chat = group_of(t, 4).await;
        // Its `leave` is lost on the way.
        drop(t.line.leave(&chat));
        let made = t.api.post("/announcements", &json!({"text": NEWS, "projects": ["alpha"], "urgent": true})).await.expect(201);
        eventually("it is mailed", async || (mails(t, LIN, NEWS).await == 1).then_some(())).await;
        let path = format!("/announcements/{}", made["id"].as_str().expect("an id"));
        let whole =
            eventually("the group's has failed", async || Some(t.api.get(&path).await.expect(200)).filter(|whole| whole["failed"] == 1))
                .await;
        assert_eq!(whole["groups"].as_array().expect("the groups").len(), 1, "mails are no groups");
        let out = eventually("the account's page says so", async || {
            account(t).await["chats"]["out_of_reach"].as_array().cloned().filter(|o| !o.is_empty())
        })
        .await;
        assert_eq!((&out[0]["group_id"], &out[0]["name"]), (&json!(chat.as_str()), &json!("林宅裝修")));
        let page = Browser::boss(t).await.get("/line-accounts").await;
        assert!(page.part("送不到的聊天室", "</ul>").contains("林宅裝修"), "{}", page.html);
        t.api.patch("/discussions/1", &json!({"status": "in_progress"})).await.expect(200);
        eventually("a status, too", async || (mails(t, LIN, "處理中").await == 1).then_some(())).await;
        // The group was told of #1, which becomes part of another.
        t.api.post("/discussions", &json!({"project": "alpha", "title": "浴室", "body": "浴室也要防水"})).await.expect(201);
        t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        eventually("what moved, too", async || (mails(t, LIN, "#1 的內容已移到 #2").await == 1).then_some(())).await;
        stays("once", async || mails(t, LIN, "#1 的內容已移到 #2").await == 1 && mails(t, LIN, NEWS).await == 1).await;
    });
}

#[test]
fn clients_of_a_group_that_the_account_has_left_hear_by_mail() {
    journey(async |t| {
        let chat = group_of(t, 4).await;
        t.deliver(&t.line.leave(&chat)).await;
        eventually("it has left", async || (account(t).await["chats"]["left"] == 1).then_some(())).await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        eventually("the answer is mailed", async || (mails(t, LIN, "師傅明天到").await == 1).then_some(())).await;
        t.api.patch("/discussions/1", &json!({"status": "in_progress"})).await.expect(200);
        eventually("so is where it stands", async || (mails(t, LIN, "處理中").await == 1).then_some(())).await;
        t.until_all_is_told().await;
        stays("once", async || mails(t, LIN, "師傅明天到").await == 1 && t.line.billed() == 0).await;
    });
}

#[test]
fn admins_see_and_say_what_an_account_costs() {
    journey_with(Setup { quota: Some(500), monthly_budget: 3, ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        let wang = t.staff("alpha", "Wang").await;
        let (stray, other) = (t.line.person("路人"), t.line.person("鄰居"));
        let unbound = t.line.group("沒人認領的群組", &[stray.clone(), other]);
        t.say(&unbound, &stray, "請問有人嗎，我家漏水了").await;
        eventually("it is counted", async || (account(t).await["chats"]["unbound"] == 1).then_some(())).await;
        let told = account(t).await;
        assert_eq!((&told["budget"], &told["own_budget"], &told["left"]), (&json!(3), &Value::Null, &json!(3)));
        assert!(told["last_event_at"].is_string() && told["no_events_since"].is_null(), "{told}");
        // Staff see what it costs; what nobody has bound is for admins.
        let theirs = wang.api.items("/line-accounts").await.remove(0);
        assert_eq!((&theirs["budget"], &theirs["chats"]), (&json!(3), &Value::Null));
        wang.api.patch("/line-accounts/main", &json!({"monthly_budget": 100})).await.expect_problem(403);
        let wangs = t.browser(&wang).await;
        assert_eq!(wangs.get("/line-accounts").await.status, 404);
        assert_eq!(wangs.post("/line-accounts/main/budget", &[("heads", "100")]).await.status, 404);
        assert!(!wangs.get("/discussions").await.html.contains("href=\"/line-accounts\""));
        let boss = Browser::boss(t).await;
        assert!(boss.get("/discussions").await.html.contains("href=\"/line-accounts\""), "the head leads there");
        let page = boss.get("/line-accounts").await;
        for part in ["沒人認領的群組", "林宅裝修", "留空就照設定檔：3 則", "/webhooks/line/main", "正常接收", "1 個已綁定，1 個尚未綁定"]
        {
            assert!(page.html.contains(part), "{part} is not in {}", page.html);
        }
        assert!(!page.html.contains("style="), "the policy forbids it");
        // What waits for money leaves once there is some.
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        eventually("it waits", async || {
            t.api
                .items(&format!("/deliveries?status=pending&target={}", chat.as_str()))
                .await
                .into_iter()
                .find(|n| n["reason"] == "budget_spent")
        })
        .await;
        for bad in ["-1", "viel", "10000001"] {
            assert_eq!(boss.post("/line-accounts/main/budget", &[("heads", bad)]).await.status, 400, "{bad}");
        }
        assert_eq!(boss.post("/line-accounts/nowhere/budget", &[("heads", "8")]).await.status, 404);
        let back = boss.post("/line-accounts/main/budget", &[("heads", "8")]).await;
        assert_eq!((back.status, back.location.as_str()), (303, "/line-accounts#account-main"));
        eventually("it is pushed", async || (t.line.billed() == 4).then_some(())).await;
        t.until_all_is_told().await;
        let told = account(t).await;
        assert_eq!((&told["budget"], &told["own_budget"], &told["left"]), (&json!(8), &json!(8), &json!(4)));
        for bad in [json!(-1), json!(10_000_001)] {
            t.api.patch("/line-accounts/main", &json!({"monthly_budget": bad})).await.expect_problem(422);
        }
        t.api.patch("/line-accounts/nowhere", &json!({"monthly_budget": 1})).await.expect_problem(404);
        let told = t.api.patch(&format!("/line-accounts/{ACCOUNT}"), &json!({"monthly_budget": null})).await.expect(200);
        assert_eq!((&told["budget"], &told["own_budget"], &told["left"]), (&json!(3), &Value::Null, &json!(0)));
    });
}
