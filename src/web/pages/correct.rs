//! What staff put right on the pages: where posts belong, what is one matter; and its undoing. And the list of what they should look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::SignedDuration;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::{Answer, FormOf, Refusal, answer, discussion_show, html, number_of, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, CorrectError, Corrected, Place, Viewer, With};
use crate::domain::{CorrectionKind, PostId, ProjectId, Role, Source};
use crate::store::posts::Post;
use crate::store::{self, attachments, corrections, discussions, posts, projects};
use crate::threading::Evidence;
use crate::web::templates::Look;
use crate::web::templates::unsure::{JustNow, Undo, Unsure, Week, list as draw};

/// Posts on the list of what a person should look at; the next come up as these are answered.
const UNSURE_MAX: i64 = 20;
/// What was said before each of them, as far as it is shown.
const BEFORE_MAX: i64 = 3;
/// What was said in one go with each of them, as far as it is shown: so many lines, within so many microseconds.
const AFTER_MAX: i64 = 10;
const AFTER_WITHIN_US: i64 = 180_000_000;
const SAID_TOGETHER_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// Weeks that are counted up.
const WEEKS: i32 = 8;
const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Other discussions that are offered.
const ALTERNATIVES_MAX: usize = 2;

#[derive(Deserialize)]
pub(super) struct Placing {
    /// `here`, `new`, `other`, `unsaid`, or empty where the number counts.
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
    /// The number of where it was, marked, when it was asked about.
    #[serde(default)]
    was: String,
}

/// `GET /posts/{id}`: where the post is now. A link to where it was finds its way here.
pub(super) async fn post(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let page = async {
        let id = PostId(number_of(&id)?);
        let viewer = staff_or_client(&app, &headers, &format!("/posts/{id}")).await?;
        let mut c = app.db.read().await?;
        let found = posts::find(&mut c, id).await?.ok_or(Refusal::NotFound)?;
        let discussion = discussions::get(&mut c, found.discussion).await?;
        let role = viewer.role(&mut c, discussion.project).await?.ok_or(Refusal::NotFound)?;
        if found.internal && !role.is_staff() {
            return Err(Refusal::NotFound);
        }
        Ok(to(&format!("/d/{}?all=1#post-{id}", discussion.number)))
    };
    answer(&app, page.await)
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
        "unsaid" => Place::Unsaid,
        _ => Place::Number(number_typed(&asked.number)),
    };
    let with = match asked.with.as_str() {
        "burst" => With::Burst,
        "rest" => With::Rest,
        _ => With::Alone,
    };
    let mut tx = app.db.begin().await?;
    let found = posts::find(&mut tx, id).await?.ok_or(Refusal::NotFound)?;
    let here = discussions::get(&mut tx, found.discussion).await?.number;
    if !asked.was.is_empty() && (found.class.as_deref() != Some("likely") || asked.was != here.to_string()) {
        drop(tx);
        return answered_before(app, &viewer, &found, (here, place), &asked.back).await;
    }
    let done = acts::place(&mut tx, app, &viewer, (id, with), place, Source::Web).await;
    let done = match done {
        Ok(done) => done,
        // The number typed may lead nowhere that they may see: then so does the post, or the page says so.
        Err(CorrectError::Refused(_) | CorrectError::NotFound) => {
            drop(tx);
            return refused(app, &viewer, here).await;
        }
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    told(app, &done);
    if asked.back != "unsure" {
        return Ok(to(&format!("/d/{}#post-{id}", done.to.number)));
    }
    let correction = done.id.map(|c| format!("&undo={c}")).unwrap_or_default();
    Ok(to(&if place == Place::Unsaid { "/unsure".to_owned() } else { format!("/unsure?done={id}{correction}") }))
}

