//! `POST /d/{number}/reply`.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::{Answer, FormOf, Refusal, answer, discussion_show, number_of, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Change, Tell, Viewer, role_in};
use crate::domain::{BODY_BYTES_MAX, PostId, Source, Status};
use crate::store::discussion_events::By;
use crate::store::persons::Person;
use crate::store::posts::NewPost;
use crate::store::{discussions, persons, posts};
use crate::threading::Evidence;
use crate::web::templates::discussion::{BODY_CHARS_SAFE, Draft};

#[derive(Deserialize)]
pub(super) struct Reply {
    /// Made for this form, so that a second submit of it is recognised.
    #[serde(default)]
    id: String,
    #[serde(default)]
    body: String,
    internal: Option<String>,
    /// What the discussion's status becomes; empty = what it is.
    #[serde(default)]
    status: String,
}

/// Says something in the discussion.
pub(super) async fn reply(State(app): State<Arc<App>>, Path(number): Path<String>, headers: HeaderMap, form: FormOf<Reply>) -> Response {
    answer(&app, replied(&app, &number, &headers, form).await)
}

async fn replied(app: &App, number: &str, headers: &HeaderMap, form: FormOf<Reply>) -> Answer {
    let number = number_of(number)?;
    let viewer = staff_or_client(app, headers, &format!("/d/{number}")).await?;
    let Form(form) = form?;
    let body = tidied(&form.body);
    let trouble = if body.is_empty() {
        Some(app.texts().get("page.empty_reply").to_owned())
    } else if body.len() > BODY_BYTES_MAX {
        Some(app.texts().fill("page.long_reply", &[("count", &BODY_CHARS_SAFE.to_string())]))
    } else {
        None
    };
    let status = Status::find(&form.status);
    let form_id = form.id.parse().unwrap_or_else(|_| Uuid::new_v4());
    let internal = form.internal.is_some();
    if trouble.is_some() {
        let draft = Draft { form_id: form_id.to_string(), body: form.body, internal, status, trouble, told: None };
        return discussion_show::again(app, &viewer, number, Some(draft), None).await;
    }
    let (number, post) = write(app, &viewer, number, &Words { form_id, body: &body, internal, status }).await?;
    Ok(to(&format!("/d/{number}#post-{post}")))
}

struct Words<'a> {
    form_id: Uuid,
    body: &'a str,
    internal: bool,
    status: Option<Status>,
}

/// The number of the discussion that it now stands in, and the post.
async fn write(app: &App, viewer: &Viewer, number: i64, words: &Words<'_>) -> Answer<(i64, PostId)> {
    let mut tx = app.db.begin().await?;
    let (discussion, role) = viewer.matter(&mut tx, number).await?.ok_or(Refusal::NotFound)?;
    // Of two submits at once the second waits here, and then finds the first one's post.
    persons::lock(&mut tx, app.db.dialect, viewer.person).await?;
    let external_id = format!("web:{}", words.form_id);
    if let Some(there) = posts::find_of_form(&mut tx, viewer.person, &external_id).await? {
        return Ok((discussions::get(&mut tx, there.discussion).await?.number, there.id));
    }
    let author = Person { id: viewer.person, name: viewer.name.clone(), is_admin: viewer.is_admin };
    let role_of_author = role_in(&mut tx, discussion.project, &author).await?;
    let evidence = Evidence::Directly {}.to_json();
    let now = app.clock.now();
    let new = NewPost {
        internal: words.internal && role.is_staff(),
        external_id: Some(&external_id),
        ..NewPost::words(viewer.person, role_of_author, Source::Web, words.body, &evidence, now)
    };
    let mut written = acts::post(&mut tx, app, discussion, &new, Tell::Everybody).await?;
    if let Some(status) = words.status.filter(|_| role.is_staff()) {
        let by = By { person: Some(viewer.person), via: Source::Web };
        // In the same instant: taken back, the answer takes the status along.
        acts::change_at(&mut tx, app, &mut written.discussion, (by, now), Change::Status(status)).await?;
    }
    let post = written.post.ok_or(Refusal::Bad)?;
    tx.commit().await?;
    app.changed(written.discussion.number);
    app.wake.outbox.notify_one();
    Ok((written.discussion.number, post))
}

/// With plain line breaks (a form's are CR LF), and neither empty lines before nor white space after.
fn tidied(body: &str) -> String {
    let lines = body.replace("\r\n", "\n").replace('\r', "\n");
    let from = lines.find(|c: char| !c.is_whitespace()).map_or(lines.len(), |at| lines[..at].rfind('\n').map_or(0, |n| n + 1));
    lines[from..].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::tidied;

    #[test]
    fn a_body_keeps_its_own_lines_and_indents() {
        assert_eq!(tidied("\r\n \r\n  甲\r\n\r\n  乙 \r\n"), "  甲\n\n  乙");
        assert_eq!(tidied(" \r\n\u{3000}"), "");
    }
}
