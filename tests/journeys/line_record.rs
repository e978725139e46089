//! The record keeps what LINE tells as LINE tells it: pictures of a set together, edits with their history, quotes with what they quote.

use std::time::Duration;

use serde_json::{Value, json};
use threadline::domain::{DeliveryStatus, Inbox, LineChatId, LineUserId, NoticeKind, Via};
use threadline::simulator::{Event, Say};
use threadline::store::deliveries::NewDelivery;
use threadline::store::notices::{NewNotice, Target};
use threadline::store::{deliveries, notices};
use uuid::Uuid;

use crate::support::still::StillApp;
use crate::support::{Setup, TestApp, bodies, eventually, journey, journey_with, number, posts, stays};

/// A picture of a set of three, by its place.
fn of_set(t: &TestApp, chat: &LineChatId, user: &LineUserId, place: u32) -> Event {
    let set = json!({"id": "5E7", "index": place, "total": 3});
    let message = json!({"id": format!("900{place}"), "type": "image", "contentProvider": {"type": "line"}, "imageSet": set});
    t.line.strange_event("message", chat, Some(user), json!({"message": message}))
}

fn unsent(t: &TestApp, chat: &LineChatId, user: &LineUserId, message: &str) -> Event {
    t.line.strange_event("unsend", chat, Some(user), json!({"unsend": {"messageId": message}}))
}

#[test]
fn pictures_sent_together_are_one_post_with_one_acknowledgement() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let said = t.say(&chat, &lin, "三張照片在這裡").await;
        t.discussion_where("三張照片在這裡").await;
        for place in [3, 1, 2] {
            t.deliver(&of_set(t, &chat, &lin, place)).await;
        }
        eventually("all three are in one post", async || {
            let found = t.discussion(1).await;
            (posts(&found).get(1)?["attachments_waiting"] == 3).then_some(())
        })
        .await;
        assert_eq!(posts(&t.discussion(1).await).len(), 2);
        // A quote of any of them is a quote of the post.
        t.say_as(&chat, Some(&lin), "中間那張", Say { quote: Some("9002".into()), ..Say::default() }).await;
        assert_eq!(number(&t.discussion_where("中間那張").await), 1);
        for message in ["9002", "9001"] {
            let event = unsent(t, &chat, &lin, message);
            t.deliver(&event).await;
            t.settled(&event.id).await;
        }
        let found = t.discussion(1).await;
        assert_eq!((&posts(&found)[1]["retracted"], &posts(&found)[1]["attachments_waiting"]), (&false.into(), &1.into()));
        let last = unsent(t, &chat, &lin, "9003");
        t.deliver(&last).await;
        t.settled(&last.id).await;
        let found = t.discussion(1).await;
        assert_eq!((&posts(&found)[1]["retracted"], &posts(&found)[1]["attachments_waiting"]), (&true.into(), &0.into()));
        eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        stays("once", async || t.line.sent().len() == 1 && t.discussions().await.len() == 1).await;
        assert!(said.message.is_some());
    });
}

#[test]
fn staff_see_how_a_text_read_before_and_clients_see_the_newest() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let client = t.client_with_token("alpha", "lin@client.example").await;
        let said = t.say(&chat, &lin, "星期三").await;
        t.discussion_where("星期三").await;
        let (second, third) = (t.line.edit(said.message_id(), "星期四"), t.line.edit(said.message_id(), "星期五"));
        t.deliver(&third).await;
        t.deliver(&second).await;
        t.settled(&second.id).await;
        t.discussion_where("星期五").await;
        let seen = wang.api.get("/discussions/1").await.expect(200);
        let texts: Vec<&Value> =
            posts(&seen)[0]["versions"].as_array().expect("staff see versions").iter().map(|v| &v["body_text"]).collect();
        assert_eq!(texts, ["星期三", "星期四", "星期五"]);
        let seen = client.get("/discussions/1").await.expect(200);
        assert_eq!((bodies(&seen), &posts(&seen)[0]["versions"]), (vec!["星期五".to_owned()], &Value::Null));
        assert!(posts(&seen)[0]["edited_at"].is_string());
        t.deliver(&t.line.unsend(said.message_id())).await;
        eventually("it is gone", async || (posts(&t.discussion(1).await)[0]["retracted"] == true).then_some(())).await;
        assert_eq!(posts(&wang.api.get("/discussions/1").await.expect(200))[0]["versions"], Value::Null);
    });
}

