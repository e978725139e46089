//! What the operator may write, and the one line that tells what is wrong.

use std::fs;

use jiff::civil::Time;

use super::*;
use crate::config::{LineAccess, MailServer, OAuth, Secret, Since, Tls};

const SERVER: &str = "[server]\npublic_url = \"https://support.example.com\"\n";

const LINE: &str = "[[line]]\nname = \"main\"\nchannel_secret = \"line-secret\"\nchannel_access_token = \"line-token\"\n";

const MAILBOX: &str = "[[mailbox]]\nname = \"support\"\naddress = \"Support@Example.com\"\nurl = \"imaps://support%40example.com@imap.example.com\"\npassword = \"mail-secret\"\n";

const SMTP: &str =
    "[smtp]\nurl = \"smtp://support@smtp.example.com\"\npassword = \"smtp-secret\"\nfrom = \"Support <support@example.com>\"\n";

fn folder() -> &'static Path {
    Path::new("/etc/threadline")
}

fn good(text: &str) -> Config {
    parse(text, folder()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The refusal of `text`, which is one short line with the file's name and without any secret.
fn refused(text: &str) -> String {
    let line = parse(text, folder()).expect_err(text).to_string();
    assert_plain(&line, FILE_NAME);
    line
}

fn assert_plain(line: &str, begins: &str) {
    assert!(line.starts_with(begins), "{line}");
    assert!(!line.contains('\n') && line.chars().count() <= 500, "{line}");
    assert!(!["line-secret", "line-token", "mail-secret", "smtp-secret", "hunter2"].iter().any(|s| line.contains(s)), "{line}");
}

fn with_environment(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    assemble(FILE_NAME, text, folder(), environment)
}

/// All sections, with `old` put in place of `new`.
fn changed(old: &str, new: &str) -> String {
    let notify = "[notify]\nsettle_seconds = 8\nquiet_hours = \"21:00-08:00\"\n";
    let database = "[database]\nurl = \"sqlite://data/threadline.db\"\n[storage]\nurl = \"file://data/attachments\"\n";
    let all = format!(
        "{SERVER}locale = \"zh-TW\"\ntime_zone = \"Asia/Taipei\"\nlisten = \"127.0.0.1:8080\"\n{database}{LINE}{MAILBOX}after = \"seen\"\n{SMTP}{notify}"
    );
    assert!(all.contains(old), "{old}");
    all.replacen(old, new, 1)
}

#[test]
fn the_public_url_is_all_that_must_be_written() {
    let config = good(SERVER);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, "https://support.example.com");
    assert_eq!(config.server.locale, Locale::ZhTw);
    assert_eq!(config.server.time_zone.iana_name(), Some("Asia/Taipei"));
    assert_eq!(config.database.url.expose(), "sqlite:///etc/threadline/data/threadline.db");
    assert!(matches!(&config.storage, Storage::Folder(f) if f == Path::new("/etc/threadline/data/attachments")));
    assert!(config.line.is_empty() && config.mailbox.is_empty() && config.line_login.is_none() && config.smtp.is_none());
    assert_eq!(config.notify.settle, Duration::from_secs(8));
    assert_eq!(config.notify.hold, Duration::from_secs(20));
    assert_eq!(config.notify.coalesce, Duration::from_mins(5));
    assert_eq!(config.notify.quiet_hours, Some((Time::constant(21, 0, 0, 0), Time::constant(8, 0, 0, 0))));
    assert_eq!(config.notify.monthly_budget, None);
}

#[test]
fn every_section_is_read() {
    let login = "[line_login]\nchannel_id = \"1650000000\"\nchannel_secret = \"line-secret\"\n";
    let notify = "[notify]\nsettle_seconds = 1.5\nhold_seconds = 0\ncoalesce_minutes = 0.05\nquiet_hours = \"\"\nmonthly_budget = 200\n";
    let config = good(&format!("{SERVER}{LINE}{login}{MAILBOX}after = \"move:Done/2026\"\nproject = \"alpha\"\n{SMTP}{notify}"));
    assert_eq!(config.line[0].name, "main");
    assert!(matches!(&config.line[0].access, LineAccess::Pasted(token) if token.expose() == "line-token"));
    assert_eq!(config.line[0].api_url, "https://api.line.me");
    assert_eq!(config.line[0].data_api_url, "https://api-data.line.me");
    let login = config.line_login.expect("it is given");
    assert_eq!((login.channel_id.as_str(), login.channel_secret.expose()), ("1650000000", "line-secret"));
    assert_eq!(login.authorize_url, "https://access.line.me/oauth2/v2.1/authorize");
    assert_eq!(login.api_url, "https://api.line.me");
    let mailbox = &config.mailbox[0];
    assert_eq!((mailbox.name.as_str(), mailbox.address.as_str()), ("support", "support@example.com"));
    assert_eq!(mailbox.after, AfterTaking::Move("Done/2026".to_owned()));
    assert_eq!((mailbox.project.as_deref(), mailbox.authserv_id.as_deref()), (Some("alpha"), None));
    let smtp = config.smtp.expect("it is given");
    assert_eq!((smtp.from_name.as_str(), smtp.from_address.as_str()), ("Support", "support@example.com"));
    assert!(matches!(smtp.sink, MailSink::Smtp(MailServer { tls: Tls::StartTls, port: 587, .. })));
    assert_eq!(config.notify.settle, Duration::from_millis(1500));
    assert_eq!(config.notify.hold, Duration::ZERO);
    assert_eq!(config.notify.coalesce, Duration::from_secs(3));
    assert_eq!((config.notify.quiet_hours, config.notify.monthly_budget), (None, Some(200)));
}

#[test]
fn a_channel_id_stands_in_for_a_token_and_a_secret_may_be_reissued() {
    let by_id = LINE.replace("channel_access_token = \"line-token\"", "channel_id = \"1650000001\"\nchannel_secret_next = \"next\"");
    let config = good(&format!("{SERVER}{by_id}"));
    assert!(matches!(&config.line[0].access, LineAccess::Stateless { channel_id } if channel_id == "1650000001"));
    assert_eq!(config.line[0].secrets().map(Secret::expose).collect::<Vec<_>>(), ["line-secret", "next"]);
    let both = good(&format!("{SERVER}{LINE}channel_id = \"1650000001\"\n"));
    assert!(matches!(both.line[0].access, LineAccess::Pasted(_)), "a pasted token is meant");
    assert_eq!(both.line[0].secrets().count(), 1);
    let same = good(&format!("{SERVER}{LINE}channel_secret_next = \"line-secret\"\n"));
    assert!(same.warnings().iter().any(|w| w.contains("channel_secret_next")), "{:?}", same.warnings());
}

#[test]
fn a_wrong_configuration_is_one_line_that_names_the_key() {
    let twice = format!("{SERVER}{LINE}{LINE}");
    let cases: &[(&str, &str, &[&str])] = &[
        ("public_url", "publc_url", &["[server] publc_url", "did you mean public_url?"]),
        ("channel_secret", "chanel_secret", &["[[line]] \"main\" chanel_secret", "did you mean channel_secret?"]),
        ("[smtp]", "[smpt]", &["[smpt]", "did you mean smtp?"]),
        ("[smtp]", "[telegram]", &["[telegram]", "there are server, database"]),
        ("channel_secret = \"line-secret\"\n", "", &["[[line]] \"main\" channel_secret", "is missing", "channel_secret_file"]),
        ("name = \"main\"\n", "", &["[[line]] no. 1 name", "is missing"]),
        ("settle_seconds = 8", "settle_seconds = \"soon\"", &["[notify] settle_seconds", "is a text", "from 0 to 45"]),
        ("settle_seconds = 8", "settle_seconds = \"8\"", &["settle_seconds", "is a text"]),
        ("settle_seconds = 8", "settle_seconds = -1", &["settle_seconds", "from 0 to 45"]),
        ("settle_seconds = 8", "settle_seconds = 45.5", &["settle_seconds", "from 0 to 45"]),
        ("settle_seconds = 8", "settle_seconds = nan", &["settle_seconds", "from 0 to 45"]),
        ("settle_seconds = 8", "hold_seconds = 121", &["hold_seconds", "from 0 to 120"]),
        ("settle_seconds = 8", "coalesce_minutes = 1441", &["coalesce_minutes", "from 0 to 1440"]),
        ("settle_seconds = 8", "monthly_budget = -5", &["monthly_budget", "whole number"]),
        ("settle_seconds = 8", "monthly_budget = 1.5", &["monthly_budget", "whole number"]),
        ("127.0.0.1:8080", "nowhere", &["[server] listen", "\"nowhere\"", "0.0.0.0:8080"]),
        ("Asia/Taipei", "Asia/Taipeh", &["time_zone", "did you mean Asia/Taipei?"]),
        ("zh-TW", "xx-YY", &["locale", "zh-TW, en, ja"]),
        ("21:00-08:00", "25:00-8", &["quiet_hours", "21:00-08:00"]),
        ("21:00-08:00", "08:00-08:00", &["quiet_hours", "one time"]),
        ("sqlite://data/threadline.db", "mysql://root:hunter2@x/y", &["[database] url", "mysql://", "postgres://"]),
        ("sqlite://data/threadline.db", "sqlite://", &["[database] url", "names no file"]),
        ("sqlite://data/threadline.db", " ", &["[database] url", "sqlite://data/threadline.db"]),
        ("sqlite://data/threadline.db", "", &["[database] url", "is empty"]),
        ("sqlite://data/threadline.db", "sqlite://:memory:", &["[database] url", "names no file"]),
        ("sqlite://data/threadline.db", "sqlite://a.db?mode=ro", &["[database] url", "?"]),
        ("file://data/attachments", "ftp://x", &["[storage] url", "s3://bucket/prefix"]),
        ("file://data/attachments", "s3://", &["[storage] url", "names no bucket"]),
        ("[storage]", "[storage]\nfile_mb_max = 0", &["[storage] file_mb_max", "0 will not do", "from 1 to 4096"]),
        ("[storage]", "[storage]\nfile_mb_max = 4097", &["[storage] file_mb_max", "from 1 to 4096"]),
        ("[storage]", "[storage]\nfile_mb_max = -1", &["[storage] file_mb_max", "whole number"]),
        ("[storage]", "[storage]\nfile_mb_max = 0.5", &["[storage] file_mb_max", "0.5 is not a whole number"]),
        ("[storage]", "[storage]\nfile_mb_max = \"300 MB\"", &["[storage] file_mb_max", "whole number"]),
        ("imaps://support%40example.com@", "pop3://x:hunter2@", &["[[mailbox]] \"support\" url", "imaps://"]),
        ("imaps://support%40example.com@", "imaps://", &["[[mailbox]] \"support\" url", "names no user"]),
        ("imaps://support%40example.com@", "imaps://a:hunter2@", &["[[mailbox]] \"support\" password", "keep one"]),
        ("password = \"mail-secret\"\n", "", &["[[mailbox]] \"support\" password", "password_file"]),
        ("Support@Example.com", "support", &["address", "support@example.com"]),
        ("after = \"seen\"", "after = \"burn\"", &["after", "seen, move:FOLDER, delete"]),
        ("after = \"seen\"", "after = \"move:\"", &["after", "seen, move:FOLDER, delete"]),
        ("after = \"seen\"", "after = \"move:INBOX\"", &["after", "read from"]),
        ("after = \"seen\"", "project = \"Alpha Beta\"", &["project", "triage"]),
        ("after = \"seen\"", "since = \"yesterday\"", &["since", "30d", "all"]),
        ("after = \"seen\"", "since = \"40000d\"", &["since", "30d"]),
        ("after = \"seen\"", "since = \"2026-13-01\"", &["since", "2026-11-01"]),
        ("after = \"seen\"", "oauth = \"yahoo\"", &["[[mailbox]] \"support\" oauth", "google, microsoft", "oauth_token_url"]),
        ("after = \"seen\"", "oauth_client_id = \"us\"", &["oauth_token_url", "is missing"]),
        ("after = \"seen\"", "oauth = \"google\"", &["oauth_refresh_token", "is missing", "oauth_refresh_token_file"]),
        ("after = \"seen\"", "oauth = \"google\"\noauth_refresh_token = \"hunter2\"", &["oauth_client_id", "is missing"]),
        ("after = \"seen\"", "oauth = \"google\"\noauth_refresh_token = \"hunter2\"\noauth_client_id = \"us\"", &["password", "keep one"]),
        ("after = \"seen\"", "oauth_token_url = \"http://x.example.com/token\"", &["oauth_token_url", "https://"]),
        ("after = \"seen\"", "ca_file = \"/nowhere/ca.pem\"", &["ca_file", "/nowhere/ca.pem"]),
        ("after = \"seen\"", "ca_file = \"/proc/self/cmdline\"", &["ca_file", "BEGIN CERTIFICATE"]),
        ("[notify]\n", "dkim_domain = \"example.com\"\n[notify]\n", &["[smtp] dkim_selector", "is missing"]),
        ("[notify]\n", "dkim_key = \"hunter2\"\n[notify]\n", &["[smtp] dkim_domain", "is missing"]),
        (
            "[notify]\n",
            "dkim_domain = \"example.com\"\ndkim_selector = \"s1\"\ndkim_key = \"hunter2\"\n[notify]\n",
            &["[smtp] dkim_key", "PEM"],
        ),
        (
            "[notify]\n",
            "dkim_domain = \"not a name\"\ndkim_selector = \"s1\"\ndkim_key = \"hunter2\"\n[notify]\n",
            &["[smtp] dkim_domain", "DNS"],
        ),
        ("smtp://support@smtp.example.com", "http://x", &["[smtp] url", "smtps://"]),
        ("smtp://support@smtp.example.com", "smtp://support@x/folder", &["[smtp] url", "path"]),
        ("Support <support@example.com>", "Support <support", &["[smtp] from"]),
        ("https://support.example.com", "support.example.com", &["[server] public_url", "https://"]),
        ("https://support.example.com", "ftp://support.example.com", &["[server] public_url", "https://"]),
        ("https://support.example.com", "https://u:hunter2@x", &["[server] public_url", "https://"]),
        ("file://data/attachments", "s3://KEY:hunter2@files/a", &["[storage] url", "names no bucket"]),
        ("https://support.example.com", "https://x/?a=b", &["[server] public_url", "https://"]),
        ("public_url = \"https://support.example.com\"\n", "", &["[server] public_url", "is missing"]),
        ("public_url = \"https://support.example.com\"", "public_url = 5", &["public_url", "is a number"]),
        ("line-token", "line token", &["channel_access_token", "copy it again"]),
        ("line-token", "", &["channel_access_token", "is missing"]),
        ("channel_access_token = \"line-token\"", "channel_id = \"@main\"", &["[[line]] \"main\" channel_id", "digits"]),
        ("channel_access_token = \"line-token\"", "channel_secret_next = \"a b\"", &["[[line]] \"main\" channel_secret_next", "copy it"]),
        ("channel_access_token = \"line-token\"\n", "", &["[[line]] \"main\" channel_access_token", "is missing", "channel_id"]),
        ("\"main\"", "\"main account\"", &["name", "letters"]),
        ("[[line]]", "[line]", &["[[line]]"]),
        ("[smtp]", "[[smtp]]", &["[smtp], once"]),
        ("[server]", "listen = \"127.0.0.1:1\"\n[server]", &["listen: stands outside", "[server]"]),
        ("settle_seconds = 8", "listen = \"127.0.0.1:1\"", &["[notify] listen", "belongs under [server]"]),
    ];
    for (old, new, parts) in cases {
        let line = refused(&changed(old, new));
        assert!(parts.iter().all(|p| line.contains(p)), "{new}: {line} (wanted {parts:?})");
    }
    assert!(refused(&twice).contains("two [[line]] are called \"main\""));
}

#[test]
fn names_that_the_environment_cannot_tell_apart_are_one_name() {
    let other = LINE.replace("\"main\"", "\"Ma-in\"");
    assert!(refused(&format!("{SERVER}{other}{}", other.replace("Ma-in", "ma_in"))).contains("ma_in"));
    assert_eq!(good(&format!("{SERVER}{LINE}{other}")).line.len(), 2);
}

#[test]
fn a_syntax_error_has_its_line_and_column_and_not_its_text() {
    let line = refused("[server]\npublic_url = \"hunter2\nlocale = 1");
    assert!(line.contains("line 2, column"), "{line}");
    refused(&format!("{SERVER}token = hunter2/=\n"));
    assert!(refused("[server\nlisten=").contains("line 1, column 8"));
    assert!(refused(&format!("{SERVER}{SERVER}")).contains("line 3"));
}

#[test]
fn a_long_error_is_cut() {
    refused(&changed("127.0.0.1:8080", &"x".repeat(5000)));
    refused(&format!("[{}]", "y".repeat(5000)));
    refused(&format!("{SERVER}{} = 1", "z".repeat(5000)));
    refused(&changed("\"main\"", &format!("\"{}\"", "n".repeat(5000))));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("bot-config.toml");
    let line = load(&file, std::iter::empty()).expect_err("there is none").to_string();
    assert_plain(&line, &file.display().to_string());
    assert!(line.contains("no such file"), "{line}");
    fs::write(&file, b"[server]\npublic_url = \"\xff\"").expect("it is written");
    assert!(load(&file, std::iter::empty()).expect_err("it is not UTF-8").to_string().contains("UTF-8"));
    fs::write(&file, format!("{SERVER}[storage]\nurl = \"file://files\"\n")).expect("it is written");
    let config = load(&file, std::iter::empty()).expect("it is good now");
    assert!(matches!(config.storage, Storage::Folder(f) if f == dir.path().join("files")));
}

#[test]
fn a_relative_path_begins_at_the_files_folder() {
    let text = |url: &str| format!("{SERVER}[database]\nurl = \"{url}\"\n");
    assert_eq!(good(&text("sqlite://x.db")).database.url.expose(), "sqlite:///etc/threadline/x.db");
    assert_eq!(good(&text("sqlite:///var/x.db")).database.url.expose(), "sqlite:///var/x.db");
    let here = std::env::current_dir().expect("there is one").join("x.db");
    let config = parse(&text("sqlite://x.db"), Path::new("")).expect("it is good");
    assert_eq!(config.database.url.expose(), format!("sqlite://{}", here.display()));
    let mails = changed("imaps://support%40example.com@imap.example.com", "maildir://in")
        .replace("smtp://support@smtp.example.com", "maildir:///out");
    let config = good(&mails);
    assert!(matches!(&config.mailbox[0].source, MailSource::Maildir(f) if f == Path::new("/etc/threadline/in")));
    assert!(matches!(config.smtp.expect("it is given").sink, MailSink::Maildir(f) if f == Path::new("/out")));
}

#[test]
fn a_mail_url_is_taken_apart() {
    let source = |url: &str| {
        let config = good(&changed("imaps://support%40example.com@imap.example.com", url));
        match config.mailbox[0].source.clone() {
            MailSource::Imap { server, folder } => (server.tls, server.host, server.port, server.user.unwrap_or_default(), folder),
            MailSource::Maildir(_) => panic!("{url} is no folder"),
        }
    };
    let expect = |tls, host: &str, port, user: &str, folder: &str| (tls, host.to_owned(), port, user.to_owned(), folder.to_owned());
    assert_eq!(source("imaps://a%40b.c@imap.example.com"), expect(Tls::Wrapped, "imap.example.com", 993, "a@b.c", "INBOX"));
    assert_eq!(source("imap://a@127.0.0.1:1143/"), expect(Tls::StartTls, "127.0.0.1", 1143, "a", "INBOX"));
    assert_eq!(source("imap://a@[::1]/Kunden%20A/Neu"), expect(Tls::StartTls, "::1", 143, "a", "Kunden A/Neu"));
    assert_eq!(source("imaps://a@b.c@imap.example.com"), expect(Tls::Wrapped, "imap.example.com", 993, "a@b.c", "INBOX"));
    let smtp = |url: &str| match good(&changed("smtp://support@smtp.example.com", url)).smtp.expect("it is given").sink {
        MailSink::Smtp(server) => (server.tls, server.port),
        MailSink::Maildir(_) => panic!("{url} is no folder"),
    };
    assert_eq!(smtp("smtps://a@h"), (Tls::Wrapped, 465));
    assert_eq!(smtp("smtp://a@h/"), (Tls::StartTls, 587));
}

#[test]
fn a_password_may_stand_in_the_url_and_a_relay_may_want_none() {
    let text = changed("imaps://support%40example.com@", "imaps://a:hunter2%21@").replace("password = \"mail-secret\"\n", "");
    let MailSource::Imap { server, .. } = good(&text).mailbox[0].source.clone() else { panic!("it is IMAP") };
    assert_eq!(server.password, Some(Secret::new("hunter2!")));
    let relay = SMTP.replace("support@smtp", "smtp").replace("password = \"smtp-secret\"\n", "");
    let smtp = good(&format!("{SERVER}{relay}")).smtp.expect("it is given");
    assert!(matches!(smtp.sink, MailSink::Smtp(MailServer { user: None, password: None, .. })));
}

#[test]
fn a_sender_has_a_name_or_none() {
    let from = |text: &str| {
        let smtp = good(&changed("\"Support <support@example.com>\"", &format!("'{text}'"))).smtp.expect("it is given");
        (smtp.from_name, smtp.from_address)
    };
    let pair = |name: &str| (name.to_owned(), "support@example.com".to_owned());
    assert_eq!(from("support@example.com"), pair(""));
    assert_eq!(from("<support@example.com>"), pair(""));
    assert_eq!(from("客服中心 <Support@example.com>"), pair("客服中心"));
    assert_eq!(from("\"Support, Inc.\" <support@example.com>"), pair("Support, Inc."));
}

#[test]
fn an_s3_bucket_has_its_prefix_and_keys() {
    let keys = "access_key_id = \"AK\"\nsecret_access_key = \"hunter2\"\nendpoint = \"http://127.0.0.1:9000/\"\n";
    let config = good(&format!("{SERVER}[storage]\nurl = \"s3://files/a/b/\"\n{keys}"));
    let Storage::S3 { bucket, prefix, endpoint, region, access_key_id, secret_access_key } = config.storage else { panic!("it is S3") };
    assert_eq!((bucket.as_str(), prefix.as_str(), endpoint.as_deref()), ("files", "a/b", Some("http://127.0.0.1:9000")));
    assert_eq!((region.as_str(), access_key_id.as_deref()), ("us-east-1", Some("AK")));
    assert_eq!(secret_access_key, Some(Secret::new("hunter2")));
    let line = refused(&format!("{SERVER}[storage]\nurl = \"s3://files\"\naccess_key_id = \"AK\"\n"));
    assert!(line.contains("secret_access_key"), "{line}");
}

#[test]
fn files_have_a_limit_in_mb_of_1048576_octets() {
    assert_eq!(good(SERVER).file_bytes_max, 300 * 1_048_576);
    assert_eq!(good(&format!("{SERVER}[storage]\nfile_mb_max = 1\n")).file_bytes_max, 1_048_576);
    let config = with_environment(SERVER, &[("THREADLINE__STORAGE__FILE_MB_MAX", "4096")]).expect("it is right");
    assert_eq!(config.file_bytes_max, 4 << 30);
}

#[test]
fn the_environment_has_the_last_word() {
    let text = format!("{SERVER}{LINE}{}", LINE.replace("main", "second-one"));
    let config = with_environment(
        &text,
        &[
            ("THREADLINE__SERVER__LISTEN", "0.0.0.0:80"),
            ("threadline__notify__settle_seconds", "2.5"),
            ("THREADLINE__NOTIFY__MONTHLY_BUDGET", "200"),
            ("THREADLINE__LINE__MAIN__CHANNEL_SECRET", "by-name"),
            ("THREADLINE__LINE__1__CHANNEL_SECRET", "by-number"),
            ("THREADLINE__LINE__SECOND_ONE__CHANNEL_ACCESS_TOKEN", "by-plain-name"),
            ("THREADLINE__SMTP__URL", "smtp://relay.example.com:25"),
            ("THREADLINE__SMTP__FROM", "support@example.com"),
            ("THREADLINE_TEST_DATABASE", "not ours"),
            ("PATH", "/bin"),
        ],
    )
    .expect("all of it is known");
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!((config.notify.settle, config.notify.monthly_budget), (Duration::from_millis(2500), Some(200)));
    assert_eq!(config.line[0].channel_secret.expose(), "by-name");
    assert_eq!(config.line[1].channel_secret.expose(), "by-number");
    assert!(matches!(&config.line[1].access, LineAccess::Pasted(token) if token.expose() == "by-plain-name"));
    assert!(config.smtp.is_some());
}

#[test]
fn the_environment_can_begin_accounts() {
    let variables: Vec<(String, String)> = (0..12)
        .flat_map(|n| {
            [("NAME", format!("oa{n}")), ("CHANNEL_SECRET", "s".into()), ("CHANNEL_ACCESS_TOKEN", "t".into())]
                .map(|(k, v)| (format!("THREADLINE__LINE__{n}__{k}"), v))
        })
        .chain([("THREADLINE__LINE__OA3__API_URL".to_owned(), "http://127.0.0.1:1".to_owned())])
        .collect();
    let config = assemble(FILE_NAME, SERVER, folder(), variables.into_iter()).expect("twelve accounts");
    assert_eq!(config.line[3].api_url, "http://127.0.0.1:1");
    assert_eq!(config.line.iter().map(|l| l.name.clone()).collect::<Vec<_>>(), (0..12).map(|n| format!("oa{n}")).collect::<Vec<_>>());
}

#[test]
fn a_variable_that_says_nothing_to_us_is_named() {
    let text = format!("{SERVER}{LINE}");
    let cases: &[(&str, &str, &[&str])] = &[
        ("THREADLINE__SERVER__NONSENSE", "1", &["nonsense", "[server]"]),
        ("THREADLINE__SERVER__LISTN", "1", &["did you mean listen?"]),
        ("THREADLINE__SMPT__URL", "1", &["did you mean smtp?"]),
        ("THREADLINE__SERVER", "1", &["THREADLINE__SERVER__KEY"]),
        ("THREADLINE__SERVER__A__LISTEN", "1", &["THREADLINE__SERVER__KEY"]),
        ("THREADLINE__LINE__CHANNEL_SECRET", "1", &["THREADLINE__LINE__NAME__KEY"]),
        ("THREADLINE__LINE__MIAN__CHANNEL_SECRET", "1", &["mian", "there is main"]),
        ("THREADLINE__LINE__7__CHANNEL_SECRET", "1", &["7", "begin the next with 1"]),
    ];
    for (name, value, parts) in cases {
        let line = with_environment(&text, &[(name, value)]).expect_err(name).to_string();
        assert_plain(&line, name);
        assert!(parts.iter().all(|p| line.contains(p)), "{line} (wanted {parts:?})");
    }
    let line = with_environment(&text, &[("THREADLINE__NOTIFY__SETTLE_SECONDS", "soon")]).expect_err("it is no number").to_string();
    assert!(line.contains("settle_seconds (from THREADLINE__NOTIFY__SETTLE_SECONDS): \"soon\" is not a number"), "{line}");
    let both = [("THREADLINE__LINE__0__CHANNEL_SECRET", "a"), ("THREADLINE__LINE__MAIN__CHANNEL_SECRET", "b")];
    let line = with_environment(&text, &both).expect_err("one key twice").to_string();
    assert!(both.iter().all(|(n, _)| line.contains(n)), "{line}");
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("secret.txt"), "from-a-file\r\n").expect("it is written");
    fs::write(dir.path().join("url"), "postgres://u:hunter2@h/d\n").expect("it is written");
    fs::write(dir.path().join("empty"), "\n").expect("it is written");
    let in_file = LINE.replace("channel_secret = \"line-secret\"", "channel_secret_file = \"secret.txt\"");
    let config = parse(&format!("{SERVER}[database]\nurl_file = \"url\"\n{in_file}"), dir.path()).expect("all is there");
    assert_eq!(config.line[0].channel_secret.expose(), "from-a-file");
    assert_eq!(config.database.url.expose(), "postgres://u:hunter2@h/d");

    let gone = LINE.replace("channel_secret = \"line-secret\"", "channel_secret_file = \"/nowhere/secret\"");
    let line = refused(&format!("{SERVER}{gone}"));
    assert!(line.contains("channel_secret_file") && line.contains("/nowhere/secret"), "{line}");
    let line = refused(&format!("{SERVER}{LINE}channel_secret_file = \"secret.txt\"\n"));
    assert!(line.contains("channel_secret_file") && line.contains("keep one"), "{line}");
    let empty = LINE.replace("channel_secret = \"line-secret\"", "channel_secret_file = \"empty\"");
    let line = parse(&format!("{SERVER}{empty}"), dir.path()).expect_err("it is empty").to_string();
    assert!(line.contains("channel_secret_file"), "{line}");
}

