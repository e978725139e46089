//! The URLs and addresses of the configuration, taken apart. Refusals never show a URL that may hold a password.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::shown;
use crate::config::{MailServer, Secret, Tls};

/// A mail address's longest local part and whole (RFC 5321, 4.5.3.1).
const LOCAL_PART_BYTES_MAX: usize = 64;
const ADDRESS_BYTES_MAX: usize = 254;

/// An absolute http or https URL with a host; a slash at its end is taken off.
pub(super) fn web_url(text: &str) -> Result<String, String> {
    let wanted = "write an absolute URL such as https://support.example.com";
    if text.contains('@') {
        return Err(format!("has an @ in it, and nobody is to sign in here; {wanted}"));
    }
    let url = Url::parse(text).map_err(|_| format!("{} is not a URL; {wanted}", shown(text)))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("{} is not http or https; {wanted}", shown(text)));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("has a ? or a # in it; {wanted}"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// As [`web_url`]: what links in notices begin with.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    web_url(text)
}

/// Whether what is sent to `url` can be read on the way: http, and not to this machine.
pub(super) fn is_plain_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|u| u.scheme() == "http" && !is_loopback(u.host().as_ref()))
}

/// Whether there is more in `url` than a host.
pub(super) fn has_path(url: &str) -> bool {
    Url::parse(url).is_ok_and(|u| u.path() != "/")
}

fn is_loopback(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => *name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// `sqlite://PATH`, made absolute, or `postgres://…` as it is.
pub(super) fn database(text: &str, folder: &Path) -> Result<Secret, String> {
    const WANTED: &str = "write sqlite://data/threadline.db or postgres://user:password@host/database";
    if let Some(path) = text.strip_prefix("sqlite://") {
        if path.is_empty() || path.starts_with(":memory:") {
            return Err(format!("names no file; {WANTED}"));
        }
        let path = absolute(path, folder)?;
        let path = path.to_str().ok_or("its path is not UTF-8")?;
        // The driver reads the path as part of a URL.
        if let Some(c) = path.chars().find(|c| matches!(c, '?' | '#' | '%')) {
            return Err(format!("its path has a {c} in it: {}; choose one without ?, # and %", shown(path)));
        }
        return Ok(Secret::new(format!("sqlite://{path}")));
    }
    let url = Url::parse(text).map_err(|_| format!("is not a URL; {WANTED}"))?;
    match url.scheme() {
        "postgres" | "postgresql" => Ok(Secret::new(text)),
        other => Err(format!("{other:.40}:// is not a database of ours; {WANTED}")),
    }
}

/// Where attachments are kept.
pub(super) enum StorageUrl {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

/// `file://PATH` or `s3://BUCKET/PREFIX`.
pub(super) fn storage(text: &str, folder: &Path) -> Result<StorageUrl, String> {
    const WANTED: &str = "write file://data/attachments or s3://bucket/prefix";
    if let Some(path) = text.strip_prefix("file://").filter(|p| !p.is_empty()) {
        return Ok(StorageUrl::Folder(absolute(path, folder)?));
    }
    let (bucket, prefix) = match text.strip_prefix("s3://") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => return Err(format!("is not a store of ours; {WANTED}")),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if bucket.is_empty() || !bucket.chars().all(plain) || prefix.contains(['?', '#']) {
        return Err(format!("names no bucket, or more than that; {WANTED}"));
    }
    Ok(StorageUrl::Bucket { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
}

/// Where mail is fetched from or handed to.
pub(super) enum MailUrl {
    Maildir(PathBuf),
    /// The path is percent-decoded, without its first slash.
    Server {
        server: MailServer,
        path: String,
    },
}

/// `maildir://PATH`, or `PROTOCOL://` and `PROTOCOLs://` with `protocol` imap or smtp.
pub(super) fn mail(text: &str, protocol: &str, folder: &Path) -> Result<MailUrl, String> {
    let wanted = format!("write {protocol}s://user@{protocol}.example.com, {protocol}://… (STARTTLS) or maildir:///path");
    if let Some(path) = text.strip_prefix("maildir://").filter(|p| !p.is_empty()) {
        return Ok(MailUrl::Maildir(absolute(path, folder)?));
    }
    let url = Url::parse(text).map_err(|_| format!("is not a URL; {wanted}"))?;
    let (tls, default_port) = match (protocol, url.scheme()) {
        ("imap", "imaps") => (Tls::Wrapped, 993),
        ("imap", "imap") => (Tls::StartTls, 143),
        ("smtp", "smtps") => (Tls::Wrapped, 465),
        ("smtp", "smtp") => (Tls::StartTls, 587),
        (_, other) => return Err(format!("{other:.40}:// will not do; {wanted}")),
    };
    let Some(host) = url.host_str().filter(|h| !h.is_empty()) else { return Err(format!("names no host; {wanted}")) };
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a ? or a # in it; in a name or password write %3F or %23".to_owned());
    }
    let decoded = |s: &str| percent_decode_str(s).decode_utf8().map(String::from).map_err(|_| "its %-encoding is not UTF-8".to_owned());
    let server = MailServer {
        tls,
        // An IPv6 address stands in brackets in a URL and nowhere else.
        host: decoded(host.trim_start_matches('[').trim_end_matches(']'))?,
        port: url.port().unwrap_or(default_port),
        user: Some(decoded(url.username())?).filter(|u| !u.is_empty()),
        password: url.password().map(decoded).transpose()?.filter(|p| !p.is_empty()).map(Secret::new),
        oauth: None,
        ca_pem: None,
    };
    let path = decoded(url.path().trim_start_matches('/'))?;
    Ok(MailUrl::Server { server, path: path.trim_end_matches('/').to_owned() })
}

/// An address as `local@domain`, in lower case.
pub(super) fn mail_address(text: &str) -> Result<String, String> {
    let refused = || format!("{} is not a mail address; write support@example.com", shown(text));
    let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '@');
    let dots = |s: &str| s.starts_with('.') || s.ends_with('.') || s.contains("..");
    let bad = local.is_empty()
        || local.len() > LOCAL_PART_BYTES_MAX
        || text.len() > ADDRESS_BYTES_MAX
        || domain.is_empty()
        || text.replacen('@', "", 1).contains(strange)
        || dots(local)
        || dots(domain);
    if bad { Err(refused()) } else { Ok(text.to_lowercase()) }
}

/// `Name <address>` or a bare address, as name (may be empty) and address.
pub(super) fn mail_sender(text: &str) -> Result<(String, String), String> {
    let Some((name, rest)) = text.rsplit_once('<') else { return Ok((String::new(), mail_address(text)?)) };
    let address =
        rest.trim().strip_suffix('>').ok_or_else(|| format!("{} is not a sender; write Support <support@example.com>", shown(text)))?;
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name);
    if name.contains(char::is_control) {
        return Err("has a line break or another control character in its name".to_owned());
    }
    Ok((name.to_owned(), mail_address(address.trim())?))
}

fn absolute(path: &str, folder: &Path) -> Result<PathBuf, String> {
    std::path::absolute(folder.join(path)).map_err(|e| format!("{} is not a path: {e}", shown(path)))
}
