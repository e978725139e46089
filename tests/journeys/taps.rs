//! People in the group tap the bot's buttons; each tap counts once and is answered for free.

use std::time::Duration;

use serde_json::{Value, json};
use threadline::channels::line::commands::Tap;
use threadline::domain::{LineChatId, LineUserId, Via};
use threadline::simulator::{Event, How, Say, Sent};

use crate::support::pages::Browser;
use crate::support::{PUBLIC_URL, Setup, TestApp, bodies, eventually, journey, journey_with, number, posts, stays};

/// What the buttons of a message carry, by their label.
fn buttons(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(fields) if fields.get("type").is_some_and(|t| t == "postback") => {
            let field = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
            vec![(field("label"), field("data"))]
        }
        Value::Object(fields) => fields.values().flat_map(buttons).collect(),
        Value::Array(items) => items.iter().flat_map(buttons).collect(),
        _ => vec![],
    }
}

fn button(sent: &Sent, label: &str) -> String {
    let all: Vec<_> = sent.messages.iter().flat_map(buttons).collect();
    all.iter().find(|(l, _)| l == label).unwrap_or_else(|| panic!("no button {label} in {all:?}")).1.clone()
}

async fn tap(t: &TestApp, chat: &LineChatId, user: Option<&LineUserId>, data: &str) -> Event {
    let event = t.line.tap(chat, user, data);
    t.deliver(&event).await;
    event
}

/// The bot's next message into the chat after the first `before`.
async fn next(t: &TestApp, chat: &LineChatId, before: usize) -> Sent {
    eventually("the bot answers", async || t.line.sent_to(chat).into_iter().nth(before)).await
}

/// A matter of the client's, acknowledged and answered: the group, the client, the acknowledgement and the answer.
async fn answered(t: &TestApp) -> (LineChatId, LineUserId, Sent, Sent) {
    let (chat, lin) = t.project_with_group("alpha").await;
    t.say(&chat, &lin, "頂樓漏水").await;
    let opened = next(t, &chat, 0).await;
    t.until_all_is_told().await;
    t.api.post("/discussions/1/posts", &json!({"body": "明天派人過去"})).await.expect(201);
    let answer = next(t, &chat, 1).await;
    t.until_all_is_told().await;
    (chat, lin, opened, answer)
}

fn happenings(discussion: &Value) -> Vec<(String, String, String)> {
    let word = |e: &Value, name: &str| e[name].as_str().unwrap_or_default().to_owned();
    let events = discussion["events"].as_array().expect("a discussion has events");
    events.iter().map(|e| (word(e, "kind"), word(e, "by"), word(e, "via"))).collect()
}

fn by_lin(kind: &str) -> (String, String, String) {
    (kind.to_owned(), "林小姐".to_owned(), "line".to_owned())
}

#[test]
fn progress_lists_the_groups_open_matters_with_links_newest_first_and_costs_nothing() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "發票還沒收到").await;
        t.discussion_where("發票還沒收到").await;
        t.until_all_is_told().await;
        let sent_before = t.line.sent_to(&chat).len();
        let data = button(&t.line.sent_to(&chat)[0], "查進度");
        let first = tap(t, &chat, Some(&lin), &data).await;
        let second = tap(t, &chat, Some(&lin), &data).await;
        let list = next(t, &chat, sent_before).await;
        assert_eq!((list.via, list.discussions()), (Via::LineReply, vec![2, 1]));
        assert!(list.strings().contains(&format!("{PUBLIC_URL}/discussions")));
        for event in [first, second] {
            let row = t.settled(&event.id).await;
            assert_eq!((&row["status"], &row["note"]), (&"ignored".into(), &"a tap: progress".into()));
        }
        stays("a double tap is answered once", async || t.line.sent_to(&chat).len() == sent_before + 1 && t.line.billed() == 0).await;
        // The second tap's token is left over: a change of status rides on it.
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        let changed = next(t, &chat, sent_before + 1).await;
        assert_eq!((changed.via, changed.discussions(), t.line.billed()), (Via::LineReply, vec![1], 0));
    });
}

