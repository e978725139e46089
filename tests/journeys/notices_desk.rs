//! The desk: what waits to be told and until when, what left and what it cost, what failed, and what staff do about it.

use serde_json::{Value, json};
use threadline::domain::{LineChatId, Via};
use threadline::simulator::{Endpoint, Fault, FaultKind, Say};

use crate::support::office::{Office, run};
use crate::support::pages::Browser;
use crate::support::relay::Relay;
use crate::support::{SUPPORT, Setup, TestApp, eventually, journey, journey_with, stays};

const BOB: &str = "bob@client.example";

/// A matter in a group that has been acknowledged, so long ago that its token is of no use.
async fn acknowledged(t: &TestApp) -> LineChatId {
    let (chat, lin) = t.project_with_group("alpha").await;
    t.said_before(&chat, &lin, "頂樓漏水").await;
    eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
    t.until_all_is_told().await;
    chat
}

/// Staff answer on the matter; the notice for the group.
async fn answered(t: &TestApp, chat: &LineChatId, body: &str) -> Value {
    t.api.post("/discussions/1/posts", &json!({"body": body})).await.expect(201);
    eventually("the group is to be told", async || of_chat(t, chat).await).await
}

/// The newest answer's notice for the group.
async fn of_chat(t: &TestApp, chat: &LineChatId) -> Option<Value> {
    t.notices(1).await.into_iter().find(|n| n["target"] == chat.as_str() && n["kind"] == "answered")
}

fn id(notice: &Value) -> &str {
    notice["id"].as_str().expect("a notice has an id")
}

fn pushes(t: &TestApp, chat: &LineChatId) -> usize {
    t.line.sent_to(chat).into_iter().filter(|s| s.via == Via::LinePush).count()
}

#[test]
fn what_failed_is_shown_with_its_reason_and_tried_again_arrives_once() {
    journey(async |t| {
        let chat = acknowledged(t).await;
        t.line.fault(Fault::once(Endpoint::Push, FaultKind::Status(403)));
        answered(t, &chat, "明天過去").await;
        let failed = eventually("it has failed", async || of_chat(t, &chat).await.filter(|n| n["status"] == "failed")).await;
        assert_eq!((&failed["reason"], &failed["heads"]), (&"refused".into(), &1.into()), "{failed}");
        let boss = Browser::boss(t).await;
        let desk = boss.get("/notices?status=failed").await;
        let row = desk.part(&format!("id=\"notice-{}\"", id(&failed)), "</li>");
        assert!(row.contains("沒有送達") && row.contains("對方拒收") && row.contains("403") && row.contains("/d/1#post-"), "{row}");
        assert!(row.contains(&format!("/notices/{}/retry", id(&failed))) && row.contains("再試一次"), "{row}");
        assert!(!desk.html.contains("style="), "the policy forbids it");
        let under_the_post = boss.get("/d/1").await;
        assert!(under_the_post.html.contains(&format!("/notices/{}/retry", id(&failed))), "{}", under_the_post.html);

        let back = boss.post(&format!("/notices/{}/retry", id(&failed)), &[("next", "/d/1#post-2")]).await;
        assert_eq!((back.status, back.location.as_str()), (303, "/d/1#post-2"));
        eventually("it arrives", async || (pushes(t, &chat) == 1).then_some(())).await;
        t.until_all_is_told().await;
        let sent = of_chat(t, &chat).await.expect("it is listed");
        assert_eq!((&sent["id"], &sent["status"], &sent["heads"]), (&failed["id"], &"sent".into(), &1.into()), "{sent}");
        t.api.post(&format!("/deliveries/{}/retry", id(&failed)), &json!({})).await.expect_problem(409);
        stays("it is told once", async || pushes(t, &chat) == 1 && t.line.requests(Endpoint::Push).len() == 2).await;
        let desk = boss.get("/notices?status=sent").await;
        assert!(desk.part(&format!("id=\"notice-{}\"", id(&failed)), "</li>").contains("LINE 推播，計 1 則"), "{}", desk.html);
        assert!(desk.html.contains("<svg") && desk.html.contains("若每則都推播"), "the month's bill is drawn");
    });
}

