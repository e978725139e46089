//! Recording what became of a try.

use jiff::{SignedDuration, Timestamp};
use serde_json::from_str;

use super::line_bundle::Frozen;
use super::mail_instead::mail_instead;
use super::{budget, targets};
use crate::App;
use crate::discussions::watch_budget;
use crate::domain::{DeliveryStatus, DiscussionId, NoticeKind, REPLY_TOKEN_GOOD_FOR, Script, Via, Why};
use crate::store::deliveries::Delivery;
use crate::store::{self, Tx, chats, deliveries, discussions, notices, posts, reply_tokens, scripts};

/// LINE forgets a retry key after 24 hours; a later try could post twice.
const PUSH_GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(23);
/// A mail server may be away for a weekend.
const MAIL_GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(48);
/// How long LINE takes a reply token at least. Source: Messaging API reference, "Send reply message".
const REPLY_TOKEN_LIVES: SignedDuration = SignedDuration::from_secs(60);
/// The longest pause between two tries: after an outage work goes on within it.
const PAUSE_MAX_SECONDS: i64 = 30;

/// How LINE's refusal of a body begins; others are about the account or the chat.
const BAD_REQUEST: &str = "400";

/// A mail that was put off again and again waits so much less than it has waited in all…
const DEFERRED_AGE_PER_PAUSE: i32 = 12;
/// …and never longer.
const DEFERRED_PAUSE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// What a try led to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The other side took it, now or at an earlier try.
    Sent { message_ids: Vec<String> },
    /// The answer was lost: it may have arrived.
    NoAnswer(String),
    /// It has certainly not arrived, and may be tried again.
    NotNow(String),
    /// The mail server does not want this mail now (4xx).
    Deferred(String),
    /// LINE does not take this reply token (any more).
    TokenRefused,
    /// The month's quota does not cover it; `told`: LINE was asked, and said how the month stands.
    QuotaUsedUp { told: bool },
    /// LINE takes no messages for this chat.
    Unreachable(String),
    /// It will never be taken; a [`Why`], with the other side's words.
    Failed(String),
    /// What it told of was taken back after a try of which nobody knows whether it arrived; it has no body any more.
    TakenBack,
}

impl Outcome {
    /// For metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::NoAnswer(_) => "no_answer",
            Self::NotNow(_) => "not_now",
            Self::Deferred(_) => "deferred",
            Self::TokenRefused => "token_refused",
            Self::QuotaUsedUp { .. } => "quota",
            Self::Unreachable(_) => "unreachable",
            Self::Failed(_) => "failed",
            Self::TakenBack => "taken_back",
        }
    }
}

/// Records it; tells open pages.
pub(super) async fn settle(app: &App, delivery: &Delivery, outcome: Outcome) -> Result<(), store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    match outcome {
        Outcome::Sent { message_ids } => sent(&mut tx, app, delivery, &message_ids).await?,
        // Refused while it must still be good, it can only have been used by an earlier try, whose answer was lost or was a failure of
        // LINE's own. Later the refusal may only tell that the token ran out, and rather twice than never.
        Outcome::TokenRefused if delivery.attempts > 1 && token_is_good(&mut tx, delivery, now).await? => {
            sent(&mut tx, app, delivery, &[]).await?;
        }
        Outcome::TokenRefused => {
            ride_again(&mut tx, delivery, Why::TokenGone.as_str(), None).await?;
        }
        Outcome::QuotaUsedUp { told } => quota_used_up(&mut tx, app, delivery, told).await?,
        Outcome::Unreachable(why) => unreachable(&mut tx, app, delivery, &why).await?,
        Outcome::Failed(why) => failed(&mut tx, delivery, &why, now).await?,
        Outcome::TakenBack => taken_back(&mut tx, delivery).await?,
        Outcome::NoAnswer(why) => later(&mut tx, app, delivery, &why, false).await?,
        Outcome::NotNow(why) => later(&mut tx, app, delivery, &why, true).await?,
        Outcome::Deferred(why) => deferred(&mut tx, app, delivery, &why).await?,
    }
    let number = match delivery.discussion {
        Some(id) => Some(discussions::get(&mut tx, id).await?.number),
        None => None,
    };
    tx.commit().await?;
    if let Some(number) = number {
        app.changed(number);
    }
    Ok(())
}

/// Whether LINE's minute for the reply token is not over yet.
async fn token_is_good(tx: &mut Tx, delivery: &Delivery, now: Timestamp) -> Result<bool, store::Error> {
    let Some(token) = &delivery.reply_token else { return Ok(false) };
    let arrived_at = reply_tokens::arrived_at(tx, token).await?;
    Ok(arrived_at.is_some_and(|at| now.duration_since(at) < REPLY_TOKEN_LIVES))
}

