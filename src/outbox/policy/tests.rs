use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

/// Due at 0, and to be paid for from 300 on.
fn notice(id: i64, kind: NoticeKind) -> Waiting {
    Waiting {
        id: NoticeId(id),
        kind,
        discussion: Some(DiscussionId(id)),
        payer: ProjectId(1),
        due_at: at(0),
        deadline_at: at(300),
        expires_at: None,
        urgent: false,
        objects: 0,
        shares: Some(Shared::Card),
        pointless: None,
    }
}

fn answer(id: i64) -> Waiting {
    notice(id, NoticeKind::Answered)
}

fn nothing() -> Chances {
    Chances::default()
}

fn free(until: i64) -> Chances {
    Chances { free_until: Some(at(until)), ..nothing() }
}

/// The one payer has so much.
fn has(means: Means) -> Chances {
    Chances { of: [(ProjectId(1), means)].into(), ..nothing() }
}

/// What leaves is in the order in which it was promised.
fn acts(now: i64, waiting: &[Waiting], chances: &Chances) -> Act {
    let mut act = decide(at(now), waiting, chances).act;
    if let Act::Leave { these, .. } = &mut act {
        these.sort_unstable();
    }
    act
}

fn leave(these: &[i64], free: bool) -> Act {
    Act::Leave { these: these.iter().map(|id| NoticeId(*id)).collect(), free, payer: ProjectId(1) }
}

#[test]
fn what_waits_leaves_on_the_first_free_ride_and_is_paid_for_at_its_deadline_alone() {
    let one = [answer(1)];
    assert_eq!(acts(299, &one, &nothing()), Act::Wait);
    assert_eq!(acts(10, &one, &free(58)), leave(&[1], true));
    assert_eq!(acts(300, &one, &nothing()), leave(&[1], false));
    assert_eq!(acts(300, &one, &free(310)), leave(&[1], true), "a free ride goes before a push");
    let held = [Waiting { due_at: at(20), ..answer(1) }];
    assert_eq!(acts(19, &held, &free(60)), Act::Wait, "nothing leaves while it can be taken back");
}

#[test]
fn one_push_takes_everything_along_that_may_leave() {
    let patient = Waiting { deadline_at: at(90_000), ..notice(2, NoticeKind::StatusChanged) };
    let never = Waiting { deadline_at: at(9_000_000), ..notice(3, NoticeKind::Moved) };
    let held = Waiting { due_at: at(400), ..answer(4) };
    assert_eq!(acts(300, &[answer(1), patient, never, held], &nothing()), leave(&[1, 2, 3], false));
}

#[test]
fn the_acknowledgement_of_a_burst_takes_the_others_along() {
    let soon = Waiting { due_at: at(12), ..notice(2, NoticeKind::Opened) };
    let both = [answer(1), soon.clone()];
    assert_eq!(acts(10, &both, &free(50)), Act::Wait);
    assert_eq!(acts(12, &both, &free(50)), leave(&[1, 2], true));
    let ripe = Waiting { deadline_at: at(0), ..answer(1) };
    assert_eq!(acts(10, &[ripe, soon.clone()], &nothing()), Act::Wait, "nor is a push paid so shortly before");
    let far = Waiting { due_at: at(10 + 48), ..soon };
    assert_eq!(acts(10, &[Waiting { deadline_at: at(0), ..answer(1) }, far], &nothing()), leave(&[1], false));
}

#[test]
fn whoever_tapped_is_not_kept_waiting_and_an_acknowledgement_holds_for_nobody() {
    let soon = Waiting { due_at: at(12), ..notice(2, NoticeKind::Opened) };
    let tapped = Waiting { objects: 1, shares: None, expires_at: Some(at(48)), ..notice(3, NoticeKind::Replied) };
    assert_eq!(acts(10, &[answer(1), soon, tapped.clone()], &free(50)), leave(&[1, 3], true));
    let held = Waiting { due_at: at(20), ..answer(4) };
    let acknowledgement = notice(5, NoticeKind::Opened);
    assert_eq!(acts(10, &[held.clone(), acknowledgement], &free(50)), leave(&[5], true));
    assert_eq!(acts(10, &[held, tapped], &free(50)), leave(&[3], true));
}

