//! The real program: its commands, and `serve` as a process that can be killed.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The real program's file.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_threadline");
/// A command that takes longer hangs.
const ENDS_WITHIN: Duration = Duration::from_mins(1);
/// So does a start that takes longer.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// What the command line promises of SIGTERM.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// Runs a command to its end.
pub async fn run(config: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(args).arg("--config").arg(config).stdin(Stdio::null()).kill_on_drop(true);
    timeout(ENDS_WITHIN, command.output()).await.unwrap_or_else(|_| panic!("{args:?} hangs")).expect("the program can be started")
}

/// Runs a command that must succeed; its standard output.
pub async fn succeed(config: &Path, args: &[&str]) -> String {
    let output = run(config, args).await;
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it writes UTF-8")
}

/// Runs a command that must refuse; the one line that says why.
pub async fn refuse(config: &Path, args: &[&str]) -> String {
    let output = run(config, args).await;
    assert!(!output.status.success(), "{args:?} was not refused: {}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8(output.stderr).expect("it writes UTF-8");
    assert_eq!(said.trim_end().lines().count(), 1, "{args:?} says more than one line: {said}");
    said
}

/// An account with a token; the token.
pub async fn account(config: &Path, email: &str, name: &str, admin: bool) -> String {
    let mut add = vec!["user", "add", email, "--name", name];
    if admin {
        add.push("--admin");
    }
    succeed(config, &add).await;
    let token = succeed(config, &["token", "add", email]).await;
    let token = token.trim_end();
    assert!(token.starts_with("tl_") && !token.contains(char::is_whitespace), "nothing but the token is printed");
    token.to_owned()
}

/// `threadline serve`, running.
pub struct Server {
    child: Child,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`
    pub base: String,
}

impl Server {
    /// Starts it and waits until it listens. Its log goes to `log`.
    pub async fn start(config: &Path, log: &Path) -> Self {
        Self::start_telling(config, log, "warn").await
    }

    /// Likewise; `level` is what `RUST_LOG` says.
    pub async fn start_telling(config: &Path, log: &Path, level: &str) -> Self {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--config"])
            .arg(config)
            .env("RUST_LOG", level)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .expect("the program can be started");
        let out = child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(out).lines();
        let line = timeout(STARTS_WITHIN, lines.next_line()).await.expect("it listens in time").expect("it writes UTF-8");
        let line = line.expect("it does not end before it listens");
        let base = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {line:?} first")).to_owned();
        Self { child, log: log.to_owned(), base }
    }

    /// Asks it to end (SIGTERM), which it does in time and with success.
    pub async fn stop(mut self) {
        let id = self.child.id().expect("it is running").to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.expect("there is a kill command");
        assert!(asked.success(), "it was running until now");
        let ended = timeout(STOPS_WITHIN, self.child.wait()).await.expect("it ends in time").expect("it is our child");
        assert!(ended.success(), "it ends with {ended}: {}", std::fs::read_to_string(&self.log).unwrap_or_default());
    }

    /// The most memory that it has held so far (`VmHWM` of proc(5)).
    #[cfg(target_os = "linux")]
    pub fn peak_memory_bytes(&self) -> u64 {
        let id = self.child.id().expect("it is running");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux tells of every process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process has a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number") * 1024
    }

    /// Ends it without a warning (SIGKILL).
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it was running until now");
    }
}
