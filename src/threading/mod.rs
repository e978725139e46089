//! Which discussion? Pure: no IO, no clock, no randomness.
//!
//! [`decide`] is a list of rules in order; the first that knows wins, and the last always knows. Each answer says why.

mod smalltalk;
mod title;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{DiscussionId, LineMessageId, Said};

pub use smalltalk::is_smalltalk;
pub use title::{excerpt, one_line, title_of};

/// How long a chat's last active discussion takes in what follows.
pub const ACTIVE_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How far back a discussion may lie for a sticker to join it: a sticker opens none where there is one to join.
pub const STICKER_REACH: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is to be placed.
#[derive(Clone, Debug)]
pub struct Utterance<'a> {
    pub said: &'a Said,
    pub at: Timestamp,
    /// What to call the discussion if the text gives no title ("圖片").
    pub untitled: &'a str,
}

/// Where it could go.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// The discussion whose number stands at the beginning of the text (`#12 …`), and that number.
    pub named: Option<(DiscussionId, i64)>,
    /// The discussion of the message that it quotes.
    pub quoted: Option<DiscussionId>,
    /// The message that quotes it and came before it, and that one's discussion.
    pub quoted_by: Option<(LineMessageId, DiscussionId)>,
    /// The chat's discussion with the latest post, and that post's time.
    pub latest: Option<(DiscussionId, Timestamp)>,
}

/// Where it goes, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    pub choice: Choice,
    pub evidence: Evidence,
}

/// Into a discussion, or into a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Join(DiscussionId),
    Open { title: String },
}

/// Why something is where it is; kept with the post as JSON.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Evidence {
    /// It begins with that discussion's number.
    Number { number: i64 },
    /// It quotes a message of that discussion.
    Quote { quoted: String },
    /// A message of that discussion quotes it, and came before it.
    QuotedBy { message: String },
    /// The chat's last active discussion had its last post so long ago.
    SameChat { seconds_since_last_post: i64 },
    /// A sticker belongs to what was said last.
    Sticker { seconds_since_last_post: i64 },
    /// Nothing that it could belong to.
    Nothing {},
    /// A mail's reply address named the discussion.
    ReplyAddress {},
    /// A mail answers one of that discussion.
    AnswersMail { message_id: String },
    /// A mail's subject carries the discussion's tag.
    SubjectTag { number: i64 },
    /// It was written on the discussion's page or through the API.
    Directly {},
    /// A person put it there.
    Corrected { by: String, from: i64 },
}

impl Evidence {
    /// As it is kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("evidence is plain words and numbers")
    }
}