#[test]
fn an_edit_whose_message_was_lost_becomes_the_post_and_takes_the_message_in_when_it_comes() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let said = t.line.say(&chat, Some(&lin), "頂樓露水", Say::default());
        let edit = t.line.edit(said.message_id(), "頂樓漏水");
        t.deliver(&edit).await;
        let found = t.discussion_where("頂樓漏水").await;
        assert!(posts(&found)[0]["edited_at"].is_string());
        assert!(t.settled(&edit.id).await["discussion"] == 1);
        t.deliver(&said).await;
        t.settled(&said.id).await;
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["頂樓漏水"]);
        let versions = posts(&found)[0]["versions"].as_array().expect("an admin sees versions");
        assert_eq!(versions.iter().map(|v| &v["body_text"]).collect::<Vec<_>>(), ["頂樓露水", "頂樓漏水"]);
        assert_eq!(posts(&found)[0]["created_at"], versions[0]["at"]);
    });
}

#[test]
fn a_quote_that_comes_before_what_it_quotes_stands_with_it() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let first = t.line.say(&chat, Some(&lin), "頂樓漏水", Say { at: Some(crate::support::long_ago()), ..Say::default() });
        let quoting = t.line.say(&chat, Some(&lin), "這件修好了嗎", Say { quote: first.message.clone(), ..Say::default() });
        let other = t.line.say(&chat, Some(&lin), "發票還沒收到", Say::default());
        for event in [&quoting, &other] {
            t.deliver(event).await;
            t.settled(&event.id).await;
        }
        t.deliver(&first).await;
        t.settled(&first.id).await;
        let found = t.discussion_where("頂樓漏水").await;
        assert!(bodies(&found).contains(&"這件修好了嗎".to_owned()), "{found}");
    });
}

#[test]
fn what_turns_out_to_be_of_a_matter_that_the_group_knows_is_not_acknowledged_again() {
    // From where the second matter is opened to where it turns out to be none.
    let settle = Duration::from_secs(6);
    journey_with(Setup { settle, ..Setup::default() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let long_ago = Some(crate::support::long_ago());
        let asked = t.say_as(&chat, Some(&lin), "頂樓漏水", Say { at: long_ago, ..Say::default() }).await;
        eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        // It is there before what it quotes, which quotes in its turn.
        let answer = t.line.say(&chat, Some(&lin), "週三可以來看", Say { quote: asked.message.clone(), at: long_ago, ..Say::default() });
        let quoting = t.line.say(&chat, Some(&lin), "發票還沒收到", Say { quote: answer.message.clone(), ..Say::default() });
        for (event, to) in [(&quoting, 2), (&answer, 1)] {
            t.deliver(event).await;
            assert_eq!(t.settled(&event.id).await["discussion"], to);
        }
        assert_eq!(number(&t.discussion(2).await), 1, "the one that it had opened leads on");
        let acknowledged = async || {
            let told = t.api.items("/deliveries").await;
            told.into_iter().filter(|n| n["kind"] == "opened" && n["via"] != "email").collect::<Vec<_>>()
        };
        eventually("nothing waits", async || acknowledged().await.iter().all(|n| n["status"] != "pending").then_some(())).await;
        let told = acknowledged().await;
        // The newest is listed first.
        assert_eq!(told.iter().map(|n| n["status"].as_str().unwrap_or_default()).collect::<Vec<_>>(), ["dropped", "sent"], "{told:#?}");
        assert_eq!(t.line.sent_to(&chat).len(), 1);
    });
}

