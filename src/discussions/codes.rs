//! Codes that a colleague makes on a page and types once into a LINE chat.

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::bind::bind_chat;
use super::link::{Linking, link};
use crate::App;
use crate::domain::{CODE_ALPHABET, CODE_CHARS, CODE_GOOD_FOR, CodePurpose, LineUserId, PersonId, ProjectId, Reply, Role};
use crate::files::hex;
use crate::store::chats::Chat;
use crate::store::codes::{NewCode, Taken};
use crate::store::{Result, Tx, codes, members, persons, projects};

/// After so many wrong codes in [`WRONG_WITHIN`] a chat's codes are not looked at.
const WRONG_CODES_MAX: i64 = 5;
const WRONG_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Makes a code, as it is shown: `K7QF-3M9T`. It is kept nowhere but as a hash.
pub async fn make_code(tx: &mut Tx, app: &App, purpose: CodePurpose, person: PersonId, project: Option<ProjectId>) -> Result<String> {
    // 256 is a multiple of 32: no character is likelier than another.
    let code: String =
        rand::random::<[u8; CODE_CHARS]>().iter().map(|b| char::from(CODE_ALPHABET[usize::from(*b) % CODE_ALPHABET.len()])).collect();
    let now = app.clock.now();
    let digest = digest(&code);
    codes::put(tx, &NewCode { digest: &digest, purpose, person, project, now, expires_at: now + CODE_GOOD_FOR }).await?;
    let (left, right) = code.split_at(CODE_CHARS / 2);
    Ok(format!("{left}-{right}"))
}

fn digest(code: &str) -> String {
    hex(&Sha256::digest(code.as_bytes()))
}

/// Whether a plain code waits to be typed by somebody who says who they are, in a chat that may still try.
pub async fn is_waiting_link(tx: &mut Tx, app: &App, chat: &Chat, code: &str) -> Result<bool> {
    let now = app.clock.now();
    if codes::wrong_since(tx, chat.id, now - WRONG_WITHIN).await? >= WRONG_CODES_MAX {
        return Ok(false);
    }
    let waits = codes::waits(tx, &digest(code), CodePurpose::Link, now).await?;
    if !waits {
        codes::add_wrong(tx, chat.id, now).await?;
    }
    Ok(waits)
}

/// Does what a typed code is good for; what the bot answers, `None` where the chat has typed too many wrong ones. Any code is used up by
/// being typed: others have read it. `alone`: nobody but its author reads the chat.
pub async fn use_code(
    tx: &mut Tx,
    app: &App,
    chat: &Chat,
    (purpose, code): (CodePurpose, Option<&str>),
    author: Option<&LineUserId>,
    alone: bool,
) -> Result<Option<Reply>> {
    let now = app.clock.now();
    if codes::wrong_since(tx, chat.id, now - WRONG_WITHIN).await? >= WRONG_CODES_MAX {
        return Ok(None);
    }
    let taken = match code {
        Some(code) => codes::take(tx, &digest(code), now).await?,
        None => None,
    };
    if purpose == CodePurpose::Link && !alone {
        return Ok(Some(Reply::NotHere {}));
    }
    let Some(taken) = taken.filter(|t| t.purpose == purpose) else {
        codes::add_wrong(tx, chat.id, now).await?;
        return Ok(Some(Reply::NoSuchCode {}));
    };
    Ok(Some(match purpose {
        CodePurpose::Bind => bind(tx, app, chat, &taken).await?,
        CodePurpose::Link => match author {
            Some(user) => link_to(tx, app, user, taken.person).await?,
            None => Reply::NoSuchCode {},
        },
    }))
}

async fn bind(tx: &mut Tx, app: &App, chat: &Chat, taken: &Taken) -> Result<Reply> {
    let Some(project) = taken.project else { return Ok(Reply::NoSuchCode {}) };
    let project = projects::get(tx, project).await?;
    if chat.bound && chat.project != project.id && !is_staff(tx, taken.person, chat.project).await? {
        return Ok(Reply::BoundElsewhere {});
    }
    bind_chat(tx, app, &project, &chat.inbox, chat.kind, &chat.external_id).await?;
    Ok(Reply::Bound { project: project.name })
}

/// Whether the code's maker may decide for the project that the chat belongs to so far.
async fn is_staff(tx: &mut Tx, person: PersonId, project: ProjectId) -> Result<bool> {
    Ok(members::role(tx, project, person).await?.is_some_and(Role::is_staff)
        || persons::find(tx, person).await?.is_some_and(|p| p.is_admin))
}

