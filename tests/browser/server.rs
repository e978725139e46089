//! The program itself, run as its users run it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::calls::Calls;
use crate::child::{Running, start};

/// Lines of the program's log that a failed test shows.
const LOG_LINES_SHOWN_MAX: usize = 40;

/// Neither LINE nor mail: people of this machine alone.
const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1"
locale = "zh-TW"
time_zone = "Asia/Taipei"

[database]
url = "sqlite://threadline.db"

[storage]
url = "file://attachments"
"#;

/// A running server with a folder of its own.
pub struct Server {
    calls: Calls,
    /// `http://127.0.0.1:PORT`
    base: String,
    log: PathBuf,
    // Dropped in this order: the program ends before its folder goes.
    _program: Running,
    folder: TempDir,
}

impl Server {
    /// `threadline demo`
    #[track_caller]
    pub fn demo() -> Self {
        let folder = temporary();
        let state = folder.path().join("demo").display().to_string();
        Self::run(folder, &["demo", "--listen", "127.0.0.1:0", "--dir", &state])
    }

    /// `threadline serve`
    #[track_caller]
    pub fn serve() -> Self {
        let folder = temporary();
        let file = configuration(folder.path());
        fs::write(&file, CONFIGURATION).expect("the configuration can be written");
        Self::run(folder, &["serve", "--config", &file.display().to_string()])
    }

    #[track_caller]
    fn run(folder: TempDir, arguments: &[&str]) -> Self {
        let log = folder.path().join("log");
        let errors = File::create(&log).expect("the log can be made");
        let mut command = program();
        command.args(arguments).stderr(errors);
        let (program, base) = start(&mut command, |line| line.strip_prefix("listening on ").map(str::to_owned));
        Self { calls: Calls::new(), base, log, _program: program, folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Runs another command of the program beside the server; what it prints.
    #[track_caller]
    pub fn command(&self, arguments: &[&str], input: &str) -> String {
        let mut command = program();
        command.args(arguments).arg("--config").arg(configuration(self.folder.path()));
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("the program can be started");
        let mut typed = child.stdin.take().expect("the input is piped, and taken once");
        // A command that reads nothing may have ended already.
        drop(typed.write_all(input.as_bytes()));
        drop(typed);
        let output = child.wait_with_output().expect("the program can be waited for");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it prints UTF-8").trim().to_owned()
    }

    /// Calls the API, which has to say yes; its answer.
    #[track_caller]
    pub fn api(&self, method: Method, path: &str, token: &str, body: &Value) -> Value {
        let (status, answer) =
            self.calls.call(method, &self.url(&format!("/api/v1{path}")), Some(token), Some(body)).expect("the server answers");
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        eprintln!("-- the server's log:\n{}", lines[lines.len().saturating_sub(LOG_LINES_SHOWN_MAX)..].join("\n"));
    }
}

fn temporary() -> TempDir {
    TempDir::with_prefix("threadline-browser.").expect("a temporary folder can be made")
}

fn configuration(folder: &Path) -> PathBuf {
    folder.join("bot-config.toml")
}

/// The program, without what the surroundings would set.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threadline"));
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("THREADLINE_")) {
        command.env_remove(name);
    }
    command
}
