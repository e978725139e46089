//! Reading and checking `bot-config.toml`: the file, over it the environment, then the meaning of every key.
//!
//! Whatever is wrong is told in one line of at most [`LINE_CHARS_MAX`] characters that names the file, the key and what to
//! write instead; secrets are never in it.

mod mail;
mod reader;
mod sections;
mod urls;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::Table;

use self::reader::Section;
use self::sections::{Sections, nearest};
use super::{
    AfterTaking, Config, Database, LineAccess, LineAccount, LineLogin, MB_OCTETS, MailSink, MailSource, Mailbox, Notify, Server, Smtp,
    Storage,
};
use crate::domain::{Hours, is_project_key, parse_hours};
use crate::i18n::Locale;

/// What [`parse`] calls the text that it was given.
const FILE_NAME: &str = "bot-config.toml";

/// The largest configuration file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The longest error.
const LINE_CHARS_MAX: usize = 480;

/// The longest name of a LINE account or mailbox.
const NAME_CHARS_MAX: usize = 40;

const SETTLE_SECONDS_MAX: f64 = 45.0;
const HOLD_SECONDS_MAX: f64 = 120.0;
const COALESCE_MINUTES_MAX: f64 = 1440.0;
const MAIL_TOGETHER_SECONDS_MAX: f64 = 3600.0;

/// The limit for files if none is given, in MB, and the largest that can be: a bucket copies 5 GB at once, no more.
const FILE_MB_DEFAULT: u64 = 300;
const FILE_MB_MAX: u64 = 4096;

/// The longest part of the operator's own text that an error shows.
const SHOWN_CHARS_MAX: usize = 80;

/// One line: the file, the key, what is wrong with it and what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl ConfigError {
    /// `file: what`, made one line and kept short.
    fn new(file: &str, what: &str) -> Self {
        let whole = format!("{file}: {what}");
        let line = whole.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LINE_CHARS_MAX) {
            Some((cut, _)) => Self(format!("{}…", &line[..cut])),
            None => Self(line),
        }
    }
}

/// The operator's text in quotes, cut where it is long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

/// Reads `file`, lays the `THREADLINE__SECTION__KEY` variables of `environment` over it and checks the whole.
///
/// # Errors
/// The first thing that is wrong, as one line for the operator.
pub fn load(file: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let name = file.display().to_string();
    let text = read_file(file).map_err(|why| ConfigError::new(&name, &why))?;
    let folder = file.parent().map_or_else(PathBuf::new, Path::to_owned);
    assemble(&name, &text, &folder, environment)
}

/// Checks `text` as the configuration of a file in `folder`; the environment is not looked at.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, folder: &Path) -> Result<Config, ConfigError> {
    assemble(FILE_NAME, text, folder, std::iter::empty())
}

fn read_file(file: &Path) -> Result<String, String> {
    let opened = std::fs::File::open(file).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("no such file; copy {FILE_NAME}.example to it, or name another one with --config"),
        _ => format!("cannot be read: {e}"),
    })?;
    let mut bytes = Vec::new();
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

fn assemble(name: &str, text: &str, folder: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let table: Table = text.parse().map_err(|e: toml::de::Error| ConfigError::new(name, &syntax_error(text, &e)))?;
    let folder = std::path::absolute(Path::new(".").join(folder))
        .map_err(|e| ConfigError::new(name, &format!("its folder cannot be found: {e}")))?;
    let sections = Sections::new(name, folder, table, environment)?;

    let config = Config {
        server: server(&sections.one("server"))?,
        database: database(&sections.one("database"))?,
        storage: storage(&sections.one("storage"))?,
        file_bytes_max: file_bytes_max(&sections.one("storage"))?,
        line: sections.many("line").iter().map(line_account).collect::<Result<_, _>>()?,
        line_login: sections.given("line_login").map(|s| line_login(&s)).transpose()?,
        mailbox: sections.many("mailbox").iter().map(mailbox).collect::<Result<_, _>>()?,
        smtp: sections.given("smtp").map(|s| smtp(&s)).transpose()?,
        notify: notify(&sections.one("notify"))?,
    };
    distinct_names(&sections, "line")?;
    distinct_names(&sections, "mailbox")?;
    Ok(config)
}

