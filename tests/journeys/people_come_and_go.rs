//! Who is in a group, and what its record lacks: the account comes and goes, people do, and the program stops.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};
use threadline::domain::LineChatId;
use threadline::simulator::{Say, Upload};

use crate::support::database::Database;
use crate::support::mail::Mail;
use crate::support::pages::Browser;
use crate::support::program::{self, Server};
use crate::support::{ACCOUNT, Setup, TestApp, eventually, journey, journey_with, number, posts, stays};

/// Far less than the 30 s after which an open page is asked anyway whether its reader may still read.
const AT_ONCE: Duration = Duration::from_secs(10);

/// News that waits for company does so for this long.
fn unhurried() -> Setup {
    Setup { coalesce: Duration::from_secs(3), ..Setup::stopped() }
}

/// The project's one LINE group, as the API tells of it.
async fn group(t: &TestApp, project: &str) -> Value {
    let project = t.api.get(&format!("/projects/{project}")).await.expect(200);
    assert_eq!(project["line_groups"].as_array().map(Vec::len), Some(1), "{project}");
    project["line_groups"][0].clone()
}

async fn mails_about(t: &TestApp, email: &str, part: &str) -> Vec<Mail> {
    t.mail.sent_to(email).await.into_iter().filter(|m| m.subject.contains(part)).collect()
}

/// The address of a group's page, as the list links it.
async fn page_of(browser: &Browser, name: &str) -> String {
    let list = browser.get("/groups").await;
    assert_eq!(list.status, 200);
    let before = list.html.split(&format!(">{name}</a>")).next().expect("a split has a beginning");
    before.rsplit("href=\"").next().and_then(|rest| rest.split('"').next()).expect("the name is a link").to_owned()
}

#[test]
fn the_time_between_leaving_and_coming_back_is_a_gap_that_everybody_sees() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let boss = Browser::boss(t).await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        let leave = t.line.leave(&chat);
        t.deliver(&leave).await;
        t.deliver(&leave).await;
        t.settled(&leave.id).await;
        let left = group(t, "alpha").await;
        assert_eq!(left["left_at"], left["gaps"][0]["from"], "{left}");
        assert_eq!((&left["gaps"][0]["kind"], &left["gaps"][0]["to"]), (&json!("left"), &Value::Null));
        let page = boss.get("/d/1").await;
        assert!(page.part("id=\"gap-left-", "</li>").contains("機器人不在群組中"), "it stands at the end while it lasts");
        assert!(boss.get("/groups").await.html.contains("已離開"));
        let told = eventually("staff hear of it", async || mails_about(t, &wang.email, "紀錄已停止").await.pop()).await;
        assert!(told.text.contains("林宅裝修") && told.text.contains("重新邀請"), "{}", told.text);
        assert!(told.reply_to.is_none(), "there is nothing to answer");

        let join = t.line.join(&chat);
        t.deliver(&join).await;
        t.settled(&join.id).await;
        t.say(&chat, &lin, "你們回來了").await;
        t.discussion_where("你們回來了").await;
        let back = group(t, "alpha").await;
        assert_eq!(back["left_at"], Value::Null);
        assert_eq!(back["gaps"].as_array().map(Vec::len), Some(1), "{back}");
        let time = |name: &str| back["gaps"][0][name].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        assert!(time("to") > time("from"), "{back}");
        assert!(boss.get("/groups").await.html.contains("紀錄有缺漏"));
        stays("one mail a gap", async || mails_about(t, &wang.email, "紀錄已停止").await.len() == 1).await;

        let client = t.client_with_token("alpha", "amy@client.example").await;
        assert_eq!(client.get("/projects/alpha").await.expect(200)["line_groups"], json!([]), "LINE's ids are not for clients");
        let amy = Browser::of(t, "amy@client.example", "客戶", false).await;
        assert_eq!(amy.get("/groups").await.status, 404);
        assert!(amy.get(&page_of(&boss, "林宅裝修").await).await.status == 404);
    });
}

#[test]
fn a_gap_stands_between_what_was_said_before_and_after() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "第一句").await;
        t.discussion_where("第一句").await;
        t.deliver(&t.line.leave(&chat)).await;
        t.deliver(&t.line.join(&chat)).await;
        t.say(&chat, &lin, "第二句").await;
        let found = t.discussion_where("第二句").await;
        assert_eq!(number(&found), 1, "it goes on in the same discussion");
        t.client_with_token("alpha", "amy@client.example").await;
        let (boss, amy) = (Browser::boss(t).await, Browser::of(t, "amy@client.example", "客戶", false).await);
        for (reader, words) in [(&boss, "機器人不在群組中"), (&amy, "這段期間的訊息可能沒有記錄下來")] {
            let page = reader.get("/d/1").await;
            let place = |part: &str| page.html.find(part).unwrap_or_else(|| panic!("{part} is not in {}", page.html));
            assert!(place(">第一句<") < place(words) && place(words) < place(">第二句<"));
        }
    });
}