#[test]
fn a_variable_replaces_a_secret_in_its_other_form() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("s"), "from-a-file").expect("it is written");
    let file = dir.path().join("s").display().to_string();
    let config =
        with_environment(&format!("{SERVER}{LINE}"), &[("THREADLINE__LINE__MAIN__CHANNEL_SECRET_FILE", &file)]).expect("it is good");
    assert_eq!(config.line[0].channel_secret.expose(), "from-a-file");
    let in_file = LINE.replace("channel_secret = \"line-secret\"", "channel_secret_file = \"/nowhere\"");
    let config =
        with_environment(&format!("{SERVER}{in_file}"), &[("THREADLINE__LINE__MAIN__CHANNEL_SECRET", "plain")]).expect("it is good");
    assert_eq!(config.line[0].channel_secret.expose(), "plain");
    let both = [("THREADLINE__LINE__MAIN__CHANNEL_SECRET", "a"), ("THREADLINE__LINE__MAIN__CHANNEL_SECRET_FILE", "b")];
    assert!(with_environment(&format!("{SERVER}{LINE}"), &both).expect_err("both").to_string().contains("keep one"));
}

#[test]
fn what_is_allowed_but_seldom_meant_is_a_warning() {
    let quiet = changed("after = \"seen\"", "authserv_id = \"mx.example.com\"");
    assert_eq!(good(&quiet).warnings(), Vec::<String>::new());
    let warned = |text: &str, part: &str| {
        let warnings = good(text).warnings();
        assert!(warnings.iter().any(|w| w.contains(part)), "{warnings:?} (wanted {part})");
    };
    warned(&quiet.replace("https://support", "http://support"), "public_url is http");
    warned(&quiet.replace("support.example.com\"\nlocale", "support.example.com/a\"\nlocale"), "has a path");
    warned(&format!("{SERVER}{MAILBOX}"), "no [smtp]");
    warned(&format!("{SERVER}{MAILBOX}"), "authserv_id");
    warned(SERVER, "nothing comes in");
    warned(&format!("{SERVER}{LINE}api_url = \"http://proxy.example.com\"\n"), "[[line]] main");
    let loopback = quiet.replace("https://support.example.com", "http://127.0.0.1:8080/");
    assert_eq!(good(&loopback).server.public_url, "http://127.0.0.1:8080");
    assert_eq!(good(&loopback).warnings(), Vec::<String>::new());
}

