//! `threadline thumbnail`: the picture on standard input made small, on standard output (see `intake::thumbnails`).
//!
//! It bounds itself before it reads anything. Whatever a picture makes of the decoder, it ends this process and no other.

use std::io::{Cursor, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageReader, Limits};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::intake::thumbnails::{EXIT_NO_PICTURE, PICTURE_BYTES_MAX, Small};

/// Pixels of the small picture's longer edge: sharp where two of them make one of the page's.
const EDGE_PIXELS_MAX: u32 = 480;
/// The longest edge that may be asked for instead.
const LARGE_EDGE_PIXELS_MAX: u32 = 4096;
/// The longest edge of a picture that is read.
const PICTURE_EDGE_PIXELS_MAX: u32 = 30_000;
/// The largest picture once it is unpacked: 110 million pixels of three octets.
const UNPACKED_BYTES_MAX: u64 = 320 * 1024 * 1024;
/// All memory of this process, its code included.
const MEMORY_BYTES_MAX: u64 = 768 * 1024 * 1024;
/// Time that it may compute, in seconds.
const COMPUTE_SECONDS_MAX: u64 = 30;
/// JPEG's measure, of 100.
const JPEG_QUALITY: u8 = 82;

/// Runs the command. What is no picture ends with [`EXIT_NO_PICTURE`].
pub(super) fn thumbnail(edge: Option<u32>, opaque: bool) -> anyhow::Result<ExitCode> {
    bound()?;
    let mut picture = vec![];
    std::io::stdin().lock().take(PICTURE_BYTES_MAX + 1).read_to_end(&mut picture).context("reading standard input")?;
    match scaled(picture, edge.unwrap_or(EDGE_PIXELS_MAX).clamp(1, LARGE_EDGE_PIXELS_MAX), opaque) {
        Ok(small) => {
            let mut out = std::io::stdout().lock();
            out.write_all(&small.write())?;
            out.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{error:#}");
            Ok(ExitCode::from(EXIT_NO_PICTURE))
        }
    }
}

fn bound() -> anyhow::Result<()> {
    let bounds = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, COMPUTE_SECONDS_MAX),
        // It writes no files and leaves no image of its memory behind.
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    for (what, max) in bounds {
        setrlimit(what, Rlimit { current: Some(max), maximum: Some(max) }).with_context(|| format!("bounding {what:?}"))?;
    }
    Ok(())
}

/// The picture, upright, with no edge longer than `edge` pixels and nothing in it but pixels. Of a moving one its first. `opaque`: what
/// shines through stands on white.
fn scaled(picture: Vec<u8>, edge: u32, opaque: bool) -> anyhow::Result<Small> {
    ensure!(picture.len() as u64 <= PICTURE_BYTES_MAX, "larger than {PICTURE_BYTES_MAX} octets");
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_EDGE_PIXELS_MAX);
    limits.max_image_height = Some(PICTURE_EDGE_PIXELS_MAX);
    limits.max_alloc = Some(UNPACKED_BYTES_MAX);
    let mut reader = ImageReader::new(Cursor::new(picture)).with_guessed_format()?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    // Not every decoder minds the limits.
    let (width, height) = decoder.dimensions();
    ensure!(width.max(height) <= PICTURE_EDGE_PIXELS_MAX, "{width} by {height} pixels are too many");
    ensure!(decoder.total_bytes() <= UNPACKED_BYTES_MAX, "{} octets are too many", decoder.total_bytes());
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder)?;
    let mut image = if width.max(height) > edge { whole.thumbnail(edge, edge) } else { whole };
    image.apply_orientation(orientation);
    let lies =
        matches!(orientation, Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH);
    let size = if lies { (height, width) } else { (width, height) };
    Ok(Small { size, bytes: Bytes::from(encoded(&image, opaque)?) })
}

fn encoded(image: &DynamicImage, opaque: bool) -> anyhow::Result<Vec<u8>> {
    let mut out = vec![];
    if image.color().has_alpha() {
        let mut pixels = image.to_rgba8();
        if opaque {
            pixels.pixels_mut().for_each(|p| p.0 = on_white(p.0));
            JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).encode_image(&DynamicImage::ImageRgba8(pixels).to_rgb8())?;
            return Ok(out);
        }
        if pixels.pixels().any(|p| p.0[3] < u8::MAX) {
            WebPEncoder::new_lossless(&mut out).encode(&pixels, pixels.width(), pixels.height(), ExtendedColorType::Rgba8)?;
            return Ok(out);
        }
    }
    JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).encode_image(&image.to_rgb8())?;
    Ok(out)
}

/// The colour that is seen where this one lies on white paper.
fn on_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    let over = |colour: u8| {
        let (colour, alpha, max) = (u32::from(colour), u32::from(alpha), u32::from(u8::MAX));
        u8::try_from((colour * alpha + max * (max - alpha)) / max).unwrap_or(u8::MAX)
    };
    [over(red), over(green), over(blue), u8::MAX]
}

#[cfg(test)]
mod tests {
    use image::codecs::gif::GifEncoder;
    use image::{Frame, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn small(picture: Vec<u8>) -> anyhow::Result<Small> {
        scaled(picture, EDGE_PIXELS_MAX, false)
    }

    /// Red above, blue below.
    fn flag(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |_, y| if y < height / 2 { Rgb([220, 0, 0]) } else { Rgb([0, 0, 220]) })
    }

    fn jpeg(image: &RgbImage) -> Vec<u8> {
        let mut out = vec![];
        JpegEncoder::new_with_quality(&mut out, 95).encode_image(image).unwrap();
        out
    }

    fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(vec![]);
        image.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    /// The JPEG with an EXIF segment (Exif 2.32, 4.5) that tells how the camera was held, and where it was.
    fn held(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        exif.extend([0, orientation, 0, 0, 0, 0, 0, 0]);
        exif.extend(b"taken at home");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    fn seen(small: &Small) -> RgbImage {
        image::load_from_memory(&small.bytes).unwrap().to_rgb8()
    }

    fn is_red(p: Rgb<u8>) -> bool {
        p.0[0] > 150 && p.0[2] < 80
    }

    #[test]
    fn a_picture_is_small_upright_and_tells_nothing_of_its_camera() {
        // Where the first line of what the camera wrote is, as people see it (Exif 2.32, 4.6.4, Orientation).
        let red = [(1, "top"), (2, "top"), (3, "bottom"), (4, "bottom"), (5, "left"), (6, "right"), (7, "right"), (8, "left")];
        let lying = jpeg(&flag(1200, 800));
        for (orientation, side) in red {
            let small = small(held(&lying, orientation)).unwrap();
            let turned = orientation >= 5;
            assert_eq!(small.size, if turned { (800, 1200) } else { (1200, 800) }, "{orientation}");
            let picture = seen(&small);
            assert_eq!(picture.dimensions(), if turned { (320, 480) } else { (480, 320) }, "{orientation}");
            let (w, h) = picture.dimensions();
            let (x, y) = match side {
                "top" => (w / 2, 10),
                "bottom" => (w / 2, h - 10),
                "left" => (10, h / 2),
                _ => (w - 10, h / 2),
            };
            assert!(is_red(*picture.get_pixel(x, y)) && !is_red(*picture.get_pixel(w - 1 - x, h - 1 - y)), "{orientation}");
            assert!(!small.bytes.windows(4).any(|b| b == b"Exif") && !small.bytes.windows(4).any(|b| b == b"home"));
        }
    }

    #[test]
    fn every_kind_is_read_and_a_small_one_stays_as_large_as_it_is() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let bytes = written(&DynamicImage::ImageRgb8(flag(40, 30)), format);
            let small = small(bytes).unwrap();
            assert_eq!((small.size, seen(&small).dimensions()), ((40, 30), (40, 30)), "{format:?}");
            assert!(small.bytes.starts_with(&[0xff, 0xd8]), "{format:?}");
        }
    }

    #[test]
    fn what_shines_through_goes_on_doing_so() {
        let glass = RgbaImage::from_fn(900, 300, |x, _| Rgba([0, 200, 0, if x < 450 { 0 } else { 255 }]));
        let small = small(written(&DynamicImage::ImageRgba8(glass), ImageFormat::Png)).unwrap();
        assert!(small.bytes.starts_with(b"RIFF"));
        let read = image::load_from_memory(&small.bytes).unwrap().to_rgba8();
        assert_eq!((read.dimensions(), read.get_pixel(5, 5).0[3], read.get_pixel(470, 5).0[3]), ((480, 160), 0, 255));
    }

    #[test]
    fn for_line_it_is_a_jpeg_of_the_size_that_was_asked_for_on_white() {
        let glass = RgbaImage::from_fn(3000, 1500, |x, _| Rgba([0, 200, 0, if x < 1500 { 0 } else { 255 }]));
        let large = scaled(written(&DynamicImage::ImageRgba8(glass), ImageFormat::Png), 2048, true).unwrap();
        assert!(large.bytes.starts_with(&[0xff, 0xd8]));
        let read = seen(&large);
        assert_eq!(read.dimensions(), (2048, 1024));
        assert!(read.get_pixel(20, 20).0.iter().all(|c| *c > 240), "what shone through is white");
        assert!(read.get_pixel(2000, 20).0[0] < 30);
    }

    #[test]
    fn of_a_moving_picture_the_first_is_taken() {
        let mut moving = vec![];
        let frame = |colour| Frame::new(RgbaImage::from_pixel(60, 60, Rgba(colour)));
        GifEncoder::new(&mut moving).encode_frames([frame([255, 0, 0, 255]), frame([0, 0, 255, 255])]).unwrap();
        let small = small(moving).unwrap();
        assert!(is_red(*seen(&small).get_pixel(30, 30)));
    }

    #[test]
    fn thin_pictures_keep_a_pixel() {
        let small = small(written(&DynamicImage::ImageRgb8(flag(6000, 4)), ImageFormat::Png)).unwrap();
        assert_eq!((small.size, seen(&small).dimensions()), ((6000, 4), (480, 1)));
    }

    /// A PNG that says it has so many pixels, and has none.
    fn announced(width: u32, height: u32) -> Vec<u8> {
        let mut png = written(&DynamicImage::ImageRgb8(flag(1, 1)), ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = u32::MAX;
        for byte in &png[12..29] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        png[29..33].copy_from_slice(&(!crc).to_be_bytes());
        png
    }

    #[test]
    fn bombs_and_broken_files_are_refused_with_a_reason() {
        let whole = jpeg(&flag(600, 400));
        let cases = [
            (vec![], "nothing"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "a drawing"),
            (b"\x89PNG\r\n\x1a\nnot much of a picture".to_vec(), "a beginning"),
            (whole[..40].to_vec(), "half a head"),
            (announced(20_000, 20_000), "1.2 GB unpacked"),
            (announced(40_000, 2), "too wide"),
            (announced(u32::MAX, u32::MAX), "more than there is"),
        ];
        for (bytes, what) in cases {
            let refused = small(bytes).map(|s| s.size);
            assert!(refused.is_err(), "{what}: {refused:?}");
        }
        assert!(small(announced(1, 1)).is_ok(), "the forged sum is right");
    }
}
