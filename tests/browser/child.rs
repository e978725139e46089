//! Programs that the tests start, and waiting for what they do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take until it says that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// The pause between two looks at something that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running program, which ends with this value.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("a program could not be ended: {error}");
        }
    }
}

/// Starts a program and waits for the line on its standard output that `pick` takes something from. What else it says there is read,
/// so that it never waits for a reader.
#[track_caller]
pub fn start(command: &mut Command, pick: impl Fn(&str) -> Option<String> + Send + 'static) -> (Running, String) {
    let program = command.get_program().to_string_lossy().into_owned();
    // A proxy would be in the way of what runs on this machine.
    for name in ["no_proxy", "NO_PROXY"] {
        command.env(name, "127.0.0.1,localhost,::1");
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = Running(spawned.unwrap_or_else(|error| panic!("{program} cannot be started: {error}")));
    let said = child.0.stdout.take().expect("the output is piped, and taken once");
    let (picked, waiting) = channel();
    thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            if let Some(found) = pick(&line) {
                // Nobody waits for a second one.
                drop(picked.send(found));
            }
        }
    });
    match waiting.recv_timeout(READY_WITHIN) {
        Ok(found) => (child, found),
        Err(RecvTimeoutError::Timeout) => panic!("{program} was not ready within {READY_WITHIN:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("{program} ended before it was ready"),
    }
}

/// Looks again and again until there is something to see, and fails the test with the last reason why not if that takes too long.
#[track_caller]
pub fn wait<T>(what: &str, within: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(why) => assert!(began.elapsed() < within, "not within {within:?}: {what} ({why})"),
        }
        thread::sleep(LOOK_EVERY);
    }
}
