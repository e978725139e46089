//! What people type to the bot itself, on a computer or with a code from a page.

use serde_json::json;
use threadline::domain::{LineChatId, Via};
use threadline::simulator::Say;

use crate::support::{TestApp, bodies, eventually, journey, number, posts, stays};

/// The text of the bot's next message into the chat after the first `before`.
async fn told(t: &TestApp, chat: &LineChatId, before: usize) -> String {
    let sent = eventually("the bot answers", async || t.line.sent_to(chat).into_iter().nth(before)).await;
    assert_eq!(sent.via, Via::LineReply);
    sent.strings().join("\n")
}

#[test]
fn progress_is_asked_by_a_mention_or_by_the_bots_name_alone() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        let by_mention = t.say_as(&chat, Some(&lin), "進度", Say { mention_bot: true, ..Say::default() }).await;
        assert!(told(t, &chat, 1).await.contains("頂樓漏水"));
        let row = t.settled(&by_mention.id).await;
        assert_eq!((&row["status"], &row["note"]), (&"ignored".into(), &"a command: progress".into()));
        // The same so soon after would be answered no more; another way of asking of another matter is.
        t.api.post("/discussions", &json!({"project": "alpha", "title": "保固說明", "body": "保固一年"})).await.expect(201);
        t.until_all_is_told().await;
        let name = &t.line.settings().bot_name;
        let by_name = t.say(&chat, &lin, &format!("@{name} 查進度")).await;
        assert_eq!(t.settled(&by_name.id).await["note"], "a command: progress");
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水"], "a command is no post");
    });
}

#[test]
fn a_number_at_the_beginning_speaks_to_that_matter_of_the_project_alone() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (other, _) = t.project_with_group("beta").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "發票還沒收到").await;
        t.discussion_where("發票還沒收到").await;
        t.say(&chat, &lin, "＃1 師傅來過了").await;
        let found = t.discussion_where("＃1 師傅來過了").await;
        assert_eq!(number(&found), 1);
        t.say(&other, &lin, "#1 是什麼").await;
        let elsewhere = t.discussion_where("#1 是什麼").await;
        assert_eq!((number(&elsewhere), &elsewhere["project"]), (3, &"beta".into()));
        t.say(&chat, &lin, "#99 沒有這個").await;
        assert_eq!(number(&t.discussion_where("#99 沒有這個").await), 1, "an unknown number is only a part of what is said");
    });
}

