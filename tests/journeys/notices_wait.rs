//! When LINE hears it: each project's own patience and calendar, one card for all that waits, and what a crash in between leaves.

use std::fs;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use serde_json::{Value, json};
use threadline::clock::Clock;
use threadline::domain::{LineChatId, Via};
use threadline::simulator::{Endpoint, Fault, FaultKind, Platform, Sent, Settings};

use crate::support::api::Api;
use crate::support::database::Database;
use crate::support::program::{self, Server};
use crate::support::waiting::eventually_within;
use crate::support::{ACCOUNT, Setup, TestApp, config_text, eventually, journey, journey_with, number, stays};

/// A killed process's lease has to run out on `PostgreSQL`.
const RECOVERS_WITHIN: Duration = Duration::from_mins(1);

fn pushes(line: &Platform, chat: &LineChatId) -> Vec<Sent> {
    line.sent_to(chat).into_iter().filter(|s| s.via == Via::LinePush).collect()
}

/// Now, where the server is.
fn here() -> Zoned {
    Clock::wall().now().to_zoned(TimeZone::get("Asia/Taipei").expect("the zone is known"))
}

/// Quiet hours around now.
fn hours_around_now() -> String {
    let hour = |by: i64| here().checked_add(SignedDuration::from_hours(by)).expect("it is a time").strftime("%H:%M").to_string();
    format!("{}-{}", hour(-2), hour(3))
}

/// Yesterday, today and tomorrow, so that midnight changes nothing.
fn days_around_now() -> String {
    let day = |by: i64| here().checked_add(SignedDuration::from_hours(24 * by)).expect("it is a day").date().to_string();
    format!("{} 前夕\n{} 員工旅遊\n{} 補假\n", day(-1), day(0), day(1))
}

async fn waiting(t: &TestApp, number: i64, chat: &LineChatId) -> Vec<Value> {
    t.notices(number).await.into_iter().filter(|n| n["target"] == chat.as_str() && n["status"] == "pending").collect()
}

async fn held_back_for(t: &TestApp, number: i64, chat: &LineChatId, reason: &str) {
    eventually(&format!("it waits because of {reason:?}"), async || {
        waiting(t, number, chat).await.iter().any(|n| n["reason"] == reason).then_some(())
    })
    .await;
}

#[test]
fn an_answer_waits_for_the_end_of_the_projects_quiet_hours() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let hours = hours_around_now();
        let changed = t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": hours}})).await.expect(200);
        assert_eq!(changed["notify"]["quiet_hours"], hours);
        t.api.post("/discussions", &json!({"project": "alpha", "title": "停水公告", "body": "明天停水"})).await.expect(201);
        held_back_for(t, 1, &chat, "quiet_hours").await;
        stays("nothing is pushed", async || pushes(&t.line, &chat).is_empty()).await;
        // What is urgent passes, and takes the rest along.
        t.api.post("/discussions/1/posts", &json!({"body": "改成今晚"})).await.expect(201);
        t.api.patch("/discussions/1", &json!({"urgent": true})).await.expect(200);
        let push = eventually("the group is told", async || pushes(&t.line, &chat).pop()).await;
        assert!(push.strings().iter().any(|s| s.contains("共 2 則新回覆")), "{:?}", push.strings());
        t.until_all_is_told().await;
        stays("one push", async || pushes(&t.line, &chat).len() == 1).await;
    });
}

