//! The map must not rot: every entry of `src/` is named on it, it stays short, and the dependencies point as it says.

use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 250;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn map() -> String {
    fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the map is there")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_entry_of_src_is_on_the_map() {
    let map = map();
    for entry in fs::read_dir(root().join("src")).expect("src is there") {
        let entry = entry.expect("it can be read");
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let name = format!("`{}{slash}`", entry.file_name().to_string_lossy());
        assert!(map.contains(&name), "{name} is not on docs/ARCHITECTURE.md");
    }
}

#[test]
fn every_file_that_the_map_names_is_there() {
    let map = map();
    let all: Vec<String> = sources(&root().join("src")).iter().map(|p| p.to_string_lossy().into_owned()).collect();
    for named in map.split('`').skip(1).step_by(2).filter(|n| Path::new(n).extension().is_some_and(|e| e == "rs") && !n.contains(' ')) {
        let there = all.iter().any(|path| path.ends_with(&format!("/{named}"))) || root().join(named).exists();
        assert!(there, "the map names {named}, which is not there");
    }
}

#[test]
fn the_map_stays_short() {
    assert!(map().lines().count() < LINES_MAX);
}

#[test]
fn dependencies_point_one_way() {
    // What a folder must not know of.
    let rules = [
        ("domain", &["store", "channels", "threading", "intake", "discussions", "outbox", "web", "cli", "clock"][..]),
        ("threading", &["store", "channels", "intake", "discussions", "outbox", "web", "cli", "clock", "config"]),
        ("channels", &["store", "intake", "discussions", "outbox", "web", "cli"]),
        ("store", &["channels", "intake", "discussions", "outbox", "web", "cli"]),
        ("discussions", &["intake", "outbox", "web", "cli"]),
        ("web", &["outbox", "cli"]),
    ];
    for (folder, strangers) in rules {
        for path in sources(&root().join("src").join(folder)) {
            let text = fs::read_to_string(&path).expect("it can be read");
            for stranger in strangers {
                let known = text.contains(&format!("crate::{stranger}::")) || text.contains(&format!("use crate::{stranger}"));
                assert!(!known, "{} must not know of {stranger}", path.display());
            }
        }
    }
}

#[test]
fn sql_lives_only_in_store() {
    for path in sources(&root().join("src")) {
        let inside = path.components().any(|c| c.as_os_str() == "store");
        let text = fs::read_to_string(&path).expect("it can be read");
        assert!(inside || !text.contains("sqlx::query"), "{} runs SQL", path.display());
    }
}
