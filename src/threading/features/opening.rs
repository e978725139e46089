//! What speaks for a discussion of its own, and for resting among the other messages.

use super::super::model::Terms;
use super::super::stream::{Kind, Place};
use super::super::words::Small;
use super::scene::{About, Scene, unheard};
use super::{DAY_1, Feature, HOUR_1, HOURS_4, MINUTES_2, MINUTES_15, stretch};
use crate::domain::Role;

/// A longer text rests only where it speaks of daily life or goes on with chatter.
const SHORT_WORDS: f32 = 6.0;
/// A stream of chatter is gone on with for so long, in seconds.
const CHATTER_SECONDS: i64 = 600;

/// The terms of "new", beside the discussions that there are.
pub(super) fn opening(scene: &Scene<'_>, about: &[About<'_>]) -> Terms {
    let mut terms = Terms::default();
    let gap = scene.previous.map_or(1.0, |p| stretch(scene.line.at - p.at));
    put_pause(&mut terms, scene, gap);
    put_person(&mut terms, scene, gap);
    put_tone(&mut terms, scene, gap);
    let most = |of: fn(&About<'_>) -> f32| about.iter().map(of).fold(0.0, f32::max);
    put_words(&mut terms, scene, (most(|a| a.words), most(|a| a.chars)), gap);
    put_subjects(&mut terms, scene, about);
    terms
}

fn put_subjects(terms: &mut Terms, scene: &Scene<'_>, about: &[About<'_>]) {
    let heard = scene.stream;
    terms.put(Feature::NewLikelyWords, about.iter().map(|a| a.likely[0] / 4.0).fold(-1.0, f32::max).min(2.0));
    let all = scene.subjects.len() as f32;
    terms.put(Feature::NewSubjects, all.min(4.0) / 4.0);
    terms.put(Feature::NewSubjectsShared, about.iter().map(|a| a.subjects.share).fold(0.0, f32::max));
    let unheard = scene.subjects.iter().filter(|(s, _)| heard.times_spoken_of(*s) == 0.0).count() as f32;
    terms.put(Feature::NewSubjectsUnheard, unheard / (all + 0.5));
    let shared = about.iter().any(|a| a.subjects.fields > 0.0);
    terms.mark(Feature::NewFieldsUnshared, !scene.fields.is_empty() && !shared);
    terms.mark(Feature::NewDaily, scene.daily);
}

fn put_pause(terms: &mut Terms, scene: &Scene<'_>, gap: f32) {
    terms.put(Feature::New, 1.0);
    terms.put(Feature::NewWhenBusy, scene.busy);
    terms.put(Feature::NewInCrowd, scene.crowd);
    terms.put(Feature::NewWhenMixed, scene.mixed);
    terms.put(Feature::NewGapWhenMixed, gap * scene.mixed);
    terms.put(Feature::NewLively, scene.lively);
    terms.mark(Feature::NewFirst, scene.previous.is_none());
    terms.put(Feature::NewGap, gap);
    terms.put(Feature::NewGapPastTwo, (gap - MINUTES_2).max(0.0));
    terms.put(Feature::NewGapPastMinutes, (gap - MINUTES_15).max(0.0));
    terms.put(Feature::NewGapPastHour, (gap - HOUR_1).max(0.0));
    terms.put(Feature::NewGapPastHours, (gap - HOURS_4).max(0.0));
    terms.put(Feature::NewGapPastDay, (gap - DAY_1).max(0.0));
    terms.mark(Feature::NewOtherDay, scene.previous.is_some_and(|p| p.day != scene.line.day));
}

fn put_person(terms: &mut Terms, scene: &Scene<'_>, gap: f32) {
    let line = scene.line;
    let tone = line.words.tone;
    match scene.own {
        Some((at, place, _)) => {
            terms.put(Feature::NewOwnGap, stretch(line.at - at));
            terms.mark(Feature::NewPersonLeft, place == Place::Rest);
        }
        None => terms.put(Feature::NewNeverSpoke, 1.0),
    }
    if line.speaker.is_some() && scene.previous.is_some_and(|p| p.speaker == line.speaker) {
        terms.put(Feature::NewSamePrevious, 1.0);
        terms.put(Feature::NewSamePreviousGap, gap);
    }
    terms.mark(Feature::NewAfterGreeting, scene.stream.waiting(line.speaker, line.at).next().is_some());
    if let Some(role) = line.role {
        terms.mark(Feature::NewByStaff, role.is_staff());
        terms.mark(Feature::NewByClient, !role.is_staff());
        terms.mark(Feature::NewWanted, !role.is_staff() && (tone.asks || tone.requests || tone.trouble));
    }
    if let Some(previous) = scene.previous {
        terms.mark(Feature::NewAfterAsked, previous.words.tone.asks && previous.speaker != line.speaker);
        terms.mark(Feature::NewAfterClosed, previous.words.tone.thanks || previous.small().is_some());
    }
}