#[test]
fn progress_of_a_group_without_open_matters_says_so() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.deliver(&t.line.join(&chat)).await;
        let welcome = next(t, &chat, 0).await;
        tap(t, &chat, Some(&lin), &button(&welcome, "查進度")).await;
        let answer = next(t, &chat, 1).await;
        assert_eq!(answer.strings(), ["目前沒有待處理的討論。"]);
    });
}

#[test]
fn solved_is_recorded_as_done_by_whoever_tapped_it_once() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        let data = button(&answer, "已解決");
        let event = t.line.tap(&chat, Some(&lin), &data);
        t.line.deliver_as(std::slice::from_ref(&event), How { copies: 2, redelivery: false }).await;
        t.line.deliver_as(std::slice::from_ref(&event), How { copies: 1, redelivery: true }).await;
        tap(t, &chat, Some(&lin), &data).await;
        let told = next(t, &chat, 2).await;
        assert_eq!((told.via, told.discussions()), (Via::LineReply, vec![1]));
        let shown = told.strings().join("\n");
        assert!(shown.contains("林小姐 表示已解決") && shown.contains("已處理"), "{shown}");
        let discussion = t.discussion(1).await;
        assert_eq!(discussion["status"], "resolved");
        assert_eq!(happenings(&discussion), [by_lin("status")]);
        assert_eq!(bodies(&discussion).len(), 2, "a tap is no post");
        let row = t.settled(&event.id).await;
        assert_eq!((&row["status"], &row["note"], &row["discussion"]), (&"done".into(), &"a tap: solved".into(), &1.into()));
        stays("one answer", async || t.line.sent_to(&chat).len() == 3 && t.line.violations().is_empty()).await;
    });
}

#[test]
fn not_solved_opens_the_matter_again_and_staff_hear_of_it_once() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        let wang = t.staff("alpha", "Wang").await;
        t.api.patch("/discussions/1", &json!({"status": "resolved", "assignee": wang.email})).await.expect(200);
        let data = button(&answer, "還沒");
        tap(t, &chat, Some(&lin), &data).await;
        let told = next(t, &chat, 2).await;
        assert!(told.strings().iter().any(|s| s.contains("林小姐 表示尚未解決")), "{:?}", told.strings());
        // That it is hers to look after now may come in a mail before.
        let told_of_it =
            async || t.mail.sent_to(&wang.email).await.into_iter().filter(|m| m.text.contains("表示尚未解決")).collect::<Vec<_>>();
        let mail = eventually("staff are told", async || told_of_it().await.pop()).await;
        assert!(mail.text.contains("林小姐 表示尚未解決") && mail.html.contains("林小姐 表示尚未解決"), "{}", mail.text);
        assert!(mail.subject.contains("[#1]") && mail.reply_to.is_some());
        let again = tap(t, &chat, Some(&lin), &data).await;
        t.settled(&again.id).await;
        let discussion = t.discussion(1).await;
        assert_eq!(discussion["status"], "in_progress");
        assert_eq!(happenings(&discussion)[2..], [by_lin("status"), by_lin("not_solved")]);
        stays("one mail", async || told_of_it().await.len() == 1).await;
    });
}

