//! The demonstration page: a LINE group, a mailbox and the product's own page, side by side, with nothing outside this machine.
//!
//! Whoever opens it may speak as any of its people, so it is only for `threadline demo`.

mod acts;
mod cards;
mod letters;
mod look;
mod mail;
mod scene;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tower_http::csrf::CsrfLayer;

use super::platform::Platform;
use crate::domain::{LineChatId, LineUserId, Role};
use crate::i18n::Locale;

use mail::Mail;
pub use scene::{Scene, scene};

/// The page and the gallery of cards, each with places for texts.
const PAGE: &str = include_str!("assets/demo.html");
const CARDS_PAGE: &str = include_str!("assets/cards.html");
const TEXT_CSS: &str = "text/css; charset=utf-8";
const TEXT_JS: &str = "text/javascript; charset=utf-8";
/// What the pages load: name, type, content.
const ASSETS: [(&str, &str, &str); 7] = [
    ("demo.css", TEXT_CSS, include_str!("assets/demo.css")),
    ("core.js", TEXT_JS, include_str!("assets/core.js")),
    ("flex.js", TEXT_JS, include_str!("assets/flex.js")),
    ("group.js", TEXT_JS, include_str!("assets/group.js")),
    ("mail.js", TEXT_JS, include_str!("assets/mail.js")),
    ("demo.js", TEXT_JS, include_str!("assets/demo.js")),
    ("cards.js", TEXT_JS, include_str!("assets/cards.js")),
];
/// The picture that a client sends in the opening scene.
const DELIVERY_NOTE: &[u8] = include_bytes!("assets/delivery-note.png");
/// What its people look like, in the order of [`DemoState::cast`], and the group.
const FACES: [&[u8]; 3] =
    [include_bytes!("assets/face-chen.png"), include_bytes!("assets/face-lin.png"), include_bytes!("assets/face-zhang.png")];
const GROUP_FACE: &[u8] = include_bytes!("assets/face-group.png");

/// The page may run its own files and frame its own origin, nothing else; nobody may frame it.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                        frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const NOSNIFF: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

/// Somebody whom the visitor can play.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// Their display name in LINE and in mail.
    pub name: String,
    /// Their part in the demonstration's project.
    pub role: Role,
    /// Their LINE account, if they have one in the group.
    pub line_user: Option<LineUserId>,
    /// Their mail address, if they have a mailbox here.
    pub address: Option<String>,
}

/// What the demonstration consists of.
#[derive(Clone)]
pub struct DemoState {
    pub platform: Platform,
    /// The group that the page shows.
    pub group: LineChatId,
    pub people: Vec<DemoPerson>,
    /// The Maildir that the product reads: what people write by mail goes there.
    pub mail_in: PathBuf,
    /// The Maildir that the product "sends" into.
    pub mail_out: PathBuf,
    /// Whose mailbox is shown first: one of [`DemoState::people`].
    pub staff_address: String,
    /// Where new mail goes.
    pub support_address: String,
    /// The `authserv_id` of the product's mailbox, which vouches for every mail written here; `None`: nobody does.
    pub authserv_id: Option<String>,
}

impl DemoState {
    /// A trading company's group with two people of a client's, a colleague who is in the group, and one who only reads mail.
    pub fn cast(platform: Platform, mail_in: PathBuf, mail_out: PathBuf, staff_address: &str, support_address: &str) -> Self {
        let domain = staff_address.rsplit('@').next().unwrap_or("demo.example").to_owned();
        let [chen, lin, zhang] = ["陳小姐", "林先生", "小張（業務）"].map(|name| platform.person(name));
        for (user, face) in [&chen, &lin, &zhang].into_iter().zip(FACES) {
            platform.set_picture(user, "image/png", face);
        }
        let group = platform.group("晨光咖啡 × 和順貿易", &[chen.clone(), lin.clone(), zhang.clone()]);
        platform.set_group_picture(&group, "image/png", GROUP_FACE);
        let person = |name: &str, role, line_user, address| DemoPerson { name: name.to_owned(), role, line_user, address };
        let people = vec![
            person("陳小姐", Role::Client, Some(chen), Some("chen@client.example".to_owned())),
            person("林先生", Role::Client, Some(lin), None),
            person("小張（業務）", Role::Staff, Some(zhang), Some(format!("zhang@{domain}"))),
            person("王經理", Role::Staff, None, Some(staff_address.to_owned())),
        ];
        let (staff_address, support_address) = (staff_address.to_owned(), support_address.to_owned());
        Self { platform, group, people, mail_in, mail_out, staff_address, support_address, authserv_id: None }
    }

