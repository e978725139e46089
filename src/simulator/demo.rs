//! The demonstration page: a LINE group, a mailbox and the product's own page, side by side, with nothing outside this machine.
//!
//! Whoever opens it may speak as any of its people, so it is only for `threadline demo`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tower_http::csrf::CsrfLayer;

use super::content::Upload;
use super::demo_mail::{self, Draft, MAILS_SHOWN_MAX, Mail, Party};
use super::people::{Event, Say};
use super::platform::{Entry, Platform, Speaker};
use crate::domain::{LineChatId, LineMessageId, LineUserId, Role};
use crate::i18n::Locale;

const PAGE: &str = include_str!("assets/demo.html");
const STYLE: &str = include_str!("assets/demo.css");
const SCRIPT: &str = include_str!("assets/demo.js");
/// The picture that a client sends in the opening scene.
const DELIVERY_NOTE: &[u8] = include_bytes!("assets/delivery-note.png");

/// The largest picture or file that can be sent.
const UPLOAD_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The longest text of a LINE message (reference, "Text message"), in UTF-16 units.
const TEXT_UTF16_MAX: usize = 5_000;
/// The longest mail that can be written, in characters.
const MAIL_CHARS_MAX: usize = 20_000;
const SUBJECT_CHARS_MAX: usize = 200;
/// How long people take between two things they say in the opening scene.
const SCENE_PAUSE: Duration = Duration::from_secs(3);

/// The page may run its own files and frame its own origin, nothing else; nobody may frame it.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                        frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A mail's own HTML: shown, never run, and it loads nothing.
const MAIL_CSP: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";
/// What people uploaded.
const CONTENT_CSP: &str = "sandbox; default-src 'none'";

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
        let group = platform.group("晨光咖啡 × 和順貿易", &[chen.clone(), lin.clone(), zhang.clone()]);
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

/// The page at `/demo`, its files under `/demo/assets/`, its JSON under `/demo/api/`.
pub fn routes(state: DemoState) -> Router {
    let shown = Arc::new(Shown { demo: state, mails: Mutex::default() });
    Router::new()
        .route("/demo", get(page))
        .route("/demo/assets/{file}", get(asset))
        .route("/demo/api/state", get(look))
        .route("/demo/api/say", post(say))
        .route("/demo/api/edit", post(edit))
        .route("/demo/api/unsend", post(unsend))
        .route("/demo/api/sticker", post(sticker))
        .route("/demo/api/tap", post(tap))
        .route("/demo/api/upload", post(upload).layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)))
        .route("/demo/api/content/{message}", get(content))
        .route("/demo/api/mail", post(write_mail))
        .route("/demo/api/mail/{id}/html", get(mail_html))
        .layer(CsrfLayer::new())
        .with_state(shown)
}

#[derive(Deserialize)]
struct PageQuery {
    lang: Option<String>,
}

const NOSNIFF: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

async fn page(Query(query): Query<PageQuery>) -> Response {
    let locale = query.lang.as_deref().and_then(Locale::find).unwrap_or(Locale::ZhTw);
    let headers = [(header::CONTENT_SECURITY_POLICY, PAGE_CSP), (header::REFERRER_POLICY, "same-origin"), NOSNIFF];
    (headers, Html(page_in(locale))).into_response()
}

/// The page with every `{{…}}` replaced by its text.
fn page_in(locale: Locale) -> String {
    let texts = locale.texts();
    let for_script: BTreeMap<&str, &str> = texts.keys().filter_map(|key| Some((key.strip_prefix("demo.")?, texts.get(key)))).collect();
    let mut out = String::with_capacity(PAGE.len() * 2);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, tail) = after.split_once("}}").expect("every place of the page is closed; a test renders it");
        let value = match name {
            "lang" => locale.tag().to_owned(),
            "texts" => serde_json::to_string(&for_script).expect("texts are strings"),
            key => texts.get(key).to_owned(),
        };
        out.push_str(&demo_mail::escape(&value));
        rest = tail;
    }
    out + rest
}

async fn asset(Path(file): Path<String>) -> Response {
    let (kind, text) = match file.as_str() {
        "demo.css" => ("text/css; charset=utf-8", STYLE),
        "demo.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache"), NOSNIFF], text).into_response()
}