#[test]
fn another_matter_is_set_apart_from_what_was_said_within_the_minute() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let opened = next(t, &chat, 0).await;
        let amy = t.line.person("Amy");
        t.line.member_joined(&chat, std::slice::from_ref(&amy));
        t.say(&chat, &amy, "頂樓漏水我家也是").await;
        t.say(&chat, &lin, "牆壁都濕了").await;
        t.say(&chat, &amy, "漏水漏到我家客廳了").await;
        assert_eq!(bodies(&t.discussion_where("漏水漏到我家客廳了").await).len(), 4);
        let data = button(&opened, "這是另一件事");
        let event = t.line.tap(&chat, Some(&amy), &data);
        t.line.deliver_as(std::slice::from_ref(&event), How { copies: 2, redelivery: false }).await;
        let told = next(t, &chat, 1).await;
        assert_eq!((told.via, told.discussions()), (Via::LineReply, vec![2]));
        assert!(told.strings().iter().any(|s| s.contains("已從 #1 分開")), "{:?}", told.strings());
        let second = tap(t, &chat, Some(&amy), &data).await;
        t.settled(&second.id).await;
        let (one, two) = (t.discussion(1).await, t.discussion(2).await);
        assert_eq!(
            (bodies(&one), bodies(&two)),
            (vec!["頂樓漏水".into(), "牆壁都濕了".into()], vec!["頂樓漏水我家也是".into(), "漏水漏到我家客廳了".into()])
        );
        assert_eq!(two["title"], "頂樓漏水我家也是");
        assert_eq!(happenings(&one)[0].0, "split");
        assert_eq!(happenings(&two), [("split_from".to_owned(), "Amy".to_owned(), "line".to_owned())]);
        // Lin said something too, in the meantime of a later tap.
        tap(t, &chat, Some(&lin), &data).await;
        let third = eventually("it is a third", async || t.discussions().await.into_iter().find(|d| number(d) == 3)).await;
        assert_eq!(third["title"], "牆壁都濕了");
        let mail = eventually("staff hear of the new matter", async || {
            t.mail.sent_to(&wang.email).await.into_iter().find(|m| m.subject.contains("[#2]"))
        })
        .await;
        assert!(mail.text.contains("漏水漏到我家客廳了") || mail.text.contains("頂樓漏水我家也是"), "{}", mail.text);
        stays("no acknowledgement of its own", async || t.notices(2).await.iter().all(|n| n["target"] != chat.as_str())).await;
    });
}

#[test]
fn what_is_no_matter_of_its_own_joins_the_one_before_with_one_tap() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        let first = next(t, &chat, 0).await;
        t.say(&chat, &lin, "電梯有怪聲").await;
        assert_eq!(number(&t.discussion_where("電梯有怪聲").await), 2);
        let second = next(t, &chat, 1).await;
        let data = button(&second, "併入上一件");
        tap(t, &chat, Some(&lin), &data).await;
        let told = next(t, &chat, 2).await;
        assert_eq!((told.via, told.discussions()), (Via::LineReply, vec![1]));
        assert!(told.strings().iter().any(|s| s.contains("#2 裡的內容已移到這個討論")), "{:?}", told.strings());
        assert_eq!(bodies(&t.discussion(2).await), ["頂樓漏水", "電梯有怪聲"], "the old number leads on");
        // A second tap changes nothing more, and the first matter has none before it.
        let again = tap(t, &chat, Some(&lin), &data).await;
        t.settled(&again.id).await;
        tap(t, &chat, Some(&lin), &button(&first, "併入上一件")).await;
        eventually("the bot says so kindly", async || {
            t.line.sent_to(&chat).into_iter().find(|s| s.strings().iter().any(|w| w.starts_with("#1 之前沒有可以併入的討論")))
        })
        .await;
        assert_eq!(t.discussions().await.len(), 1);
    });
}

#[test]
fn where_nothing_can_be_set_apart_the_bot_says_so_kindly() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let opened = next(t, &chat, 0).await;
        tap(t, &chat, Some(&lin), &button(&opened, "這是另一件事")).await;
        let told = next(t, &chat, 1).await;
        assert!(told.strings()[0].starts_with("#1 裡沒有可以另外分開的訊息"), "{:?}", told.strings());
        assert_eq!(t.discussions().await.len(), 1);
    });
}

#[test]
fn where_line_tells_no_names_what_a_client_said_last_is_meant() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let opened = next(t, &chat, 0).await;
        t.say(&chat, &lin, "發票還沒收到").await;
        t.discussion_where("發票還沒收到").await;
        tap(t, &chat, None, &button(&opened, "這是另一件事")).await;
        let told = next(t, &chat, 1).await;
        assert_eq!(told.discussions(), [2]);
        assert_eq!(bodies(&t.discussion(2).await), ["發票還沒收到"]);
        let data = button(&opened, "查進度");
        tap(t, &chat, None, &data).await;
        assert_eq!(next(t, &chat, 2).await.discussions(), [2, 1]);
    });
}

