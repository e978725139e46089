//! A film of the length of a meeting: through the program to the store, and back in parts.
//!
//! With `THREADLINE_TEST_S3=http://127.0.0.1:9000` the store is the bucket `files` of that S3-compatible server (keys `test`, `test`).

use std::fs;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use threadline::simulator::{Platform, Settings, Upload};

use crate::support::api::Api;
use crate::support::database::Database;
use crate::support::mail::MailDrop;
use crate::support::program::{self, Server};
use crate::support::waiting::eventually_within;
use crate::support::{ACCOUNT, Setup, config_text, posts};

/// The most that is kept if the operator says nothing.
const OCTETS: u64 = 300 * 1024 * 1024;
/// What the program may hold more at its peak than before; three parts of 8 MiB for the store are the most of it.
const GROWTH_BYTES_MAX: u64 = 96 * 1024 * 1024;
const FETCHED_WITHIN: Duration = Duration::from_mins(4);

fn storage() -> String {
    match std::env::var("THREADLINE_TEST_S3") {
        Ok(endpoint) => {
            format!("url = \"s3://files/test\"\nendpoint = \"{endpoint}\"\naccess_key_id = \"test\"\nsecret_access_key = \"test\"\n")
        }
        Err(_) => "url = \"file://files\"\n".to_owned(),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn three_hundred_megabytes_go_to_the_store_and_back_without_being_held_in_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let settings = Settings { redeliver: true, ..Settings::default() };
        let (line, line_url) = Platform::start_with(settings.clone()).await;
        let database = Database::new(folder.path()).await;
        let _mail = MailDrop::new(folder.path());
        let config = folder.path().join("bot-config.toml");
        let text = config_text(&Setup::default(), database.url(), &line_url, &settings).replace("url = \"file://files\"\n", &storage());
        fs::write(&config, text).expect("the configuration can be written");
        let server = Server::start(&config, &folder.path().join("serve.log")).await;
        let api = Api::new(&server.base, &program::account(&config, "boss@example.com", "老闆", true).await);
        line.set_webhook(&format!("{}/webhooks/line/{ACCOUNT}", server.base));
        api.post("/projects", &json!({"key": "alpha", "name": "甲"})).await.expect(201);
        let client = line.person("林小姐");
        let chat = line.group("林宅裝修", std::slice::from_ref(&client));
        api.put("/projects/alpha/line-groups", &json!({"channel": ACCOUNT, "group_id": chat.as_str()})).await.expect(200);

        let before = server.peak_memory_bytes();
        let began = Instant::now();
        line.deliver(&[line.file(&chat, Some(&client), "會議錄影.mp4", Upload::faucet("video/mp4", OCTETS))]).await;
        let file = eventually_within(FETCHED_WITHIN, "it is in the store", async || {
            let answer = api.get("/discussions/1").await;
            if answer.status == 200 { posts(&answer.body)[0]["attachments"].get(0).cloned() } else { None }
        })
        .await;
        let (fetched, took) = (server.peak_memory_bytes(), began.elapsed());
        assert_eq!([&file["size"], &file["name"]], [&json!(OCTETS), &json!("會議錄影.mp4")]);
        read_back(&api, &file).await;
        let after = server.peak_memory_bytes();
        println!(
            "peak memory (VmHWM): {} kB before, {} kB once {OCTETS} octets were kept ({:.1} s), {} kB once they were read back",
            before / 1024,
            fetched / 1024,
            took.as_secs_f64(),
            after / 1024
        );
        assert!(after < before + GROWTH_BYTES_MAX, "from {before} to {after} octets");
        server.stop().await;
        database.drop().await;
    });
}

/// The end of it, then all of it; each chunk of 64 KiB begins with its number.
async fn read_back(api: &Api, file: &Value) {
    const CHUNK: u64 = 64 * 1024;
    let url = file["url"].as_str().expect("a file has a link");
    let last = OCTETS / CHUNK - 1;
    let range = format!("bytes={}-{}", last * CHUNK, last * CHUNK + 7);
    let end = api.file_with(Method::GET, url, &[("range", &range)]).await;
    assert_eq!((end.status, end.bytes.as_slice()), (206, last.to_be_bytes().as_slice()));
    let whole = api.file(url).await;
    assert_eq!((whole.status, whole.bytes.len() as u64), (200, OCTETS));
    let numbers = whole.bytes.chunks(usize::try_from(CHUNK).expect("it is small")).map(|chunk| chunk[..8].to_vec());
    assert!(numbers.eq((0..=last).map(|n| n.to_be_bytes().to_vec())), "every chunk is in its place");
}
