//! Whose mail it is: what nobody can prove waits for a colleague, who takes it or not, and may think better of it.

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::mail::{Letter, Mail};
use crate::support::pages::Browser;
use crate::support::{Setup, Staff, TestApp, bodies, eventually, journey, journey_with, number, posts, stays};

const AMY: &str = "amy@client.example";

/// A project with a group, a colleague of it, and the discussion 1 of which they have had mail.
async fn asked(t: &TestApp) -> (Staff, Mail) {
    let (chat, lin) = t.project_with_group("alpha").await;
    let wang = t.staff("alpha", "Wang").await;
    t.said_before(&chat, &lin, "頂樓漏水").await;
    t.discussion_where("頂樓漏水").await;
    t.until_all_is_told().await;
    let mail = eventually("the colleague has mail", async || t.mail.sent_to(&wang.email).await.pop()).await;
    (wang, mail)
}

/// Amy's matter, opened by mail, and our answer to it.
async fn amy_was_answered(t: &TestApp) -> Mail {
    t.project("alpha").await;
    t.sender("alpha", AMY).await;
    let id = t.mail.arrives(&Letter::new(AMY, "大門感應器壞了", "沒有反應").named("陳美珍")).await;
    assert_eq!(t.settled(&id).await["discussion"], 1);
    t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
    eventually("the client has mail", async || t.mail.sent_to(AMY).await.pop()).await
}

/// A mail that waits: its inbound row.
async fn held(t: &TestApp, letter: &Letter) -> Value {
    let id = t.mail.arrives(letter).await;
    let row = t.settled(&id).await;
    assert_eq!(row["status"], "held", "{row}");
    row
}

fn path(row: &Value, decision: &str) -> String {
    format!("/inbound/{}/{decision}", row["id"].as_str().expect("a row has an id"))
}

async fn decide(api: &Api, row: &Value, decision: &str) -> Value {
    api.post(&path(row, decision), &json!({})).await.expect(200)
}

fn events(discussion: &Value) -> Vec<String> {
    let all = discussion["events"].as_array().expect("a discussion has events");
    all.iter().map(|e| e["kind"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_unproven_mail_is_shown_to_staff_alone_and_one_tap_makes_it_the_colleagues_post() {
    journey(async |t| {
        let (wang, _) = asked(t).await;
        let amy = t.client_with_token("alpha", AMY).await;
        let letter =
            Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "明天上午十點師傅過去").attach("平面圖.pdf", "application/pdf", b"%PDF-1.7");
        let row = held(t, &letter).await;
        assert_eq!((&row["discussion"], &row["held"]["why"], &row["held"]["person"]), (&1.into(), &"unproven".into(), &"Wang".into()));
        let browser = t.browser(&wang).await;
        let page = browser.get("/d/1").await;
        for part in ["未驗證，來自 wang@example.com", "明天上午十點師傅過去", "附件 1 個", "採用為 Wang 的信", "不採用"]
        {
            assert!(page.html.contains(part), "{part} is missing in {}", page.html);
        }
        assert!(page.part("href=\"/held\"", "</a>").contains("<span class=\"waiting\">1</span>"));
        let told = (t.line.sent().len(), t.mail.sent().await.len());
        stays("nobody is told", async || (t.line.sent().len(), t.mail.sent().await.len()) == told).await;
        amy.post(&path(&row, "accept"), &json!({})).await.expect_problem(404);
        assert_eq!(bodies(&amy.get("/discussions/1").await.expect(200)), ["頂樓漏水"]);

        let id = row["id"].as_str().expect("it has an id");
        let back = browser.post(&format!("/held/{id}/accept"), &[("next", "/d/1")]).await;
        assert_eq!((back.status, back.location.as_str()), (303, "/d/1#held"));
        let found = t.discussion(1).await;
        let post = &posts(&found)[1];
        assert_eq!((&post["body_text"], &post["author"]), (&"明天上午十點師傅過去".into(), &json!({"name": "Wang", "role": "staff"})));
        assert_eq!(post["attachments"][0]["name"], "平面圖.pdf");
        assert_eq!(events(&found), ["mail_accepted"]);
        assert!(events(&amy.get("/discussions/1").await.expect(200)).is_empty(), "our doubts are ours");
        assert_eq!(t.settled(&letter.message_id).await["status"], "done");
        eventually("the group is told", async || {
            t.line.sent().into_iter().find(|s| s.strings().join("\n").contains("明天上午十點師傅過去"))
        })
        .await;
        wang.api.post(&path(&row, "accept"), &json!({})).await.expect_problem(409);
        let page = browser.get("/d/1").await;
        assert!(page.html.contains("Wang 採用了這封未驗證的信。") && !page.html.contains("href=\"/held\""));
    });
}

#[test]
fn a_mail_that_was_decided_against_can_be_taken_after_all() {
    journey(async |t| {
        let (wang, _) = asked(t).await;
        let row = held(t, &Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "請匯款到新帳戶")).await;
        let answer = decide(&wang.api, &row, "dismiss").await;
        assert_eq!((&answer["status"], &answer["discussion"]), (&"ignored".into(), &1.into()));
        wang.api.post(&path(&row, "dismiss"), &json!({})).await.expect_problem(409);
        wang.api.post(&path(&row, "accept"), &json!({})).await.expect_problem(409);
        let browser = t.browser(&wang).await;
        assert!(browser.get("/d/1").await.html.contains("Wang 決定不採用"));
        assert_eq!(decide(&wang.api, &row, "undo").await["status"], "held");
        wang.api.post(&path(&row, "undo"), &json!({})).await.expect_problem(409);
        assert_eq!(decide(&wang.api, &row, "accept").await["status"], "done");
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["頂樓漏水", "請匯款到新帳戶"]);
        assert_eq!(events(&found), ["mail_dismissed", "mail_held_again", "mail_accepted"]);
    });
}