#[test]
fn a_tap_on_another_projects_matter_or_a_strange_button_changes_nothing() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (other, _) = t.project_with_group("beta").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        let sent = t.line.sent().len();
        for data in ["v=1&do=solved&d=1", "v=1&do=not_solved&d=1", "v=1&do=apart&d=1", "v=1&do=solved&d=99", "hello", ""] {
            let event = tap(t, &other, Some(&lin), data).await;
            assert_eq!(t.settled(&event.id).await["status"], "ignored", "{data}");
        }
        assert_eq!(t.discussion(1).await["status"], "open");
        stays("the bot says nothing", async || t.line.sent().len() == sent).await;
    });
}

#[test]
fn a_tap_of_somebody_who_left_or_while_another_program_is_in_charge_is_ignored() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        let data = button(&answer, "已解決");
        let mut standby = t.line.tap(&chat, Some(&lin), &data);
        standby.json["mode"] = json!("standby");
        standby.json.as_object_mut().expect("an event is an object").remove("replyToken");
        t.deliver(&standby).await;
        assert_eq!(t.settled(&standby.id).await["status"], "ignored");
        let gone = t.line.member_left(&chat, std::slice::from_ref(&lin));
        t.deliver(&gone).await;
        t.settled(&gone.id).await;
        let late = tap(t, &chat, Some(&lin), &data).await;
        let row = t.settled(&late.id).await;
        assert_eq!((&row["status"], &row["note"]), (&"ignored".into(), &"a tap (solved) by somebody who has left the chat".into()));
        assert_eq!(t.discussion(1).await["status"], "open");
        stays("the bot says nothing", async || t.line.sent_to(&chat).len() == 2).await;
    });
}

#[test]
fn a_taps_token_carries_what_waits_for_the_group() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let opened = next(t, &chat, 0).await;
        t.until_all_is_told().await;
        t.api.post("/discussions/1/posts", &json!({"body": "明天派人過去"})).await.expect(201);
        stays("the answer waits for a free ride", async || t.line.sent_to(&chat).len() == 1).await;
        tap(t, &chat, Some(&lin), &button(&opened, "查進度")).await;
        let both = next(t, &chat, 1).await;
        assert_eq!((both.via, both.messages.len()), (Via::LineReply, 2));
        assert!(both.strings().iter().any(|s| s == "明天派人過去"));
        assert_eq!(t.line.billed(), 0);
    });
}

#[test]
fn an_answer_to_a_tap_is_never_paid_for() {
    journey_with(Setup { reply_token_life: std::time::Duration::ZERO, ..Setup::default() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let event = tap(t, &chat, Some(&lin), "v=1&do=progress").await;
        t.settled(&event.id).await;
        stays("nothing is sent and nothing is billed", async || t.line.sent().is_empty() && t.line.billed() == 0).await;
    });
}

/// Why a post is where it is.
fn rule_of(discussion: &Value, body: &str) -> Value {
    let post = posts(discussion).iter().find(|p| p["body_text"] == body).unwrap_or_else(|| panic!("{body} is missing in {discussion}"));
    post["why"].clone()
}

