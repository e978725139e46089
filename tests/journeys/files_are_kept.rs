//! Pictures and files that people send are kept with the words that they came with, and go when those go.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::{Endpoint, Event, Fault, FaultKind, Say, Upload};

use crate::support::api::File;
use crate::support::{PUBLIC_URL, TestApp, bodies, eventually, journey, posts, stays};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";

fn picture() -> Upload {
    Upload::new("image/png", PNG)
}

/// The first post's files once none is being fetched any more.
async fn files(t: &TestApp, number: i64) -> Vec<Value> {
    eventually("the files are fetched", async || {
        let answer = t.api.get(&format!("/discussions/{number}")).await;
        let post = answer.body["posts"].get(0)?.clone();
        (post["attachments_waiting"] == 0).then(|| post["attachments"].as_array().expect("a post has attachments").clone())
    })
    .await
}

async fn fetched(t: &TestApp, file: &Value) -> File {
    t.api.file(file["url"].as_str().expect("a file has a link")).await
}

/// Files in the store, half ones too.
fn kept(t: &TestApp) -> usize {
    let folders = fs::read_dir(t.folder().join("files")).expect("the store is a folder").filter_map(Result::ok);
    folders.map(|folder| fs::read_dir(folder.path()).map_or(1, Iterator::count)).sum()
}

async fn sends(t: &TestApp, chat: &LineChatId, user: &LineUserId, upload: Upload) -> Event {
    let event = t.line.image(chat, Some(user), upload);
    t.deliver(&event).await;
    event
}

#[test]
fn a_picture_that_line_still_prepares_is_fetched_when_it_is_ready() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        sends(t, &chat, &lin, Upload { not_ready: 2, ..picture() }).await;
        eventually("it is known to be on its way", async || {
            let answer = t.api.get("/discussions/1").await;
            (answer.status == 200 && answer.body["posts"][0]["attachments_waiting"] == 1).then_some(())
        })
        .await;
        let files = files(t, 1).await;
        assert_eq!(files.len(), 1);
        assert_eq!((&files[0]["content_type"], &files[0]["size"]), (&"image/png".into(), &PNG.len().into()));
        assert!(files[0]["url"].as_str().is_some_and(|u| u.starts_with(PUBLIC_URL)));
        let got = fetched(t, &files[0]).await;
        assert_eq!((got.status, got.bytes.as_slice()), (200, PNG));
        assert!(got.header("content-disposition").starts_with("inline"));
        assert_eq!(t.line.requests(Endpoint::Content).len(), 3);
        assert_eq!(t.discussion(1).await["title"], "圖片");
    });
}

#[test]
fn a_file_keeps_its_name_and_its_bytes() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wild: Vec<u8> = (0..300_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        let event = t.line.file(&chat, Some(&lin), "報價單 v3 (最終).pdf", Upload::new("application/pdf", wild.clone()));
        t.deliver(&event).await;
        t.settled(&event.id).await;
        let files = files(t, 1).await;
        assert_eq!(files[0]["name"], "報價單 v3 (最終).pdf");
        let got = fetched(t, &files[0]).await;
        assert!(got.bytes == wild, "the bytes are what they were");
        assert!(got.header("content-disposition").contains("%E5%A0%B1%E5%83%B9%E5%96%AE"), "{}", got.header("content-disposition"));
        assert_eq!(t.discussion(1).await["title"], "報價單 v3 (最終).pdf");
    });
}

#[test]
fn a_download_that_breaks_off_is_begun_again() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let large: Bytes = vec![7_u8; 400_000].into();
        for kind in [FaultKind::HalfBody, FaultKind::DropBefore, FaultKind::Status(500)] {
            t.line.fault(Fault::once(Endpoint::Content, kind));
        }
        sends(t, &chat, &lin, Upload::new("image/jpeg", large.clone())).await;
        t.discussion_where("").await;
        let files = files(t, 1).await;
        assert!(fetched(t, &files[0]).await.bytes == large);
        assert_eq!(kept(t), 1, "nothing half is left in the store");
    });
}

#[test]
fn a_picture_that_was_taken_back_before_it_was_fetched_is_no_failure() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let event = t.line.image(&chat, Some(&lin), picture());
        let unsend = t.line.unsend(event.message_id());
        t.deliver(&event).await;
        t.discussion_where("").await;
        assert!(files(t, 1).await.is_empty());
        assert_eq!(kept(t), 0);
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        assert_eq!(posts(&t.discussion(1).await)[0]["retracted"], true);
    });
}

