//! How people hear of things: at once, in digests, in their own LINE chat, or not at all; as they, their project, or nobody has set it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use threadline::channels::line::commands::Tap;
use threadline::clock::Clock;
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::Sent;

use crate::support::api::Api;
use crate::support::mail::{Letter, Mail};
use crate::support::pages::Browser;
use crate::support::program;
use crate::support::{Setup, Staff, TestApp, eventually, journey, journey_with, stays};

const AMY: &str = "amy@client.example";
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A clock that stands at this time of a Wednesday in Taipei.
fn stopped(time: &str) -> Setup {
    let at: Timestamp = format!("2026-11-25T{time}+08:00").parse().expect("a time");
    Setup { clock: Clock::stopped(at), ..Setup::default() }
}

/// A project that knows Amy's company, with two colleagues, and a matter that Amy opened by mail and everybody has been told of.
async fn amy_asks(t: &TestApp) -> (Staff, Staff) {
    t.project("alpha").await;
    t.sender("alpha", "@client.example").await;
    let (wang, chen) = (t.staff("alpha", "Wang").await, t.staff("alpha", "Chen").await);
    let id = t.mail.arrives(&Letter::new(AMY, "大門壞了", "大門的感應器沒有反應。").named("陳美珍")).await;
    assert_eq!(t.settled(&id).await["discussion"], 1);
    (wang, chen)
}

async fn wishes(api: &Api, asked: Value) {
    api.put("/me/listening", &asked).await.expect(200);
}

async fn says(api: &Api, text: &str) {
    api.post("/discussions/1/posts", &json!({"body": text})).await.expect(201);
}

async fn notes(api: &Api, text: &str) {
    api.post("/discussions/1/posts", &json!({"body": text, "internal": true})).await.expect(201);
}

/// The newest mail to an address that says this.
async fn told(t: &TestApp, address: &str, text: &str) -> Mail {
    eventually(&format!("{address} is told {text:?}"), async || {
        t.mail.sent_to(address).await.into_iter().rev().find(|m| m.text.contains(text))
    })
    .await
}

async fn has_been_told(t: &TestApp, address: &str, text: &str) -> bool {
    t.mail.sent_to(address).await.iter().any(|m| m.text.contains(text))
}

/// The notices of one kind about the first discussion.
async fn notices_of(t: &TestApp, kind: &str) -> Vec<Value> {
    t.notices(1).await.into_iter().filter(|n| n["kind"] == kind).collect()
}

#[test]
fn what_gathers_in_an_hour_is_one_mail_on_the_hour() {
    journey_with(stopped("10:20:00"), async |t| {
        let (wang, chen) = amy_asks(t).await;
        t.pass(MINUTE);
        told(t, &wang.email, "沒有反應").await;
        wishes(&wang.api, json!({"ways": {"answered": "hourly"}})).await;
        says(&t.api, "師傅明天到").await;
        notes(&t.api, "他很急").await;
        t.api.post("/discussions", &json!({"project": "alpha", "title": "電梯", "body": "電梯也要保養"})).await.expect(201);
        t.pass(MINUTE);
        told(t, &chen.email, "電梯也要保養").await;
        told(t, AMY, "師傅明天到").await;
        stays("it waits for the hour", async || t.mail.sent_to(&wang.email).await.len() == 1).await;
        t.pass(MINUTE * 40);
        let digest = told(t, &wang.email, "師傅明天到").await;
        for part in ["專案 alpha", "#1 大門壞了", "#2 電梯", "他很急", "內部備註", "電梯也要保養", "/d/1", "/d/2", "老闆"]
        {
            assert!(digest.text.contains(part) && digest.html.contains(part), "{part} is not in {}", digest.text);
        }
        assert!(!digest.subject.contains("[#") && digest.subject.contains("#1 大門壞了，還有 1 個討論"), "{}", digest.subject);
        assert_eq!(digest.reply_to.as_deref(), Some("support@example.com"), "nobody's reply address");
        assert_eq!(digest.header("List-Unsubscribe"), "<https://support.example.com/me#listening>");
        assert!(digest.header("List-Unsubscribe-Post").is_empty());
        let answer = t.mail.arrives(&Letter::answering(&digest, &wang.email, "好").named("Wang").proven()).await;
        assert_eq!(t.settled(&answer).await["status"], "held", "which of the two it answers nobody can tell");
        t.pass(HOUR * 2);
        stays("once", async || t.mail.sent_to(&wang.email).await.len() == 2).await;
    });
}