#[test]
fn a_mail_taken_by_mistake_goes_without_a_trace_while_nobody_was_told() {
    // The push waits for a free ride, long enough to be taken back.
    journey_with(Setup::patient(), async |t| {
        let (wang, _) = asked(t).await;
        let row = held(t, &Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "說錯了").attach("a.txt", "text/plain", b"a")).await;
        assert_eq!(decide(&wang.api, &row, "accept").await["discussion"], 1);
        assert_eq!(bodies(&t.discussion(1).await).len(), 2);
        let answer = decide(&wang.api, &row, "undo").await;
        assert_eq!((&answer["status"], &answer["discussion"]), (&"held".into(), &1.into()));
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水"]);
        decide(&wang.api, &row, "accept").await;
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["頂樓漏水", "說錯了"]);
        assert_eq!(posts(&found)[1]["attachments"][0]["name"], "a.txt", "its file is there again");
    });
}

#[test]
fn what_was_told_before_it_is_taken_back_leaves_a_tombstone() {
    journey(async |t| {
        let (wang, _) = asked(t).await;
        let chen = t.staff("alpha", "Chen").await;
        let row = held(t, &Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "說錯了")).await;
        decide(&chen.api, &row, "accept").await;
        eventually("a colleague is told", async || t.mail.sent_to(&chen.email).await.into_iter().find(|m| m.text.contains("說錯了"))).await;
        t.until_all_is_told().await;
        decide(&chen.api, &row, "undo").await;
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["頂樓漏水", ""]);
        assert_eq!(posts(&found)[1]["retracted"], true);
        decide(&chen.api, &row, "accept").await;
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水", "", "說錯了"]);
    });
}

#[test]
fn a_held_mail_without_a_discussion_waits_where_it_would_open_one() {
    journey(async |t| {
        let (wang, _) = asked(t).await;
        let row = held(t, &Letter::new(&wang.email, "新的案子", "請開一個討論")).await;
        assert_eq!(row["discussion"], Value::Null);
        wang.api.post(&path(&row, "accept"), &json!({})).await.expect_problem(404);
        let boss = crate::support::pages::Browser::boss(t).await;
        for page in ["/held", "/projects/triage", "/inbound?status=held"] {
            let html = boss.get(page).await.html;
            assert!(html.contains("請開一個討論") && html.contains("採用為 Wang 的信"), "{page}: {html}");
        }
        assert!(!t.browser(&wang).await.get("/held").await.html.contains("請開一個討論"));
        let number = decide(&t.api, &row, "accept").await["discussion"].as_i64().expect("it opened one");
        let found = t.discussion(number).await;
        assert_eq!((&found["title"], &found["project"]), (&"新的案子".into(), &"triage".into()));
        let answer = decide(&t.api, &row, "undo").await;
        assert_eq!(answer["status"], "held");
        let emptied = t.discussion(number).await;
        assert_eq!((&emptied["status"], &emptied["title"]), (&"closed".into(), &"（訊息已收回）".into()));
        let again = decide(&t.api, &row, "accept").await["discussion"].as_i64().expect("it opens another");
        assert_ne!(again, number);
    });
}

