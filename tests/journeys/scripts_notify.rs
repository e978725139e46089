//! Scripts that spoke through LINE Notify change nothing but their host.

use std::time::Duration;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use threadline::domain::{LineChatId, Via};
use threadline::simulator::{Endpoint, Fault, FaultKind, Sent};

use crate::support::database::Database;
use crate::support::mail::MailDrop;
use crate::support::pages::Browser;
use crate::support::program::{self, Server};
use crate::support::{ACCOUNT, PUBLIC_URL, Setup, TestApp, eventually, journey, journey_with, stays};

const FORM: &str = "application/x-www-form-urlencoded";

/// A script with its token.
struct Script {
    http: Client,
    base: String,
    token: String,
}

/// What it is answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    text: String,
    /// Limit, image limit, remaining, images remaining, reset; empty where they are not told.
    limits: Vec<i64>,
}

impl Script {
    fn new(base: &str, token: &str) -> Self {
        let http = Client::builder().no_proxy().build().expect("a client can be built");
        Self { http, base: base.to_owned(), token: token.to_owned() }
    }

    /// One with a token for the chat, which belongs to the project.
    async fn of(t: &TestApp, project: &str, chat: &LineChatId, name: &str) -> Self {
        let asked = json!({"channel": ACCOUNT, "group_id": chat.as_str(), "project": project, "name": name});
        let made = t.api.post("/notify-tokens", &asked).await.expect(201);
        let webhook = t.webhook(ACCOUNT);
        let base = webhook.split("/webhooks").next().expect("it begins with the server's address");
        Self::new(base, made["token"].as_str().expect("the token is shown"))
    }

    async fn ask(&self, method: Method, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        let answer = request.send().await.expect("the server answers");
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/json;charset=UTF-8");
        let limits = ["Limit", "ImageLimit", "Remaining", "ImageRemaining", "Reset"]
            .iter()
            .filter_map(|name| answer.headers().get(format!("X-RateLimit-{name}"))?.to_str().ok()?.parse().ok())
            .collect();
        let text = answer.text().await.expect("the answer is text");
        Answer { status, limits, body: serde_json::from_str(&text).expect("the answer is JSON"), text }
    }

    async fn form(&self, body: &str) -> Answer {
        self.ask(Method::POST, "/api/notify", FORM, body.to_owned()).await
    }

    /// Says it; it is accepted.
    async fn say(&self, body: &str) -> Answer {
        let answer = self.form(body).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"status":200,"message":"ok"}"#), "{body}");
        answer
    }
}

/// A quiet project and a script that speaks in its group.
async fn with_script(t: &TestApp) -> (LineChatId, threadline::domain::LineUserId, Script) {
    let (chat, lin) = t.project_with_group("alpha").await;
    let script = Script::of(t, "alpha", &chat, "備份").await;
    (chat, lin, script)
}

async fn sent(t: &TestApp, chat: &LineChatId, count: usize) -> Vec<Sent> {
    eventually(&format!("{count} sends"), async || Some(t.line.sent_to(chat)).filter(|s| s.len() >= count)).await
}

fn texts(sent: &Sent) -> Vec<&str> {
    sent.messages.iter().filter_map(|m| m["text"].as_str()).collect()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut out = std::io::Cursor::new(vec![]);
    let shade = |n: u32| u8::try_from(n % 256).expect("a remainder of 256 is an octet");
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([shade(x), shade(y), 90]));
    DynamicImage::ImageRgb8(picture).write_to(&mut out, ImageFormat::Png).expect("a picture can be written to memory");
    out.into_inner()
}

