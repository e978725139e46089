//! What speaks for joining a discussion, seen from one of its lines.

use super::super::model::Terms;
use super::super::stream::{Kind, Line, Place};
use super::super::words::Small;
use super::scene::{About, Scene, shared_chars, shared_subjects, similarity};
use super::{BURST_SECONDS, DAY_1, Feature, HOUR_1, HOURS_4, MINUTES_2, MINUTES_15, stretch};
use crate::domain::{Role, Status};

/// The terms of the discussion, seen from `earlier`, which is `rank` lines back.
pub(super) fn joining(scene: &Scene<'_>, about: &About<'_>, earlier: &Line, rank: usize) -> Terms {
    let mut terms = Terms::default();
    let gap = stretch(scene.line.at - earlier.at);
    // The line's own age and its discussion's differ; what is said of the discussion goes by the discussion's.
    let topic_gap = stretch(scene.line.at - about.topic.last.at);
    put_time(&mut terms, scene, earlier, gap);
    put_order(&mut terms, scene, about, earlier, rank);
    put_person(&mut terms, scene, about, earlier, (gap, topic_gap));
    put_answer(&mut terms, scene, about, earlier, (gap, topic_gap));
    put_words(&mut terms, scene, about, earlier, topic_gap);
    put_subjects(&mut terms, scene, about, earlier, topic_gap);
    put_wide(&mut terms, scene, about, earlier, (rank, gap, topic_gap));
    put_turn(&mut terms, scene, about, earlier, topic_gap);
    put_tone(&mut terms, scene, about, earlier, (gap, topic_gap));
    terms
}

fn put_time(terms: &mut Terms, scene: &Scene<'_>, earlier: &Line, gap: f32) {
    terms.put(Feature::Gap, gap);
    terms.put(Feature::GapPastTwo, (gap - MINUTES_2).max(0.0));
    terms.put(Feature::GapPastHour, (gap - HOUR_1).max(0.0));
    terms.put(Feature::GapPastMinutes, (gap - MINUTES_15).max(0.0));
    terms.put(Feature::GapPastHours, (gap - HOURS_4).max(0.0));
    terms.put(Feature::GapPastDay, (gap - DAY_1).max(0.0));
    terms.mark(Feature::OtherDay, scene.line.day != earlier.day);
    terms.put(Feature::Worked, (1.0 + (scene.line.worked - earlier.worked).max(0) as f32 / 60.0).ln() / 4.0);
    terms.put(Feature::GapWhenBusy, gap * scene.busy);
    terms.put(Feature::GapWhenMixed, gap * scene.mixed);
    terms.put(Feature::GapWhenLively, gap * scene.lively);
}

fn put_order(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, rank: usize) {
    let between = (1.0 + rank.min(1_000) as f32).ln() / 4.0;
    terms.mark(Feature::Previous, rank == 0);
    terms.mark(Feature::LastButOne, rank == 1);
    terms.put(Feature::PreviousWhenBusy, if rank == 0 { scene.busy } else { 0.0 });
    terms.put(Feature::Rank, between);
    terms.put(Feature::RankWhenBusy, between * scene.busy);
    terms.mark(Feature::TopTopic, about.rank == 0);
    terms.put(Feature::PreviousWhenMixed, if rank == 0 { scene.mixed } else { 0.0 });
    terms.put(Feature::TopTopicWhenMixed, if about.rank == 0 { scene.mixed } else { 0.0 });
    terms.put(Feature::PreviousWhenLively, if rank == 0 { scene.lively } else { 0.0 });
    terms.put(Feature::TopTopicWhenLively, if about.rank == 0 { scene.lively } else { 0.0 });
    terms.put(Feature::TopicRank, (1.0 + about.rank as f32).ln() / 3.0);
    terms.mark(Feature::LatestInTopic, earlier.number == about.topic.last.number);
    terms.mark(Feature::ShortPrevious, rank == 0 && scene.short);
    terms.mark(Feature::ShortTop, about.rank == 0 && scene.short);
}