#[test]
fn what_quiet_hours_held_back_leaves_when_they_are_over() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        let other = t.line.group("別的群組", std::slice::from_ref(&lin));
        t.bind("beta", &other).await;
        for key in ["alpha", "beta"] {
            t.api.patch(&format!("/projects/{key}"), &json!({"notify": {"quiet_hours": hours_around_now()}})).await.expect(200);
            t.api.post("/discussions", &json!({"project": key, "title": "停水公告", "body": "明天停水"})).await.expect(201);
        }
        held_back_for(t, 1, &chat, "quiet_hours").await;
        held_back_for(t, 2, &other, "quiet_hours").await;
        t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": ""}})).await.expect(200);
        eventually("the group is told", async || pushes(&t.line, &chat).pop()).await;
        stays("the other project keeps its own", async || pushes(&t.line, &other).is_empty()).await;
        // A free ride is open at any hour.
        t.say(&other, &lin, "早安，今天有水嗎").await;
        let ride = eventually("it rides", async || {
            t.line.sent_to(&other).into_iter().find(|s| s.strings().iter().any(|s| s.contains("停水公告")))
        });
        assert_eq!(ride.await.via, Via::LineReply);
    });
}

#[test]
fn nothing_is_pushed_on_a_day_off_but_what_is_urgent() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let days = t.api.put("/days-off", &json!({"days_off": days_around_now()})).await.expect(200);
        assert_eq!(days["items"][1]["name"], "員工旅遊");
        t.api.post("/discussions", &json!({"project": "alpha", "title": "報價", "body": "十二萬"})).await.expect(201);
        held_back_for(t, 1, &chat, "day_off").await;
        stays("nothing is pushed", async || pushes(&t.line, &chat).is_empty()).await;
        t.api.post("/discussions", &json!({"project": "alpha", "title": "瓦斯漏氣", "body": "請先關總開關"})).await.expect(201);
        t.api.patch("/discussions/2", &json!({"urgent": true})).await.expect(200);
        let push = eventually("the group is told", async || pushes(&t.line, &chat).pop()).await;
        assert_eq!(push.messages.len(), 1, "one card");
        t.until_all_is_told().await;
        assert_eq!(pushes(&t.line, &chat).len(), 1);
        let bad = t.api.put("/days-off", &json!({"days_off": "2026-02-16 除夕\n春節 2026-02-17"})).await;
        assert!(bad.body["detail"].as_str().is_some_and(|d| d.contains("line 2")), "{}", bad.body);
        bad.expect_problem(422);
        let wang = t.staff("alpha", "Wang").await;
        wang.api.put("/days-off", &json!({"days_off": ""})).await.expect_problem(403);
    });
}

#[test]
fn each_project_says_how_long_its_notices_wait() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        let hasty = t.line.group("急性子", std::slice::from_ref(&lin));
        t.bind("beta", &hasty).await;
        let deadlines = json!({"answered": 0, "status_changed": "next_digest", "moved": "free_only"});
        let changed = t.api.patch("/projects/beta", &json!({"notify": {"deadlines": deadlines, "digest_at": "16:30"}})).await.expect(200);
        let notify = &changed["notify"];
        assert_eq!(notify["deadlines"]["answered"], 0);
        assert_eq!((&notify["deadlines"]["moved"], &notify["deadlines"]["opened"]), (&json!("free_only"), &json!(10)));
        assert_eq!((&notify["digest_at"], &notify["working_days"]), (&json!("16:30"), &json!(["mon", "tue", "wed", "thu", "fri"])));
        for key in ["alpha", "beta"] {
            t.api.post("/discussions", &json!({"project": key, "title": "報價", "body": "十二萬"})).await.expect(201);
        }
        eventually("the hasty project's group is told", async || pushes(&t.line, &hasty).pop()).await;
        stays("the other waits", async || pushes(&t.line, &chat).is_empty()).await;
        let back = json!({"notify": {"deadlines": {"answered": "free_only"}, "digest_at": "default"}});
        assert_eq!(t.api.patch("/projects/beta", &back).await.expect(200)["notify"]["digest_at"], "17:00");
        t.api.post("/discussions/2/posts", &json!({"body": "可以分期"})).await.expect(201);
        stays("no push is paid for it", async || pushes(&t.line, &hasty).len() == 1).await;
        assert_eq!(t.api.get("/projects/beta").await.expect(200)["notify"]["deadlines"]["answered"], "free_only");
        for (bad, says) in [
            (json!({"deadlines": {"answered": -1}}), "notify.deadlines.answered"),
            (json!({"deadlines": {"answered": "soon"}}), "next_digest"),
            (json!({"deadlines": {"bounced": 5}}), "status_changed"),
            (json!({"digest_at": "5pm"}), "17:00"),
            (json!({"quiet_hours": "9-17"}), "21:00-08:00"),
            (json!({"working_days": ["monday"]}), "mon"),
            (json!({"days_off": "\n2026-02-30 x"}), "line 2"),
        ] {
            let refused = t.api.patch("/projects/beta", &json!({"notify": bad})).await;
            assert!(refused.body["detail"].as_str().is_some_and(|d| d.contains(says)), "{says}: {}", refused.body);
            refused.expect_problem(422);
        }
    });
}

