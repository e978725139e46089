//! A client writes a mail instead; it is the same record.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::mail::{Letter, Mail};
use crate::support::{TestApp, bodies, eventually, journey, number, posts, stays};

const AMY: &str = "amy@client.example";

/// A project that knows Amy's company, and a matter that she opened by mail; her first mail.
async fn amy_asks(t: &TestApp) -> Letter {
    t.project("alpha").await;
    t.sender("alpha", "@client.example").await;
    let asks = Letter::new(AMY, "大門感應器壞了", "您好，\n大門的感應器從昨天開始沒有反應。").named("陳美珍");
    let id = t.mail.arrives(&asks).await;
    assert_eq!(t.settled(&id).await["discussion"], 1);
    asks
}

/// Our mail to Amy that says this.
async fn told_amy(t: &TestApp, text: &str) -> Mail {
    eventually("the client has mail", async || t.mail.sent_to(AMY).await.into_iter().find(|m| m.text.contains(text))).await
}

/// Where a mail went.
async fn went_to(t: &TestApp, letter: &Letter) -> i64 {
    let id = t.mail.arrives(letter).await;
    let row = t.settled(&id).await;
    assert_eq!(row["status"], "done", "{row}");
    row["discussion"].as_i64().expect("it went somewhere")
}

#[test]
fn a_mail_opens_a_discussion_in_the_project_that_knows_its_sender() {
    journey(async |t| {
        amy_asks(t).await;
        let found = t.discussion(1).await;
        assert_eq!((&found["title"], &found["project"], &found["source"]), (&"大門感應器壞了".into(), &"alpha".into(), &"email".into()));
        assert_eq!(bodies(&found), ["您好，\n大門的感應器從昨天開始沒有反應。"]);
        assert_eq!(posts(&found)[0]["author"], json!({"name": "陳美珍", "role": "client"}));
    });
}

#[test]
fn her_next_mail_continues_it_by_any_of_the_four_signs() {
    journey(async |t| {
        let asks = amy_asks(t).await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let ours = told_amy(t, "師傅明天到").await;
        let bracketed = format!("<{}>", asks.message_id);
        let by_in_reply_to = Letter::new(AMY, "補充", "一").header("In-Reply-To", &bracketed);
        let by_references = Letter::new(AMY, "補充", "二").header("References", &format!("<unknown@elsewhere.example> {bracketed}"));
        let by_address = Letter::new(AMY, "補充", "三").to(ours.reply_to.as_deref().expect("it says where answers go"));
        let by_tag = Letter::new(AMY, "RE: [#1] 大門感應器壞了", "四");
        for letter in [by_in_reply_to, by_references, by_address, by_tag] {
            assert_eq!(went_to(t, &letter).await, 1);
        }
        assert_eq!(went_to(t, &Letter::answering(&ours, AMY, "五，太好了")).await, 1);
        assert_eq!(bodies(&t.discussion(1).await)[2..], ["一", "二", "三", "四", "五，太好了"]);
        let own = went_to(t, &Letter::new(AMY, "另一件事", "電梯也壞了")).await;
        assert_eq!(own, 2);
    });
}

#[test]
fn a_forged_header_does_not_lead_into_another_clients_project() {
    journey(async |t| {
        let asks = amy_asks(t).await;
        t.project("beta").await;
        t.sender("beta", "eve@evil.example").await;
        let bracketed = format!("<{}>", asks.message_id);
        let by_header =
            Letter::new("eve@evil.example", "您好", "我想看看").header("In-Reply-To", &bracketed).header("References", &bracketed);
        let by_tag = Letter::new("eve@evil.example", "Re: [#1] 大門感應器壞了", "我想看看");
        for letter in [by_header, by_tag] {
            let number = went_to(t, &letter).await;
            assert_ne!(number, 1);
            assert_eq!(t.discussion(number).await["project"], "beta");
        }
        let stranger = Letter::new("nobody@stranger.example", "Re: [#1] 大門感應器壞了", "我也想看看").header("In-Reply-To", &bracketed);
        let number = went_to(t, &stranger).await;
        assert_eq!(t.discussion(number).await["project"], "triage");
        assert_eq!(bodies(&t.discussion(1).await).len(), 1);
    });
}