#[test]
fn unsending_removes_words_file_and_title() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let words = t.say(&chat, &lin, "我的身分證字號是甲乙丙").await;
        t.discussion_where("我的身分證字號是甲乙丙").await;
        let picture = t.line.image(&chat, Some(&lin), picture());
        t.deliver(&picture).await;
        let url = eventually("the picture is there", async || {
            let found = t.discussion(1).await;
            posts(&found).get(1)?["attachments"].get(0)?["url"].as_str().map(str::to_owned)
        })
        .await;
        t.until_all_is_told().await;
        for event in [&words, &picture] {
            let unsend = t.line.unsend(event.message_id());
            t.deliver(&unsend).await;
            t.settled(&unsend.id).await;
        }
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["", ""]);
        for post in posts(&found) {
            assert_eq!((&post["retracted"], &post["body_html"], &post["attachments"]), (&true.into(), &"".into(), &json!([])));
        }
        assert!(!found["title"].as_str().expect("it has a title").contains("身分證"), "{}", found["title"]);
        assert_eq!(t.api.file(&url).await.status, 404);
        eventually("the bytes are gone", async || (kept(t) == 0).then_some(())).await;
        assert!(t.api.items("/discussions?q=身分證").await.is_empty());
    });
}

#[test]
fn an_unsend_that_comes_first_lets_nothing_in() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let words = t.line.say(&chat, Some(&lin), "說錯了", Say::default());
        let picture = t.line.image(&chat, Some(&lin), picture());
        for event in [&words, &picture] {
            let unsend = t.line.unsend(event.message_id());
            t.deliver(&unsend).await;
            t.settled(&unsend.id).await;
        }
        for event in [&words, &picture] {
            t.deliver(event).await;
            assert_eq!(t.settled(&event.id).await["status"], "ignored");
        }
        stays("nothing of it is in the record", async || bodies(&t.discussion(1).await) == ["頂樓漏水"] && kept(t) == 0).await;
    });
}

#[test]
fn a_notice_that_has_not_left_is_dropped_with_what_it_told_of() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let said = t.line.say(&chat, Some(&lin), "說錯了", Say::default());
        let unsend = t.line.unsend(said.message_id());
        t.line.deliver(&[said, unsend]).await;
        t.until_all_is_told().await;
        stays("nobody is told", async || {
            let mails = t.mail.sent_to(&wang.email).await;
            t.line.sent().is_empty() && mails.is_empty()
        })
        .await;
    });
}

#[test]
fn a_client_cannot_read_another_projects_file() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        let ours = t.client_with_token("alpha", "lin@client.example").await;
        let theirs = t.client_with_token("beta", "eve@evil.example").await;
        sends(t, &chat, &lin, picture()).await;
        t.discussion_where("").await;
        let url = files(t, 1).await[0]["url"].as_str().expect("a file has a link").to_owned();
        assert_eq!(ours.file(&url).await.status, 200);
        assert_eq!(theirs.file(&url).await.status, 404);
        assert_eq!(t.api.with_token("").file(&url).await.status, 404);
        assert_eq!(t.api.with_token("tl_wrong").file(&url).await.status, 404);
    });
}

#[test]
fn what_could_run_in_a_browser_is_only_ever_downloaded() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        for (name, content_type) in
            [("a.html", "text/html"), ("b.svg", "image/svg+xml"), ("c.xhtml", "application/xhtml+xml; charset=utf-8")]
        {
            let event = t.line.file(&chat, Some(&lin), name, Upload::new(content_type, "<script>alert(1)</script>"));
            t.deliver(&event).await;
            t.settled(&event.id).await;
        }
        let all = eventually("all are fetched", async || {
            let found = t.discussion(1).await;
            let all: Vec<Value> = posts(&found).iter().filter_map(|p| p["attachments"].get(0).cloned()).collect();
            (all.len() == 3).then_some(all)
        })
        .await;
        for file in all {
            let got = fetched(t, &file).await;
            assert_eq!(got.status, 200);
            assert!(got.header("content-disposition").starts_with("attachment"), "{file}");
            assert_eq!(got.header("content-type"), "application/octet-stream", "{file}");
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            assert!(got.header("content-security-policy").contains("sandbox"));
        }
    });
}

#[test]
fn a_slow_download_does_not_hold_up_what_is_said() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.line.fault(Fault::once(Endpoint::Content, FaultKind::Slow(Duration::from_secs(5))));
        sends(t, &chat, &lin, picture()).await;
        t.say(&chat, &lin, "照片在上面").await;
        let found = t.discussion_where("照片在上面").await;
        assert_eq!(posts(&found)[0]["attachments_waiting"], 1);
        eventually("the group is told meanwhile", async || t.line.sent_to(&chat).pop()).await;
    });
}