#[test]
fn a_held_mail_follows_its_discussion_into_another() {
    journey(async |t| {
        let (wang, _) = asked(t).await;
        let row = held(t, &Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "一起修")).await;
        let into = wang.api.post("/discussions", &json!({"project": "alpha", "title": "修繕", "body": "排程"})).await.expect(201);
        wang.api.post("/discussions/1/merge", &json!({"into": into["number"]})).await.expect(200);
        assert_eq!(decide(&wang.api, &row, "accept").await["discussion"], into["number"]);
    });
}

#[test]
fn a_client_is_known_by_their_reply_address_and_staff_say_whose_the_other_address_is() {
    journey(async |t| {
        let ours = amy_was_answered(t).await;
        let wang = t.staff("alpha", "Wang").await;
        let id = t.mail.arrives(&Letter::answering(&ours, "amy@private.example", "我用手機回")).await;
        assert_eq!(t.settled(&id).await["status"], "done");
        let found = t.discussion(1).await;
        let post = &posts(&found)[2];
        assert_eq!((&post["body_text"], &post["author"]["name"]), (&"我用手機回".into(), &"陳美珍".into()));
        let browser = t.browser(&wang).await;
        let page = browser.get("/d/1").await.html;
        for part in ["從另一個信箱", "amy@private.example", "這是 陳美珍 的信箱"] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        let post_id = post["id"].as_str().expect("a post has an id").to_owned();
        // Without the reply address it is a stranger's, until a colleague links it.
        let before = t.mail.arrives(&Letter::new("amy@private.example", "另一件事", "一")).await;
        let unknown = t.settled(&before).await["discussion"].as_i64().expect("it opened one");
        assert_eq!(t.discussion(unknown).await["project"], "triage");
        wang.api.post(&format!("/posts/{post_id}/link-address"), &json!({})).await.expect_problem(422);

        let other = t.mail.arrives(&Letter::answering(&ours, "amy@third.example", "再一個信箱")).await;
        t.settled(&other).await;
        let post_id = posts(&t.discussion(1).await)[3]["id"].as_str().expect("a post has an id").to_owned();
        let linked = browser.post(&format!("/posts/{post_id}/link-address"), &[]).await;
        assert_eq!(linked.location, format!("/d/1#post-{post_id}"));
        assert!(browser.get("/d/1").await.html.contains("取消連結"));
        let hers = t.mail.arrives(&Letter::new("amy@third.example", "Re: [#1] 大門感應器壞了", "好了")).await;
        assert_eq!(t.settled(&hers).await["discussion"], 1);
        assert_eq!(posts(&t.discussion(1).await)[4]["author"]["name"], "陳美珍");
        wang.api.post(&format!("/posts/{post_id}/unlink-address"), &json!({})).await.expect(200);
        assert_eq!(events(&t.discussion(1).await), ["address_linked", "address_unlinked"]);
    });
}

#[test]
fn a_colleagues_reply_address_lets_nobody_in_whom_the_project_does_not_know() {
    journey(async |t| {
        let (_, mail) = asked(t).await;
        let before = t.mail.arrives(&Letter::new("eve@elsewhere.example", "請問價格", "多少錢？")).await;
        assert_eq!(t.settled(&before).await["discussion"], 2);
        let id = t.mail.arrives(&Letter::answering(&mail, "eve@elsewhere.example", "可以，照做")).await;
        assert_ne!(t.settled(&id).await["discussion"], 1);
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水"]);
        // Whom it knows speaks as themselves.
        t.client_with_token("alpha", AMY).await;
        let hers = t.mail.arrives(&Letter::answering(&mail, AMY, "我也在等")).await;
        assert_eq!(t.settled(&hers).await["discussion"], 1);
    });
}

