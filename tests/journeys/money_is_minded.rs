//! LINE bills a push by the head: the month's money is watched, held together and never spent on a chat that cannot be reached.

use std::time::Duration;

use serde_json::{Value, json};
use threadline::clock::Clock;
use threadline::domain::{LineChatId, LineUserId, Via};
use threadline::simulator::{Endpoint, Fault, FaultKind, Say};

use crate::support::{Setup, TestApp, eventually, journey, journey_with, stays};

/// How often a stopped clock is moved on, to run like any other.
const TICK: Duration = Duration::from_millis(50);

/// A project `alpha` with a group of `people`, one of whom has a mail address and has asked something.
pub(crate) async fn group_of(t: &TestApp, people: usize) -> LineChatId {
    t.project("alpha").await;
    let all: Vec<_> = (0..people).map(|n| t.line.person(&format!("客戶{n}"))).collect();
    let chat = t.line.group("林宅裝修", &all);
    t.bind("alpha", &chat).await;
    let member = json!({"email": "lin@client.example", "role": "client"});
    t.api.put("/projects/alpha/members", &member).await.expect(200);
    t.said_before(&chat, &all[0], "頂樓漏水").await;
    t.discussion_where("頂樓漏水").await;
    t.until_all_is_told().await;
    chat
}

async fn answer(t: &TestApp, words: &str) {
    t.api.post("/discussions/1/posts", &json!({"body": words})).await.expect(201);
}

/// The account as the API tells of it.
pub(crate) async fn account(t: &TestApp) -> Value {
    t.api.items("/line-accounts").await.remove(0)
}

/// LINE is asked again, as it is every hour: what waits for money is looked at once more.
pub(crate) async fn ask_again(t: &TestApp) {
    let before = account(t).await["asked_at"].clone();
    t.api.post("/line-accounts/main/ask", &json!({})).await.expect(202);
    eventually("LINE has been asked again", async || (account(t).await["asked_at"] != before).then_some(())).await;
}

/// What waits for the chat, as the API tells of it.
async fn waiting(t: &TestApp, chat: &LineChatId) -> Vec<Value> {
    t.api.items(&format!("/deliveries?status=pending&target={}", chat.as_str())).await
}

async fn held_back(t: &TestApp, chat: &LineChatId, word: &str) -> Value {
    eventually(&format!("it waits: {word}"), async || waiting(t, chat).await.into_iter().find(|n| n["reason"] == word)).await
}

async fn rides(t: &TestApp, chat: &LineChatId, words: &str) {
    t.deliver(&t.line.say(chat, None, "有人嗎", Say::default())).await;
    eventually("it rides for free", async || {
        t.line.sent_to(chat).into_iter().find(|s| s.via == Via::LineReply && s.strings().join("\n").contains(words))
    })
    .await;
}

async fn mails_about(t: &TestApp, address: &str, words: &str) -> usize {
    t.mail.sent_to(address).await.into_iter().filter(|m| m.subject.contains(words) || m.text.contains(words)).count()
}

#[test]
fn a_push_that_does_not_fit_is_not_tried_and_resumes_when_the_plan_is_larger() {
    journey_with(Setup { quota: Some(10), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        // Broadcasts from LINE's own manager count, too.
        t.line.use_up(7);
        ask_again(t).await;
        let told = account(t).await;
        assert_eq!((&told["quota"], &told["used"], &told["ours"], &told["left"]), (&json!(10), &json!(7), &json!(0), &json!(3)));
        assert_eq!(told["elsewhere"], 7);
        answer(t, "師傅明天到").await;
        held_back(t, &chat, "quota_spent").await;
        eventually("mail takes over", async || (mails_about(t, "lin@client.example", "師傅明天到").await == 1).then_some(())).await;
        assert!(t.line.requests(Endpoint::Push).is_empty(), "LINE is not even asked");
        // Another reading that shows no more lets nothing go, and nobody gets a second mail.
        ask_again(t).await;
        stays("nothing leaves", async || {
            t.line.requests(Endpoint::Push).is_empty() && mails_about(t, "lin@client.example", "師傅明天到").await == 1
        })
        .await;
        t.line.set_quota(Some(500));
        ask_again(t).await;
        eventually("it is pushed", async || (t.line.billed() == 4).then_some(())).await;
        t.until_all_is_told().await;
        assert_eq!(account(t).await["left"], 500 - 11);
    });
}