#[test]
fn a_token_is_kept_for_what_becomes_due_within_its_life() {
    let status = notice(1, NoticeKind::StatusChanged);
    let held = |due| Waiting { due_at: at(due), ..answer(2) };
    assert_eq!(acts(5, &[status.clone(), held(20)], &free(40)), Act::Wait);
    assert_eq!(acts(20, &[status.clone(), held(20)], &free(40)), leave(&[1, 2], true));
    assert_eq!(acts(5, &[status.clone(), held(33)], &free(40)), leave(&[1], true), "too near to the token's end");
    let old = Waiting { due_at: at(-500), ..status };
    assert_eq!(acts(5, &[old, held(20)], &free(40)), leave(&[1], true), "what has waited long does not wait for one more");
}

#[test]
fn a_push_waits_shortly_for_a_second_answer_but_not_for_a_third_and_fourth() {
    let second = Waiting { due_at: at(315), deadline_at: at(615), ..answer(2) };
    assert_eq!(acts(300, &[answer(1), second.clone()], &nothing()), Act::Wait);
    assert_eq!(acts(315, &[answer(1), second.clone()], &nothing()), leave(&[1, 2], false));
    let third = Waiting { due_at: at(331), deadline_at: at(631), ..answer(3) };
    assert_eq!(acts(316, &[answer(1), second.clone(), third], &nothing()), leave(&[1, 2], false));
    assert_eq!(acts(331, &[answer(1), Waiting { due_at: at(340), ..second }], &nothing()), leave(&[1], false));
}

#[test]
fn the_calendar_and_the_money_hold_back_what_costs_and_nothing_else() {
    let two = [Waiting { deadline_at: at(100), ..answer(1) }, answer(2)];
    let night_only = Means { closed_until: Some((at(5000), Closed::QuietHours)), ..Means::default() };
    let closed = has(night_only.clone());
    let night = Act::Postpone { these: vec![NoticeId(1)], until: at(5000), why: Held::Closed(Closed::QuietHours) };
    assert_eq!(acts(200, &two, &closed), night);
    let spent = has(Means { spent: Some((at(9000), Why::QuotaSpent)), ..Means::default() });
    assert_eq!(acts(200, &two, &spent), Act::Postpone { these: vec![NoticeId(1)], until: at(9000), why: Held::Spent(Why::QuotaSpent) });
    assert_eq!(acts(200, &two, &has(Means { spent: Some((at(9000), Why::QuotaSpent)), ..night_only })), night);
    assert_eq!(acts(200, &two, &Chances { free_until: Some(at(240)), ..closed.clone() }), leave(&[1, 2], true));
    assert_eq!(acts(50, &two, &closed), Act::Wait);
}

#[test]
fn what_is_urgent_passes_the_night_but_not_an_empty_purse_and_takes_the_rest_along() {
    let urgent = Waiting { urgent: true, deadline_at: at(0), ..answer(1) };
    let soon = Waiting { due_at: at(12), ..notice(3, NoticeKind::Opened) };
    let all = [urgent, answer(2), soon];
    let day_off = Means { closed_until: Some((at(5000), Closed::DayOff("除夕".into()))), ..Means::default() };
    assert_eq!(acts(1, &all, &has(day_off.clone())), leave(&[1, 2, 3], false));
    assert_eq!(acts(1, &all, &free(40)), leave(&[1, 2, 3], true));
    let spent = has(Means { spent: Some((at(9000), Why::QuotaSpent)), ..day_off });
    assert_eq!(acts(1, &all, &spent), Act::Postpone { these: vec![NoticeId(1)], until: at(9000), why: Held::Spent(Why::QuotaSpent) });
}

#[test]
fn each_payers_news_is_held_back_by_its_own_calendar_and_money() {
    let of = |id, payer| Waiting { payer: ProjectId(payer), deadline_at: at(100), ..answer(id) };
    let night = Means { closed_until: Some((at(5000), Closed::QuietHours)), ..Means::default() };
    let poor = Means { spent: Some((at(9000), Why::ProjectBudgetSpent)), ..Means::default() };
    let chances = Chances { of: [(ProjectId(1), night), (ProjectId(2), poor)].into(), ..nothing() };
    let waits = |id, until, why| Act::Postpone { these: vec![NoticeId(id)], until: at(until), why };
    assert_eq!(acts(200, &[of(1, 1), of(2, 2)], &chances), waits(1, 5000, Held::Closed(Closed::QuietHours)));
    assert_eq!(acts(200, &[of(2, 2)], &chances), waits(2, 9000, Held::Spent(Why::ProjectBudgetSpent)));
    // What a third one pays for takes along what may leave: the telephone rings once.
    let all = Act::Leave { these: vec![NoticeId(1), NoticeId(2), NoticeId(3)], free: false, payer: ProjectId(3) };
    assert_eq!(acts(200, &[of(1, 1), of(2, 2), of(3, 3)], &chances), all);
    let urgent = Waiting { urgent: true, ..of(2, 2) };
    let paid_by_the_first = Act::Leave { these: vec![NoticeId(1), NoticeId(2)], free: false, payer: ProjectId(1) };
    assert_eq!(acts(200, &[of(1, 1), urgent], &chances), paid_by_the_first, "it passes the night, and has no money of its own");
}