/// A message of one client, placed; a chat's webhook body of one event.
fn body(kind: &str, second: i64, fields: Value) -> Vec<u8> {
    let mut event = fields;
    event["type"] = json!(kind);
    event["webhookEventId"] = json!(format!("01KFROZEN{kind}{second}"));
    event["timestamp"] = json!(1_795_136_400_000_i64 + second * 1000);
    event["source"] = json!({"type": "group", "groupId": "Cfrozen", "userId": "Ufrozen"});
    json!({"destination": "U0", "events": [event]}).to_string().into_bytes()
}

#[test]
fn no_frozen_message_keeps_the_words_that_were_taken_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let app = StillApp::at("2026-11-21T01:00:00Z").await;
        let inbox = Inbox::line("elsewhere");
        app.accept(&inbox, &body("message", 0, json!({"message": {"id": "1", "type": "text", "text": "不該留下"}}))).await;
        app.place_all().await;
        let chat = app.chat(&inbox, &"Cfrozen".into()).await.expect("the chat is there");
        let whole = app.post_of(&chat, "1").await.expect("the post is there");
        let person = whole.post.person.expect("it has an author");
        let now = app.app.clock.now();
        // Never tried; refused once; under way.
        for state in ["untried", "refused", "under way"] {
            let mut tx = app.app.db.begin().await.expect("the database answers");
            let new = NewNotice {
                kind: NoticeKind::ClientPosted,
                discussion: Some(whole.post.discussion),
                post: Some(whole.post.id),
                target: Target::Person(person),
                due_at: now,
                deadline_at: now,
                now,
                detail: None,
                expires_at: None,
            };
            let notice = notices::add(&mut tx, &new).await.expect("the database answers");
            let frozen = NewDelivery {
                uuid: Uuid::new_v4(),
                via: Via::Email,
                target: state,
                chat: None,
                person: Some(person),
                discussion: Some(whole.post.discussion),
                payer: None,
                body: "Subject: x\r\n\r\n不該留下",
                reply_token: None,
                message_id: None,
                heads: 1,
                now,
            };
            let delivery = deliveries::add(&mut tx, &frozen).await.expect("the database answers");
            notices::freeze(&mut tx, &[notice], delivery).await.expect("the database answers");
            if state != "untried" {
                // Only this one is due; the others wait an hour.
                let later = now + jiff::SignedDuration::from_hours(1);
                deliveries::claim(&mut tx, app.app.db.dialect, true, now, later, 1).await.expect("the database answers");
            }
            if state == "refused" {
                let later = now + jiff::SignedDuration::from_hours(1);
                deliveries::retry(&mut tx, delivery, later, "not now", true).await.expect("the database answers");
            }
            if state == "untried" {
                deliveries::renew(&mut tx, delivery, now + jiff::SignedDuration::from_hours(1)).await.expect("the database answers");
            }
            tx.commit().await.expect("the database answers");
        }
        app.accept(&inbox, &body("unsend", 60, json!({"unsend": {"messageId": "1"}}))).await;
        app.place_all().await;
        let kept = app.table("deliveries").await;
        let states: Vec<(&str, &str)> =
            kept.iter().map(|d| (d["target"].as_str().unwrap_or(""), d["status"].as_str().unwrap_or(""))).collect();
        assert_eq!(states, [("untried", "dropped"), ("refused", "dropped"), ("under way", "pending")]);
        assert!(kept.iter().all(|d| d["body"] == ""), "{kept:?}");
        let dropped = app
            .table("notices")
            .await
            .iter()
            .filter(|n| n["status"] == DeliveryStatus::Dropped.as_str() && n["person_id"] == person.0)
            .count();
        assert_eq!(dropped, 2);
        app.end().await;
    });
}
