//! Which sections and keys there are, and the environment laid over the file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::reader::Section;
use super::{ConfigError, shown};

/// What our variables begin with, in any case.
const PREFIX: &str = "THREADLINE__";

/// The longest word that a near one is looked for.
const NEAREST_CHARS_MAX: usize = 64;

/// A section and its keys.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// Written `[[name]]`, once per account.
    pub(super) many: bool,
    keys: &'static [&'static str],
    /// Those of `keys` that can stand in a file of their own, named by `KEY_file`.
    secrets: &'static [&'static str],
}

impl Known {
    fn all_keys(&self) -> Vec<String> {
        let files = self.secrets.iter().map(|k| format!("{k}_file"));
        self.keys.iter().map(|k| (*k).to_owned()).chain(files).collect()
    }

    fn has(&self, key: &str) -> bool {
        self.keys.contains(&key) || self.has_file(key)
    }

    /// Whether `key` is the `_file` form of a secret.
    fn has_file(&self, key: &str) -> bool {
        key.strip_suffix("_file").is_some_and(|k| self.secrets.contains(&k))
    }

    /// How the section is written: `[server]`, `[[line]]`.
    pub(super) fn heading(&self) -> String {
        if self.many { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }
}

static KNOWN: [Known; 8] = [
    Known { name: "server", many: false, keys: &["listen", "public_url", "locale", "time_zone"], secrets: &[] },
    Known { name: "database", many: false, keys: &["url"], secrets: &["url"] },
    Known {
        name: "storage",
        many: false,
        keys: &["url", "endpoint", "region", "access_key_id", "secret_access_key", "file_mb_max"],
        secrets: &["access_key_id", "secret_access_key"],
    },
    Known {
        name: "line",
        many: true,
        keys: &["name", "channel_id", "channel_secret", "channel_secret_next", "channel_access_token", "api_url", "data_api_url"],
        secrets: &["channel_secret", "channel_secret_next", "channel_access_token"],
    },
    Known {
        name: "line_login",
        many: false,
        keys: &["channel_id", "channel_secret", "authorize_url", "api_url"],
        secrets: &["channel_secret"],
    },
    Known {
        name: "mailbox",
        many: true,
        keys: &[
            "name",
            "address",
            "url",
            "password",
            "ca_file",
            "oauth",
            "oauth_token_url",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_refresh_token",
            "oauth_scope",
            "after",
            "since",
            "project",
            "authserv_id",
        ],
        secrets: &["password", "oauth_client_secret", "oauth_refresh_token"],
    },
    Known {
        name: "smtp",
        many: false,
        keys: &[
            "url",
            "password",
            "ca_file",
            "oauth",
            "oauth_token_url",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_refresh_token",
            "oauth_scope",
            "from",
            "dkim_domain",
            "dkim_selector",
            "dkim_key",
        ],
        secrets: &["password", "oauth_client_secret", "oauth_refresh_token", "dkim_key"],
    },
    Known {
        name: "notify",
        many: false,
        keys: &["settle_seconds", "hold_seconds", "coalesce_minutes", "mail_together_seconds", "quiet_hours", "monthly_budget"],
        secrets: &[],
    },
];

/// One table of the file with what the environment put into it.
#[derive(Default)]
pub(super) struct Given {
    pub(super) table: Table,
    /// Key to the variable that it comes from.
    pub(super) variables: BTreeMap<String, String>,
}

/// Every section that is given, in the file or by the environment, with no unknown key in it.
pub(super) struct Sections {
    pub(super) file: String,
    /// What relative paths begin at; absolute.
    pub(super) folder: PathBuf,
    given: BTreeMap<&'static str, Vec<Given>>,
    nothing: Given,
}

impl Sections {
    pub(super) fn new(
        file: &str,
        folder: PathBuf,
        table: Table,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut sections = Self { file: file.to_owned(), folder, given: BTreeMap::new(), nothing: Given::default() };
        for (name, value) in table {
            sections.add(&name, value).map_err(|why| ConfigError::new(file, &why))?;
        }
        sections.lay_over(environment)?;
        Ok(sections)
    }