async fn end(tx: &mut Tx, delivery: &Delivery, status: DeliveryStatus, why: &str, now: Timestamp) -> Result<(), store::Error> {
    tracing::warn!(delivery = %delivery.uuid, via = %delivery.via, why, "a delivery was given up");
    deliveries::end(tx, delivery.id, status, Some(why), now).await?;
    notices::settle(tx, delivery.id, status).await
}

/// LINE takes all of a send or nothing. What most likely is at fault is what a script brought, a sticker that LINE does not have or a picture's
/// address: without it everything takes another ride, so that no script costs others their words. Anything else has failed.
async fn failed(tx: &mut Tx, delivery: &Delivery, why: &str, now: Timestamp) -> Result<(), store::Error> {
    let for_its_body = |(why, quoted): &(Why, Option<&str>)| *why == Why::Refused && quoted.is_some_and(|q| q.starts_with(BAD_REQUEST));
    let Some((_, quoted)) = Why::read(why).filter(for_its_body).filter(|_| delivery.chat.is_some()) else {
        return end(tx, delivery, DeliveryStatus::Failed, why, now).await;
    };
    let mut is_lighter = false;
    for notice in notices::of_delivery(tx, delivery.id).await?.iter().filter(|n| n.kind == NoticeKind::Scripted) {
        let script = notice.detail.as_deref().and_then(Script::from_json);
        if let Some(plain) = script.and_then(Script::without_extras) {
            scripts::set_detail(tx, notice.id, &plain.to_json()).await?;
            is_lighter = true;
        }
    }
    if !is_lighter {
        return end(tx, delivery, DeliveryStatus::Failed, why, now).await;
    }
    tracing::warn!(delivery = %delivery.uuid, why, "LINE refused a send; its scripts' pictures and stickers are left out of the next");
    ride_again(tx, delivery, &Why::ExtrasRefused.quoting(quoted.unwrap_or_default()), None).await
}

async fn sent(tx: &mut Tx, app: &App, delivery: &Delivery, message_ids: &[String]) -> Result<(), store::Error> {
    deliveries::end(tx, delivery.id, DeliveryStatus::Sent, None, app.clock.now()).await?;
    notices::settle(tx, delivery.id, DeliveryStatus::Sent).await?;
    if let Some(chat) = delivery.chat.filter(|_| delivery.via == Via::LinePush) {
        let chat = chats::get(tx, chat).await?;
        watch_budget(tx, app, &chat.inbox, delivery.payer.unwrap_or(chat.project), None).await?;
    }
    let (Some(chat), Ok(frozen)) = (delivery.chat, from_str::<Frozen>(&delivery.body)) else { return Ok(()) };
    for (message, about) in message_ids.iter().zip(&frozen.about) {
        for discussion in about {
            posts::add_sent_message(tx, chat, message, DiscussionId(*discussion)).await?;
        }
    }
    Ok(())
}

/// This ride is over; its notices wait for another.
async fn ride_again(tx: &mut Tx, delivery: &Delivery, why: &str, deadline_at: Option<Timestamp>) -> Result<(), store::Error> {
    deliveries::drop_delivery(tx, delivery.id, why).await?;
    notices::thaw(tx, delivery.id, deadline_at, why).await
}

/// It is given up: what was taken back is told no more, the rest waits for another ride.
async fn taken_back(tx: &mut Tx, delivery: &Delivery) -> Result<(), store::Error> {
    // This try, which was none, is among the unanswered.
    let may_have_arrived = delivery.unanswered > 1;
    let why = if may_have_arrived { Why::TakenBackUnsure } else { Why::TakenBack }.as_str();
    let mut gone = vec![];
    for notice in notices::of_delivery(tx, delivery.id).await? {
        if let Some(id) = notice.post
            && posts::find(tx, id).await?.is_none_or(|p| p.retracted_at.is_some())
        {
            gone.push(id);
        }
    }
    if may_have_arrived {
        for post in &gone {
            notices::drop_in_delivery(tx, delivery.id, *post, why).await?;
        }
    }
    ride_again(tx, delivery, why, None).await?;
    for post in gone {
        notices::drop_of_post(tx, post, why).await?;
    }
    Ok(())
}

async fn quota_used_up(tx: &mut Tx, app: &App, delivery: &Delivery, told: bool) -> Result<(), store::Error> {
    let Some(chat) = delivery.chat else { return Ok(()) };
    let chat = chats::get(tx, chat).await?;
    let waiting = notices::of_delivery(tx, delivery.id).await?;
    // Given up before the month is counted: what was refused is not spent.
    deliveries::drop_delivery(tx, delivery.id, Why::QuotaRefused.as_str()).await?;
    let held = budget::quota_refused(tx, app, (&chat, delivery.payer.unwrap_or(chat.project)), told).await?;
    tracing::warn!(inbox = chat.inbox.as_str(), why = %held.why, until = %held.until, "LINE's quota stops a push: only free replies until then");
    notices::thaw(tx, delivery.id, Some(held.until), held.why.as_str()).await?;
    for notice in waiting {
        mail_instead(tx, app, &notice).await?;
    }
    Ok(())
}

