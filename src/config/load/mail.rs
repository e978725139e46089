//! What `[[mailbox]]` and `[smtp]` say beyond the server's URL: who logs in and how, whose certificates are believed, what a first
//! look takes, and the signature.

use std::time::Duration;

use jiff::civil::Date;

use super::reader::Section;
use super::{ConfigError, shown, urls};
use crate::config::{Dkim, MailServer, OAuth, Since};

/// The longest span that a first look reaches back.
const SINCE_DAYS_MAX: u64 = 36_500;
/// A DNS name's longest form and its longest part (RFC 1035, section 2.3.4).
const DOMAIN_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// A protocol's own needs.
pub(super) struct Protocol {
    /// Whether nobody is served without logging in.
    user_needed: bool,
    /// What Microsoft calls the right to use it.
    microsoft_scope: &'static str,
}

pub(super) const IMAP: Protocol =
    Protocol { user_needed: true, microsoft_scope: "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access" };
pub(super) const SMTP: Protocol =
    Protocol { user_needed: false, microsoft_scope: "https://outlook.office365.com/SMTP.Send offline_access" };

/// What `oauth = "google"` stands for. Source: developers.google.com/identity/protocols/oauth2/web-server, "Refreshing an access token".
const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// What `oauth = "microsoft"` stands for. Source: learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth".
const MICROSOFT_TOKEN_URL: &str = "https://login.microsoftonline.com/common/oauth2/v2.0/token";
/// Any of these asks for OAuth.
const OAUTH_KEYS: [&str; 6] =
    ["oauth", "oauth_token_url", "oauth_client_id", "oauth_client_secret", "oauth_refresh_token", "oauth_refresh_token_file"];

/// Adds to what the URL says: password or OAuth, and the certificates.
pub(super) fn complete(s: &Section, server: &mut MailServer, protocol: &Protocol) -> Result<(), ConfigError> {
    server.ca_pem = s.file("ca_file")?;
    if let Some(pem) = &server.ca_pem
        && !pem.contains("-----BEGIN CERTIFICATE-----")
    {
        return Err(s.error("ca_file", "holds no certificate; it begins with -----BEGIN CERTIFICATE-----"));
    }
    server.oauth = oauth(s, protocol)?;
    if server.oauth.is_none() {
        server.password = s.password(server, protocol.user_needed)?;
        return Ok(());
    }
    if server.password.is_some() || s.secret("password")?.is_some() {
        return Err(s.error("password", "oauth is given too; keep one of the two"));
    }
    if server.user.is_none() {
        return Err(s.error("url", "names no user for whom to log in; write …://user%40example.com@host"));
    }
    Ok(())
}

fn oauth(s: &Section, protocol: &Protocol) -> Result<Option<Box<OAuth>>, ConfigError> {
    let mut is_given = false;
    for key in OAUTH_KEYS {
        is_given |= s.filled(key)?.is_some();
    }
    if !is_given {
        return Ok(None);
    }
    let (url, scope) = match s.filled("oauth")? {
        None => (None, None),
        Some("google") => (Some(GOOGLE_TOKEN_URL), None),
        Some("microsoft") => (Some(MICROSOFT_TOKEN_URL), Some(protocol.microsoft_scope)),
        Some(other) => {
            return Err(s.error("oauth", format!("{} is none of google, microsoft; for others write oauth_token_url", shown(other))));
        }
    };
    let Some(url) = s.filled("oauth_token_url")?.or(url) else { return Err(s.missing("oauth_token_url")) };
    let token_url = s.check("oauth_token_url", url, |v| {
        let url = urls::web_url(v)?;
        if urls::is_plain_http(&url) {
            Err("is http: the refresh token would travel unprotected; write https://…".to_owned())
        } else {
            Ok(url)
        }
    })?;
    let Some(refresh_token) = s.secret("oauth_refresh_token")? else {
        return Err(s.error("oauth_refresh_token", "is missing; write oauth_refresh_token = \"…\" or oauth_refresh_token_file = \"…\""));
    };
    Ok(Some(Box::new(OAuth {
        name: s.account(),
        token_url,
        client_id: s.required("oauth_client_id")?.to_owned(),
        client_secret: s.secret("oauth_client_secret")?,
        refresh_token,
        scope: s.filled("oauth_scope")?.or(scope).map(str::to_owned),
    })))
}

/// `all`, `0`, `30d`, `12h` or a day.
pub(super) fn since(text: &str) -> Result<Since, String> {
    let span = |number: &str, hours: u64| {
        let number: u64 = number.trim().parse().ok()?;
        (number <= SINCE_DAYS_MAX).then(|| Duration::from_hours(number * hours))
    };
    let found = match text {
        "all" => Some(Since::Everything),
        "0" => Some(Since::Nothing),
        _ => match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => span(days, 24).map(Since::Within),
            (_, Some(hours)) => span(hours, 1).map(Since::Within),
            _ => text.parse::<Date>().ok().map(Since::Day),
        },
    };
    match found {
        Some(Since::Within(Duration::ZERO)) => Ok(Since::Nothing),
        Some(since) => Ok(since),
        None => Err(format!("{} will not do; write a span (1d, 30d, 12h), a day (2026-11-01), all, or 0 for nothing old", shown(text))),
    }
}

/// The signature, where one is configured.
pub(super) fn dkim(s: &Section) -> Result<Option<Dkim>, ConfigError> {
    let (domain, selector, key) = (s.filled("dkim_domain")?, s.filled("dkim_selector")?, s.secret("dkim_key")?);
    let (Some(domain), Some(selector), Some(key)) = (domain, selector, &key) else {
        let absent = [("dkim_domain", domain.is_none()), ("dkim_selector", selector.is_none()), ("dkim_key", key.is_none())];
        return match absent.iter().find(|(_, is_absent)| *is_absent) {
            Some((name, _)) if absent.iter().any(|(_, is_absent)| !is_absent) => Err(s.missing(name)),
            _ => Ok(None),
        };
    };
    let name = |v: &str| if is_dns_name(v) { Ok(v.to_ascii_lowercase()) } else { Err(format!("{} is not a name in the DNS", shown(v))) };
    let domain = s.check("dkim_domain", domain, name)?;
    let selector = s.check("dkim_selector", selector, name)?;
    if !key.expose().contains("PRIVATE KEY-----") {
        return Err(s.error("dkim_key", "is no private key in PEM; write dkim_key_file = \"…\" with one that `openssl genpkey` made"));
    }
    Ok(Some(Dkim { domain, selector, key: key.clone() }))
}

fn is_dns_name(text: &str) -> bool {
    let is_label =
        |l: &str| !l.is_empty() && l.len() <= LABEL_CHARS_MAX && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    text.len() <= DOMAIN_CHARS_MAX && text.split('.').all(is_label)
}

/// Whether DMARC counts a signature of `domain` for mail from `address` (relaxed, RFC 7489, section 3.1.1).
pub(super) fn is_aligned(domain: &str, address: &str) -> bool {
    let sender = address.rsplit('@').next().unwrap_or_default();
    let is_within = |inner: &str, outer: &str| inner == outer || inner.ends_with(&format!(".{outer}"));
    is_within(sender, domain) || is_within(domain, sender)
}