#[test]
fn what_waits_for_money_still_leaves_for_free() {
    journey_with(Setup { quota: Some(3), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        answer(t, "師傅明天到").await;
        held_back(t, &chat, "quota_spent").await;
        rides(t, &chat, "師傅明天到").await;
        t.until_all_is_told().await;
        assert_eq!(t.line.billed(), 0);
    });
}

#[test]
fn a_refusal_for_what_is_reserved_stops_pushes_for_an_hour_alone() {
    journey_with(Setup { quota: Some(500), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        t.line.fault(Fault::once(Endpoint::Push, FaultKind::Monthly));
        answer(t, "師傅明天到").await;
        let held = held_back(t, &chat, "quota_reserved").await;
        let until: jiff::Timestamp = held["deadline_at"].as_str().expect("it has a deadline").parse().expect("a time");
        let minutes = until.duration_since(Clock::wall().now()).as_mins();
        assert!((57..=60).contains(&minutes), "{minutes}");
        assert_eq!(account(t).await["stopped_because"], "quota_reserved");
        // More than there was is more than is reserved.
        t.line.set_quota(Some(1000));
        ask_again(t).await;
        eventually("it is pushed", async || (t.line.billed() == 4).then_some(())).await;
        t.until_all_is_told().await;
    });
}

#[test]
fn where_line_does_not_say_what_is_left_a_refusal_stops_pushes_until_it_does() {
    journey_with(Setup { quota: Some(500), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        t.line.fault(Fault::once(Endpoint::Push, FaultKind::Monthly));
        t.line.fault(Fault::always(Endpoint::Consumption, FaultKind::Status(500)));
        answer(t, "師傅明天到").await;
        held_back(t, &chat, "quota_refused").await;
        t.line.clear_faults();
        ask_again(t).await;
        eventually("it is pushed", async || (t.line.billed() == 4).then_some(())).await;
        t.until_all_is_told().await;
    });
}

#[test]
fn staff_are_told_once_that_the_month_is_nearly_spent_and_once_that_it_is() {
    journey_with(Setup { quota: Some(10), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        answer(t, "師傅明天到").await;
        eventually("it is pushed", async || (t.line.billed() == 4).then_some(())).await;
        answer(t, "材料也會帶").await;
        eventually("it is pushed", async || (t.line.billed() == 8).then_some(())).await;
        eventually("80 % are told", async || (mails_about(t, "boss@example.com", "80%").await == 1).then_some(())).await;
        answer(t, "約早上九點").await;
        held_back(t, &chat, "quota_spent").await;
        eventually("the end is told", async || (mails_about(t, "boss@example.com", "已用完").await == 1).then_some(())).await;
        answer(t, "請留一位家人").await;
        ask_again(t).await;
        stays("nobody is told twice", async || {
            mails_about(t, "boss@example.com", "80%").await == 1 && mails_about(t, "boss@example.com", "已用完").await == 1
        })
        .await;
        assert_eq!(t.line.requests(Endpoint::Push).len(), 2);
    });
}