/// What was to be told there is told by mail where it can be; nothing is sent there until something is heard from there.
async fn unreachable(tx: &mut Tx, app: &App, delivery: &Delivery, why: &str) -> Result<(), store::Error> {
    let lost = notices::of_delivery(tx, delivery.id).await?;
    end(tx, delivery, DeliveryStatus::Failed, &Why::TargetGone.quoting(why), app.clock.now()).await?;
    if let Some(chat) = delivery.chat {
        targets::gone(tx, app, chat, why).await?;
    }
    for notice in lost {
        mail_instead(tx, app, &notice).await?;
    }
    Ok(())
}

async fn later(tx: &mut Tx, app: &App, delivery: &Delivery, why: &str, answered: bool) -> Result<(), store::Error> {
    let now = app.clock.now();
    let age = now.duration_since(delivery.frozen_at);
    let given_up_after = if delivery.via == Via::Email { MAIL_GIVEN_UP_AFTER } else { PUSH_GIVEN_UP_AFTER };
    if age > given_up_after {
        return end(tx, delivery, DeliveryStatus::Failed, &given_up(delivery, why, answered), now).await;
    }
    let why = if answered { Why::NotNow } else { Why::NoAnswer }.quoting(why);
    // A reply that has certainly not arrived takes another ride once its token is old; one that may have arrived stays with its token,
    // which cannot be used twice.
    let lost = delivery.unanswered - i64::from(answered);
    if delivery.via == Via::LineReply && lost == 0 && age > REPLY_TOKEN_GOOD_FOR {
        return ride_again(tx, delivery, &why, None).await;
    }
    deliveries::retry(tx, delivery.id, now + pause(delivery.attempts), &why, answered).await
}

/// Why it is given up: whether it may have arrived matters to whoever has it tried once more.
fn given_up(delivery: &Delivery, why: &str, answered: bool) -> String {
    let lost = delivery.unanswered - i64::from(answered);
    if lost > 0 { Why::GivenUpUnsure } else { Why::GivenUp }.quoting(why)
}

/// The server speaks, and says "not now" to this mail: asked more and more seldom, it is not taken for a flood.
async fn deferred(tx: &mut Tx, app: &App, delivery: &Delivery, why: &str) -> Result<(), store::Error> {
    let now = app.clock.now();
    let age = now.duration_since(delivery.frozen_at);
    if age > MAIL_GIVEN_UP_AFTER {
        return end(tx, delivery, DeliveryStatus::Failed, &given_up(delivery, why, true), now).await;
    }
    deliveries::retry(tx, delivery.id, now + deferral(delivery.attempts, age), &Why::PutOff.quoting(why), true).await
}

/// As [`pause`]; once a mail has been put off for long, a twelfth of that time, up to half an hour.
fn deferral(attempts: i64, age: SignedDuration) -> SignedDuration {
    pause(attempts).max((age / DEFERRED_AGE_PER_PAUSE).min(DEFERRED_PAUSE_MAX))
}

/// 1 s, 2 s, 4 s … 30 s: with a try that hangs, what was away is found again within a minute.
fn pause(attempts: i64) -> SignedDuration {
    SignedDuration::from_secs((1_i64 << (attempts - 1).clamp(0, 6)).min(PAUSE_MAX_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_that_is_put_off_is_tried_more_and_more_seldom_for_two_days() {
        let (mut age, mut tries) = (SignedDuration::ZERO, 0);
        let mut pauses = vec![];
        while age <= MAIL_GIVEN_UP_AFTER {
            tries += 1;
            let next = deferral(tries, age);
            pauses.push(next);
            age += next;
        }
        assert_eq!(pauses[..7].iter().map(SignedDuration::as_secs).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
        assert!(pauses.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!(pauses.last(), Some(&DEFERRED_PAUSE_MAX));
        assert!((100..200).contains(&tries), "{tries}");
    }

    #[test]
    fn what_is_given_up_says_whether_it_may_have_arrived() {
        let delivery = |unanswered| Delivery {
            id: crate::domain::DeliveryId(1),
            uuid: uuid::Uuid::nil(),
            via: Via::LinePush,
            target: "C1".into(),
            chat: None,
            person: None,
            discussion: None,
            payer: None,
            body: "{}".into(),
            reply_token: None,
            message_id: None,
            attempts: 9,
            unanswered,
            frozen_at: Timestamp::UNIX_EPOCH,
        };
        // The try that just ended is among the unanswered until its answer is recorded.
        assert_eq!(given_up(&delivery(1), "500", true), "given_up: 500");
        assert_eq!(given_up(&delivery(2), "500", true), "given_up_unsure: 500");
        assert_eq!(given_up(&delivery(1), "timeout", false), "given_up_unsure: timeout");
    }
}
