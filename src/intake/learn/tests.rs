use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::json;

use super::*;
use crate::clock::Clock;
use crate::config;
use crate::domain::{PersonId, ProjectKind};
use crate::intake::pictures;
use crate::store::{presence, projects, rosters};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// What the stand-in says: people by id with name and picture; whether the account is in the group.
#[derive(Default)]
struct Says {
    people: BTreeMap<String, (String, Option<String>)>,
    account_is_out: bool,
    picture_requests: Vec<HeaderMap>,
}

type Shared = State<Arc<Mutex<Says>>>;

async fn member(State(says): Shared, Path((_, user)): Path<(String, String)>) -> Response {
    let says = says.lock().unwrap();
    match says.people.get(&user).filter(|_| !says.account_is_out) {
        Some((name, Some(picture))) => axum::Json(json!({"userId": user, "displayName": name, "pictureUrl": picture})).into_response(),
        Some((name, None)) => axum::Json(json!({"userId": user, "displayName": name})).into_response(),
        None => (StatusCode::NOT_FOUND, axum::Json(json!({"message": "Not found"}))).into_response(),
    }
}

async fn summary(State(says): Shared, Path(group): Path<String>) -> Response {
    if says.lock().unwrap().account_is_out {
        return (StatusCode::NOT_FOUND, axum::Json(json!({"message": "Not found"}))).into_response();
    }
    axum::Json(json!({"groupId": group, "groupName": "林宅裝修"})).into_response()
}