#[test]
fn what_waits_says_until_when_and_leaves_at_once_when_told_to() {
    journey_with(Setup::patient(), async |t| {
        let chat = acknowledged(t).await;
        let notice = answered(t, &chat, "師傅明天到").await;
        let boss = Browser::boss(t).await;
        let waiting = eventually("it is listed", async || {
            let desk = boss.get("/notices").await;
            let row = desk.part(&format!("id=\"notice-{}\"", id(&notice)), "</li>").to_owned();
            row.contains("等免費回覆，最晚").then_some(row)
        })
        .await;
        assert!(waiting.contains("立即推播（計 1 則）") && waiting.contains("取消"), "{waiting}");
        assert!(boss.get("/d/1").await.html.contains("等免費回覆，最晚"), "and under the post");
        let billed = t.line.billed();
        t.api.post(&format!("/deliveries/{}/send-now", id(&notice)), &json!({})).await.expect(200);
        eventually("it is pushed", async || (pushes(t, &chat) == 1).then_some(())).await;
        t.until_all_is_told().await;
        assert_eq!(t.line.billed(), billed + 1);
        t.api.post(&format!("/deliveries/{}/send-now", id(&notice)), &json!({})).await.expect_problem(409);
        t.api.post(&format!("/deliveries/{}/cancel", id(&notice)), &json!({})).await.expect_problem(409);
    });
}

#[test]
fn what_is_cancelled_is_not_told_until_that_is_taken_back() {
    journey_with(Setup::patient(), async |t| {
        let chat = acknowledged(t).await;
        let notice = answered(t, &chat, "師傅明天到").await;
        let boss = Browser::boss(t).await;
        let path = |what: &str| format!("/notices/{}/{what}", id(&notice));
        let back = boss.post(&path("cancel"), &[("next", "https://evil.example/")]).await.location;
        assert_eq!(back, format!("/notices?cancelled={}", id(&notice)));
        let offered = boss.get(&back).await;
        assert!(offered.part("done-note", "</form>").contains(&path("restore")), "{}", offered.html);
        let dropped = of_chat(t, &chat).await.expect("it is listed");
        assert_eq!((&dropped["status"], &dropped["reason"]), (&"dropped".into(), &"cancelled".into()), "{dropped}");
        assert_eq!(dropped["last_error"], "老闆 cancelled it");
        let desk = boss.get("/notices?status=dropped").await;
        let row = desk.part(&format!("id=\"notice-{}\"", id(&notice)), "</li>");
        assert!(row.contains("老闆 取消了") && row.contains("/restore"), "{row}");
        let told = t.line.sent_to(&chat).len();
        t.deliver(&t.line.say(&chat, None, "有人嗎", Say::default())).await;
        stays("nobody is told", async || t.line.sent_to(&chat).iter().skip(told).all(|s| !s.strings().join("").contains("師傅"))).await;
        t.api.post(&format!("/deliveries/{}/restore", id(&notice)), &json!({})).await.expect(200);
        t.deliver(&t.line.say(&chat, None, "請問進度", Say::default())).await;
        let sent = eventually("it takes a free ride", async || {
            t.line.sent_to(&chat).into_iter().find(|s| s.strings().join("\n").contains("師傅明天到"))
        })
        .await;
        assert_eq!(sent.via, Via::LineReply);
        t.api.post(&format!("/deliveries/{}/restore", id(&notice)), &json!({})).await.expect_problem(409);
    });
}

#[test]
fn where_the_months_money_is_spent_nothing_can_be_pushed_by_hand() {
    journey_with(Setup { monthly_budget: 1, ..Setup::default() }, async |t| {
        let chat = acknowledged(t).await;
        answered(t, &chat, "收到，安排中").await;
        eventually("the budget pays for one", async || (t.line.billed() == 1).then_some(())).await;
        t.until_all_is_told().await;
        answered(t, &chat, "師傅明天到").await;
        let waits = eventually("the next one waits", async || {
            of_chat(t, &chat).await.filter(|n| n["status"] == "pending" && n["reason"] == "budget_spent")
        })
        .await;
        t.api.post(&format!("/deliveries/{}/send-now", id(&waits)), &json!({})).await.expect_problem(409);
        let desk = Browser::boss(t).await.get("/notices").await;
        let row = desk.part(&format!("id=\"notice-{}\"", id(&waits)), "</li>");
        assert!(row.contains("前只等免費回覆") && row.contains("本月預算已用完") && !row.contains("/send-now"), "{row}");
        assert!(desk.html.contains("本月的則數已用完"), "{}", desk.html);
        assert_eq!(t.line.billed(), 1);
    });
}