#[test]
fn a_days_digest_leaves_at_its_readers_own_time_without_what_was_taken_back() {
    journey_with(stopped("16:00:00"), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        wishes(&wang.api, json!({"digest_at": "17:30", "ways": {"opened": "daily", "client_posted": "daily"}})).await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        let wrong = t.say(&chat, &lin, "我的密碼是 1234").await;
        t.discussion_where("我的密碼是 1234").await;
        let unsend = t.line.unsend(wrong.message_id());
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        t.pass(MINUTE * 89);
        stays("not before", async || t.mail.sent_to(&wang.email).await.is_empty()).await;
        t.pass(MINUTE * 2);
        let digest = told(t, &wang.email, "頂樓漏水").await;
        assert!(!digest.text.contains("1234") && !digest.html.contains("1234"));
        let shown = wang.api.get("/me/listening").await.expect(200);
        assert_eq!(shown["digest_at"], "17:30");
        wang.api.put("/me/listening", &json!({"digest_at": "25:00"})).await.expect_problem(422);
    });
}

#[test]
fn who_left_the_group_before_their_digest_gets_none() {
    journey_with(stopped("16:00:00"), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        // She has an account because of another project; in this one she only is in the group.
        t.project("beta").await;
        let address = "lin@client.example";
        let member = json!({"email": address, "line_user_id": lin.as_str(), "role": "client"});
        t.api.put("/projects/beta/members", &member).await.expect(200);
        let page = Browser::of(t, address, "林小姐", false).await;
        let token = program::succeed(&t.config, &["token", "add", address]).await;
        wishes(&t.api.with_token(token.trim_end()), json!({"digest_at": "17:30", "ways": {"answered": "daily"}})).await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        assert_eq!(page.post("/d/1/watch", &[("watch", "1")]).await.status, 303);
        says(&t.api, "師傅明天到").await;
        let hers = async || notices_of(t, "answered").await.into_iter().find(|n| n["target"] == address);
        eventually("it waits for her digest", async || hers().await.filter(|n| n["digest"] == true)).await;
        t.pass(MINUTE * 60);
        let left = t.line.member_left(&chat, std::slice::from_ref(&lin));
        t.deliver(&left).await;
        t.settled(&left.id).await;
        t.pass(MINUTE * 31);
        let dropped = eventually("it is dropped", async || hers().await.filter(|n| n["status"] != "pending")).await;
        assert_eq!((&dropped["status"], &dropped["reason"]), (&json!("dropped"), &json!("may_not_read")));
        assert!(!has_been_told(t, address, "師傅明天到").await);
    });
}