type Rule = fn(&Utterance<'_>, &Candidates) -> Option<Placement>;

/// In order of certainty.
const RULES: [Rule; 5] = [number, quote, quoted_by, same_chat, sticker];

/// Which discussion it belongs to.
pub fn decide(utterance: &Utterance<'_>, candidates: &Candidates) -> Placement {
    RULES.iter().find_map(|rule| rule(utterance, candidates)).unwrap_or_else(|| Placement {
        choice: Choice::Open { title: title_of(&utterance.said.text, utterance.untitled) },
        evidence: Evidence::Nothing {},
    })
}

fn number(_: &Utterance<'_>, candidates: &Candidates) -> Option<Placement> {
    let (discussion, number) = candidates.named?;
    Some(Placement { choice: Choice::Join(discussion), evidence: Evidence::Number { number } })
}

fn quote(utterance: &Utterance<'_>, candidates: &Candidates) -> Option<Placement> {
    let quoted: &LineMessageId = utterance.said.quotes.as_ref()?;
    let discussion = candidates.quoted?;
    Some(Placement { choice: Choice::Join(discussion), evidence: Evidence::Quote { quoted: quoted.to_string() } })
}

/// Events may arrive in any order: what a quote refers to stands with it, whichever of the two came first.
fn quoted_by(_: &Utterance<'_>, candidates: &Candidates) -> Option<Placement> {
    let (message, discussion) = candidates.quoted_by.as_ref()?;
    Some(Placement { choice: Choice::Join(*discussion), evidence: Evidence::QuotedBy { message: message.to_string() } })
}

fn same_chat(utterance: &Utterance<'_>, candidates: &Candidates) -> Option<Placement> {
    let (discussion, since) = within(utterance, candidates, ACTIVE_FOR)?;
    Some(Placement { choice: Choice::Join(discussion), evidence: Evidence::SameChat { seconds_since_last_post: since } })
}

fn sticker(utterance: &Utterance<'_>, candidates: &Candidates) -> Option<Placement> {
    if utterance.said.kind != "sticker" {
        return None;
    }
    let (discussion, since) = within(utterance, candidates, STICKER_REACH)?;
    Some(Placement { choice: Choice::Join(discussion), evidence: Evidence::Sticker { seconds_since_last_post: since } })
}

/// The latest discussion and the seconds since its last post, if that is not longer ago than `reach`. Events arrive out of order, so
/// the last post may lie after this one.
fn within(utterance: &Utterance<'_>, candidates: &Candidates, reach: SignedDuration) -> Option<(DiscussionId, i64)> {
    let (discussion, last_post_at) = candidates.latest?;
    let since = utterance.at.duration_since(last_post_at);
    (since.abs() <= reach).then_some((discussion, since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Details;

    fn said(text: &str) -> Said {
        Said {
            message: "1".into(),
            kind: "text".into(),
            text: text.into(),
            quotes: None,
            mentions_bot: false,
            attachment: None,
            unsupported: false,
            details: Details::default(),
        }
    }

    fn decided(said: &Said, candidates: &Candidates) -> Placement {
        decide(&Utterance { said, at: Timestamp::from_second(10_000).unwrap(), untitled: "圖片" }, candidates)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_quote_goes_to_its_discussion_however_old_and_whatever_is_active() {
        let mut quoting = said("好的");
        quoting.quotes = Some("612".into());
        let candidates = Candidates { quoted: Some(DiscussionId(1)), latest: Some((DiscussionId(2), at(9_990))), ..Candidates::default() };
        assert_eq!(decided(&quoting, &candidates).choice, Choice::Join(DiscussionId(1)));
    }

    #[test]
    fn what_was_quoted_before_it_came_goes_to_the_quote() {
        let quoted_by = Some(("613".into(), DiscussionId(3)));
        let candidates = Candidates { quoted_by: quoted_by.clone(), latest: Some((DiscussionId(2), at(9_990))), ..Candidates::default() };
        let placed = decided(&said("頂樓漏水"), &candidates);
        assert_eq!(placed.choice, Choice::Join(DiscussionId(3)));
        assert_eq!(placed.evidence, Evidence::QuotedBy { message: "613".into() });
        let mut quoting = said("頂樓漏水");
        quoting.quotes = Some("611".into());
        assert_eq!(
            decided(&quoting, &Candidates { quoted: Some(DiscussionId(1)), quoted_by, ..Candidates::default() }).choice,
            Choice::Join(DiscussionId(1))
        );
    }

    #[test]
    fn a_number_at_the_beginning_is_surer_than_a_quote() {
        let mut quoting = said("#3 好的");
        quoting.quotes = Some("612".into());
        let candidates = Candidates { named: Some((DiscussionId(3), 3)), quoted: Some(DiscussionId(1)), ..Candidates::default() };
        let placed = decided(&quoting, &candidates);
        assert_eq!((placed.choice, placed.evidence), (Choice::Join(DiscussionId(3)), Evidence::Number { number: 3 }));
    }

    #[test]
    fn what_follows_within_ten_minutes_joins_the_active_discussion() {
        let candidates = |second| Candidates { latest: Some((DiscussionId(2), at(second))), ..Candidates::default() };
        assert_eq!(decided(&said("還有"), &candidates(9_400)).choice, Choice::Join(DiscussionId(2)));
        assert_eq!(decided(&said("早來的"), &candidates(10_030)).choice, Choice::Join(DiscussionId(2)));
        assert_eq!(decided(&said("發票"), &candidates(9_399)).choice, Choice::Open { title: "發票".into() });
    }

    #[test]
    fn a_quote_of_something_unknown_is_placed_like_any_other_message() {
        let mut quoting = said("發票呢");
        quoting.quotes = Some("older than the record".into());
        assert_eq!(decided(&quoting, &Candidates::default()).choice, Choice::Open { title: "發票呢".into() });
    }

    #[test]
    fn a_sticker_joins_what_was_said_days_ago() {
        let mut sticker = said("");
        sticker.kind = "sticker".into();
        let candidates = Candidates { latest: Some((DiscussionId(2), at(10_000 - 3 * 86_400))), ..Candidates::default() };
        assert_eq!(decided(&sticker, &candidates).choice, Choice::Join(DiscussionId(2)));
        assert_eq!(decided(&sticker, &Candidates::default()).choice, Choice::Open { title: "圖片".into() });
    }

    #[test]
    fn evidence_is_kept_as_json_with_its_rule() {
        assert_eq!(Evidence::Quote { quoted: "612".into() }.to_json(), r#"{"rule":"quote","quoted":"612"}"#);
    }
}
