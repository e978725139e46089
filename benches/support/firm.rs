//! A month of a firm and its clients' LINE groups, drawn with fixed seeds: the same on every machine.
//!
//! What is assumed, from what such groups look like; nothing of it was chosen for what comes out:
//!
//! * 30 groups of 4 to 20 people, the account not among them. A group's episodes (somebody says something, others join in) on a working
//!   day are drawn per group, log-normal with a median of 4: from a few a week to dozens a day. 12 of 100 begin in the evening, 6 on the
//!   weekend, the rest between 9:00 and 18:30, fewer at noon.
//! * An episode has 1 + geometric messages (mean 5); the pauses between two are log-normal, median 30 s, mean about a minute.
//! * 40 of 100 episodes open a matter for the firm. The rest (greetings, stickers, thanks, the clients among themselves) is only recorded.
//! * Staff answer by mail, in working time (Monday to Friday, 9:00 to 18:30) alone, log-normal with a median of 25 minutes and a mean of
//!   50. Half of the answers' authors empty their mailbox in one go: their answers wait for the next full half hour and come then, a
//!   minute or two after each other.
//! * Whoever hears an answer may react: 30 of 100 with thanks or a sticker, 30 of 100 with a question (1 to 3 messages), which is
//!   answered again. Reactions come log-normal with a median of 4 minutes **after the group has heard it**, so a way of telling that is
//!   slow has no free rides from reactions to what it has not told yet.
//! * Statuses: 30 of 100 matters are marked as in progress before the first answer; 35 of 100 answers change the status with them; 85 of
//!   100 matters are marked as resolved, half of them together with the last answer, half up to two working days later.
//! * Recorded chats bear the liveliness out: in the slow public rooms that the threader is measured on, 14 to 20 of 100 answers so long
//!   after a message would meet another within five minutes; here it is printed ("answers free").
//! * Two announcements to all groups, at 11:00 on a Tuesday.

/// Seconds of an hour and a day.
pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
/// Days of the month; the first is a Sunday.
pub const DAYS: i64 = 31;
const GROUPS: u64 = 30;
/// Share of the episodes that open a matter.
const MATTERS: f64 = 0.4;
/// A matter goes back and forth at most so often.
const ROUNDS_MAX: usize = 6;
/// Working time of a day, in seconds after midnight.
const WORK: (i64, i64) = (9 * HOUR, 18 * HOUR + HOUR / 2);

/// A generator of its own (`SplitMix64`, public domain by its author), so that the month is the same with every version of every crate.
pub struct Lots(u64);

impl Lots {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "seconds of a month are small")]
    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.share() * (to - from) as f64) as i64
    }

    /// Log-normal, in whole seconds of at least 1.
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a month are small")]
    fn around(&mut self, median: f64, sigma: f64) -> i64 {
        let normal = (-2.0 * self.share().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos();
        ((median * (sigma * normal).exp()) as i64).clamp(1, 5 * DAY)
    }

    fn geometric(&mut self, more: f64, max: usize) -> usize {
        (0..max).take_while(|_| self.is(more)).count()
    }
}

/// One group's month.
pub struct Group {
    /// Heads that a push is billed for.
    pub members: i64,
    pub episodes: Vec<Episode>,
    /// When it is told an announcement.
    pub announcements: Vec<i64>,
}

/// Some messages.
pub struct Episode {
    /// The first, in seconds since the month began.
    pub at: i64,
    /// Pauses before the others.
    pub pauses: Vec<i64>,
    pub matter: Option<Matter>,
}

/// What becomes of a matter.
pub struct Matter {
    /// Marked as in progress after this share of the time to the first answer.
    pub in_progress: Option<f64>,
    /// Never empty.
    pub rounds: Vec<Round>,
    /// Marked as resolved so much working time after the last answer; 0 = with it.
    pub resolved_after: Option<i64>,
}

/// An answer and what the group says to it.
pub struct Round {
    /// Working time until the answer.
    pub answer_after: i64,
    /// Its author answers everything at each half hour, so many seconds past it.
    pub in_one_go: Option<i64>,
    pub status: bool,
    /// So long after it was heard, with these pauses between further messages. All but the last round's are questions.
    pub reaction: Option<(i64, Vec<i64>)>,
}

/// What is turned to see what the figures depend on.
#[derive(Clone, Copy)]
pub struct Habits {
    /// So many times as many episodes that open no matter.
    pub chatter: f64,
    /// Every matter is marked as in progress, and every answer changes the status.
    pub all_statuses: bool,
}

