//! The command line, one file a command.

mod backup;
mod check;
mod demo;
mod email;
pub mod serve;
mod thread;
mod thumbnail;
mod token;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::Config;

#[derive(Parser)]
#[command(name = "threadline", version, about = "Turns LINE groups and email into tracked discussions")]
struct Cli {
    /// The configuration, for the commands that need one
    #[arg(long, global = true, value_name = "FILE", default_value = "bot-config.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything: web, webhooks, mail, notifier
    Serve,
    /// Runs everything with no outside account: a stand-in for LINE and a local mail drop, on one page
    Demo {
        /// Where it listens
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        listen: std::net::SocketAddr,
        /// Where it keeps its files; a temporary folder if not given
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Reads the configuration and tries every connection that it names
    Check,
    /// Brings the database's schema up to date
    Migrate,
    /// Copies database and files to a folder while the server runs
    Backup { dir: PathBuf },
    /// Puts a backup into an empty database
    Restore { dir: PathBuf },
    /// Staff accounts
    #[command(subcommand)]
    User(UserCommand),
    /// API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Reading mail
    #[command(subcommand)]
    Email(EmailCommand),
    /// The threader
    #[command(subcommand)]
    Thread(ThreadCommand),
    /// Makes the picture on standard input small: the server runs this, bounded, for every picture
    #[command(hide = true)]
    Thumbnail {
        /// Pixels of its longer edge
        #[arg(long)]
        edge: Option<u32>,
        /// A JPEG, whatever shines through
        #[arg(long)]
        opaque: bool,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Makes a staff account, or changes one
    Add {
        email: String,
        #[arg(long)]
        name: String,
        /// Sees and changes every project
        #[arg(long)]
        admin: bool,
        /// Reads the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Makes an API token for an account and prints it, once
    Add {
        email: String,
        /// What the token is for
        #[arg(long, default_value = "")]
        name: String,
    },
}

#[derive(Subcommand)]
enum EmailCommand {
    /// Reads raw mails (standard input without FILE; a folder stands for every *.eml under it), prints a JSON object a line
    Parse { files: Vec<PathBuf> },
}

#[derive(Subcommand)]
enum ThreadCommand {
    /// Runs the threader over a recorded chat, in order, with no look-ahead
    Replay {
        file: PathBuf,
        /// Lets a person answer what is marked: the answer is read from the recording's `thread`
        #[arg(long)]
        ask: bool,
    },
    /// Fits the threader's weights to what people corrected and confirmed here; taken into use if they are no worse
    Fit,
}

/// The exit code of a command line that cannot be understood.
const USAGE: u8 = 2;

/// What is wrong with a command line, without the usage below it.
fn in_one_line(error: &str) -> String {
    let what = error.split("\n\n").next().unwrap_or(error);
    let words: Vec<&str> = what.trim_start_matches("error: ").split_whitespace().collect();
    format!("{}; see threadline --help", words.join(" "))
}

/// Parses the command line and runs what it asks for. The error is for one line on standard error.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) if wrong.use_stderr() => {
            let bare = wrong.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            let what = if bare { "error: the command is missing".to_owned() } else { wrong.to_string() };
            eprintln!("threadline: {}", in_one_line(&what));
            return Ok(ExitCode::from(USAGE));
        }
        Err(help) => help.exit(),
    };
    if let Command::Thumbnail { edge, opaque } = cli.command {
        return thumbnail::thumbnail(edge, opaque);
    }
    // ring is the one provider of cryptography in the program.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("the TLS library was set up twice");
    }
    match cli.command {
        Command::Email(EmailCommand::Parse { files }) => {
            email::parse(&files, &mut std::io::BufWriter::new(std::io::stdout().lock()))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Thread(ThreadCommand::Replay { file, ask }) => {
            thread::replay(&file, ask, &mut std::io::BufWriter::new(std::io::stdout().lock()))?;
            Ok(ExitCode::SUCCESS)
        }
        command => tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_async(command, &cli.config)),
    }
}

async fn run_async(command: Command, config: &Path) -> anyhow::Result<ExitCode> {
    let read = || Config::read(config);
    match command {
        Command::Serve => {
            let config = read()?;
            log_to_stderr();
            serve::serve(config).await?;
        }
        Command::Demo { listen, dir } => {
            log_to_stderr();
            demo::demo(listen, dir).await?;
        }
        Command::Check => return Box::pin(check::check(read()?)).await,
        Command::Migrate => {
            let db = crate::store::Db::open(read()?.database.url.expose()).await?;
            db.close().await;
            println!("the schema is at version {}", crate::store::VERSION);
        }
        Command::Backup { dir } => backup::backup(read()?, &dir).await?,
        Command::Restore { dir } => backup::restore(read()?, &dir).await?,
        Command::User(UserCommand::Add { email, name, admin, password_stdin }) => {
            user::add(read()?, &user::Account { email, name, admin, password_stdin }).await?;
        }
        Command::Token(TokenCommand::Add { email, name }) => token::add(read()?, &email, &name).await?,
        Command::Thread(ThreadCommand::Fit) => thread::fit(read()?).await?,
        Command::Email(_) | Command::Thread(ThreadCommand::Replay { .. }) | Command::Thumbnail { .. } => {
            unreachable!("they need no runtime")
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Log lines go to standard error; `RUST_LOG` chooses, `info` without it.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // At finer levels these write passwords and mails.
    let filter = ["async_imap=info", "sqlx=warn", "lettre=info"]
        .into_iter()
        .fold(filter, |filter, quiet| filter.add_directive(quiet.parse().expect("it is a directive")));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
