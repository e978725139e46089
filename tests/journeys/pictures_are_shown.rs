//! Pictures get a small one beside them, upright and without what the camera wrote; what cannot be read harms nobody.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};
use threadline::simulator::{Endpoint, Fault, FaultKind, Upload};

use crate::support::api::File;
use crate::support::{SUPPORT, TestApp, eventually, journey, posts, stays};

/// Red above, blue below, and held so that the red side is on the right (Exif 2.32, 4.6.4: orientation 6).
fn photo() -> Vec<u8> {
    let pixels = RgbImage::from_fn(1200, 800, |_, y| if y < 400 { Rgb([220, 0, 0]) } else { Rgb([0, 0, 220]) });
    let mut jpeg = vec![];
    JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&pixels).expect("it can be written");
    let exif = b"\xff\xe1\0\x2fExif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0taken at home";
    [&jpeg[..2], exif, &jpeg[2..]].concat()
}

/// The first file of each post, once each that is kept has its small picture or none for good.
async fn shown(t: &TestApp, count: usize) -> Vec<Value> {
    eventually("the small pictures are made", async || {
        let answer = t.api.get("/discussions/1").await;
        if answer.status != 200 {
            return None;
        }
        let files: Vec<Value> = posts(&answer.body).iter().filter_map(|p| p["attachments"].get(0).cloned()).collect();
        (files.len() == count && files.iter().all(|f| f["thumbnail_url"].is_string())).then_some(files)
    })
    .await
}

async fn small(t: &TestApp, file: &Value) -> File {
    t.api.file(file["thumbnail_url"].as_str().expect("it has a small picture")).await
}

/// Files in the store.
fn kept(t: &TestApp) -> usize {
    let folders = std::fs::read_dir(t.folder().join("files")).expect("the store is a folder").filter_map(Result::ok);
    folders.map(|folder| std::fs::read_dir(folder.path()).map_or(1, Iterator::count)).sum()
}

#[test]
fn a_photo_is_shown_small_and_upright_and_its_original_stays_as_it_is() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let photo = photo();
        let event = t.line.image(&chat, Some(&lin), Upload::new("image/jpeg", photo.clone()));
        t.deliver(&event).await;
        let file = shown(t, 1).await.remove(0);
        assert_eq!([&file["width"], &file["height"]], [800, 1200]);
        let got = small(t, &file).await;
        assert_eq!((got.status, got.header("content-type"), got.header("x-content-type-options")), (200, "image/jpeg", "nosniff"));
        assert!(got.header("cache-control").starts_with("private"));
        let picture = image::load_from_memory(&got.bytes).expect("it is a picture").to_rgb8();
        assert_eq!(picture.dimensions(), (320, 480));
        let (left, right) = (picture.get_pixel(20, 240).0, picture.get_pixel(300, 240).0);
        assert!(right[0] > 150 && right[2] < 80 && left[2] > 150 && left[0] < 80, "{left:?} {right:?}");
        assert!(!got.bytes.windows(4).any(|b| b == b"Exif" || b == b"home"));
        assert!(t.api.file(file["url"].as_str().expect("it has a link")).await.bytes == photo);
        let again = t
            .api
            .file_with(Method::GET, file["thumbnail_url"].as_str().expect("it has one"), &[("if-none-match", got.header("etag"))])
            .await;
        assert_eq!((again.status, again.bytes.len()), (304, 0));

        // For whoever may see the post, and while there is one.
        t.project("beta").await;
        let eve = t.client_with_token("beta", "eve@evil.example").await;
        let url = file["thumbnail_url"].as_str().expect("it has one");
        assert_eq!([eve.file(url).await.status, t.api.with_token("").file(url).await.status], [404, 404]);
        assert_eq!(kept(t), 2);
        let unsend = t.line.unsend(event.message_id());
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        assert_eq!(t.api.file(url).await.status, 404);
        eventually("both are gone", async || (kept(t) == 0).then_some(())).await;
    });
}

#[test]
fn what_is_no_picture_or_would_burst_is_kept_and_goes_without() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        // A PNG that says it has 1.6 thousand million pixels, a beginning of one, and nothing at all.
        let mut bomb = Cursor::new(vec![]);
        RgbImage::new(1, 1).write_to(&mut bomb, ImageFormat::Png).expect("it can be written");
        let mut bomb = bomb.into_inner();
        bomb[16..24].copy_from_slice(&[0, 0, 0x9c, 0x40, 0, 0, 0x9c, 0x40]);
        for bytes in [bomb, b"\x89PNG\r\n\x1a\n".to_vec(), vec![]] {
            let event = t.line.image(&chat, Some(&lin), Upload::new("image/png", bytes));
            t.deliver(&event).await;
            t.settled(&event.id).await;
        }
        // The next one is not held up by them.
        let event = t.line.image(&chat, Some(&lin), Upload::new("image/jpeg", photo()));
        t.deliver(&event).await;
        let files = eventually("the last one is made", async || {
            let found = t.discussion(1).await;
            let files: Vec<Value> = posts(&found).iter().filter_map(|p| p["attachments"].get(0).cloned()).collect();
            (files.len() == 4 && files[3]["thumbnail_url"].is_string()).then_some(files)
        })
        .await;
        for file in &files[..3] {
            assert_eq!(file["thumbnail_url"], Value::Null, "{file}");
            assert_eq!(t.api.file(file["url"].as_str().expect("it has a link")).await.status, 200);
        }
        stays("nothing is made of them", async || {
            posts(&t.discussion(1).await)[..3].iter().all(|p| p["attachments"][0]["thumbnail_url"].is_null())
        })
        .await;
    });
}

#[test]
fn a_film_is_shown_by_lines_preview_of_it() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        // LINE may still be making it.
        t.line.fault(Fault::once(Endpoint::Preview, FaultKind::Status(202)));
        let mut preview = vec![];
        JpegEncoder::new(&mut preview).encode_image(&RgbImage::new(320, 180)).expect("it can be written");
        let sent = Upload { preview: Some(("image/jpeg".into(), preview.into())), ..Upload::new("video/mp4", vec![1; 50_000]) };
        let event = t.line.video(&chat, Some(&lin), sent);
        t.deliver(&event).await;
        let file = shown(t, 1).await.remove(0);
        assert_eq!([&file["width"], &file["height"]], [320, 180]);
        let picture = image::load_from_memory(&small(t, &file).await.bytes).expect("it is a picture");
        assert_eq!((picture.width(), picture.height()), (320, 180));
        assert_eq!(t.line.requests(Endpoint::Preview).len(), 2);
    });
}

#[test]
fn a_picture_that_came_by_mail_has_a_small_one_too() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", "@client.example").await;
        let encoded = base64(&photo());
        let raw = format!(
            "From: Lin <lin@client.example>\r\nTo: {SUPPORT}\r\nSubject: photo\r\nMessage-ID: <photo-1@client.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhere\r\n--b\r\n\
             Content-Type: application/octet-stream; name=\"IMG_1.JPG\"\r\nContent-Disposition: attachment; filename=\"IMG_1.JPG\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
        );
        t.mail.arrives_raw(raw.as_bytes()).await;
        let file = shown(t, 1).await.remove(0);
        assert_eq!([&file["name"], &file["width"], &file["height"]], [&json!("IMG_1.JPG"), &json!(800), &json!(1200)]);
        assert_eq!(small(t, &file).await.header("content-type"), "image/jpeg");
    });
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let whole = base64::engine::general_purpose::STANDARD.encode(bytes);
    whole.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("it is ASCII")).collect::<Vec<_>>().join("\r\n")
}
