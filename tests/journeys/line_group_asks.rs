//! A client writes in the LINE group as usual, and it becomes a tracked discussion.

use threadline::domain::Via;
use threadline::simulator::{Endpoint, Fault, FaultKind, How, Say};

use crate::support::{PUBLIC_URL, Setup, bodies, eventually, journey, journey_with, number, posts, stays};

#[test]
fn a_clients_words_become_a_discussion_with_number_title_and_author() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "您好，請問頂樓漏水什麼時候可以修？\n昨天雨很大").await;
        let found = t.discussion_where("您好，請問頂樓漏水什麼時候可以修？\n昨天雨很大").await;
        assert_eq!(number(&found), 1);
        assert_eq!(found["title"], "頂樓漏水什麼時候可以修？");
        assert_eq!(found["project"], "alpha");
        assert_eq!(found["status"], "open");
        assert_eq!(found["source"], "line");
        assert_eq!(found["url"], format!("{PUBLIC_URL}/d/1"));
        let post = &posts(&found)[0];
        assert_eq!(post["author"]["name"], "林小姐");
        assert_eq!(post["author"]["role"], "client");
        assert_eq!(post["source"], "line");
    });
}

#[test]
fn the_acknowledgement_is_one_free_reply_with_number_title_and_link_after_the_quiet() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let sent = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        assert_eq!(sent.via, Via::LineReply);
        assert_eq!(sent.discussions(), [1]);
        let shown = sent.strings().join("\n");
        for part in ["#1", "頂樓漏水", "https://support.example.com/d/1"] {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
        stays("one reply, and nothing billed", async || t.line.sent().len() == 1 && t.line.billed() == 0).await;
        t.until_all_is_told().await;
        let told = t.notices(1).await;
        let to_chat = told.iter().find(|n| n["target"] == chat.as_str()).expect("the group's notice is listed");
        assert_eq!((&to_chat["status"], &to_chat["via"], &to_chat["kind"]), (&"sent".into(), &"line-reply".into(), &"opened".into()));
    });
}

#[test]
fn a_burst_becomes_one_discussion_with_one_acknowledgement() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let burst = ["三樓冷氣壞了", "昨天開始的", "會滴水"];
        for text in burst {
            t.say(&chat, &lin, text).await;
        }
        let found = t.discussion_where("會滴水").await;
        assert_eq!(bodies(&found), burst);
        eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        stays("one acknowledgement", async || t.line.sent().len() == 1).await;
        assert_eq!(t.discussions().await.len(), 1);
    });
}

#[test]
fn what_is_said_long_after_begins_a_matter_of_its_own() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "發票還沒收到").await;
        let second = t.discussion_where("發票還沒收到").await;
        assert_eq!(number(&second), 2);
        assert_eq!(bodies(&second).len(), 1);
    });
}

#[test]
fn a_quote_of_an_old_message_goes_to_its_discussion() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let old = t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "發票還沒收到").await;
        t.discussion_where("發票還沒收到").await;
        t.say_as(&chat, Some(&lin), "這個修好了嗎？", Say { quote: old.message.clone(), ..Say::default() }).await;
        let found = t.discussion_where("這個修好了嗎？").await;
        assert_eq!(bodies(&found), ["頂樓漏水", "這個修好了嗎？"]);
    });
}

#[test]
fn a_quote_of_the_bots_card_goes_to_the_cards_discussion() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let card = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        t.until_all_is_told().await;
        t.say(&chat, &lin, "發票還沒收到").await;
        t.discussion_where("發票還沒收到").await;
        t.say_as(&chat, Some(&lin), "謝謝，請盡快", Say { quote: Some(card.ids[0].clone()), ..Say::default() }).await;
        let found = t.discussion_where("謝謝，請盡快").await;
        assert_eq!(number(&found), 1);
    });
}

#[test]
fn a_done_matter_is_opened_again_when_the_client_speaks() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let first = t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.api.patch("/discussions/1", &serde_json::json!({"status": "resolved"})).await.expect(200);
        t.say_as(&chat, Some(&lin), "又漏了", Say { quote: first.message.clone(), ..Say::default() }).await;
        let found = t.discussion_where("又漏了").await;
        assert_eq!((number(&found), &found["status"]), (1, &"open".into()));
    });
}