#[test]
fn what_is_pointless_or_too_old_is_dropped_whatever_else_happens() {
    let old = Waiting { expires_at: Some(at(9)), ..notice(1, NoticeKind::Replied) };
    let answered = Waiting { pointless: Some(Pointless::Answered), ..notice(2, NoticeKind::Opened) };
    let decision = decide(at(10), &[old, answered, answer(3)], &nothing());
    assert_eq!(decision.dropped, [(NoticeId(1), Pointless::Expired), (NoticeId(2), Pointless::Answered)]);
    assert_eq!(decision.act, Act::Wait);
}

#[test]
fn what_does_not_fit_into_five_objects_takes_the_next_ride() {
    let own = |id, objects| Waiting { objects, shares: None, ..notice(id, NoticeKind::Scripted) };
    let cards = [answer(7), answer(8), answer(9)];
    let mut all = vec![own(1, 2), own(2, 2), own(3, 2)];
    all.extend(cards.clone());
    assert_eq!(acts(10, &all, &free(50)), leave(&[1, 2, 7, 8, 9], true), "all cards are one object");
    all[2].expires_at = Some(at(20));
    assert_eq!(acts(10, &all, &free(50)), leave(&[1, 3, 7, 8, 9], true), "what soon is of no use goes first");
    all[1].deadline_at = at(5);
    assert_eq!(acts(10, &all, &nothing()), leave(&[2, 3, 7, 8, 9], false), "what is paid for is in it");
    assert_eq!(acts(10, &[own(1, 9)], &free(50)), leave(&[1], true), "nothing is stuck for ever");
}

#[test]
fn what_presses_most_is_named_first() {
    let patient = Waiting { deadline_at: at(90_000), ..answer(1) };
    let urgent = Waiting { urgent: true, ..answer(4) };
    let all = [patient, notice(2, NoticeKind::Opened), answer(3), urgent];
    let Act::Leave { these, .. } = decide(at(300), &all, &free(350)).act else { panic!("there is a free ride") };
    assert_eq!(these, [4, 2, 3, 1].map(NoticeId));
}

#[test]
fn the_rule_never_leaves_with_what_is_not_due_nor_forgets_what_is_ripe() {
    // Every mix of three notices over what can differ, at every moment that matters.
    let kinds = [NoticeKind::Opened, NoticeKind::Answered, NoticeKind::StatusChanged, NoticeKind::Replied];
    let spans = [(0, 0), (0, 100), (20, 20), (20, 900)];
    let choices: Vec<Waiting> = kinds
        .iter()
        .flat_map(|kind| spans.iter().map(|(due, deadline)| Waiting { due_at: at(*due), deadline_at: at(*deadline), ..notice(0, *kind) }))
        .collect();
    for (a, b) in choices.iter().flat_map(|a| choices.iter().map(move |b| (a, b))) {
        let both = [Waiting { id: NoticeId(1), ..a.clone() }, Waiting { id: NoticeId(2), ..b.clone() }];
        for now in [0, 19, 20, 60, 100, 900, 931] {
            for chances in [nothing(), free(now + 30)] {
                let act = acts(now, &both, &chances);
                if let Act::Leave { these, free, .. } = &act {
                    assert_eq!(*free, chances.free_until.is_some());
                    let chosen: Vec<&Waiting> = both.iter().filter(|n| these.contains(&n.id)).collect();
                    assert!(chosen.iter().all(|n| n.due_at <= at(now)), "{both:?} at {now}");
                    assert!(*free || chosen.iter().any(|n| is_ripe(n, at(now))), "{both:?} at {now}");
                    assert!(both.iter().all(|n| n.due_at > at(now) || these.contains(&n.id)), "{both:?} at {now}: what may leave leaves");
                }
                let late = both.iter().any(|n| n.deadline_at.max(n.due_at) + REPLY_TOKEN_GOOD_FOR <= at(now));
                assert!(!late || act != Act::Wait, "{both:?} at {now}: nothing waits past its deadline for long");
            }
        }
    }
}