#[test]
fn newcomers_of_a_moment_are_told_in_one_mail_by_name_and_nobody_else_is() {
    journey_with(unhurried(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let strangers = t.line.group("沒有綁定的群組", std::slice::from_ref(&lin));
        t.say(&chat, &lin, "我本來就在").await;
        let (chen, wu) = (t.line.person("陳先生"), t.line.person("吳小姐"));
        let joined = t.line.member_joined(&chat, std::slice::from_ref(&chen));
        t.deliver(&joined).await;
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&wu))).await;
        t.deliver(&joined).await;
        let elsewhere = t.line.member_joined(&strangers, std::slice::from_ref(&chen));
        t.deliver(&elsewhere).await;
        eventually("all are placed", async || t.api.items("/inbound?status=received").await.is_empty().then_some(())).await;
        t.pass(Duration::from_secs(4));
        let told = eventually("staff hear of them", async || mails_about(t, &wang.email, "新成員").await.pop()).await;
        assert!(told.subject.contains("林宅裝修"), "{}", told.subject);
        assert!(told.text.contains("陳先生、吳小姐") && !told.text.contains("林小姐"), "{}", told.text);
        assert!(told.text.contains("https://support.example.com/groups"), "{}", told.text);
        t.until_all_is_told().await;
        stays("one mail", async || mails_about(t, &wang.email, "新成員").await.len() == 1).await;
        assert!(mails_about(t, "boss@example.com", "新成員").await.is_empty(), "the project has staff of its own");
        let listed = t.api.items("/deliveries").await;
        assert_eq!(listed.iter().filter(|n| n["kind"] == "newcomer" && n["status"] == "sent").count(), 2, "{listed:?}");
    });
}

#[test]
fn who_comes_and_goes_again_at_once_is_not_told() {
    journey_with(unhurried(), async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let chen = t.line.person("陳先生");
        let joined = t.line.member_joined(&chat, std::slice::from_ref(&chen));
        t.deliver(&joined).await;
        t.settled(&joined.id).await;
        t.pass(Duration::from_secs(1));
        let left = t.line.member_left(&chat, std::slice::from_ref(&chen));
        t.deliver(&left).await;
        t.settled(&left.id).await;
        t.pass(Duration::from_secs(3));
        eventually("the notice is dropped", async || {
            let listed = t.api.items("/deliveries").await;
            listed.iter().any(|n| n["kind"] == "newcomer" && n["status"] == "dropped").then_some(())
        })
        .await;
        assert!(mails_about(t, &wang.email, "新成員").await.is_empty());
    });
}

#[test]
fn who_leaves_the_group_reads_no_more_from_that_moment_and_reads_again_on_coming_back() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        // She has an account because of another project; in this one she only is in the group.
        t.project("beta").await;
        let member = json!({"email": "lin@client.example", "line_user_id": lin.as_str(), "role": "client"});
        t.api.put("/projects/beta/members", &member).await.expect(200);
        let page = Browser::of(t, "lin@client.example", "林小姐", false).await;
        let token = program::succeed(&t.config, &["token", "add", "lin@client.example"]).await;
        let api = t.api.with_token(token.trim_end());
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        assert_eq!(page.get("/d/1").await.status, 200);
        t.deliver(&t.line.file(&chat, Some(&lin), "平面圖.pdf", Upload::new("application/pdf", b"%PDF-1.7".as_slice()))).await;
        let url = eventually("the file is kept", async || {
            let discussion = api.get("/discussions/1").await.expect(200);
            posts(&discussion).get(1)?["attachments"].get(0)?["url"].as_str().map(str::to_owned)
        })
        .await;
        assert_eq!(api.file(&url).await.status, 200);

        let mut live = page.live(1).await;
        t.api.post("/discussions/1/posts", &json!({"body": "明天過去"})).await.expect(201);
        assert!(live.next(AT_ONCE).await.is_some_and(|e| e.contains("changed")));
        let left = t.line.member_left(&chat, std::slice::from_ref(&lin));
        t.deliver(&left).await;
        while let Some(event) = live.next(AT_ONCE).await {
            assert!(event.contains("changed"), "what was on its way may still come: {event}");
        }
        t.settled(&left.id).await;
        assert_eq!(page.get("/d/1").await.status, 404);
        assert_eq!(page.get("/d/1/live").await.status, 404);
        assert!(!page.get("/discussions").await.html.contains("頂樓漏水"));
        api.get("/discussions/1").await.expect_problem(404);
        assert_eq!(api.file(&url).await.status, 404);

        let joined = t.line.member_joined(&chat, std::slice::from_ref(&lin));
        t.deliver(&joined).await;
        t.settled(&joined.id).await;
        assert_eq!(page.get("/d/1").await.status, 200);
        api.get("/discussions/1").await.expect(200);
    });
}

