//! What a call of `/api/notify` says: its fields, from the query, a form or a multipart body, and the answer where they cannot be.

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use jiff::SignedDuration;

use crate::domain::{SCRIPT_CHARS_MAX, SCRIPT_DEADLINE_SECONDS_MAX, ScriptPicture, ScriptSticker};

/// The largest picture that a script may send, in octets.
pub(super) const IMAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The largest body: the picture, the message with every octet percent-encoded, and room for what stands around them.
pub(super) const BODY_BYTES_MAX: usize = IMAGE_BYTES_MAX + 256 * 1024;
/// The largest form without a picture.
const FORM_BYTES_MAX: usize = 128 * 1024;
/// Parts of a multipart body that are looked at.
const PARTS_MAX: usize = 32;
/// The longest address of a picture, in UTF-16 units (Messaging API reference, "Image message").
const URL_UNITS_MAX: usize = 2_000;
/// The longest number of a sticker, in digits.
const STICKER_DIGITS_MAX: usize = 20;

/// Why a call cannot be: the status and LINE Notify's kind of sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub StatusCode, pub String);

fn bad(why: impl Into<String>) -> Wrong {
    Wrong(StatusCode::BAD_REQUEST, why.into())
}

fn too_large() -> Wrong {
    Wrong(StatusCode::PAYLOAD_TOO_LARGE, format!("the request must not be larger than {BODY_BYTES_MAX} bytes"))
}

impl From<MultipartError> for Wrong {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { bad("the multipart body cannot be read") }
    }
}

/// The fields as they came; an empty one is none.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fields {
    message: String,
    image_thumbnail: String,
    image_fullsize: String,
    sticker_package: String,
    sticker: String,
    notification_disabled: String,
    deadline: String,
    image_file: Option<Bytes>,
}

impl Fields {
    fn place(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "message" => &mut self.message,
            "imageThumbnail" => &mut self.image_thumbnail,
            "imageFullsize" => &mut self.image_fullsize,
            "stickerPackageId" => &mut self.sticker_package,
            "stickerId" => &mut self.sticker,
            "notificationDisabled" => &mut self.notification_disabled,
            "deadline" => &mut self.deadline,
            _ => return None,
        })
    }

    fn take_pairs(&mut self, encoded: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if let Some(place) = self.place(&name) {
                *place = value.into_owned();
            }
        }
    }

    async fn take_parts(&mut self, mut parts: Multipart) -> Result<(), Wrong> {
        for _ in 0..PARTS_MAX {
            let Some(part) = parts.next_field().await? else { return Ok(()) };
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await?;
            if name == "imageFile" {
                self.image_file = Some(bytes).filter(|b| !b.is_empty());
            } else if let Some(place) = self.place(&name) {
                *place = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        Err(bad(format!("the multipart body has more than {PARTS_MAX} parts")))
    }
}

/// What a call says, once it makes sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub message: String,
    /// A picture elsewhere. `file` comes before it.
    pub picture: Option<ScriptPicture>,
    pub file: Option<Bytes>,
    pub sticker: Option<ScriptSticker>,
    pub quiet: bool,
    /// How long it may wait for a free ride.
    pub wait: Option<SignedDuration>,
}

/// Reads a call. What stands in the body comes before what stands in the query.
pub(super) async fn read(request: Request) -> Result<Call, Wrong> {
    let mut fields = Fields::default();
    fields.take_pairs(request.uri().query().unwrap_or_default().as_bytes());
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("multipart/form-data") {
        let parts = Multipart::from_request(request, &()).await.map_err(|_| bad("the multipart body has no boundary"))?;
        fields.take_parts(parts).await?;
    } else {
        let body = axum::body::to_bytes(request.into_body(), FORM_BYTES_MAX).await.map_err(|_| too_large())?;
        if kind.is_empty() || kind.starts_with("application/x-www-form-urlencoded") {
            fields.take_pairs(&body);
        }
    }
    understand(fields)
}