/// Somebody has said where it belongs while this one was looking, or this one has tapped twice: what was said first stands, and where that is
/// another place, they are told.
async fn answered_before(app: &App, viewer: &Viewer, post: &Post, (here, asked): (i64, Place), back: &str) -> Answer {
    if viewer.role(&mut *app.db.read().await?, discussion_project(app, post).await?).await?.is_none_or(|r| !r.is_staff()) {
        return Err(Refusal::NotFound);
    }
    let same = match asked {
        Place::Number(number) => number == here,
        Place::Here | Place::New | Place::Other | Place::Unsaid => false,
    };
    let corrected = post.class.as_deref() == Some("corrected");
    let agrees = same || asked == Place::Here && !corrected || asked == Place::New && corrected && was_split_off(app, post).await?;
    match (back, agrees) {
        ("unsure", true) => Ok(to(&format!("/unsure?done={}", post.id))),
        ("unsure", false) => Ok(to(&format!("/unsure?late={}", post.id))),
        (_, true) => Ok(to(&format!("/d/{here}#post-{}", post.id))),
        (_, false) => {
            let trouble = app.texts().get("page.answered_before").to_owned();
            discussion_show::again(app, viewer, here, None, Some(trouble)).await
        }
    }
}

/// A discussion's number as people type it: `#14`, `＃１４`; 0, which is none, where it is something else.
fn number_typed(text: &str) -> i64 {
    let plain = |c| match c {
        '０'..='９' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    text.trim().trim_start_matches(['#', '＃']).trim().chars().map(plain).collect::<String>().parse().unwrap_or_default()
}

async fn discussion_project(app: &App, post: &Post) -> store::Result<ProjectId> {
    let mut c = app.db.read().await?;
    Ok(discussions::get(&mut c, post.discussion).await?.project)
}

/// Whether it is where it is since somebody gave it a discussion of its own.
async fn was_split_off(app: &App, post: &Post) -> store::Result<bool> {
    let mut c = app.db.read().await?;
    let last = corrections::last_of_post(&mut c, post.id).await?;
    Ok(last.is_some_and(|c| c.kind == CorrectionKind::Split && c.to == post.discussion))
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
    let into = number_typed(&asked.number);
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

#[derive(Deserialize)]
pub(super) struct Undoing {
    /// `unsure`: back to the list of what nobody was sure of.
    #[serde(default)]
    back: String,
}

/// `POST /corrections/{id}/undo`.
pub(super) async fn undo(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Undoing>,
    headers: HeaderMap,
) -> Response {
    answer(&app, undone(&app, &id, &asked.back, &headers).await)
}

async fn undone(app: &App, id: &str, back: &str, headers: &HeaderMap) -> Answer {
    let id = number_of(id)?;
    let viewer = staff_or_client(app, headers, "/discussions").await?;
    let mut tx = app.db.begin().await?;
    let number = match acts::undo(&mut tx, app, &viewer, id, Source::Web).await {
        Ok((from, went_to)) => {
            tx.commit().await?;
            told(app, &Corrected { from: went_to.number, to: from.clone(), id: None });
            from.number
        }
        Err(CorrectError::Refused(why)) => {
            drop(tx);
            let mut c = app.db.read().await?;
            let correction = corrections::find(&mut c, id).await?.ok_or(Refusal::NotFound)?;
            let from = discussions::get(&mut c, correction.from).await?;
            let number = discussions::follow(&mut c, from).await?.number;
            drop(c);
            // Tapped twice, it is as they want it.
            if why != acts::UNDONE_BEFORE {
                let key = if why == acts::TOO_LATE { "page.undo_old" } else { "page.undo_since" };
                return discussion_show::again(app, &viewer, number, None, Some(app.texts().get(key).to_owned())).await;
            }
            number
        }
        Err(error) => return Err(error.into()),
    };
    Ok(to(&if back == "unsure" { "/unsure".to_owned() } else { format!("/d/{number}") }))
}

#[derive(Deserialize)]
pub(super) struct Answered {
    /// The post that was just answered.
    #[serde(default)]
    done: String,
    /// By which correction, where it went elsewhere.
    #[serde(default)]
    undo: String,
    /// The post that somebody else had answered before.
    #[serde(default)]
    late: String,
}

/// `GET /unsure`: what the threader was not sure of, the newest first.
pub(super) async fn unsure(State(app): State<Arc<App>>, Query(asked): Query<Answered>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = staff_or_client(&app, &headers, "/unsure").await?;
        let mut c = app.db.snapshot().await?;
        if !super::me::is_staff(&mut c, &viewer).await? {
            return Err(Refusal::NotFound);
        }
        let shown = gather(&mut c, &app, &viewer).await?;
        let count = posts::count_unsure(&mut c, viewer.limit()).await?;
        let since = app.clock.now() - A_WEEK * WEEKS;
        let weeks = weeks(posts::classes_by_week(&mut c, viewer.limit(), since).await?);
        let just_now = just_now(&mut c, &viewer, &asked).await?;
        drop(c);
        Ok(html(StatusCode::OK, draw(&Look::by(&app, &viewer), (&shown, just_now.as_ref()), count, &weeks)))
    };
    answer(&app, page.await)
}

/// What became of the post that the reader has just answered.
async fn just_now(c: &mut AnyConnection, viewer: &Viewer, asked: &Answered) -> store::Result<Option<JustNow>> {
    let late = !asked.late.is_empty();
    let Ok(id) = if late { &asked.late } else { &asked.done }.parse::<i64>() else { return Ok(None) };
    let Some(post) = posts::find(c, PostId(id)).await? else { return Ok(None) };
    let discussion = discussions::get(c, post.discussion).await?;
    if viewer.role(c, discussion.project).await?.is_none_or(|role| !role.is_staff()) {
        return Ok(None);
    }
    let undo = match asked.undo.parse::<i64>() {
        Ok(id) => {
            corrections::find(c, id).await?.filter(|c| c.undone_at.is_none() && (c.to == discussion.id)).map(|c| Undo::Correction(c.id))
        }
        Err(_) if !late && post.class.as_deref() == Some("confirmed") => Some(Undo::Confirmation),
        Err(_) => None,
    };
    Ok(Some(JustNow { post, discussion, late, undo }))
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
            "corrected:likely" | "corrected:confirmed" => week.put_right += posts,
            // What was certain, or came by mail, was no decision of the threader's.
            "corrected:" | "corrected:corrected" => {}
            corrected if corrected.starts_with("corrected:") => week.corrected += posts,
            _ => week.rested += posts,
        }
    }
    of.into_iter().rev().map(|(nth, week)| Week { ago: i64::from(WEEKS) - 1 - nth, ..week }).collect()
}