#[test]
fn a_mail_to_a_matter_that_was_put_aside_brings_it_back() {
    journey(async |t| {
        let (wang, mail) = asked(t).await;
        t.client_with_token("alpha", AMY).await;
        let boss = Browser::boss(t).await;
        let put_aside = async || {
            let first = posts(&t.discussion(1).await)[0]["id"].as_str().unwrap_or_default().to_owned();
            assert_eq!(boss.post(&format!("/posts/{first}/place"), &[("to", "other"), ("with", "rest")]).await.status, 303);
            assert_eq!(number(&t.discussion(1).await), -1);
        };
        t.api.patch("/discussions/1", &json!({"status": "in_progress"})).await.expect(200);
        put_aside().await;
        let by_address = t.mail.arrives(&Letter::by_staff(&wang, &mail, "師傅明天到")).await;
        assert_eq!(t.settled(&by_address).await["discussion"], 1);
        let again = t.discussion(1).await;
        assert_eq!((number(&again), again["status"].as_str()), (1, Some("in_progress")));
        assert_eq!(bodies(&again), ["師傅明天到"]);
        put_aside().await;
        let by_tag = t.mail.arrives(&Letter::new(AMY, "Re: [#1] 頂樓漏水", "星期六可以嗎")).await;
        assert_eq!(t.settled(&by_tag).await["discussion"], 1);
        assert_eq!(bodies(&t.discussion(1).await), ["星期六可以嗎"]);
        // As mail programs write it, without the reply address.
        put_aside().await;
        let answering = Letter::answering(&mail, &wang.email, "好的，星期六").named("Wang").to("support@example.com");
        let by_header = t.mail.arrives(&answering.proven()).await;
        assert_eq!(t.settled(&by_header).await["discussion"], 1);
        // What waited for a colleague's word meanwhile brings it back, too.
        let row = held(t, &Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "改成星期天")).await;
        put_aside().await;
        assert_eq!(decide(&wang.api, &row, "accept").await["discussion"], 1);
        assert_eq!(bodies(&t.discussion(1).await), ["改成星期天"]);
    });
}

#[test]
fn somebody_whom_the_project_knows_speaks_for_themselves_with_anothers_reply_address() {
    journey(async |t| {
        let ours = amy_was_answered(t).await;
        t.sender("alpha", "@client.example").await;
        let id = t.mail.arrives(&Letter::answering(&ours, "bob@client.example", "我是她同事").named("Bob")).await;
        assert_eq!(t.settled(&id).await["discussion"], 1);
        assert_eq!(posts(&t.discussion(1).await)[2]["author"]["name"], "Bob");
    });
}

#[test]
fn a_colleagues_second_address_is_theirs_once_they_or_an_admin_say_so() {
    journey(async |t| {
        let (wang, mail) = asked(t).await;
        let chen = t.staff("alpha", "Chen").await;
        let row = held(t, &Letter::answering(&mail, "wang@private.example", "從家裡回")).await;
        assert_eq!((&row["held"]["why"], &row["held"]["person"]), (&"other_address".into(), &"Wang".into()));
        chen.api.post(&path(&row, "accept"), &json!({"link_address": true})).await.expect_problem(409);
        assert_eq!(bodies(&t.discussion(1).await).len(), 1);
        wang.api.post(&path(&row, "accept"), &json!({"link_address": true})).await.expect(200);
        let found = t.discussion(1).await;
        assert_eq!(posts(&found)[1]["author"], json!({"name": "Wang", "role": "staff"}));
        assert_eq!(events(&found), ["mail_accepted", "address_linked"]);
        let next = t.mail.arrives(&Letter::answering(&mail, "wang@private.example", "再補充")).await;
        assert_eq!(t.settled(&next).await["status"], "done", "it is a known address with their own reply address now");
        // Taken back, the address is nobody's again.
        decide(&wang.api, &row, "undo").await;
        held(t, &Letter::answering(&mail, "wang@private.example", "第三封")).await;
    });
}

#[test]
fn what_programs_open_is_held_after_ten_within_an_hour() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", "robot@shop.example").await;
        let alarm = |n: usize| Letter::new("robot@shop.example", &format!("警報 {n}"), &format!("第 {n} 次")).header("Precedence", "bulk");
        for n in 0..10 {
            let id = t.mail.arrives(&alarm(n)).await;
            assert_eq!(t.settled(&id).await["status"], "done");
        }
        let row = held(t, &alarm(10)).await;
        assert_eq!(row["held"]["why"], "too_many_opened");
        // What a person writes is not counted.
        let by_hand = t.mail.arrives(&Letter::new("robot@shop.example", "請問", "這是人寫的")).await;
        assert_eq!(t.settled(&by_hand).await["status"], "done");
        let number = decide(&t.api, &row, "accept").await["discussion"].as_i64().expect("it opened one");
        assert_eq!(t.discussion(number).await["project"], "alpha");
    });
}

