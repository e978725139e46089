//! Bytes to text: declared character sets, wrong ones and none at all.

use std::borrow::Cow;

use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, ISO_2022_JP, SHIFT_JIS, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// How many bytes of an undeclared text are weighed to find its character set.
const SNIFF_BYTES_MAX: usize = 16 * 1024;

/// The encoding that a `charset` parameter names, with the names that mail programs use beyond the WHATWG labels.
/// `gb2312` is read as its superset GB18030, since Chinese programs write it for GBK.
pub fn encoding(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    match label.as_str() {
        "gb2312" | "gbk" | "gb_2312-80" | "cp936" | "euc-cn" | "x-gbk" => Some(GB18030),
        "cp950" | "ms950" | "big5-eten" | "big-5" => Some(BIG5),
        "cp932" | "ms932" | "windows-932" => Some(SHIFT_JIS),
        "cp949" | "ms949" => Some(EUC_KR),
        "iso-2022-jp-ms" | "iso-2022-jp-1" | "iso-2022-jp-2" | "cp50220" | "cp50221" => Some(ISO_2022_JP),
        "utf8mb4" | "utf_8" => Some(UTF_8),
        _ => Encoding::for_label_no_replacement(label.as_bytes()),
    }
}

/// Text of `bytes`, which the mail says are in `declared`. UTF-8 that is declared as something else is read as UTF-8;
/// what does not fit its declaration is read as what it looks like.
pub fn decoded(bytes: &[u8], declared: Option<&str>) -> String {
    let shifts = bytes.contains(&0x1b);
    let Some(label) = declared.filter(|l| !l.trim().is_empty()) else {
        return sniffed(bytes, None).into_owned();
    };
    let Some(encoding) = encoding(label) else {
        return match charset_decoder(label.trim().as_bytes()) {
            // UTF-7 and the DOS code pages, which encoding_rs does not know.
            Some(decoder) if !label.trim().eq_ignore_ascii_case("us-ascii") => decoder(bytes),
            _ => sniffed(bytes, None).into_owned(),
        };
    };
    if encoding == UTF_8 || encoding == WINDOWS_1252 && shifts {
        return sniffed(bytes, None).into_owned();
    }
    let is_wide = encoding.name().starts_with("UTF-16");
    if encoding != ISO_2022_JP
        && !is_wide
        && !bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return without_bom(text).to_owned();
    }
    let (text, _, failed) = encoding.decode(bytes);
    if failed && let Some(other) = sniff(bytes, None).filter(|e| *e != WINDOWS_1252) {
        return other.decode(bytes).0.into_owned();
    }
    text.into_owned()
}

/// Text of bytes that declare nothing: UTF-8, ISO-2022-JP, `hint`, or whichever of Big5, GB18030 and `Shift_JIS` they
/// look most like; Windows-1252 as the last resort.
pub fn sniffed<'a>(bytes: &'a [u8], hint: Option<&'static Encoding>) -> Cow<'a, str> {
    if !bytes.contains(&0x1b)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(without_bom(text));
    }
    match sniff(bytes, hint) {
        Some(encoding) => encoding.decode(bytes).0,
        None => String::from_utf8_lossy(bytes),
    }
}

/// UTF-8 that an encoded word declared as Latin-1 (`FrÃ¶sche`), read again.
pub fn unmistaken(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(['Ã', 'Â', 'å', 'ç', 'è', 'é', 'æ', 'ä', 'ã']) {
        return Cow::Borrowed(text);
    }
    let (bytes, _, failed) = WINDOWS_1252.encode(text);
    if failed {
        return Cow::Borrowed(text);
    }
    std::str::from_utf8(&bytes).map_or(Cow::Borrowed(text), |t| Cow::Owned(t.to_owned()))
}

fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn sniff(bytes: &[u8], hint: Option<&'static Encoding>) -> Option<&'static Encoding> {
    let fits = |e: &'static Encoding| !e.decode_without_bom_handling(bytes).1;
    if bytes.contains(&0x1b) && bytes.is_ascii() {
        return Some(if fits(ISO_2022_JP) { ISO_2022_JP } else { UTF_8 });
    }
    if std::str::from_utf8(bytes).is_ok() || mostly_utf8(bytes) {
        return Some(UTF_8);
    }
    if let Some(hint) = hint.filter(|e| fits(e)) {
        return Some(hint);
    }
    if lone_high_bytes(bytes) {
        return Some(WINDOWS_1252);
    }
    let sample = &bytes[..bytes.len().min(SNIFF_BYTES_MAX)];
    [BIG5, GB18030, SHIFT_JIS]
        .into_iter()
        .filter(|e| fits(e))
        .map(|e| (share_of_common(sample, e), e))
        // `max_by` keeps the last of equals; Big5 is to win a draw.
        .rev()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(Some(WINDOWS_1252), |(_, e)| Some(e))
}

/// UTF-8 that was cut or damaged in few places: at most one fault in ten characters beyond ASCII.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > 0 && bad * 10 <= good
}

/// Whether every byte beyond ASCII stands alone between ASCII letters: an accented Latin text, not a double-byte one.
fn lone_high_bytes(bytes: &[u8]) -> bool {
    !bytes.windows(2).any(|w| w[0] >= 0x80 && w[1] >= 0x80)
        && bytes.windows(3).filter(|w| w[1] >= 0x80).all(|w| is_word(w[0]) && is_word(w[2]))
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b' '
}

/// How much of a double-byte text lies in the rows that its writers use daily, 0 to 1.
fn share_of_common(bytes: &[u8], encoding: &'static Encoding) -> f64 {
    let (mut pairs, mut common) = (0_u32, 0_u32);
    let mut i = 0;
    while i < bytes.len() {
        let lead = bytes[i];
        if lead < 0x80 {
            i += 1;
            continue;
        }
        let trail = bytes.get(i + 1).copied().unwrap_or(0);
        pairs += 1;
        i += 2;
        let is_common = if encoding == BIG5 {
            matches!(lead, 0xa1..=0xc6)
        } else if encoding == GB18030 {
            matches!(lead, 0xa1 | 0xa3 | 0xb0..=0xd7) && trail >= 0xa1
        } else {
            matches!(lead, 0x81..=0x83 | 0x88..=0x97)
        };
        common += u32::from(is_common);
    }
    f64::from(common) / f64::from(pairs.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undeclared_text_is_read_as_what_it_looks_like() {
        let zh = "您好，感應器壞了，請協助派員處理。謝謝！";
        let cn = "您好，感应器坏了，请协助派员处理。谢谢！";
        let ja = "お世話になっております。明日の午後に伺います。";
        for (text, encoding) in [(zh, BIG5), (cn, GB18030), (ja, SHIFT_JIS), (ja, ISO_2022_JP), (zh, UTF_8)] {
            let (bytes, _, failed) = encoding.encode(text);
            assert!(!failed);
            assert_eq!(sniffed(&bytes, None), text, "{}", encoding.name());
        }
        assert_eq!(sniffed(b"caf\xe9 cr\xe8me", None), "café crème");
    }

    #[test]
    fn the_hint_wins_over_the_looks() {
        let (bytes, ..) = GB18030.encode("測試");
        assert_eq!(sniffed(&bytes, Some(GB18030)), "測試");
    }

    #[test]
    fn utf8_taken_for_latin1_is_read_again() {
        assert_eq!(unmistaken("FrÃ¶sche"), "Frösche");
        assert_eq!(unmistaken("Frösche"), "Frösche");
        assert_eq!(unmistaken("é"), "é");
    }

    #[test]
    fn a_wrong_declaration_does_not_garble() {
        assert_eq!(decoded("水管漏水".as_bytes(), Some("big5")), "水管漏水");
        assert_eq!(decoded(&BIG5.encode("水管漏水，請派人來看").0, Some("utf-8")), "水管漏水，請派人來看");
        assert_eq!(decoded(&GB18030.encode("請問朋友們").0, Some("gb2312")), "請問朋友們");
        assert_eq!(decoded(&ISO_2022_JP.encode("日本語").0, Some("us-ascii")), "日本語");
        assert_eq!(decoded(b"plain", Some("x-unknown")), "plain");
    }
}
