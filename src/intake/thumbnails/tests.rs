use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;
use crate::clock::Clock;
use crate::domain::{AttachmentId, PostId, ProjectKind, Role};
use crate::store::attachments::{AttachmentStatus, NewAttachment, Thumbnail};
use crate::store::discussions::Opening;
use crate::store::posts::{LineExtras, NewPost};
use crate::store::projects;

fn file(name: &str, content_type: &str, size: i64, from_line: bool) -> Attachment {
    Attachment {
        id: AttachmentId(1),
        post: PostId(1),
        name: name.into(),
        content_type: content_type.into(),
        size: Some(size),
        sha256: Some("00".into()),
        status: AttachmentStatus::Ready,
        inbox: from_line.then(|| "line/main".into()),
        message_id: from_line.then(|| "1".into()),
        attempts: 1,
        error: None,
        thumbnail: Thumbnail::default(),
    }
}

#[test]
fn pictures_are_known_by_type_and_else_by_name() {
    assert_eq!(source_of(&file("a", "image/jpeg", 9, true)), Some(Source::File));
    assert_eq!(source_of(&file("a", "IMAGE/PNG; name=x", 9, false)), Some(Source::File));
    assert_eq!(source_of(&file("照片.JPG", "application/octet-stream", 9, false)), Some(Source::File));
    assert_eq!(source_of(&file("a.jpg", "application/pdf", 9, false)), None);
    assert_eq!(source_of(&file("a.pdf", "application/octet-stream", 9, false)), None);
    assert_eq!(source_of(&file("a", "video/mp4", 9, true)), Some(Source::Preview));
    assert_eq!(source_of(&file("a", "video/mp4", 9, false)), None, "LINE knows nothing of a film that came by mail");
    assert_eq!(source_of(&file("a", "image/jpeg", 0, true)), None);
    assert_eq!(source_of(&file("a", "image/jpeg", i64::try_from(PICTURE_BYTES_MAX).unwrap() + 1, true)), None);
}

#[test]
fn what_the_command_says_is_read_back_and_nothing_else() {
    let small = Small { size: (4032, 3024), bytes: Bytes::from_static(b"\xff\xd8\nrest") };
    assert_eq!(Small::read(&small.write()), Some(small));
    for wrong in ["", "4 3", "4 3\n", "0 3\nx", "4\nx", "-4 3\nx", "4 3 2\nx", "99999999999 3\nx"] {
        assert_eq!(Small::read(wrong.as_bytes()), None, "{wrong:?}");
    }
}

#[test]
fn tries_come_slower_and_slower() {
    assert_eq!([0, 1, 2, 3, 9].map(|n| backoff(n).as_secs()), [5, 30, 180, 1080, 1080]);
}

/// A program that does what the shell is told instead.
fn program(folder: &tempfile::TempDir, script: &str) -> PathBuf {
    let path = folder.path().join("program");
    std::fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn told_to(script: &str, within: Duration) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let bytes = stream::iter((0..200).map(|_| Ok(Bytes::from_static(&[7; 10_000])))).boxed();
    shrink(&program(&folder, script), bytes, within).await
}

#[tokio::test]
async fn a_process_is_bounded_in_time_and_in_what_it_says_and_is_believed_only_when_it_succeeds() {
    const SOON: Duration = Duration::from_secs(20);
    let small = Small { size: (4, 3), bytes: Bytes::from_static(b"x") };
    assert_eq!(told_to("cat >/dev/null; printf '4 3\\nx'", SOON).await, Made::Small(small));
    // It ends before it has read everything.
    assert!(matches!(told_to("exit 3", SOON).await, Made::Never(_)));
    assert!(matches!(told_to("printf '4 3\\nx'; exit 1", SOON).await, Made::Never(_)));
    assert!(matches!(told_to("cat >/dev/null; yes", SOON).await, Made::Never(_)), "it says more than is heard");
    assert!(matches!(told_to("kill -ABRT $$", SOON).await, Made::Never(_)), "out of its own memory");
    assert!(matches!(told_to("kill -KILL $$", SOON).await, Made::Later(_)), "perhaps the machine was out of memory");
    assert!(matches!(told_to("exec sleep 100", Duration::from_millis(200)).await, Made::Later(_)));
    assert!(matches!(told_to("env | grep -q CARGO && exit 1; cat >/dev/null; printf '4 3\\nx'", SOON).await, Made::Small(_)));
    let nobody = shrink(Path::new("/nonexistent/program"), stream::empty().boxed(), SOON).await;
    assert!(matches!(nobody, Made::Later(_)));
}

#[tokio::test]
async fn a_store_that_breaks_off_is_no_fault_of_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = stream::iter([Ok(Bytes::from_static(b"x")), Err(anyhow::anyhow!("away"))]).boxed();
    let made = shrink(&program(&folder, "cat >/dev/null; exit 3"), bytes, Duration::from_secs(20)).await;
    assert!(matches!(made, Made::Later(_)), "{made:?}");
}

