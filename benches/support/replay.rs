//! The month through one way of telling.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use jiff::{SignedDuration, Timestamp};
use threadline::domain::{Calendar, DiscussionId, NoticeId, NoticeKind, Patience, ProjectId, REPLY_TOKEN_GOOD_FOR};
use threadline::outbox::policy::{self, Act, COMPANY, Chances, Means, Pointless, Shared, TOKEN_MARGIN, Waiting};

use super::firm::{self, Group, Matter};

/// Each group is of one project.
const PAYER: ProjectId = ProjectId(1);

/// The defaults of the configuration, in seconds.
const SETTLE: i64 = 8;
const HOLD: i64 = 20;
/// A burst is acknowledged so long after its first message at the latest.
const ACKNOWLEDGED_WITHIN: i64 = 40;

/// How notices are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A push for each, at once.
    Pushed,
    /// By a reply token that is fresh, else a push at once.
    ReplyOrPush,
    /// `outbox::policy` and `domain::Patience`.
    Ours,
}

/// What it came to.
#[derive(Default)]
pub struct Bill {
    pub events: u64,
    pub notices: u64,
    pub pushes: u64,
    pub heads: i64,
    pub free: u64,
    /// Notices that were not told because they had become pointless.
    pub dropped: u64,
    /// Seconds from the fact to the telling, by kind.
    pub delays: BTreeMap<&'static str, Vec<i64>>,
    /// Of answers that were written while the calendar was open.
    pub answers_in_open_hours: Vec<i64>,
    pub answers_free: u64,
    /// Pushes without an answer in them.
    pub pushes_without_answer: u64,
    /// Still waiting when the month was over.
    pub left_over: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// A message of an episode; the matter that it opens or goes on with.
    Said {
        matter: Option<usize>,
        opens: bool,
    },
    Answered {
        matter: usize,
        round: usize,
    },
    Status {
        matter: usize,
    },
    Announced,
    /// The notifier looks.
    Look,
}

struct Promised {
    waiting: Waiting,
    made: i64,
    matter: Option<usize>,
    round: usize,
}

/// One group's month under way.
struct Month<'a> {
    manner: Manner,
    group: &'a Group,
    matters: Vec<&'a Matter>,
    rule: &'a (Patience, Calendar),
    began: Timestamp,
    now: i64,
    agenda: BinaryHeap<Reverse<(i64, u64, Happens)>>,
    count: u64,
    /// When each unused reply token came.
    tokens: Vec<i64>,
    promised: Vec<Promised>,
    /// When each matter's last answer was heard.
    heard: Vec<Option<i64>>,
    bill: &'a mut Bill,
}

/// Runs a group's month; what it costs is added to the bill.
pub fn run(manner: Manner, group: &Group, rule: &(Patience, Calendar), began: Timestamp, bill: &mut Bill) {
    let matters: Vec<&Matter> = group.episodes.iter().filter_map(|e| e.matter.as_ref()).collect();
    let heard = vec![None; matters.len()];
    let mut month = Month {
        manner,
        group,
        matters,
        rule,
        began,
        now: 0,
        agenda: BinaryHeap::new(),
        count: 0,
        tokens: vec![],
        promised: vec![],
        heard,
        bill,
    };
    month.plan();
    // What is on the way when the month ends is still told, so that no way of telling gains by being slow.
    while let Some(Reverse((at, _, happens))) = month.agenda.pop() {
        if at > (firm::DAYS + 14) * firm::DAY {
            break;
        }
        month.now = at;
        month.happen(happens);
        month.tell();
    }
    month.bill.left_over += u64::try_from(month.promised.len()).unwrap_or(0);
}