/// A multipart body as Python's requests writes it.
fn multipart(fields: &[(&str, &str)], file: Option<&[u8]>) -> (String, Vec<u8>) {
    const BOUNDARY: &str = "3fc7503777cc196934362390b2a62388";
    let mut body = vec![];
    for (name, value) in fields {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    if let Some(file) = file {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"imageFile\"; filename=\"a.png\"\r\n\r\n").bytes());
        body.extend(file);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

#[test]
fn a_script_is_answered_as_line_notify_answered_it() {
    journey(async |t| {
        let (chat, _, script) = with_script(t).await;
        eventually("the group's name is known", async || {
            let status = script.ask(Method::GET, "/api/status", FORM, "").await;
            let told = json!({"status": 200, "message": "ok", "targetType": "GROUP", "target": "林宅裝修"});
            (status.status == 200 && status.body == told).then_some(())
        })
        .await;
        let first = script.say("message=%E7%A3%81%E7%A2%9F%E5%BF%AB%E6%BB%BF%E4%BA%86+95%25").await;
        assert_eq!(first.limits[..4], [1000, 50, 999, 50]);
        let second = script.ask(Method::POST, "/api/notify?message=%5BNAS%5D+%E5%82%99%E4%BB%BD+done", "", "").await;
        assert_eq!((second.status, second.limits[2], second.limits[4]), (200, 998, first.limits[4]));
        let status = script.ask(Method::GET, "/api/status", "", "").await;
        assert_eq!(status.limits, second.limits, "asking costs nothing");
        let wrong = script.form("message=").await;
        assert_eq!((wrong.status, wrong.body), (400, json!({"status": 400, "message": "message: must not be empty"})));
        assert_eq!(wrong.limits[2], 998);
        let stranger = Script::new(&script.base, "nobody's");
        for (method, path) in [(Method::POST, "/api/notify"), (Method::GET, "/api/status"), (Method::POST, "/api/revoke")] {
            let refused = stranger.ask(method, path, FORM, "message=a").await;
            assert_eq!((refused.status, refused.body), (401, json!({"status": 401, "message": "Invalid access token"})), "{path}");
        }
        assert_eq!(Script::new(&script.base, "").form("message=a").await.status, 401);
        let asked = script.ask(Method::GET, "/api/notify", "", "").await;
        assert_eq!((asked.status, asked.body), (405, json!({"status": 405, "message": "Method not allowed"})));
        // Nobody said that it hurries: it waits for a free ride.
        stays("no push is paid", async || t.line.sent_to(&chat).is_empty()).await;
        let listed = t.api.items("/notify-tokens?project=alpha").await;
        assert_eq!((&listed[0]["name"], &listed[0]["calls"]), (&json!("備份"), &json!(2)));
    });
}

#[test]
fn what_scripts_say_leaves_for_free_with_the_next_message_in_the_group() {
    journey(async |t| {
        let (chat, lin, script) = with_script(t).await;
        script.say("message=hi&stickerId=1988&stickerPackageId=446&notificationDisabled=True").await;
        script.say("message=disk+full&notificationDisabled=true").await;
        let (thumbnail, full) = ("https://example.com/240.jpg", "https://example.com/1024.jpg");
        script.say(&format!("message=graph&imageThumbnail={thumbnail}&imageFullsize={full}&notificationDisabled=true")).await;
        t.say(&chat, &lin, "收到").await;
        let sent = sent(t, &chat, 1).await.remove(0);
        assert_eq!((sent.via, sent.billed, sent.quiet), (Via::LineReply, 0, true));
        let kinds: Vec<&str> = sent.messages.iter().filter_map(|m| m["type"].as_str()).collect();
        assert_eq!(kinds, ["text", "sticker", "text", "image"]);
        assert_eq!(sent.messages[0], json!({"type": "text", "text": "hi", "sender": {"name": "備份"}}));
        assert_eq!((&sent.messages[1]["packageId"], &sent.messages[1]["stickerId"]), (&json!("446"), &json!("1988")));
        // Two texts that stand side by side share an object, each with its time.
        let shared = sent.messages[2]["text"].as_str().unwrap();
        assert!(shared.contains(" disk full\n\n") && shared.ends_with(" graph"), "{shared}");
        assert_eq!((&sent.messages[3]["originalContentUrl"], &sent.messages[3]["previewImageUrl"]), (&json!(full), &json!(thumbnail)));
        t.until_all_is_told().await;
        assert_eq!(t.line.sent_to(&chat).len(), 1);
    });
}

#[test]
fn a_script_that_cannot_wait_is_pushed_and_takes_along_what_waits() {
    journey(async |t| {
        let (chat, _, script) = with_script(t).await;
        let other = Script::of(t, "alpha", &chat, "Online monitor").await;
        script.say("message=slow").await;
        let answer = other.ask(Method::POST, "/api/notify?deadline=0", FORM, "message=fire").await;
        assert_eq!(answer.status, 200);
        let sent = sent(t, &chat, 1).await.remove(0);
        assert_eq!((sent.via, sent.billed, sent.quiet), (Via::LinePush, 1, false));
        // LINE does not take that name above a message.
        let [text] = texts(&sent)[..] else { panic!("{:?}", sent.messages) };
        assert!(text.contains("[Online monitor] fire\n\n") && text.ends_with("[備份] slow"), "what presses stands first: {text}");
        script.say("message=in+a+moment&deadline=1").await;
        let second = self::sent(t, &chat, 2).await.remove(1);
        assert_eq!((second.via, texts(&second)), (Via::LinePush, vec!["in a moment"]));
    });
}

#[test]
fn what_presses_leaves_before_hundreds_of_texts_that_only_wait() {
    journey(async |t| {
        let (chat, lin, script) = with_script(t).await;
        // More than is looked at for one send, and far more than fits into one.
        let words = "很長的記錄".repeat(120);
        for n in 0..205 {
            script.say(&format!("message={n}+{words}")).await;
        }
        let alarm = script.ask(Method::POST, "/api/notify?deadline=0", FORM, "message=fire").await;
        assert_eq!(alarm.status, 200);
        let push = sent(t, &chat, 1).await.remove(0);
        assert_eq!((push.via, push.messages.len()), (Via::LinePush, 5));
        assert_eq!(texts(&push)[0].split("\n\n").next().map(|first| first.ends_with(" fire")), Some(true), "it stands before all");
        t.say(&chat, &lin, "頂樓漏水").await;
        let reply = sent(t, &chat, 2).await.remove(1);
        assert_eq!((reply.via, reply.discussions()), (Via::LineReply, vec![1]));
        stays("one push", async || t.line.billed() == 1).await;
        let left = t.api.items("/deliveries?status=pending").await;
        assert!(left.iter().any(|n| n["kind"] == "scripted"), "what did not fit waits");
    });
}

#[test]
fn a_sticker_that_line_does_not_have_costs_nobody_their_words() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin, script) = with_script(t).await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        let before = t.line.sent_to(&chat).len();
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        t.line.fault(Fault::once(Endpoint::Push, FaultKind::Status(400)));
        script.say("message=disk+full&stickerPackageId=1&stickerId=99999&deadline=0").await;
        let sent = sent(t, &chat, before + 1).await.pop().expect("one more");
        let kinds: Vec<_> = sent.messages.iter().map(|m| m["type"].as_str().unwrap()).collect();
        assert_eq!((sent.via, kinds, texts(&sent)), (Via::LinePush, vec!["flex", "text"], vec!["disk full"]));
        assert!(sent.strings().join("\n").contains("師傅明天到"), "{:?}", sent.messages);
        t.until_all_is_told().await;
        assert!(t.api.items("/deliveries?status=failed").await.is_empty());
        let desk = Browser::boss(t).await.get("/notices?status=sent&kind=scripted").await;
        assert!(desk.html.contains("LINE 不收一起送的貼圖或圖片") && desk.html.contains("</strong> 備份"), "{}", desk.html);
    });
}

