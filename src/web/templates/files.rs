//! The files beside a post: pictures in a grid, films and sounds to play, all else as a row with name and size.

use maud::{Markup, html};

use super::Look;
use super::icons::{self, Icon};
use crate::domain::Role;
use crate::store::attachments::{Attachment, AttachmentStatus};
use crate::web::files::shown_in_place;

/// A file with what the page does with it.
#[derive(Clone, Debug)]
pub struct FileView {
    pub file: Attachment,
    /// Where its bytes are.
    pub url: String,
    /// Another try could bring it, and the reader may ask for one.
    pub again: bool,
}

/// The room for a picture that stands alone, in the page's pixels.
const ALONE_PIXELS_MAX: (i64, i64) = (420, 320);
/// The smallest edge that can be tapped.
const EDGE_PIXELS_MIN: i64 = 64;
/// A picture among others.
const TILE_PIXELS: i64 = 240;
/// A film whose size nobody knows.
const FILM_PIXELS: (i64, i64) = (420, 236);

/// The files of one post, in order.
pub fn files(look: &Look<'_>, files: &[FileView], viewer: Role) -> Markup {
    html! {
        @if !files.is_empty() {
            div.files {
                @for run in files.chunk_by(|a, b| is_tile(&a.file) == is_tile(&b.file)) {
                    @if is_tile(&run[0].file) {
                        ul.pictures.alone[run.len() == 1].pairs[matches!(run.len(), 2 | 4)] {
                            @for view in run { li { (tile(look, view, run.len() == 1)) } }
                        }
                    } @else {
                        ul.rest { @for view in run { li { (row(look, view, viewer)) } } }
                    }
                }
            }
        }
    }
}

fn kind_of(file: &Attachment) -> &str {
    file.content_type.split('/').next().unwrap_or_default()
}

/// A picture, or one that soon will be.
fn is_tile(file: &Attachment) -> bool {
    let soon = file.thumbnail.at.is_none() && file.size != Some(0);
    match (file.status, kind_of(file)) {
        (AttachmentStatus::Waiting, "image") => true,
        (AttachmentStatus::Ready, "video" | "audio") => false,
        (AttachmentStatus::Ready, kind) => {
            file.thumbnail.sha256.is_some() || (soon && kind == "image" && shown_in_place(&file.content_type).is_some())
        }
        _ => false,
    }
}

fn tile(look: &Look<'_>, view: &FileView, alone: bool) -> Markup {
    let file = &view.file;
    if file.status != AttachmentStatus::Ready {
        return html! { span.tile.tile-off title=(file.name) { (icons::icon(Icon::Clock)) span { (look.t("page.file_waiting")) } } };
    }
    let name = look.fill("page.picture", &[("name", &file.name)]);
    let (width, height) = match file.thumbnail.size {
        Some(size) if alone => within(size, ALONE_PIXELS_MAX),
        _ => (TILE_PIXELS, TILE_PIXELS),
    };
    html! {
        a.tile href=(view.url) target="_blank" rel="noopener" title=(file.name) {
            @if file.thumbnail.sha256.is_some() {
                img src=(thumbnail_path(file)) alt=(name) width=(width) height=(height) loading="lazy" decoding="async";
            } @else {
                span.tile-off { (icons::icon(Icon::Picture)) span { (look.t("file.unmade")) } }
            }
        }
    }
}

fn thumbnail_path(file: &Attachment) -> String {
    format!("/thumbnails/{}", file.id)
}

/// The size with the same proportions that fits into `room`, never larger than it is, with edges that can be tapped.
fn within((width, height): (i64, i64), room: (i64, i64)) -> (i64, i64) {
    let (width, height) = (width.clamp(1, i64::from(u32::MAX)), height.clamp(1, i64::from(u32::MAX)));
    let (w, h) = if width <= room.0 && height <= room.1 {
        (width, height)
    } else if width * room.1 > height * room.0 {
        (room.0, height * room.0 / width)
    } else {
        (width * room.1 / height, room.1)
    };
    (w.max(EDGE_PIXELS_MIN), h.max(EDGE_PIXELS_MIN))
}