    fn line_user(&self, id: &str) -> Result<&LineUserId, Refusal> {
        self.people.iter().filter_map(|p| p.line_user.as_ref()).find(|u| u.as_str() == id).ok_or(Refusal(StatusCode::NOT_FOUND, "who"))
    }
}

/// The demonstration with the mails that it has seen.
struct Shown {
    demo: DemoState,
    /// By Maildir name, so oldest first.
    mails: Mutex<BTreeMap<String, Mail>>,
}

type Demo = State<Arc<Shown>>;

/// Why something was not done; the page shows it.
struct Refusal(StatusCode, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// All of [`routes`], and the page at `/` as well.
pub fn router(state: DemoState) -> Router {
    routes(state).route("/", get(async |query: Query<PageQuery>| page(query).await))
}

/// The page at `/demo`, every card that the bot makes at `/demo/cards`, their files under `/demo/assets/`, their JSON under
/// `/demo/api/`.
pub fn routes(state: DemoState) -> Router {
    let shown = Arc::new(Shown { demo: state, mails: Mutex::default() });
    Router::new()
        .route("/demo", get(page))
        .route("/demo/cards", get(async |Query(query): Query<PageQuery>| page_of(CARDS_PAGE, query.locale())))
        .route("/demo/assets/{file}", get(asset))
        .route("/demo/api/state", get(look::look))
        .route("/demo/api/cards", get(cards::cards))
        .route("/demo/api/say", post(acts::say))
        .route("/demo/api/edit", post(acts::edit))
        .route("/demo/api/unsend", post(acts::unsend))
        .route("/demo/api/sticker", post(acts::sticker))
        .route("/demo/api/tap", post(acts::tap))
        .route("/demo/api/member", post(acts::member))
        .route("/demo/api/bot", post(acts::bot))
        .route("/demo/api/upload", post(acts::upload).layer(DefaultBodyLimit::max(acts::UPLOAD_BYTES_MAX)))
        .route("/demo/api/content/{message}", get(acts::content))
        .route("/demo/api/mail", post(letters::write_mail))
        .route("/demo/api/mail/{id}/html", get(letters::mail_html))
        .layer(CsrfLayer::new())
        .with_state(shown)
}

#[derive(Deserialize)]
struct PageQuery {
    lang: Option<String>,
}

impl PageQuery {
    fn locale(&self) -> Locale {
        self.lang.as_deref().and_then(Locale::find).unwrap_or(Locale::ZhTw)
    }
}

async fn page(Query(query): Query<PageQuery>) -> Response {
    page_of(PAGE, query.locale())
}

fn page_of(page: &str, locale: Locale) -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, PAGE_CSP), (header::REFERRER_POLICY, "same-origin"), NOSNIFF];
    (headers, Html(page_in(page, locale))).into_response()
}

/// A page with every `{{…}}` replaced by its text.
fn page_in(page: &str, locale: Locale) -> String {
    let texts = locale.texts();
    let for_script: BTreeMap<&str, &str> = texts.keys().filter_map(|key| Some((key.strip_prefix("demo.")?, texts.get(key)))).collect();
    let mut out = String::with_capacity(page.len() * 2);
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, tail) = after.split_once("}}").expect("every place of the page is closed; a test renders it");
        let value = match name {
            "lang" => locale.tag().to_owned(),
            "texts" => serde_json::to_string(&for_script).expect("texts are strings"),
            key => texts.get(key).to_owned(),
        };
        out.push_str(&mail::escape(&value));
        rest = tail;
    }
    out + rest
}

async fn asset(Path(file): Path<String>) -> Response {
    let Some((_, kind, text)) = ASSETS.into_iter().find(|(name, _, _)| *name == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache"), NOSNIFF], text).into_response()
}

#[cfg(test)]
mod tests;
