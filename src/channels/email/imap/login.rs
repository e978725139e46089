//! From nothing to a session: TCP, TLS, greeting, login.

use async_imap::imap_proto::{Response, Status};
use async_imap::{Authenticator, Client, Session};

use super::{ANSWER_BYTES_MAX, COMMAND_MAX, MailError, lost, unread, within, words};
use crate::channels::email::connection::{Trust, Watched, Wire, name_of, one_line, tcp};
use crate::channels::email::oauth;
use crate::config::{MailServer, Secret, Tls};

/// A greeted connection, encrypted unless the server is this machine.
pub(super) async fn open(server: &MailServer, trust: &Trust) -> Result<Client<Watched>, MailError> {
    let name = name_of(server);
    let (stream, is_loopback) = tcp(server).await?;
    if server.tls == Tls::Wrapped {
        return greeted(server, Client::new(watched(trust.encrypt(server, Box::new(stream)).await?))).await;
    }
    let mut client = greeted(server, Client::new(watched(Box::new(stream)))).await?;
    let asked = within(&name, "STARTTLS", async { Ok(client.run_command_and_check_ok("STARTTLS", None).await) }).await?;
    match asked {
        Ok(()) => match trust.encrypt(server, client.into_inner().into_inner()).await {
            Ok(stream) => Ok(Client::new(watched(stream))),
            Err(e) if is_loopback => {
                tracing::warn!(server = name, error = %e, "talking in plain text to a mail server on this machine");
                let (stream, _) = tcp(server).await?;
                greeted(server, Client::new(watched(Box::new(stream)))).await
            }
            Err(e) => Err(e),
        },
        Err(async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_)) if is_loopback => Ok(client),
        Err(async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_)) => {
            Err(MailError::Insecure { server: name, instead: "imaps://" })
        }
        Err(e) => Err(lost(&name, "STARTTLS", &e)),
    }
}

fn watched(stream: Box<dyn Wire>) -> Watched {
    Watched::new(stream, COMMAND_MAX, ANSWER_BYTES_MAX)
}

async fn greeted(server: &MailServer, mut client: Client<Watched>) -> Result<Client<Watched>, MailError> {
    let name = name_of(server);
    let read = async { client.read_response().await.map_err(|e| unread(&name, "its greeting", &e)) };
    let greeting = within(&name, "its greeting", read).await?;
    let cannot = |why: String| MailError::CannotConnect { server: name, why };
    match greeting.as_ref().map(|g| g.parsed()) {
        Some(Response::Data { status: Status::Ok, .. }) => Ok(client),
        Some(Response::Data { outcome, .. }) => Err(cannot(words(outcome))),
        _ => Err(cannot("this is no IMAP server".to_owned())),
    }
}

/// With `token`, where there is one, else with the password.
pub(super) async fn log_in(client: Client<Watched>, server: &MailServer, token: Option<&Secret>) -> Result<Session<Watched>, MailError> {
    let name = name_of(server);
    let (Some(user), Some(secret)) = (&server.user, token.or(server.password.as_ref())) else {
        let user = server.user.clone().unwrap_or_else(|| "nobody".to_owned());
        return Err(MailError::RefusedLogin { server: name, user, said: "no user or no password is configured".to_owned() });
    };
    let is_ascii = user.is_ascii() && secret.expose().is_ascii();
    let mut why = String::new();
    let attempt = async {
        let outcome = match token {
            Some(token) => client.authenticate("XOAUTH2", Xoauth2 { user, token, is_sent: false, why: &mut why }).await,
            None if is_ascii => client.login(user, secret.expose()).await,
            None => client.authenticate("PLAIN", Plain { user, password: secret }).await,
        };
        Ok(outcome.map_err(|(e, _)| e))
    };
    let outcome = within(&name, "LOGIN", attempt).await?;
    let refused = |said: &str| {
        let said = format!("{said} {why}").trim_end().to_owned();
        MailError::RefusedLogin { server: name.clone(), user: user.clone(), said }
    };
    outcome.map_err(|e| match e {
        async_imap::error::Error::No(said) if said.contains("[UNAVAILABLE]") || said.contains("[INUSE]") || said.contains("[LIMIT]") => {
            MailError::SaidNo { server: name.clone(), command: "LOGIN", said: said_in(&said) }
        }
        async_imap::error::Error::No(said) | async_imap::error::Error::Bad(said) => refused(&said_in(&said)),
        async_imap::error::Error::Validate(_) => refused("a user or password cannot contain a line break"),
        e => lost(&name, "LOGIN", &e),
    })
}

/// SASL XOAUTH2. Before it refuses, the server gives an account of it, which wants an empty line in answer.
struct Xoauth2<'a> {
    user: &'a str,
    token: &'a Secret,
    is_sent: bool,
    why: &'a mut String,
}

impl Authenticator for Xoauth2<'_> {
    type Response = String;

    fn process(&mut self, challenge: &[u8]) -> String {
        if std::mem::replace(&mut self.is_sent, true) {
            *self.why = oauth::refusal(challenge, false);
            return String::new();
        }
        oauth::initial_response(self.user, self.token)
    }
}

/// SASL PLAIN (RFC 4616): unlike LOGIN it may carry what is not ASCII.
struct Plain<'a> {
    user: &'a str,
    password: &'a Secret,
}

impl Authenticator for Plain<'_> {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        format!("\0{}\0{}", self.user, self.password.expose())
    }
}

/// What the server said within `async-imap`'s `code: …, info: Some("…")`.
pub(super) fn said_in(text: &str) -> String {
    let said = text.split_once("info: Some(\"").and_then(|(_, rest)| rest.rsplit_once("\")"));
    one_line(said.map_or(text, |(said, _)| said))
}