/// The parser's own words with line and column, but not the line itself, which may hold a secret.
fn syntax_error(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |s| s.start);
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("line {line}, column {column} is not TOML: {}", error.message())
}

/// Names that differ only in case or in `-` and `_` would be one name to the environment.
fn distinct_names(sections: &Sections, section: &str) -> Result<(), ConfigError> {
    let mut seen = BTreeMap::new();
    for one in &sections.many(section) {
        let name = one.required("name")?;
        if seen.insert(sections::plain_name(name), name).is_some() {
            return Err(one.error("name", format!("two [[{section}]] are called \"{name}\"; give each a name of its own")));
        }
    }
    Ok(())
}

fn server(s: &Section) -> Result<Server, ConfigError> {
    Ok(Server {
        listen: s.read("listen", "127.0.0.1:8080", |v| {
            v.parse().map_err(|_| format!("{} is not an IP address and port; write 127.0.0.1:8080 or 0.0.0.0:8080", shown(v)))
        })?,
        public_url: s.check("public_url", s.required("public_url")?, urls::public_url)?,
        locale: s.read("locale", Locale::ZhTw.tag(), |v| {
            let tags = Locale::ALL.map(Locale::tag).join(", ");
            Locale::find(v).ok_or_else(|| format!("{} is not a language of ours; write one of {tags}", shown(v)))
        })?,
        time_zone: s.read("time_zone", "Asia/Taipei", time_zone)?,
    })
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("{} is not a time zone; did you mean {near}?", shown(name)),
            None => format!("{} is not a time zone; write a name of the IANA database, such as Asia/Taipei", shown(name)),
        }
    })
}

fn database(s: &Section) -> Result<Database, ConfigError> {
    let url = s.secret("url")?;
    if url.is_none() && s.text("url")?.is_some() {
        return Err(s.error("url", "is empty"));
    }
    let url = url.as_ref().map_or("sqlite://data/threadline.db", |u| u.expose());
    Ok(Database { url: s.check("url", url, |v| urls::database(v, s.folder()))? })
}

fn file_bytes_max(s: &Section) -> Result<u64, ConfigError> {
    let mb = s.whole("file_mb_max")?.unwrap_or(FILE_MB_DEFAULT);
    if (1..=FILE_MB_MAX).contains(&mb) {
        return Ok(mb * MB_OCTETS);
    }
    Err(s.error("file_mb_max", format!("{mb} will not do; write a whole number from 1 to {FILE_MB_MAX}")))
}

fn storage(s: &Section) -> Result<Storage, ConfigError> {
    let url = s.text("url")?.unwrap_or("file://data/attachments");
    match s.check("url", url, |v| urls::storage(v, s.folder()))? {
        urls::StorageUrl::Folder(folder) => Ok(Storage::Folder(folder)),
        urls::StorageUrl::Bucket { bucket, prefix } => {
            let access_key_id = s.secret("access_key_id")?;
            let secret_access_key = s.secret("secret_access_key")?;
            if access_key_id.is_some() != secret_access_key.is_some() {
                let absent = if access_key_id.is_some() { "secret_access_key" } else { "access_key_id" };
                return Err(s.missing(absent));
            }
            Ok(Storage::S3 {
                bucket,
                prefix,
                endpoint: s.filled("endpoint")?.map(|v| s.check("endpoint", v, urls::web_url)).transpose()?,
                region: s.filled("region")?.unwrap_or("us-east-1").to_owned(),
                access_key_id: access_key_id.map(|k| k.expose().to_owned()),
                secret_access_key,
            })
        }
    }
}

/// A name goes into URLs and names of variables, so it is plain.
fn name(s: &Section) -> Result<String, ConfigError> {
    s.check("name", s.required("name")?, |v| {
        let plain = v.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if plain && v.len() <= NAME_CHARS_MAX && !v.contains("__") {
            Ok(v.to_owned())
        } else {
            Err(format!("{} will not do; write up to {NAME_CHARS_MAX} letters a-z, digits, - and single _", shown(v)))
        }
    })
}

