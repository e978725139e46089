//! Learning from what people correct and confirm.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::recall::recall;
use crate::App;
use crate::domain::PostId;
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{self, Tx, chats, examples, posts, settings};
use crate::threading::kept::{self, Refitted};
use crate::threading::model::To;
use crate::threading::{Burst, Heard, Table, Weights, seen};

/// Examples that weights are fitted to: the newest.
const EXAMPLES_MAX: i64 = 2_000;
/// Of one correction so many posts teach.
const TAUGHT_MAX: usize = 20;
/// Where the installation's weights are kept, as JSON.
const WEIGHTS: &str = "threader_weights";
/// On which day they were fitted last.
const FITTED_ON: &str = "threader_fitted_on";
/// They are fitted in this hour of the night, where the installation is.
const FIT_HOUR: i8 = 3;

/// Keeps posts as examples, each with what could be seen when it came; called before they are moved. `to`: where a person says that they
/// belong; `None` = in a discussion of their own.
pub(super) async fn teach(
    tx: &mut Tx,
    app: &App,
    moving: &[PostId],
    to: Option<&Discussion>,
    correction: Option<i64>,
) -> store::Result<()> {
    let mut said = vec![];
    for id in moving.iter().take(TAUGHT_MAX) {
        said.extend(posts::find(tx, *id).await?);
    }
    for (nth, together) in in_one_go(&said).into_iter().enumerate() {
        let right = match to {
            Some(other) if other.other => To::Rest,
            Some(to) => To::Discussion(to.id),
            None if nth == 0 => To::New,
            // Those that follow belong to what is not there yet.
            None => break,
        };
        keep(tx, app, &together, right, correction).await?;
    }
    Ok(())
}

/// Keeps what was said in one go as an example of what the threader did right.
pub(super) async fn confirmed(tx: &mut Tx, app: &App, said: &[&Post], here: &Discussion) -> store::Result<()> {
    let Some(first) = said.first() else { return Ok(()) };
    let opened = posts::first_of_discussion(tx, here.id, 1).await?.first().is_some_and(|p| p.id == first.id);
    let right = match (here.other, opened) {
        (true, _) => To::Rest,
        (false, true) => To::New,
        (false, false) => To::Discussion(here.id),
    };
    keep(tx, app, said, right, None).await
}

/// Posts in their order, what was said in one go together: it was judged as one, and is one example.
fn in_one_go(said: &[Post]) -> Vec<Vec<&Post>> {
    let mut all: Vec<Vec<&Post>> = vec![];
    let mut burst: Option<Burst> = None;
    for post in said {
        let speaker = post.person.map(|p| p.to_string()).unwrap_or_default();
        let mentions = post.details.mentioned_in(&post.body);
        let heard = heard(post, &speaker, &mentions);
        match (&mut burst, all.last_mut()) {
            (Some(burst), Some(together)) if burst.takes_in(&heard) => {
                burst.add(&heard);
                together.push(post);
            }
            _ => {
                burst = Some(Burst::begin(&heard));
                all.push(vec![post]);
            }
        }
    }
    all
}

fn heard<'a>(post: &'a Post, speaker: &'a str, mentions: &'a [String]) -> Heard<'a> {
    Heard {
        at: post.created_at,
        speaker,
        name: &post.author,
        role: Some(post.role),
        kind: &post.kind,
        text: &post.body,
        mentions,
        quotes: None,
    }
}

async fn said_in(tx: &mut Tx, post: &Post) -> store::Result<Option<Chat>> {
    match post.chat.filter(|_| post.retracted_at.is_none()) {
        Some(chat) => chats::get(tx, chat).await.map(Some),
        None => Ok(None),
    }
}

