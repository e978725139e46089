//! "That is another matter": what somebody in the group just said leaves its discussion for one of its own.

use jiff::{SignedDuration, Timestamp};

use super::audience::{Told, promise};
use super::correct::{Putting, put};
use super::titles::entitle;
use crate::App;
use crate::domain::{ChatId, CorrectionKind, Happening, HappeningKind, PersonId, PostId, Role, Source, Why};
use crate::store::discussion_events::{self, By};
use crate::store::discussions::{Discussion, Opening};
use crate::store::posts::Post;
use crate::store::{Result, Tx, discussions, notices, posts};

/// What somebody said so shortly before their next message belongs to it.
pub(super) const SAID_TOGETHER_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// What came of it.
#[derive(Clone, Debug)]
pub enum Apart {
    /// The new discussion.
    Done(Discussion),
    /// They did so before and have said nothing since: the number of the discussion that it made.
    Before(i64),
    /// They have said nothing here that could stand by itself.
    Nothing,
}

/// Sets apart what the person said last in the discussion, with what they said within the minute before; where LINE does not tell who
/// asks, what a client said last. What the discussion was opened with stays. `at`: when they asked; what is said later is not meant.
pub async fn set_apart(tx: &mut Tx, app: &App, from: &Discussion, chat: ChatId, person: Option<PersonId>, at: Timestamp) -> Result<Apart> {
    let by = By { person, via: Source::Line };
    let before = discussion_events::last_by(tx, from.id, HappeningKind::Split, person).await?;
    let since = before.as_ref().map(|e| e.at);
    let all = posts::of_discussion(tx, from.id, true).await?;
    let Some(run) = last_run(&all, chat, person, since, at) else {
        return Ok(match before.map(|e| e.what) {
            Some(Happening::Split { to }) => Apart::Before(to),
            _ => Apart::Nothing,
        });
    };
    let opening = Opening { project: from.project, title: "", chat: Some(chat), source: Source::Line, at: run[0].created_at };
    let to = discussions::open(tx, &opening).await?;
    discussion_events::add(tx, from.id, by, at, &Happening::Split { to: to.number }).await?;
    discussion_events::add(tx, to.id, by, at, &Happening::SplitFrom { from: from.number }).await?;
    let ids: Vec<PostId> = run.iter().map(|p| p.id).collect();
    let putting = Putting { kind: CorrectionKind::Split, by, name: &run[0].author, at };
    let to = put(tx, app, &putting, &ids, (from, &to)).await?.to;
    entitle(tx, app, to.id).await?;
    let to = discussions::get(tx, to.id).await?;
    for (i, post) in run.iter().enumerate().filter(|(_, p)| p.role == Role::Client) {
        // Staff hear of it as of any new matter; what waited to tell of it in the old one is part of that.
        notices::drop_of_post(tx, post.id, Why::ToldElsewhere.as_str()).await?;
        let told = Told {
            post: post.id,
            by: post.person,
            by_staff: false,
            source: Source::Line,
            internal: false,
            opens: i == 0,
            // The tap's own answer is the acknowledgement.
            silent: true,
        };
        promise(tx, app, &to, &told).await?;
    }
    Ok(Apart::Done(to))
}

/// The posts that are meant, in order; `None` where there are none.
fn last_run(all: &[Post], chat: ChatId, person: Option<PersonId>, since: Option<Timestamp>, until: Timestamp) -> Option<Vec<&Post>> {
    let meant = |p: &&Post| {
        p.chat == Some(chat)
            && p.retracted_at.is_none()
            && p.created_at <= until
            && since.is_none_or(|s| p.created_at > s)
            && if person.is_some() { p.person == person } else { p.role == Role::Client }
    };
    // What it was opened with is what it is about.
    let later = all.get(1..)?;
    let last = later.iter().rev().find(meant)?;
    let together = |p: &&Post| p.person == last.person && last.created_at.duration_since(p.created_at) <= SAID_TOGETHER_WITHIN;
    Some(later.iter().filter(meant).filter(together).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DiscussionId;

    fn post(id: i64, person: i64, second: i64) -> Post {
        Post {
            id: PostId(id),
            discussion: DiscussionId(1),
            person: (person > 0).then_some(PersonId(person)),
            author: String::new(),
            role: if person == 9 { Role::Staff } else { Role::Client },
            source: Source::Line,
            internal: false,
            chat: Some(ChatId(1)),
            external_id: None,
            kind: "text".into(),
            body: String::new(),
            whole: None,
            evidence: String::new(),
            created_at: Timestamp::from_second(second).unwrap(),
            edited_at: None,
            retracted_at: None,
            details: crate::domain::Details::default(),
            image_set: None,
            quotes: None,
            edit_only: false,
            class: None,
        }
    }

    fn run(all: &[Post], person: i64, since: Option<i64>, until: i64) -> Vec<i64> {
        let at = |s| Timestamp::from_second(s).unwrap();
        let person = (person > 0).then_some(PersonId(person));
        last_run(all, ChatId(1), person, since.map(at), at(until)).unwrap_or_default().iter().map(|p| p.id.0).collect()
    }

    #[test]
    fn what_somebody_said_within_a_minute_goes_together() {
        let all = [post(1, 1, 0), post(2, 2, 100), post(3, 1, 130), post(4, 2, 150), post(5, 2, 160), post(6, 9, 170)];
        assert_eq!(run(&all, 2, None, 200), [2, 4, 5]);
        assert_eq!(run(&all, 2, None, 155), [2, 4], "what was said after the tap is not meant");
        assert_eq!(run(&all, 1, None, 200), [3]);
        assert_eq!(run(&all, 9, None, 200), [6]);
        assert_eq!(run(&all, 0, None, 200), [2, 4, 5], "nobody known asks: the last client is meant");
    }

    #[test]
    fn what_opened_the_discussion_stays_and_a_second_tap_finds_nothing() {
        let all = [post(1, 1, 0), post(2, 1, 40), post(3, 2, 300)];
        assert_eq!(run(&all, 1, None, 400), [2]);
        assert_eq!(run(&all[..1], 1, None, 400), [0; 0]);
        assert_eq!(run(&all, 1, Some(50), 400), [0; 0]);
        assert_eq!(run(&all, 3, None, 400), [0; 0]);
    }

    #[test]
    fn what_was_taken_back_or_said_elsewhere_is_not_meant() {
        let mut all = [post(1, 1, 0), post(2, 1, 40), post(3, 1, 60)];
        all[2].retracted_at = Some(all[2].created_at);
        assert_eq!(run(&all, 1, None, 400), [2]);
        all[1].chat = None;
        assert_eq!(run(&all, 1, None, 400), [0; 0]);
    }
}
