//! What quotes a message stands where the message stands, whichever of the two arrived first.

use super::correct::{lead_on, tell_there};
use crate::domain::{ChatId, LineMessageId, PostId};
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{Result, Tx, discussions, posts};
use crate::threading::Evidence;

/// Quotes of quotes that are followed; a chain that is longer arrived in the reverse of its order.
const STEPS_MAX: usize = 16;
/// Quotes of one message that are moved with it.
const QUOTES_MAX: i64 = 100;

/// A message has just been put into `into`: what quoted it before it came, and was put elsewhere meanwhile, joins it. A discussion that
/// has nothing left leads on to there. What is no matter draws nothing to it. The numbers of discussions in which something changed.
pub async fn follow_quote(tx: &mut Tx, chat: ChatId, message: &LineMessageId, into: &Discussion) -> Result<Vec<i64>> {
    if into.other {
        return Ok(vec![]);
    }
    let mut changed = vec![];
    let mut quoted = vec![message.to_string()];
    for _ in 0..STEPS_MAX {
        let quoting = posts::quoting(tx, chat, &quoted, QUOTES_MAX).await?;
        quoted.clear();
        for post in quoting.iter().filter(|p| p.discussion != into.id) {
            if let Some(number) = bring(tx, post, into).await? {
                changed.push(number);
                quoted.extend(post.external_id.clone());
            }
        }
        if quoted.is_empty() {
            break;
        }
    }
    Ok(changed)
}

/// Puts the post into the discussion, since it quotes something there; the number of the one where it was. `None` where that belongs to
/// another project.
pub async fn bring(tx: &mut Tx, post: &Post, into: &Discussion) -> Result<Option<i64>> {
    let from = discussions::get(tx, post.discussion).await?;
    if from.project != into.project {
        return Ok(None);
    }
    posts::set_discussion(tx, &[post.id], into.id).await?;
    if let Some(quoted) = &post.quotes {
        posts::set_evidence(tx, post.id, &Evidence::Quote { quoted: quoted.clone() }.to_json()).await?;
    }
    tell_there(tx, post.id, into).await?;
    discussions::refresh_last_post(tx, into.id).await?;
    if from.other || posts::has_any(tx, from.id).await? {
        discussions::refresh_last_post(tx, from.id).await?;
    } else {
        lead_on(tx, from.id, into).await?;
    }
    Ok(Some(from.number))
}

/// What its author said in one go before `into` was decided goes there too, with what quotes it. A set of pictures, which is many messages,
/// stays. The numbers of discussions in which something changed.
pub async fn bring_along(tx: &mut Tx, chat: ChatId, along: &[PostId], into: &Discussion) -> Result<Vec<i64>> {
    let mut changed = vec![];
    for id in along {
        let Some(post) = posts::find(tx, *id).await?.filter(|p| p.discussion != into.id) else { continue };
        let Some(message) = post.external_id.clone().map(LineMessageId) else { continue };
        if let Some(number) = bring(tx, &Post { quotes: None, ..post }, into).await? {
            changed.push(number);
            changed.extend(follow_quote(tx, chat, &message, into).await?);
        }
    }
    Ok(changed)
}