fn understand(fields: Fields) -> Result<Call, Wrong> {
    let message: String = fields.message.chars().filter(|c| *c != '\0').collect();
    if message.trim().is_empty() {
        return Err(bad("message: must not be empty"));
    }
    if message.chars().count() > SCRIPT_CHARS_MAX {
        return Err(bad(format!("message: must not be longer than {SCRIPT_CHARS_MAX} characters")));
    }
    let sticker = match (fields.sticker_package.trim(), fields.sticker.trim()) {
        ("", "") => None,
        ("", _) => return Err(bad("stickerPackageId: must not be empty")),
        (_, "") => return Err(bad("stickerId: must not be empty")),
        (package, sticker) => Some(ScriptSticker { package: number("stickerPackageId", package)?, sticker: number("stickerId", sticker)? }),
    };
    let picture = match (fields.image_thumbnail.trim(), fields.image_fullsize.trim()) {
        ("", "") => None,
        // The one that is there stands for both.
        (preview, "") => Some(picture(preview, preview)?),
        ("", full) => Some(picture(full, full)?),
        (preview, full) => Some(picture(preview, full)?),
    };
    let wait = match fields.deadline.trim() {
        "" => None,
        seconds => {
            let seconds = seconds.parse().ok().filter(|s| (0..=SCRIPT_DEADLINE_SECONDS_MAX).contains(s));
            let seconds = seconds.ok_or_else(|| bad(format!("deadline: must be 0 to {SCRIPT_DEADLINE_SECONDS_MAX} seconds")))?;
            Some(SignedDuration::from_secs(seconds))
        }
    };
    let quiet = matches!(fields.notification_disabled.trim().to_ascii_lowercase().as_str(), "true" | "1");
    let file = fields.image_file;
    if file.as_ref().is_some_and(|f| f.len() > IMAGE_BYTES_MAX) {
        return Err(Wrong(StatusCode::PAYLOAD_TOO_LARGE, format!("imageFile: must not be larger than {IMAGE_BYTES_MAX} bytes")));
    }
    if file.as_ref().is_some_and(|f| !is_png_or_jpeg(f)) {
        return Err(bad("imageFile: must be a PNG or JPEG"));
    }
    Ok(Call { message, picture: picture.filter(|_| file.is_none()), file, sticker, quiet, wait })
}

fn is_png_or_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xff, 0xd8, 0xff])
}

fn number(field: &str, written: &str) -> Result<String, Wrong> {
    let fits = (1..=STICKER_DIGITS_MAX).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(written.to_owned()) } else { Err(bad(format!("{field}: must be a number"))) }
}

fn picture(preview: &str, full: &str) -> Result<ScriptPicture, Wrong> {
    Ok(ScriptPicture { full: address("imageFullsize", full)?, preview: address("imageThumbnail", preview)? })
}

