//! What staff put right on the pages: where posts belong, what is one matter; and its undoing. And the list of what they should look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::SignedDuration;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::{Answer, FormOf, Refusal, answer, discussion_show, html, number_of, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, CorrectError, Corrected, Place, Viewer, With};
use crate::domain::{PostId, Source};
use crate::store::posts::Post;
use crate::store::{self, discussions, posts, projects};
use crate::web::templates::Look;
use crate::web::templates::unsure::{Unsure, Week, list as draw};

/// Posts on the list of what a person should look at; the next come up as these are answered.
const UNSURE_MAX: i64 = 20;
/// What was said before each of them, as far as it is shown.
const BEFORE_MAX: i64 = 3;
/// Weeks that are counted up.
const WEEKS: i32 = 8;
const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Other discussions that are offered.
const ALTERNATIVES_MAX: usize = 2;

#[derive(Deserialize)]
pub(super) struct Placing {
    /// `here`, `new`, `other`, or empty where the number counts.
    #[serde(default)]
    to: String,
    #[serde(default)]
    number: String,
    /// `burst`, `rest`, or empty.
    #[serde(default)]
    with: String,
    /// `unsure`: back to the list of them.
    #[serde(default)]
    back: String,
}

/// `POST /posts/{id}/place`: where a post belongs.
pub(super) async fn place(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap, form: FormOf<Placing>) -> Response {
    answer(&app, placed(&app, &id, &headers, form).await)
}