async fn picture(State(says): Shared, Path(name): Path<String>, headers: HeaderMap) -> Response {
    says.lock().unwrap().picture_requests.push(headers);
    match name.as_str() {
        "a.png" => PNG.into_response(),
        "b.png" => [PNG, b"another"].concat().into_response(),
        "large.png" => [PNG, &vec![0; 1024 * 1024]].concat().into_response(),
        "page.png" => ([(header::CONTENT_TYPE, "image/png")], "<svg onload=alert(1)>").into_response(),
        "moved.png" => Redirect::temporary("/pictures/a.png").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The program beside a stand-in of LINE, with one group that Amy is in.
struct House {
    app: Arc<App>,
    says: Arc<Mutex<Says>>,
    url: String,
    chat: crate::domain::ChatId,
    amy: PersonId,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let says = Arc::new(Mutex::new(Says::default()));
        let router = Router::new()
            .route("/v2/bot/group/{group}/member/{user}", get(member))
            .route("/v2/bot/group/{group}/summary", get(summary))
            .route("/v2/bot/group/{group}/members/count", get(|| async { axum::Json(json!({"count": 3})) }))
            .route("/pictures/{name}", get(picture))
            .with_state(says.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:8080\"\n[database]\nurl = \"sqlite://t.db\"\n\
             [storage]\nurl = \"file://files\"\n[[line]]\nname = \"main\"\nchannel_secret = \"s\"\nchannel_access_token = \"secret-token\"\n\
             api_url = \"{url}\"\ndata_api_url = \"{url}\"\n"
        );
        let clock = Clock::stopped("2026-11-21T06:05:00Z".parse().unwrap());
        let app = App::open(config::parse(&text, folder.path()).unwrap(), clock.clone()).await.unwrap();
        let now = clock.now();
        let mut tx = app.db.begin().await.unwrap();
        let project = projects::find_or_add(&mut tx, "alpha", "甲", ProjectKind::Client, now).await.unwrap();
        let chat = chats::add(&mut tx, &Inbox::line("main"), &LineChatId::from("C1"), ChatKind::Group, project).await.unwrap().unwrap();
        chats::bind(&mut tx, chat, project).await.unwrap();
        presence::record(&mut tx, chat, now, true).await.unwrap();
        let amy = persons::find_or_add(&mut tx, Channel::Line, "U1", "", now).await.unwrap().id;
        rosters::seen(&mut tx, chat, amy, now).await.unwrap();
        tx.commit().await.unwrap();
        Self { app, says, url, chat, amy, clock, _folder: folder }
    }

    fn is_called(&self, name: &str, picture: Option<&str>) {
        let picture = picture.map(|p| if p.contains(':') { p.to_owned() } else { format!("{}/pictures/{p}", self.url) });
        self.says.lock().unwrap().people.insert("U1".into(), (name.into(), picture));
    }

    /// A day goes by, with a message of hers in it, and LINE is asked.
    async fn next_day(&self) {
        self.clock.advance(Duration::from_hours(25));
        let mut tx = self.app.db.begin().await.unwrap();
        rosters::seen(&mut tx, self.chat, self.amy, self.clock.now() - SignedDuration::from_secs(60)).await.unwrap();
        tx.commit().await.unwrap();
        self.round().await;
    }

    async fn round(&self) {
        refresh(&self.app).await.unwrap();
        pictures::fetch_due(&self.app).await.unwrap();
    }

    async fn name(&self) -> String {
        persons::find(&mut self.app.db.read().await.unwrap(), self.amy).await.unwrap().unwrap().name
    }

    async fn former(&self) -> Vec<String> {
        let mut all = identities::former_names(&mut self.app.db.read().await.unwrap(), self.chat).await.unwrap();
        all.remove(&self.amy).unwrap_or_default()
    }

    async fn picture(&self) -> Option<Vec<u8>> {
        let sha256 = identities::picture(&mut self.app.db.read().await.unwrap(), self.amy).await.unwrap()?;
        Some(self.app.files.read(&sha256).await.unwrap().to_vec())
    }

    async fn is_in(&self) -> bool {
        rosters::is_in(&mut self.app.db.read().await.unwrap(), self.chat, self.amy).await.unwrap()
    }
}

#[tokio::test]
async fn a_changed_name_is_followed_and_the_old_ones_are_remembered() {
    let h = House::new().await;
    h.is_called("小美", None);
    h.round().await;
    assert_eq!((h.name().await.as_str(), h.former().await), ("小美", vec![]));
    h.is_called("林小美", None);
    h.next_day().await;
    assert_eq!((h.name().await, h.former().await), ("林小美".to_owned(), vec!["小美".to_owned()]));
    h.is_called("Amy", None);
    h.next_day().await;
    assert_eq!((h.name().await, h.former().await), ("Amy".to_owned(), vec!["林小美".to_owned(), "小美".to_owned()]));
    h.is_called("小美", None);
    h.next_day().await;
    assert_eq!(h.former().await, ["Amy", "林小美"], "a name that is borne again is no former one");
}

#[tokio::test]
async fn a_name_that_people_of_ours_gave_stays() {
    let h = House::new().await;
    h.is_called("小美", None);
    h.round().await;
    let mut tx = h.app.db.begin().await.unwrap();
    persons::rename(&mut tx, h.amy, "小美").await.unwrap();
    tx.commit().await.unwrap();
    h.is_called("🐰", None);
    h.next_day().await;
    assert_eq!((h.name().await, h.former().await), ("小美".to_owned(), vec![]), "even where LINE called her the same");
}

#[tokio::test]
async fn who_was_not_seen_for_a_week_is_not_asked_for_until_she_is() {
    let h = House::new().await;
    h.is_called("小美", None);
    h.round().await;
    h.clock.advance(Duration::from_hours(24 * 8));
    h.is_called("Amy", None);
    h.round().await;
    assert_eq!(h.name().await, "Amy", "the look that was planned while she was lively");
    h.is_called("Bella", None);
    h.clock.advance(Duration::from_hours(24 * 8));
    h.round().await;
    assert_eq!(h.name().await, "Amy");
    h.next_day().await;
    assert_eq!(h.name().await, "Bella");
}

#[tokio::test]
async fn a_picture_is_fetched_without_our_token_and_replaced_and_taken_away_with_its_address() {
    let h = House::new().await;
    h.is_called("小美", Some("a.png"));
    h.round().await;
    assert_eq!(h.picture().await.as_deref(), Some(PNG));
    h.round().await;
    assert_eq!(h.says.lock().unwrap().picture_requests.len(), 1, "once");
    assert!(h.says.lock().unwrap().picture_requests.iter().all(|r| !r.contains_key(header::AUTHORIZATION)));
    let old = identities::picture(&mut h.app.db.read().await.unwrap(), h.amy).await.unwrap().unwrap();
    h.is_called("小美", Some("b.png"));
    h.next_day().await;
    assert_eq!(h.picture().await, Some([PNG, b"another"].concat()));
    assert!(h.app.files.read(&old).await.is_err(), "the old one is kept nowhere");
    h.is_called("小美", None);
    h.next_day().await;
    assert_eq!(h.picture().await, None);
}

#[tokio::test]
async fn what_is_no_small_picture_at_a_public_address_is_not_taken() {
    let h = House::new().await;
    let elsewhere = h.url.replace("127.0.0.1", "localhost");
    let other_port = "http://127.0.0.1:9/pictures/a.png";
    for bad in
        ["large.png", "page.png", "moved.png", "none.png", &format!("{elsewhere}/pictures/a.png"), other_port, "https://127.0.0.1/a.png"]
    {
        h.is_called("小美", Some(bad));
        h.next_day().await;
        assert_eq!(h.picture().await, None, "{bad}");
    }
}

#[tokio::test]
async fn whom_line_does_not_know_as_a_member_has_gone_and_may_come_back() {
    let h = House::new().await;
    h.round().await;
    assert!(!h.is_in().await, "LINE answers 404 for her and knows the group");
    h.is_called("小美", None);
    h.next_day().await;
    assert!(h.is_in().await, "she wrote again, and LINE knows her");
}

#[tokio::test]
async fn where_the_account_itself_is_out_nobody_has_gone_but_the_record_has_a_gap() {
    let h = House::new().await;
    h.is_called("小美", None);
    h.round().await;
    h.says.lock().unwrap().account_is_out = true;
    h.next_day().await;
    assert!(h.is_in().await);
    let chat = chats::get(&mut h.app.db.read().await.unwrap(), h.chat).await.unwrap();
    assert_eq!(chat.left_at, Some(h.clock.now()));
}
