//! What scripts and announcements say in a chat, as message objects.
//!
//! Their words are other people's: they leave as they were written, never cut. Texts of scripts that leave together share one object, as
//! long as they fit into it; what does not fit into the send takes the next ride.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::App;
use crate::channels::line::limits::{MESSAGES_MAX, TEXT_UNITS_MAX};
use crate::domain::{Announced, NoticeId, NoticeKind, Script, Why};
use crate::store::notices::Notice;
use crate::store::{self, Tx, announcements, notices, scripts};

/// The longest `sender.name`, in UTF-16 units (Messaging API reference, "Change icon and display name").
const SENDER_UNITS_MAX: usize = 20;
/// Words that may not be in it, in small letters.
const NO_SENDER: &str = "line";

/// What leaves in this send.
#[derive(Debug, Default)]
pub(super) struct Ride {
    pub messages: Vec<Value>,
    /// What does not fit beside the rest, or was withdrawn while it was on another ride.
    pub left_behind: Vec<NoticeId>,
    /// There is something in it, and nobody's telephone is to ring for any of it.
    pub quiet: bool,
}

/// What of the notices leaves in a send in which `taken` objects stand already: as many as fit, in this order, the most pressing first, which
/// a telephone shows without being opened. What comes after one that does not fit stays behind it.
pub(super) async fn ride(tx: &mut Tx, app: &App, pressing: impl Iterator<Item = &Notice>, taken: usize) -> Result<Ride, store::Error> {
    let room = MESSAGES_MAX.saturating_sub(taken);
    let mut withdrawn = vec![];
    let mut all: Vec<(NoticeId, Said)> = vec![];
    for notice in pressing {
        let said = match notice.kind {
            NoticeKind::Scripted => of_script(tx, notice).await?,
            NoticeKind::Announced if announcements::is_withdrawn(tx, notice.id).await? => {
                notices::drop_all(tx, &[notice.id], Why::Withdrawn.as_str()).await?;
                withdrawn.push(notice.id);
                None
            }
            NoticeKind::Announced => of_announcement(notice),
            _ => None,
        };
        all.extend(said.map(|said| (notice.id, said)));
    }
    let mut packed = Packed::new(app);
    let taken = all.iter().take_while(|(_, said)| packed.takes(said, room)).count();
    let messages = packed.into_messages();
    let quiet = !messages.is_empty() && all[..taken].iter().all(|(_, said)| said.quiet);
    let left_behind = all[taken..].iter().map(|(id, _)| *id).chain(withdrawn).collect();
    Ok(Ride { messages, left_behind, quiet })
}

/// What a notice will need of the send that it leaves in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    /// Objects beside its text.
    pub objects: usize,
    /// Its text may share its object with others.
    pub shares: bool,
    /// It passes quiet hours.
    pub urgent: bool,
}

/// `None` for every other kind, and where it cannot be read.
pub(super) fn needs(notice: &Notice) -> Option<Needs> {
    let detail = notice.detail.as_deref()?;
    match notice.kind {
        NoticeKind::Scripted => Script::from_json(detail).map(|s| Needs {
            objects: usize::from(s.picture.is_some()) + usize::from(s.sticker.is_some()),
            shares: true,
            urgent: s.now,
        }),
        NoticeKind::Announced => Announced::from_json(detail).map(|a| Needs { objects: 1, shares: false, urgent: a.urgent }),
        _ => None,
    }
}

/// What one notice says.
struct Said {
    text: Text,
    /// Further objects, as they are.
    objects: Vec<Value>,
    quiet: bool,
}

/// A text, and whether others may share its object.
#[derive(Clone, Debug)]
struct Text {
    /// The script's name; `None` for what stands alone.
    by: Option<String>,
    at: Timestamp,
    words: String,
}

async fn of_script(tx: &mut Tx, notice: &Notice) -> Result<Option<Said>, store::Error> {
    let Some(script) = notice.detail.as_deref().and_then(Script::from_json) else { return Ok(None) };
    let times = scripts::times(tx, notice.id).await?;
    let words = if times > 1 { format!("{} ×{times}", script.text.trim_end()) } else { script.text };
    let mut objects = vec![];
    if let Some(picture) = script.picture {
        objects.push(of_picture(&script.by, &picture.full, &picture.preview));
    }
    if let Some(sticker) = script.sticker {
        let object = json!({"type": "sticker", "packageId": sticker.package, "stickerId": sticker.sticker});
        objects.push(by(object, &script.by));
    }
    let text = Text { by: Some(script.by), at: notice.created_at, words };
    Ok(Some(Said { text, objects, quiet: script.quiet }))
}