#[test]
fn everything_that_waits_leaves_as_one_card() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        t.say(&chat, &lin, "發票還沒收到").await;
        assert_eq!(number(&t.discussion_where("發票還沒收到").await), 2);
        t.until_all_is_told().await;
        let before = t.line.sent_to(&chat).len();
        for body in ["師傅明天到", "改成後天"] {
            t.api.post("/discussions/1/posts", &json!({"body": body})).await.expect(201);
        }
        t.api.post("/discussions", &json!({"project": "alpha", "title": "保固說明", "body": "保固一年"})).await.expect(201);
        t.change_database("UPDATE discussions SET status = 'in_progress' WHERE number IN (1, 2)").await;
        t.change_database(
            "INSERT INTO notices (kind, discussion_id, chat_id, status, due_at, deadline_at, created_at, detail) \
             SELECT 'status_changed', d.id, d.chat_id, 'pending', 0, 9000000000000000, 0, 'in_progress' FROM discussions d \
             WHERE d.number IN (1, 2)",
        )
        .await;
        stays("it waits", async || t.line.sent_to(&chat).len() == before).await;
        t.say(&chat, &lin, "#1 好了嗎").await;
        let sent = eventually("it leaves", async || t.line.sent_to(&chat).into_iter().nth(before)).await;
        assert_eq!((sent.via, sent.messages.len()), (Via::LineReply, 1));
        assert_eq!(sent.discussions(), [1, 3, 2], "answers first");
        let shown = sent.strings();
        for part in ["老闆 回覆了（共 2 則新回覆）・狀態已更新", "改成後天", "老闆 回覆了", "狀態已更新"] {
            assert!(shown.iter().any(|s| s == part), "{part} is missing in {shown:?}");
        }
        t.until_all_is_told().await;
        assert_eq!((t.line.sent_to(&chat).len(), t.line.billed()), (before + 1, 0));
    });
}

#[test]
fn an_acknowledgement_that_missed_its_ride_travels_with_the_answer_and_costs_nothing_of_its_own() {
    journey_with(Setup { reply_token_life: Duration::ZERO, ..Setup::default() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let digest = json!({"notify": {"deadlines": {"opened": "next_digest"}}});
        t.api.patch("/projects/alpha", &digest).await.expect(200);
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        eventually("its token is refused", async || (!t.line.requests(Endpoint::Reply).is_empty()).then_some(())).await;
        stays("no push is paid for it", async || t.line.sent().is_empty()).await;
        assert_eq!(waiting(t, 1, &chat).await.len(), 1, "it still waits");
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let push = eventually("the group is told", async || pushes(&t.line, &chat).pop()).await;
        assert_eq!((push.discussions(), push.messages.len()), (vec![1], 1));
        assert!(push.strings().iter().any(|s| s == "老闆 回覆了"), "{:?}", push.strings());
        t.until_all_is_told().await;
        stays("one push", async || pushes(&t.line, &chat).len() == 1).await;
    });
}