#[test]
fn an_unbound_group_is_bound_with_one_tap_and_the_tap_taken_back() {
    journey(async |t| {
        t.project("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let lin = t.line.person("林小姐");
        let chat = t.line.group("林宅裝修", std::slice::from_ref(&lin));
        let join = t.line.join(&chat);
        t.deliver(&join).await;
        t.settled(&join.id).await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        let boss = Browser::boss(t).await;
        let colleague = Browser::of(t, &wang.email, &wang.name, false).await;
        let listed = boss.get("/groups").await;
        assert!(listed.html.contains("尚未綁定") && listed.html.contains("1 位成員"), "name and size were read on joining");
        let address = page_of(&boss, "林宅裝修").await;
        assert!(!colleague.get("/groups").await.html.contains("林宅裝修"));
        assert_eq!(colleague.get(&address).await.status, 404);
        assert_eq!(colleague.post(&format!("{address}/bind"), &[("project", "alpha")]).await.status, 404);

        let bound = boss.post(&format!("{address}/bind"), &[("project", ""), ("name", "林宅裝修")]).await;
        assert_eq!((bound.status, bound.location.as_str()), (303, format!("{address}?bound=1").as_str()));
        assert!(boss.get(&bound.location).await.html.contains("已綁定到專案「林宅裝修」"));
        let key = t.discussion(1).await["project"].as_str().expect("it has a project").to_owned();
        assert_eq!(t.api.get(&format!("/projects/{key}")).await.expect(200)["kind"], "client", "a project of its own, for a client");

        assert_eq!(boss.post(&format!("{address}/unbind"), &[("x", "")]).await.location, address);
        let own = t.discussion(1).await["project"].as_str().expect("it has a project").to_owned();
        let project = t.api.get(&format!("/projects/{own}")).await.expect(200);
        assert_eq!((&project["kind"], &project["status"]), (&json!("chat"), &json!("active")));

        boss.post(&format!("{address}/bind"), &[("project", "alpha")]).await;
        assert_eq!(t.discussion(1).await["project"], "alpha");
        assert_eq!(t.api.get(&format!("/projects/{own}")).await.expect(200)["status"], "archived");
        assert!(colleague.get("/groups").await.html.contains("林宅裝修"), "now it is theirs, too");
        assert_eq!(colleague.post(&format!("{address}/unbind"), &[("x", "")]).await.status, 403);
        let strange = boss.post(&format!("{address}/bind"), &[("project", &own)]).await;
        assert_eq!(strange.status, 400, "a chat's own project is not to be chosen");
    });
}

#[test]
fn the_roster_tells_names_friends_and_who_is_gone() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let (chen, wu) = (t.line.person("陳先生"), t.line.person("吳小姐"));
        t.say(&chat, &lin, "大家看一下報價單").await;
        let joined = t.line.member_joined(&chat, &[chen.clone(), wu.clone()]);
        t.deliver(&joined).await;
        // Of who has gone LINE tells no name.
        t.settled(&joined.id).await;
        t.deliver(&t.line.follow(&lin)).await;
        t.deliver(&t.line.follow(&chen)).await;
        let blocked = t.line.unfollow(&chen);
        t.deliver(&blocked).await;
        let left = t.line.member_left(&chat, std::slice::from_ref(&wu));
        t.deliver(&left).await;
        t.settled(&blocked.id).await;
        t.settled(&left.id).await;
        let boss = Browser::boss(t).await;
        let page = boss.get(&page_of(&boss, "林宅裝修").await).await;
        assert!(page.part("<strong>林小姐", "</li>").contains("可私訊"));
        assert!(page.part("<strong>陳先生", "</li>").contains("已封鎖"));
        assert!(page.part("已離開的 1 人", "</ul>").contains("吳小姐"));
    });
}

/// A second program with a database of its own.
fn second(t: &TestApp, database: &Database) -> std::path::PathBuf {
    let folder = t.folder().join("second");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join("bot-config.toml");
    fs::write(&file, t.config_text(database.url())).expect("the configuration can be written");
    file
}

