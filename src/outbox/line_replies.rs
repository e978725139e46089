//! What the bot answers to a tap or a typed command, as message objects.

use serde_json::Value;

use crate::App;
use crate::channels::line::render::{self, Card};
use crate::domain::{DiscussionId, Reply};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::notices::Notice;
use crate::store::{self, Tx, discussions};

/// Open discussions that one answer lists; further ones are counted.
const LISTED_MAX: i64 = 10;

/// The answer with the discussions that it is about; `None` where there is nothing to say any more.
pub(super) async fn part(tx: &mut Tx, app: &App, chat: &Chat, notice: &Notice) -> Result<Option<(Value, Vec<DiscussionId>)>, store::Error> {
    let Some(reply) = notice.detail.as_deref().and_then(Reply::from_json) else { return Ok(None) };
    let server = &app.config.server;
    let (locale, texts) = (server.locale, app.texts());
    let says = |key: &str, fill: &[(&str, &str)]| Some((render::words(&texts.fill(key, fill)), vec![]));
    Ok(match reply {
        Reply::Progress {} => Some(progress(tx, app, chat).await?),
        Reply::Solved { number, by } => {
            about(tx, app, chat, number).await?.map(|(d, url)| (render::solved(locale, &card(&d, &url, &by)), vec![d.id]))
        }
        Reply::NotSolved { number, by } => {
            about(tx, app, chat, number).await?.map(|(d, url)| (render::not_solved(locale, &card(&d, &url, &by)), vec![d.id]))
        }
        Reply::Apart { from, number } => {
            about(tx, app, chat, number).await?.map(|(d, url)| (render::apart(locale, &card(&d, &url, ""), from), vec![d.id]))
        }
        Reply::Moved { from, number } => {
            about(tx, app, chat, number).await?.map(|(d, url)| (render::moved(locale, &card(&d, &url, ""), from), vec![d.id]))
        }
        Reply::NothingBefore { number } => says("line.nothing_before", &[("number", &number.to_string())]),
        Reply::NothingApart { number } => says("line.nothing_apart", &[("number", &number.to_string())]),
        Reply::Bound { project } => says("line.bound", &[("project", &project)]),
        Reply::BoundElsewhere {} => says("line.bound_elsewhere", &[]),
        Reply::Linked { name } => says("line.linked", &[("name", &name)]),
        Reply::LinkedElsewhere {} => says("line.linked_elsewhere", &[]),
        Reply::NotHere {} => says("line.not_here", &[]),
        Reply::NoSuchCode {} => says("line.no_such_code", &[]),
    })
}

fn card<'a>(discussion: &'a Discussion, url: &'a str, by: &'a str) -> Card<'a> {
    Card {
        number: discussion.number,
        title: &discussion.title,
        status: discussion.status,
        url,
        said_by: Some(by).filter(|by| !by.is_empty()),
        excerpt: None,
    }
}

/// The discussion and its page; `None` where it does not belong to the chat's project (any more).
async fn about(tx: &mut Tx, app: &App, chat: &Chat, number: i64) -> Result<Option<(Discussion, String)>, store::Error> {
    let Some(found) = discussions::find(tx, number).await? else { return Ok(None) };
    let discussion = discussions::follow(tx, found).await?;
    let url = app.config.server.discussion_url(discussion.number);
    Ok((discussion.project == chat.project).then_some((discussion, url)))
}

async fn progress(tx: &mut Tx, app: &App, chat: &Chat) -> Result<(Value, Vec<DiscussionId>), store::Error> {
    let server = &app.config.server;
    let open = discussions::open_in_chat(tx, chat.id, LISTED_MAX).await?;
    let all = discussions::count_open_in_chat(tx, chat.id).await?;
    let urls: Vec<String> = open.iter().map(|d| server.discussion_url(d.number)).collect();
    let cards: Vec<Card<'_>> = open.iter().zip(&urls).map(|(d, url)| card(d, url, "")).collect();
    let more = usize::try_from(all).unwrap_or(0).saturating_sub(cards.len());
    let message = render::progress(server.locale, &cards, more, &format!("{}/discussions", server.public_url));
    Ok((message, open.iter().map(|d| d.id).collect()))
}