#[test]
fn a_colleague_binds_a_group_with_a_code_from_the_projects_page() {
    journey(async |t| {
        t.project("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let browser = t.browser(&wang).await;
        let amy = t.line.person("Amy");
        let chat = t.line.group("永和王宅", std::slice::from_ref(&amy));
        t.say(&chat, &amy, "先問報價單要幾天").await;
        t.discussion_where("先問報價單要幾天").await;
        t.until_all_is_told().await;
        wang.api.get("/discussions/1").await.expect_problem(404);

        let wrong = t.say(&chat, &amy, "/bind 0000-0000").await;
        assert!(told(t, &chat, 1).await.contains("代碼不正確"));
        assert_eq!(t.settled(&wrong.id).await["note"], "a command: the code is wrong or too old");
        let line = browser.code("/projects/alpha/code").await;
        assert!(line.starts_with("/bind ") && !browser.get("/projects/alpha").await.html.contains(&line), "it is shown once");
        let event = t.say(&chat, &amy, &line.to_lowercase()).await;
        assert_eq!(t.settled(&event.id).await["note"], "a command: the chat was bound");
        assert!(told(t, &chat, 2).await.contains("已綁定專案「專案 alpha」"));
        let moved = wang.api.get("/discussions/1").await.expect(200);
        assert_eq!((&moved["project"], bodies(&moved)), (&"alpha".into(), vec!["先問報價單要幾天".to_owned()]));
        assert!(browser.get("/projects/alpha").await.html.contains("永和王宅"));

        let other = t.line.group("另一群", std::slice::from_ref(&amy));
        t.say(&other, &amy, &line).await;
        assert!(told(t, &other, 0).await.contains("代碼不正確"), "a code is good once");
        let redelivered = t.line.deliver_as(std::slice::from_ref(&event), threadline::simulator::How { copies: 1, redelivery: true }).await;
        assert_eq!(redelivered.status, 200);
        stays("nothing more is said", async || t.line.sent_to(&chat).len() == 3).await;
    });
}

#[test]
fn a_colleague_links_their_line_account_and_what_they_wrote_there_is_staffs() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let browser = t.browser(&wang).await;
        let phone = t.line.person("小王");
        t.line.member_joined(&chat, std::slice::from_ref(&phone));
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &phone, "明天過去").await;
        let before = t.discussion_where("明天過去").await;
        assert_eq!(posts(&before)[1]["author"], json!({"name": "小王", "role": "client"}));
        t.until_all_is_told().await;

        // In a group others would read it: it is void, and said so.
        let seen = browser.code("/me/code").await;
        let sent = t.line.sent_to(&chat).len();
        t.say(&chat, &phone, &format!("/link {seen}")).await;
        assert!(told(t, &chat, sent).await.contains("一對一"));
        let alone = LineChatId(phone.0.clone());
        t.deliver(&t.line.follow(&phone)).await;
        t.say(&alone, &phone, &seen).await;
        let said = t.discussion_where(&seen).await;
        assert_eq!(said["project"].as_str().map(|p| p.starts_with("line-u")), Some(true), "what is no code any more is something said");
        t.until_all_is_told().await;

        let code = browser.code("/me/code").await;
        let sent = t.line.sent_to(&alone).len();
        let event = t.say(&alone, &phone, &code).await;
        assert!(told(t, &alone, sent).await.contains("「Wang」"));
        assert_eq!(t.settled(&event.id).await["note"], "a command: a LINE account was linked");
        let after = t.discussion(1).await;
        assert_eq!(posts(&after)[1]["author"], json!({"name": "Wang", "role": "staff"}));
        t.say(&chat, &phone, "後天也可以").await;
        let found = t.discussion_where("後天也可以").await;
        assert_eq!(posts(&found).last().expect("it has posts")["author"], json!({"name": "Wang", "role": "staff"}));

        let page = browser.get("/me").await.html;
        let identity =
            page.split("name=\"identity\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the account is listed");
        browser.post("/me/unlink", &[("identity", identity)]).await;
        t.say(&chat, &phone, "我換工作了").await;
        let found = t.discussion_where("我換工作了").await;
        let authors: Vec<_> = posts(&found).iter().map(|p| p["author"]["role"].clone()).collect();
        assert_eq!(authors, ["client", "staff", "staff", "client"]);
    });
}

#[test]
fn a_line_account_of_another_colleague_is_not_taken_over() {
    journey(async |t| {
        t.project("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let browser = t.browser(&wang).await;
        let phone = t.line.person("小陳");
        let chen = json!({"email": "chen@example.com", "line_user_id": phone.as_str(), "name": "Chen", "role": "staff"});
        t.api.put("/projects/alpha/members", &chen).await.expect(200);
        let alone = LineChatId(phone.0.clone());
        t.deliver(&t.line.follow(&phone)).await;
        let code = browser.code("/me/code").await;
        t.say(&alone, &phone, &format!("/link {code}")).await;
        assert!(told(t, &alone, 0).await.contains("另一位"));
        assert!(browser.get("/me").await.html.contains("還沒有綁定 LINE 帳號"));
    });
}

#[test]
fn after_five_wrong_codes_the_bot_is_silent() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        for n in 0..6 {
            let event = t.say(&chat, &lin, &format!("/bind 0000-000{n}")).await;
            let note =
                if n < 5 { "a command: the code is wrong or too old" } else { "a command: too many wrong codes were typed here lately" };
            assert_eq!(t.settled(&event.id).await["note"], note);
        }
        stays("one answer for the five", async || t.line.sent_to(&chat).len() <= 1).await;
        assert!(t.discussions().await.is_empty(), "a command is no post");
    });
}