#[test]
fn what_is_said_right_after_reply_here_belongs_to_that_matter() {
    journey(async |t| {
        let (chat, lin, opened, answer) = answered(t).await;
        t.say(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
        assert_eq!(number(&t.discussion_where("另外請問上個月的發票什麼時候寄？").await), 2);
        t.until_all_is_told().await;
        let sent_before = t.line.sent_to(&chat).len();
        let data = button(&answer, "回覆這件");
        assert_eq!(button(&opened, "回覆這件"), data);
        let tapped = tap(t, &chat, Some(&lin), &data).await;
        let row = t.settled(&tapped.id).await;
        assert_eq!((&row["status"], &row["note"], &row["discussion"]), (&"done".into(), &"a tap: reply".into(), &1.into()));
        for text in ["發票影本也請一起帶來", "下午兩點可以"] {
            t.say(&chat, &lin, text).await;
            assert_eq!(number(&t.discussion_where(text).await), 1, "{text}");
        }
        assert_eq!(rule_of(&t.discussion(1).await, "發票影本也請一起帶來"), json!({"rule": "reply_here", "number": 1}));
        // The tap comes after what followed it.
        let late = t.line.tap(&chat, Some(&lin), &Tap::Reply(2).data());
        t.say(&chat, &lin, "謝謝，請寄到公司").await;
        assert_eq!(number(&t.discussion_where("謝謝，請寄到公司").await), 1, "nothing tells it from what was said before");
        t.deliver(&late).await;
        t.settled(&late.id).await;
        assert_eq!(rule_of(&t.discussion(2).await, "謝謝，請寄到公司"), json!({"rule": "reply_here", "number": 2}));
        // A quote says more than a tap.
        tap(t, &chat, Some(&lin), &data).await;
        let quote =
            Say { quote: t.line.sent_to(&chat).iter().find(|s| s.discussions() == [2]).map(|s| s.ids[0].clone()), ..Say::default() };
        t.say_as(&chat, Some(&lin), "這張要三聯式的", quote).await;
        assert_eq!(number(&t.discussion_where("這張要三聯式的").await), 2);
        stays("the bot says nothing to it", async || t.line.sent_to(&chat).len() == sent_before && t.line.violations().is_empty()).await;
    });
}

#[test]
fn what_a_late_tap_takes_along_is_told_as_a_part_of_its_matter() {
    // The tap is to arrive before anybody has been told of what it takes along.
    journey_with(Setup { settle: Duration::from_secs(5), ..Setup::default() }, async |t| {
        let (chat, _, _, answer) = answered(t).await;
        let wang = t.staff("alpha", "Wang").await;
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        let sent_before = t.line.sent_to(&chat).len();
        let ben = t.line.person("班先生");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&ben))).await;
        let late = t.line.tap(&chat, Some(&ben), &button(&answer, "回覆這件"));
        t.say(&chat, &ben, "電梯卡在三樓").await;
        assert_eq!(number(&t.discussion_where("電梯卡在三樓").await), 2);
        t.deliver(&late).await;
        t.settled(&late.id).await;
        let discussion = t.discussion(1).await;
        assert_eq!((number(&t.discussion(2).await), discussion["status"].as_str()), (1, Some("open")));
        let told_of_it =
            async || t.mail.sent_to(&wang.email).await.into_iter().filter(|m| m.text.contains("電梯卡在三樓")).collect::<Vec<_>>();
        let mail = eventually("staff are told", async || told_of_it().await.pop()).await;
        assert!(mail.subject.contains("[#1]"), "{}", mail.subject);
        let told = || t.line.sent_to(&chat)[sent_before..].iter().flat_map(Sent::strings).collect::<Vec<_>>().join("\n");
        stays("it is told once, and not as a new matter", async || told_of_it().await.len() == 1 && !told().contains("已收到")).await;
    });
}

#[test]
fn of_two_taps_the_later_counts_whenever_it_arrives() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        t.say(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
        assert_eq!(number(&t.discussion_where("另外請問上個月的發票什麼時候寄？").await), 2);
        tap(t, &chat, Some(&lin), &button(&answer, "回覆這件")).await;
        let late = t.line.tap(&chat, Some(&lin), &Tap::Reply(2).data());
        t.say(&chat, &lin, "請寄到公司，不要寄到工地").await;
        assert_eq!(number(&t.discussion_where("請寄到公司，不要寄到工地").await), 1);
        let later = t.line.tap(&chat, Some(&lin), &Tap::Reply(1).data());
        t.deliver(&late).await;
        t.settled(&late.id).await;
        assert_eq!(number(&t.discussion_where("請寄到公司，不要寄到工地").await), 2);
        t.deliver(&later).await;
        t.settled(&later.id).await;
        assert_eq!(number(&t.discussion_where("請寄到公司，不要寄到工地").await), 2, "it was said before that tap");
    });
}