#[test]
fn the_example_is_a_good_configuration() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("bot-config.toml.example")).expect("it is in the repository");
    let config = good(&text);
    assert_eq!((config.line.len(), config.mailbox.len(), config.smtp.is_some()), (1, 1, true));
    // Every key that we know stands in it, if only behind a #.
    for key in sections::all_keys() {
        assert!(text.contains(key), "{key} is not in bot-config.toml.example");
    }
}

/// One mailbox that logs in by OAuth, with these keys.
fn with_oauth(keys: &str) -> OAuth {
    let text = changed("password = \"mail-secret\"\n", &format!("oauth_client_id = \"us\"\noauth_refresh_token = \"r\"\n{keys}\n"));
    let config = good(&text);
    let all: Vec<OAuth> = config.oauth().cloned().collect();
    assert_eq!(all.len(), 1);
    all[0].clone()
}

#[test]
fn oauth_stands_in_for_a_password_and_has_two_short_forms() {
    let google = with_oauth("oauth = \"google\"\noauth_client_secret = \"s\"");
    assert_eq!((google.name.as_str(), google.client_id.as_str(), google.refresh_token.expose()), ("mailbox/support", "us", "r"));
    assert_eq!((google.token_url.as_str(), google.scope), ("https://oauth2.googleapis.com/token", None));
    assert_eq!(google.client_secret, Some(Secret::new("s")));
    let microsoft = with_oauth("oauth = \"microsoft\"");
    assert!(microsoft.token_url.starts_with("https://login.microsoftonline.com/common/"), "{}", microsoft.token_url);
    assert!(microsoft.scope.is_some_and(|s| s.contains("IMAP.AccessAsUser.All offline_access")));
    assert_eq!(microsoft.client_secret, None);
    let tenant = with_oauth("oauth = \"microsoft\"\noauth_token_url = \"https://login.example.com/ours\"\noauth_scope = \"x y\"");
    assert_eq!((tenant.token_url.as_str(), tenant.scope.as_deref()), ("https://login.example.com/ours", Some("x y")));
    assert_eq!(with_oauth("oauth_token_url = \"http://127.0.0.1:9/token\"").token_url, "http://127.0.0.1:9/token");

    let smtp = SMTP.replace("password = \"smtp-secret\"", "oauth = \"microsoft\"\noauth_client_id = \"us\"\noauth_refresh_token = \"r\"");
    let config = good(&format!("{SERVER}{smtp}"));
    let found = config.oauth().next().expect("it is given");
    assert!(found.name == "smtp" && found.scope.as_ref().is_some_and(|s| s.contains("SMTP.Send")), "{found:?}");
    assert!(refused(&format!("{SERVER}{}", smtp.replace("support@smtp", "smtp"))).contains("names no user"));
}