fn line_account(s: &Section) -> Result<LineAccount, ConfigError> {
    Ok(LineAccount {
        name: name(s)?,
        channel_secret: s.required_token("channel_secret")?,
        channel_secret_next: s.token("channel_secret_next")?,
        access: line_access(s)?,
        api_url: s.read("api_url", "https://api.line.me", urls::web_url)?,
        data_api_url: s.read("data_api_url", "https://api-data.line.me", urls::web_url)?,
    })
}

/// A pasted token goes before an id: whoever pasted one means it.
fn line_access(s: &Section) -> Result<LineAccess, ConfigError> {
    let channel_id = s.filled("channel_id")?.map(|id| s.check("channel_id", id, channel_id)).transpose()?;
    match (s.token("channel_access_token")?, channel_id) {
        (Some(token), _) => Ok(LineAccess::Pasted(token)),
        (None, Some(channel_id)) => Ok(LineAccess::Stateless { channel_id }),
        (None, None) => Err(s.error(
            "channel_access_token",
            "is missing; write channel_access_token = \"…\" from the LINE Developers Console (or channel_access_token_file), or \
             channel_id = \"…\" to have tokens made from the channel's id and secret",
        )),
    }
}

fn channel_id(id: &str) -> Result<String, String> {
    let digits = id.bytes().all(|b| b.is_ascii_digit());
    if digits { Ok(id.to_owned()) } else { Err(format!("{} is not a channel's id; copy the digits from Basic settings", shown(id))) }
}

fn line_login(s: &Section) -> Result<LineLogin, ConfigError> {
    Ok(LineLogin {
        channel_id: s.required("channel_id")?.to_owned(),
        channel_secret: s.required_token("channel_secret")?,
        authorize_url: s.read("authorize_url", "https://access.line.me/oauth2/v2.1/authorize", urls::web_url)?,
        api_url: s.read("api_url", "https://api.line.me", urls::web_url)?,
    })
}

fn mailbox(s: &Section) -> Result<Mailbox, ConfigError> {
    let name = name(s)?;
    let address = s.check("address", s.required("address")?, urls::mail_address)?;
    let url = s.check("url", s.required("url")?, |v| urls::mail(v, "imap", s.folder()))?;
    let source = match url {
        urls::MailUrl::Maildir(folder) => MailSource::Maildir(folder),
        urls::MailUrl::Server { mut server, path } => {
            mail::complete(s, &mut server, &mail::IMAP)?;
            let folder = if path.is_empty() { "INBOX".to_owned() } else { path };
            MailSource::Imap { server, folder }
        }
    };
    let after = s.read("after", "seen", after_taking)?;
    let since = s.read("since", "1d", mail::since)?;
    if let (AfterTaking::Move(to), MailSource::Imap { folder, .. }) = (&after, &source)
        && to == folder
    {
        return Err(s.error("after", format!("mails would be moved to {}, the folder that they are read from; name another", shown(to))));
    }
    let project = s.filled("project")?.map(|v| {
        let bad = || format!("{} cannot be a project's key; write a-z, 0-9, - and _, or \"\" for the triage project", shown(v));
        s.check("project", v, |v| if is_project_key(v) { Ok(v.to_owned()) } else { Err(bad()) })
    });
    let authserv_id = s.filled("authserv_id")?.map(str::to_owned);
    Ok(Mailbox { name, address, source, after, since, project: project.transpose()?, authserv_id })
}

fn after_taking(word: &str) -> Result<AfterTaking, String> {
    match word.split_once(':') {
        None if word == "seen" => Ok(AfterTaking::Seen),
        None if word == "delete" => Ok(AfterTaking::Delete),
        Some(("move", folder)) if !folder.trim().is_empty() => Ok(AfterTaking::Move(folder.trim().to_owned())),
        _ => Err(format!("{} is none of seen, move:FOLDER, delete", shown(word))),
    }
}