#[test]
fn a_tap_on_a_matter_that_has_ended_leads_on_with_it_and_comes_back_with_it() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        t.say(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
        assert_eq!(number(&t.discussion_where("另外請問上個月的發票什麼時候寄？").await), 2);
        let merged = t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        let data = button(&answer, "回覆這件");
        tap(t, &chat, Some(&lin), &data).await;
        t.say(&chat, &lin, "下午兩點可以").await;
        let into = t.discussion_where("下午兩點可以").await;
        assert_eq!(number(&into), 2);
        assert_eq!(rule_of(&into, "下午兩點可以"), json!({"rule": "reply_here", "number": 1}));
        t.api.post(&format!("/corrections/{}/undo", merged["correction"]), &json!({})).await.expect(200);
        assert_eq!(number(&t.discussion_where("下午兩點可以").await), 1);
        // All of it is put aside as no matter; who speaks of it says that it is one.
        let first = posts(&t.discussion(1).await)[0]["id"].as_str().unwrap_or_default().to_owned();
        let boss = Browser::boss(t).await;
        assert_eq!(boss.post(&format!("/posts/{first}/place"), &[("to", "other"), ("with", "rest")]).await.status, 303);
        assert_eq!(number(&t.discussion(1).await), -1);
        tap(t, &chat, Some(&lin), &data).await;
        t.say(&chat, &lin, "請問星期五幾點會到工地？").await;
        let again = t.discussion_where("請問星期五幾點會到工地？").await;
        assert_eq!((number(&again), again["status"].as_str(), bodies(&again).len()), (1, Some("open"), 1));
        assert_eq!(happenings(&again).last(), Some(&by_lin("status")));
    });
}

#[test]
fn a_late_tap_on_a_matter_that_was_put_aside_brings_it_back_and_so_does_not_solved() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        let put_aside = async || {
            let first = posts(&t.discussion(1).await)[0]["id"].as_str().unwrap_or_default().to_owned();
            let boss = Browser::boss(t).await;
            assert_eq!(boss.post(&format!("/posts/{first}/place"), &[("to", "other"), ("with", "rest")]).await.status, 303);
            assert_eq!(number(&t.discussion(1).await), -1);
        };
        t.api.patch("/discussions/1", &json!({"status": "in_progress"})).await.expect(200);
        put_aside().await;
        let sent_before = t.line.sent_to(&chat).len();
        let solved = tap(t, &chat, Some(&lin), &Tap::Solved(1).data()).await;
        t.settled(&solved.id).await;
        assert_ne!(t.discussion(-1).await["status"], "resolved", "what is no matter is never solved");
        let joined = tap(t, &chat, Some(&lin), &Tap::Join(1).data()).await;
        t.settled(&joined.id).await;
        assert_eq!(number(&t.discussion(1).await), -1);
        // The tap comes after the words, which have opened a discussion by then.
        let late = t.line.tap(&chat, Some(&lin), &button(&answer, "回覆這件"));
        t.say(&chat, &lin, "請問星期五幾點會到工地？").await;
        assert_eq!(number(&t.discussion_where("請問星期五幾點會到工地？").await), 2);
        t.deliver(&late).await;
        t.settled(&late.id).await;
        let again = t.discussion(1).await;
        assert_eq!((number(&again), again["status"].as_str()), (1, Some("in_progress")));
        assert_eq!(bodies(&again), ["請問星期五幾點會到工地？"]);
        assert_eq!(number(&t.discussion(2).await), 1, "nothing is left there");

        put_aside().await;
        let not_solved = tap(t, &chat, Some(&lin), &Tap::NotSolved(1).data()).await;
        assert_eq!(t.settled(&not_solved.id).await["discussion"], 1);
        let again = t.discussion(1).await;
        assert_eq!((number(&again), again["status"].as_str()), (1, Some("in_progress")));
        assert_eq!(happenings(&again).last(), Some(&by_lin("not_solved")));

        t.say(&chat, &lin, "#1 還是會漏").await;
        assert_eq!(number(&t.discussion_where("#1 還是會漏").await), 1);
        put_aside().await;
        let card = answer.ids.last().cloned();
        t.say_as(&chat, Some(&lin), "冷氣師傅來過了，還是會滴水", Say { quote: card, ..Say::default() }).await;
        assert_eq!(number(&t.discussion_where("冷氣師傅來過了，還是會滴水").await), 1, "its card names it");
        t.until_all_is_told().await;
        let told: Vec<String> = t.line.sent_to(&chat)[sent_before..].iter().flat_map(Sent::strings).collect();
        assert!(!told.iter().any(|said| said.contains("其他訊息") || said.contains("#-1")), "{told:?}");
    });
}

