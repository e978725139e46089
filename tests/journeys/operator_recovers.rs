//! What goes wrong around the program, and what is left of it afterwards: nothing lost, nothing twice, everything listed.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use threadline::domain::{LineChatId, Via};
use threadline::simulator::{Endpoint, Fault, FaultKind, Say};

use crate::support::api::Api;
use crate::support::database::Database;
use crate::support::mail::Letter;
use crate::support::program::{self, Server};
use crate::support::{PUBLIC_URL, Setup, TestApp, eventually, journey, journey_with, long_ago, posts, stays};

/// LINE's largest body that is taken, in bytes.
const WEBHOOK_BYTES_MAX: usize = 1024 * 1024;

#[test]
fn a_webhook_that_line_did_not_sign_is_refused_and_nothing_is_kept() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let body = t.line.body(&[t.line.say(&chat, Some(&lin), "假的", Say::default())], false);
        let others = t.line.signature(b"another body");
        for signature in [None, Some(""), Some("bm90IGEgc2lnbmF0dXJl"), Some("?"), Some(others.as_str())] {
            assert_eq!(t.line.post(body.clone(), signature).await.status, 401, "{signature:?}");
        }
        stays("nothing is kept", async || t.api.items("/inbound").await.is_empty()).await;
        assert!(t.discussions().await.is_empty());
    });
}

#[test]
fn a_webhook_that_is_none_is_refused_with_the_right_status() {
    journey(async |t| {
        t.project_with_group("alpha").await;
        let post = async |body: Vec<u8>| {
            let signature = t.line.signature(&body);
            t.line.post(body, Some(&signature)).await.status
        };
        assert_eq!(post(b"{\"destination\": \"U\", \"events\": [".to_vec()).await, 400);
        assert_eq!(post(b"\xff\xfe".to_vec()).await, 400);
        assert_eq!(post(vec![b' '; WEBHOOK_BYTES_MAX + 1]).await, 413);
        assert_eq!(post(t.line.body(&[], false)).await, 200, "the console's \"Verify\" has no events");
        t.line.set_webhook(&t.webhook("nobody"));
        assert_eq!(post(t.line.body(&[], false)).await, 404);
        assert!(t.api.items("/inbound").await.is_empty());
    });
}

#[test]
fn what_line_has_yet_to_invent_is_kept_and_shown() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let strange = t.line.strange_event("hologram", &chat, Some(&lin), json!({"hologram": {"id": "1"}}));
        let message = json!({"message": {"id": "61200000001", "type": "dream", "depth": 3}});
        let stranger = t.line.strange_event("message", &chat, Some(&lin), message);
        let plain = t.line.say(&chat, Some(&lin), "這是文字", Say::default());
        assert_eq!(t.line.deliver(&[strange.clone(), stranger.clone(), plain]).await.status, 200);
        let found = t.discussion_where("這是文字").await;
        assert_eq!(posts(&found)[0]["kind"], "unsupported:dream");
        assert!(posts(&found)[0]["body_text"].as_str().is_some_and(|b| b.contains("dream")), "{found}");
        assert_eq!(t.settled(&strange.id).await["status"], "ignored");
        assert_eq!(t.settled(&stranger.id).await["status"], "done");
    });
}

#[test]
fn a_mail_that_cannot_be_read_is_listed_with_its_error_and_the_next_goes_on() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", "@client.example").await;
        t.mail.arrives_raw(b"").await;
        t.mail.arrives_raw(b"From: a@client.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe\xfd").await;
        let good = t.mail.arrives(&Letter::new("amy@client.example", "好的信", "看得懂")).await;
        assert_eq!(t.settled(&good).await["status"], "done");
        let rows = eventually("all three are dealt with", async || {
            let rows = t.api.items("/inbound").await;
            (rows.len() == 3 && rows.iter().all(|r| r["status"] != "received")).then_some(rows)
        })
        .await;
        let failed: Vec<&Value> = rows.iter().filter(|r| r["status"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{rows:?}");
        assert!(failed[0]["error"].as_str().is_some_and(|e| !e.is_empty()), "{failed:?}");
        assert_eq!(t.api.items("/inbound?status=failed").await.len(), 1);
        eventually("nothing is taken again and again", async || (t.mail.waiting().await == 0).then_some(())).await;
    });
}