async fn gather(c: &mut AnyConnection, app: &App, viewer: &Viewer) -> store::Result<Vec<Unsure>> {
    let mut shown = vec![];
    for post in posts::unsure(c, viewer.limit(), UNSURE_MAX).await? {
        let discussion = discussions::get(c, post.discussion).await?;
        let project = projects::get(c, discussion.project).await?.name;
        let before = match post.chat {
            Some(chat) => posts::before_in_chat(c, chat, (post.created_at, post.id), BEFORE_MAX).await?,
            None => vec![],
        };
        let others = others(c, std::slice::from_ref(&post)).await?.remove(&post.id).unwrap_or_default();
        let after = said_with(c, &post).await?;
        let mut files = BTreeMap::new();
        for wordless in before.iter().chain([&post]).chain(&after).filter(|p| p.body.is_empty()) {
            let of_post = attachments::of_post(c, wordless.id).await?;
            files.insert(wordless.id, of_post.into_iter().map(|f| discussion_show::file_view(app, Role::Staff, f)).collect());
        }
        let opens = posts::first_of_discussion(c, discussion.id, 1).await?.first().is_some_and(|p| p.id == post.id);
        shown.push(Unsure { post, discussion, opens, project, before, after, files, others });
    }
    Ok(shown)
}

/// What its author went on with in one go.
async fn said_with(c: &mut AnyConnection, post: &Post) -> store::Result<Vec<Post>> {
    let mut last = post.created_at;
    let next = posts::next_by_author(c, post, AFTER_WITHIN_US, AFTER_MAX).await?;
    Ok(next
        .into_iter()
        .take_while(|p| {
            let goes_on = p.created_at.duration_since(last) <= SAID_TOGETHER_WITHIN;
            last = p.created_at;
            goes_on
        })
        .collect())
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
    match Evidence::read(evidence) {
        Some(Evidence::Threader { alternatives, .. }) => alternatives,
        _ => vec![],
    }
}