#[test]
fn what_waits_to_tell_of_a_matter_that_is_put_aside_is_not_told_until_that_is_undone() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        next(t, &chat, 0).await;
        t.api.post("/discussions/1/posts", &json!({"body": "明天派人過去"})).await.expect(201);
        let first = posts(&t.discussion(1).await)[0]["id"].as_str().unwrap_or_default().to_owned();
        let boss = Browser::boss(t).await;
        let placed = boss.post(&format!("/posts/{first}/place"), &[("to", "other"), ("with", "rest")]).await;
        assert_eq!(placed.status, 303);
        let of_chat = async || t.api.items(&format!("/deliveries?target={}", chat.as_str())).await;
        let answer = of_chat().await.into_iter().find(|n| n["kind"] == "answered").expect("it is listed");
        assert_eq!((&answer["status"], &answer["reason"]), (&"dropped".into(), &"put_aside".into()));
        // A matter again, and none again: what tells of it goes along.
        let of_answer = async || of_chat().await.into_iter().find(|n| n["kind"] == "answered").expect("it is listed");
        let placed = boss.post(&format!("/posts/{first}/place"), &[("to", "new"), ("with", "rest")]).await;
        assert_eq!(placed.status, 303);
        assert_eq!((&of_answer().await["status"], &of_answer().await["discussion"]), (&"pending".into(), &2.into()));
        assert_eq!(number(&t.discussion(1).await), 2, "the number that the group knows leads on");
        let page = boss.get("/d/2").await.html;
        let undo = page.split("action=\"/corrections/").nth(1).and_then(|rest| rest.split('"').next()).expect("it can be undone");
        assert_eq!(boss.post(&format!("/corrections/{undo}"), &[]).await.status, 303);
        assert_eq!(of_answer().await["reason"], "put_aside");
        t.say(&chat, &lin, "謝謝").await;
        stays("the group hears nothing of it", async || t.line.sent_to(&chat).len() == 1).await;
        let page = boss.get("/d/-1").await.html;
        let undo = page.split("action=\"/corrections/").nth(1).and_then(|rest| rest.split('"').next()).expect("it can be undone");
        assert_eq!(boss.post(&format!("/corrections/{undo}"), &[]).await.status, 303);
        assert_eq!(number(&t.discussion(1).await), 1);
        t.say(&chat, &lin, "請問幾點會到？").await;
        let told = eventually("it leaves with the next ride", async || {
            t.line.sent_to(&chat).iter().flat_map(Sent::strings).find(|said| said.contains("明天派人過去"))
        })
        .await;
        assert!(!told.contains("其他訊息"), "{told}");
        eventually("so are staff", async || {
            t.mail.sent_to(&wang.email).await.into_iter().find(|m| m.subject.contains("[#1]") && m.text.contains("頂樓漏水"))
        })
        .await;
    });
}

