//! The small pictures that travel in a mail. They are read from the file store before the mail's transaction begins.

use std::collections::{BTreeMap, BTreeSet};

use crate::App;
use crate::channels::email::picture::picture;
use crate::domain::{AttachmentId, DiscussionId, PersonId, PostId};
use crate::store::attachments::{Attachment, AttachmentStatus};
use crate::store::{self, attachments, discussions, notices};

/// The largest picture that travels, in bytes; of a larger one its small picture does.
const PICTURE_BYTES_MAX: usize = 200 * 1024;
/// All pictures of one mail, in bytes.
const PICTURES_BYTES_MAX: usize = 1024 * 1024;
/// Pictures of one mail.
const PICTURES_MAX: usize = 20;

/// Bytes by the attachment that they show.
pub(super) type Pictures = BTreeMap<AttachmentId, Vec<u8>>;

/// Those of the posts that wait to be told to the person about the discussion, `posts_max` of them. One that cannot be read is left out:
/// the mail has its link.
pub(super) async fn gather(app: &App, person: PersonId, discussion: DiscussionId, posts_max: i64) -> Result<Pictures, store::Error> {
    let wanted = {
        let mut c = app.db.read().await?;
        let due = notices::of_mail(&mut c, person, discussion, posts_max).await?;
        let told: BTreeSet<PostId> = due.into_iter().filter_map(|n| n.post).collect();
        let found = discussions::get(&mut c, discussion).await?;
        let found = discussions::follow(&mut c, found).await?;
        let all = attachments::of_discussion(&mut c, found.id).await?;
        all.into_iter().filter(|a| told.contains(&a.post)).collect::<Vec<_>>()
    };
    let mut pictures = Pictures::new();
    let mut left = PICTURES_BYTES_MAX;
    for file in wanted {
        if pictures.len() == PICTURES_MAX {
            break;
        }
        let Some(sha256) = source(&file) else { continue };
        match app.files.read(sha256).await {
            Ok(bytes) if bytes.len() <= PICTURE_BYTES_MAX.min(left) && picture(&bytes).is_some() => {
                left -= bytes.len();
                pictures.insert(file.id, bytes.into());
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(attachment = %file.id, %error, "a picture is left out of a mail"),
        }
    }
    Ok(pictures)
}

/// Where the bytes are that may travel: the picture's own where they are few, else its small picture's.
fn source(file: &Attachment) -> Option<&str> {
    if file.status != AttachmentStatus::Ready || !file.content_type.starts_with("image/") {
        return None;
    }
    let is_small = file.size.and_then(|s| usize::try_from(s).ok()).is_some_and(|s| s <= PICTURE_BYTES_MAX);
    if is_small { file.sha256.as_deref() } else { file.thumbnail.sha256.as_deref() }
}