#[test]
fn a_push_whose_answer_was_lost_is_asked_for_again_and_billed_once() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        t.line.fault(Fault::once(Endpoint::Push, FaultKind::DropAfter));
        t.api.post("/discussions", &json!({"project": "alpha", "title": "報價", "body": "十二萬"})).await.expect(201);
        eventually("LINE says that it had it already", async || {
            t.line.requests(Endpoint::Push).iter().any(|r| r.status == Some(409)).then_some(())
        })
        .await;
        t.until_all_is_told().await;
        assert_eq!((pushes(&t.line, &chat).len(), t.line.billed()), (1, 1));
        assert!(t.notices(1).await.iter().all(|n| n["status"] == "sent"));
    });
}

#[test]
fn an_answer_leaves_no_sooner_than_it_can_no_longer_be_taken_back() {
    journey_with(Setup { hold: Duration::from_secs(4), ..Setup::default() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        let answered_at = Clock::wall().now();
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        // A free ride in the meantime is not for what may yet be taken back.
        t.say(&chat, &lin, "冷氣也壞了").await;
        let sent = eventually("the answer leaves", async || {
            t.line.sent_to(&chat).into_iter().find(|s| s.strings().iter().any(|s| s.contains("師傅明天到")))
        })
        .await;
        assert!(sent.at.duration_since(answered_at) >= SignedDuration::from_secs(4), "{} after {answered_at}", sent.at);
        t.until_all_is_told().await;
    });
}

/// The real program as a process, with one group that is told by push.
struct Firm {
    line: Platform,
    config: std::path::PathBuf,
    folder: tempfile::TempDir,
    database: Database,
    chat: LineChatId,
    api: Api,
}

impl Firm {
    async fn open() -> (Self, Server) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let settings = Settings::default();
        let (line, line_url) = Platform::start_with(settings.clone()).await;
        let database = Database::new(folder.path()).await;
        for sub in ["mail-in", "mail-out"] {
            for part in ["new", "cur", "tmp"] {
                fs::create_dir_all(folder.path().join(sub).join(part)).expect("a folder can be made");
            }
        }
        let config = folder.path().join("bot-config.toml");
        let text = config_text(&Setup::default(), database.url(), &line_url, &settings);
        fs::write(&config, text).expect("the configuration can be written");
        let members: Vec<_> = (0..5).map(|n| line.person(&format!("客戶 {n}"))).collect();
        let chat = line.group("林宅裝修", &members);
        let mut firm = Self { line, config, folder, database, chat, api: Api::new("", "") };
        let server = firm.start().await;
        let boss = program::account(&firm.config, "boss@example.com", "老闆", true).await;
        firm.api = Api::new(&server.base, &boss);
        firm.api.post("/projects", &json!({"key": "alpha", "name": "林宅"})).await.expect(201);
        let bound = json!({"channel": ACCOUNT, "group_id": firm.chat.as_str()});
        firm.api.put("/projects/alpha/line-groups", &bound).await.expect(200);
        (firm, server)
    }

    async fn start(&self) -> Server {
        let server = Server::start(&self.config, &self.folder.path().join("serve.log")).await;
        self.line.set_webhook(&format!("{}/webhooks/line/{ACCOUNT}", server.base));
        server
    }

    async fn killed_with(&mut self, kind: FaultKind) {
        let (line, chat) = (self.line.clone(), self.chat.clone());
        line.fault(Fault::always(Endpoint::Push, kind));
        let server = self.start().await;
        self.api = self.api.at(&server.base);
        self.api.post("/discussions", &json!({"project": "alpha", "title": "報價", "body": "十二萬"})).await.expect(201);
        eventually("a frozen push is tried", async || {
            (!line.requests(Endpoint::Push).is_empty() || !pushes(&line, &chat).is_empty()).then_some(())
        })
        .await;
        let before = pushes(&line, &chat);
        server.kill().await;
        line.clear_faults();
        let server = self.start().await;
        self.api = self.api.at(&server.base);
        eventually_within(RECOVERS_WITHIN, "all is told", async || {
            self.api.items("/deliveries?status=pending").await.is_empty().then_some(())
        })
        .await;
        let after = pushes(&line, &chat);
        assert_eq!(after.len(), 1, "once, whether it had arrived before ({}) or not", before.len());
        assert_eq!(line.billed(), 5);
        let notices = self.api.items("/deliveries").await;
        // On Mondays there is the week besides, of which there is nothing to tell.
        assert!(notices.iter().filter(|n| n["kind"] != "weekly").all(|n| n["status"] == "sent"), "{notices:?}");
        server.stop().await;
    }
}