#[test]
fn what_was_cancelled_tells_of_its_post_where_it_is_now_and_of_what_is_no_matter_never() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.said_before(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
        t.discussion_where("另外請問上個月的發票什麼時候寄？").await;
        t.api.post("/discussions/1/posts", &json!({"body": "月底寄出"})).await.expect(201);
        let post = posts(&t.discussion(1).await).last().expect("it is there")["id"].as_str().unwrap_or_default().to_owned();
        let of_chat = async || t.api.items(&format!("/deliveries?target={}", chat.as_str())).await;
        let answer =
            of_chat().await.into_iter().find(|n| n["kind"] == "answered").expect("it waits")["id"].as_str().unwrap_or_default().to_owned();
        t.api.post(&format!("/deliveries/{answer}/cancel"), &json!({})).await.expect(200);
        let boss = Browser::boss(t).await;
        assert_eq!(boss.post(&format!("/posts/{post}/place"), &[("to", "other"), ("with", "")]).await.status, 303);
        t.api.post(&format!("/deliveries/{answer}/restore"), &json!({})).await.expect_problem(409);
        t.api.post(&format!("/posts/{post}/move"), &json!({"to": 2})).await.expect(200);
        t.api.post(&format!("/deliveries/{answer}/restore"), &json!({})).await.expect(200);
        t.say(&chat, &lin, "請問有消息嗎？").await;
        let card = eventually("it leaves with the next ride", async || {
            t.line.sent_to(&chat).into_iter().find(|s| s.strings().iter().any(|w| w.contains("月底寄出")))
        })
        .await;
        let said = card.strings().join("\n");
        let (second, first) = (said.find("#2"), said.find("月底寄出"));
        assert!(card.discussions().first() == Some(&2) && second < first, "{said}");
    });
}

#[test]
fn who_is_known_as_a_colleague_after_the_tap_is_heard_as_they_tapped() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        t.say(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
        assert_eq!(number(&t.discussion_where("另外請問上個月的發票什麼時候寄？").await), 2);
        let chen = t.staff("alpha", "Chen").await;
        let user = t.line.person("陳先生");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&user))).await;
        let tapped = tap(t, &chat, Some(&user), &button(&answer, "回覆這件")).await;
        t.settled(&tapped.id).await;
        let code = t.browser(&chen).await.code("/me/code").await;
        let alone = LineChatId(user.0.clone());
        t.deliver(&t.line.follow(&user)).await;
        let linked = t.say(&alone, &user, &code).await;
        assert_eq!(t.settled(&linked.id).await["note"], "a command: a LINE account was linked");
        t.say(&chat, &user, "下午兩點可以").await;
        let said = t.discussion_where("下午兩點可以").await;
        assert_eq!((number(&said), posts(&said).last().map(|p| p["author"]["role"].clone())), (1, Some("staff".into())));
    });
}

#[test]
fn reply_here_holds_for_whoever_tapped_it_and_not_for_long() {
    journey(async |t| {
        let (chat, lin, _, answer) = answered(t).await;
        let ben = t.line.person("班先生");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&ben))).await;
        let mut old = t.line.tap(&chat, Some(&lin), &button(&answer, "回覆這件"));
        old.json["timestamp"] = json!(old.json["timestamp"].as_i64().expect("an event has a time") - 6 * 60 * 1000);
        t.deliver(&old).await;
        t.settled(&old.id).await;
        let fresh = tap(t, &chat, Some(&ben), &button(&answer, "回覆這件")).await;
        t.settled(&fresh.id).await;
        t.say(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
        assert_eq!(number(&t.discussion_where("另外請問上個月的發票什麼時候寄？").await), 2);
        t.say(&chat, &ben, "那我要帶什麼資料").await;
        assert_eq!(rule_of(&t.discussion_where("那我要帶什麼資料").await, "那我要帶什麼資料"), json!({"rule": "reply_here", "number": 1}));
        // Who taps is not always told.
        let nobody = tap(t, &chat, None, &button(&answer, "回覆這件")).await;
        assert_eq!(t.settled(&nobody.id).await["status"], "done");
    });
}
