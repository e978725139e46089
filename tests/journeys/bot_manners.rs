//! The bot speaks rarely, and of what matters.

use std::time::Duration;

use serde_json::json;
use threadline::domain::Via;
use threadline::simulator::Say;

use crate::support::{Setup, bodies, eventually, journey, journey_with, long_ago, number, posts, stays};

#[test]
fn politeness_and_stickers_are_recorded_and_not_answered() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "收到").await;
        t.other_where("alpha", "收到").await;
        t.say(&chat, &lin, "好的，謝謝！").await;
        t.other_where("alpha", "好的，謝謝！").await;
        let sticker = t.line.sticker(&chat, Some(&lin), &["OK"], None);
        t.deliver(&sticker).await;
        t.settled(&sticker.id).await;
        stays("the bot says nothing", async || t.line.sent().is_empty()).await;
        assert!(t.discussions().await.is_empty(), "no matter was made of it");
    });
}

#[test]
fn a_matter_that_follows_a_greeting_is_acknowledged_once() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "早安").await;
        t.other_where("alpha", "早安").await;
        t.say(&chat, &lin, "三樓冷氣壞了").await;
        let found = t.discussion_where("三樓冷氣壞了").await;
        assert_eq!(bodies(&found), ["早安", "三樓冷氣壞了"]);
        t.say(&chat, &lin, "會滴水").await;
        let sent = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        assert_eq!((sent.via, sent.discussions()), (Via::LineReply, vec![number(&found)]));
        t.say(&chat, &lin, "一直滴").await;
        t.discussion_where("一直滴").await;
        stays("one acknowledgement", async || t.line.sent().len() == 1).await;
    });
}

#[test]
fn what_a_client_says_in_a_matter_that_staff_opened_is_not_acknowledged() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let opened = t.api.post("/discussions", &json!({"project": "alpha", "title": "保固說明", "body": "保固一年"})).await.expect(201);
        t.say(&chat, &lin, &format!("#{} 那零件呢", number(&opened))).await;
        t.discussion_where("#1 那零件呢").await;
        eventually("the answer rides along", async || t.line.sent_to(&chat).pop()).await;
        stays("the answer, and no acknowledgement", async || {
            t.line.sent().len() == 1 && t.notices(1).await.iter().all(|n| n["target"] != chat.as_str() || n["kind"] == "answered")
        })
        .await;
    });
}

#[test]
fn the_acknowledgement_stands_if_what_opened_the_matter_is_unsent_and_something_remains() {
    journey_with(Setup::stopped(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let first = t.say(&chat, &lin, "三樓冷氣懷了").await;
        t.discussion_where("三樓冷氣懷了").await;
        t.say(&chat, &lin, "三樓冷氣壞了").await;
        t.discussion_where("三樓冷氣壞了").await;
        let unsend = t.line.unsend(first.message_id());
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        t.pass(Duration::from_secs(1));
        let sent = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        assert_eq!(sent.discussions(), [1]);
        let shown = sent.strings().join("\n");
        assert!(shown.contains("三樓冷氣壞了") && !shown.contains("懷"), "{shown}");
    });
}

#[test]
fn no_acknowledgement_is_sent_of_what_was_taken_back_altogether() {
    journey_with(Setup::stopped(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let first = t.say(&chat, &lin, "說錯群組了").await;
        t.discussion_where("說錯群組了").await;
        let unsend = t.line.unsend(first.message_id());
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        t.pass(Duration::from_secs(1));
        stays("the bot says nothing", async || t.line.sent().is_empty()).await;
    });
}

#[test]
fn a_quote_of_a_card_about_several_matters_is_placed_by_what_is_said() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        // In one webhook, so that they are acknowledged together.
        let first = t.line.say(&chat, Some(&lin), "頂樓漏水", Say { at: Some(long_ago()), ..Say::default() });
        let second = t.line.say(&chat, Some(&lin), "發票還沒收到", Say::default());
        assert_eq!(t.line.deliver(&[first, second]).await.status, 200);
        assert_eq!(number(&t.discussion_where("發票還沒收到").await), 2);
        let carousel =
            eventually("both are told in one", async || t.line.sent_to(&chat).into_iter().find(|s| s.discussions() == [1, 2])).await;
        assert_eq!(carousel.ids.len(), 1);
        let quote = Some(carousel.ids[0].clone());
        t.say_as(&chat, Some(&lin), "#1 的師傅什麼時候來", Say { quote: quote.clone(), ..Say::default() }).await;
        assert_eq!(number(&t.discussion_where("#1 的師傅什麼時候來").await), 1);
        t.say_as(&chat, Some(&lin), "#2 請寄到公司", Say { quote: quote.clone(), ..Say::default() }).await;
        assert_eq!(number(&t.discussion_where("#2 請寄到公司").await), 2);
        // It names neither: it is not the first that it goes to, but where it would go without the quote.
        t.say_as(&chat, Some(&lin), "那就這樣", Say { quote, ..Say::default() }).await;
        let found = t.discussion_where("那就這樣").await;
        assert_eq!(number(&found), 2);
    });
}