fn put_person(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (gap, topic_gap): (f32, f32)) {
    let line = scene.line;
    let known = line.speaker.is_some();
    let same = known && line.speaker == earlier.speaker;
    let own_last = scene.own.is_some_and(|(_, _, n)| n == earlier.number);
    let previous = scene.previous.is_some_and(|p| p.number == earlier.number);
    terms.mark(Feature::SamePerson, same);
    if same {
        terms.put(Feature::SamePersonWhenBusy, scene.busy);
        terms.put(Feature::SamePersonGap, gap);
        if previous {
            terms.put(Feature::PreviousSamePerson, 1.0);
            terms.put(Feature::PreviousSamePersonGap, gap);
        }
        terms.mark(Feature::Burst, previous && line.at - earlier.at <= BURST_SECONDS);
    }
    if own_last {
        terms.put(Feature::OwnLast, 1.0);
        terms.put(Feature::OwnLastGap, gap);
        terms.mark(Feature::ShortOwn, scene.short);
    }
    if about.took_part {
        terms.put(Feature::InTopic, 1.0);
        terms.put(Feature::InTopicWhenBusy, scene.busy);
        terms.mark(Feature::OpenedTopic, known && about.topic.opened_by == line.speaker);
        terms.mark(Feature::OpenerReturns, known && about.topic.opened_by == line.speaker && !same);
        if known && about.topic.last.speaker == line.speaker {
            terms.put(Feature::OwnTurn, 1.0);
            terms.put(Feature::OwnTurnGap, topic_gap);
        } else {
            terms.put(Feature::SpokenSince, 1.0);
            terms.put(Feature::SpokenSinceGap, topic_gap);
        }
    } else {
        terms.put(Feature::StrangerGap, topic_gap);
        terms.put(Feature::StrangerToCrowd, scene.crowd);
    }
    if scene.own.is_some_and(|(_, place, _)| place == Place::In(about.topic.id)) {
        terms.put(Feature::LastWasHere, 1.0);
        terms.put(Feature::LastWasHereGap, topic_gap);
    }
    let here_lately = scene.own_lately.contains(&about.topic.id);
    terms.mark(Feature::OnlyOwn, here_lately && scene.own_lately.len() == 1);
    terms.mark(Feature::OwnElsewhere, !here_lately && !scene.own_lately.is_empty());
    if about.topic.people.len() == 2 {
        let (is_one, busy) = (about.took_part, scene.busy);
        terms.mark(Feature::Pair, is_one);
        terms.put(Feature::PairWhenBusy, if is_one { busy } else { 0.0 });
        terms.mark(Feature::ThirdOfPair, !is_one);
        terms.put(Feature::ThirdOfPairWhenBusy, if is_one { 0.0 } else { busy });
    }
    let named = known && about.topic.named.iter().any(|n| Some(*n) == line.speaker);
    terms.mark(Feature::NamedSince, named);
    terms.mark(Feature::NamesAuthor, earlier.speaker.is_some_and(|s| line.names.contains(&s)));
    terms.mark(Feature::NamedByIt, line.speaker.is_some_and(|s| earlier.names.contains(&s)));
    terms.mark(Feature::NamesSomeoneInTopic, about.names_one);
    terms.mark(Feature::NamesSomeoneElse, !line.names.is_empty() && !about.names_one);
}

fn put_answer(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (gap, topic_gap): (f32, f32)) {
    let line = scene.line;
    let same = line.speaker.is_some() && line.speaker == earlier.speaker;
    let last = &about.topic.last;
    let last_by_other = line.speaker.is_none() || last.speaker != line.speaker;
    if earlier.words.tone.asks && !same {
        terms.put(Feature::AnswersQuestion, 1.0);
        terms.put(Feature::AnswersQuestionGap, gap);
    }
    if last.words.tone.asks && last_by_other {
        terms.put(Feature::AnswersOpen, 1.0);
        terms.put(Feature::AnswersOpenGap, topic_gap);
    }
    terms.mark(Feature::SelfAsked, same && earlier.words.tone.asks);
    terms.mark(Feature::AsksAfterOther, !same && line.words.tone.asks);
    terms.mark(Feature::AnswerWordsAfterOther, !same && line.words.tone.answers);
    let never = last_by_other && !about.topic.answered;
    terms.mark(Feature::NeverAnswered, never);
    terms.put(Feature::NeverAnsweredWhenBusy, if never { scene.busy } else { 0.0 });
    let (asked, tone) = (earlier.words.tone, line.words.tone);
    terms.mark(Feature::HowMuch, !same && asked.asks_amount && tone.has_number);
    terms.mark(Feature::WhenAsked, !same && asked.asks_when && tone.has_date);
    terms.mark(Feature::WhetherSo, !same && asked.asks_whether && tone.answers);
    if scene.role_known && earlier.role.is_some() && !same {
        let staff = |l: &Line| l.role.is_some_and(Role::is_staff);
        terms.mark(Feature::ClientThenStaff, !staff(earlier) && staff(line));
        terms.mark(Feature::StaffThenClient, staff(earlier) && !staff(line));
        terms.mark(Feature::SameSideOther, staff(earlier) == staff(line));
    }
}