#[test]
fn an_unbound_group_gets_a_private_project_named_after_it_and_binding_moves_its_discussions() {
    journey(async |t| {
        let lin = t.line.person("林小姐");
        let chat = t.line.group("永和王宅", std::slice::from_ref(&lin));
        t.project("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "還沒簽約，先問一下").await;
        let found = t.discussion_where("還沒簽約，先問一下").await;
        let key = found["project"].as_str().expect("it has a project").to_owned();
        let project = t.api.get(&format!("/projects/{key}")).await.expect(200);
        assert_eq!((&project["name"], &project["kind"]), (&"永和王宅".into(), &"chat".into()));
        wang.api.get("/discussions/1").await.expect_problem(404);
        wang.api.get(&format!("/projects/{key}")).await.expect_problem(404);
        t.bind("alpha", &chat).await;
        assert_eq!(t.discussion(1).await["project"], "alpha");
        wang.api.get("/discussions/1").await.expect(200);
        t.say(&chat, &lin, "現在簽了").await;
        assert_eq!(t.discussion_where("現在簽了").await["project"], "alpha");
    });
}

#[test]
fn words_are_recorded_even_if_line_tells_no_names() {
    journey(async |t| {
        let lin = t.line.person("林小姐");
        let chat = t.line.group("永和王宅", std::slice::from_ref(&lin));
        t.line.fault(Fault::always(Endpoint::GroupSummary, FaultKind::Status(500)));
        t.line.fault(Fault::always(Endpoint::Member, FaultKind::Status(500)));
        t.say(&chat, &lin, "先問報價單要幾天").await;
        let found = t.discussion_where("先問報價單要幾天").await;
        assert_eq!(posts(&found)[0]["author"]["name"], "成員");
        assert_eq!(bodies(&found), ["先問報價單要幾天"]);
    });
}

#[test]
fn somebody_whom_line_does_not_name_is_a_member() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.line.withdraw_consent(&lin);
        t.say(&chat, &lin, "我不想說我是誰").await;
        let found = t.discussion_where("我不想說我是誰").await;
        assert_eq!(posts(&found)[0]["author"], serde_json::json!({"name": "成員", "role": "client"}));
    });
}

#[test]
fn a_colleague_who_writes_in_the_group_is_not_acknowledged() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let wang = t.line.person("小王");
        t.line.member_joined(&chat, std::slice::from_ref(&wang));
        let asked = serde_json::json!({"line_user_id": wang.as_str(), "name": "小王", "role": "staff"});
        t.api.put("/projects/alpha/members", &asked).await.expect(200);
        t.say(&chat, &wang, "明天下午會派師傅過去").await;
        let found = t.discussion_where("明天下午會派師傅過去").await;
        assert_eq!(posts(&found)[0]["author"]["role"], "staff");
        stays("the group hears nothing from the bot", async || t.line.sent().is_empty()).await;
    });
}

#[test]
fn a_doubled_webhook_and_a_redelivery_make_one_post() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let event = t.line.say(&chat, Some(&lin), "只說一次", Say::default());
        let doubled = t.line.deliver_as(std::slice::from_ref(&event), How { copies: 3, redelivery: false }).await;
        assert_eq!(doubled.status, 200);
        let again = t.line.deliver_as(std::slice::from_ref(&event), How { copies: 2, redelivery: true }).await;
        assert_eq!(again.status, 200);
        t.discussion_where("只說一次").await;
        t.until_all_is_told().await;
        stays("one post in one discussion", async || {
            let all = t.discussions().await;
            all.len() == 1 && bodies(&t.discussion(1).await) == ["只說一次"]
        })
        .await;
        assert_eq!(t.api.items("/inbound").await.len(), 1);
        assert_eq!(t.line.sent().len(), 1);
    });
}

#[test]
fn events_of_one_webhook_are_posted_in_the_order_in_which_they_were_said() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let mut events: Vec<_> = (1..=5).map(|n| t.line.say(&chat, Some(&lin), &format!("第 {n} 句"), Say::default())).collect();
        events.swap(0, 3);
        assert_eq!(t.line.deliver(&events).await.status, 200);
        t.discussion_where("第 5 句").await;
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["第 1 句", "第 2 句", "第 3 句", "第 4 句", "第 5 句"]);
    });
}

#[test]
fn an_edit_changes_the_post_and_the_title_drawn_from_it() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let said = t.say(&chat, &lin, "頂樓露水").await;
        t.discussion_where("頂樓露水").await;
        t.deliver(&t.line.edit(said.message_id(), "頂樓漏水")).await;
        let found = t.discussion_where("頂樓漏水").await;
        assert_eq!((number(&found), &found["title"]), (1, &"頂樓漏水".into()));
        assert!(posts(&found)[0]["edited_at"].is_string());
    });
}

#[test]
fn an_edit_that_comes_before_its_message_is_not_lost() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let said = t.line.say(&chat, Some(&lin), "頂樓露水", Say::default());
        let edit = t.line.edit(said.message_id(), "頂樓漏水");
        t.deliver(&edit).await;
        t.deliver(&said).await;
        let found = t.discussion_where("頂樓漏水").await;
        assert_eq!(bodies(&found), ["頂樓漏水"]);
        assert_eq!(t.settled(&edit.id).await["status"], "done");
    });
}

#[test]
fn whoever_invites_the_bot_is_told_what_is_recorded() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        t.deliver(&t.line.join(&chat)).await;
        let sent = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        assert_eq!(sent.via, Via::LineReply);
        assert!(sent.strings().iter().any(|s| s.contains("記錄")));
    });
}

#[test]
fn nothing_is_sent_to_a_group_that_the_bot_has_left() {
    journey_with(Setup::default(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        let gone = t.line.leave(&chat);
        t.deliver(&gone).await;
        t.settled(&gone.id).await;
        t.api.post("/discussions/1/posts", &serde_json::json!({"body": "明天過去"})).await.expect(201);
        stays("no push", async || t.line.sent().len() == 1).await;
        t.until_all_is_told().await;
    });
}