/// Every way in which LINE may fail to take something.
const FAULTS: [FaultKind; 6] = [
    FaultKind::Status(500),
    FaultKind::Rate,
    FaultKind::Slow(Duration::from_millis(1200)),
    FaultKind::DropBefore,
    FaultKind::DropAfter,
    FaultKind::HalfBody,
];

/// As many groups of one project as there are faults.
async fn groups(t: &TestApp) -> Vec<LineChatId> {
    t.project("alpha").await;
    let mut groups = vec![];
    for n in 1..=FAULTS.len() {
        let person = t.line.person(&format!("客戶 {n}"));
        let chat = t.line.group(&format!("第 {n} 組"), std::slice::from_ref(&person));
        t.bind("alpha", &chat).await;
        groups.push(chat);
    }
    groups
}

/// Every notice that has not left; on Mondays a week of which there is nothing to tell is none.
async fn not_sent(api: &Api) -> Vec<Value> {
    api.items("/deliveries").await.into_iter().filter(|n| n["status"] != "sent" && n["kind"] != "weekly").collect()
}

#[test]
fn replies_that_line_refuses_delays_or_drops_arrive_once() {
    journey(async |t| {
        let groups = groups(t).await;
        for kind in FAULTS {
            t.line.fault(Fault::once(Endpoint::Reply, kind));
        }
        for chat in &groups {
            t.deliver(&t.line.say(chat, None, "頂樓漏水", Say::default())).await;
        }
        eventually("every group is told", async || groups.iter().all(|g| !t.line.sent_to(g).is_empty()).then_some(())).await;
        t.until_all_is_told().await;
        stays("each is told once", async || groups.iter().all(|g| t.line.sent_to(g).len() == 1)).await;
        assert_eq!(t.line.billed(), 0);
        let otherwise: Vec<Value> = not_sent(&t.api).await;
        assert!(otherwise.is_empty(), "{otherwise:?}");
    });
}

#[test]
fn pushes_that_line_refuses_delays_or_drops_arrive_once() {
    journey(async |t| {
        let groups = groups(t).await;
        for kind in FAULTS {
            t.line.fault(Fault::once(Endpoint::Push, kind));
        }
        for chat in &groups {
            let at = long_ago();
            t.deliver(&t.line.say(chat, None, "頂樓漏水", Say { at: Some(at), ..Say::default() })).await;
        }
        eventually("every group is acknowledged", async || groups.iter().all(|g| !t.line.sent_to(g).is_empty()).then_some(())).await;
        t.until_all_is_told().await;
        for number in 1..=groups.len() {
            let body = json!({"body": format!("回覆第 {number} 件")});
            t.api.post(&format!("/discussions/{number}/posts"), &body).await.expect(201);
        }
        let pushes = |g: &LineChatId| t.line.sent_to(g).into_iter().filter(|s| s.via == Via::LinePush).count();
        eventually("every group is told", async || groups.iter().all(|g| pushes(g) > 0).then_some(())).await;
        t.until_all_is_told().await;
        stays("each is told once", async || groups.iter().all(|g| pushes(g) == 1)).await;
        let otherwise: Vec<Value> = not_sent(&t.api).await;
        assert!(otherwise.is_empty(), "{otherwise:?}");
        assert!(t.line.requests(Endpoint::Push).len() >= groups.len() + 5, "five of them were tried again");
    });
}

#[test]
fn what_line_will_never_take_is_shown_as_failed_with_the_reason() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        t.line.fault(Fault::once(Endpoint::Push, FaultKind::Status(403)));
        t.api.post("/discussions/1/posts", &json!({"body": "明天過去"})).await.expect(201);
        let failed = eventually("it is listed as failed", async || t.api.items("/deliveries?status=failed").await.pop()).await;
        assert_eq!((&failed["target"], &failed["via"]), (&chat.as_str().into(), &"line-push".into()));
        assert!(failed["last_error"].as_str().is_some_and(|e| e.contains("403")), "{failed}");
    });
}

/// A matter in a group whose client has an address, acknowledged long enough ago that its token is of no use.
async fn client_with_address(t: &TestApp) -> LineChatId {
    let (chat, lin) = t.project_with_group("alpha").await;
    t.api
        .put("/projects/alpha/members", &json!({"email": "lin@client.example", "line_user_id": lin.as_str(), "role": "client"}))
        .await
        .expect(200);
    t.said_before(&chat, &lin, "頂樓漏水").await;
    eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
    t.until_all_is_told().await;
    chat
}

