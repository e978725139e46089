//! What the page shows, as JSON.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::mail::{self, MAILS_SHOWN_MAX, Mail};
use super::{Demo, DemoState, Refusal};
use crate::domain::{LineMessageId, LineUserId, Via};
use crate::simulator::pictures;
use crate::simulator::sent::{Entry, Speaker};

/// Lines of the group that are told; a member who scrolls further back sees no more.
const LINES_TOLD_MAX: usize = 400;

#[derive(Deserialize)]
pub(super) struct LookQuery {
    since: Option<String>,
}

/// Everything that the page shows, or 204 if nothing changed since the version it has.
pub(super) async fn look(State(shown): Demo, Query(query): Query<LookQuery>) -> Result<Response, Refusal> {
    let demo = &shown.demo;
    let mut mails = shown.mails.lock().await;
    if let Err(error) = mail::look(&demo.mail_out, &mut mails).await {
        tracing::warn!(%error, "the demonstration cannot read its mail folder");
        return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "mail"));
    }
    let newest_mail = mails.keys().next_back().map_or("", String::as_str);
    let version = format!("{}-{}-{newest_mail}", demo.platform.version(), mails.len());
    if query.since.as_deref() == Some(version.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let lines = demo.platform.chat_log(&demo.group);
    let lines: Vec<Value> = lines[lines.len().saturating_sub(LINES_TOLD_MAX)..].iter().map(line_json).collect();
    let mut newest: Vec<&Mail> = mails.values().collect();
    newest.sort_by_key(|m| std::cmp::Reverse(m.at));
    newest.truncate(MAILS_SHOWN_MAX);
    let mut body = group_json(demo);
    body["version"] = json!(version);
    body["lines"] = json!(lines);
    body["mails"] = json!(newest);
    body["cost"] = cost_json(demo);
    body["staff_address"] = json!(demo.staff_address);
    body["support_address"] = json!(demo.support_address);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// The group and its people.
fn group_json(demo: &DemoState) -> Value {
    let state = demo.platform.state();
    let chat = state.chats.get(&demo.group);
    let members = chat.map(|c| c.members.as_slice()).unwrap_or_default();
    // The page is shown from the place that the pictures are at.
    let path = |picture: Option<&String>| picture.map(|id| format!("{}{id}", pictures::PATH));
    let person = |p: &super::DemoPerson| {
        let user = p.line_user.as_ref();
        let picture = user.and_then(|u| path(state.people.get(u)?.picture.as_ref()));
        json!({
            "name": p.name, "role": p.role, "user": user.map(LineUserId::as_str), "address": p.address, "picture": picture,
            "in_group": user.is_some_and(|u| members.contains(u)),
        })
    };
    let names: BTreeMap<String, String> = state.people.iter().map(|(id, p)| (id.to_string(), p.name.clone())).collect();
    json!({
        "group": chat.map(|c| c.name.clone()), "group_picture": chat.and_then(|c| path(c.picture.as_ref())), "members": members.len(),
        "names": names, "bot": demo.platform.settings().bot_name, "bot_user": demo.platform.bot().as_str(),
        "bot_in": chat.is_some_and(|c| c.bot == Some(demo.platform.no())),
        "people": demo.people.iter().map(person).collect::<Vec<_>>(),
    })
}

/// What the bot's messages cost: replies are free, a push is billed for every head in the group.
fn cost_json(demo: &DemoState) -> Value {
    let (quota, used) = demo.platform.month();
    let state = demo.platform.state();
    let of = |via: Via| state.sent.iter().filter(move |s| s.via == via && s.bot == *demo.platform.bot());
    json!({
        "replies": of(Via::LineReply).count(), "pushes": of(Via::LinePush).count(),
        "billed": of(Via::LinePush).map(|s| s.billed).sum::<u64>(), "used": used, "quota": quota,
    })
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
