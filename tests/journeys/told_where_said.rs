//! Who hears of what was said in one place and stands in another: nobody waits for an answer that somebody else was given.

use std::time::Duration;

use serde_json::{Value, json};
use threadline::domain::{LineChatId, LineUserId};

use crate::support::mail::{Letter, MailDrop};
use crate::support::{SUPPORT, Setup, TestApp, eventually, journey, journey_with, number, posts, stays};

/// A second group of the project's, and who speaks in it.
async fn second_group(t: &TestApp) -> (LineChatId, LineUserId) {
    let chen = t.line.person("陳太太");
    let chat = t.line.group("二號樓", std::slice::from_ref(&chen));
    t.bind("alpha", &chat).await;
    (chat, chen)
}

/// Two groups of one project, of which each has asked something and heard that it was noted; the second's is discussion so and so.
async fn two_groups_ask(t: &TestApp) -> (LineChatId, LineChatId, i64) {
    let (first, lin) = t.project_with_group("alpha").await;
    let (second, chen) = second_group(t).await;
    t.said_before(&first, &lin, "頂樓漏水").await;
    t.discussion_where("頂樓漏水").await;
    t.said_before(&second, &chen, "我家天花板滴水").await;
    let other = number(&t.discussion_where("我家天花板滴水").await);
    t.until_all_is_told().await;
    (first, second, other)
}

async fn hears(t: &TestApp, chat: &LineChatId, words: &str) {
    eventually(&format!("the group hears {words}"), async || has_heard(t, chat, words).then_some(())).await;
}

fn has_heard(t: &TestApp, chat: &LineChatId, words: &str) -> bool {
    t.line.sent_to(chat).iter().any(|s| s.strings().iter().any(|w| w.contains(words)))
}

async fn answer(t: &TestApp, number: i64, words: &str) {
    t.api.post(&format!("/discussions/{number}/posts"), &json!({"body": words})).await.expect(201);
}

fn post_id(discussion: &Value, words: &str) -> String {
    let post = posts(discussion).iter().find(|p| p["body_text"] == words).unwrap_or_else(|| panic!("{words} stands in {discussion}"));
    post["id"].as_str().expect("an id is text").to_owned()
}

#[test]
fn every_group_that_asked_hears_the_answer_to_what_was_merged_and_after_a_split_its_own_alone() {
    journey(async |t| {
        let (first, second, other) = two_groups_ask(t).await;
        t.api.post(&format!("/discussions/{other}/merge"), &json!({"into": 1})).await.expect(200);
        answer(t, 1, "師傅明天到").await;
        hears(t, &first, "師傅明天到").await;
        hears(t, &second, "師傅明天到").await;
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        let told = t.notices(1).await;
        for chat in [&first, &second] {
            assert!(told.iter().any(|n| n["kind"] == "status_changed" && n["target"] == chat.as_str()), "{told:?}");
        }

        let asked = post_id(&t.discussion(1).await, "我家天花板滴水");
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [asked]})).await.expect(200);
        answer(t, number(&split), "您家的要另外報價").await;
        hears(t, &second, "您家的要另外報價").await;
        stays("it was asked in the other group", async || !has_heard(t, &first, "另外報價")).await;
    });
}

#[test]
fn what_a_client_mailed_and_is_split_off_again_is_answered_by_mail_alone() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.sender("alpha", "amy@client.example").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.mail.arrives(&Letter::new("amy@client.example", "我的管理費", "請問我欠多少管理費")).await;
        let private = t.discussion_where("請問我欠多少管理費").await;
        let asked = post_id(&private, "請問我欠多少管理費");
        t.api.post(&format!("/posts/{asked}/move"), &json!({"to": 1})).await.expect(200);
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [asked]})).await.expect(200);
        t.until_all_is_told().await;
        answer(t, number(&split), "您欠三千元").await;
        eventually("she is answered", async || {
            t.mail.sent_to("amy@client.example").await.into_iter().find(|m| m.text.contains("您欠三千元"))
        })
        .await;
        t.until_all_is_told().await;
        assert!(!has_heard(t, &chat, "您欠三千元"), "it is nobody else's");
    });
}