impl Month<'_> {
    fn put(&mut self, at: i64, happens: Happens) {
        self.count += 1;
        self.agenda.push(Reverse((at, self.count, happens)));
    }

    fn time(&self, at: i64) -> Timestamp {
        self.began + SignedDuration::from_secs(at)
    }

    fn seconds(&self, at: Timestamp) -> i64 {
        at.duration_since(self.began).as_secs()
    }

    fn plan(&mut self) {
        let group = self.group;
        let mut matter = 0;
        for episode in &group.episodes {
            let which = episode.matter.as_ref().map(|_| matter);
            self.put(episode.at, Happens::Said { matter: which, opens: which.is_some() });
            let mut at = episode.at;
            for pause in &episode.pauses {
                at += pause;
                self.put(at, Happens::Said { matter: which, opens: false });
            }
            if let Some(of) = &episode.matter {
                let answer = firm::answered_at(at, &of.rounds[0]);
                self.put(answer, Happens::Answered { matter, round: 0 });
                if let Some(share) = of.in_progress {
                    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "seconds of a month are small")]
                    let into = ((answer - at) as f64 * share) as i64;
                    self.put(firm::working(at + into, 0), Happens::Status { matter });
                }
                matter += 1;
            }
        }
        for at in &group.announcements {
            self.put(*at, Happens::Announced);
        }
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Said { matter, opens } => {
                self.bill.events += 1;
                self.tokens.push(self.now);
                self.is_not_quiet_yet();
                if let Some(matter) = matter.filter(|_| opens) {
                    self.promise(NoticeKind::Opened, Some(matter), 0, SETTLE);
                }
            }
            Happens::Answered { matter, round } => {
                let of = self.matters[matter];
                let hold = if self.manner == Manner::Ours { HOLD } else { 0 };
                self.promise(NoticeKind::Answered, Some(matter), round, hold);
                let is_last = round + 1 == of.rounds.len();
                let resolves = is_last && of.resolved_after == Some(0);
                if of.rounds[round].status || resolves {
                    self.promise(NoticeKind::StatusChanged, Some(matter), round, 0);
                }
                if let Some(after) = of.resolved_after.filter(|after| is_last && *after > 0) {
                    self.put(firm::working(self.now, after), Happens::Status { matter });
                }
            }
            Happens::Status { matter } => self.promise(NoticeKind::StatusChanged, Some(matter), 0, 0),
            Happens::Announced => self.promise(NoticeKind::Announced, None, 0, 0),
            Happens::Look => {}
        }
    }

    fn promise(&mut self, kind: NoticeKind, matter: Option<usize>, round: usize, due_in: i64) {
        self.bill.notices += 1;
        self.count += 1;
        let due_at = self.time(self.now + due_in);
        let (patience, calendar) = self.rule;
        let waiting = Waiting {
            id: NoticeId(i64::try_from(self.count).unwrap_or(i64::MAX)),
            kind,
            discussion: matter.map(|m| DiscussionId(i64::try_from(m).unwrap_or(0))),
            payer: PAYER,
            due_at,
            deadline_at: patience.deadline(calendar, kind, due_at),
            expires_at: None,
            urgent: false,
            objects: usize::from(kind == NoticeKind::Announced),
            shares: (kind != NoticeKind::Announced).then_some(Shared::Card),
            pointless: None,
        };
        self.promised.push(Promised { waiting, made: self.now, matter, round });
        self.put(self.now + due_in, Happens::Look);
    }

    /// Acknowledgements wait until the burst is over, as `notices::defer_acknowledgements` has it.
    fn is_not_quiet_yet(&mut self) {
        let quiet = self.now + SETTLE;
        for at in 0..self.promised.len() {
            let due = quiet.min(self.promised[at].made + ACKNOWLEDGED_WITHIN);
            let due_at = self.time(due);
            let waiting = &mut self.promised[at].waiting;
            if waiting.kind == NoticeKind::Opened && waiting.due_at < due_at {
                waiting.due_at = due_at;
                self.put(due, Happens::Look);
            }
        }
    }

    fn tell(&mut self) {
        match self.manner {
            Manner::Pushed | Manner::ReplyOrPush => {
                while let Some(at) = self.promised.iter().position(|p| p.waiting.due_at <= self.time(self.now)) {
                    let promised = self.promised.remove(at);
                    let free = self.manner == Manner::ReplyOrPush && self.take_token();
                    self.send(&[promised], free);
                }
            }
            Manner::Ours => while self.tell_ours() {},
        }
    }

    /// The freshest token, if one is good.
    fn take_token(&mut self) -> bool {
        let good_for = REPLY_TOKEN_GOOD_FOR.as_secs();
        self.tokens.retain(|came| self.now - came < good_for);
        self.tokens.pop().is_some()
    }

    /// Whether something left.
    fn tell_ours(&mut self) -> bool {
        let now = self.time(self.now);
        self.tokens.retain(|came| self.now - came < REPLY_TOKEN_GOOD_FOR.as_secs());
        // As `outbox::line_bundle::facts` has it.
        for promised in self.promised.iter_mut().filter(|p| p.waiting.kind == NoticeKind::Opened) {
            let missed = now.duration_since(promised.waiting.due_at) > REPLY_TOKEN_GOOD_FOR;
            let answered = promised.matter.and_then(|m| self.heard[m]).is_some_and(|heard| heard > promised.made);
            promised.waiting.pointless = (missed && answered).then_some(Pointless::Answered);
        }
        let waiting: Vec<Waiting> = self.promised.iter().map(|p| p.waiting.clone()).collect();
        let chances = Chances {
            free_until: self.tokens.last().map(|came| self.time(*came) + REPLY_TOKEN_GOOD_FOR),
            of: [(PAYER, Means { closed_until: self.rule.1.closed_until(now), spent: None })].into(),
        };
        let decision = policy::decide(now, &waiting, &chances);
        for (id, _) in &decision.dropped {
            self.promised.retain(|p| p.waiting.id != *id);
            self.bill.dropped += 1;
        }
        match decision.act {
            Act::Leave { these, free, .. } => {
                let (leaving, staying) = std::mem::take(&mut self.promised).into_iter().partition(|p| these.contains(&p.waiting.id));
                self.promised = staying;
                if free {
                    self.tokens.pop();
                }
                self.send(&leaving, free);
                return true;
            }
            Act::Postpone { these, until, .. } => {
                for promised in self.promised.iter_mut().filter(|p| these.contains(&p.waiting.id)) {
                    promised.waiting.deadline_at = until;
                }
            }
            Act::Wait => {}
        }
        self.look_again();
        false
    }

    /// At the next moment at which the rule could say something else.
    fn look_again(&mut self) {
        let of_notices = self.promised.iter().flat_map(|p| {
            let ripe = p.waiting.deadline_at.max(p.waiting.due_at);
            [p.waiting.due_at, p.waiting.due_at + COMPANY, ripe, ripe + COMPANY]
        });
        let of_tokens = self.tokens.iter().flat_map(|came| {
            let until = self.time(*came) + REPLY_TOKEN_GOOD_FOR;
            [until - TOKEN_MARGIN, until]
        });
        let now = self.time(self.now);
        if let Some(next) = of_notices.chain(of_tokens).filter(|at| *at > now).min().filter(|_| !self.promised.is_empty()) {
            let next = self.seconds(next);
            self.put(next, Happens::Look);
        }
    }

    /// It is heard: counted, and reacted to.
    fn send(&mut self, told: &[Promised], free: bool) {
        if free {
            self.bill.free += 1;
        } else {
            self.bill.pushes += 1;
            self.bill.pushes_without_answer += u64::from(told.iter().all(|one| one.waiting.kind != NoticeKind::Answered));
            self.bill.heads += self.group.members;
        }
        for one in told {
            let delay = self.now - one.made;
            self.bill.delays.entry(one.waiting.kind.as_str()).or_default().push(delay);
            if one.waiting.kind != NoticeKind::Answered {
                continue;
            }
            self.bill.answers_free += u64::from(free);
            if self.rule.1.closed_until(self.time(one.made)).is_none() {
                self.bill.answers_in_open_hours.push(delay);
            }
            if let Some(matter) = one.matter {
                self.react(matter, one.round);
            }
        }
    }

    fn react(&mut self, matter: usize, round: usize) {
        self.heard[matter] = Some(self.now);
        let of = self.matters[matter];
        let Some((after, pauses)) = &of.rounds[round].reaction else { return };
        let mut at = self.now + after;
        self.put(at, Happens::Said { matter: Some(matter), opens: false });
        for pause in pauses {
            at += pause;
            self.put(at, Happens::Said { matter: Some(matter), opens: false });
        }
        if let Some(next) = of.rounds.get(round + 1) {
            self.put(firm::answered_at(at, next), Happens::Answered { matter, round: round + 1 });
        }
    }
}
