//! The weights, fitting them, and recorded chats.

use super::super::features::Feature;
use super::super::fit::{Example, Plan, fit, loss};
use super::super::model::{Candidate, Terms, To};
use super::super::recorded::{Before, Recorded, Walk, examples};
use super::super::{Table, Weights};
use super::*;

#[test]
fn the_weights_file_names_only_features_that_there_are_and_all_of_them() {
    let kept: Weights = toml::from_str(include_str!("../weights.toml")).unwrap();
    let mut known: Vec<&str> = Feature::ALL.iter().map(|f| f.name()).collect();
    known.sort_unstable();
    assert_eq!(kept.weights.keys().map(String::as_str).collect::<Vec<_>>(), known);
    assert!(kept.weights.values().all(|w| w.is_finite()) && kept.sharpness > 0.0);
    assert_eq!(Table::shipped().weights(&kept.source), kept);
}

fn example(gap: f32, right: To) -> Example {
    let terms = |terms: &[(Feature, f32)]| Terms(terms.to_vec());
    let candidates = vec![
        Candidate { to: To::Discussion(DiscussionId(1)), terms: terms(&[(Feature::Gap, gap)]) },
        Candidate { to: To::New, terms: terms(&[(Feature::New, 1.0)]) },
    ];
    Example { candidates, right, weight: 1.0 }
}

#[test]
fn fitting_learns_that_long_silence_means_new() {
    let mut all = vec![];
    for n in 0..40_u8 {
        let gap = f32::from(n) / 40.0;
        all.push(example(gap, if n < 20 { To::Discussion(DiscussionId(1)) } else { To::New }));
    }
    let zero = Table::zero();
    let fitted = fit(&all, &zero, &zero, Plan { steps: 60, pull: 1e-4, still: &[] });
    assert!(loss(&all, &fitted) < 0.3 * loss(&all, &zero), "{}", loss(&all, &fitted));
    assert!(fitted.of[Feature::Gap as usize] < -5.0 && fitted.of[Feature::New as usize] < -2.0);
    assert_eq!(fit(&all, &zero, &zero, Plan { steps: 60, pull: 1e-4, still: &[] }), fitted, "the same examples give the same weights");
}

#[test]
fn the_pull_holds_weights_where_nothing_speaks_against_it() {
    let mut from = Table::zero();
    from.of[Feature::Burst as usize] = 2.0;
    let all = [example(0.1, To::Discussion(DiscussionId(1)))];
    let fitted = fit(&all, &from, &from, Plan { steps: 60, pull: 0.1, still: &[] });
    assert!((fitted.of[Feature::Burst as usize] - 2.0).abs() < 1e-3);
    assert!(fitted.of[Feature::New as usize] < 0.0);
}

fn recorded(id: i64, second: i64, author: &str, text: &str, thread: &str) -> Recorded {
    Recorded {
        chat: "c".into(),
        id: id.into(),
        ts_ms: at(second).as_millisecond(),
        author: author.into(),
        text: text.into(),
        thread: Some(thread.into()),
        ..Recorded::default()
    }
}

#[test]
fn a_recorded_message_is_placed_by_what_came_before_it_alone() {
    let all = [
        recorded(1, 0, "王大明", "您好", "a"),
        recorded(2, 20, "王大明", "頂樓漏水什麼時候可以修", "a"),
        recorded(3, 90, "小陳", "明天下午師傅過去", "a"),
        recorded(4, 90_000, "李小姐", "請問發票抬頭可以改嗎", "b"),
        recorded(5, 90_050, "小陳", "可以 改成什麼", "b"),
        recorded(6, 90_060, "=== ", "=== somebody has joined", "x"),
    ];
    let run = |upto: usize| {
        let mut walk = Walk::new("c", false);
        let mut decided: Vec<_> = all[..upto].iter().flat_map(|r| walk.step(r, Table::shipped())).collect();
        decided.extend(walk.finish());
        decided
    };
    let whole = run(all.len());
    // The first two were said in one go.
    for upto in [0, 2, 3, 4, 5] {
        assert_eq!(run(upto), whole[..upto], "what comes later changes nothing");
    }
    assert_eq!(run(1).len(), 1);
    assert_eq!(whole[0].thread, whole[1].thread, "a greeting gives its id to what it introduces");
    assert_eq!(whole[1].thread, whole[2].thread);
    assert_eq!(whole[3].thread, whole[4].thread);
    assert_ne!(whole[0].thread, whole[3].thread);
    assert_eq!((whole[5].class, whole[5].thread.as_str()), ("other", "c:6"), "what the platform says stands alone");
}

#[test]
fn the_marks_are_not_looked_at_unless_a_person_is_asked() {
    let texts = ["報價單好了嗎", "那個呢", "冷氣又滴水", "師傅下午到", "發票寄了", "多少錢", "改好了"];
    let at = |n: i64| usize::try_from(n).unwrap();
    let all: Vec<Recorded> = (0..60)
        .map(|n| recorded(n, n * 1_900, ["甲", "乙", "丙"][at(n) % 3], texts[at(n) % texts.len()], &format!("t{}", n % 4)))
        .collect();
    let without: Vec<Recorded> = all.iter().map(|r| Recorded { thread: None, ..r.clone() }).collect();
    let run = |all: &[Recorded], ask, table: &Table| {
        let mut walk = Walk::new("c", ask);
        let mut decided: Vec<_> = all.iter().flat_map(|r| walk.step(r, table)).collect();
        decided.extend(walk.finish());
        decided
    };
    assert_eq!(run(&all, false, Table::shipped()), run(&without, false, Table::shipped()));
    // Who has no weights is sure of nothing.
    let asked = run(&all, true, &Table::zero());
    assert!(asked.iter().any(|d| d.class == "asked") && asked.iter().all(|d| d.class != "likely"));
}

#[test]
fn examples_are_the_messages_that_are_marked_and_not_certain() {
    let mut all = vec![
        recorded(1, 0, "甲", "頂樓漏水", "a"),
        recorded(2, 60, "乙", "明天去看", "a"),
        recorded(3, 120, "丙", "中午吃什麼", "other"),
        recorded(4, 500, "丙", "發票抬頭要改", "b"),
    ];
    all.push(Recorded { quotes: Some(1.into()), ..recorded(5, 600, "甲", "好", "a") });
    all.push(Recorded { thread: None, ..recorded(6, 660, "甲", "嗯", "") });
    for before in [Before::Right, Before::AsDecided] {
        let found = examples(&all, Table::shipped(), before, 1.0);
        assert_eq!(found.len(), 4, "{before:?}");
        assert_eq!(found[0].right, To::New);
        assert!(matches!(found[1].right, To::Discussion(_)));
        assert_eq!((found[2].right, found[3].right), (To::Rest, To::New));
    }
}