#[test]
fn the_same_words_are_told_once_with_how_often_they_were_said() {
    journey(async |t| {
        let (chat, lin, script) = with_script(t).await;
        for _ in 0..3 {
            script.say("message=down").await;
        }
        t.say(&chat, &lin, "收到").await;
        let first = sent(t, &chat, 1).await.remove(0);
        assert_eq!(texts(&first), ["down ×3"]);
        t.until_all_is_told().await;
        // What has left is told anew; the more hurried of two that wait decides.
        script.say("message=down").await;
        script.say("message=down&deadline=0").await;
        let second = sent(t, &chat, 2).await.remove(1);
        assert_eq!((second.via, texts(&second)), (Via::LinePush, vec!["down ×2"]));
        // So is what was first said long ago.
        t.until_all_is_told().await;
        script.say("message=slow").await;
        t.change_database("UPDATE notices SET created_at = created_at - 660000000").await;
        script.say("message=slow").await;
        t.say(&chat, &lin, "好").await;
        let third = sent(t, &chat, 3).await.remove(2);
        let [text] = texts(&third)[..] else { panic!("{:?}", third.messages) };
        assert!(text.matches(" slow").count() == 2 && !text.contains('×'), "{text}");
        let listed = t.api.items("/notify-tokens").await;
        assert_eq!(listed[0]["calls"], 7);
    });
}