fn smtp(s: &Section) -> Result<Smtp, ConfigError> {
    let (from_name, from_address) = s.check("from", s.required("from")?, urls::mail_sender)?;
    let sink = match s.check("url", s.required("url")?, |v| urls::mail(v, "smtp", s.folder()))? {
        urls::MailUrl::Maildir(folder) => MailSink::Maildir(folder),
        urls::MailUrl::Server { path, .. } if !path.is_empty() => {
            return Err(s.error("url", "has a path; write smtps://user@smtp.example.com:465"));
        }
        urls::MailUrl::Server { mut server, .. } => {
            mail::complete(s, &mut server, &mail::SMTP)?;
            MailSink::Smtp(server)
        }
    };
    Ok(Smtp { sink, from_name, from_address, dkim: mail::dkim(s)? })
}

fn notify(s: &Section) -> Result<Notify, ConfigError> {
    let budget = s.whole("monthly_budget")?.unwrap_or(0);
    let minutes = s.number("coalesce_minutes", 5.0, COALESCE_MINUTES_MAX)?;
    Ok(Notify {
        settle: Duration::from_secs_f64(s.number("settle_seconds", 8.0, SETTLE_SECONDS_MAX)?),
        hold: Duration::from_secs_f64(s.number("hold_seconds", 20.0, HOLD_SECONDS_MAX)?),
        coalesce: Duration::from_secs_f64(minutes * 60.0),
        mail_together: Duration::from_secs_f64(s.number("mail_together_seconds", 120.0, MAIL_TOGETHER_SECONDS_MAX)?),
        quiet_hours: s.read("quiet_hours", "21:00-08:00", quiet_hours)?,
        monthly_budget: (budget > 0).then_some(budget),
    })
}

fn quiet_hours(text: &str) -> Result<Option<Hours>, String> {
    parse_hours(text).map_err(|why| format!("{} {why}", shown(text)))
}

impl Config {
    /// [`load`]s `file` under this process's own environment; variables that are not UTF-8 are not ours.
    ///
    /// # Errors
    /// As [`load`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        load(file, std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))))
    }

    /// What is allowed but seldom meant, a line each, for `threadline check`.
    pub fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut warn = |line: String| found.push(line);
        if urls::is_plain_http(&self.server.public_url) {
            warn("[server] public_url is http: pages and sign-ins travel unprotected, and LINE wants an https webhook".to_owned());
        }
        if urls::has_path(&self.server.public_url) {
            warn("[server] public_url has a path: pages expect a host name of their own".to_owned());
        }
        for account in &self.line {
            if [&account.api_url, &account.data_api_url].into_iter().any(|u| urls::is_plain_http(u)) {
                warn(format!("[[line]] {}: its token would travel unprotected (http)", account.name));
            }
        }
        for account in self.line.iter().filter(|a| a.channel_secret_next.as_ref() == Some(&a.channel_secret)) {
            warn(format!("[[line]] {}: channel_secret_next is the same as channel_secret; one of the two can go", account.name));
        }
        if self.line_login.as_ref().is_some_and(|l| urls::is_plain_http(&l.api_url)) {
            warn("[line_login] api_url is http: its secret would travel unprotected".to_owned());
        }
        if let Storage::S3 { endpoint: Some(endpoint), .. } = &self.storage
            && urls::is_plain_http(endpoint)
        {
            warn("[storage] endpoint is http: attachments would travel unprotected".to_owned());
        }
        if self.line.is_empty() && self.mailbox.is_empty() {
            warn("there is no [[line]] and no [[mailbox]]: nothing comes in but by the web page and the API".to_owned());
        }
        if let (Some(mailbox), None) = (self.mailbox.first(), &self.smtp) {
            warn(format!("[[mailbox]] {} is read, but there is no [smtp]: no mail can leave", mailbox.name));
        }
        if let Some(smtp) = &self.smtp
            && let Some(dkim) = &smtp.dkim
            && !mail::is_aligned(&dkim.domain, &smtp.from_address)
        {
            warn(format!("[smtp] dkim_domain {} does not fit {}: DMARC will not count the signature", dkim.domain, smtp.from_address));
        }
        for mailbox in self.mailbox.iter().filter(|m| m.authserv_id.is_none()) {
            warn(format!("[[mailbox]] {} has no authserv_id: staff mail without a reply token waits for a person", mailbox.name));
        }
        found
    }
}