#[test]
fn strangers_go_to_triage_which_only_admins_see() {
    journey(async |t| {
        t.project("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let number = went_to(t, &Letter::new("nobody@stranger.example", "詢價", "請問一坪多少錢？")).await;
        assert_eq!(t.discussion(number).await["project"], "triage");
        wang.api.get(&format!("/discussions/{number}")).await.expect_problem(404);
        eventually("the admin has mail", async || t.mail.sent_to("boss@example.com").await.pop()).await;
        assert!(t.mail.sent_to(&wang.email).await.is_empty());
    });
}

#[test]
fn the_answer_goes_back_into_the_thread_of_the_clients_own_program() {
    journey(async |t| {
        let asks = amy_asks(t).await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let ours = told_amy(t, "師傅明天到").await;
        assert_eq!(ours.in_reply_to.as_deref(), Some(asks.message_id.as_str()));
        assert!(ours.references.contains(&asks.message_id), "{:?}", ours.references);
        assert_eq!(ours.subject, "Re: [#1] 大門感應器壞了");
        assert!(ours.text.contains("https://support.example.com/d/1"));
        t.api.post("/discussions/1/posts", &json!({"body": "客人自己弄壞的", "internal": true})).await.expect(201);
        stays("an internal post is not for the client", async || t.mail.sent_to(AMY).await.len() == 1).await;
    });
}

#[test]
fn attachments_are_kept_byte_for_byte() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", AMY).await;
        let wild: Vec<u8> = (0..70_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[1]).collect();
        let letter =
            Letter::new(AMY, "圖面", "如附件").attach("平面圖 v2.pdf", "application/pdf", &wild).attach("empty.txt", "text/plain", b"");
        let number = went_to(t, &letter).await;
        let found = t.discussion(number).await;
        let files = posts(&found)[0]["attachments"].as_array().expect("a post has attachments").clone();
        let plan = files.iter().find(|f| f["name"] == "平面圖 v2.pdf").unwrap_or_else(|| panic!("the plan is listed: {files:?}"));
        assert_eq!(plan["size"], wild.len());
        let got = t.api.file(plan["url"].as_str().expect("it has a link")).await;
        assert_eq!(got.status, 200);
        assert_eq!(Sha256::digest(&got.bytes), Sha256::digest(&wild));
    });
}

#[test]
fn a_mail_is_taken_once_however_often_it_arrives() {
    journey(async |t| {
        let asks = amy_asks(t).await;
        t.mail.arrives(&asks).await;
        t.mail.arrives(&asks).await;
        eventually("the mails are taken", async || (t.mail.waiting().await == 0).then_some(())).await;
        stays("one post", async || bodies(&t.discussion(1).await).len() == 1 && t.api.items("/inbound").await.len() == 1).await;
    });
}

#[test]
fn an_automatic_answer_and_our_own_mail_are_recorded_and_not_posted() {
    journey(async |t| {
        amy_asks(t).await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let ours = told_amy(t, "師傅明天到").await;
        let away = Letter::answering(&ours, AMY, "我目前休假中，下週一回覆您。").header("Auto-Submitted", "auto-replied");
        let id = t.mail.arrives(&away).await;
        assert_eq!(t.settled(&id).await["status"], "ignored");
        t.mail.arrives_raw(&ours.raw).await;
        assert_eq!(t.settled(&ours.message_id).await["status"], "ignored");
        assert_eq!(bodies(&t.discussion(1).await).len(), 2);
    });
}