/// An installation with a picture in its record, whose program does what the shell is told.
async fn house(folder: &tempfile::TempDir, script: &str) -> (std::sync::Arc<App>, AttachmentId) {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:8080\"\n\
                [database]\nurl = \"sqlite://t.db\"\n[storage]\nurl = \"file://files\"\n";
    let clock = Clock::stopped("2026-11-21T06:05:00Z".parse().unwrap());
    let app = App::open_as(crate::config::parse(text, folder.path()).unwrap(), clock, program(folder, script)).await.unwrap();
    let now = app.clock.now();
    let kept = app.files.put(Bytes::from_static(b"a picture")).await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    let project = projects::add(&mut tx, "acme", "宏達", ProjectKind::Client, now).await.unwrap().unwrap();
    let opening = Opening { project, title: "t", chat: None, source: crate::domain::Source::Web, at: now };
    let discussion = discussions::open(&mut tx, &opening).await.unwrap().id;
    let post = NewPost {
        person: None,
        role: Role::Client,
        source: crate::domain::Source::Web,
        internal: false,
        chat: None,
        external_id: None,
        inbound: None,
        kind: "image",
        body: "",
        whole: None,
        evidence: "{}",
        at: now,
        line: LineExtras::default(),
    };
    let post = posts::add(&mut tx, discussion, &post, now).await.unwrap().unwrap();
    let new = NewAttachment {
        post,
        name: "a.jpg",
        content_type: "image/jpeg",
        size: Some(9),
        sha256: Some(&kept.sha256),
        status: AttachmentStatus::Ready,
        inbox: None,
        message_id: None,
        position: 0,
        due_at: now,
    };
    let id = attachments::add(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    (app, id)
}

async fn state_of(app: &App, id: AttachmentId) -> Thumbnail {
    attachments::find(&mut app.db.read().await.unwrap(), id).await.unwrap().unwrap().thumbnail
}

/// Waits until so many tries are counted.
async fn counted(app: &App, id: AttachmentId, tries: i64) {
    while state_of(app, id).await.attempts < tries {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_was_being_made_when_the_program_ended_is_made_at_the_next_start_but_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (app, id) = house(&folder, "exec sleep 100").await;
    for ended in 1..=ATTEMPTS_MAX {
        // Given up in the middle, as by a stop or a kill.
        tokio::select! {
            made = next(&app) => panic!("it sleeps: {made:?}"),
            waited = tokio::time::timeout(Duration::from_secs(20), counted(&app, id, ended)) => waited.expect("the try is counted"),
        }
        assert_eq!(state_of(&app, id).await.attempts, ended);
        assert!(!next(&app).await.unwrap(), "it is somebody's until the lease ends");
        let mut tx = app.db.begin().await.unwrap();
        attachments::free_leases(&mut tx, app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert!(next(&app).await.unwrap());
    let state = state_of(&app, id).await;
    assert!(state.at.is_some() && state.sha256.is_none(), "{state:?}");
    assert!(!next(&app).await.unwrap(), "there is nothing left to do");
}

#[tokio::test]
async fn a_picture_that_is_taken_back_while_its_small_one_is_made_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (app, id) = house(&folder, "cat >/dev/null; printf '4 3\\nsmall'").await;
    let attachment = attachments::find(&mut app.db.read().await.unwrap(), id).await.unwrap().unwrap();
    let mut tx = app.db.begin().await.unwrap();
    assert_eq!(attachments::withdraw(&mut tx, attachment.post, None).await.unwrap(), [attachment.sha256.clone().unwrap()]);
    tx.commit().await.unwrap();
    let made = of_file(&app, &attachment).await;
    let Made::Small(small) = &made else { panic!("{made:?}") };
    let sha256 = app.files.put(small.bytes.clone()).await.unwrap().sha256;
    record(&app, &attachment, made).await.unwrap();
    assert!(state_of(&app, id).await.sha256.is_none());
    assert!(app.files.read(&sha256).await.is_err());
}

#[tokio::test]
async fn a_small_picture_goes_with_the_last_post_that_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let (app, id) = house(&folder, "cat >/dev/null; printf '4 3\\nsmall'").await;
    assert!(next(&app).await.unwrap());
    let state = state_of(&app, id).await;
    assert_eq!(state.size, Some((4, 3)));
    let small = state.sha256.unwrap();
    assert_eq!(app.files.read(&small).await.unwrap(), Bytes::from_static(b"small"));
    let attachment = attachments::find(&mut app.db.read().await.unwrap(), id).await.unwrap().unwrap();
    let mut tx = app.db.begin().await.unwrap();
    let mut unused = attachments::withdraw(&mut tx, attachment.post, None).await.unwrap();
    tx.commit().await.unwrap();
    let mut both = [attachment.sha256.unwrap(), small];
    both.sort();
    unused.sort();
    assert_eq!(unused, both);
}
