//! Pictures and files that people send are kept with the words that they came with, and go when those go.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::{Endpoint, Event, Fault, FaultKind, Say, Upload};

use crate::support::api::File;
use crate::support::{PUBLIC_URL, Setup, TestApp, bodies, eventually, journey, journey_with, long_ago, posts, stays};

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
            // Or it has come already: a slow machine may miss the seconds in between.
            let post = &answer.body["posts"][0];
            (answer.status == 200 && (post["attachments_waiting"] == 1 || !post["attachments"][0].is_null())).then_some(())
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
fn an_unsend_that_comes_first_lets_only_a_tombstone_in() {
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
            assert_eq!(t.settled(&event.id).await["status"], "done");
        }
        stays("nothing of it is in the record", async || {
            let found = t.discussion(1).await;
            let gone = posts(&found).iter().filter(|p| p["retracted"] == true && p["attachments"] == json!([])).count();
            bodies(&found) == ["頂樓漏水", "", ""] && gone == 2 && kept(t) == 0
        })
        .await;
        assert_eq!(t.discussions().await.len(), 1);
        t.until_all_is_told().await;
        assert_eq!(t.line.sent().len(), 1, "a tombstone is told to nobody");
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
        t.line.fault(Fault::once(Endpoint::Content, FaultKind::Slow(Duration::from_mins(1))));
        sends(t, &chat, &lin, picture()).await;
        t.say(&chat, &lin, "照片在上面").await;
        let found = t.discussion_where("照片在上面").await;
        assert_eq!(posts(&found)[0]["attachments_waiting"], 1);
        eventually("the group is told meanwhile", async || t.line.sent_to(&chat).pop()).await;
    });
}

/// The first post's file that is not kept, once it is known what became of it.
async fn absent(t: &TestApp, number: i64) -> Value {
    eventually("it is known not to be kept", async || {
        let answer = t.api.get(&format!("/discussions/{number}")).await;
        answer.body["posts"][0]["attachments_absent"].get(0).cloned()
    })
    .await
}

/// Staff have it fetched again.
async fn again(t: &TestApp, absent: &Value) -> u16 {
    let id = absent["id"].as_str().expect("an absent file has an id");
    t.api.ask(Method::POST, &format!("/files/{id}"), None).await.status
}

#[test]
fn what_line_refuses_at_first_is_asked_for_again() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        for status in [404, 400, 503, 429] {
            t.line.fault(Fault::once(Endpoint::Content, FaultKind::Status(status)));
        }
        sends(t, &chat, &lin, picture()).await;
        t.discussion_where("").await;
        assert_eq!(files(t, 1).await.len(), 1);
        assert_eq!(t.line.requests(Endpoint::Content).len(), 5);
    });
}

#[test]
fn a_file_that_line_no_longer_has_is_given_up_at_once_and_can_be_asked_for_again() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let mut event = t.line.image(&chat, Some(&lin), picture());
        event.json["timestamp"] = json!(long_ago().as_millisecond());
        t.line.fault(Fault::once(Endpoint::Content, FaultKind::Status(404)));
        t.deliver(&event).await;
        t.settled(&event.id).await;
        let lost = absent(t, 1).await;
        assert_eq!(lost["status"], "failed");
        assert_eq!(t.line.requests(Endpoint::Content).len(), 1);
        let client = t.client_with_token("alpha", "lin@client.example").await;
        let path = format!("/files/{}", lost["id"].as_str().expect("it has an id"));
        client.ask(Method::POST, &path, None).await.expect_problem(403);
        t.api.with_token("tl_wrong").ask(Method::POST, &path, None).await.expect_problem(404);
        assert_eq!(again(t, &lost).await, 202);
        assert_eq!(files(t, 1).await.len(), 1);
        assert_eq!(again(t, &lost).await, 409, "there is nothing to fetch any more");
    });
}

#[test]
fn a_file_that_line_says_is_gone_is_shown_as_taken_back() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.line.fault(Fault::once(Endpoint::Content, FaultKind::Status(410)));
        sends(t, &chat, &lin, picture()).await;
        t.discussion_where("").await;
        let gone = absent(t, 1).await;
        assert_eq!(gone["status"], "withdrawn");
        assert_eq!(again(t, &gone).await, 409);
    });
}