#[test]
fn a_project_can_keep_the_words_of_an_answer_out_of_the_group() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let changed = t.api.patch("/projects/alpha", &json!({"excerpts": false})).await.expect(200);
        assert_eq!(changed["excerpts"], false);
        assert_eq!(t.api.get("/projects/alpha").await.expect(200)["excerpts"], false);
        t.say(&chat, &lin, "報價多少").await;
        t.discussion_where("報價多少").await;
        t.until_all_is_told().await;
        t.api.post("/discussions/1/posts", &json!({"body": "一共十二萬"})).await.expect(201);
        let sent = eventually("the group is told", async || t.line.sent_to(&chat).into_iter().nth(1)).await;
        let shown = sent.strings().join("\n");
        assert!(shown.contains("老闆 回覆了") && !shown.contains("十二萬"), "{shown}");
        t.api.patch("/projects/alpha", &json!({"excerpts": true})).await.expect(200);
        t.api.post("/discussions/1/posts", &json!({"body": "可以分期"})).await.expect(201);
        let sent = eventually("the group is told again", async || t.line.sent_to(&chat).into_iter().nth(2)).await;
        assert!(sent.strings().iter().any(|s| s == "可以分期"));
        t.api.patch("/projects/alpha", &json!({"color": 1})).await.expect_problem(422);
        let wang = t.staff("alpha", "Wang").await;
        wang.api.patch("/projects/alpha", &json!({"excerpts": false})).await.expect_problem(403);
    });
}

#[test]
fn the_welcome_into_a_bound_group_names_its_project() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        t.deliver(&t.line.join(&chat)).await;
        let sent = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        assert!(sent.strings().iter().any(|s| s.contains("專案 alpha")), "{:?}", sent.strings());
    });
}

#[test]
fn the_history_tells_who_changed_what_by_which_door() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "報價多少").await;
        t.discussion_where("報價多少").await;
        t.staff("alpha", "Wang").await;
        let change = json!({"status": "in_progress", "assignee": "wang@example.com", "urgent": true, "title": "報價"});
        t.api.patch("/discussions/1", &change).await.expect(200);
        let again = t.api.patch("/discussions/1", &change).await.expect(200);
        let told: Vec<_> =
            again["events"].as_array().expect("it has events").iter().map(|e| (e["kind"].clone(), e["to"].clone())).collect();
        let expected = [("title", json!("報價")), ("status", json!("in_progress")), ("assignee", json!("Wang")), ("urgent", json!(true))];
        assert_eq!(told, expected.map(|(kind, to)| (json!(kind), to)));
        assert!(again["events"].as_array().expect("it has events").iter().all(|e| e["by"] == "老闆" && e["via"] == "api"));
        t.api.patch("/discussions/1", &json!({"assignee": "lin@client.example"})).await.expect_problem(422);
        t.client_with_token("alpha", "amy@client.example").await;
        t.api.patch("/discussions/1", &json!({"assignee": "amy@client.example"})).await.expect_problem(422);
        t.say(&chat, &lin, "再問一件").await;
        let all = t.discussion_where("再問一件").await;
        let last = posts(&all).last().expect("it has posts")["id"].as_str().expect("a post has an id").to_owned();
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [last]})).await.expect(200);
        assert_eq!(split["events"][0]["kind"], "split_from");
        t.api.post("/discussions/2/merge", &json!({"into": 1})).await.expect(200);
        let kinds: Vec<String> = t.discussion(1).await["events"]
            .as_array()
            .expect("it has events")
            .iter()
            .map(|e| e["kind"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(kinds[4..], ["split", "split_from", "merged"]);
    });
}