#[test]
fn when_the_month_turns_what_waits_is_pushed() {
    // Half past ten in the evening of a month's last day, in Taipei.
    let clock = Clock::stopped("2026-11-30T14:30:00Z".parse().expect("a time"));
    journey_with(Setup { quota: Some(10), clock: clock.clone(), ..Setup::default() }, async |t| {
        let ticking = tokio::spawn({
            let clock = clock.clone();
            async move {
                loop {
                    tokio::time::sleep(TICK).await;
                    clock.advance(TICK);
                }
            }
        });
        let chat = group_of(t, 4).await;
        t.line.use_up(8);
        ask_again(t).await;
        answer(t, "師傅明天到").await;
        let held = held_back(t, &chat, "quota_spent").await;
        assert_eq!(held["deadline_at"], "2026-11-30T16:00:00Z");
        clock.advance(Duration::from_mins(88));
        stays("two minutes before midnight it still waits", async || t.line.billed() == 0).await;
        clock.advance(Duration::from_mins(3));
        eventually("it is pushed", async || (t.line.billed() == 4).then_some(())).await;
        t.until_all_is_told().await;
        let told = account(t).await;
        assert_eq!((&told["month_from"], &told["ours"]), (&json!("2026-11-30T16:00:00Z"), &json!(4)));
        ticking.abort();
    });
}

#[test]
fn a_project_has_a_budget_of_its_own_and_its_staff_hear_of_its_end() {
    journey(async |t| {
        let chat = group_of(t, 4).await;
        let amy = t.staff("alpha", "Amy").await;
        let changed = t.api.patch("/projects/alpha", &json!({"monthly_budget": 4})).await.expect(200);
        assert_eq!(changed["monthly_budget"], 4);
        t.api.patch("/projects/alpha", &json!({"monthly_budget": -1})).await.expect_problem(422);
        answer(t, "師傅明天到").await;
        eventually("the budget pays for one", async || (t.line.billed() == 4).then_some(())).await;
        eventually("its end is told", async || (mails_about(t, &amy.email, "已用完").await == 1).then_some(())).await;
        answer(t, "材料也會帶").await;
        held_back(t, &chat, "project_budget_spent").await;
        assert_eq!(t.line.requests(Endpoint::Push).len(), 1);
        // Another project's chats are not concerned.
        let other = t.line.person("王先生");
        let beta = t.line.group("王宅", std::slice::from_ref(&other));
        t.project("beta").await;
        t.bind("beta", &beta).await;
        t.api.post("/discussions", &json!({"project": "beta", "title": "開工", "body": "下週開工"})).await.expect(201);
        eventually("it is pushed", async || (t.line.billed() == 5).then_some(())).await;
        // Whoever raises it lets go what waits.
        let changed = t.api.patch("/projects/alpha", &json!({"monthly_budget": null})).await.expect(200);
        assert_eq!(changed["monthly_budget"], Value::Null);
        eventually("it is pushed", async || (t.line.billed() == 9).then_some(())).await;
        t.until_all_is_told().await;
    });
}

#[test]
fn what_waits_says_whose_money_is_missing() {
    journey(async |t| {
        let chat = group_of(t, 4).await;
        t.api.patch("/projects/alpha", &json!({"monthly_budget": 4})).await.expect(200);
        answer(t, "師傅明天到").await;
        eventually("the budget pays for one", async || (t.line.billed() == 4).then_some(())).await;
        t.until_all_is_told().await;
        answer(t, "材料也會帶").await;
        held_back(t, &chat, "project_budget_spent").await;
        t.api.patch("/line-accounts/main", &json!({"monthly_budget": 4})).await.expect(200);
        t.api.patch("/projects/alpha", &json!({"monthly_budget": 500})).await.expect(200);
        held_back(t, &chat, "budget_spent").await;
        // The account's is there again, and the project's is not.
        t.api.patch("/projects/alpha", &json!({"monthly_budget": 4})).await.expect(200);
        t.api.patch("/line-accounts/main", &json!({"monthly_budget": 100})).await.expect(200);
        held_back(t, &chat, "project_budget_spent").await;
        // The project has enough, and the account has some, but not for so many.
        t.api.patch("/line-accounts/main", &json!({"monthly_budget": 6})).await.expect(200);
        t.api.patch("/projects/alpha", &json!({"monthly_budget": 500})).await.expect(200);
        held_back(t, &chat, "budget_spent").await;
        t.api.patch("/line-accounts/main", &json!({"monthly_budget": 100})).await.expect(200);
        eventually("it is pushed", async || (t.line.billed() == 8).then_some(())).await;
        t.until_all_is_told().await;
    });
}