/// The answer goes by mail, waits for a free ride, and takes it.
async fn goes_by_mail_and_rides_later(t: &TestApp, chat: &LineChatId) {
    let mail = eventually("the client has mail instead", async || t.mail.sent_to("lin@client.example").await.pop()).await;
    assert!(mail.text.contains("師傅明天到"), "{}", mail.text);
    let billed = t.line.billed();
    stays("nothing is billed, and one mail is enough", async || {
        t.line.billed() == billed && t.mail.sent_to("lin@client.example").await.len() == 1
    })
    .await;
    t.deliver(&t.line.say(chat, None, "有人嗎", Say::default())).await;
    eventually("it rides for free", async || {
        t.line.sent_to(chat).into_iter().find(|s| s.via == Via::LineReply && s.strings().join("\n").contains("師傅明天到"))
    })
    .await;
    t.until_all_is_told().await;
    assert_eq!(t.line.billed(), billed);
}

#[test]
fn when_lines_quota_is_used_up_the_client_gets_mail_and_the_notice_a_free_ride_later() {
    journey_with(Setup { quota: Some(10), ..Setup::default() }, async |t| {
        let chat = client_with_address(t).await;
        t.line.use_up(10);
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        goes_by_mail_and_rides_later(t, &chat).await;
        assert_eq!(t.line.requests(Endpoint::Push).len(), 1, "it is not tried again until the month turns");
    });
}

#[test]
fn our_own_budget_is_kept_without_asking_line() {
    journey_with(Setup { monthly_budget: 1, ..Setup::default() }, async |t| {
        let chat = client_with_address(t).await;
        t.api.post("/discussions/1/posts", &json!({"body": "收到，安排中"})).await.expect(201);
        eventually("the budget pays for one", async || (t.line.billed() == 1).then_some(())).await;
        t.until_all_is_told().await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        goes_by_mail_and_rides_later(t, &chat).await;
        assert_eq!(t.line.requests(Endpoint::Push).len(), 1);
    });
}

/// A configuration beside the journey's own, with another database and an empty store.
fn another_config(t: &TestApp, name: &str, database: &Database) -> std::path::PathBuf {
    let folder = t.folder().join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join("bot-config.toml");
    fs::write(&file, t.config_text(database.url())).expect("the configuration can be written");
    file
}

/// Restores the backup there, starts the program on it and compares what it knows.
async fn restored_is_the_same(t: &TestApp, backup: &str, name: &str, database: &Database, expected: &[Value]) {
    // What was in hand at the moment of the backup is tried again by whoever is restored from it.
    t.line.client_was_killed();
    let config = another_config(t, name, database);
    program::succeed(&config, &["restore", backup]).await;
    let said = program::refuse(&config, &["restore", backup]).await;
    assert!(said.contains("empty"), "{said}");
    let server = Server::start(&config, &t.folder().join(format!("{name}.log"))).await;
    let api = t.api.at(&server.base);
    for discussion in expected {
        let number = discussion["number"].as_i64().expect("a discussion has a number");
        let again = api.get(&format!("/discussions/{number}")).await.expect(200);
        assert_eq!(*discussion, again, "it came back as it was");
        for file in posts(discussion).iter().flat_map(|p| p["attachments"].as_array().into_iter().flatten()) {
            let url = file["url"].as_str().expect("a file has a link");
            assert_eq!(api.file(url).await.bytes, t.api.file(url).await.bytes);
        }
    }
    let opened = api.post("/discussions", &json!({"project": "alpha", "title": "新的", "body": "繼續"})).await.expect(201);
    assert!(expected.iter().all(|d| d["number"] != opened["number"]), "its numbers go on");
    server.stop().await;
}