/// Whose turn it is, and whether what was wanted or promised comes.
fn put_turn(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, topic_gap: f32) {
    let line = scene.line;
    let tone = line.words.tone;
    let last = &about.topic.last;
    let by_other = line.speaker.is_none() || last.speaker != line.speaker;
    if line.speaker != earlier.speaker {
        terms.put(Feature::Habit, scene.exchanges_with(earlier));
    }
    if by_other && line.speaker.is_some() && about.before_last == line.speaker {
        terms.put(Feature::InTurn, 1.0);
        terms.put(Feature::InTurnGap, topic_gap);
        terms.mark(Feature::InTurnShort, scene.short);
    }
    let asked = last.words.tone;
    let wanted = by_other && (asked.asks || asked.requests || asked.trouble);
    if wanted && (tone.reports || tone.promises) {
        terms.put(Feature::DoesIt, 1.0);
        terms.put(Feature::DoesItGap, topic_gap);
    }
    terms.mark(Feature::ShortAsked, by_other && asked.asks && scene.short);
    if let (Some(role), Some(of_last)) = (line.role, last.role)
        && wanted
        && role.is_staff() != of_last.is_staff()
    {
        terms.put(Feature::OtherSideWants, 1.0);
        terms.put(Feature::OtherSideWantsGap, topic_gap);
    }
    if let Some(own) = about.own.filter(|own| own.words.tone.promises) {
        terms.put(Feature::Promised, 1.0);
        terms.put(Feature::PromisedGap, stretch(line.at - own.at));
        terms.mark(Feature::PromisedReports, tone.reports);
    }
    if tone.reports {
        terms.mark(Feature::ReportsTookPart, about.took_part);
        terms.mark(Feature::ReportsTop, about.rank == 0);
    }
}

fn put_words(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, topic_gap: f32) {
    terms.put(Feature::LineWords, similarity(scene, earlier));
    terms.put(Feature::TopicWords, about.words);
    terms.put(Feature::TopicWordsGap, about.words * topic_gap);
    terms.put(Feature::LineChars, shared_chars(scene.line, earlier));
    terms.put(Feature::TopicChars, about.chars);
    terms.put(Feature::TopicCharsGap, about.chars * topic_gap);
    terms.put(Feature::OnlyHere, about.only_here);
    terms.put(Feature::OnlyHereGap, about.only_here * topic_gap);
    terms.mark(Feature::BestOnlyHere, about.best_only_here);
    terms.put(Feature::PersonsShare, about.persons_share);
    terms.put(Feature::RarestShared, about.rarest);
    terms.put(Feature::RarestSharedGap, about.rarest * topic_gap);
    terms.mark(Feature::BestWords, about.best);
    terms.put(Feature::LongestRun, (about.shared.saturating_sub(1) as f32).min(4.0) / 4.0);
    terms.put(Feature::CodeHere, about.code);
    let unshared = unshared(scene, about);
    terms.put(Feature::Unshared, unshared);
    terms.put(Feature::UnsharedGap, unshared * topic_gap);
    if scene.line.words.tone.points_back {
        terms.put(Feature::PointsBackGap, topic_gap);
        terms.mark(Feature::PointsBackTop, about.rank == 0);
    }
}

fn put_subjects(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, topic_gap: f32) {
    let shared = about.subjects;
    let words = (about.likely[0] / 4.0).clamp(-1.0, 2.0);
    terms.put(Feature::LikelyWords, words);
    terms.put(Feature::LikelyWordsGap, words * topic_gap);
    terms.put(Feature::LikelyChars, (about.likely[1] / 6.0).clamp(-1.0, 2.0));
    terms.put(Feature::LikelySubjects, (about.likely[2] / 3.0).clamp(-1.0, 2.0));
    terms.put(Feature::TopicSubjects, shared.share);
    terms.put(Feature::TopicSubjectsGap, shared.share * topic_gap);
    terms.put(Feature::SubjectsOnlyHere, shared.only_here);
    terms.mark(Feature::BestSubjects, shared.best);
    terms.put(Feature::OpeningSubjects, shared.opening);
    terms.put(Feature::LineSubjects, shared_subjects(scene, earlier));
    terms.put(Feature::TopicFields, shared.fields);
    if shared.other_field {
        terms.put(Feature::FieldsUnshared, 1.0);
        terms.put(Feature::FieldsUnsharedGap, topic_gap);
    }
    terms.put(Feature::SubjectsUnshared, shared.missing);
    terms.put(Feature::SubjectsUnsharedGap, shared.missing * topic_gap);
    terms.mark(Feature::JobFits, shared.job);
    terms.mark(Feature::JobElsewhere, !shared.job && scene.job_fits_one);
    terms.put(Feature::PersonsFields, shared.persons);
}

