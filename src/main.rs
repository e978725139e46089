//! The command line: parse, dispatch to `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match threadline::cli::run() {
        Ok(code) => code,
        Err(error) => {
            // One line, whatever is in it.
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("threadline: {line}");
            ExitCode::FAILURE
        }
    }
}