async fn placed(app: &App, id: &str, headers: &HeaderMap, form: FormOf<Placing>) -> Answer {
    let id = PostId(number_of(id)?);
    let viewer = staff_or_client(app, headers, "/unsure").await?;
    let Form(asked) = form?;
    let place = match asked.to.as_str() {
        "here" => Place::Here,
        "new" => Place::New,
        "other" => Place::Other,
        _ => Place::Number(asked.number.trim().trim_start_matches('#').parse().map_err(|_| Refusal::Bad)?),
    };
    let with = match asked.with.as_str() {
        "burst" => With::Burst,
        "rest" => With::Rest,
        _ => With::Alone,
    };
    let mut tx = app.db.begin().await?;
    let found = posts::find(&mut tx, id).await?.ok_or(Refusal::NotFound)?;
    let here = discussions::get(&mut tx, found.discussion).await?.number;
    let done = acts::place(&mut tx, app, &viewer, (id, with), place, Source::Web).await;
    let done = match done {
        Ok(done) => done,
        Err(CorrectError::Refused(_)) => {
            drop(tx);
            return refused(app, &viewer, here).await;
        }
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    told(app, &done);
    if asked.back == "unsure" {
        return Ok(to("/unsure"));
    }
    Ok(to(&format!("/d/{}#post-{id}", done.to.number)))
}

fn told(app: &App, done: &Corrected) {
    app.changed(done.from);
    app.changed(done.to.number);
    app.wake.outbox.notify_one();
}

async fn refused(app: &App, viewer: &Viewer, number: i64) -> Answer {
    let trouble = app.texts().get("page.correct_refused").to_owned();
    discussion_show::again(app, viewer, number, None, Some(trouble)).await
}

#[derive(Deserialize)]
pub(super) struct Merging {
    #[serde(default)]
    number: String,
}

/// `POST /d/{number}/merge`: everything of the discussion goes into another.
pub(super) async fn merge(State(app): State<Arc<App>>, Path(number): Path<String>, headers: HeaderMap, form: FormOf<Merging>) -> Response {
    answer(&app, merged(&app, &number, &headers, form).await)
}

async fn merged(app: &App, number: &str, headers: &HeaderMap, form: FormOf<Merging>) -> Answer {
    let number = number_of(number)?;
    let viewer = staff_or_client(app, headers, &format!("/d/{number}")).await?;
    let Form(asked) = form?;
    let mut tx = app.db.begin().await?;
    let into = asked.number.trim().trim_start_matches('#').parse().unwrap_or_default();
    match acts::merge(&mut tx, app, &viewer, number, into, Source::Web).await {
        Ok(done) => {
            tx.commit().await?;
            told(app, &done);
            Ok(to(&format!("/d/{}", done.to.number)))
        }
        // The number typed leads nowhere that they may see: the page says so, and nothing of what is there.
        Err(CorrectError::Refused(_) | CorrectError::NotFound) => {
            drop(tx);
            refused(app, &viewer, number).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /corrections/{id}/undo`.
pub(super) async fn undo(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let page = async {
        let id = number_of(&id)?;
        let viewer = staff_or_client(&app, &headers, "/discussions").await?;
        let mut tx = app.db.begin().await?;
        let (from, went_to) = acts::undo(&mut tx, &app, &viewer, id, Source::Web).await?;
        tx.commit().await?;
        told(&app, &Corrected { from: went_to.number, to: from.clone(), id: None });
        Ok(to(&format!("/d/{}", from.number)))
    };
    answer(&app, page.await)
}

/// `GET /unsure`: what the threader was not sure of, the newest first.
pub(super) async fn unsure(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = staff_or_client(&app, &headers, "/unsure").await?;
        let mut c = app.db.snapshot().await?;
        if !super::me::is_staff(&mut c, &viewer).await? {
            return Err(Refusal::NotFound);
        }
        let shown = gather(&mut c, &viewer).await?;
        let count = posts::count_unsure(&mut c, viewer.limit()).await?;
        let since = app.clock.now() - A_WEEK * WEEKS;
        let weeks = weeks(posts::classes_by_week(&mut c, viewer.limit(), since).await?);
        drop(c);
        Ok(html(StatusCode::OK, draw(&Look::by(&app, &viewer), &shown, count, &weeks)))
    };
    answer(&app, page.await)
}

/// The figures, the latest week first.
fn weeks(rows: Vec<(i64, String, i64)>) -> Vec<Week> {
    let mut of: BTreeMap<i64, Week> = BTreeMap::new();
    for (nth, class, posts) in rows {
        // What is said this very moment may be counted into a week that only begins.
        let week = of.entry(nth.min(i64::from(WEEKS) - 1)).or_default();
        match class.as_str() {
            "sure" | "new" => week.silently += posts,
            "likely" => week.open += posts,
            "confirmed" => week.confirmed += posts,
            "corrected" => week.corrected += posts,
            _ => week.rested += posts,
        }
    }
    of.into_iter().rev().map(|(nth, week)| Week { ago: i64::from(WEEKS) - 1 - nth, ..week }).collect()
}

async fn gather(c: &mut AnyConnection, viewer: &Viewer) -> store::Result<Vec<Unsure>> {
    let mut shown = vec![];
    for post in posts::unsure(c, viewer.limit(), UNSURE_MAX).await? {
        let discussion = discussions::get(c, post.discussion).await?;
        let project = projects::get(c, discussion.project).await?.name;
        let before = match post.chat {
            Some(chat) => posts::before_in_chat(c, chat, (post.created_at, post.id), BEFORE_MAX).await?,
            None => vec![],
        };
        let others = others(c, std::slice::from_ref(&post)).await?.remove(&post.id).unwrap_or_default();
        let opens = posts::first_of_discussion(c, discussion.id, 1).await?.first().is_some_and(|p| p.id == post.id);
        shown.push(Unsure { post, discussion, opens, project, before, others });
    }
    Ok(shown)
}

/// The next best discussions of what is marked: number and title.
pub(super) async fn others(c: &mut AnyConnection, marked: &[Post]) -> store::Result<BTreeMap<PostId, Vec<(i64, String)>>> {
    let mut found = BTreeMap::new();
    for post in marked.iter().filter(|p| p.class.as_deref() == Some("likely")) {
        let mut of_post: Vec<(i64, String)> = vec![];
        for number in numbers_in(&post.evidence) {
            let Some(discussion) = discussions::find(c, number).await? else { continue };
            let discussion = discussions::follow(c, discussion).await?;
            let known = of_post.iter().any(|(n, _)| *n == discussion.number);
            if discussion.id != post.discussion && !known && !discussion.other {
                of_post.push((discussion.number, discussion.title));
            }
        }
        of_post.truncate(ALTERNATIVES_MAX);
        found.insert(post.id, of_post);
    }
    Ok(found)
}

fn numbers_in(evidence: &str) -> Vec<i64> {
    let kept: serde_json::Value = serde_json::from_str(evidence).unwrap_or_default();
    let all = kept.get("alternatives").and_then(serde_json::Value::as_array);
    all.into_iter().flatten().filter_map(serde_json::Value::as_i64).collect()
}