/// What weighs otherwise in chats that are written in Chinese.
fn put_wide(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (rank, gap, topic_gap): (usize, f32, f32)) {
    if !scene.wide {
        return;
    }
    let line = scene.line;
    terms.put(Feature::GapWhenWide, gap);
    terms.mark(Feature::PreviousWhenWide, rank == 0);
    terms.mark(Feature::TopTopicWhenWide, about.rank == 0);
    terms.put(Feature::RankWhenWide, (1.0 + rank.min(1_000) as f32).ln() / 4.0);
    terms.mark(Feature::LatestInTopicWhenWide, earlier.number == about.topic.last.number);
    terms.mark(Feature::SamePersonWhenWide, line.speaker.is_some() && line.speaker == earlier.speaker);
    terms.mark(Feature::InTopicWhenWide, about.took_part);
    let unshared = unshared(scene, about);
    terms.put(Feature::UnsharedWhenWide, unshared);
    terms.put(Feature::UnsharedGapWhenWide, unshared * topic_gap);
}

/// How much of what it says was not said in the discussion, by its length.
fn unshared(scene: &Scene<'_>, about: &About<'_>) -> f32 {
    (1.0 + scene.line.words.length).ln() / 4.0 * (1.0 - about.words.max(about.chars).min(1.0))
}

fn put_tone(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (gap, topic_gap): (f32, f32)) {
    let line = scene.line;
    let tone = line.words.tone;
    let same = line.speaker.is_some() && line.speaker == earlier.speaker;
    let previous = scene.previous.is_some_and(|p| p.number == earlier.number);
    if tone.turns {
        terms.mark(Feature::TurnsSamePerson, same);
        terms.put(Feature::TurnsGap, topic_gap);
    }
    if tone.brings_up {
        terms.mark(Feature::BringsUpSamePerson, same);
        terms.mark(Feature::BringsUpOther, !same);
    }
    if tone.trouble {
        terms.mark(Feature::TroubleSame, same);
        terms.mark(Feature::TroubleOther, !same);
    }
    terms.mark(Feature::AnnouncesOther, tone.announces && !same);
    terms.mark(Feature::RequestsOther, tone.requests && !same);
    match scene.small {
        Some(Small::Thanks) => {
            terms.mark(Feature::ThanksToOther, !same);
            terms.mark(Feature::ThanksWhereTookPart, about.took_part);
        }
        Some(Small::Ack) => {
            terms.mark(Feature::AckToOther, !same);
            terms.mark(Feature::AckAsked, !same && earlier.words.tone.asks);
        }
        Some(Small::Greeting) => terms.mark(Feature::GreetingPrevious, previous),
        Some(Small::Sticker) => terms.mark(Feature::StickerPrevious, previous),
        _ => {}
    }
    if scene.small.is_some() {
        terms.put(Feature::SmallGap, topic_gap);
    }
    let just_before = same && line.at - earlier.at <= 120;
    terms.mark(Feature::TextAfterOwnPicture, line.kind == Kind::Text && earlier.kind == Kind::Picture && just_before);
    if line.kind == Kind::Picture {
        terms.mark(Feature::PictureAfterOwnText, earlier.kind == Kind::Text && just_before);
        terms.mark(Feature::PictureAfterAsked, !same && earlier.words.tone.asks);
        terms.mark(Feature::PictureWanted, !same && about.topic.last.words.tone.requests);
        terms.put(Feature::PictureGap, gap);
    }
    terms.mark(Feature::AboutPicture, !same && previous && earlier.kind == Kind::Picture);
    let last = &about.topic.last;
    if last.words.tone.thanks || last.small() == Some(Small::Ack) {
        terms.put(Feature::ItClosed, 1.0);
        terms.put(Feature::ItClosedGap, topic_gap);
    }
    terms.mark(Feature::ItSmall, earlier.small().is_some());
    terms.put(Feature::TopicSize, (about.topic.size as f32).ln() / 3.0);
    terms.put(Feature::TopicPeople, (about.topic.people.len() as f32).max(1.0).ln() / 1.5);
    terms.mark(Feature::Done, about.topic.status.is_done());
    terms.mark(Feature::WaitsForClient, about.topic.status == Status::Waiting && line.role == Some(Role::Client));
}