/// The whole month.
pub fn month(seed: u64, habits: Habits) -> Vec<Group> {
    (0..GROUPS).map(|n| group(&mut Lots::new(seed.wrapping_mul(1_000_003).wrapping_add(n)), habits)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn group(lots: &mut Lots, habits: Habits) -> Group {
    let members = lots.between(4, 21);
    let episodes_a_day = lots.around(4.0 * 1000.0, 0.8) as f64 / 1000.0;
    let mut episodes = vec![];
    for day in 0..DAYS {
        let is_weekend = is_weekend(day);
        // 6 of 100 a week fall on its two weekend days.
        let mean = if is_weekend { episodes_a_day * 5.0 * 0.06 / 0.94 / 2.0 } else { episodes_a_day };
        for (mean, opens) in [(mean * MATTERS, true), (mean * (1.0 - MATTERS) * habits.chatter, false)] {
            for _ in 0..poisson(lots, mean) {
                let at = day * DAY + moment(lots, is_weekend);
                let matter = opens.then(|| matter(lots, habits));
                episodes.push(episode(lots, at, matter));
            }
        }
    }
    episodes.sort_by_key(|e| e.at);
    let announcements = vec![9 * DAY + 11 * HOUR, 23 * DAY + 11 * HOUR];
    Group { members, episodes, announcements }
}

fn is_weekend(day: i64) -> bool {
    matches!(day.rem_euclid(7), 0 | 6)
}

fn poisson(lots: &mut Lots, mean: f64) -> usize {
    let (limit, mut product, mut count) = ((-mean).exp(), lots.share(), 0);
    while product > limit {
        product *= lots.share();
        count += 1;
    }
    count
}

/// When in the day.
fn moment(lots: &mut Lots, is_weekend: bool) -> i64 {
    if is_weekend || lots.is(0.12) {
        return if is_weekend { lots.between(10 * HOUR, 22 * HOUR) } else { lots.between(18 * HOUR + HOUR / 2, 23 * HOUR) };
    }
    loop {
        let at = lots.between(WORK.0, WORK.1);
        let noon = (12 * HOUR..13 * HOUR + HOUR / 2).contains(&at);
        if !noon || lots.is(0.4) {
            return at;
        }
    }
}

fn pauses(lots: &mut Lots, count: usize) -> Vec<i64> {
    (0..count).map(|_| lots.around(30.0, 1.2)).collect()
}

fn episode(lots: &mut Lots, at: i64, matter: Option<Matter>) -> Episode {
    let count = lots.geometric(0.8, 40);
    Episode { at, pauses: pauses(lots, count), matter }
}

fn matter(lots: &mut Lots, habits: Habits) -> Matter {
    let in_progress = lots.is(if habits.all_statuses { 1.0 } else { 0.3 }).then(|| lots.share());
    let mut rounds = vec![];
    loop {
        let answer_after = lots.around(25.0 * 60.0, 1.18);
        let in_one_go = lots.is(0.5).then(|| lots.between(0, 180));
        let status = lots.is(if habits.all_statuses { 1.0 } else { 0.35 });
        let after = lots.around(4.0 * 60.0, 1.2);
        let asks_again = lots.is(0.3) && rounds.len() + 1 < ROUNDS_MAX;
        let thanks = lots.is(0.3 / 0.7);
        let reaction = (asks_again || thanks).then(|| {
            let more = if asks_again { lots.geometric(0.5, 2) } else { 0 };
            (after, pauses(lots, more))
        });
        rounds.push(Round { answer_after, in_one_go, status, reaction });
        if !asks_again {
            break;
        }
    }
    let resolved_after = lots.is(0.85).then(|| if lots.is(0.5) { 0 } else { lots.between(0, 2 * (WORK.1 - WORK.0)) });
    Matter { in_progress, rounds, resolved_after }
}

/// `seconds` of working time after `at`.
pub fn working(at: i64, mut seconds: i64) -> i64 {
    let mut at = at;
    loop {
        let (day, time) = (at.div_euclid(DAY), at.rem_euclid(DAY));
        if is_weekend(day) || time >= WORK.1 {
            at = (day + 1) * DAY;
            continue;
        }
        let begin = time.max(WORK.0);
        let left = WORK.1 - begin;
        if seconds < left {
            return day * DAY + begin + seconds;
        }
        seconds -= left;
        at = (day + 1) * DAY;
    }
}

/// When an answer is written that takes so much working time.
pub fn answered_at(asked: i64, round: &Round) -> i64 {
    let at = working(asked, round.answer_after);
    let Some(past) = round.in_one_go else { return at };
    let half = HOUR / 2;
    working((at + half - 1).div_euclid(half) * half, 0) + past
}
