//! `threadline demo`: the whole journey on one page, with stand-ins for LINE and mail.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::get;
use jiff::tz::TimeZone;

use super::serve::{bind, run, stop_on_signal};
use crate::clock::Clock;
use crate::config::{
    AfterTaking, Config, Database, LineAccess, LineAccount, MailSink, MailSource, Mailbox, Notify, Secret, Server, Since, Smtp, Storage,
};
use crate::domain::{Channel, ChatKind, Inbox, ProjectKind};
use crate::i18n::Locale;
use crate::simulator::{Platform, Settings, demo};
use crate::store::{members, persons, projects};
use crate::web::viewer::{begin_session, by_cookie, cookie_name};
use crate::{App, discussions, web};

const ACCOUNT: &str = "demo";
const SUPPORT: &str = "support@demo.example";
const STAFF: &str = "wang@demo.example";
const AUTHSERV: &str = "mail.demo.example";
const PROJECT: &str = "demo";

/// Runs until SIGTERM or SIGINT.
pub(super) async fn demo(listen: SocketAddr, dir: Option<PathBuf>) -> anyhow::Result<()> {
    web::start_metrics();
    let temporary = match &dir {
        None => Some(tempfile::tempdir().context("making a temporary folder")?),
        Some(_) => None,
    };
    let dir = match (&dir, &temporary) {
        (Some(dir), _) => std::path::absolute(dir)?,
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => unreachable!("one of them was just made"),
    };
    let (listener, addr) = bind(listen).await?;
    let settings = Settings { channel_secret: fresh(), access_token: fresh(), bot_name: "晨光小幫手".into(), ..Settings::default() };
    let platform = Platform::new(settings);
    let config = configuration(&dir, addr, &platform);
    let mail_in = dir.join("mail-in");
    let mail_out = dir.join("mail-out");
    let mut state = demo::DemoState::cast(platform.clone(), mail_in, mail_out, STAFF, SUPPORT);
    state.authserv_id = Some(AUTHSERV.into());
    for folder in [&state.mail_in, &state.mail_out] {
        for part in ["tmp", "new", "cur"] {
            std::fs::create_dir_all(folder.join(part)).with_context(|| format!("making {}", folder.display()))?;
        }
    }
    let app = App::open(config, Clock::wall()).await?;
    let secret = settle_in(&app, &state).await?;
    platform.set_base_url(&format!("http://{addr}"));
    platform.set_webhook(&format!("http://{addr}/webhooks/line/{ACCOUNT}"));
    let product = web::router(app.clone(), true).layer(middleware::from_fn({
        let app = app.clone();
        move |request, next| as_colleague(app.clone(), secret.clone(), request, next)
    }));
    let router = Router::new()
        .route("/", get(async || Redirect::to("/demo")))
        .merge(demo::routes(state.clone()))
        .merge(platform.router())
        .fallback_service(product);
    tokio::spawn(async move {
        // The page is open by then, so that its reader sees the scene happen.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let played = demo::scene(&state).await;
        tracing::info!(taken = played.taken, refused = played.refused, "the demonstration's scene was played");
    });
    eprintln!("This is a demonstration: no real LINE account, no real mail. Open http://{addr}/ ; its files are in {}", dir.display());
    run(app, listener, addr, router, stop_on_signal()?).await
}

/// The stand-in takes no larger files anyway.
const DEMO_FILE_BYTES_MAX: u64 = 300 * 1024 * 1024;

fn fresh() -> Secret {
    Secret::new(crate::web::viewer::fresh_secret())
}

fn configuration(dir: &std::path::Path, addr: SocketAddr, platform: &Platform) -> Config {
    let base = format!("http://{addr}");
    Config {
        server: Server {
            listen: addr,
            public_url: base.clone(),
            locale: Locale::ZhTw,
            time_zone: TimeZone::get("Asia/Taipei").unwrap_or(TimeZone::UTC),
        },
        database: Database { url: Secret::new(format!("sqlite://{}", dir.join("threadline.db").display())) },
        storage: Storage::Folder(dir.join("attachments")),
        file_bytes_max: DEMO_FILE_BYTES_MAX,
        line: vec![LineAccount {
            name: ACCOUNT.into(),
            channel_secret: platform.settings().channel_secret.clone(),
            channel_secret_next: None,
            access: LineAccess::Pasted(platform.settings().access_token.clone()),
            api_url: base.clone(),
            data_api_url: base,
        }],
        line_login: None,
        mailbox: vec![Mailbox {
            name: "support".into(),
            address: SUPPORT.into(),
            source: MailSource::Maildir(dir.join("mail-in")),
            after: AfterTaking::Seen,
            since: Since::Everything,
            project: None,
            authserv_id: Some(AUTHSERV.into()),
        }],
        smtp: Some(Smtp {
            sink: MailSink::Maildir(dir.join("mail-out")),
            from_name: "和順貿易".into(),
            from_address: SUPPORT.into(),
            dkim: None,
        }),
        notify: Notify {
            settle: Duration::from_secs(4),
            hold: Duration::from_secs(3),
            coalesce: Duration::from_secs(20),
            mail_together: Duration::from_secs(20),
            quiet_hours: None,
            monthly_budget: None,
        },
    }
}

/// Makes the people, their project and their group. The secret of a session for the colleague at the page.
async fn settle_in(app: &Arc<App>, state: &demo::DemoState) -> anyhow::Result<String> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let project = projects::find_or_add(&mut tx, PROJECT, "晨光咖啡", ProjectKind::Client, now).await?;
    let mut colleague = None;
    for someone in &state.people {
        let identities =
            [someone.address.as_deref().map(|a| (Channel::Email, a)), someone.line_user.as_ref().map(|u| (Channel::Line, u.as_str()))];
        let mut known = identities.into_iter().flatten();
        let Some((channel, id)) = known.next() else { continue };
        let person = persons::find_or_add(&mut tx, channel, id, &someone.name, now).await?;
        for (channel, id) in known {
            persons::add_identity(&mut tx, person.id, channel, id, &someone.name).await?;
        }
        members::put(&mut tx, project, person.id, someone.role).await?;
        if someone.address.as_deref() == Some(state.staff_address.as_str()) {
            colleague = Some(person.id);
        }
    }
    let project = projects::get(&mut tx, project).await?;
    discussions::bind_chat(&mut tx, app, &project, &Inbox::line(ACCOUNT), ChatKind::Group, &state.group).await?;
    tx.commit().await?;
    let colleague = colleague.context("the demonstration has a colleague with a mailbox")?;
    Ok(begin_session(app, colleague).await?)
}

/// Whoever opens the demonstration looks at the discussion as the colleague does.
async fn as_colleague(app: Arc<App>, secret: String, mut request: Request, next: Next) -> Response {
    let server = &app.config.server;
    // Browsers share cookies across the ports of one host: one that is not of this server counts as none.
    let known = matches!(by_cookie(&app, request.headers()).await, Ok(Some(_)));
    if !known && let Ok(cookie) = HeaderValue::from_str(&format!("{}={secret}", cookie_name(server))) {
        request.headers_mut().insert(header::COOKIE, cookie);
    }
    next.run(request).await
}