#[test]
fn two_programs_that_answer_each_other_are_held_in_their_discussion() {
    journey(async |t| {
        let ours = amy_was_answered(t).await;
        // Of eleven alike, the first is somebody's words.
        for _ in 0..11 {
            let id = t.mail.arrives(&Letter::answering(&ours, AMY, "您的來信已收到，案號 7")).await;
            if t.settled(&id).await["status"] != "done" {
                break;
            }
        }
        let row = held(t, &Letter::answering(&ours, AMY, "您的來信已收到，案號 7")).await;
        assert_eq!((&row["held"]["why"], &row["discussion"]), (&"too_many_posts".into(), &1.into()));
        let mails = bodies(&t.discussion(1).await).iter().filter(|b| b.contains("案號 7")).count();
        assert_eq!(mails, 9, "with the one that opened it, ten of hers");
        let by_hand = t.mail.arrives(&Letter::answering(&ours, AMY, "不好意思，系統一直回")).await;
        assert_eq!(t.settled(&by_hand).await["status"], "done");
    });
}

#[test]
fn a_vacation_answer_is_a_quiet_line_that_reopens_nothing() {
    journey(async |t| {
        let ours = amy_was_answered(t).await;
        let amy = t.client_with_token("alpha", AMY).await;
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        t.until_all_is_told().await;
        let told = t.mail.sent().await.len();
        for n in 0..3 {
            let away = Letter::answering(&ours, AMY, &format!("我目前休假中，下週一回覆您。{n}")).header("Auto-Submitted", "auto-replied");
            let id = t.mail.arrives(&away).await;
            let row = t.settled(&id).await;
            assert_eq!((&row["status"], &row["discussion"]), (&"ignored".into(), &1.into()));
        }
        let found = t.discussion(1).await;
        assert_eq!((&found["status"], bodies(&found).len()), (&"resolved".into(), 2));
        let lines: Vec<&Value> =
            found["events"].as_array().expect("it has events").iter().filter(|e| e["kind"] == "auto_replied").collect();
        assert_eq!(lines.len(), 1, "one an hour: {lines:?}");
        assert!(lines[0]["text"].as_str().is_some_and(|text| text.starts_with("我目前休假中")) && lines[0]["by"] == "客戶");
        assert!(!events(&amy.get("/discussions/1").await.expect(200)).contains(&"auto_replied".to_owned()));
        stays("nobody is told", async || t.mail.sent().await.len() == told).await;
    });
}

fn bounce(of: &Mail, id: &str) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.client.example\r\nTo: support@example.com\r\nSubject: Undelivered Mail\r\n\
         Message-ID: <{id}@mail.client.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"dsn\"\r\n\r\n\
         --dsn\r\nContent-Type: text/plain\r\n\r\nUser unknown\r\n\
         --dsn\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.client.example\r\n\r\n\
         Final-Recipient: rfc822; {AMY}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n\
         --dsn\r\nContent-Type: text/rfc822-headers\r\n\r\nTo: {AMY}\r\nMessage-ID: <{}>\r\nSubject: x\r\n\r\n--dsn--\r\n",
        of.message_id
    )
    .into_bytes()
}

#[test]
fn a_bounce_marks_the_address_until_somebody_writes_from_it() {
    journey(async |t| {
        let ours = amy_was_answered(t).await;
        let wang = t.staff("alpha", "Wang").await;
        t.until_all_is_told().await;
        for n in 1..=2 {
            let id = format!("bounce-{n}");
            t.mail.arrives_raw(&bounce(&ours, &id)).await;
            assert_eq!(t.settled(&format!("{id}@mail.client.example")).await["discussion"], 1);
        }
        let found = t.discussion(1).await;
        assert_eq!(events(&found), ["bounced"], "the same mail came back once");
        assert_eq!(found["events"][0]["address"], AMY);
        let told = eventually("staff are told", async || t.mail.sent_to(&wang.email).await.pop()).await;
        assert!(told.text.contains("寄給 amy@client.example 的信被退回"), "{}", told.text);
        stays("once", async || t.mail.sent_to(&wang.email).await.len() == 1).await;
        let browser = t.browser(&wang).await;
        assert!(browser.get("/d/1").await.html.contains("信件退回"));
        assert_eq!(bodies(&found).len(), 2, "it is no post");
        let id = t.mail.arrives(&Letter::new(AMY, "Re: [#1] 大門感應器壞了", "收得到了")).await;
        assert_eq!(t.settled(&id).await["discussion"], 1);
        assert!(!browser.get("/d/1").await.html.contains("信件退回"));
    });
}
