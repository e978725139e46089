//! A Chromium without a window, driven over `WebDriver` (<https://www.w3.org/TR/webdriver2/>) through Debian's chromedriver.

use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::calls::Calls;
use crate::child::{Running, start, wait};

/// How long something may take to be on the page, and to hold still enough to be used.
const THERE_WITHIN: Duration = Duration::from_secs(15);
/// The key of an element's reference (`WebDriver`, "Elements").
const ELEMENT_KEY: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Errors of an element that may be usable a moment later; nothing has been done to it then.
const NOT_YET: [&str; 4] = ["no such element", "stale element reference", "element not interactable", "element click intercepted"];
/// What is shown of a page whose test failed, in characters.
const TEXT_SHOWN_CHARS_MAX: usize = 3000;

const FLAGS: [&str; 9] = [
    "--headless=new",
    // The tests run as root in containers, with little shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// The inside of a window, in CSS pixels.
#[derive(Clone, Copy)]
pub struct Size {
    pub width: i64,
    pub height: i64,
}

/// One browser with one window and a profile of its own.
pub struct Browser {
    calls: Calls,
    /// The session's address at the driver.
    session: String,
    /// Chromium's process.
    process: Option<u64>,
    /// What the console said until the last look.
    console: RefCell<Vec<Value>>,
    // Dropped in this order: the driver ends before its folder goes.
    _driver: Running,
    _home: TempDir,
}

impl Browser {
    #[track_caller]
    pub fn open(size: Size) -> Self {
        let calls = Calls::new();
        let home = TempDir::with_prefix("threadline-chromium.").expect("a temporary folder can be made");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stderr(Stdio::null()).env("HOME", home.path()).env("TMPDIR", home.path());
        for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        let (driver, port) = start(&mut command, |line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", home.path().join("profile").display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let sessions = format!("http://127.0.0.1:{port}/session");
        let made = ask(&calls, Method::POST, &sessions, Some(&wanted)).unwrap_or_else(|error| panic!("Chromium did not start: {error}"));
        let id = made["sessionId"].as_str().expect("a new session has an id");
        let browser = Self {
            session: format!("{sessions}/{id}"),
            process: made["capabilities"]["goog:processID"].as_u64(),
            calls,
            console: RefCell::default(),
            _driver: driver,
            _home: home,
        };
        browser.resize(size);
        browser
    }

    /// Makes the window's inside as large as this.
    #[track_caller]
    fn resize(&self, size: Size) {
        let inside = || (self.js("return innerWidth", &json!([])).as_i64(), self.js("return innerHeight", &json!([])).as_i64());
        self.post("window/rect", &json!({"width": size.width, "height": size.height}));
        // The window has a frame, though nobody sees it.
        let frame = size.height - inside().1.unwrap_or(size.height);
        self.post("window/rect", &json!({"width": size.width, "height": size.height + frame}));
        wait("the window has its size", THERE_WITHIN, || match inside() {
            (Some(width), Some(height)) if (width, height) == (size.width, size.height) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    fn command(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        ask(&self.calls, method, &format!("{}/{path}", self.session), body)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.command(Method::POST, path, Some(body)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Opens an address and waits until it has loaded.
    #[track_caller]
    pub fn go(&self, url: &str) {
        self.post("url", &json!({"url": url}));
    }

    /// Path and query of the page's address.
    #[track_caller]
    pub fn path(&self) -> String {
        self.js("return location.pathname + location.search", &json!([])).as_str().unwrap_or_default().to_owned()
    }

    /// What a script on the page returns; `arguments` is an array.
    #[track_caller]
    pub fn js(&self, script: &str, arguments: &Value) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// What a script on the page returns once that is neither `null`, `false` nor empty. A page that is being left is none.
    #[track_caller]
    pub fn wait_js(&self, what: &str, within: Duration, script: &str, arguments: &Value) -> Value {
        wait(what, within, || {
            let seen = self.command(Method::POST, "execute/sync", Some(&json!({"script": script, "args": arguments})))?;
            if seen.is_null() || seen == false || seen == "" { Err(seen.to_string()) } else { Ok(seen) }
        })
    }

    /// Waits until an element shows this text.
    #[track_caller]
    pub fn wait_text(&self, css: &str, text: &str) {
        let script = "return [...document.querySelectorAll(arguments[0])].some((e) => e.innerText.includes(arguments[1]))";
        self.wait_js(&format!("{css} shows {text:?}"), THERE_WITHIN, script, &json!([css, text]));
    }

    /// Waits until the page's address has this path and query.
    #[track_caller]
    pub fn wait_path(&self, path: &str) {
        let script = "return location.pathname + location.search === arguments[0] && document.readyState === 'complete'";
        self.wait_js(&format!("the address is {path}"), THERE_WITHIN, script, &json!([path]));
    }

    /// Does something to the first such element, once it is there and can be used.
    #[track_caller]
    fn on(&self, css: &str, act: &str, body: &Value) {
        wait(&format!("{css} can be used"), THERE_WITHIN, || {
            let done = self.command(Method::POST, "element", Some(&json!({"using": "css selector", "value": css}))).and_then(|found| {
                let id = found[ELEMENT_KEY].as_str().unwrap_or_default();
                self.command(Method::POST, &format!("element/{id}/{act}"), Some(body))
            });
            match done {
                Ok(_) => Ok(()),
                Err(error) if NOT_YET.iter().any(|e| error.starts_with(e)) => Err(error),
                Err(error) => panic!("{css}: {error}"),
            }
        });
    }

    /// Clicks in the middle of an element.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.on(css, "click", &json!({}));
    }

    /// Types into a field, after what is in it.
    #[track_caller]
    pub fn type_in(&self, css: &str, text: &str) {
        self.on(css, "value", &json!({"text": text}));
    }

    /// Empties a field and types into it.
    #[track_caller]
    pub fn retype(&self, css: &str, text: &str) {
        self.on(css, "clear", &json!({}));
        self.type_in(css, text);
    }

    /// Chooses in a list.
    #[track_caller]
    pub fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value='{value}']"));
    }

    /// Whether nothing on the page is wider than the window. What stands out is named where something is.
    #[track_caller]
    pub fn assert_fits(&self, page: &str) {
        let script = "
            const wide = document.documentElement.scrollWidth;
            if (wide <= innerWidth) return null;
            const out = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5);
            return `${wide} px in ${innerWidth}: ` + out.slice(0, 8).map((e) => `${e.tagName}#${e.id}.${e.className}`).join(' ');";
        let standing_out = self.js(script, &json!([]));
        assert!(standing_out.is_null(), "{page} does not fit: {standing_out}");
    }

    /// Everything that the console said.
    fn console(&self) -> Vec<Value> {
        if let Ok(Value::Array(new)) = self.command(Method::POST, "se/log", Some(&json!({"type": "browser"}))) {
            self.console.borrow_mut().extend(new);
        }
        self.console.borrow().clone()
    }

    /// Fails the test if the console has an error that holds none of the `expected` words. That a site has no icon is no error.
    #[track_caller]
    pub fn assert_no_console_error(&self, expected: &[&str]) {
        let said = self.console();
        let is_known = |text: &str| text.contains("favicon.ico") || expected.iter().any(|e| text.contains(e));
        let errors: Vec<&Value> =
            said.iter().filter(|m| m["level"] == "SEVERE" && !is_known(m["message"].as_str().unwrap_or_default())).collect();
        assert!(errors.is_empty(), "the console has errors: {errors:#?}");
    }

    /// What a failed test leaves to its reader.
    fn tell(&self) {
        let script = "return `${location.href}\\n${document.body?.innerText ?? ''}`";
        let page = self.command(Method::POST, "execute/sync", Some(&json!({"script": script, "args": []})));
        let text = page.unwrap_or_else(Value::String);
        eprintln!("-- the page:\n{}", text.as_str().unwrap_or_default().chars().take(TEXT_SHOWN_CHARS_MAX).collect::<String>());
        eprintln!("-- the browser's console:");
        for message in self.console() {
            eprintln!("{} {}", message["level"].as_str().unwrap_or_default(), message["message"].as_str().unwrap_or_default());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
        // The driver ends Chromium; where it cannot, Chromium would outlive it.
        let Err(error) = ask(&self.calls, Method::DELETE, &self.session, None) else { return };
        eprintln!("the browser's session did not end: {error}");
        if let Some(process) = self.process
            && let Err(error) = Command::new("kill").args(["-KILL", &process.to_string()]).status()
        {
            eprintln!("Chromium, process {process}, could not be ended: {error}");
        }
    }
}

/// The value of the driver's answer, or its error: the code, then the message's first line.
fn ask(calls: &Calls, method: Method, url: &str, body: Option<&Value>) -> Result<Value, String> {
    let (status, mut answer) = calls.call(method, url, None, body).map_err(|error| format!("the driver did not answer: {error}"))?;
    let value = answer["value"].take();
    if status == 200 {
        return Ok(value);
    }
    let text = |key: &str| value[key].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    Err(format!("{}: {}", text("error"), text("message")))
}