/// A friend of the account who has asked something in their own chat, which is the project's.
async fn friend_who_asked(t: &TestApp) -> (LineUserId, LineChatId) {
    let user = t.line.person("林小姐");
    t.deliver(&t.line.follow(&user)).await;
    let own = LineChatId(user.as_str().to_owned());
    t.say(&own, &user, "頂樓漏水").await;
    t.discussion_where("頂樓漏水").await;
    t.bind("alpha", &own).await;
    (user, own)
}

#[test]
fn who_blocked_the_account_is_told_by_mail_and_staff_hear_of_it_once() {
    journey(async |t| {
        t.project("alpha").await;
        let amy = t.staff("alpha", "Amy").await;
        let (user, own) = friend_who_asked(t).await;
        t.api.put("/projects/alpha/members", &json!({"email": "lin@client.example", "role": "client"})).await.expect(200);
        t.until_all_is_told().await;
        let blocked = t.line.unfollow(&user);
        t.deliver(&blocked).await;
        t.settled(&blocked.id).await;
        for (text, count) in [("師傅明天到", 1), ("材料也會帶", 2)] {
            answer(t, text).await;
            let failed = || async { t.api.items(&format!("/deliveries?status=failed&target={}", own.as_str())).await };
            let all = eventually("it fails", async || Some(failed().await).filter(|all| all.len() == count)).await;
            assert!(all.iter().all(|n| n["reason"] == "blocked"), "{all:?}");
            eventually("mail takes over", async || (mails_about(t, "lin@client.example", text).await == 1).then_some(())).await;
        }
        eventually("staff are told", async || (mails_about(t, &amy.email, "LINE 傳不到").await == 1).then_some(())).await;
        stays("once", async || mails_about(t, &amy.email, "LINE 傳不到").await == 1 && t.line.billed() == 0).await;
        let back = t.line.follow(&user);
        t.deliver(&back).await;
        t.settled(&back.id).await;
        answer(t, "約早上九點").await;
        eventually("they are told in LINE again", async || {
            t.line.sent_to(&own).into_iter().find(|s| s.strings().join("\n").contains("約早上九點"))
        })
        .await;
    });
}

#[test]
fn who_blocked_the_account_and_writes_to_it_again_is_told_in_line_again() {
    journey(async |t| {
        t.project("alpha").await;
        let (user, own) = friend_who_asked(t).await;
        t.until_all_is_told().await;
        let reached = async || {
            t.api.post("/announcements", &json!({"text": "週六停機", "all": true, "preview": true})).await.expect(200)["cost"].clone()
        };
        assert_eq!(reached().await[0]["groups"], 1);
        let blocked = t.line.unfollow(&user);
        t.deliver(&blocked).await;
        t.settled(&blocked.id).await;
        answer(t, "師傅明天到").await;
        let failed = async || t.api.items(&format!("/deliveries?status=failed&target={}", own.as_str())).await;
        eventually("it fails", async || failed().await.into_iter().find(|n| n["reason"] == "blocked")).await;
        assert_eq!(reached().await, json!([]));
        // That they added the account again was lost on the way.
        drop(t.line.follow(&user));
        t.say(&own, &user, "我換了手機，現在可以了").await;
        t.discussion_where("我換了手機，現在可以了").await;
        answer(t, "約早上九點").await;
        eventually("they are told in LINE again", async || {
            t.line.sent_to(&own).into_iter().find(|s| s.strings().join("\n").contains("約早上九點"))
        })
        .await;
        assert_eq!((failed().await.len(), &reached().await[0]["groups"]), (1, &json!(1)));
    });
}

#[test]
fn a_push_is_paid_by_the_heads_of_today() {
    journey_with(Setup { quota: Some(5), ..Setup::default() }, async |t| {
        let chat = group_of(t, 4).await;
        let more: Vec<_> = (0..3).map(|n| t.line.person(&format!("親戚{n}"))).collect();
        // Nobody tells us: the event is lost.
        drop(t.line.member_joined(&chat, &more));
        t.change_database("UPDATE chats SET counted_at = counted_at - 90000000000").await;
        answer(t, "師傅明天到").await;
        held_back(t, &chat, "quota_spent").await;
        assert!(t.line.requests(Endpoint::Push).is_empty(), "seven heads do not fit into five messages");
    });
}