#[test]
fn where_others_words_alone_are_left_the_group_hears_nothing_more() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.sender("alpha", "amy@client.example").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.mail.arrives(&Letter::new("amy@client.example", "我的管理費", "請問我欠多少管理費")).await;
        let private = number(&t.discussion_where("請問我欠多少管理費").await);
        t.until_all_is_told().await;
        t.api.post(&format!("/discussions/{private}/merge"), &json!({"into": 1})).await.expect(200);
        // It is mended from the wrong end: the group's question is taken out instead of the mail.
        let asked = post_id(&t.discussion(1).await, "頂樓漏水");
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [asked]})).await.expect(200);
        answer(t, 1, "您欠三千元").await;
        eventually("she is answered", async || {
            t.mail.sent_to("amy@client.example").await.into_iter().find(|m| m.text.contains("您欠三千元"))
        })
        .await;
        answer(t, number(&split), "師傅明天到").await;
        hears(t, &chat, "師傅明天到").await;
        stays("it is nobody else's", async || !has_heard(t, &chat, "您欠三千元")).await;
    });
}

#[test]
fn an_answer_that_is_moved_before_it_leaves_is_told_where_it_is_now() {
    journey_with(Setup { hold: Duration::from_secs(3), ..Setup::default() }, async |t| {
        let (first, lin) = t.project_with_group("alpha").await;
        let (second, chen) = second_group(t).await;
        t.sender("alpha", "amy@client.example").await;
        t.said_before(&first, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.said_before(&second, &chen, "我家天花板滴水").await;
        let other = number(&t.discussion_where("我家天花板滴水").await);
        t.mail.arrives(&Letter::new("amy@client.example", "我的管理費", "請問我欠多少管理費")).await;
        let private = number(&t.discussion_where("請問我欠多少管理費").await);
        t.until_all_is_told().await;
        answer(t, 1, "天花板明天修").await;
        let answered = post_id(&t.discussion(1).await, "天花板明天修");
        t.api.post(&format!("/posts/{answered}/move"), &json!({"to": other})).await.expect(200);
        hears(t, &second, "天花板明天修").await;
        stays("it answers the other's question", async || !has_heard(t, &first, "天花板明天修")).await;

        // Whoever types a number hears no more of what it is about.
        let typed = format!("#{private} 我也想問");
        t.say(&first, &lin, &typed).await;
        assert_eq!(number(&t.discussion_where(&typed).await), private);
        answer(t, private, "您欠三千元").await;
        eventually("she is answered", async || {
            t.mail.sent_to("amy@client.example").await.into_iter().find(|m| m.text.contains("您欠三千元"))
        })
        .await;
        stays("it is nobody else's", async || !has_heard(t, &first, "您欠三千元")).await;
    });
}

#[test]
fn what_waits_for_a_group_that_goes_to_another_project_is_not_told_there() {
    journey_with(Setup { hold: Duration::from_secs(3), ..Setup::default() }, async |t| {
        let (first, second, other) = two_groups_ask(t).await;
        t.api.post(&format!("/discussions/{other}/merge"), &json!({"into": 1})).await.expect(200);
        answer(t, 1, "密碼在管理室").await;
        t.project("beta").await;
        t.bind("beta", &second).await;
        hears(t, &first, "密碼在管理室").await;
        let told = eventually("it is decided", async || {
            let told = t.api.items(&format!("/deliveries?target={}", second.as_str())).await;
            told.into_iter().find(|n| n["kind"] == "answered" && n["status"] != "pending")
        })
        .await;
        assert_eq!(told["status"], "dropped", "{told}");
        assert!(!has_heard(t, &second, "密碼在管理室"));
    });
}

#[test]
fn a_client_who_is_spoken_to_by_name_hears_no_sooner_than_an_answer_can_be_taken_back() {
    journey_with(Setup { hold: Duration::from_mins(1), ..Setup::patient() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.api.put("/projects/alpha/members", &json!({"email": "dora@client.example", "name": "Dora", "role": "client"})).await.expect(200);
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        answer(t, 1, "@Dora 麻煩您簽名").await;
        stays("nothing leaves", async || t.mail.sent_to("dora@client.example").await.is_empty()).await;
        let last = posts(&t.discussion(1).await).last().expect("the answer")["id"].as_str().expect("an id is text").to_owned();
        assert_eq!(t.api.post(&format!("/posts/{last}/undo"), &json!({})).await.expect(200)["retracted"], true);
    });
}

#[test]
fn an_answer_that_was_moved_and_is_taken_back_takes_along_the_status_that_was_set_with_it() {
    journey_with(Setup { hold: Duration::from_mins(1), ..Setup::patient() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.api.post("/discussions", &json!({"project": "alpha", "title": "電梯", "body": "電梯異音"})).await.expect(201);
        let amy = t.staff("alpha", "Amy").await;
        let browser = t.browser(&amy).await;
        browser.post("/d/1/reply", &[("id", ""), ("body", "修好了"), ("status", "resolved")]).await;
        let answered = post_id(&t.discussion(1).await, "修好了");
        t.api.post(&format!("/posts/{answered}/move"), &json!({"to": 2})).await.expect(200);
        assert_eq!(t.discussion(1).await["status"], "resolved");
        browser.post(&format!("/posts/{answered}/undo"), &[]).await;
        assert_eq!((&t.discussion(1).await["status"], &t.discussion(2).await["status"]), (&json!("open"), &json!("open")));
    });
}

#[test]
fn one_mail_to_two_mailboxes_is_one() {
    let second = "[[mailbox]]\nname = \"sales\"\naddress = \"sales@example.com\"\nurl = \"maildir://sales/mail-in\"\n";
    journey_with(Setup { more_config: second, ..Setup::default() }, async |t| {
        t.project_with_group("alpha").await;
        t.sender("alpha", "amy@client.example").await;
        let sales = MailDrop::new(&t.folder().join("sales"));
        let letter = Letter::new("amy@client.example", "屋頂", "屋頂漏水了").to(SUPPORT).header("Cc", "sales@example.com");
        let id = t.mail.arrives(&letter).await;
        let raw = [b"Delivered-To: sales@example.com\r\n".as_slice(), &letter.raw()].concat();
        sales.arrives_raw(&raw).await;
        t.discussion_where("屋頂漏水了").await;
        let of_both = eventually("both are dealt with", async || {
            let rows: Vec<Value> = t.api.items("/inbound").await.into_iter().filter(|r| r["external_id"] == id).collect();
            (rows.len() == 2 && rows.iter().all(|r| r["status"] != "received")).then_some(rows)
        })
        .await;
        let mut became: Vec<&str> = of_both.iter().filter_map(|r| r["status"].as_str()).collect();
        became.sort_unstable();
        assert_eq!(became, ["done", "ignored"], "{of_both:?}");
        assert!(of_both.iter().all(|r| r["discussion"] == 1), "both name it: {of_both:?}");
        assert_eq!(t.discussions().await.len(), 1);

        // A colleague's answer speaks by its reply address, whichever mailbox is read first.
        let amy = t.staff("alpha", "Wang").await;
        t.api.post("/discussions", &json!({"project": "alpha", "title": "電梯", "body": "電梯異音"})).await.expect(201);
        t.mail.arrives(&Letter::new("amy@client.example", "Re: [#2] 電梯", "什麼時候修？")).await;
        t.discussion_where("什麼時候修？").await;
        let notice = eventually("the colleague is told", async || {
            t.mail.sent_to(&amy.email).await.into_iter().find(|m| m.text.contains("什麼時候修？"))
        })
        .await;
        let answered = Letter::by_staff(&amy, &notice, "明天就修").header("Cc", "sales@example.com");
        sales.arrives_raw(&answered.raw()).await;
        let found = t.discussion_where("明天就修").await;
        assert!(posts(&found).iter().any(|p| p["author"]["role"] == "staff" && p["source"] == "email"), "{found}");
        t.mail.arrives(&answered).await;
        eventually("the other is known", async || {
            let rows = t.api.items("/inbound").await;
            rows.iter().any(|r| r["external_id"] == answered.message_id && r["status"] == "ignored").then_some(())
        })
        .await;

        // Who only knows the Message-ID takes nobody's words away.
        let mut forged = Letter::new("eve@client.example", "假的", "搶先一步了");
        let mut asked = Letter::new("amy@client.example", "電梯", "電梯有異音");
        forged.message_id = "shared@mail.example.org".into();
        asked.message_id.clone_from(&forged.message_id);
        sales.arrives_raw(&forged.raw()).await;
        t.discussion_where("搶先一步了").await;
        t.mail.arrives(&asked).await;
        t.discussion_where("電梯有異音").await;
    });
}