fn address(field: &str, written: &str) -> Result<String, Wrong> {
    let parsed = url::Url::parse(written).ok().filter(|u| u.scheme() == "https" && u.has_host());
    // As LINE takes it: what is not ASCII percent-encoded.
    let address = parsed.map(String::from).filter(|u| u.encode_utf16().count() <= URL_UNITS_MAX);
    address.ok_or_else(|| bad(format!("{field}: must be an https URL")))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn asked(query: &str, kind: &str, body: impl Into<Body>) -> Result<Call, Wrong> {
        let request = Request::post(format!("/api/notify{query}"));
        let request = if kind.is_empty() { request } else { request.header(header::CONTENT_TYPE, kind) };
        read(request.body(body.into()).unwrap()).await
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    fn plain(message: &str) -> Call {
        Call { message: message.into(), picture: None, file: None, sticker: None, quiet: false, wait: None }
    }

    #[tokio::test]
    async fn the_same_fields_are_read_from_every_place_that_scripts_put_them_in() {
        assert_eq!(asked("", FORM, "message=%E7%A3%81%E7%A2%9F+100%25").await, Ok(plain("磁碟 100%")));
        assert_eq!(asked("", "application/x-www-form-urlencoded; charset=UTF-8", "message=a").await, Ok(plain("a")));
        assert_eq!(asked("?message=hello%20there", "", "").await, Ok(plain("hello there")));
        assert_eq!(asked("?message=query", FORM, "message=body").await, Ok(plain("body")));
        let parts = "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n\r\n早安\r\n--x\r\n\
                     Content-Disposition: form-data; name=\"imageFile\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
                     \u{89}\r\n--x--\r\n";
        let parts = parts.replace('\u{89}', "PNG!");
        let refused = asked("", "multipart/form-data; boundary=x", parts.clone()).await.unwrap_err();
        assert_eq!(refused, Wrong(StatusCode::BAD_REQUEST, "imageFile: must be a PNG or JPEG".into()));
        let mut bytes = parts.into_bytes();
        let at = bytes.windows(4).position(|w| w == b"PNG!").unwrap();
        bytes.splice(at..at + 4, b"\x89PNG\r\n\x1a\n".iter().copied());
        let call = asked("?deadline=0", "multipart/form-data; boundary=x", bytes).await.unwrap();
        assert_eq!(call.message, "\r\n早安");
        assert_eq!(call.file.as_deref(), Some(&b"\x89PNG\r\n\x1a\n"[..]));
        assert_eq!(call.wait, Some(SignedDuration::ZERO));
    }

    #[tokio::test]
    async fn what_is_optional_may_be_empty_and_what_is_there_must_make_sense() {
        let empty = "message=a&stickerPackageId=&stickerId=&imageThumbnail=&imageFullsize=&deadline=&notificationDisabled=";
        assert_eq!(asked("", FORM, empty).await, Ok(plain("a")));
        let sticker = Some(ScriptSticker { package: "446".into(), sticker: "1988".into() });
        let call = asked("", FORM, "message=a&stickerPackageId=446&stickerId=1988&notificationDisabled=True").await;
        assert_eq!(call, Ok(Call { sticker, quiet: true, ..plain("a") }));
        let call = asked("", FORM, "message=a&imageFullsize=https://example.com/圖.jpg").await.unwrap();
        let full = "https://example.com/%E5%9C%96.jpg".to_owned();
        assert_eq!(call.picture, Some(ScriptPicture { preview: full.clone(), full }));
        for (body, why) in [
            ("", "message: must not be empty"),
            ("message=", "message: must not be empty"),
            ("message=%0A%20", "message: must not be empty"),
            ("message=a&stickerId=1", "stickerPackageId: must not be empty"),
            ("message=a&stickerPackageId=1", "stickerId: must not be empty"),
            ("message=a&stickerPackageId=x&stickerId=1", "stickerPackageId: must be a number"),
            (
                "message=a&imageFullsize=http://example.com/a.jpg&imageThumbnail=https://example.com/b.jpg",
                "imageFullsize: must be an https URL",
            ),
            ("message=a&deadline=-1", "deadline: must be 0 to 604800 seconds"),
            ("message=a&deadline=soon", "deadline: must be 0 to 604800 seconds"),
        ] {
            assert_eq!(asked("", FORM, body).await, Err(bad(why)), "{body}");
        }
    }

    #[tokio::test]
    async fn a_message_has_up_to_a_thousand_characters_whatever_their_octets() {
        for (character, count, fits) in
            [("a", 1_000, true), ("a", 1_001, false), ("磁", 1_000, true), ("🧯", 1_000, true), ("🧯", 1_001, false)]
        {
            let encoded: String =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("message", &character.repeat(count)).finish();
            assert_eq!(asked("", FORM, encoded).await.is_ok(), fits, "{count} of {character}");
        }
        let huge = vec![b'a'; FORM_BYTES_MAX + 1];
        assert_eq!(asked("", FORM, huge).await.unwrap_err().0, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