#[test]
fn a_bounce_turns_the_sent_mail_into_a_failed_one() {
    journey(async |t| {
        amy_asks(t).await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let ours = told_amy(t, "師傅明天到").await;
        let to_amy = async || t.notices(1).await.into_iter().find(|n| n["target"] == AMY).expect("it is listed");
        eventually("it counts as sent", async || (to_amy().await["status"] == "sent").then_some(())).await;
        let bounce = format!(
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.client.example\r\nTo: support@example.com\r\nSubject: Undelivered Mail\r\n\
             Auto-Submitted: auto-replied\r\nMessage-ID: <bounce-1@mail.client.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"dsn\"\r\n\r\n\
             --dsn\r\nContent-Type: text/plain\r\n\r\nUser unknown\r\n\
             --dsn\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.client.example\r\n\r\n\
             Final-Recipient: rfc822; {AMY}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n\
             --dsn\r\nContent-Type: text/rfc822-headers\r\n\r\nTo: {AMY}\r\nMessage-ID: <{}>\r\nSubject: x\r\n\r\n--dsn--\r\n",
            ours.message_id
        );
        t.mail.arrives_raw(bounce.as_bytes()).await;
        let failed = eventually("it counts as failed", async || Some(to_amy().await).filter(|n| n["status"] == "failed")).await;
        assert!(failed["last_error"].as_str().is_some_and(|e| e.contains("5.1.1")), "{failed}");
        assert_eq!(bodies(&t.discussion(1).await).len(), 2);
    });
}

#[test]
fn mail_and_line_of_one_project_stand_side_by_side() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.sender("alpha", AMY).await;
        t.say(&chat, &lin, "頂樓漏水").await;
        assert_eq!(number(&t.discussion_where("頂樓漏水").await), 1);
        assert_eq!(went_to(t, &Letter::new(AMY, "Re: [#1] 頂樓漏水", "我是林小姐的先生，請打給我")).await, 1);
        let found = t.discussion(1).await;
        assert_eq!((&posts(&found)[0]["source"], &posts(&found)[1]["source"]), (&"line".into(), &"email".into()));
    });
}

#[test]
fn the_mail_is_shown_as_its_writer_laid_it_out_and_runs_nothing() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", AMY).await;
        let raw = [
            "From: =?utf-8?B?6Zmz576O54+N?= <amy@client.example>",
            "To: support@example.com",
            "Subject: quote",
            "Message-ID: <laid-out@client.example>",
            "Date: Sun, 22 Nov 2026 10:00:00 +0800",
            "Content-Type: multipart/related; boundary=b",
            "",
            "--b",
            "Content-Type: text/html; charset=utf-8",
            "",
            "<script>alert(1)</script><table border=1><tr><td style='color:#c00'>單價 300</td></tr></table>",
            "<img src='cid:logo'><img src='https://spy.example/open.gif'>",
            "--b",
            "Content-Type: image/png",
            "Content-ID: <logo>",
            "",
            "png",
            "--b--",
            "",
        ];
        t.mail.arrives_raw(raw.join("\r\n").as_bytes()).await;
        assert_eq!(t.settled("laid-out@client.example").await["discussion"], 1);
        let wang = t.staff("alpha", "Wang").await;
        let browser = t.browser(&wang).await;
        let shown = browser.get("/d/1").await;
        let link = shown.part("/mails/", "\"");
        let page = browser.get(link).await;
        assert_eq!(page.status, 200);
        assert!(
            page.html.contains("<td style=\"color:#c00\">單價 300</td>") && page.html.contains("data:image/png;base64,"),
            "{}",
            page.html
        );
        assert!(!page.html.contains("alert(1)") && !page.html.contains("spy.example"), "{}", page.html);
        assert!(page.policy.starts_with("sandbox") && page.policy.contains("default-src 'none'"), "{}", page.policy);
        t.project("beta").await;
        let chen = t.staff("beta", "Chen").await;
        assert_eq!(t.browser(&chen).await.get(link).await.status, 404);
    });
}