/// Keeps what was said in one go as an example, with what could be seen when it came.
async fn keep(tx: &mut Tx, app: &App, said: &[&Post], right: To, correction: Option<i64>) -> store::Result<()> {
    let Some(first) = said.first() else { return Ok(()) };
    let Some(chat) = said_in(tx, first).await? else { return Ok(()) };
    let remembered = recall(tx, app, &chat, (first.created_at, Some(first.id))).await?;
    let mut whole: Option<Burst> = None;
    for post in said {
        let speaker = post.person.map(|p| p.to_string()).unwrap_or_default();
        let mentions = post.details.mentioned_in(&post.body);
        let heard = heard(post, &speaker, &mentions);
        match &mut whole {
            Some(whole) => whole.add(&heard),
            None => whole = Some(Burst::begin(&heard)),
        }
    }
    let Some(whole) = whole else { return Ok(()) };
    let seen = kept::to_json(&seen(&remembered.stream, &whole.heard()));
    examples::put(tx, first.id, correction, app.clock.now(), &seen, &kept::word_of(right)).await
}

/// Fits the weights to what people taught, and takes them into use where they are no worse; `None` where there are too few examples.
pub async fn refit(app: &App) -> anyhow::Result<Option<Refitted>> {
    let kept = {
        let mut c = app.db.read().await?;
        examples::newest(&mut c, EXAMPLES_MAX).await?
    };
    let in_use = app.weights();
    let fitted = tokio::task::spawn_blocking(move || {
        let examples: Vec<_> = kept.iter().filter_map(|(seen, place)| kept::example(seen, place)).collect();
        kept::refit(&examples, &in_use, Table::shipped())
    })
    .await?;
    if let Some(fitted) = fitted.as_ref().filter(|f| f.is_no_worse()) {
        let weights = serde_json::to_string(&fitted.table.weights("this installation"))?;
        let mut tx = app.db.begin().await?;
        settings::put(&mut tx, WEIGHTS, &weights).await?;
        tx.commit().await?;
        app.use_weights(fitted.table.clone());
    }
    Ok(fitted)
}

/// Once a night; and takes into use what another node has fitted.
pub async fn refit_nightly(app: &App) -> anyhow::Result<()> {
    let kept = kept_weights(&mut *app.db.read().await?).await?;
    if let Some(table) = kept
        && *app.weights() != table
    {
        app.use_weights(table);
    }
    let zone: &TimeZone = &app.config.server.time_zone;
    let local = app.clock.now().to_zoned(zone.clone());
    let today = local.date().to_string();
    if local.hour() != FIT_HOUR {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    if settings::find(&mut tx, FITTED_ON).await?.as_deref() == Some(today.as_str()) {
        return Ok(());
    }
    settings::put(&mut tx, FITTED_ON, &today).await?;
    tx.commit().await?;
    if let Some(fitted) = refit(app).await? {
        let Refitted { examples, before, after, .. } = &fitted;
        tracing::info!(examples, before, after, taken = fitted.is_no_worse(), "the threader's weights were fitted");
    }
    Ok(())
}

/// The installation's own weights, if it has any.
async fn kept_weights(c: &mut sqlx::AnyConnection) -> store::Result<Option<Table>> {
    Ok(settings::find(c, WEIGHTS).await?.and_then(|json| serde_json::from_str::<Weights>(&json).ok()).map(|w| w.table()))
}

/// The weights in use, as every part reads them.
#[derive(Debug)]
pub struct InUse(std::sync::RwLock<Arc<Table>>);

impl Default for InUse {
    fn default() -> Self {
        Self(std::sync::RwLock::new(Arc::new(Table::shipped().clone())))
    }
}

impl InUse {
    /// The installation's, or the shipped ones.
    pub async fn load(db: &store::Db) -> store::Result<Self> {
        let in_use = Self::default();
        let mut c = db.read().await?;
        if let Some(table) = kept_weights(&mut c).await? {
            in_use.set(table);
        }
        Ok(in_use)
    }

    pub fn get(&self) -> Arc<Table> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub fn set(&self, table: Table) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(table);
    }
}