fn of_announcement(notice: &Notice) -> Option<Said> {
    let announced = notice.detail.as_deref().and_then(Announced::from_json)?;
    let text = Text { by: None, at: notice.created_at, words: announced.text };
    Some(Said { text, objects: vec![], quiet: false })
}

/// LINE takes pictures over TLS only; where we have none (a demonstration on this machine) the link stands for it.
fn of_picture(name: &str, full: &str, preview: &str) -> Value {
    let object = if full.starts_with("https://") && preview.starts_with("https://") {
        json!({"type": "image", "originalContentUrl": full, "previewImageUrl": preview})
    } else {
        json!({"type": "text", "text": full})
    };
    by(object, name)
}

/// The object under the script's name, where LINE takes it.
fn by(mut object: Value, name: &str) -> Value {
    if is_sender(name) {
        object["sender"] = json!({"name": name});
    }
    object
}

fn is_sender(name: &str) -> bool {
    !name.is_empty() && units(name) <= SENDER_UNITS_MAX && !name.to_lowercase().contains(NO_SENDER)
}

fn units(s: &str) -> usize {
    s.encode_utf16().count()
}

/// An object of the send, as far as it is filled.
enum Object {
    /// Texts of scripts, which share it.
    Texts(Vec<Text>),
    Whole(Value),
}

/// A send that is being filled.
struct Packed<'a> {
    app: &'a App,
    objects: Vec<Object>,
}

impl<'a> Packed<'a> {
    fn new(app: &'a App) -> Self {
        Self { app, objects: vec![] }
    }

    /// Takes what one notice says, all of it or nothing, into at most `room` objects.
    fn takes(&mut self, said: &Said, room: usize) -> bool {
        let shared = match self.objects.last() {
            Some(Object::Texts(before)) if said.text.by.is_some() => {
                let together: Vec<Text> = before.iter().chain([&said.text]).cloned().collect();
                (units(&self.words(&together)) <= TEXT_UNITS_MAX).then_some(together)
            }
            _ => None,
        };
        let new = usize::from(shared.is_none()) + said.objects.len();
        if self.objects.len() + new > room {
            return false;
        }
        match shared {
            Some(together) => {
                self.objects.pop();
                self.objects.push(Object::Texts(together));
            }
            None if said.text.by.is_some() => self.objects.push(Object::Texts(vec![said.text.clone()])),
            None => self.objects.push(Object::Whole(json!({"type": "text", "text": said.text.words}))),
        }
        self.objects.extend(said.objects.iter().cloned().map(Object::Whole));
        true
    }

    /// One text as it is; of several, each with its time.
    fn words(&self, texts: &[Text]) -> String {
        let sender = sender(texts);
        let alone = texts.len() == 1;
        let zone = &self.app.config.server.time_zone;
        let line = |t: &Text| {
            let name = t.by.as_deref().filter(|_| sender.is_none()).map(|by| format!("[{by}] ")).unwrap_or_default();
            if alone {
                return format!("{name}{}", t.words);
            }
            let time = t.at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
            format!("{time} {name}{}", t.words.trim())
        };
        texts.iter().map(line).collect::<Vec<_>>().join(if alone { "" } else { "\n\n" })
    }

    fn into_messages(self) -> Vec<Value> {
        let message = |object: &Object| match object {
            Object::Whole(value) => value.clone(),
            Object::Texts(texts) => by(json!({"type": "text", "text": self.words(texts)}), sender(texts).unwrap_or_default()),
        };
        self.objects.iter().map(message).collect()
    }
}

/// The one script that says all of it, where LINE can show its name above.
fn sender(texts: &[Text]) -> Option<&str> {
    let first = texts.first()?.by.as_deref()?;
    texts.iter().all(|t| t.by.as_deref() == Some(first)).then_some(first).filter(|name| is_sender(name))
}