    /// The section, empty if it is not given.
    pub(super) fn one(&self, name: &str) -> Section<'_> {
        self.given(name).unwrap_or_else(|| Section::new(self, known(name).expect("callers name a section of ours"), 0, &self.nothing))
    }

    /// The section, if it is given.
    pub(super) fn given(&self, name: &str) -> Option<Section<'_>> {
        self.many(name).into_iter().next()
    }

    /// Each `[[name]]`.
    pub(super) fn many(&self, name: &str) -> Vec<Section<'_>> {
        let Some(known) = known(name) else { return Vec::new() };
        let given = self.given.get(name).map_or(&[][..], Vec::as_slice);
        given.iter().enumerate().map(|(index, g)| Section::new(self, known, index, g)).collect()
    }

    /// Takes one top-level entry of the file.
    fn add(&mut self, name: &str, value: Value) -> Result<(), String> {
        let Some(known) = known(name) else { return Err(unknown_section(name, &value)) };
        let heading = known.heading();
        let tables: Vec<Table> = match value {
            Value::Table(t) if !known.many => vec![t],
            Value::Array(all) if known.many => all
                .into_iter()
                .map(|v| if let Value::Table(t) = v { Ok(t) } else { Err(format!("{name} must be written as {heading}")) })
                .collect::<Result<_, _>>()?,
            Value::Table(_) => return Err(format!("[{name}] is written {heading}, since there may be several")),
            Value::Array(_) => return Err(format!("[[{name}]] is written {heading}, once")),
            _ => return Err(format!("{name} is a section; write {heading} on a line of its own")),
        };
        for (index, table) in tables.iter().enumerate() {
            let place = place(known, index, table);
            if let Some(key) = table.keys().find(|k| !known.has(k)) {
                return Err(format!("{place} {key:.60}: unknown key; {}", suggestion(known, key)));
            }
        }
        let given = tables.into_iter().map(|table| Given { table, variables: BTreeMap::new() });
        self.given.insert(known.name, given.collect());
        Ok(())
    }

    /// Puts each of our variables in its place. Sorted, so that accounts 0, 1, 2 of an environment are begun in that order.
    fn lay_over(&mut self, environment: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        let mut ours: Vec<(Path, String, String)> = environment
            .filter(|(name, _)| name.get(..PREFIX.len()).is_some_and(|p| p.eq_ignore_ascii_case(PREFIX)))
            .map(|(name, value)| (Path::of(&name[PREFIX.len()..]), name, value))
            .collect();
        ours.sort();
        for (path, variable, value) in ours {
            self.set(&path, &variable, value).map_err(|why| ConfigError::new(&variable, &why))?;
        }
        Ok(())
    }

    fn set(&mut self, path: &Path, variable: &str, value: String) -> Result<(), String> {
        let Some(known) = known(&path.section) else {
            return Err(format!("the environment names an unknown section; {}", section_suggestion(&path.section)));
        };
        let heading = known.heading();
        if path.key.is_empty() || known.many == path.which.is_empty() {
            let which = if known.many { "NAME__" } else { "" };
            return Err(format!("variables for {heading} are called {PREFIX}{}__{which}KEY", known.name.to_uppercase()));
        }
        if !known.has(&path.key) {
            return Err(format!("the environment names an unknown key {} of {heading}; {}", path.key, suggestion(known, &path.key)));
        }
        let given = self.given.entry(known.name).or_default();
        let index = if known.many { account_index(known, given, path)? } else { 0 };
        if index == given.len() {
            given.push(Given::default());
        }
        let one = &mut given[index];
        if let Some(other) = one.variables.insert(path.key.clone(), variable.to_owned()) {
            return Err(format!("{other} says the same key; keep one of the two"));
        }
        // The environment has the last word, so a secret in one form takes the file's other form away.
        let other_form = match path.key.strip_suffix("_file") {
            Some(plain) if known.has_file(&path.key) => plain.to_owned(),
            _ => format!("{}_file", path.key),
        };
        if !one.variables.contains_key(&other_form) {
            one.table.remove(&other_form);
        }
        one.table.insert(path.key.clone(), Value::String(value));
        Ok(())
    }
}

