//! The command line: parse, dispatch to `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match threadline::cli::run() {
        Ok(code) => code,
        // Who reads what is printed has seen enough.
        Err(error) if error.chain().any(is_closed_pipe) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever is in it.
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("threadline: {line}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