#[test]
fn a_first_look_reaches_back_a_day_or_as_told() {
    let since = |text: &str| good(&changed("after = \"seen\"", text)).mailbox[0].since;
    assert_eq!(since(""), Since::Within(Duration::from_hours(24)));
    assert_eq!(since("since = \"30d\""), Since::Within(Duration::from_hours(720)));
    assert_eq!(since("since = \"12h\""), Since::Within(Duration::from_hours(12)));
    assert_eq!(since("since = \"all\""), Since::Everything);
    assert_eq!((since("since = \"0\""), since("since = \"0d\"")), (Since::Nothing, Since::Nothing));
    assert_eq!(since("since = \"2026-11-01\""), Since::Day(jiff::civil::date(2026, 11, 1)));
}

#[test]
fn certificates_and_keys_stand_in_files() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    fs::write(dir.path().join("ca.pem"), format!("{pem}\n")).expect("it is written");
    fs::write(dir.path().join("key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").expect("it is written");
    let dkim = "dkim_domain = \"Example.com\"\ndkim_selector = \"s1\"\ndkim_key_file = \"key.pem\"\n";
    let text = format!("{SERVER}{MAILBOX}ca_file = \"ca.pem\"\n{SMTP}ca_file = \"ca.pem\"\n{dkim}");
    let config = parse(&text, dir.path()).expect("all is there");
    let MailSource::Imap { server, .. } = &config.mailbox[0].source else { panic!("it is IMAP") };
    assert_eq!(server.ca_pem.as_deref(), Some(pem));
    let smtp = config.smtp.as_ref().expect("it is given");
    assert!(matches!(&smtp.sink, MailSink::Smtp(MailServer { ca_pem: Some(_), .. })));
    let dkim = smtp.dkim.as_ref().expect("it is given");
    assert_eq!((dkim.domain.as_str(), dkim.selector.as_str()), ("example.com", "s1"));
    assert!(!config.warnings().iter().any(|w| w.contains("DMARC")));
    let other = parse(&text.replace("Example.com", "relay.example.net"), dir.path()).expect("all is there");
    assert!(other.warnings().iter().any(|w| w.contains("DMARC")));
}