#[derive(Deserialize)]
struct LookQuery {
    since: Option<String>,
}

/// Everything that the page shows, or 204 if nothing changed since the version it has.
async fn look(State(shown): Demo, Query(query): Query<LookQuery>) -> Result<Response, Refusal> {
    let demo = &shown.demo;
    let mut mails = shown.mails.lock().await;
    if let Err(error) = demo_mail::look(&demo.mail_out, &mut mails).await {
        tracing::warn!(%error, "the demonstration cannot read its mail folder");
        return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "mail"));
    }
    let newest_mail = mails.keys().next_back().map_or("", String::as_str);
    let version = format!("{}-{}-{newest_mail}", demo.platform.version(), mails.len());
    if query.since.as_deref() == Some(version.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let people: Vec<Value> = demo
        .people
        .iter()
        .map(|p| json!({"name": p.name, "role": p.role, "user": p.line_user.as_ref().map(LineUserId::as_str), "address": p.address}))
        .collect();
    let (group, members, names) = {
        let state = demo.platform.state();
        let names: BTreeMap<String, String> = state.people.iter().map(|(id, p)| (id.to_string(), p.name.clone())).collect();
        let chat = state.chats.get(&demo.group);
        (chat.map(|c| c.name.clone()), chat.map_or(0, |c| c.members.len()), names)
    };
    let lines: Vec<Value> = demo.platform.chat_log(&demo.group).iter().map(line_json).collect();
    let mut newest: Vec<&Mail> = mails.values().collect();
    newest.sort_by_key(|m| std::cmp::Reverse(m.at));
    newest.truncate(MAILS_SHOWN_MAX);
    let body = json!({
        "version": version, "group": group, "members": members, "names": names, "bot": demo.platform.settings().bot_name,
        "people": people, "lines": lines, "mails": newest,
        "staff_address": demo.staff_address, "support_address": demo.support_address,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

fn line_json(entry: &Entry) -> Value {
    let (by, user) = match &entry.by {
        Speaker::Person(user) => ("person", user.as_ref().map(LineUserId::as_str)),
        Speaker::Bot => ("bot", None),
        Speaker::Nobody => ("nobody", None),
    };
    let has_file = matches!(entry.content["type"].as_str(), Some("image" | "video" | "audio" | "file")) && by == "person";
    let file = entry.id.as_ref().filter(|_| has_file && !entry.retracted).map(|id| format!("/demo/api/content/{id}"));
    json!({
        "id": entry.id.as_ref().map(LineMessageId::as_str), "at": entry.at.as_millisecond(), "by": by, "user": user,
        "content": entry.content, "quotes": entry.quotes.as_ref().map(LineMessageId::as_str),
        "retracted": entry.retracted, "edited": entry.edited, "file": file,
    })
}

/// Delivers what somebody did to the product; what it answered.
async fn deliver(demo: &DemoState, event: Event) -> Json<Value> {
    let delivered = demo.platform.deliver(std::slice::from_ref(&event)).await;
    Json(json!({"webhook": delivered.status}))
}

fn checked(text: &str) -> Result<&str, Refusal> {
    match text.encode_utf16().count() {
        0 => Err(Refusal(StatusCode::BAD_REQUEST, "empty")),
        1..=TEXT_UTF16_MAX => Ok(text),
        _ => Err(Refusal(StatusCode::BAD_REQUEST, "too long")),
    }
}

/// A message of the demonstration's group.
fn known_message(demo: &DemoState, id: &str) -> Result<LineMessageId, Refusal> {
    let id = LineMessageId::from(id);
    let known = demo.platform.state().messages.get(&id).is_some_and(|m| m.chat == demo.group && !m.unsent);
    if known { Ok(id) } else { Err(Refusal(StatusCode::NOT_FOUND, "message")) }
}

#[derive(Deserialize)]
struct SayBody {
    who: String,
    text: String,
    quote: Option<String>,
    #[serde(default)]
    mention: bool,
}

async fn say(State(shown): Demo, Json(body): Json<SayBody>) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let quote = body.quote.as_deref().map(|q| known_message(demo, q)).transpose()?;
    let how = Say { quote, mention_bot: body.mention, at: None };
    let event = demo.platform.say(&demo.group, Some(demo.line_user(&body.who)?), checked(&body.text)?, how);
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
struct EditBody {
    message: String,
    text: String,
}

async fn edit(State(shown): Demo, Json(body): Json<EditBody>) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let message = own_message(demo, &body.message)?;
    let event = demo.platform.edit(&message, checked(&body.text)?);
    Ok(deliver(demo, event).await)
}

/// A message that a person wrote: an Official Account can neither edit nor unsend its own.
fn own_message(demo: &DemoState, id: &str) -> Result<LineMessageId, Refusal> {
    let id = known_message(demo, id)?;
    let by_bot = demo.platform.state().messages.get(&id).is_some_and(|m| m.by_bot);
    if by_bot { Err(Refusal(StatusCode::FORBIDDEN, "message")) } else { Ok(id) }
}

#[derive(Deserialize)]
struct UnsendBody {
    message: String,
}

async fn unsend(State(shown): Demo, Json(body): Json<UnsendBody>) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let message = own_message(demo, &body.message)?;
    Ok(deliver(demo, demo.platform.unsend(&message)).await)
}

#[derive(Deserialize)]
struct StickerBody {
    who: String,
    keyword: String,
    quote: Option<String>,
}

async fn sticker(State(shown): Demo, Json(body): Json<StickerBody>) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let quote = body.quote.as_deref().map(|q| known_message(demo, q)).transpose()?;
    let who = demo.line_user(&body.who)?;
    let event = demo.platform.sticker(&demo.group, Some(who), &[checked(&body.keyword)?], quote.as_ref());
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
struct TapBody {
    who: String,
    data: String,
}

async fn tap(State(shown): Demo, Json(body): Json<TapBody>) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let event = demo.platform.tap(&demo.group, Some(demo.line_user(&body.who)?), &body.data);
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
struct UploadQuery {
    who: String,
    kind: String,
    name: String,
}

async fn upload(
    State(shown): Demo,
    Query(query): Query<UploadQuery>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let who = Some(demo.line_user(&query.who)?);
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("application/octet-stream");
    let upload = Upload::new(content_type, body);
    let event = match query.kind.as_str() {
        "image" if matches!(content_type, "image/png" | "image/jpeg") => demo.platform.image(&demo.group, who, upload),
        "file" => demo.platform.file(&demo.group, who, &query.name, upload),
        _ => return Err(Refusal(StatusCode::BAD_REQUEST, "kind")),
    };
    Ok(deliver(demo, event).await)
}

async fn content(State(shown): Demo, Path(message): Path<String>) -> Result<Response, Refusal> {
    let id = known_message(&shown.demo, &message)?;
    let (bytes, kind) = shown.demo.platform.content(&id).ok_or(Refusal(StatusCode::NOT_FOUND, "message"))?;
    // Only pictures are shown in place; whatever else was sent is only ever saved.
    let (kind, disposition) = match kind.as_str() {
        "image/png" => ("image/png", "inline"),
        "image/jpeg" => ("image/jpeg", "inline"),
        _ => ("application/octet-stream", "attachment"),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, CONTENT_CSP),
        // Gone from every browser too, once it is unsent.
        (header::CACHE_CONTROL, "no-store"),
        NOSNIFF,
    ];
    Ok((headers, bytes).into_response())
}