#[test]
fn who_looks_on_the_page_hears_only_what_is_for_them() {
    journey(async |t| {
        let (wang, chen) = amy_asks(t).await;
        told(t, &wang.email, "沒有反應").await;
        let all = ["opened", "client_posted", "answered", "status_changed", "not_solved"];
        let web: Value = all.iter().map(|k| ((*k).to_owned(), json!("web"))).collect::<serde_json::Map<_, _>>().into();
        wishes(&wang.api, json!({"ways": web})).await;
        says(&t.api, "師傅明天到").await;
        told(t, &chen.email, "師傅明天到").await;
        stays("nothing", async || !has_been_told(t, &wang.email, "師傅明天到").await).await;
        // Spoken to by name, in full width too.
        notes(&t.api, "＠wang 這戶先別收錢").await;
        let mail = told(t, &wang.email, "先別收錢").await;
        assert!(mail.text.contains("這裡提到了您"), "{}", mail.text);
        assert!(!mail.text.contains("師傅明天到"), "it tells of nothing else");
        notes(&t.api, "寫信到 someone@wang.example 看看").await;
        told(t, &chen.email, "someone@wang.example").await;
        stays("an address speaks to nobody", async || !has_been_told(t, &wang.email, "someone@wang.example").await).await;
        // What nobody has to look away from: being given it, and what happens in it from then on.
        t.api.patch("/discussions/1", &json!({"assignee": wang.email})).await.expect(200);
        told(t, &wang.email, "已指派給您").await;
        assert!(!has_been_told(t, &chen.email, "已指派給您").await, "it is between the two");
        says(&t.api, "改成後天").await;
        told(t, &wang.email, "改成後天").await;
        // Nobody is told of what they did.
        t.api.patch("/discussions/1", &json!({"assignee": null})).await.expect(200);
        wang.api.patch("/discussions/1", &json!({"assignee": wang.email})).await.expect(200);
        t.until_all_is_told().await;
        assert_eq!(notices_of(t, "assigned").await.iter().filter(|n| n["status"] == "sent").count(), 1);
        wang.api.put("/me/listening", &json!({"ways": {"assigned": "web"}})).await.expect_problem(422);
        wang.api.put("/me/listening", &json!({"ways": {"replied": "web"}})).await.expect_problem(422);
    });
}

#[test]
fn a_persons_wish_goes_before_their_projects() {
    journey(async |t| {
        let (wang, chen) = amy_asks(t).await;
        told(t, &wang.email, "沒有反應").await;
        t.api.put("/projects/alpha/listening", &json!({"staff": {"answered": "web"}})).await.expect(200);
        wang.api.put("/projects/alpha/listening", &json!({"staff": {}})).await.expect_problem(403);
        wishes(&wang.api, json!({"projects": {"alpha": {"answered": "mail"}}})).await;
        says(&t.api, "師傅明天到").await;
        told(t, &wang.email, "師傅明天到").await;
        stays("as the project says", async || !has_been_told(t, &chen.email, "師傅明天到").await).await;
        let mine = wang.api.get("/me/listening").await.expect(200);
        let of = |list: &Value| list.as_array().expect("kinds").iter().find(|k| k["kind"] == "answered").cloned().expect("it is there");
        assert_eq!((&of(&mine["kinds"])["way"], &of(&mine["projects"]["alpha"])["set"]), (&json!("mail"), &json!("mail")));
        wishes(&wang.api, json!({"projects": {"alpha": {"answered": null}}})).await;
        says(&t.api, "改成後天").await;
        told(t, AMY, "改成後天").await;
        stays("as the project says again", async || !has_been_told(t, &wang.email, "改成後天").await).await;
        // The pages do the same.
        let page = Browser::log_in(t, &chen).await;
        assert_eq!(page.post("/me/listening", &[("way_answered", "mail"), ("digest_at", "08:00")]).await.status, 303);
        assert!(page.get("/me").await.part("name=\"way_answered\"", "</select>").contains("value=\"mail\" selected"));
        says(&t.api, "還是明天").await;
        told(t, &chen.email, "還是明天").await;
        assert_eq!(page.post("/me/listening", &[("project", "alpha"), ("way_answered", "web")]).await.status, 303);
        assert!(page.get("/me?listening=alpha").await.part("name=\"way_answered\"", "</select>").contains("value=\"web\" selected"));
        assert_eq!(page.post("/me/listening", &[("way_answered", "pigeon")]).await.status, 400);
        assert_eq!(page.post("/projects/alpha/listening", &[("staff_answered", "mail")]).await.status, 403);
        let boss = Browser::boss(t).await;
        assert_eq!(boss.post("/projects/alpha/listening", &[("staff_answered", "mail"), ("group_opened", "web")]).await.status, 303);
        assert!(boss.get("/projects/alpha").await.part("name=\"group_opened\"", "</select>").contains("value=\"web\" selected"));
        let shown = t.api.get("/projects/alpha/listening").await.expect(200);
        assert_eq!(of(&shown["staff"])["set"], "mail");
    });
}

