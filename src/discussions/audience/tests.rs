use std::sync::Arc;

use super::*;
use crate::clock::Clock;
use crate::domain::{Channel, DiscussionId, ProjectKind};
use crate::store::discussions::Opening;
use crate::store::listening::Whose;
use crate::store::{discussions, projects};
use crate::{App, config};

/// A project with three colleagues and one discussion.
struct Scene {
    app: Arc<App>,
    discussion: Discussion,
    lin: PersonId,
    wang: PersonId,
    chen: PersonId,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:8080\"\n[database]\nurl = \"sqlite://t.db\"\n\
                    [storage]\nurl = \"file://files\"\n[smtp]\nurl = \"maildir://out\"\nfrom = \"Support <support@example.com>\"\n";
        let clock = Clock::stopped("2026-11-25T02:05:00Z".parse::<Timestamp>().unwrap());
        let app = App::open(config::parse(text, folder.path()).unwrap(), clock).await.unwrap();
        let now = app.clock.now();
        let mut tx = app.db.begin().await.unwrap();
        let project = projects::add(&mut tx, "acme", "宏達", ProjectKind::Client, now).await.unwrap().unwrap();
        let mut people = vec![];
        for name in ["lin", "wang", "chen"] {
            let person = persons::find_or_add(&mut tx, Channel::Email, &format!("{name}@example.com"), name, now).await.unwrap().id;
            members::put(&mut tx, project, person, Role::Staff).await.unwrap();
            people.push(person);
        }
        let opening = Opening { project, title: "大門", chat: None, source: Source::Web, at: now };
        let discussion = discussions::open(&mut tx, &opening).await.unwrap();
        tx.commit().await.unwrap();
        Self { app, discussion, lin: people[0], wang: people[1], chen: people[2], _folder: folder }
    }

    /// The kinds that wait to be told to the person about the discussion.
    async fn waiting(&self, person: PersonId, discussion: DiscussionId) -> Vec<(NoticeKind, Option<String>)> {
        let mut c = self.app.db.read().await.unwrap();
        let all = notices::of_mail(&mut c, person, discussion, 10).await.unwrap();
        all.into_iter().map(|n| (n.kind, n.detail)).collect()
    }
}

#[tokio::test]
async fn who_is_to_do_a_task_hears_of_it_however_they_listen_and_its_maker_does_not() {
    let scene = Scene::new().await;
    let Scene { app, discussion, lin, wang, chen, .. } = &scene;
    let mut tx = app.db.begin().await.unwrap();
    for person in [*wang, *chen] {
        listening::set(&mut tx, Whose::Person(person), NoticeKind::Task, Some(Way::Web)).await.unwrap();
    }
    let news = TaskNews { kind: NoticeKind::Task, what: "換電池", of: Some(*wang), by: Some(*lin) };
    tell_task(&mut tx, app, discussion, &news).await.unwrap();
    let due = TaskNews { kind: NoticeKind::TaskDue, what: "換電池", of: Some(*wang), by: None };
    tell_task(&mut tx, app, discussion, &due).await.unwrap();
    tx.commit().await.unwrap();
    let what = |kind: NoticeKind| (kind, Some("換電池".to_owned()));
    assert_eq!(scene.waiting(*lin, discussion.id).await, [what(NoticeKind::TaskDue)]);
    assert_eq!(scene.waiting(*wang, discussion.id).await, [what(NoticeKind::Task), what(NoticeKind::TaskDue)]);
    assert_eq!(scene.waiting(*chen, discussion.id).await, [what(NoticeKind::TaskDue)]);
}

#[tokio::test]
async fn who_is_given_a_discussion_that_is_given_on_at_once_hears_nothing() {
    let scene = Scene::new().await;
    let Scene { app, discussion, lin, wang, chen, .. } = &scene;
    let mut tx = app.db.begin().await.unwrap();
    let by = By { person: Some(*lin), via: Source::Web };
    tell_assigned(&mut tx, app, discussion, by, Some((*wang, "wang"))).await.unwrap();
    tell_assigned(&mut tx, app, discussion, by, Some((*chen, "chen"))).await.unwrap();
    tell_assigned(&mut tx, app, discussion, By { person: Some(*wang), ..by }, Some((*wang, "wang"))).await.unwrap();
    tx.commit().await.unwrap();
    for person in [*lin, *wang, *chen] {
        assert!(scene.waiting(person, discussion.id).await.is_empty());
    }
    let mut tx = app.db.begin().await.unwrap();
    tell_assigned(&mut tx, app, discussion, by, Some((*chen, "chen"))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(scene.waiting(*chen, discussion.id).await, [(NoticeKind::Assigned, Some("chen".to_owned()))]);
}