#[derive(Deserialize)]
struct MailBody {
    /// Address of the writer: one of the demonstration's people.
    from: String,
    answer_to: Option<String>,
    #[serde(default)]
    subject: String,
    text: String,
}

/// Subject of an answer: `Re: ` once.
fn answer_subject(subject: &str) -> String {
    let is_answer = subject.get(..3).is_some_and(|s| s.eq_ignore_ascii_case("re:"));
    if is_answer { subject.to_owned() } else { format!("Re: {subject}") }
}

async fn write_mail(State(shown): Demo, Json(body): Json<MailBody>) -> Result<Json<Value>, Refusal> {
    let demo = &shown.demo;
    let writer = demo.people.iter().find(|p| p.address.as_deref() == Some(body.from.as_str()));
    let from = writer.map(|p| Party { name: p.name.clone(), address: body.from.clone() }).ok_or(Refusal(StatusCode::NOT_FOUND, "who"))?;
    if body.text.trim().is_empty() {
        return Err(Refusal(StatusCode::BAD_REQUEST, "empty"));
    }
    if body.text.chars().count() > MAIL_CHARS_MAX || body.subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(Refusal(StatusCode::BAD_REQUEST, "too long"));
    }
    let mut mails = shown.mails.lock().await;
    let answers = match &body.answer_to {
        Some(id) => Some(mails.get(id).ok_or(Refusal(StatusCode::NOT_FOUND, "mail"))?),
        None => None,
    };
    let at = demo.platform.now();
    let draft = Draft {
        from,
        to: answers.map_or(demo.support_address.as_str(), |m| m.reply_to.as_str()),
        subject: answers.map_or_else(|| body.subject.trim().to_owned(), |m| answer_subject(&m.subject)),
        text: &body.text,
        answers,
        at,
        authserv_id: demo.authserv_id.as_deref(),
    };
    let raw = demo_mail::compose(&draft);
    let name = demo_mail::drop_into(&demo.mail_in, &raw, at).await.map_err(|error| {
        tracing::warn!(%error, "the demonstration cannot write into its mail folder");
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, "mail")
    })?;
    if let Some(mail) = demo_mail::read(&name, &raw, true) {
        mails.insert(name, mail);
    }
    let written: Vec<String> = mails.values().filter(|m| m.sent).map(|m| m.id.clone()).collect();
    for old in written.iter().take(written.len().saturating_sub(MAILS_SHOWN_MAX)) {
        mails.remove(old);
    }
    Ok(Json(json!({})))
}