#[test]
fn mails_about_a_lively_discussion_travel_together() {
    journey_with(Setup { mail_together: MINUTE * 2, ..stopped("10:00:00") }, async |t| {
        let (wang, chen) = amy_asks(t).await;
        t.pass(Duration::from_secs(1));
        let first = told(t, &wang.email, "沒有反應").await;
        for text in ["第一則", "第二則"] {
            says(&t.api, text).await;
            t.pass(Duration::from_secs(5));
        }
        told(t, AMY, "第一則").await;
        stays("he has just had a mail", async || t.mail.sent_to(&wang.email).await.len() == 1).await;
        // Who is waited for is told at once, and of all of it.
        notes(&t.api, "@Chen 你去嗎").await;
        let mail = told(t, &chen.email, "你去嗎").await;
        assert!(mail.text.contains("第一則") && mail.text.contains("第二則"), "{}", mail.text);
        t.pass(Duration::from_secs(10));
        let mail = told(t, &wang.email, "第一則").await;
        assert!(mail.text.contains("第二則") && mail.text.contains("你去嗎"), "{}", mail.text);
        assert_eq!(t.mail.sent_to(&wang.email).await.len(), 2);
        // The more mails there were lately, the longer the next one waits.
        says(&t.api, "第三則").await;
        t.pass(Duration::from_secs(30));
        stays("he has had two mails", async || t.mail.sent_to(&wang.email).await.len() == 2).await;
        t.pass(Duration::from_secs(15));
        told(t, &wang.email, "第三則").await;
        // Who is writing themselves is not kept waiting.
        let id = t.mail.arrives(&Letter::by_staff(&wang, &first, "我去")).await;
        assert_eq!(t.settled(&id).await["status"], "done");
        says(&t.api, "好").await;
        t.pass(Duration::from_secs(1));
        told(t, &wang.email, "好").await;
    });
}

#[test]
fn the_group_is_told_of_a_change_of_status_once_and_not_of_what_was_tapped_there() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        told(t, &wang.email, "頂樓漏水").await;
        t.until_all_is_told().await;
        wang.api.patch("/discussions/1", &json!({"status": "in_progress"})).await.expect(200);
        wang.api.patch("/discussions/1", &json!({"status": "waiting"})).await.expect(200);
        let all = notices_of(t, "status_changed").await;
        assert_eq!(all.iter().map(|n| n["status"].clone()).collect::<Vec<_>>(), ["pending", "pending"], "{all:?}");
        // It rides for free on what is said next.
        let before = t.line.sent().len();
        t.say(&chat, &lin, "地下室也漏").await;
        let card = eventually("the group is told", async || {
            t.line.sent()[before..].iter().find(|s| s.strings().iter().any(|w| w.contains("狀態已更新"))).map(|s| s.strings().join("\n"))
        })
        .await;
        assert!(card.contains("等待客戶") && !card.contains("處理中"), "{card}");
        t.until_all_is_told().await;
        assert_eq!(notices_of(t, "status_changed").await.iter().filter(|n| n["status"] == "sent").count(), 2, "one card for both");
        t.deliver(&t.line.tap(&chat, Some(&lin), &Tap::Solved(1).data())).await;
        eventually("it is solved", async || (t.discussion(1).await["status"] == "resolved").then_some(())).await;
        t.until_all_is_told().await;
        assert_eq!(notices_of(t, "status_changed").await.len(), 2, "the tap was answered there");
    });
}

#[test]
fn a_status_that_is_set_and_set_back_before_anybody_heard_of_it_is_no_news() {
    journey_with(Setup { mail_together: HOUR, ..stopped("10:00:00") }, async |t| {
        amy_asks(t).await;
        t.pass(2 * HOUR);
        t.until_all_is_told().await;
        for status in ["resolved", "open"] {
            t.api.patch("/discussions/1", &json!({"status": status})).await.expect(200);
            t.pass(Duration::from_secs(1));
        }
        t.pass(2 * HOUR);
        stays("nobody hears of it", async || !has_been_told(t, AMY, "目前狀態").await).await;
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        t.pass(2 * HOUR);
        told(t, AMY, "目前狀態：已處理").await;
        t.api.patch("/discussions/1", &json!({"status": "open"})).await.expect(200);
        t.pass(2 * HOUR);
        told(t, AMY, "目前狀態：待處理").await;
    });
}

