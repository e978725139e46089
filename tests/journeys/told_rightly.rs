//! What people expect of what they are told: an answer that is taken back goes whole, and none is lost without a word.

use serde_json::json;
use threadline::domain::Via;

use crate::support::{Setup, TestApp, eventually, journey, journey_with, posts, stays};

/// The last post's id, as the API gives it.
async fn last_post(t: &TestApp) -> String {
    let discussion = t.discussion(1).await;
    posts(&discussion).last().and_then(|p| p["id"].as_str()).expect("there is one").to_owned()
}

#[test]
fn an_answer_that_is_taken_back_takes_its_status_along_and_gives_its_words_back() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        let amy = t.staff("alpha", "Amy").await;
        let browser = t.browser(&amy).await;
        let deadlines = json!({"notify": {"deadlines": {"answered": "free_only"}}});
        t.api.patch("/projects/alpha", &deadlines).await.expect(200);
        browser.post("/d/1/reply", &[("id", ""), ("body", "\n修好ㄌ"), ("status", "resolved")]).await;
        assert_eq!(t.discussion(1).await["status"], "resolved");
        let waits = browser.get("/d/1").await.part("class=\"waits\"", "</div>").to_owned();
        assert!(waits.contains("只等免費回覆，不會推播") && waits.contains("收回"), "{waits}");
        let undo = format!("/posts/{}/undo", last_post(t).await);
        let page = browser.post(&undo, &[]).await;
        assert_eq!(page.status, 200);
        let form = page.part("id=\"reply\"", "</form>");
        assert!(form.contains("修好ㄌ</textarea>") && form.contains("value=\"resolved\" selected") && form.contains("已收回"), "{form}");
        assert_eq!(t.discussion(1).await["status"], "open", "it was set with what is no more");
        let again = browser.post(&undo, &[]).await;
        assert_eq!((again.status, again.location.starts_with("/d/1#post-")), (303, true), "pressed twice it is done once");
        assert_eq!(t.api.post(&undo, &json!({})).await.expect(200)["retracted"], true);
        t.say(&chat, &lin, "磁磚的顏色決定了嗎").await;
        t.discussion_where("磁磚的顏色決定了嗎").await;
        stays("the group hears of neither", async || {
            t.line.sent_to(&chat).iter().all(|s| !s.strings().iter().any(|w| w.contains("修好") || w.contains("狀態已更新")))
        })
        .await;

        // Nothing that is about to leave takes the next answer along.
        eventually("no acknowledgement waits", async || {
            t.api.items("/deliveries?status=pending").await.iter().all(|n| n["kind"] != "opened").then_some(())
        })
        .await;

        // What somebody has set since is not touched.
        browser.post("/d/1/reply", &[("id", ""), ("body", "修好了"), ("status", "resolved")]).await;
        let undo = format!("/posts/{}/undo", last_post(t).await);
        t.api.patch("/discussions/1", &json!({"status": "waiting"})).await.expect(200);
        browser.post(&undo, &[]).await;
        let after = t.discussion(1).await;
        assert_eq!((&after["status"], &posts(&after).last().expect("its tombstone")["retracted"]), (&json!("waiting"), &json!(true)));
    });
}

#[test]
fn an_answer_for_a_group_that_the_account_has_left_fails_with_a_reason_and_goes_by_mail() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.api.put("/projects/alpha/members", &json!({"email": "lin@client.example", "role": "client"})).await.expect(200);
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.deliver(&t.line.leave(&chat)).await;
        eventually("it is known", async || {
            (!t.api.get("/projects/alpha").await.expect(200)["line_groups"][0]["left_at"].is_null()).then_some(())
        })
        .await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let failed = eventually("it is shown", async || {
            let failed = t.api.items(&format!("/deliveries?status=failed&target={}", chat.as_str())).await;
            failed.into_iter().find(|n| n["kind"] == "answered")
        })
        .await;
        assert_eq!(failed["reason"], "left_chat", "{failed}");
        eventually("mail takes over", async || {
            t.mail.sent_to("lin@client.example").await.into_iter().find(|m| m.text.contains("師傅明天到"))
        })
        .await;
        assert!(t.line.sent_to(&chat).iter().all(|s| s.via != Via::LinePush));
    });
}