async fn link_to(tx: &mut Tx, app: &App, user: &LineUserId, person: PersonId) -> Result<Reply> {
    Ok(match link(tx, app, user, person).await? {
        Linking::Done(name) => Reply::Linked { name },
        Linking::Elsewhere => Reply::LinkedElsewhere {},
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::clock::Clock;
    use crate::config;
    use crate::domain::{Channel, ChatKind, Inbox, LineChatId, ProjectKind, plain_code};
    use crate::store::chats;

    struct Scene {
        app: Arc<App>,
        colleague: PersonId,
        project: ProjectId,
        chat: Chat,
        _folder: tempfile::TempDir,
    }

    impl Scene {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:8080\"\n\
                        [database]\nurl = \"sqlite://t.db\"\n[storage]\nurl = \"file://files\"\n";
            let clock = Clock::stopped("2026-11-21T06:05:00Z".parse::<Timestamp>().unwrap());
            let app = App::open(config::parse(text, folder.path()).unwrap(), clock).await.unwrap();
            let now = app.clock.now();
            let mut tx = app.db.begin().await.unwrap();
            let project = projects::add(&mut tx, "acme", "宏達", ProjectKind::Client, now).await.unwrap().unwrap();
            let own = projects::add(&mut tx, "line-c1", "群組", ProjectKind::Chat, now).await.unwrap().unwrap();
            let colleague = persons::find_or_add(&mut tx, Channel::Email, "lin@example.com", "林小美", now).await.unwrap().id;
            members::put(&mut tx, project, colleague, Role::Staff).await.unwrap();
            let id = LineChatId("C1".into());
            let chat = chats::add(&mut tx, &Inbox::line("main"), &id, ChatKind::Group, own).await.unwrap().unwrap();
            let chat = chats::get(&mut tx, chat).await.unwrap();
            tx.commit().await.unwrap();
            Self { app, colleague, project, chat, _folder: folder }
        }

        async fn make(&self, purpose: CodePurpose) -> String {
            let mut tx = self.app.db.begin().await.unwrap();
            let project = (purpose == CodePurpose::Bind).then_some(self.project);
            let code = make_code(&mut tx, &self.app, purpose, self.colleague, project).await.unwrap();
            tx.commit().await.unwrap();
            plain_code(&code).unwrap()
        }

        async fn typed(&self, purpose: CodePurpose, code: &str, alone: bool) -> Option<Reply> {
            let mut tx = self.app.db.begin().await.unwrap();
            let chat = chats::get(&mut tx, self.chat.id).await.unwrap();
            let user = LineUserId("U1".into());
            let reply = use_code(&mut tx, &self.app, &chat, (purpose, Some(code)), Some(&user), alone).await.unwrap();
            tx.commit().await.unwrap();
            reply
        }
    }

    #[tokio::test]
    async fn a_code_is_good_once_and_for_ten_minutes_and_until_the_next_is_made() {
        let scene = Scene::new().await;
        let old = scene.make(CodePurpose::Bind).await;
        scene.app.clock.advance(Duration::from_mins(11));
        assert_eq!(scene.typed(CodePurpose::Bind, &old, false).await, Some(Reply::NoSuchCode {}));
        let first = scene.make(CodePurpose::Bind).await;
        let second = scene.make(CodePurpose::Bind).await;
        assert_eq!(scene.typed(CodePurpose::Bind, &first, false).await, Some(Reply::NoSuchCode {}));
        assert_eq!(scene.typed(CodePurpose::Bind, &second, false).await, Some(Reply::Bound { project: "宏達".into() }));
        assert_eq!(scene.typed(CodePurpose::Bind, &second, false).await, Some(Reply::NoSuchCode {}));
    }

    #[tokio::test]
    async fn after_five_wrong_codes_a_chat_is_not_listened_to_for_ten_minutes() {
        let scene = Scene::new().await;
        for _ in 0..5 {
            assert_eq!(scene.typed(CodePurpose::Bind, "00000000", false).await, Some(Reply::NoSuchCode {}));
        }
        let right = scene.make(CodePurpose::Bind).await;
        assert_eq!(scene.typed(CodePurpose::Bind, &right, false).await, None);
        scene.app.clock.advance(Duration::from_mins(9) + Duration::from_secs(59));
        assert_eq!(scene.typed(CodePurpose::Bind, &right, false).await, None);
        scene.app.clock.advance(Duration::from_secs(1));
        let right = scene.make(CodePurpose::Bind).await;
        assert_eq!(scene.typed(CodePurpose::Bind, &right, false).await, Some(Reply::Bound { project: "宏達".into() }));
    }

    #[tokio::test]
    async fn a_code_for_one_thing_is_none_for_another_and_is_void_once_others_have_read_it() {
        let scene = Scene::new().await;
        let link = scene.make(CodePurpose::Link).await;
        assert_eq!(scene.typed(CodePurpose::Bind, &link, false).await, Some(Reply::NoSuchCode {}));
        assert_eq!(scene.typed(CodePurpose::Link, &link, true).await, Some(Reply::NoSuchCode {}));
        let link = scene.make(CodePurpose::Link).await;
        assert_eq!(scene.typed(CodePurpose::Link, &link, false).await, Some(Reply::NotHere {}));
        assert_eq!(scene.typed(CodePurpose::Link, &link, true).await, Some(Reply::NoSuchCode {}));
        let link = scene.make(CodePurpose::Link).await;
        assert_eq!(scene.typed(CodePurpose::Link, &link, true).await, Some(Reply::Linked { name: "林小美".into() }));
    }

    #[tokio::test]
    async fn a_chat_of_another_project_is_bound_only_by_somebody_who_is_staff_of_both() {
        let scene = Scene::new().await;
        let now = scene.app.clock.now();
        let mut tx = scene.app.db.begin().await.unwrap();
        let other = projects::add(&mut tx, "other", "別家", ProjectKind::Client, now).await.unwrap().unwrap();
        chats::bind(&mut tx, scene.chat.id, other).await.unwrap();
        tx.commit().await.unwrap();
        let code = scene.make(CodePurpose::Bind).await;
        assert_eq!(scene.typed(CodePurpose::Bind, &code, false).await, Some(Reply::BoundElsewhere {}));
        let mut tx = scene.app.db.begin().await.unwrap();
        members::put(&mut tx, other, scene.colleague, Role::Staff).await.unwrap();
        tx.commit().await.unwrap();
        let code = scene.make(CodePurpose::Bind).await;
        assert_eq!(scene.typed(CodePurpose::Bind, &code, false).await, Some(Reply::Bound { project: "宏達".into() }));
    }
}