#[test]
fn a_file_over_the_limit_is_told_of_and_not_kept() {
    const MB: u64 = 1024 * 1024;
    journey_with(Setup { file_mb_max: 1, ..Setup::default() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        // One whose size LINE tells; one of which only the message does; one of which nobody does; and one that just fits.
        let told = t.line.video(&chat, Some(&lin), Upload::new("video/mp4", vec![1; 2_000_000]));
        let named = t.line.file(&chat, Some(&lin), "圖.zip", Upload::faucet("application/zip", 3 * MB));
        let unknown = t.line.video(&chat, Some(&lin), Upload::faucet("video/mp4", 4 * MB));
        let fits = t.line.file(&chat, Some(&lin), "剛好.bin", Upload::faucet("application/zip", MB));
        for event in [&told, &named, &unknown, &fits] {
            t.deliver(event).await;
            t.settled(&event.id).await;
        }
        let posts = eventually("it is known what is kept", async || {
            let found = t.discussion(1).await;
            let known = posts(&found).len() == 4 && posts(&found).iter().all(|p| p["attachments_waiting"] == 0);
            known.then(|| posts(&found).clone())
        })
        .await;
        let absent: Vec<_> = posts.iter().map(|p| &p["attachments_absent"][0]).collect();
        assert_eq!([&absent[0]["status"], &absent[0]["size"]], [&json!("too_large"), &json!(2_000_000)]);
        assert_eq!([&absent[1]["status"], &absent[1]["size"], &absent[1]["name"]], [&json!("too_large"), &json!(3 * MB), &json!("圖.zip")]);
        assert_eq!([&absent[2]["status"], &absent[2]["size"]], [&json!("too_large"), &json!(null)]);
        assert_eq!(posts[3]["attachments"][0]["size"], MB);
        assert_eq!(kept(t), 1, "nothing of what is too large stays");
        // As long as the limit is what it is, another try ends the same way.
        assert_eq!(again(t, absent[0]).await, 202);
        eventually("it was asked for again", async || (t.line.requests(Endpoint::Content).len() == 5).then_some(())).await;
        eventually("it is refused again", async || {
            (t.discussion(1).await["posts"][0]["attachments_absent"][0]["status"] == "too_large").then_some(())
        })
        .await;
    });
}

#[test]
fn a_part_of_a_file_is_given_to_who_asks_for_one() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        for (name, content_type) in [("影片.mp4", "video/mp4"), ("a.txt", "text/plain")] {
            let event = t.line.file(&chat, Some(&lin), name, Upload::new(content_type, bytes.clone()));
            t.deliver(&event).await;
            t.settled(&event.id).await;
        }
        let all = eventually("both are fetched", async || {
            let found = t.discussion(1).await;
            let all: Vec<Value> = posts(&found).iter().filter_map(|p| p["attachments"].get(0).cloned()).collect();
            (all.len() == 2).then_some(all)
        })
        .await;
        let url = all[0]["url"].as_str().expect("a file has a link");
        let whole = fetched(t, &all[0]).await;
        let tag = whole.header("etag").to_owned();
        assert_eq!((whole.header("accept-ranges"), whole.header("content-length"), tag.len()), ("bytes", "200000", 66));
        assert!(whole.header("cache-control").starts_with("private"));

        let part = t.api.file_with(Method::GET, url, &[("range", "bytes=1000-1999"), ("if-range", &tag)]).await;
        assert_eq!((part.status, part.header("content-range"), part.header("content-length")), (206, "bytes 1000-1999/200000", "1000"));
        assert!(part.bytes == bytes[1000..2000]);
        let end = t.api.file_with(Method::GET, url, &[("range", "bytes=-5")]).await;
        assert_eq!((end.status, end.header("content-range"), end.bytes.as_slice()), (206, "bytes 199995-199999/200000", &bytes[199_995..]));
        let other = t.api.file_with(Method::GET, url, &[("range", "bytes=1000-1999"), ("if-range", "\"other\"")]).await;
        assert!(other.status == 200 && other.bytes == bytes);
        let beyond = t.api.file_with(Method::GET, url, &[("range", "bytes=200000-")]).await;
        assert_eq!((beyond.status, beyond.header("content-range"), beyond.bytes.len()), (416, "bytes */200000", 0));
        let known = t.api.file_with(Method::GET, url, &[("if-none-match", &tag)]).await;
        assert_eq!((known.status, known.bytes.len()), (304, 0));
        let head = t.api.file_with(Method::HEAD, url, &[]).await;
        assert_eq!((head.status, head.header("content-length"), head.bytes.len()), (200, "200000", 0));

        // What is text is not compressed on the way: its parts would be other octets.
        let plain = t.api.file_with(Method::GET, all[1]["url"].as_str().expect("it has a link"), &[("accept-encoding", "gzip")]).await;
        assert_eq!((plain.header("content-encoding"), plain.header("content-length")), ("", "200000"));
        // A person who is not logged in is led to the login, and a program told that there is nothing.
        let nobody = t.api.with_token("").file_with(Method::GET, url, &[("accept", "text/html,*/*")]).await;
        assert!(nobody.status == 200 && String::from_utf8_lossy(&nobody.bytes).contains("name=\"next\""));
    });
}