fn row(look: &Look<'_>, view: &FileView, viewer: Role) -> Markup {
    let file = &view.file;
    if file.status != AttachmentStatus::Ready {
        return absent(look, view, viewer);
    }
    let kind = kind_of(file);
    let played = shown_in_place(&file.content_type).is_some();
    html! {
        @if kind == "video" && played {
            @let (width, height) = file.thumbnail.size.map_or(FILM_PIXELS, |size| within(size, ALONE_PIXELS_MAX));
            @let poster = file.thumbnail.sha256.is_some().then(|| thumbnail_path(file));
            figure.player {
                video controls preload="none" width=(width) height=(height) poster=[poster] src=(view.url) title=(file.name) {}
                (caption(file, &view.url))
            }
        } @else if kind == "audio" && played {
            figure.player {
                audio controls preload="none" src=(view.url) title=(file.name) {}
                (caption(file, &view.url))
            }
        } @else {
            a.chip href=(view.url) {
                (icons::icon(icon_of(file)))
                span.chip-words {
                    span.chip-name { (file.name) }
                    @if let Some(size) = size_of(file) { span.chip-size { (size) } }
                }
            }
        }
    }
}

fn caption(file: &Attachment, url: &str) -> Markup {
    html! {
        figcaption {
            a href=(url) download=(file.name) { (file.name) }
            @if let Some(size) = size_of(file) { " · " (size) }
        }
    }
}

fn icon_of(file: &Attachment) -> Icon {
    match kind_of(file) {
        "image" => Icon::Picture,
        "video" => Icon::Film,
        "audio" => Icon::Sound,
        _ => Icon::File,
    }
}

/// A file that is not here, why, and what can be done about it.
fn absent(look: &Look<'_>, view: &FileView, viewer: Role) -> Markup {
    let file = &view.file;
    let waits = file.status == AttachmentStatus::Waiting;
    let text = match file.status {
        AttachmentStatus::Waiting | AttachmentStatus::Ready => look.t("page.file_waiting").to_owned(),
        AttachmentStatus::Withdrawn => look.t("page.file_withdrawn").to_owned(),
        AttachmentStatus::Failed => look.t("page.file_failed").to_owned(),
        AttachmentStatus::External => look.t("page.file_external").to_owned(),
        AttachmentStatus::TooLarge => look.fill("file.too_large", &[("limit", file.error.as_deref().unwrap_or_default())]),
    };
    let told = matches!(file.status, AttachmentStatus::Waiting | AttachmentStatus::Failed | AttachmentStatus::External);
    let reason = file.error.as_deref().filter(|_| viewer.is_staff() && told);
    let size = size_of(file).filter(|_| file.status != AttachmentStatus::Withdrawn);
    html! {
        span.chip.chip-off {
            (icons::icon(if waits { Icon::Clock } else { Icon::Alert }))
            span.chip-words {
                @if !file.name.is_empty() {
                    span.chip-name { (file.name) @if let Some(size) = &size { span.chip-size { " · " (size) } } }
                }
                span.chip-size { (text) @if let Some(reason) = reason { " · " (reason) } }
            }
            @if view.again {
                form method="post" action={ "/files/" (file.id) } { button.quiet type="submit" { (look.t("file.again")) } }
            }
        }
    }
}

fn size_of(file: &Attachment) -> Option<String> {
    file.size.and_then(|s| u64::try_from(s).ok()).map(size_in_words)
}

/// `1.2 MB`, with a thousand octets to the kilobyte as files are sold.
fn size_in_words(octets: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if octets < 1000 {
        return format!("{octets} B");
    }
    let mut tenths = octets.saturating_mul(10) / 1000;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if tenths < 100 { format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]) } else { format!("{} {}", tenths / 10, UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits_and_a_unit() {
        let said = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345, "12 kB"),
            (999_999, "999 kB"),
            (1_234_567, "1.2 MB"),
            (5_000_000_000, "5.0 GB"),
        ];
        for (octets, words) in said {
            assert_eq!(size_in_words(octets), words);
        }
        assert_eq!(size_in_words(u64::MAX), "1844674 TB");
    }

    #[test]
    fn a_picture_keeps_its_proportions_in_the_room_there_is() {
        let shown = [
            ((4032, 3024), (420, 315)),
            ((3024, 4032), (240, 320)),
            ((420, 320), (420, 320)),
            ((100, 80), (100, 80)),
            ((10, 8), (64, 64)),
            ((20_000, 10), (420, 64)),
            ((1, i64::MAX), (64, 320)),
            ((0, -5), (64, 64)),
        ];
        for (size, expected) in shown {
            assert_eq!(within(size, ALONE_PIXELS_MAX), expected, "{size:?}");
        }
    }
}
