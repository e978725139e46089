//! A mail server that takes what we send, or says why not.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::mail::Mail;

/// An SMTP server (RFC 5321) on a port of its own.
#[derive(Clone)]
pub struct Relay {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Recipients with the answers that their next mails get instead of a welcome.
    refusals: Vec<(String, &'static str)>,
    /// Every recipient that was named, in order.
    asked: Vec<String>,
    /// Recipients with what was taken for them.
    taken: Vec<(String, Vec<u8>)>,
}

impl Relay {
    /// Works until the process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let relay = Self { port, state: Arc::default() };
        let serving = relay.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        relay
    }

    /// The next mails for `to` are answered so, each in turn.
    pub fn refuse(&self, to: &str, answers: &[&'static str]) {
        self.with(|s| s.refusals.extend(answers.iter().map(|answer| (to.to_owned(), *answer))));
    }

    /// How often `to` was named.
    pub fn asked(&self, to: &str) -> usize {
        self.with(|s| s.asked.iter().filter(|a| *a == to).count())
    }

    /// The mails that were taken for `to`.
    pub fn taken(&self, to: &str) -> Vec<Mail> {
        self.with(|s| s.taken.clone()).into_iter().filter(|(a, _)| a == to).map(|(_, raw)| Mail::read(raw)).collect()
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// None: the other side has left.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut to = String::new();
        let mut say = "220 relay.example".to_owned();
        loop {
            stream.get_mut().write_all(format!("{say}\r\n").as_bytes()).ok()?;
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            say = match line.split([' ', '\r']).next().unwrap_or_default() {
                "EHLO" => "250-relay.example\r\n250 8BITMIME".to_owned(),
                "RCPT" => {
                    line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                    self.welcome(&to)
                }
                "DATA" => {
                    stream.get_mut().write_all(b"354 go on\r\n").ok()?;
                    let raw = read_mail(&mut stream)?;
                    self.with(|s| s.taken.push((to.clone(), raw)));
                    "250 taken".to_owned()
                }
                "QUIT" => return stream.get_mut().write_all(b"221 bye\r\n").ok(),
                _ => "250 fine".to_owned(),
            };
        }
    }

    fn welcome(&self, to: &str) -> String {
        self.with(|s| {
            s.asked.push(to.to_owned());
            let refusal = s.refusals.iter().position(|(whom, _)| whom == to).map(|i| s.refusals.remove(i).1);
            refusal.unwrap_or("250 welcome").to_owned()
        })
    }
}

/// Up to the line with a dot alone (RFC 5321, section 4.5.2).
fn read_mail(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut raw = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        match line.as_slice() {
            b".\r\n" => return Some(raw),
            [b'.', rest @ ..] => raw.extend_from_slice(rest),
            _ => raw.extend_from_slice(&line),
        }
    }
}