#[test]
fn clients_by_mail_who_looks_after_it_and_who_follows_it_hear_of_a_status() {
    journey(async |t| {
        let (wang, chen) = amy_asks(t).await;
        told(t, &chen.email, "沒有反應").await;
        t.api.patch("/discussions/1", &json!({"assignee": wang.email})).await.expect(200);
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        for address in [AMY, &wang.email] {
            told(t, address, "目前狀態：已處理").await;
        }
        t.until_all_is_told().await;
        assert!(!has_been_told(t, &chen.email, "目前狀態").await, "colleagues look on the page");
        assert!(!has_been_told(t, "boss@example.com", "目前狀態").await);
        let boss = Browser::boss(t).await;
        assert_eq!(Browser::log_in(t, &chen).await.post("/d/1/watch", &[("watch", "1")]).await.status, 303);
        assert_eq!(boss.post("/d/1/status", &[("status", "closed")]).await.status, 303);
        told(t, &chen.email, "目前狀態：已結案").await;
    });
}

#[test]
fn who_was_mailed_of_something_that_moved_is_told_once() {
    journey(async |t| {
        let (wang, _) = amy_asks(t).await;
        t.until_all_is_told().await;
        says(&t.api, "師傅明天到").await;
        told(t, AMY, "師傅明天到").await;
        t.until_all_is_told().await;
        t.api.post("/discussions", &json!({"project": "alpha", "title": "電梯", "body": "電梯也壞了"})).await.expect(201);
        t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        let mail = told(t, AMY, "#1 的內容已移到 #2").await;
        assert!(mail.subject.contains("[#2]"), "{}", mail.subject);
        t.until_all_is_told().await;
        assert!(!has_been_told(t, &wang.email, "已移到").await, "colleagues look on the page");
        assert_eq!(t.mail.sent_to(AMY).await.iter().filter(|m| m.text.contains("已移到")).count(), 1);
    });
}

/// A colleague whose LINE account is linked, and their own chat with the account.
async fn with_line(t: &TestApp, name: &str) -> (Staff, LineUserId, LineChatId) {
    let staff = t.staff("alpha", name).await;
    let user = t.line.person(name);
    t.api.put("/projects/alpha/members", &json!({"email": staff.email, "line_user_id": user.as_str(), "role": "staff"})).await.expect(200);
    let own = LineChatId(user.as_str().to_owned());
    (staff, user, own)
}

#[test]
fn a_colleague_hears_in_their_own_line_chat_for_one_head() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (wang, user, own) = with_line(t, "Wang").await;
        wishes(&wang.api, json!({"ways": {"opened": "line", "answered": "line"}})).await;
        t.say(&chat, &lin, "頂樓漏水").await;
        // No friend of the account yet: by mail.
        told(t, &wang.email, "頂樓漏水").await;
        t.deliver(&t.line.follow(&user)).await;
        eventually("they are friends", async || {
            let page = Browser::log_in(t, &wang).await.get("/me").await;
            (!page.html.contains("還沒有可以私訊的 LINE")).then_some(())
        })
        .await;
        t.api.post("/discussions/1/posts", &json!({"body": "先別收錢", "internal": true})).await.expect(201);
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let card = eventually("they are told in LINE", async || {
            t.line.sent().iter().filter(|s| s.chat == own).map(|s| s.strings().join("\n")).find(|w| w.contains("師傅明天到"))
        })
        .await;
        assert!(card.contains("#1") && card.contains("頂樓漏水") && card.contains("/d/1"), "{card}");
        t.until_all_is_told().await;
        let all = t.line.sent();
        let to_group: Vec<String> = all.iter().filter(|s| s.chat == chat).flat_map(Sent::strings).collect();
        assert!(!all.iter().flat_map(Sent::strings).any(|w| w.contains("先別收錢")), "what is said inside stays off phones");
        assert!(to_group.iter().any(|w| w.contains("師傅明天到")));
        assert!(!has_been_told(t, &wang.email, "師傅明天到").await);
        let listed = t.notices(1).await.into_iter().find(|n| n["target"] == own.as_str() && n["status"] == "sent").expect("it is listed");
        assert_eq!(listed["via"], "line-push");
        assert_eq!(
            all.iter().filter(|s| s.chat == own).map(|s| s.billed).sum::<u64>(),
            all.iter().filter(|s| s.chat == own).count() as u64
        );
    });
}

