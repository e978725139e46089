//! Downloads.

use super::*;

#[tokio::test]
async fn content_is_ready_after_a_while_and_gone_after_an_unsend() {
    let w = world().await;
    let upload = Upload { not_ready: 2, ..Upload::new("image/jpeg", vec![7; 300]) };
    let picture = w.platform.image(&w.group, Some(&w.amy), upload);
    let path = format!("/v2/bot/message/{}/content", picture.message_id());
    assert_eq!([w.get(&path).await.status, w.get(&path).await.status], [202, 202]);
    let ready = w.get(&path).await;
    assert_eq!((ready.status, ready.headers["content-type"].to_str().unwrap(), ready.json), (200, "image/jpeg", json!({"octets": 300})));
    assert_eq!(w.get("/v2/bot/message/1/content").await.status, 404);
    assert_eq!(w.get(&format!("/v2/bot/message/{}/content", w.says("字").message_id())).await.status, 404);
    let gone = w.platform.unsend(picture.message_id());
    assert!(gone.reply_token.is_none() && gone.json.get("replyToken").is_none());
    assert_eq!(w.get(&path).await.status, 410);
}

#[tokio::test]
async fn a_download_can_break_off_half_way() {
    let w = world().await;
    let file = w.platform.file(&w.group, Some(&w.amy), "報價單.pdf", Upload::new("application/pdf", vec![1; 4_000]));
    w.platform.fault(Fault::once(Endpoint::Content, FaultKind::HalfBody));
    let url = format!("{}/v2/bot/message/{}/content", w.url, file.message_id());
    let token = w.platform.settings().access_token.expose();
    let answer = w.http.get(&url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.content_length(), Some(4_000));
    assert!(answer.bytes().await.is_err());
    assert_eq!(w.http.get(&url).bearer_auth(token).send().await.unwrap().bytes().await.unwrap().len(), 4_000);
}

/// Reference, "Getting content": each refusal in LINE's words.
#[tokio::test]
async fn content_is_refused_in_lines_words() {
    let w = world().await;
    let asked = async |message: &str, what: &str| {
        let answer = w.get(&format!("/v2/bot/message/{message}/content{what}")).await;
        (answer.status, answer.json["message"].as_str().unwrap_or_default().to_owned())
    };
    let picture = w.platform.image(&w.group, Some(&w.amy), Upload::new("image/jpeg", "picture"));
    let film = w.platform.video(&w.group, Some(&w.amy), Upload::new("video/mp4", "film"));
    let sound = w.platform.audio(&w.group, Some(&w.amy), Upload { not_ready: 1, ..Upload::new("audio/mp4", "sound") });
    let broken = w.platform.video(&w.group, None, Upload { transcoding_fails: true, ..Upload::new("video/mp4", "broken") });
    let [picture, film, sound, broken] = [&picture, &film, &sound, &broken].map(|e| e.message_id().as_str());
    assert_eq!(asked("1", "").await, (404, "not found".to_owned()));
    assert_eq!(asked("1", "/preview").await, (404, "not found".to_owned()));
    assert_eq!(asked(sound, "/preview").await, (400, "The content can not be previewed".to_owned()));
    assert_eq!(asked(picture, "/transcoding").await, (400, "Transcoding status doesn't support this type of content".to_owned()));
    for (message, status) in [(film, "succeeded"), (sound, "processing"), (broken, "failed")] {
        let path = format!("/v2/bot/message/{message}/content/transcoding");
        assert_eq!(w.get(&path).await.json, json!({"status": status}));
    }
    assert_eq!(asked(broken, "").await.0, 202);
    assert_eq!((asked(sound, "").await.0, asked(sound, "").await.0), (202, 200));
    w.platform.unsend(&film.into());
    for what in ["", "/preview", "/transcoding"] {
        assert_eq!(asked(film, what).await, (410, "The content is gone".to_owned()), "{what}");
    }
    w.platform.delete_content(&picture.into());
    assert_eq!(asked(picture, "").await, (404, "not found".to_owned()));
}

/// Reference, "Get a preview image of the image or video": an image, for a film too.
#[tokio::test]
async fn a_preview_is_an_image() {
    let w = world().await;
    let preview = async |event: Event| {
        let answer = w.get(&format!("/v2/bot/message/{}/content/preview", event.message_id())).await;
        (answer.headers["content-type"].to_str().unwrap().to_owned(), answer.json["octets"].as_u64())
    };
    assert_eq!(preview(w.platform.image(&w.group, None, Upload::new("image/jpeg", "picture"))).await, ("image/jpeg".to_owned(), Some(7)));
    let small = Some(("image/jpeg".to_owned(), Bytes::from_static(b"small")));
    let own = Upload { preview: small, ..Upload::new("video/mp4", "film") };
    assert_eq!(preview(w.platform.video(&w.group, None, own)).await, ("image/jpeg".to_owned(), Some(5)));
    let film = preview(w.platform.video(&w.group, None, Upload::new("video/mp4", "film"))).await;
    assert!(film.0 == "image/png" && film.1 > Some(60), "{film:?}");
}

/// LINE news of 2026-02-03: for an hour and a half good requests for content were answered with 400.
#[tokio::test]
async fn content_can_be_refused_for_a_while() {
    let w = world().await;
    let picture = w.platform.image(&w.group, None, Upload::new("image/jpeg", "picture"));
    w.platform.fault(Fault::times(Endpoint::Content, FaultKind::Status(400), 2));
    let path = format!("/v2/bot/message/{}/content", picture.message_id());
    assert_eq!([w.get(&path).await.status, w.get(&path).await.status, w.get(&path).await.status], [400, 400, 200]);
}

/// Reference, "Get content": what was sent is deleted after a while. Here: the oldest, where all together are too large.
#[tokio::test]
async fn what_people_send_is_kept_within_bounds() {
    let w = world().await;
    let large = Bytes::from(vec![0; super::kept::CONTENT_BYTES_KEPT_MAX / 2 + 1]);
    let send = || w.platform.file(&w.group, None, "a", Upload::new("application/zip", large.clone()));
    let (first, second) = (send(), send());
    assert!(w.platform.content(first.message_id()).is_none());
    assert_eq!(w.platform.content(second.message_id()).map(|c| c.0.len()), Some(large.len()));
    assert_eq!(w.get(&format!("/v2/bot/message/{}/content", first.message_id())).await.status, 404);
}