#[test]
fn a_backup_made_while_it_runs_comes_back_on_either_database() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.sender("alpha", "@client.example").await;
        t.said_before(&chat, &lin, "頂樓漏水 🏠").await;
        let letter =
            Letter::new("amy@client.example", "圖面", "如附件").attach("plan.bin", "application/octet-stream", &[0, 159, 146, 150]);
        let mail = t.mail.arrives(&letter).await;
        t.settled(&mail).await;
        t.until_all_is_told().await;
        let expected = [t.discussion(1).await, t.discussion(2).await];
        let dir = t.folder().join("backup");
        let dir = dir.to_str().expect("the path is UTF-8");
        let args = ["backup", dir];
        let saved = program::succeed(&t.config, &args);
        let elsewhere = t.line.group("別的群組", std::slice::from_ref(&lin));
        let busy = async {
            for n in 0..20 {
                t.deliver(&t.line.say(&elsewhere, Some(&lin), &format!("備份時說的 {n}"), Say::default())).await;
            }
        };
        tokio::join!(saved, busy);
        // Whoever is restored from it takes the place of a program that has ended: this one is to have used its reply tokens by then.
        for event in t.api.items("/inbound?status=received").await {
            t.settled(event["external_id"].as_str().expect("an event has an id")).await;
        }
        t.until_all_is_told().await;
        let same = Database::new(t.folder()).await;
        restored_is_the_same(t, dir, "same", &same, &expected).await;
        if let Some(other) = Database::of_the_other_kind(t.folder()) {
            restored_is_the_same(t, dir, "other", &other, &expected).await;
            other.drop().await;
        }
        same.drop().await;
        let said = program::refuse(&t.config, &["restore", dir]).await;
        assert!(said.contains("empty"), "{said}");
        let said = program::refuse(&t.config, &["backup", dir]).await;
        assert!(said.contains("empty"), "{said}");
    });
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

#[test]
fn a_backup_without_a_file_that_it_needs_says_so_and_so_does_a_restore() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", "@client.example").await;
        let letter =
            Letter::new("amy@client.example", "圖面", "如附件").attach("plan.bin", "application/octet-stream", &[0, 159, 146, 150]);
        let mail = t.mail.arrives(&letter).await;
        t.settled(&mail).await;
        t.until_all_is_told().await;
        let whole = t.folder().join("whole");
        program::succeed(&t.config, &["backup", text(&whole)]).await;
        let files: Vec<_> = fs::read_dir(whole.join("files")).expect("it has files").map(|f| f.expect("it is read").path()).collect();
        assert_eq!(files.len(), 2, "the mail and what came with it");
        let (lost, bytes) = (&files[0], fs::read(&files[0]).expect("it is there"));
        let name = lost.file_name().and_then(|n| n.to_str()).expect("a hash");
        fs::remove_file(lost).expect("it can be removed");
        let fresh = Database::new(t.folder()).await;
        let config = another_config(t, "fresh", &fresh);
        let said = program::refuse(&config, &["restore", text(&whole)]).await;
        assert!(said.contains("nothing was put back") && said.contains(name), "{said}");
        fs::write(lost, bytes).expect("it can be written");
        program::succeed(&config, &["restore", text(&whole)]).await;

        // What the storage has lost the backup has not: the operator hears of it, and has the rest.
        fs::remove_file(t.folder().join("files").join(&name[..2]).join(name)).expect("it is in the storage");
        let partial = t.folder().join("partial");
        let said = program::refuse(&t.config, &["backup", text(&partial)]).await;
        assert!(said.contains("1 files") && said.contains(name), "{said}");
        let next = Database::new(t.folder()).await;
        program::succeed(&another_config(t, "next", &next), &["restore", text(&partial)]).await;
        next.drop().await;
        fresh.drop().await;
    });
}

#[test]
fn sigterm_ends_it_in_time_and_the_next_start_goes_on() {
    journey(async |t| {
        t.project("alpha").await;
        let database = Database::new(t.folder()).await;
        let config = another_config(t, "second", &database);
        let log = t.folder().join("second.log");
        let server = Server::start(&config, &log).await;
        let token = program::account(&config, "second@example.com", "二老闆", true).await;
        let api = t.api.at(&server.base).with_token(&token);
        api.post("/projects", &json!({"key": "beta", "name": "乙"})).await.expect(201);
        server.stop().await;
        for _ in 0..5 {
            let server = Server::start(&config, &log).await;
            api.at(&server.base).get("/projects/beta").await.expect(200);
            server.stop().await;
        }
        database.drop().await;
    });
}

#[test]
fn the_programs_health_is_told_to_anybody_and_nothing_else_with_it() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水的秘密").await;
        t.discussion_where("頂樓漏水的秘密").await;
        for path in ["/healthz", "/readyz", "/metrics"] {
            let answer = t.api.with_token("").file(&format!("{PUBLIC_URL}{path}")).await;
            assert_eq!(answer.status, 200, "{path}");
            let told = String::from_utf8(answer.bytes).expect("it is text");
            for secret in ["秘密", "林小姐", chat.as_str(), lin.as_str()] {
                assert!(!told.contains(secret), "{path} tells {secret}");
            }
        }
    });
}