/// `SECTION__KEY` or `SECTION__WHICH__KEY` in lower case. The order is that of accounts by number, then by name, since a number
/// may begin the account that a name then means.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    section: String,
    /// `usize::MAX` where WHICH is no number.
    number: usize,
    which: String,
    key: String,
}

impl Path {
    fn of(rest: &str) -> Self {
        let lower = rest.to_ascii_lowercase();
        let (section, rest) = lower.split_once("__").unwrap_or((&lower, ""));
        let (which, key) = rest.rsplit_once("__").unwrap_or(("", rest));
        Self { section: section.to_owned(), number: which.parse().unwrap_or(usize::MAX), which: which.to_owned(), key: key.to_owned() }
    }
}

/// Which account a variable means: by name, else by number from 0; the number after the last begins a new one.
fn account_index(known: &Known, given: &[Given], path: &Path) -> Result<usize, String> {
    let names: Vec<&str> = given.iter().map(|g| g.table.get("name").and_then(Value::as_str).unwrap_or("")).collect();
    let by_name = names.iter().position(|n| plain_name(n) == plain_name(&path.which));
    if let Some(index) = by_name.or(Some(path.number).filter(|n| *n <= given.len())) {
        return Ok(index);
    }
    let heading = known.heading();
    let there = if names.is_empty() { String::new() } else { format!(" (there is {})", names.join(", ")) };
    Err(format!("no {heading} is called {}{there}; name one, or begin the next with {}", path.which, given.len()))
}

/// A name as variables can spell it.
pub(super) fn plain_name(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// `[server]`, `[[line]] "main"`, or `[[line]] no. 2` for one without a name.
pub(super) fn place(known: &Known, index: usize, table: &Table) -> String {
    match table.get("name").and_then(Value::as_str) {
        Some(name) if known.many => format!("{} {}", known.heading(), shown(name)),
        _ if known.many => format!("{} no. {}", known.heading(), index + 1),
        _ => known.heading(),
    }
}

fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|k| k.name == name)
}

fn unknown_section(name: &str, value: &Value) -> String {
    let home = KNOWN.iter().find(|k| k.has(name)).filter(|_| !value.is_table() && !value.is_array());
    match home {
        Some(home) => format!("{name}: stands outside of any section; it belongs under {}", home.heading()),
        None => format!("[{name:.60}]: unknown section; {}", section_suggestion(name)),
    }
}

fn section_suggestion(name: &str) -> String {
    match nearest(name, KNOWN.iter().map(|k| k.name)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", KNOWN.iter().map(|k| k.name).collect::<Vec<_>>().join(", ")),
    }
}

fn suggestion(known: &Known, key: &str) -> String {
    let keys = known.all_keys();
    let elsewhere = KNOWN.iter().find(|k| k.has(key));
    match (nearest(key, keys.iter().map(String::as_str)), elsewhere) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, Some(home)) => format!("it belongs under {}", home.heading()),
        (None, None) => format!("there are {}", keys.join(", ")),
    }
}

/// The word of `among` that `word` most likely was meant to be: at most one slip in three letters.
pub(super) fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > NEAREST_CHARS_MAX {
        return None;
    }
    let lower = word.to_lowercase();
    let measured = among.map(|w| (slips(&lower, &w.to_lowercase()), w));
    measured.filter(|(d, _)| *d <= (length / 3).max(1)).min_by_key(|(d, _)| *d).map(|(_, w)| w)
}

/// How many letters must be added, dropped, changed or swapped with a neighbour (optimal string alignment).
fn slips(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Every key of every section.
#[cfg(test)]
pub(super) fn all_keys() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|k| k.keys.iter().copied())
}
