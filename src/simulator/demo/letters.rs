//! Writing and reading mail at the demonstration's page.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::mail::{self, Draft, MAILS_SHOWN_MAX, Party};
use super::{Demo, NOSNIFF, Refusal};

/// The longest mail that can be written, in characters.
const MAIL_CHARS_MAX: usize = 20_000;
const SUBJECT_CHARS_MAX: usize = 200;

/// A mail's own HTML: shown, never run, and it loads nothing.
const MAIL_CSP: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

#[derive(Deserialize)]
pub(super) struct MailBody {
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

pub(super) async fn write_mail(State(shown): Demo, Json(body): Json<MailBody>) -> Result<Json<Value>, Refusal> {
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
    let raw = mail::compose(&draft);
    let name = mail::drop_into(&demo.mail_in, &raw, at).await.map_err(|error| {
        tracing::warn!(%error, "the demonstration cannot write into its mail folder");
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, "mail")
    })?;
    if let Some(mail) = mail::read(&name, &raw, true) {
        mails.insert(name, mail);
    }
    let written: Vec<String> = mails.values().filter(|m| m.sent).map(|m| m.id.clone()).collect();
    for old in written.iter().take(written.len().saturating_sub(MAILS_SHOWN_MAX)) {
        mails.remove(old);
    }
    Ok(Json(json!({})))
}

pub(super) async fn mail_html(State(shown): Demo, Path(id): Path<String>) -> Result<Response, Refusal> {
    let mails = shown.mails.lock().await;
    let html = mails.get(&id).and_then(|m| m.html_body.clone()).ok_or(Refusal(StatusCode::NOT_FOUND, "mail"))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_CSP), NOSNIFF], Html(html)).into_response())
}
