use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::config;
use crate::domain::{ChatKind, LineChatId, ProjectKind};
use crate::store::inbound::NewInbound;
use crate::store::{presence, projects};

const BEGAN: &str = "2026-11-21T06:05:00Z";

async fn open(folder: &std::path::Path, clock: Clock) -> std::sync::Arc<App> {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://support.example.com\"\n\
                [database]\nurl = \"sqlite://t.db\"\n[storage]\nurl = \"file://files\"\n\
                [[line]]\nname = \"main\"\nchannel_secret = \"s\"\nchannel_access_token = \"t\"\n";
    App::open(config::parse(text, folder).unwrap(), clock).await.unwrap()
}

/// A group whose record has begun.
async fn group(app: &App) -> chats::Chat {
    let mut tx = app.db.begin().await.unwrap();
    let project = projects::find_or_add(&mut tx, "alpha", "甲", ProjectKind::Client, app.clock.now()).await.unwrap();
    let inbox = Inbox::line("main");
    let id = chats::add(&mut tx, &inbox, &LineChatId::from("C1"), ChatKind::Group, project).await.unwrap().unwrap();
    presence::record(&mut tx, id, app.clock.now(), true).await.unwrap();
    let chat = chats::get(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    chat
}

async fn gaps(app: &App, chat: &chats::Chat) -> Vec<(GapKind, i64, Option<i64>)> {
    let began: Timestamp = BEGAN.parse().unwrap();
    let minutes = |at: Timestamp| at.duration_since(began).as_mins();
    let found = presence::gaps_of(&mut app.db.read().await.unwrap(), chat).await.unwrap();
    found.into_iter().map(|g| (g.kind, minutes(g.from), g.to.map(minutes))).collect()
}

#[tokio::test]
async fn a_program_that_did_not_run_leaves_a_gap_and_a_restart_none() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stopped(BEGAN.parse().unwrap());
    let app = open(folder.path(), clock.clone()).await;
    let chat = group(&app).await;
    started(&app).await.unwrap();
    clock.advance(Duration::from_mins(5));
    beat(&app).await.unwrap();
    app.db.close().await;
    clock.advance(Duration::from_secs(100));
    let app = open(folder.path(), clock.clone()).await;
    started(&app).await.unwrap();
    assert_eq!(gaps(&app, &chat).await, [], "LINE sends again what a restart missed");
    app.db.close().await;
    clock.advance(Duration::from_hours(1));
    let app = open(folder.path(), clock.clone()).await;
    started(&app).await.unwrap();
    started(&app).await.unwrap();
    assert_eq!(gaps(&app, &chat).await, [(GapKind::Stopped, 6, Some(66))], "told once, however many nodes start");
}

#[tokio::test]
async fn what_could_not_be_kept_is_a_gap_until_something_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stopped(BEGAN.parse().unwrap());
    let app = open(folder.path(), clock.clone()).await;
    let chat = group(&app).await;
    let row = |id: &str| NewInbound {
        inbox: Inbox::line("main"),
        external_id: id.to_owned(),
        received_at: clock.now(),
        happened_at: clock.now(),
        body: "{}".to_owned(),
    };
    let hide = async |to_do: &'static str| {
        let mut other = <sqlx::AnyConnection as sqlx::Connection>::connect(app.config.database.url.expose()).await.unwrap();
        sqlx::raw_sql(to_do).execute(&mut other).await.unwrap();
    };
    hide("ALTER TABLE inbound RENAME TO hidden").await;
    clock.advance(Duration::from_mins(1));
    assert!(app.intake.accept(vec![row("1")]).await.is_err());
    clock.advance(Duration::from_mins(3));
    assert!(app.intake.accept(vec![row("2")]).await.is_err());
    hide("ALTER TABLE hidden RENAME TO inbound").await;
    clock.advance(Duration::from_mins(1));
    app.intake.accept(vec![row("3")]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), app.intake.refusals_are_over()).await.expect("the bell rings");
    beat(&app).await.unwrap();
    beat(&app).await.unwrap();
    assert_eq!(gaps(&app, &chat).await, [(GapKind::Refused, 1, Some(5))]);
}

#[tokio::test]
async fn a_webhook_that_line_does_not_send_here_is_a_gap_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stopped(BEGAN.parse().unwrap());
    let app = open(folder.path(), clock.clone()).await;
    let chat = group(&app).await;
    let look = async |webhook: Webhook| {
        let mut tx = app.db.begin().await.unwrap();
        record_webhook(&mut tx, &chat.inbox, webhook, clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    };
    look(Webhook::Fine).await;
    clock.advance(Duration::from_hours(1));
    look(Webhook::Off).await;
    clock.advance(Duration::from_hours(1));
    look(Webhook::Elsewhere).await;
    assert_eq!(gaps(&app, &chat).await, [(GapKind::Inactive, 0, None)], "it may have begun right after the last good look");
    clock.advance(Duration::from_hours(1));
    let mut tx = app.db.begin().await.unwrap();
    chats::touch(&mut tx, chat.id, clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    look(Webhook::Elsewhere).await;
    assert_eq!(gaps(&app, &chat).await, [(GapKind::Inactive, 0, Some(180))], "somebody hands the events on");
    look(Webhook::Off).await;
    clock.advance(Duration::from_hours(1));
    look(Webhook::Fine).await;
    assert_eq!(gaps(&app, &chat).await, [(GapKind::Inactive, 0, Some(180)), (GapKind::Inactive, 180, Some(240))]);
}

#[test]
fn a_webhook_is_fine_if_it_is_on_and_leads_here() {
    let set = |endpoint: &str, active| WebhookEndpoint { endpoint: endpoint.to_owned(), active };
    let here = "https://support.example.com/webhooks/line/main";
    let ours = Some(here);
    let judged = |set: Option<WebhookEndpoint>, ours| judge(set.as_ref(), ours);
    assert_eq!(judged(Some(set(here, true)), ours), Webhook::Fine);
    assert_eq!(judged(Some(set(here, false)), ours), Webhook::Off);
    assert_eq!(judged(Some(set("https://elsewhere.example/", true)), ours), Webhook::Elsewhere);
    assert_eq!(judged(None, ours), Webhook::Elsewhere);
    assert_eq!(judged(Some(set("http://127.0.0.1:1/", true)), None), Webhook::Fine, "a stand-in is not told where it is");
    assert_eq!(judged(Some(set("", false)), None), Webhook::Off);
}

#[tokio::test]
async fn an_event_that_was_given_up_is_a_gap_of_its_chat_alone() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stopped(BEGAN.parse().unwrap());
    let app = open(folder.path(), clock.clone()).await;
    let chat = group(&app).await;
    clock.advance(Duration::from_mins(10));
    let event = |group: &str| {
        let json = format!(
            r#"{{"type":"unsend","timestamp":{},"source":{{"type":"group","groupId":"{group}"}},"unsend":{{"messageId":"1"}}}}"#,
            clock.now().as_millisecond()
        );
        crate::channels::line::normalise::normalise(&json, None)
    };
    let mut tx = app.db.begin().await.unwrap();
    not_placed(&mut tx, &chat.inbox, &event("C1"), clock.now()).await.unwrap();
    not_placed(&mut tx, &chat.inbox, &event("C2"), clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(gaps(&app, &chat).await, [(GapKind::Unplaced, 10, Some(10))]);
}
