//! One section's values by type, each refusal under its key.

use std::fmt::Display;
use std::io::Read as _;
use std::path::Path;

use toml::Value;

use super::sections::{Given, Known, Sections, place};
use super::{ConfigError, shown};
use crate::config::{MailServer, Secret};

/// The largest file that a `KEY_file` may name.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// One section of the configuration, or nothing where it is not given.
pub(super) struct Section<'a> {
    sections: &'a Sections,
    known: &'static Known,
    index: usize,
    given: &'a Given,
}

impl<'a> Section<'a> {
    pub(super) fn new(sections: &'a Sections, known: &'static Known, index: usize, given: &'a Given) -> Self {
        Self { sections, known, index, given }
    }

    /// What relative paths begin at.
    pub(super) fn folder(&self) -> &'a Path {
        &self.sections.folder
    }

    /// The refusal of what `key` says.
    pub(super) fn error(&self, key: &str, why: impl Display) -> ConfigError {
        let place = place(self.known, self.index, &self.given.table);
        let from = self.given.variables.get(key).map(|v| format!(" (from {v})")).unwrap_or_default();
        ConfigError::new(&self.sections.file, &format!("{place} {key}{from}: {why}"))
    }

    /// The refusal of a section without `key`.
    pub(super) fn missing(&self, key: &str) -> ConfigError {
        self.error(key, format!("is missing; write {key} = \"…\" under {}", self.known.heading()))
    }

    /// What `key` says, where it says something.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.given.table.get(key) {
            None => Ok(None),
            Some(Value::String(s)) => Ok(Some(s)),
            Some(other) => Err(self.error(key, format!("is {}; write a text in quotes", article(other)))),
        }
    }

    /// As [`Self::text`], with "" for nothing.
    pub(super) fn filled(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        Ok(self.text(key)?.map(str::trim).filter(|v| !v.is_empty()))
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str) -> Result<&'a str, ConfigError> {
        match self.text(key)?.map(str::trim) {
            None => Err(self.missing(key)),
            Some("") => Err(self.error(key, "is empty")),
            Some(text) => Ok(text),
        }
    }

    /// What `key`, or `default` in its absence, means.
    pub(super) fn read<T>(&self, key: &str, default: &str, meaning: impl FnOnce(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        self.check(key, self.text(key)?.map_or(default, str::trim), meaning)
    }

    /// What the `text` of `key` means.
    pub(super) fn check<T>(&self, key: &str, text: &str, meaning: impl FnOnce(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        meaning(text).map_err(|why| self.error(key, why))
    }

    /// A number from 0 to `max`; one by the environment is a text.
    pub(super) fn number(&self, key: &str, default: f64, max: f64) -> Result<f64, ConfigError> {
        let wanted = || format!("write a number from 0 to {max}");
        let number = match self.given.table.get(key) {
            None => return Ok(default),
            #[expect(clippy::cast_precision_loss, reason = "what loses precision is far beyond every max")]
            Some(Value::Integer(n)) => *n as f64,
            Some(Value::Float(n)) => *n,
            Some(Value::String(s)) if self.given.variables.contains_key(key) => {
                s.trim().parse().map_err(|_| self.error(key, format!("{} is not a number; {}", shown(s), wanted())))?
            }
            Some(other) => return Err(self.error(key, format!("is {}; {}", article(other), wanted()))),
        };
        if (0.0..=max).contains(&number) { Ok(number) } else { Err(self.error(key, format!("{number} will not do; {}", wanted()))) }
    }

    /// A whole number from 0 on; one by the environment is a text.
    pub(super) fn whole(&self, key: &str) -> Result<Option<u64>, ConfigError> {
        const WANTED: &str = "write a whole number, 0 or more";
        let number = match self.given.table.get(key) {
            None => return Ok(None),
            Some(Value::Integer(n)) => u64::try_from(*n).ok(),
            Some(Value::Float(n)) => return Err(self.error(key, format!("{n} is not a whole number; {WANTED}"))),
            Some(Value::String(s)) if self.given.variables.contains_key(key) => s.trim().parse().ok(),
            Some(other) => return Err(self.error(key, format!("is {}; {WANTED}", article(other)))),
        };
        number.map(Some).ok_or_else(|| self.error(key, format!("will not do; {WANTED}")))
    }

    /// A secret: `key` itself, or the content of the file that `KEY_file` names. An empty one is none.
    pub(super) fn secret(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
        let key_file = format!("{key}_file");
        let secret = match (self.text(key)?, self.text(&key_file)?) {
            (Some(_), Some(_)) => return Err(self.error(&key_file, format!("{key} is given too; keep one of the two"))),
            (None, None) => return Ok(None),
            (Some(text), None) => text.to_owned(),
            (None, Some(path)) => {
                let text = self.check(&key_file, path, |p| read_secret(&self.folder().join(p)))?;
                if text.is_empty() {
                    return Err(self.error(&key_file, format!("the file {} is empty", shown(path))));
                }
                text
            }
        };
        Ok(Some(secret).filter(|s| !s.is_empty()).map(Secret::new))
    }

    /// A secret of LINE's that must be there; LINE's have no spaces, so one with a space was not copied well.
    pub(super) fn required_token(&self, key: &str) -> Result<Secret, ConfigError> {
        self.token(key)?.ok_or_else(|| {
            let why = format!("is missing; write {key} = \"…\" from the LINE Developers Console, or {key}_file = \"/run/secrets/…\"");
            self.error(key, why)
        })
    }

    /// A secret of LINE's that may be left out.
    pub(super) fn token(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
        match self.secret(key)? {
            Some(secret) if !secret.expose().bytes().all(|b| b.is_ascii_graphic()) => {
                Err(self.error(key, "holds a space, a line break or a letter that is not ASCII; copy it again"))
            }
            secret => Ok(secret),
        }
    }

    /// What the file that `key` names says, where it names one.
    pub(super) fn file(&self, key: &str) -> Result<Option<String>, ConfigError> {
        self.filled(key)?.map(|path| self.check(key, path, |p| read_secret(&self.folder().join(p)))).transpose()
    }

    /// Which account this is: `mailbox/support`, `smtp`.
    pub(super) fn account(&self) -> String {
        match self.given.table.get("name").and_then(Value::as_str) {
            Some(name) if self.known.many => format!("{}/{name}", self.known.name),
            _ => self.known.name.to_owned(),
        }
    }

    /// The password that goes with the user of `server`, from the key or the URL.
    pub(super) fn password(&self, server: &MailServer, user_needed: bool) -> Result<Option<Secret>, ConfigError> {
        let password = match (self.secret("password")?, &server.password) {
            (Some(_), Some(_)) => return Err(self.error("password", "the url has a password too; keep one of the two")),
            (key, url) => key.or_else(|| url.clone()),
        };
        match (&server.user, &password) {
            (Some(_), None) => Err(self.error("password", "is missing; write password = \"…\" or password_file = \"/run/secrets/…\"")),
            (None, None) if user_needed => Err(self.error("url", "names no user; write imaps://user@imap.example.com/INBOX")),
            (None, Some(_)) => Err(self.error("url", "names no user for the password; write …://user@host")),
            _ => Ok(password),
        }
    }
}

/// The file's text without the line break at its end.
fn read_secret(file: &Path) -> Result<String, String> {
    let shown = file.display();
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(SECRET_FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|e| format!("{shown} cannot be read: {e}"))?;
    if text.len() as u64 > SECRET_FILE_BYTES_MAX {
        return Err(format!("{shown} is larger than {SECRET_FILE_BYTES_MAX} bytes"));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