#[test]
fn a_picture_that_a_script_sends_is_served_to_lines_apps_for_ever() {
    journey(async |t| {
        let (chat, _, script) = with_script(t).await;
        let (kind, body) = multipart(&[("message", "圖")], Some(&png(2100, 1050)));
        let answer = script.ask(Method::POST, "/api/notify?deadline=0", &kind, body.clone()).await;
        assert_eq!((answer.status, answer.limits[3]), (200, 49), "{answer:?}");
        let first = sent(t, &chat, 1).await.remove(0);
        assert_eq!(texts(&first), ["圖"]);
        let picture = &first.messages[1];
        assert_eq!(picture["type"], "image");
        for (field, edge) in [("originalContentUrl", 2048), ("previewImageUrl", 480)] {
            let url = picture[field].as_str().unwrap();
            assert!(url.starts_with(PUBLIC_URL), "{url}");
            // LINE's apps show no token.
            let file = t.api.with_token("").file(url).await;
            assert_eq!((file.status, file.header("content-type")), (200, "image/jpeg"), "{url}");
            assert!(file.header("cache-control").contains("immutable"));
            let read = image::load_from_memory(&file.bytes).unwrap();
            assert_eq!((read.width(), read.height()), (edge, edge / 2));
        }
        assert_eq!(t.api.with_token("").file(&format!("{PUBLIC_URL}/script-pictures/{}/full.jpg", "0".repeat(64))).await.status, 404);
        // The same picture once more has the same address, so that it is known again.
        // The first of the two waits for as long as the second one's picture takes.
        for deadline in [600, 0] {
            let again = script.ask(Method::POST, &format!("/api/notify?deadline={deadline}"), &kind, body.clone()).await;
            assert_eq!(again.status, 200);
        }
        let second = sent(t, &chat, 2).await.remove(1);
        assert_eq!((texts(&second), &second.messages[1]), (vec!["圖 ×2"], picture));
        let (kind, body) = multipart(&[("message", "圖")], Some(b"\x89PNG\r\n\x1a\nnot much of a picture"));
        let refused = script.ask(Method::POST, "/api/notify", &kind, body).await;
        assert_eq!((refused.status, &refused.body["message"]), (400, &json!("imageFile: must be a PNG or JPEG")));
        assert_eq!(refused.limits[3], 47, "what was refused is not counted");
    });
}

#[test]
fn a_token_has_its_hourly_bounds() {
    journey(async |t| {
        let (_, _, script) = with_script(t).await;
        script.say("message=a").await;
        t.change_database("UPDATE notify_tokens SET hour_calls = 999, hour_images = 50").await;
        let (kind, body) = multipart(&[("message", "圖")], Some(&png(8, 8)));
        let refused = script.ask(Method::POST, "/api/notify", &kind, body).await;
        assert_eq!((refused.status, refused.limits[2], refused.limits[3]), (429, 1, 0));
        let last = script.say("message=b").await;
        assert_eq!(last.limits[2], 0);
        let refused = script.form("message=c").await;
        assert_eq!((refused.status, &refused.body["status"], &refused.limits[..3]), (429, &json!(429), &[1000, 50, 0][..]));
        assert_eq!(refused.limits[4], last.limits[4], "it says when it may go on");
        // The hour is over.
        t.change_database("UPDATE notify_tokens SET hour_at = hour_at - 3600000000").await;
        assert_eq!(script.say("message=c").await.limits[2..4], [999, 50]);
    });
}