#[test]
fn what_goes_to_a_colleagues_own_chat_keeps_to_the_projects_calendar_and_money() {
    journey_with(stopped("22:00:00"), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (wang, user, own) = with_line(t, "Wang").await;
        t.deliver(&t.line.follow(&user)).await;
        wishes(&wang.api, json!({"ways": {"opened": "line", "answered": "line"}})).await;
        t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": "21:00-08:00"}})).await.expect(200);
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.pass(MINUTE);
        let waits = eventually("it waits for the morning", async || {
            t.notices(1).await.into_iter().find(|n| n["target"] == own.as_str() && n["reason"] == "quiet_hours")
        })
        .await;
        assert_eq!(waits["status"], "pending");
        let to_wang = || t.line.sent().into_iter().filter(|s| s.chat == own).collect::<Vec<_>>();
        stays("no telephone rings at night", async || to_wang().is_empty()).await;
        t.pass(HOUR * 10);
        let card = eventually("they are told in the morning", async || to_wang().pop()).await;
        assert!(card.billed == 1 && card.strings().join("\n").contains("頂樓漏水"), "{card:?}");
        t.until_all_is_told().await;
        t.pass(MINUTE);
        // It is on the project's bill, so that a colleague who sees that project alone sees it.
        let page = Browser::log_in(t, &wang).await.get("/notices").await.html;
        let billed = format!("<dt>已計費</dt><dd><strong>{}</strong>", t.line.billed());
        assert!(page.contains(&billed), "{billed} is missing in {page}");
        // And where the project's money is spent it goes by mail.
        t.api.patch("/projects/alpha", &json!({"monthly_budget": 1})).await.expect(200);
        says(&t.api, "師傅明天到").await;
        t.pass(MINUTE);
        told(t, &wang.email, "師傅明天到").await;
        assert_eq!(to_wang().len(), 1);
    });
}

#[test]
fn quiet_hours_that_are_lifted_let_go_what_waits_for_a_colleagues_own_chat() {
    journey_with(stopped("22:00:00"), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (wang, user, own) = with_line(t, "Wang").await;
        t.deliver(&t.line.follow(&user)).await;
        wishes(&wang.api, json!({"ways": {"opened": "line"}})).await;
        t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": "21:00-08:00"}})).await.expect(200);
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.pass(MINUTE);
        eventually("it waits for the morning", async || {
            t.notices(1).await.into_iter().find(|n| n["target"] == own.as_str() && n["reason"] == "quiet_hours")
        })
        .await;
        // Another project's hours are nothing to it.
        t.project("beta").await;
        t.api.patch("/projects/beta", &json!({"notify": {"quiet_hours": ""}})).await.expect(200);
        let told = || t.line.sent_to(&own);
        stays("it still waits", async || told().is_empty()).await;
        t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": ""}})).await.expect(200);
        let card = eventually("they are told", async || told().pop()).await;
        assert!(card.strings().join("\n").contains("頂樓漏水"), "{card:?}");
    });
}

#[test]
fn what_is_new_in_one_discussion_is_one_card_in_a_colleagues_own_chat_and_says_how_much_there_is() {
    journey_with(stopped("22:00:00"), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (wang, user, own) = with_line(t, "Wang").await;
        t.deliver(&t.line.follow(&user)).await;
        wishes(&wang.api, json!({"ways": {"opened": "line", "answered": "line", "client_posted": "line"}})).await;
        t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": "21:00-08:00"}})).await.expect(200);
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        says(&t.api, "@Wang 麻煩去看一下").await;
        says(&t.api, "師傅明天到").await;
        t.pass(MINUTE);
        eventually("all of it waits", async || {
            let all = t.notices(1).await.into_iter().filter(|n| n["target"] == own.as_str() && n["reason"] == "quiet_hours");
            (all.count() == 3).then_some(())
        })
        .await;
        t.pass(HOUR * 10);
        let card = eventually("they are told in the morning", async || t.line.sent_to(&own).pop()).await;
        let said = card.strings().join("\n");
        assert!(said.contains("老闆 提到了您（另有 2 則更新）") && said.contains("麻煩去看一下"), "{said}");
        t.until_all_is_told().await;
        assert_eq!(t.line.sent_to(&own).len(), 1);
    });
}

