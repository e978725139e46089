//! Reply tokens in our addresses, and what subjects say about the discussion.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::PersonId;

/// How much of the HMAC goes into a token, in bytes: 80 bits, guessed by nobody through a mail server.
const TAG_BYTES: usize = 10;

/// What the HMAC is over besides the token's payload, so that no other use of the key can make one.
const PURPOSE: &[u8] = b"threadline reply address 1";
/// The same for the links that turn mails off and on.
const SWITCH_PURPOSE: &[u8] = b"threadline mail switch 1";

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The key that reply tokens are made with.
#[derive(Clone)]
pub struct ReplyKey([u8; 32]);

impl std::fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReplyKey(…)")
    }
}

impl ReplyKey {
    /// A key of 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The address that `person` answers to in the discussion `number`: `support+TOKEN@example.com` for the mailbox
    /// `support@example.com`. The token is lower case and survives relays that fold case; with 32-bit numbers it has at
    /// most 32 characters, so the local part stays within its 64 octets (RFC 5321, 4.5.3.1.1) for mailboxes of up to 31.
    pub fn reply_address(&self, mailbox: &str, number: i64, person: PersonId) -> String {
        let mut token = payload(number, person);
        let tag = self.mac(mailbox, &token).finalize().into_bytes();
        token.extend_from_slice(&tag[..TAG_BYTES]);
        let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, ""));
        format!("{local}+{}@{domain}", base32(&token))
    }

    /// The discussion's number and the person that `address` was made for with this key and mailbox; compared in constant time.
    pub fn read(&self, mailbox: &str, address: &str) -> Option<(i64, PersonId)> {
        let mailbox = mailbox.to_ascii_lowercase();
        let address = address.trim().to_ascii_lowercase();
        let (local, domain) = mailbox.rsplit_once('@')?;
        let (their_local, their_domain) = address.rsplit_once('@')?;
        let token = their_local.strip_prefix(local)?.strip_prefix('+').filter(|_| their_domain == domain)?;
        let token = from_base32(token)?;
        let (payload, tag) = token.split_at_checked(token.len().checked_sub(TAG_BYTES)?)?;
        self.mac(&mailbox, payload).verify_truncated_left(tag).ok()?;
        named(payload)
    }

    /// What stands in the link by which `person` turns the mails about the discussion `number` off and on; it allows nothing else.
    pub fn switch_token(&self, number: i64, person: PersonId) -> String {
        let mut token = payload(number, person);
        let tag = self.switch_mac(&token).finalize().into_bytes();
        token.extend_from_slice(&tag[..TAG_BYTES]);
        base32(&token)
    }

    /// The discussion's number and the person that `token` was made for with this key; compared in constant time.
    pub fn read_switch(&self, token: &str) -> Option<(i64, PersonId)> {
        if token.len() > SWITCH_CHARS_MAX {
            return None;
        }
        let token = from_base32(&token.to_ascii_lowercase())?;
        let (payload, tag) = token.split_at_checked(token.len().checked_sub(TAG_BYTES)?)?;
        self.switch_mac(payload).verify_truncated_left(tag).ok()?;
        named(payload)
    }

    fn switch_mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(SWITCH_PURPOSE);
        mac.update(&[0]);
        mac.update(payload);
        mac
    }

    fn mac(&self, mailbox: &str, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        mac.update(mailbox.to_ascii_lowercase().as_bytes());
        mac.update(&[0]);
        mac.update(payload);
        mac
    }
}

/// The longest token of a link, in characters: two numbers of 10 bytes each, and the tag.
const SWITCH_CHARS_MAX: usize = 48;

fn payload(number: i64, person: PersonId) -> Vec<u8> {
    let mut payload = Vec::with_capacity(30);
    push_varint(&mut payload, number.cast_unsigned());
    push_varint(&mut payload, person.0.cast_unsigned());
    payload
}

fn named(payload: &[u8]) -> Option<(i64, PersonId)> {
    let (number, rest) = take_varint(payload)?;
    let (person, rest) = take_varint(rest)?;
    rest.is_empty().then_some((number.cast_signed(), PersonId(person.cast_signed())))
}

/// Little-endian base 128, the high bit for "more".
fn push_varint(into: &mut Vec<u8>, mut n: u64) {
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            into.push(low);
            return;
        }
        into.push(low | 0x80);
    }
}

fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0_u64;
    for (i, b) in bytes.iter().enumerate().take(10) {
        n |= u64::from(b & 0x7f).checked_shl(7 * u32::try_from(i).ok()?)?;
        if b & 0x80 == 0 {
            return Some((n, &bytes[i + 1..]));
        }
    }
    None
}

/// RFC 4648, section 6, lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for b in bytes {
        buffer = buffer << 8 | u32::from(*b);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32[(buffer << (5 - bits) & 31) as usize]));
    }
    out
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for b in text.bytes() {
        let value = BASE32.iter().position(|c| *c == b)?;
        buffer = buffer << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits & 0xff) as u8);
        }
    }
    Some(out)
}

/// What mail programs put before a subject, lower case, without the colon.
const REPLY_PREFIXES: &[&str] = &[
    // English and most others, French, Italian, Spanish, Finnish, Latvian
    "re",
    "ref",
    "rif",
    "res",
    "rép",
    "réf",
    "vs",
    "ats",
    // Chinese, Taiwan and mainland
    "回覆",
    "回复",
    "回信",
    "答覆",
    "答复",
    "覆",
    "复",
    // Japanese, Korean
    "返信",
    "返",
    "회신",
    "답장",
    // German, the Nordic languages, Dutch, Polish, Turkish, Greek, Hungarian, Romanian, Welsh, Indonesian, Vietnamese
    "aw",
    "antw",
    "antwort",
    "sv",
    "svar",
    "odp",
    "ynt",
    "yanıt",
    "απ",
    "σχετ",
    "vá",
    "válasz",
    "răspuns",
    "atb",
    "bls",
    "trả lời",
];

/// The same for what was passed on.
const FORWARD_PREFIXES: &[&str] = &[
    "fw",
    "fwd",
    "forward",
    "轉寄",
    "轉發",
    "转发",
    "轉送",
    "転送",
    "전달",
    "wg",
    "vl",
    "vb",
    "tr",
    "i",
    "enc",
    "rv",
    "doorst",
    "pd",
    "vsb",
    "trs",
    "ilt",
    "πρθ",
    "továbbítás",
    "chuyển tiếp",
];

/// The most prefixes and tags that are taken off a subject.
const PREFIXES_MAX: usize = 50;

/// The subject without its prefixes (`Re:`, `回覆：`, `Fwd:` …, repeated, counted as in `Re[2]:`) and `[#N]` tags.
pub fn base_subject(subject: &str) -> String {
    let untagged = without_tags(subject);
    let mut rest = untagged.trim();
    for _ in 0..PREFIXES_MAX {
        let Some((_, after)) = prefix(rest) else { break };
        rest = after;
    }
    rest.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the subject says that something was passed on: its first prefix is a forward's.
pub fn is_forward(subject: &str) -> bool {
    prefix(without_tags(subject).trim()).is_some_and(|(forward, _)| forward)
}

/// Whether a prefix stands at the beginning, which kind, and what comes after it.
fn prefix(subject: &str) -> Option<(bool, &str)> {
    let colon = subject.char_indices().take(16).find(|(_, c)| matches!(c, ':' | '：' | '﹕'))?;
    let word = subject[..colon.0].trim().to_lowercase();
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | ' ' | '*'));
    let after = subject[colon.0 + colon.1.len_utf8()..].trim_start();
    if FORWARD_PREFIXES.contains(&word) {
        return Some((true, after));
    }
    REPLY_PREFIXES.contains(&word).then_some((false, after))
}

/// The number in the subject's first `[#N]`.
pub fn subject_tag(subject: &str) -> Option<i64> {
    tags(subject).next().map(|(_, number)| number)
}

fn without_tags(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    let mut from = 0;
    for (range, _) in tags(subject).take(PREFIXES_MAX) {
        out.push_str(&subject[from..range.start]);
        from = range.end;
    }
    out + &subject[from..]
}

