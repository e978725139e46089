//! Logging in to an SMTP server (RFC 4954): by password, or with an access token (SASL XOAUTH2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::timeout;

use super::{Relay, words};
use crate::channels::email::connection::{MailError, name_of};
use crate::channels::email::oauth;
use crate::config::Secret;

/// The server's "go on" (RFC 4954, section 4).
const CHALLENGE_CODE: u16 = 334;

/// Why nobody is logged in.
pub(super) struct LoginFailure {
    pub(super) error: MailError,
    /// The access token that it was tried with.
    pub(super) refused: Option<Secret>,
}

/// A line as it is sent.
struct Line(String);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\r\n", self.0)
    }
}

impl Relay {
    /// Logs in where a user is configured. A server that offers no login by password takes mail without.
    pub(super) async fn log_in(&self, wire: &mut AsyncSmtpConnection) -> Result<(), LoginFailure> {
        let untried = |error| LoginFailure { error, refused: None };
        let Some(user) = &self.server.user else { return Ok(()) };
        if let Some(tokens) = &self.tokens {
            let token = tokens.get().await.map_err(untried)?;
            return self.show(wire, user, &token).await.map_err(|error| LoginFailure { error, refused: Some(token) });
        }
        if wire.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            return Ok(());
        }
        let password = self.server.password.as_ref().map_or("", |p| p.expose());
        let credentials = Credentials::new(user.clone(), password.to_owned());
        match timeout(self.patience, wire.auth(DEFAULT_MECHANISMS, &credentials)).await {
            Err(_) => Err(untried(self.timed_out("AUTH"))),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(untried(self.not_logged_in(user, &e, ""))),
        }
    }

    /// Logs in with a token other than the one that was refused.
    pub(super) async fn log_in_instead_of(&self, wire: &mut AsyncSmtpConnection, refused: &Secret) -> Result<(), MailError> {
        let (Some(user), Some(tokens)) = (&self.server.user, &self.tokens) else { return Ok(()) };
        let token = tokens.instead_of(refused).await?;
        self.show(wire, user, &token).await
    }

    /// `lettre` gives up at the server's account of a refusal, which wants an empty line in answer.
    async fn show(&self, wire: &mut AsyncSmtpConnection, user: &str, token: &Secret) -> Result<(), MailError> {
        if !wire.server_info().supports_auth_mechanism(Mechanism::Xoauth2) {
            let said = "it offers no login with OAuth (XOAUTH2)".to_owned();
            return Err(MailError::RefusedLogin { server: name_of(&self.server), user: user.to_owned(), said });
        }
        let ours = Line(format!("AUTH XOAUTH2 {}", STANDARD.encode(oauth::initial_response(user, token))));
        let mut why = String::new();
        let attempt = async {
            let answer = wire.command(ours).await?;
            if answer.has_code(CHALLENGE_CODE) {
                why = oauth::refusal(answer.first_line().unwrap_or_default().as_bytes(), true);
                wire.command(Line(String::new())).await?;
            }
            Ok(())
        };
        match timeout(self.patience, attempt).await {
            Err(_) => Err(self.timed_out("AUTH")),
            Ok(outcome) => outcome.map_err(|e| self.not_logged_in(user, &e, &why)),
        }
    }

    fn not_logged_in(&self, user: &str, error: &lettre::transport::smtp::Error, why: &str) -> MailError {
        if !error.is_permanent() {
            return self.said(error, "AUTH");
        }
        let said = format!("{} {why}", words(error)).trim_end().to_owned();
        MailError::RefusedLogin { server: name_of(&self.server), user: user.to_owned(), said }
    }
}