#[test]
fn a_colleague_who_has_line_alone_hears_there_where_the_project_says_so() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let eve = t.line.person("伊芙");
        t.deliver(&t.line.follow(&eve)).await;
        let member = json!({"line_user_id": eve.as_str(), "name": "伊芙", "role": "staff"});
        t.api.put("/projects/alpha/members", &member).await.expect(200);
        t.api.put("/projects/alpha/listening", &json!({"staff": {"opened": "line"}})).await.expect(200);
        t.say(&chat, &lin, "頂樓漏水").await;
        let card = eventually("she is told in LINE", async || {
            t.line.sent().iter().find(|s| s.chat.as_str() == eve.as_str()).map(|s| s.strings().join("\n"))
        })
        .await;
        assert!(card.contains("#1") && card.contains("頂樓漏水"), "{card}");
    });
}

#[test]
fn the_week_is_told_to_owners_once_and_to_colleagues_who_want_it() {
    let monday: Timestamp = "2026-11-30T08:59:00+08:00".parse().expect("a time");
    journey_with(Setup { clock: Clock::stopped(monday), ..Setup::default() }, async |t| {
        let (wang, chen) = amy_asks(t).await;
        t.pass(Duration::from_secs(1));
        says(&t.api, "師傅明天到").await;
        t.pass(Duration::from_secs(1));
        told(t, AMY, "師傅明天到").await;
        // It all was a week ago.
        t.change_database("UPDATE discussions SET opened_at = opened_at - 172800000000").await;
        t.change_database("UPDATE posts SET created_at = created_at - 172800000000").await;
        wishes(&chen.api, json!({"ways": {"weekly": "mail"}})).await;
        t.pass(MINUTE * 2);
        t.look_at_the_clock().await;
        let week = told(t, "boss@example.com", "2026-11-23").await;
        for part in ["新開 1 件", "回覆 1 件", "#1 大門壞了", "已開立 2 天", "尚未指派", "專案 alpha"] {
            assert!(week.text.contains(part), "{part} is not in {}", week.text);
        }
        told(t, &chen.email, "新開 1 件").await;
        t.change_database("DELETE FROM settings WHERE name = 'weekly_told'").await;
        t.look_at_the_clock().await;
        t.until_all_is_told().await;
        let weeks = async |address: &str| t.mail.sent_to(address).await.iter().filter(|m| m.subject.contains("每週摘要")).count();
        assert_eq!((weeks("boss@example.com").await, weeks(&chen.email).await, weeks(&wang.email).await), (1, 1, 0));
    });
}

#[test]
fn who_hears_in_line_is_told_by_mail_once_the_months_money_is_spent() {
    journey_with(Setup { quota: Some(0), ..Setup::default() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.client_with_token("alpha", AMY).await;
        let (wang, user, own) = with_line(t, "Wang").await;
        let follow = t.line.follow(&user);
        t.deliver(&follow).await;
        t.settled(&follow.id).await;
        wishes(&wang.api, json!({"ways": {"opened": "line", "client_posted": "line"}})).await;
        t.say(&chat, &lin, "頂樓漏水").await;
        // LINE refuses the push for its quota; the next is not tried any more.
        told(t, &wang.email, "頂樓漏水").await;
        t.say(&chat, &lin, "地下室也漏").await;
        told(t, &wang.email, "地下室也漏").await;
        assert!(t.line.sent().iter().all(|s| s.chat != own));
        assert!(t.mail.sent_to(AMY).await.is_empty(), "a colleague's notice is no client's");
    });
}