#[test]
fn who_shows_wrong_tokens_again_and_again_waits_and_a_good_one_is_let_in_beside_them() {
    journey(async |t| {
        let (_, _, script) = with_script(t).await;
        let guesser = Script::new(&script.base, "tn_0123");
        let mut refused = vec![];
        for _ in 0..32 {
            refused.push(guesser.form("message=a").await.status);
        }
        assert_eq!((refused[0], refused[29], refused[31]), (401, 401, 429));
        script.say("message=a").await;
    });
}

#[test]
fn a_revoked_token_speaks_no_more_and_what_it_said_still_leaves() {
    journey(async |t| {
        let (chat, lin, script) = with_script(t).await;
        script.say("message=last+words").await;
        let revoked = script.ask(Method::POST, "/api/revoke", FORM, "").await;
        assert_eq!((revoked.status, revoked.body), (200, json!({"status": 200, "message": "ok"})));
        assert_eq!(script.form("message=more").await.status, 401);
        assert!(t.api.items("/notify-tokens").await.is_empty());
        t.say(&chat, &lin, "收到").await;
        assert_eq!(texts(&sent(t, &chat, 1).await[0]), ["last words"]);
        // Staff take one back likewise.
        let second = Script::of(t, "alpha", &chat, "二").await;
        let listed = t.api.items("/notify-tokens").await;
        let path = format!("/api/v1/notify-tokens/{}", listed[0]["id"].as_str().unwrap());
        assert_eq!(t.api.ask(Method::DELETE, &path, None).await.status, 204);
        assert_eq!(second.form("message=more").await.status, 401);
        assert_eq!(t.api.ask(Method::DELETE, &path, None).await.status, 404);
    });
}

#[test]
fn tokens_are_made_by_the_projects_staff_for_its_own_chats() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        let (wang, client) = (t.staff("beta", "Wang").await, t.client_with_token("alpha", "lin@client.example").await);
        let asked = |project: &str, channel: &str, name: &str| json!({"channel": channel, "group_id": chat.as_str(), "project": project, "name": name});
        wang.api.post("/notify-tokens", &asked("alpha", ACCOUNT, "a")).await.expect_problem(404);
        wang.api.post("/notify-tokens", &asked("beta", ACCOUNT, "a")).await.expect_problem(422);
        client.post("/notify-tokens", &asked("alpha", ACCOUNT, "a")).await.expect_problem(403);
        t.api.post("/notify-tokens", &asked("alpha", "other", "a")).await.expect_problem(422);
        t.api.post("/notify-tokens", &asked("alpha", ACCOUNT, " ")).await.expect_problem(422);
        let script = Script::of(t, "alpha", &chat, "a").await;
        assert!(wang.api.items("/notify-tokens").await.is_empty(), "it speaks in a chat of another project");
        let id = t.api.items("/notify-tokens").await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(wang.api.ask(Method::DELETE, &format!("/api/v1/notify-tokens/{id}"), None).await.status, 404);
        // It is no key to anything else, and the group's leaving is told in LINE Notify's words.
        t.api.with_token(&script.token).get("/projects").await.expect_problem(401);
        let left = t.line.leave(&chat);
        t.deliver(&left).await;
        t.settled(&left.id).await;
        let refused = script.form("message=a").await;
        assert_eq!(
            (refused.status, refused.body["message"].as_str().unwrap()),
            (400, "LINE Notify account doesn't join group which you want to send.")
        );
        drop(lin);
    });
}

