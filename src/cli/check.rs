//! `threadline check`: every connection that the configuration names, a line each.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::channels::email::imap::Imap;
use crate::channels::email::maildir;
use crate::channels::email::smtp::Smtp;
use crate::channels::line::client::Line;
use crate::config::{Config, LineAccess, LineAccount, MailSink, MailSource};
use crate::files::Files;
use crate::mail_tokens::MailTokens;
use crate::store::Db;

/// One item may take so long.
const ITEM_WITHIN: Duration = Duration::from_secs(40);

/// Tries everything; fails if one item does.
pub(super) async fn check(config: Config) -> anyhow::Result<ExitCode> {
    let mut failed = 0;
    let mut say = |item: String, outcome: Result<String, String>| {
        let (word, what) = match &outcome {
            Ok(what) => ("ok  ", what),
            Err(why) => ("FAIL", why),
        };
        failed += i32::from(outcome.is_err());
        println!("{word} {item}: {}", what.split_whitespace().collect::<Vec<_>>().join(" "));
    };
    for warning in config.warnings() {
        println!("note {warning}");
    }
    say("database".into(), within(database(&config)).await);
    say("storage".into(), within(storage(&config)).await);
    for account in &config.line {
        say(format!("line {}", account.name), within(line(&config, account)).await);
    }
    let tokens = tokens(&config).await;
    for mailbox in &config.mailbox {
        let tried = async {
            match &mailbox.source {
                MailSource::Imap { server, folder } => {
                    let tokens = if server.oauth.is_some() { tokens.as_ref().map_err(Clone::clone)?.find(server) } else { None };
                    let (imap, selected) = Imap::connect(server, folder, tokens.as_deref()).await.map_err(|e| e.to_string())?;
                    imap.logout().await;
                    Ok(format!("logged in; {} mails in {folder}", selected.exists))
                }
                MailSource::Maildir(folder) => {
                    maildir::check(folder).await.map_err(|e| format!("{}: {e}", folder.display()))?;
                    Ok(format!("{} can be used", folder.display()))
                }
            }
        };
        say(format!("mailbox {}", mailbox.name), within(tried).await);
    }
    match &config.smtp {
        Some(smtp) => {
            let tried = async {
                let wants_tokens = matches!(&smtp.sink, MailSink::Smtp(server) if server.oauth.is_some());
                let tokens = if wants_tokens { tokens.as_ref().map_err(Clone::clone)?.for_smtp(smtp) } else { None };
                let smtp = Smtp::new(smtp, tokens).map_err(|e| e.to_string())?;
                smtp.check().await.map_err(|e| e.to_string())?;
                Ok("it takes our mail".to_owned())
            };
            say("smtp".into(), within(Box::pin(tried)).await);
        }
        None => println!("note smtp: not configured, so no mail leaves"),
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn within(tried: impl Future<Output = Result<String, String>>) -> Result<String, String> {
    match tokio::time::timeout(ITEM_WITHIN, tried).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {} s", ITEM_WITHIN.as_secs())),
    }
}

/// A provider may put another refresh token in place of the one that is tried here, so that it must be possible to keep that one.
async fn tokens(config: &Config) -> Result<MailTokens, String> {
    if config.oauth().next().is_none() {
        return Ok(MailTokens::default());
    }
    let opened = tokio::time::timeout(ITEM_WITHIN, Db::open(config.database.url.expose())).await;
    match opened {
        Ok(Ok(db)) => MailTokens::open(config, &db).map_err(|e| e.to_string()),
        _ => Err("its newest refresh token is kept in the database, which cannot be opened".to_owned()),
    }
}

async fn database(config: &Config) -> Result<String, String> {
    // It is looked for and not made: a path with a slip in it is to be seen.
    if let Some(path) = config.database.url.expose().strip_prefix("sqlite://")
        && !Path::new(path).exists()
    {
        return Ok(format!("there is none yet at {path}; serve makes it"));
    }
    let db = Db::open(config.database.url.expose()).await.map_err(|e| format!("{:#}", anyhow::Error::new(e)))?;
    db.ping().await.map_err(|e| e.to_string())?;
    db.close().await;
    Ok(format!("it answers; schema version {}", crate::store::VERSION))
}

async fn storage(config: &Config) -> Result<String, String> {
    let files = Files::open(&config.storage).map_err(|e| format!("{:#}", anyhow::Error::new(e)))?;
    let kept = files.put("threadline check".into()).await.map_err(|e| format!("{:#}", anyhow::Error::new(e)))?;
    files.read(&kept.sha256).await.map_err(|e| format!("{:#}", anyhow::Error::new(e)))?;
    Ok("a file was written and read back".into())
}

async fn line(config: &Config, account: &LineAccount) -> Result<String, String> {
    let line = Line::new(account).map_err(|e| e.to_string())?;
    let bot = line.bot_info().await.map_err(|e| e.to_string())?.ok_or("LINE does not know this account")?;
    line.data_api().await.map_err(|e| format!("{}: {e}", account.data_api_url))?;
    let ours = format!("{}/webhooks/line/{}", config.server.public_url, account.name);
    let webhook = match line.webhook_endpoint().await.map_err(|e| e.to_string())? {
        Some(set) if !set.active => return Err(format!("\"Use webhook\" is off in the LINE console ({ours})")),
        Some(set) if set.endpoint == ours => "its webhook leads here".to_owned(),
        Some(set) if !set.endpoint.is_empty() => return Err(format!("its webhook leads to {}, not to {ours}", set.endpoint)),
        _ => format!("it has no webhook yet: set it to {ours} in the LINE console"),
    };
    let token = match &account.access {
        LineAccess::Pasted(_) => "the pasted channel_access_token is good".to_owned(),
        LineAccess::Stateless { channel_id } => format!("tokens of 15 minutes are had for channel {channel_id} and its secret"),
    };
    let next = if account.channel_secret_next.is_some() { "; channel_secret_next is accepted too" } else { "" };
    Ok(format!("{token} ({}); {webhook}{next}", bot.display_name))
}