#[test]
fn staff_see_and_change_the_notices_of_their_projects_alone() {
    journey_with(Setup::patient(), async |t| {
        let chat = acknowledged(t).await;
        let amy = t.staff("alpha", "Amy").await;
        t.project("beta").await;
        let bob = t.staff("beta", "Bob").await;
        let client = t.client_with_token("alpha", "client@client.example").await;
        let notice = answered(t, &chat, "師傅明天到").await;
        let mark = format!("id=\"notice-{}\"", id(&notice));
        let amys = t.browser(&amy).await;
        let bobs = t.browser(&bob).await;
        assert!(amys.get("/notices").await.html.contains(&mark));
        assert!(amys.get("/discussions").await.html.contains("href=\"/notices\""), "the head leads there");
        assert!(!bobs.get("/notices").await.html.contains(&mark));
        assert_eq!(bobs.get("/notices?project=alpha").await.status, 404);
        assert_eq!(bobs.post(&format!("/notices/{}/cancel", id(&notice)), &[("next", "/notices")]).await.status, 404);
        assert_eq!(Browser::stranger(t).get("/notices").await.location, "/login?next=%2Fnotices");
        for api in [&bob.api, &client] {
            for what in ["retry", "send-now", "cancel", "restore"] {
                api.post(&format!("/deliveries/{}/{what}", id(&notice)), &json!({})).await.expect_problem(404);
            }
            assert!(api.items("/deliveries").await.is_empty());
        }
        for (query, found) in [
            ("project=alpha", true),
            ("kind=answered", true),
            ("kind=opened", false),
            ("to=林宅", true),
            ("to=王宅", false),
            ("number=1", true),
            ("number=%231", true),
            ("number=2", false),
            ("status=sent", false),
            ("kind=nothing&status=such", true),
        ] {
            assert_eq!(amys.get(&format!("/notices?{query}")).await.html.contains(&mark), found, "{query}");
        }
        amy.api.post(&format!("/deliveries/{}/cancel", id(&notice)), &json!({})).await.expect(200);
        assert_eq!(of_chat(t, &chat).await.expect("it is listed")["last_error"], "Amy cancelled it");
    });
}

#[test]
fn a_mail_that_was_refused_is_sent_once_more_by_hand() {
    let relay = Relay::start();
    relay.refuse(BOB, &["550 5.1.1 no such user here"]);
    run(async {
        let office = Office::open(&format!(
            "[smtp]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"客服 <{SUPPORT}>\"\n[notify]\nhold_seconds = 0\n",
            relay.port
        ))
        .await;
        office.api.post("/projects", &json!({"key": "alpha", "name": "專案"})).await.expect(201);
        office.api.put("/projects/alpha/members", &json!({"email": BOB, "name": "Bob", "role": "client"})).await.expect(200);
        office.api.post("/discussions", &json!({"project": "alpha", "title": "保固", "body": "保固一年"})).await.expect(201);
        let of_bob = async || office.api.items("/deliveries").await.into_iter().find(|d| d["target"] == BOB);
        let failed = eventually("the refusal is shown", async || of_bob().await.filter(|d| d["status"] == "failed")).await;
        assert_eq!(failed["reason"], "refused");
        assert!(
            failed["last_error"].as_str().is_some_and(|e| e.starts_with("The other side refused it: ") && e.contains("550")),
            "{failed}"
        );
        let asked = relay.asked(BOB);
        office.api.post(&format!("/deliveries/{}/retry", id(&failed)), &json!({})).await.expect(200);
        eventually("it is sent", async || of_bob().await.filter(|d| d["status"] == "sent")).await;
        stays("once", async || relay.taken(BOB).len() == 1 && relay.asked(BOB) == asked + 1).await;
        office.close().await;
    });
}
