//! A provider of access tokens (RFC 6749), and the place where a mail server looks them up. It stands alone, so that the unit tests
//! can use it as well.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the provider knows and does.
#[derive(Debug)]
pub struct Provider {
    /// The one refresh token that is good.
    pub refresh_token: String,
    /// Whether each grant puts another in its place.
    pub rotates: bool,
    /// What it says of a token's life, in seconds.
    pub life: Option<u64>,
    /// Access tokens that are good.
    pub good: Vec<String>,
    /// Every request's form.
    pub asked: Vec<String>,
    /// Answered instead of a grant: status line and body.
    pub instead: Option<(String, String)>,
    pub delay: Duration,
    /// Whose tokens they are.
    pub user: String,
    granted: usize,
}

#[derive(Clone)]
pub struct TokenServer {
    port: u16,
    provider: Arc<Mutex<Provider>>,
}

impl TokenServer {
    /// Serves until the process ends.
    pub fn start(user: &str, refresh_token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let provider = Provider {
            refresh_token: refresh_token.to_owned(),
            rotates: false,
            life: Some(3600),
            good: vec![],
            asked: vec![],
            instead: None,
            delay: Duration::ZERO,
            user: user.to_owned(),
            granted: 0,
        };
        let server = Self { port, provider: Arc::new(Mutex::new(provider)) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.answer(stream));
            }
        });
        server
    }

    pub fn token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    pub fn tokeninfo_url(&self) -> String {
        format!("http://127.0.0.1:{}/tokeninfo?access_token=", self.port)
    }

    /// Looks at the provider, or changes it.
    pub fn with<T>(&self, look: impl FnOnce(&mut Provider) -> T) -> T {
        look(&mut self.provider.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut request = String::new();
        stream.read_line(&mut request).ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let (name, value) = line.split_once(':').unwrap_or((line.trim(), ""));
            if name.is_empty() {
                break;
            }
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let (status, text) = if request.starts_with("POST /token ") {
            self.grant(&String::from_utf8_lossy(&body))
        } else {
            let token = request.split("access_token=").nth(1).and_then(|t| t.split_whitespace().next()).unwrap_or_default();
            self.look_up(token)
        };
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
        stream.get_mut().write_all((head + &text).as_bytes()).ok()
    }

    fn grant(&self, form: &str) -> (String, String) {
        let delay = self.with(|p| {
            p.asked.push(form.to_owned());
            p.delay
        });
        std::thread::sleep(delay);
        self.with(|p| {
            if let Some(instead) = p.instead.clone() {
                return instead;
            }
            let given = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
            if given != Some(p.refresh_token.as_str()) {
                let refusal = r#"{"error": "invalid_grant", "error_description": "The refresh token is\r\nno good."}"#;
                return ("400 Bad Request".to_owned(), refusal.to_owned());
            }
            p.granted += 1;
            let token = format!("access-{}", p.granted);
            p.good.push(token.clone());
            let life = p.life.map_or_else(String::new, |life| format!(r#", "expires_in": {life}"#));
            let mut rotated = String::new();
            if p.rotates {
                p.refresh_token = format!("refresh-{}", p.granted + 1);
                rotated = format!(r#", "refresh_token": "{}""#, p.refresh_token);
            }
            ("200 OK".to_owned(), format!(r#"{{"access_token": "{token}", "token_type": "Bearer"{life}{rotated}}}"#))
        })
    }

    fn look_up(&self, token: &str) -> (String, String) {
        self.with(|p| {
            if p.good.iter().any(|good| good == token) {
                ("200 OK".to_owned(), format!(r#"{{"email": "{}", "expires_in": 60}}"#, p.user))
            } else {
                ("400 Bad Request".to_owned(), r#"{"error": "invalid_token"}"#.to_owned())
            }
        })
    }
}