fn put_tone(terms: &mut Terms, scene: &Scene<'_>, gap: f32) {
    let tone = scene.line.words.tone;
    let bare = scene.small.is_none();
    if tone.asks && bare {
        terms.put(Feature::NewAsks, 1.0);
        terms.put(Feature::NewAsksGap, gap);
    }
    if tone.brings_up && bare {
        terms.put(Feature::NewBringsUp, 1.0);
        terms.put(Feature::NewBringsUpGap, gap);
    }
    if tone.trouble {
        terms.put(Feature::NewTrouble, 1.0);
        terms.put(Feature::NewTroubleGap, gap);
    }
    terms.mark(Feature::NewAnnounces, tone.announces && bare);
    terms.mark(Feature::NewCalls, tone.calls && bare);
    terms.mark(Feature::NewReports, tone.reports);
    terms.mark(Feature::NewPromises, tone.promises);
    terms.mark(Feature::NewRequests, tone.requests && bare);
    terms.mark(Feature::NewGreets, tone.greets);
    terms.mark(Feature::NewTurns, tone.turns);
    terms.mark(Feature::NewPointsBack, tone.points_back);
    terms.mark(Feature::NewAnswers, tone.answers);
    terms.mark(Feature::NewCode, tone.has_code);
    terms.mark(Feature::NewChats, tone.chats);
    match scene.small {
        Some(Small::Greeting) => terms.put(Feature::NewGreeting, 1.0),
        Some(Small::Sticker) => terms.put(Feature::NewSticker, 1.0),
        Some(_) => terms.put(Feature::NewSmall, 1.0),
        None => {}
    }
    if scene.line.kind == Kind::Picture {
        terms.put(Feature::NewPicture, 1.0);
        terms.put(Feature::NewPictureGap, gap);
    }
}

fn put_words(terms: &mut Terms, scene: &Scene<'_>, (most_shared, most_chars): (f32, f32), gap: f32) {
    let line = scene.line;
    let length = (1.0 + line.words.length).ln() / 4.0;
    let unshared = length * (1.0 - most_shared.max(most_chars).min(1.0));
    terms.put(Feature::NewLength, length);
    terms.put(Feature::NewUnshared, unshared);
    if scene.wide {
        terms.put(Feature::NewWhenWide, 1.0);
        terms.put(Feature::NewGapWhenWide, gap);
        terms.put(Feature::NewUnsharedWhenWide, unshared);
        terms.put(Feature::NewLengthWhenWide, length);
        terms.mark(Feature::NewAsksWhenWide, line.words.tone.asks && scene.small.is_none());
    }
    terms.mark(Feature::NewShort, scene.short);
    terms.mark(Feature::NewWordless, line.kind == Kind::Text && line.words.tokens.is_empty());
    terms.put(Feature::NewUnheard, unheard(scene));
    terms.put(Feature::NewShared, most_shared);
    terms.put(Feature::NewSharedChars, most_chars);
    terms.mark(Feature::NewNames, !line.names.is_empty());
}

/// What is no matter of its own may rest: small talk, stickers, pictures, chatter and what goes on with it.
pub(super) fn resting(scene: &Scene<'_>) -> Option<Terms> {
    let line = scene.line;
    let tone = line.words.tone;
    let after_rest = scene.previous.filter(|p| p.place != Place::Waiting && p.place == Place::Rest && line.at - p.at <= CHATTER_SECONDS);
    if scene.small.is_none()
        && line.kind == Kind::Text
        && !tone.chats
        && !tone.morning
        && !scene.daily
        && after_rest.is_none()
        && line.words.length > SHORT_WORDS
    {
        return None;
    }
    let gap = scene.previous.map_or(1.0, |p| stretch(line.at - p.at));
    let mut terms = Terms::default();
    terms.put(Feature::Rest, 1.0);
    terms.put(Feature::RestGap, gap);
    match scene.small {
        Some(Small::Greeting) => terms.put(Feature::RestGreeting, 1.0),
        Some(Small::Thanks) => terms.put(Feature::RestThanks, 1.0),
        Some(Small::Ack) => terms.put(Feature::RestAck, 1.0),
        Some(Small::Laugh) => terms.put(Feature::RestLaugh, 1.0),
        Some(Small::Mention) => terms.put(Feature::RestMention, 1.0),
        Some(Small::Sticker) => terms.put(Feature::RestSticker, 1.0),
        None => {}
    }
    terms.mark(Feature::RestMorning, tone.morning);
    terms.mark(Feature::RestPicture, line.kind == Kind::Picture);
    terms.mark(Feature::RestChats, tone.chats);
    if let Some(previous) = after_rest {
        terms.put(Feature::RestAfterRest, 1.0);
        terms.put(Feature::RestAfterRestGap, gap);
        terms.mark(Feature::RestSamePrevious, line.speaker.is_some() && previous.speaker == line.speaker);
    }
    terms.mark(Feature::RestShort, scene.short);
    if scene.small.is_none() {
        terms.put(Feature::RestLength, (1.0 + line.words.length).ln() / 4.0);
        terms.put(Feature::RestUnheard, unheard(scene));
        terms.mark(Feature::RestBringsUp, tone.brings_up);
        terms.mark(Feature::RestPointsBack, tone.points_back);
        terms.mark(Feature::RestDaily, scene.daily);
        terms.mark(Feature::RestSubjects, !scene.fields.is_empty());
    }
    terms.put(Feature::RestWhenMixed, scene.mixed);
    terms.mark(Feature::RestWithRoles, scene.role_known);
    terms.mark(Feature::RestAsks, tone.asks);
    terms.mark(Feature::RestStaff, line.role.is_some_and(Role::is_staff));
    Some(terms)
}