/// Makes the program's last sign of life an hour older.
async fn an_hour_goes_by(database: &Database) {
    let mut c = sqlx::AnyConnection::connect(database.url()).await.expect("the database can be had");
    let sql = "UPDATE settings SET value = CAST(CAST(value AS BIGINT) - 3600000000 AS TEXT) WHERE name = 'heartbeat'";
    let changed = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut c).await.expect("it has a sign of life");
    assert_eq!(changed.rows_affected(), 1);
    let sql = "UPDATE posts SET created_at = created_at - 7200000000";
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut c).await.expect("what was said was said before");
    c.close().await.expect("the connection can be closed");
}

async fn wait_for(api: &crate::support::api::Api, number: i64) {
    eventually("it is placed", async || (api.get(&format!("/discussions/{number}")).await.status == 200).then_some(())).await;
}

#[test]
fn while_the_program_did_not_run_the_record_has_a_gap_and_a_restart_makes_none() {
    journey(async |t| {
        let database = Database::new(t.folder()).await;
        let config = second(t, &database);
        let log = t.folder().join("second.log");
        let server = Server::start(&config, &log).await;
        let token = program::account(&config, "second@example.com", "二老闆", true).await;
        let api = t.api.at(&server.base).with_token(&token);
        api.post("/projects", &json!({"key": "beta", "name": "乙"})).await.expect(201);
        let lin = t.line.person("林小姐");
        let chat: LineChatId = t.line.group("林宅裝修", std::slice::from_ref(&lin));
        let asked = json!({"channel": ACCOUNT, "group_id": chat.as_str()});
        api.put("/projects/beta/line-groups", &asked).await.expect(200);
        t.line.set_webhook(&format!("{}/webhooks/line/{ACCOUNT}", server.base));
        t.deliver(&t.line.say(&chat, Some(&lin), "頂樓漏水", Say::default())).await;
        wait_for(&api, 1).await;
        server.stop().await;
        let server = Server::start(&config, &log).await;
        let beta = api.at(&server.base).get("/projects/beta").await.expect(200);
        assert_eq!(beta["line_groups"][0]["gaps"], json!([]), "LINE sends again what a restart missed");
        server.stop().await;
        an_hour_goes_by(&database).await;
        let server = Server::start(&config, &log).await;
        let gap = eventually("the gap is known", async || {
            let beta = api.at(&server.base).get("/projects/beta").await.expect(200);
            beta["line_groups"][0]["gaps"].as_array().and_then(|gaps| gaps.first().cloned())
        })
        .await;
        assert_eq!(gap["kind"], "stopped");
        let (from, to) = (gap["from"].as_str().expect("it began"), gap["to"].as_str().expect("it ended"));
        let lasted = to.parse::<jiff::Timestamp>().expect("a time").duration_since(from.parse().expect("a time"));
        assert!((3600..3700).contains(&lasted.as_secs()), "{gap}");
        server.stop().await;
        database.drop().await;
    });
}

/// The rows of a table in a backup.
fn rows(backup: &std::path::Path, table: &str) -> String {
    fs::read_to_string(backup.join("tables").join(format!("{table}.jsonl"))).expect("every table is in a backup")
}

#[test]
fn a_backup_holds_the_roster_the_gaps_and_former_names() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "大家看一下報價單").await;
        t.discussion_where("大家看一下報價單").await;
        t.deliver(&t.line.follow(&lin)).await;
        t.deliver(&t.line.leave(&chat)).await;
        let last = t.line.join(&chat);
        t.deliver(&last).await;
        t.settled(&last.id).await;
        let sql = "INSERT INTO outages (inbox, kind, began_at, ended_at) VALUES ('line/main', 'stopped', 1, 2)";
        t.change_database(sql).await;
        t.until_all_is_told().await;
        let first = t.folder().join("first");
        program::succeed(&t.config, &["backup", first.to_str().expect("UTF-8")]).await;
        let database = Database::of_the_other_kind(t.folder()).unwrap_or(Database::new(t.folder()).await);
        let config = second(t, &database);
        program::succeed(&config, &["restore", first.to_str().expect("UTF-8")]).await;
        let again = t.folder().join("again");
        program::succeed(&config, &["backup", again.to_str().expect("UTF-8")]).await;
        for table in ["chat_presence", "outages", "identity_names", "friends", "chat_members", "identities", "persons"] {
            let there = rows(&first, table);
            assert!(!there.is_empty(), "{table} has something to lose");
            assert_eq!(there, rows(&again, table), "{table}");
        }
        assert!(rows(&first, "identity_names").contains("林小姐"));
        database.drop().await;
    });
}
