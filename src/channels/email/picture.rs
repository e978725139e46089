//! Pictures by the first bytes of their files: which may travel in a mail, and how large they are.

/// A picture that every mail program shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    pub content_type: &'static str,
    /// In pixels, before any EXIF rotation.
    pub width: u32,
    pub height: u32,
}

/// JPEG segments that are looked through for the frame's.
const SEGMENTS_MAX: usize = 100;

/// What these bytes are, whatever they are said to be: PNG (W3C, 11.2.1), GIF (`GIF89a`, 18) or JPEG (ITU T.81, B.2.2); `None` for
/// anything else, for what is damaged, and for WebP, which Outlook does not show.
pub fn picture(bytes: &[u8]) -> Option<Picture> {
    let of = |content_type, width, height| (width > 0 && height > 0).then_some(Picture { content_type, width, height });
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR") {
        return of("image/png", u32_at(bytes, 16)?, u32_at(bytes, 20)?);
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        let side = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
        return of("image/gif", side(6)?, side(8)?);
    }
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        let (width, height) = jpeg_size(bytes)?;
        return of("image/jpeg", width, height);
    }
    None
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    for _ in 0..SEGMENTS_MAX {
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        if bytes.get(at) != Some(&0xff) {
            return None;
        }
        let is_frame = matches!(bytes.get(at + 1)?, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf);
        if is_frame {
            let (height, width) = (u16_at(bytes, at + 5)?, u16_at(bytes, at + 7)?);
            return Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?));
        }
        at += 2 + u16_at(bytes, at + 2)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::LazyLock;

    use image::{DynamicImage, ImageFormat};
    use proptest::prelude::*;

    use super::*;

    fn made(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(vec![]);
        DynamicImage::new_rgb8(320, 200).write_to(&mut bytes, format).expect("it can be written");
        bytes.into_inner()
    }

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        for (format, content_type) in [(ImageFormat::Png, "image/png"), (ImageFormat::Gif, "image/gif"), (ImageFormat::Jpeg, "image/jpeg")]
        {
            assert_eq!(picture(&made(format)), Some(Picture { content_type, width: 320, height: 200 }));
        }
        assert_eq!(picture(&made(ImageFormat::WebP)), None);
        assert_eq!(picture(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), None);
    }

    static ALL: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Jpeg].map(made));

    proptest! {
        #[test]
        fn no_bytes_break_the_look(cut in 0_usize..400, flip in 0_usize..400, value in any::<u8>()) {
            for mut bytes in ALL.clone() {
                bytes.truncate(cut);
                if let Some(byte) = bytes.get_mut(flip) {
                    *byte = value;
                }
                picture(&bytes);
            }
        }
    }
}