#[test]
fn a_group_that_threw_the_account_out_is_marked_told_of_once_and_cleared_by_the_next_event() {
    journey(async |t| {
        let chat = group_of(t, 4).await;
        let amy = t.staff("alpha", "Amy").await;
        // Its `leave` is lost on the way.
        drop(t.line.leave(&chat));
        answer(t, "師傅明天到").await;
        let gone = || async { t.api.items(&format!("/deliveries?status=failed&target={}", chat.as_str())).await };
        let failed = eventually("it failed", async || gone().await.pop()).await;
        assert!(failed["reason"] == "target_gone", "{failed}");
        eventually("staff are told", async || (mails_about(t, &amy.email, "LINE 傳不到").await == 1).then_some(())).await;
        eventually("mail takes over", async || (mails_about(t, "lin@client.example", "師傅明天到").await == 1).then_some(())).await;
        let tried = t.line.requests(Endpoint::Push).len();
        answer(t, "材料也會帶").await;
        eventually("the second failed, too", async || (gone().await.len() == 2).then_some(())).await;
        stays("LINE is not asked for the impossible, and staff hear of it once", async || {
            t.line.requests(Endpoint::Push).len() == tried && mails_about(t, &amy.email, "LINE 傳不到").await == 1
        })
        .await;
        for event in t.line.invite(&chat) {
            t.deliver(&event).await;
            t.settled(&event.id).await;
        }
        answer(t, "約早上九點").await;
        eventually("it arrives", async || t.line.sent_to(&chat).into_iter().find(|s| s.strings().join("\n").contains("約早上九點"))).await;
    });
}

#[test]
fn an_answer_can_be_taken_back_until_it_leaves_and_not_after() {
    journey_with(Setup::patient(), async |t| {
        let chat = group_of(t, 4).await;
        let amy = t.staff("alpha", "Amy").await;
        let browser = t.browser(&amy).await;
        let page = browser.get("/d/1").await;
        assert!(page.html.contains("4 人・計 4 則（下一則訊息進來就免費）・本月則數不限"), "{}", page.html);
        browser.post("/d/1/reply", &[("id", ""), ("body", "打錯字了")]).await;
        let post = t.discussion_where("打錯字了").await["posts"].as_array().and_then(|p| p.last()).expect("there it is")["id"].clone();
        let undo = format!("/posts/{}/undo", post.as_str().expect("an id"));
        assert!(browser.get("/d/1").await.html.contains(&format!("action=\"{undo}\"")), "the page offers it");
        browser.post(&undo, &[]).await;
        let page = browser.get("/d/1").await;
        assert!(!page.html.contains("打錯字了"), "its words are gone");
        rides_nothing(t, &chat, "打錯字了").await;
        answer(t, "師傅明天到").await;
        rides(t, &chat, "師傅明天到").await;
        t.until_all_is_told().await;
        let sent = t.discussion_where("師傅明天到").await;
        let id =
            sent["posts"].as_array().and_then(|p| p.iter().find(|p| p["body_text"] == "師傅明天到")).expect("there it is")["id"].clone();
        t.api.post(&format!("/posts/{}/undo", id.as_str().expect("an id")), &json!({})).await.expect_problem(409);
        assert!(!browser.get("/d/1").await.html.contains(&format!("/posts/{}/undo", id.as_str().expect("an id"))));
    });
}

async fn rides_nothing(t: &TestApp, chat: &LineChatId, words: &str) {
    t.deliver(&t.line.say(chat, None, "磁磚的顏色決定了嗎", Say::default())).await;
    t.discussion_where("磁磚的顏色決定了嗎").await;
    stays("it never leaves", async || t.line.sent_to(chat).iter().all(|s| !s.strings().join("\n").contains(words))).await;
}