#[test]
fn what_was_accepted_survives_a_kill() {
    journey_with(Setup::default(), async |t| {
        let (chat, lin, script) = with_script(t).await;
        // The same database, once more: the program itself, which can be killed.
        drop((chat, lin, script));
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path()).await;
        let config = folder.path().join("bot-config.toml");
        drop(MailDrop::new(folder.path()));
        std::fs::write(&config, t.config_text(database.url())).unwrap();
        let boss = program::account(&config, "boss@example.com", "老闆", true).await;
        let log = folder.path().join("log");
        let server = Server::start(&config, &log).await;
        let api = t.api.at(&server.base).with_token(&boss);
        api.post("/projects", &json!({"key": "beta", "name": "乙"})).await.expect(201);
        let chat = t.line.group("乙", &[t.line.person("何先生")]);
        api.put("/projects/beta/line-groups", &json!({"channel": ACCOUNT, "group_id": chat.as_str()})).await.expect(200);
        let asked = json!({"channel": ACCOUNT, "group_id": chat.as_str(), "project": "beta", "name": "排程"});
        let token = api.post("/notify-tokens", &asked).await.expect(201)["token"].as_str().unwrap().to_owned();
        let script = Script::new(&server.base, &token);
        script.say("message=one").await;
        script.say("message=two").await;
        server.kill().await;
        let server = Server::start(&config, &log).await;
        Script::new(&server.base, &token).say("message=two&deadline=0").await;
        let sent = eventually("it is pushed", async || t.line.sent_to(&chat).pop()).await;
        let [text] = texts(&sent)[..] else { panic!("{:?}", sent.messages) };
        assert!(text.contains(" two ×2\n\n") && text.ends_with(" one"), "what presses stands first: {text}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(t.line.sent_to(&chat).len(), 1);
        server.stop().await;
        database.drop().await;
    });
}

#[test]
fn staff_make_tokens_on_the_projects_page() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let browser = Browser::log_in(t, &wang).await;
        let page = browser.get("/projects/alpha").await;
        let choices = page.part("<select name=\"chat\"", "</select>");
        let (_, choice) = choices.split_once("<option value=\"").expect("there is a chat to choose");
        let choice = choice.split('"').next().expect("a value ends").to_owned();
        let made = browser.post("/projects/alpha/notify-tokens", &[("chat", &choice), ("name", "<備份>")]).await;
        assert_eq!(made.status, 200);
        let token = made.part("tn_", "<").to_owned();
        let script = Script { token, ..Script::of(t, "alpha", &chat, "另一個").await };
        script.say("message=a").await;
        let page = browser.get("/projects/alpha").await;
        assert!(!page.html.contains("tn_") && page.html.contains("&lt;備份&gt;"), "the token is shown once");
        let revoke = page.part("/projects/alpha/notify-tokens/", "\"").to_owned();
        assert_eq!(browser.post(&revoke, &[]).await.status, 303);
        assert_eq!(script.form("message=b").await.status, 401);
        for form in [[("chat", "99999"), ("name", "a")], [("chat", choice.as_str()), ("name", "")]] {
            assert_eq!(browser.post("/projects/alpha/notify-tokens", &form).await.status, 422, "{form:?}");
        }
    });
}

#[test]
fn a_token_speaks_only_where_who_made_it_still_may() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let amy = t.staff("alpha", "Amy").await;
        let asked = json!({"channel": ACCOUNT, "group_id": chat.as_str(), "project": "alpha", "name": "備份"});
        let made = amy.api.post("/notify-tokens", &asked).await.expect(201);
        let webhook = t.webhook(ACCOUNT);
        let base = webhook.split("/webhooks").next().expect("it begins with the server's address");
        let script = Script::new(base, made["token"].as_str().expect("the token is shown"));
        script.say("message=one").await;
        t.project("beta").await;
        t.bind("beta", &chat).await;
        let refused = script.form("message=two").await;
        assert_eq!((refused.status, refused.body["message"].as_str()), (401, Some("Invalid access token")));
        t.bind("alpha", &chat).await;
        script.say("message=three").await;
    });
}
