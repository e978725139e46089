//! Our own set of mails from Taiwan: the new text of each mail in `tests/fixtures/email/zh-tw` is in the file beside it.

use std::collections::BTreeMap;
use std::fs;

use crate::channels::email::parse::{Own, parse};

/// How many of a set's mails are read exactly as expected, white space aside, and the names of the others.
fn measured(held: bool) -> (usize, usize, Vec<String>) {
    let folder = format!("{}/tests/fixtures/email/zh-tw", env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|s| s.to_str()).expect("UTF-8").to_owned();
        if path.extension().is_some_and(|e| e == "eml") && name.starts_with("held-") == held {
            files.insert(name, path);
        }
    }
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let wrong: Vec<String> = files
        .iter()
        .filter(|(_, path)| {
            let mail = parse(&fs::read(path).expect("a mail"), &Own::default()).expect("a mail");
            words(&mail.reply) != words(&fs::read_to_string(path.with_extension("txt")).expect("its new text"))
        })
        .map(|(name, _)| name.clone())
        .collect();
    (files.len() - wrong.len(), files.len(), wrong)
}

#[test]
fn mails_from_taiwan_are_read_exactly() {
    let (right, all, wrong) = measured(false);
    assert!(all >= 90, "{all}");
    assert_eq!(right, all, "{wrong:?}");
}

/// Mails that no rule was made on.
#[test]
fn mails_from_taiwan_that_were_held_back_are_read_as_well() {
    let (right, all, wrong) = measured(true);
    assert!(all >= 45, "{all}");
    assert!(right * 100 >= all * 97, "{right} of {all}: {wrong:?}");
}