fn killed_between_freezing_and_knowing(kind: FaultKind) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let (mut firm, server) = Firm::open().await;
        server.stop().await;
        firm.killed_with(kind).await;
        firm.database.drop().await;
    });
}

#[test]
fn a_push_that_was_frozen_when_the_program_was_killed_leaves_after_the_next_start_under_the_same_key() {
    killed_between_freezing_and_knowing(FaultKind::DropBefore);
}

#[test]
fn a_push_that_had_arrived_when_the_program_was_killed_is_not_pushed_again() {
    killed_between_freezing_and_knowing(FaultKind::StallAfter(Duration::from_secs(20)));
}

#[test]
fn the_pages_set_the_times_and_say_what_is_wrong() {
    journey(async |t| {
        t.project("alpha").await;
        let boss = crate::support::pages::Browser::boss(t).await;
        assert!(boss.get("/projects/alpha").await.html.contains("/projects/alpha/times"));
        let form = [
            ("wait_answered", "minutes"),
            ("minutes_answered", "15"),
            ("wait_opened", "free_only"),
            ("digest_at", "16:00"),
            ("day_mon", "1"),
            ("day_sat", "1"),
            ("quiet", "own"),
            ("quiet_from", "22:00"),
            ("quiet_until", "07:30"),
        ];
        let saved = boss.post("/projects/alpha/times", &form).await;
        assert_eq!((saved.status, saved.location.as_str()), (303, "/projects/alpha/times"));
        let notify = &t.api.get("/projects/alpha").await.expect(200)["notify"];
        assert_eq!((&notify["deadlines"]["answered"], &notify["deadlines"]["opened"]), (&json!(15), &json!("free_only")));
        assert_eq!((&notify["quiet_hours"], &notify["digest_at"]), (&json!("22:00-07:30"), &json!("16:00")));
        assert_eq!(notify["working_days"], json!(["mon", "sat"]));
        let page = boss.get("/projects/alpha/times").await.html;
        assert!(page.contains("value=\"22:00\"") && page.contains("value=\"15\""), "{page}");
        let refused =
            boss.post("/projects/alpha/times", &[("wait_answered", "minutes"), ("minutes_answered", "x"), ("day_mon", "1")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.html.contains("「同仁回覆」的分鐘數") && refused.html.contains("value=\"x\""), "{}", refused.html);
        let refused = boss.post("/projects/alpha/times/days-off", &[("days_off", "2026-02-16 除夕\n春節")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.html.contains("第 2 行") && refused.html.contains("除夕\n春節"), "{}", refused.html);
        assert_eq!(boss.post("/projects/alpha/times/days-off", &[("days_off", "2026-02-16 除夕")]).await.status, 303);
        assert_eq!(boss.post("/days-off", &[("days_off", "2026-01-01 元旦")]).await.status, 303);
        let page = boss.get("/projects/alpha/times").await.html;
        assert!(page.contains("2026-02-16 除夕") && page.contains("元旦"), "{page}");
        let wang = t.staff("alpha", "Wang").await;
        let wang = t.browser(&wang).await;
        assert_eq!(wang.get("/projects/alpha/times").await.status, 200);
        assert_eq!(wang.post("/projects/alpha/times", &form).await.status, 403);
        assert_eq!(wang.get("/days-off").await.status, 403);
    });
}
