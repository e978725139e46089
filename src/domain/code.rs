//! Codes that are typed once into a LINE chat.

use jiff::SignedDuration;

use super::words;

words! {
    /// What a code is good for.
    CodePurpose {
        /// Binds the chat that it is typed into to a project.
        Bind = "bind",
        /// Says whose LINE account it is that types it.
        Link = "link",
    }
}

/// How long a code is good for.
pub const CODE_GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Characters of a code, without the hyphen that it is shown with.
pub const CODE_CHARS: usize = 8;

/// What codes are made of (Crockford's base 32): no I, L, O, U, which are taken for others.
pub const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code as it was typed, in its one spelling; `None` where it is none. Case, blanks and hyphens do not matter.
pub fn plain_code(typed: &str) -> Option<String> {
    // Longer than a code with every character set apart.
    const TYPED_CHARS_MAX: usize = 3 * CODE_CHARS;
    if typed.chars().nth(TYPED_CHARS_MAX).is_some() {
        return None;
    }
    let spelt = |c: char| match c {
        // Phones write full-width characters among Chinese ones.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    let mut code = String::new();
    for c in typed.chars().map(spelt).filter(|c| !c.is_whitespace() && *c != '-') {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        if !u8::try_from(c).is_ok_and(|c| CODE_ALPHABET.contains(&c)) {
            return None;
        }
        code.push(c);
    }
    (code.len() == CODE_CHARS).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in ["K7QF3M9T", "K7QF-3M9T", " k7qf 3m9t ", "Ｋ７ＱＦ－３Ｍ９Ｔ"] {
            assert_eq!(plain_code(typed).as_deref(), Some("K7QF3M9T"), "{typed}");
        }
        assert_eq!(plain_code("oil1-OIL1").as_deref(), Some("01110111"));
        for other in ["", "K7QF3M9", "K7QF3M9TT", "K7QF3M9U", "謝謝謝謝謝謝謝謝", &"K ".repeat(50)] {
            assert_eq!(plain_code(other), None, "{other}");
        }
    }
}