async fn mail_html(State(shown): Demo, Path(id): Path<String>) -> Result<Response, Refusal> {
    let mails = shown.mails.lock().await;
    let html = mails.get(&id).and_then(|m| m.html_body.clone()).ok_or(Refusal(StatusCode::NOT_FOUND, "mail"))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_CSP), NOSNIFF], Html(html)).into_response())
}

/// How the opening scene went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Webhooks that were answered with 200.
    pub taken: usize,
    /// Webhooks that were not.
    pub refused: usize,
}

/// Plays a small scene in the group: the bot comes in, two clients ask about two matters, one sends a picture of a delivery note,
/// the other a sticker. Takes about a quarter of a minute; the webhook must be set and its server must listen.
pub async fn scene(state: &DemoState) -> Scene {
    scene_at(state, SCENE_PAUSE).await
}

async fn scene_at(state: &DemoState, pause: Duration) -> Scene {
    let DemoState { platform, group, .. } = state;
    let mut clients = state.people.iter().filter(|p| p.role == Role::Client).filter_map(|p| p.line_user.as_ref());
    let first = clients.next();
    let second = clients.next().or(first);
    let mut scene = Scene { taken: 0, refused: 0 };
    let mut asked: Option<LineMessageId> = None;
    for step in 0_u8..6 {
        let event = match step {
            0 => platform.join(group),
            1 => platform.say(group, first, "早安～想請問十月份的發票開好了嗎？會計月底要結帳，可以的話請先寄電子檔給我", Say::default()),
            2 => platform.say(group, second, "另外上週訂的 20 箱濾紙，大概什麼時候會到貨？店裡只剩兩箱了", Say::default()),
            3 => platform.image(group, first, Upload::new("image/png", DELIVERY_NOTE)),
            4 => {
                let how = Say { quote: asked.clone(), ..Say::default() };
                platform.say(group, first, "這是上次的出貨單，發票金額應該是 NT$48,600", how)
            }
            _ => platform.sticker(group, second, &["thanks"], None),
        };
        if step == 1 {
            asked.clone_from(&event.message);
        }
        if platform.deliver(&[event]).await.is_ok() {
            scene.taken += 1;
        } else {
            scene.refused += 1;
        }
        sleep(pause).await;
    }
    scene
}

#[cfg(test)]
#[path = "demo_tests.rs"]
mod tests;