fn tags(subject: &str) -> impl Iterator<Item = (std::ops::Range<usize>, i64)> {
    subject.match_indices("[#").filter_map(|(at, _)| {
        let digits = &subject[at + 2..];
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        let number = digits[..end].parse().ok().filter(|_| digits[end..].starts_with(']'))?;
        Some((at..at + 2 + end + 1, number))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAILBOX: &str = "support@example.com";

    fn key() -> ReplyKey {
        ReplyKey::new([7; 32])
    }

    #[test]
    fn a_token_tells_the_discussion_and_the_person_even_in_capitals() {
        let address = key().reply_address(MAILBOX, 12, PersonId(345));
        assert!(address.starts_with("support+") && address.ends_with("@example.com"), "{address}");
        assert_eq!(key().read(MAILBOX, &address), Some((12, PersonId(345))));
        assert_eq!(key().read("Support@Example.com", &address.to_uppercase()), Some((12, PersonId(345))));
    }

    #[test]
    fn a_token_fits_a_local_part() {
        let address =
            key().reply_address("customer-support-taipei-office1@example.com", i64::from(u32::MAX), PersonId(i64::from(u32::MAX)));
        assert!(address.split('@').next().expect("it has an @").len() <= 64, "{address}");
    }

    #[test]
    fn a_changed_token_or_another_mailbox_or_key_is_refused() {
        let address = key().reply_address(MAILBOX, 12, PersonId(345));
        assert_eq!(key().read("other@example.com", &address), None);
        assert_eq!(key().read("support@example.org", &address), None);
        assert_eq!(ReplyKey::new([8; 32]).read(MAILBOX, &address), None);
        for at in "support+".len()..address.find('@').expect("it has an @") {
            let mut changed = address.clone().into_bytes();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).expect("it is ASCII");
            // The last character carries spare bits that decode to the same bytes.
            let same_bytes = key().read(MAILBOX, &changed) == Some((12, PersonId(345))) && at + 1 == address.find('@').expect("@");
            assert!(key().read(MAILBOX, &changed).is_none() || same_bytes, "{changed}");
        }
        for bad in ["", "support@example.com", "support+@example.com", "support+aaaa@example.com", "support+!@example.com", "x"] {
            assert_eq!(key().read(MAILBOX, bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_that_turns_mails_off_is_no_reply_address_and_cannot_be_made_up() {
        let token = key().switch_token(12, PersonId(345));
        assert_eq!(key().read_switch(&token), Some((12, PersonId(345))));
        assert_eq!(key().read_switch(&token.to_uppercase()), Some((12, PersonId(345))));
        assert_eq!(ReplyKey::new([8; 32]).read_switch(&token), None);
        assert_eq!(key().read(MAILBOX, &format!("support+{token}@example.com")), None);
        let reply = key().reply_address(MAILBOX, 12, PersonId(345));
        let from_address = reply.trim_start_matches("support+").split('@').next().expect("it has an @");
        assert_eq!(key().read_switch(from_address), None);
        assert_eq!(key().read_switch(&"a".repeat(SWITCH_CHARS_MAX + 1)), None);
        assert!(key().switch_token(i64::MAX, PersonId(-1)).len() <= SWITCH_CHARS_MAX);
    }

    #[test]
    fn a_base_subject_is_without_prefixes_and_tags() {
        for subject in [
            "水管漏水",
            "Re: 水管漏水",
            "回覆：水管漏水",
            "RE: 回覆: [#7] 水管漏水",
            "Fwd: 轉寄：水管漏水",
            "Re[2]: 水管漏水",
            "[#12] 回复：答复: 水管漏水",
            "AW: SV: 水管漏水",
            "返信：  水管漏水 ",
            "Re : 水管漏水",
        ] {
            assert_eq!(base_subject(subject), "水管漏水", "{subject}");
        }
        assert_eq!(base_subject("進度: 第三期"), "進度: 第三期");
        assert_eq!(base_subject("Re:"), "");
    }

    #[test]
    fn a_tag_is_found_anywhere_in_the_subject() {
        assert_eq!(subject_tag("回覆: [#12] 水管"), Some(12));
        assert_eq!(subject_tag("水管 [#7]"), Some(7));
        for none in ["#12", "[#]", "[#x]", "[12]", "[#12", "[#99999999999999999999]"] {
            assert_eq!(subject_tag(none), None, "{none}");
        }
    }

    #[test]
    fn only_the_first_prefix_tells_a_forward() {
        assert!(is_forward("[#3] 轉寄: 報價"));
        assert!(is_forward("FW: RE: x"));
        assert!(!is_forward("Re: Fwd: x"));
        assert!(!is_forward("報價"));
    }

    proptest! {
        #[test]
        fn every_number_and_person_comes_back(number in any::<i64>(), person in any::<i64>()) {
            let address = key().reply_address(MAILBOX, number, PersonId(person));
            prop_assert_eq!(key().read(MAILBOX, &address), Some((number, PersonId(person))));
        }

        #[test]
        fn no_text_breaks_the_readers(text in ".{0,80}") {
            key().read(MAILBOX, &text);
            key().read(MAILBOX, &format!("support+{text}@example.com"));
            base_subject(&text);
            subject_tag(&text);
        }
    }
}
