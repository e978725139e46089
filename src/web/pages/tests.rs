use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jiff::Timestamp;
use tower::ServiceExt;

use super::*;
use crate::clock::Clock;
use crate::config;
use crate::domain::{Channel, DiscussionId, InboundId, Inbox, PersonId, ProjectId, ProjectKind, Role, Source, Status};
use crate::store::discussions::Opening;
use crate::store::inbound::{InboundStatus, NewInbound};
use crate::store::posts::NewPost;
use crate::store::{discussions, inbound, members, persons, posts, projects};
use crate::web::viewer::begin_session;

const PASSWORD: &str = "correct horse";

/// An installation with a project, its staff Lin, its client Wang, a stranger, and discussion 1.
struct House {
    app: Arc<App>,
    pages: Router,
    lin: PersonId,
    wang: PersonId,
    stranger: PersonId,
    project: ProjectId,
    discussion: DiscussionId,
    _folder: tempfile::TempDir,
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:8080\"\n\
                    [database]\nurl = \"sqlite://t.db\"\n[storage]\nurl = \"file://files\"\n";
        let clock = Clock::stopped("2026-11-21T06:05:00Z".parse::<Timestamp>().unwrap());
        let app = App::open(config::parse(text, folder.path()).unwrap(), clock).await.unwrap();
        let now = app.clock.now();
        let mut tx = app.db.begin().await.unwrap();
        let project = projects::add(&mut tx, "acme", "宏達工業", ProjectKind::Client, now).await.unwrap().unwrap();
        let lin = persons::find_or_add(&mut tx, Channel::Email, "lin@example.com", "林小美", now).await.unwrap().id;
        let hash: PasswordHash = Argon2::default().hash_password(PASSWORD.as_bytes()).unwrap();
        persons::set_account(&mut tx, lin, "林小美", false, Some(&hash.to_string())).await.unwrap();
        let wang = persons::find_or_add(&mut tx, Channel::Line, "U1", "王先生", now).await.unwrap().id;
        let stranger = persons::find_or_add(&mut tx, Channel::Line, "U2", "路人", now).await.unwrap().id;
        members::put(&mut tx, project, lin, Role::Staff).await.unwrap();
        members::put(&mut tx, project, wang, Role::Client).await.unwrap();
        let opening = Opening { project, title: "出貨單有誤", chat: None, source: Source::Line, at: now };
        let discussion = discussions::open(&mut tx, &opening).await.unwrap().id;
        tx.commit().await.unwrap();
        let house = Self { pages: router().with_state(app.clone()), app, lin, wang, stranger, project, discussion, _folder: folder };
        house.says(wang, Role::Client, "數量少了兩箱", false).await;
        house
    }

    async fn says(&self, person: PersonId, role: Role, body: &str, internal: bool) {
        let now = self.app.clock.now();
        let mut tx = self.app.db.begin().await.unwrap();
        let new = NewPost { internal, ..NewPost::words(person, role, Source::Line, body, r#"{"rule":"nothing"}"#, now) };
        posts::add(&mut tx, self.discussion, &new, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn ask(&self, person: Option<PersonId>, method: &str, path: &str, form: &[(&str, &str)]) -> Got {
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, "text/html,*/*");
        if let Some(person) = person {
            let secret = begin_session(&self.app, person).await.unwrap();
            request = request.header(header::COOKIE, format!("other=1; threadline={secret}"));
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
        let response = self.pages.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Got { status, headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, person: PersonId, path: &str) -> Got {
        self.ask(Some(person), "GET", path, &[]).await
    }

    async fn post(&self, person: PersonId, path: &str, form: &[(&str, &str)]) -> Got {
        self.ask(Some(person), "POST", path, form).await
    }

    async fn discussion(&self) -> discussions::Discussion {
        let mut c = self.app.db.read().await.unwrap();
        discussions::get(&mut c, self.discussion).await.unwrap()
    }

    async fn posts(&self) -> Vec<posts::Post> {
        let mut c = self.app.db.read().await.unwrap();
        posts::of_discussion(&mut c, self.discussion, true).await.unwrap()
    }
}

#[tokio::test]
async fn a_link_in_a_notice_leads_through_the_login_and_back() {
    let house = House::new().await;
    let got = house.ask(None, "GET", "/d/1", &[]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/login?next=%2Fd%2F1"));
    let page = house.ask(None, "GET", "/login?next=%2Fd%2F1", &[]).await;
    assert!(page.body.contains("name=\"next\" value=\"/d/1\""), "{}", page.body);

    let form = [("email", " LIN@example.com "), ("password", PASSWORD), ("next", "/d/1")];
    let got = house.ask(None, "POST", "/login", &form).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/d/1"));
    let cookie = got.headers.get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.starts_with("threadline=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let request = Request::get("/d/1").header(header::COOKIE, cookie.split(';').next().unwrap()).body(Body::empty()).unwrap();
    assert_eq!(house.pages.clone().oneshot(request).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let house = House::new().await;
    let mut bodies = vec![];
    for email in ["lin@example.com", "nobody@example.com"] {
        let got = house.ask(None, "POST", "/login", &[("email", email), ("password", "wrong"), ("next", "//evil.example")]).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED);
        assert!(got.headers.get(header::SET_COOKIE).is_none());
        assert!(got.body.contains("Email 或密碼不正確。") && !got.body.contains("evil.example"));
        bodies.push(got.body.replace(email, ""));
    }
    assert_eq!(bodies[0], bodies[1]);
    // Somebody without a password of their own is nobody here.
    let got = house.ask(None, "POST", "/login", &[("email", "u1"), ("password", "")]).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_ends_in_a_page_that_asks_to_wait() {
    let house = House::new().await;
    let form = [("email", "lin@example.com"), ("password", "")];
    for _ in 0..10 {
        assert_eq!(house.ask(None, "POST", "/login", &form).await.status, StatusCode::UNAUTHORIZED);
    }
    let got = house.ask(None, "POST", "/login", &[("email", "lin@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(got.body.contains("嘗試太多次了"));
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let house = House::new().await;
    let secret = begin_session(&house.app, house.lin).await.unwrap();
    let ask = |method: &str, path: &str| {
        Request::builder().method(method).uri(path).header(header::COOKIE, format!("threadline={secret}")).body(Body::empty()).unwrap()
    };
    let got = house.pages.clone().oneshot(ask("POST", "/logout")).await.unwrap();
    assert_eq!(got.status(), StatusCode::SEE_OTHER);
    assert!(got.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap().contains("Max-Age=0"));
    // Programs that send no `Accept: text/html` are told that there is nothing.
    assert_eq!(house.pages.clone().oneshot(ask("GET", "/d/1")).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_is_no_member_cannot_tell_a_discussion_from_none() {
    let house = House::new().await;
    let theirs = house.get(house.stranger, "/d/1").await;
    let nothing = house.get(house.stranger, "/d/999").await;
    assert_eq!((theirs.status, nothing.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(theirs.body, nothing.body);
    for path in ["/d/0", "/d/x", "/d/+1", "/d/99999999999999999999", "/d/1/live", "/discussions?project=acme"] {
        assert_eq!(house.get(house.stranger, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let got = house.post(house.stranger, "/d/1/reply", &[("body", "x")]).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    assert_eq!(house.posts().await.len(), 1);
}

#[tokio::test]
async fn a_reply_becomes_a_post_once_however_often_its_form_is_sent() {
    let house = House::new().await;
    let mut changes = house.app.changes.subscribe();
    let form = [("id", "0f9d8f55-3f39-4b43-8f9c-3a1c6f8a2f11"), ("body", "我們馬上處理\r\n謝謝"), ("status", "waiting")];
    let first = house.post(house.lin, "/d/1/reply", &form).await;
    let second = house.post(house.lin, "/d/1/reply", &form).await;
    assert_eq!((first.status, second.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(first.location(), second.location());
    let said = house.posts().await;
    assert_eq!(said.len(), 2);
    assert_eq!(first.location(), format!("/d/1#post-{}", said[1].id));
    assert_eq!((said[1].body.as_str(), said[1].role, said[1].source), ("我們馬上處理\n謝謝", Role::Staff, Source::Web));
    assert_eq!(house.discussion().await.status, Status::Waiting);
    assert_eq!(changes.try_recv(), Ok(1));
    assert!(changes.try_recv().is_err());
    // The same id in somebody else's form is another form.
    house.post(house.wang, "/d/1/reply", &form).await;
    assert_eq!(house.posts().await.len(), 3);
}

#[tokio::test]
async fn a_reply_that_cannot_be_sent_comes_back_with_its_text() {
    let house = House::new().await;
    let got = house.post(house.lin, "/d/1/reply", &[("body", " \r\n "), ("internal", "1")]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.body.contains("還沒有寫內容。") && got.body.contains("value=\"1\" checked"));
    let long = "長".repeat(BODY_BYTES_MAX / 3 + 1);
    let got = house.post(house.lin, "/d/1/reply", &[("body", &long)]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.body.contains("內容太長") && got.body.contains(&long));
    let got = house.post(house.lin, "/d/1/reply", &[("body", &"長".repeat(FORM_BYTES_MAX / 8))]).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(house.posts().await.len(), 1);
}

#[tokio::test]
async fn a_client_neither_sees_nor_writes_internal_notes_nor_changes_anything() {
    let house = House::new().await;
    house.says(house.lin, Role::Staff, "客戶很急", true).await;
    let (staff, client) = (house.get(house.lin, "/d/1").await, house.get(house.wang, "/d/1").await);
    assert!(staff.body.contains("客戶很急") && staff.body.contains("內部備註") && staff.body.contains("歸入原因"));
    for hidden in ["客戶很急", "內部備註", "歸入原因", "/d/1/status", "/d/1/assign", "/d/1/title", "/d/1/urgent"] {
        assert!(!client.body.contains(hidden), "{hidden}");
    }
    let got = house.post(house.wang, "/d/1/reply", &[("body", "好的"), ("internal", "1"), ("status", "closed")]).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    let said = house.posts().await;
    assert_eq!((said[2].internal, said[2].role), (false, Role::Client));
    for (what, form) in
        [("status", ("status", "closed")), ("title", ("title", "x")), ("urgent", ("urgent", "1")), ("assign", ("assignee", ""))]
    {
        assert_eq!(house.post(house.wang, &format!("/d/1/{what}"), &[form]).await.status, StatusCode::FORBIDDEN, "{what}");
    }
    let d = house.discussion().await;
    assert_eq!((d.status, d.title.as_str(), d.urgent), (Status::Open, "出貨單有誤", false));
}

#[tokio::test]
async fn staff_set_status_title_urgency_and_who_looks_after_it() {
    let house = House::new().await;
    let lin = house.lin.to_string();
    for (what, form) in [
        ("status", ("status", "in_progress")),
        ("title", ("title", " 出貨單\n數量 ")),
        ("urgent", ("urgent", "1")),
        ("assign", ("assignee", lin.as_str())),
    ] {
        let got = house.post(house.lin, &format!("/d/1/{what}"), &[form]).await;
        assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/d/1"), "{what}");
    }
    let d = house.discussion().await;
    assert_eq!((d.status, d.title.as_str(), d.urgent, d.assignee), (Status::InProgress, "出貨單 數量", true, Some(house.lin)));

    let wang = house.wang.to_string();
    for (what, form) in [("status", ("status", "gone")), ("assign", ("assignee", wang.as_str())), ("assign", ("assignee", "x"))] {
        assert_eq!(house.post(house.lin, &format!("/d/1/{what}"), &[form]).await.status, StatusCode::BAD_REQUEST, "{what}");
    }
    assert_eq!(house.post(house.lin, "/d/1/nonsense", &[]).await.status, StatusCode::NOT_FOUND);
    for title in ["  ", &"題".repeat(121)] {
        let got = house.post(house.lin, "/d/1/title", &[("title", title)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(got.body.contains("role=\"alert\""));
    }
    assert_eq!(house.discussion().await.title, "出貨單 數量");
}

#[tokio::test]
async fn what_was_changed_stands_between_what_was_said_and_what_stayed_the_same_does_not() {
    let house = House::new().await;
    house.post(house.lin, "/d/1/status", &[("status", "resolved")]).await;
    house.post(house.lin, "/d/1/status", &[("status", "resolved")]).await;
    house.post(house.lin, "/d/1/title", &[("title", "<i>改過</i>")]).await;
    house.post(house.lin, "/d/1/assign", &[("assignee", &house.lin.to_string())]).await;
    house.app.clock.advance(Duration::from_mins(1));
    house.post(house.wang, "/d/1/reply", &[("body", "還是不對")]).await;
    let page = house.get(house.lin, "/d/1").await.body;
    let lines: Vec<usize> = [
        "林小美 將狀態從「待處理」改為「已處理」",
        "林小美 將標題改為「&lt;i&gt;改過&lt;/i&gt;」",
        "林小美 指派給 林小美",
        "還是不對",
        "王先生 將狀態從「已處理」改為「待處理」",
    ]
    .iter()
    .map(|words| page.find(words).unwrap_or_else(|| panic!("{words}: {page}")))
    .collect();
    assert!(lines.is_sorted(), "{lines:?}");
    assert_eq!(page.matches("class=\"happening\"").count(), 4);
    // To clients a corrected discussion is as if it had always been so.
    let clients = house.get(house.wang, "/d/1").await.body;
    assert!(clients.contains("林小美 指派給 林小美") && !clients.contains("將標題改為"));
    assert_eq!(clients.matches("class=\"happening\"").count(), 3);
}

#[tokio::test]
async fn a_projects_page_is_for_its_staff_and_its_settings_for_its_owners() {
    let house = House::new().await;
    let page = house.get(house.lin, "/projects/acme").await;
    assert_eq!(page.status, StatusCode::OK);
    for shown in ["宏達工業", "王先生", "取得群組綁定代碼"] {
        assert!(page.body.contains(shown), "{shown}");
    }
    assert!(!page.body.contains("不要顯示內容"), "only an owner changes it");
    assert_eq!(house.post(house.lin, "/projects/acme/excerpts", &[("excerpts", "0")]).await.status, StatusCode::FORBIDDEN);
    for path in ["/projects/acme", "/projects/acme/code", "/projects/acme/excerpts"] {
        let method = if path.ends_with("acme") { "GET" } else { "POST" };
        assert_eq!(house.ask(Some(house.wang), method, path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(house.ask(Some(house.stranger), method, path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
        let got = house.ask(None, method, path, &[]).await;
        assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/login?next=%2Fprojects%2Facme"));
    }
    let mut tx = house.app.db.begin().await.unwrap();
    members::put(&mut tx, house.project, house.lin, Role::Owner).await.unwrap();
    tx.commit().await.unwrap();
    let got = house.post(house.lin, "/projects/acme/excerpts", &[("excerpts", "0")]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/projects/acme"));
    let page = house.get(house.lin, "/projects/acme").await.body;
    assert!(page.contains("不顯示回覆內容") && page.contains("顯示回覆的開頭"));
    let list = house.get(house.wang, "/projects").await.body;
    assert!(list.contains("/discussions?project=acme") && !list.contains("/projects/acme"));
    assert!(house.get(house.lin, "/projects").await.body.contains("/projects/acme"));
}

/// The code on the page.
fn code_on(page: &str) -> &str {
    page.split("class=\"code-text\">").nth(1).unwrap_or_else(|| panic!("no code: {page}")).split('<').next().unwrap()
}

#[tokio::test]
async fn ones_own_page_names_links_and_parts() {
    let house = House::new().await;
    let got = house.post(house.lin, "/me/name", &[("name", " 林\n小美 ")]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/me"));
    assert!(house.get(house.lin, "/me").await.body.contains("value=\"林 小美\""));
    for name in [" ", &"名".repeat(61)] {
        assert_eq!(house.post(house.lin, "/me/name", &[("name", name)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let first = code_on(&house.post(house.lin, "/me/code", &[]).await.body).to_owned();
    let second = code_on(&house.post(house.lin, "/me/code", &[]).await.body).to_owned();
    assert_ne!(first, second);
    assert!(!house.get(house.lin, "/me").await.body.contains(&second), "it is shown once");
    assert_eq!(house.post(house.wang, "/me/code", &[]).await.status, StatusCode::FORBIDDEN);
    assert!(!house.get(house.wang, "/me").await.body.contains("取得綁定代碼"));

    let mut tx = house.app.db.begin().await.unwrap();
    persons::add_identity(&mut tx, house.lin, Channel::Line, "U7", "小美").await.unwrap();
    tx.commit().await.unwrap();
    let page = house.get(house.lin, "/me").await.body;
    let identity = page.split("name=\"identity\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(house.post(house.wang, "/me/unlink", &[("identity", identity)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.post(house.lin, "/me/unlink", &[("identity", "999")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.post(house.lin, "/me/unlink", &[("identity", identity)]).await.status, StatusCode::SEE_OTHER);
    let mut c = house.app.db.read().await.unwrap();
    let now = persons::find_by_identity(&mut c, Channel::Line, "U7").await.unwrap().unwrap();
    assert_eq!((now.id == house.lin, now.name.as_str()), (false, "小美"));
}

#[tokio::test]
async fn an_old_number_leads_to_where_its_discussion_went() {
    let house = House::new().await;
    let mut tx = house.app.db.begin().await.unwrap();
    let opening = Opening { project: house.project, title: "同一件事", chat: None, source: Source::Web, at: house.app.clock.now() };
    let to = discussions::open(&mut tx, &opening).await.unwrap();
    discussions::set_merged(&mut tx, house.discussion, to.id).await.unwrap();
    tx.commit().await.unwrap();
    let got = house.get(house.lin, "/d/1").await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/d/2"));
    let got = house.post(house.lin, "/d/1/reply", &[("body", "好")]).await;
    assert!(got.location().starts_with("/d/2#post-"), "{}", got.location());
    // To those who may see neither, it leads nowhere.
    assert_eq!(house.get(house.stranger, "/d/1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_is_found_by_status_words_and_pages() {
    let house = House::new().await;
    let mut tx = house.app.db.begin().await.unwrap();
    for n in 2..=60 {
        house.app.clock.advance(Duration::from_mins(1));
        let title = format!("題目{n}號");
        let opening = Opening { project: house.project, title: &title, chat: None, source: Source::Web, at: house.app.clock.now() };
        let opened = discussions::open(&mut tx, &opening).await.unwrap();
        if n == 60 {
            discussions::set_status(&mut tx, opened.id, Status::Resolved).await.unwrap();
            discussions::set_assignee(&mut tx, opened.id, Some(house.lin)).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let rows = |got: &Got| got.body.matches("class=\"row\"").count();

    let first = house.get(house.lin, "/discussions").await;
    assert_eq!(rows(&first), 50);
    let next = first.body.split("href=\"/discussions?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = house.get(house.lin, &format!("/discussions?cursor={next}")).await;
    assert_eq!(rows(&second), 10);
    assert!(second.body.contains("出貨單有誤") && !first.body.contains("出貨單有誤"));

    assert_eq!(rows(&house.get(house.lin, "/discussions?status=resolved").await), 1);
    assert_eq!(rows(&house.get(house.lin, "/discussions?mine=1&project=acme").await), 1);
    assert_eq!(rows(&house.get(house.wang, "/discussions?q=%E5%85%A9%E7%AE%B1").await), 1);
    assert_eq!(rows(&house.get(house.lin, "/discussions?status=nonsense&cursor=x&q=").await), 50);
    let nothing = house.get(house.stranger, "/discussions").await;
    assert!(nothing.status == StatusCode::OK && nothing.body.contains("這裡還沒有討論"));
    let found = house.get(house.lin, "/discussions?q=%3Cb%3E%22x").await;
    assert!(found.body.contains("value=\"&lt;b&gt;&quot;x\"") && found.body.contains("找不到符合的討論"));
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_the_address_of_their_bytes() {
    let house = House::new().await;
    let page = house.ask(None, "GET", "/login", &[]).await;
    for name in ["app.css", "app.js", "icon.svg"] {
        let path = assets::path(name);
        assert!(page.body.contains(&path), "{path}");
        let got = house.ask(None, "GET", &path, &[]).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let other = house.ask(None, "GET", &format!("/assets/000000000000/{name}"), &[]).await;
        assert_eq!(other.headers[header::CACHE_CONTROL], "no-cache");
    }
    assert_eq!(house.ask(None, "GET", "/assets/000000000000/x.css", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!page.body.contains("style=") && !page.body.contains("<style") && !page.body.contains(" onclick"));
}

#[tokio::test]
async fn an_open_page_hears_of_its_own_discussion_only() {
    use futures_util::StreamExt;

    let house = House::new().await;
    let secret = begin_session(&house.app, house.wang).await.unwrap();
    let request = Request::get("/d/1/live").header(header::COOKIE, format!("threadline={secret}")).body(Body::empty()).unwrap();
    let response = house.pages.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    house.app.changed(2);
    house.app.changed(1);
    let heard = tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(heard, "event: changed\ndata: 1\n\n");
}

#[tokio::test]
async fn what_arrived_is_listed_for_admins_alone() {
    let house = House::new().await;
    let now = house.app.clock.now();
    let event = |n: usize, kind: &str| NewInbound {
        inbox: Inbox::line("main"),
        external_id: format!("01EVENT{n:03}"),
        received_at: now,
        happened_at: now,
        body: format!("{{\"type\":\"{kind}\"}}"),
    };
    let mut tx = house.app.db.begin().await.unwrap();
    let rows = (0..52).map(|n| event(n, if n == 51 { "quantumLeap" } else { "join" })).collect();
    inbound::add_all(&mut tx, rows).await.unwrap();
    inbound::settle(&mut tx, InboundId(1), InboundStatus::Held, Some("the mail names no sender"), None, None).await.unwrap();
    inbound::went_wrong(&mut tx, InboundId(2), "<it broke>", None).await.unwrap();
    inbound::settle(&mut tx, InboundId(52), InboundStatus::Done, None, Some(house.discussion), None).await.unwrap();
    tx.commit().await.unwrap();

    let theirs = house.get(house.lin, "/inbound").await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert!(!house.get(house.lin, "/d/1").await.body.contains("href=\"/inbound\""));
    let got = house.ask(None, "GET", "/inbound?status=held", &[]).await;
    assert_eq!(got.location(), "/login?next=%2Finbound%3Fstatus%3Dheld");

    let mut tx = house.app.db.begin().await.unwrap();
    persons::set_account(&mut tx, house.lin, "林小美", true, None).await.unwrap();
    tx.commit().await.unwrap();
    let first = house.get(house.lin, "/inbound").await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.body.contains("其他：quantumLeap") && first.body.contains("href=\"/d/1\""), "{}", first.body);
    assert!(first.body.contains("01EVENT002") && !first.body.contains("01EVENT001"));
    assert!(first.body.contains("href=\"/inbound?cursor=3\"") && first.body.contains("href=\"/inbound\""));
    let second = house.get(house.lin, "/inbound?cursor=3").await;
    assert!(second.body.contains("01EVENT001") && second.body.contains("01EVENT000") && !second.body.contains("01EVENT002"));
    assert!(second.body.contains("&lt;it broke&gt;") && second.body.contains("這封信沒有寄件人。"));
    let held = house.get(house.lin, "/inbound?status=held").await;
    assert!(held.body.contains("01EVENT000") && !held.body.contains("01EVENT001"));
    assert_eq!(held.body.matches("<span class=\"count\">1</span>").count(), 2, "one is held and one has failed");
    assert!(house.get(house.lin, "/inbound?status=nonsense&cursor=-1").await.body.contains("01EVENT051"));
}
