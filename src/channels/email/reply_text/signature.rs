//! Signatures and the footers under them: `-- `, what phones add, blocks of contact lines, confidentiality notices.

use std::ops::Range;

use super::line::{Line, PHRASE_BYTES_MAX, folded, is_dash, is_rule};
use super::words::{
    AFFILIATIONS, CLOSINGS, CONTACT_LABELS, DEVICE_SIGNATURES, DEVICES, DISCLAIMERS, NOTICES, PROGRAM_SIGNATURES, RECIPIENT_LABELS, ROLES,
    SURNAMES, SURNAMES_OF_TWO,
};

/// Lines of a signature under `-- `; a longer text under it is no signature.
const DELIMITED_LINES_MAX: usize = 14;
/// The longest line that a phone adds, in characters.
const PROGRAM_CHARS_MAX: usize = 90;
/// Lines of a signature without `-- ` above it.
const BLOCK_LINES_MAX: usize = 14;
/// The longest line of such a signature, in characters.
const BLOCK_LINE_CHARS_MAX: usize = 70;
/// The longest name with a title, in characters.
const NAME_CHARS_MAX: usize = 24;
/// Lines of a confidentiality notice.
const DISCLAIMER_LINES_MAX: usize = 16;
/// The fewest different words of a confidentiality notice, and its least length in characters.
const NOTICE: (usize, usize) = (2, 30);
/// The same of one in an alphabet, whose words people use too.
const LATIN_NOTICE: (usize, usize) = (3, 60);
/// The fewest letters of a line of a confidentiality notice in a paragraph of others, in characters.
const DISCLAIMER_CHARS_MIN: usize = 16;
/// The shortest prose under a signature that is a company's footer, in characters.
const FOOTER_CHARS_MIN: usize = 120;
/// Contact lines of a signature that prose may stand under.
const FOOTER_CONTACTS_MIN: usize = 4;
/// Lines under the rule of a mailing list's footer.
const LIST_FOOTER_LINES_MAX: usize = 6;

/// `own` without the signature at its end, and without the rule of dashes that stands above cut history.
pub(super) fn without(lines: &[Line<'_>], own: Range<usize>, before_history: bool) -> Range<usize> {
    let mut end = own.end;
    if let Some(at) = own.clone().find(|i| is_delimiter(lines[*i].text)) {
        let below = lines[at + 1..end].iter().filter(|l| !l.is_blank()).count();
        if below <= DELIMITED_LINES_MAX {
            end = at;
        }
    }
    if let Some(at) = own.clone().take_while(|i| *i < end).find(|i| is_list_footer(lines, *i, end)) {
        end = at;
    }
    end = without_end_blanks(lines, own.start..end);
    // A signature, a notice and a phone's line may follow each other in any order.
    loop {
        let before = end;
        end = without_program_lines(lines, own.start..end, before_history);
        end = without_disclaimer(lines, own.start..end).unwrap_or(end);
        end = without_block(lines, own.start..end, 0).unwrap_or(end);
        end = without_footer(lines, own.start..end).unwrap_or(end);
        end = without_dashed_name(lines, own.start..end).unwrap_or(end);
        if end == before {
            break;
        }
    }
    own.start..end
}

/// Without blank lines, lines of phones, and rules above history at its end.
fn without_program_lines(lines: &[Line<'_>], own: Range<usize>, before_history: bool) -> usize {
    let mut end = own.end;
    loop {
        while end > own.start && lines[end - 1].is_blank() {
            end -= 1;
        }
        let Some(last) = end.checked_sub(1).filter(|last| *last >= own.start) else { break };
        let bare = lines[last].bare;
        // Foxmail puts the writer's address, alone, above the history.
        let is_lone_address = || before_history && is_address(bare) && last > own.start && lines[last - 1].is_blank();
        if is_program_signature(bare) || before_history && is_rule(bare) || is_lone_address() {
            end = last;
            continue;
        }
        // A line and its link below it.
        let is_link = bare.starts_with("http") || bare.starts_with('<');
        if is_link && last > own.start && is_program_signature(lines[last - 1].bare) {
            end = last - 1;
            continue;
        }
        break;
    }
    end
}

/// A line of underscores with a mailing list's name and addresses under it.
fn is_list_footer(lines: &[Line<'_>], at: usize, end: usize) -> bool {
    let bare = lines[at].bare;
    bare.len() >= 20
        && bare.bytes().all(|b| b == b'_')
        && lines[at + 1..end].iter().filter(|l| !l.is_blank()).count() <= LIST_FOOTER_LINES_MAX
        && lines[at + 1..end].iter().any(|l| l.bare.contains("mailing list") || l.bare.contains("mailman"))
}

/// `-- ` and what people make of it.
fn is_delimiter(text: &str) -> bool {
    let text = text.trim_matches(['\u{a0}', ' ']);
    matches!(text, "--" | "—" | "--=20" | "__")
}

fn is_program_signature(bare: &str) -> bool {
    let bare = bare.trim_matches(['_', '*', '[', ']', '(', ')', '.', '。', ' ', '\u{a0}', '📱']);
    let bare = bare.split(['<', '(']).next().unwrap_or(bare);
    if bare.is_empty() || bare.chars().count() > PROGRAM_CHARS_MAX {
        return false;
    }
    // A sentence goes on after a comma.
    if bare.contains([',', '，', '。', '？', '?', '!', '！']) && !bare.contains("!メール") {
        return false;
    }
    let line = folded(bare);
    PROGRAM_SIGNATURES.iter().any(|p| line.starts_with(p))
        || DEVICE_SIGNATURES.iter().any(|p| line.starts_with(p)) && DEVICES.iter().any(|d| line.contains(d)) && line.chars().count() <= 40
}

/// The start of a confidentiality notice at the end of `own`. A person may ask to keep something secret or to delete a mail:
/// a notice says for whom the mail is meant, with other words of its kind, at some length.
fn without_disclaimer(lines: &[Line<'_>], own: Range<usize>) -> Option<usize> {
    let last = own.end.checked_sub(1)?;
    let from = own.start.max(own.end.saturating_sub(DISCLAIMER_LINES_MAX));
    let begin = (from..=last).rev().find(|i| lines[*i].is_blank()).map_or(from, |i| i + 1);
    let joined: String = lines[begin..own.end].iter().map(|l| folded(l.bare) + " ").collect();
    let (words_min, chars_min) = if joined.contains(|c| c >= '\u{2e80}') { NOTICE } else { LATIN_NOTICE };
    let chars = joined.chars().count();
    if chars < chars_min || !NOTICES.iter().any(|n| joined.contains(n)) || distinct_disclaimers(&joined) < words_min {
        return None;
    }
    // In a paragraph that begins with something else, the notice begins at its first line that has its words.
    let at = (begin..own.end).find(|i| {
        let line = folded(lines[*i].bare);
        distinct_disclaimers(&line) > 0 && line.chars().count() >= DISCLAIMER_CHARS_MIN
    })?;
    lines[own.start..at].iter().any(|l| !l.is_blank()).then(|| without_end_blanks(lines, own.start..at))
}

fn distinct_disclaimers(folded: &str) -> usize {
    DISCLAIMERS.iter().filter(|d| folded.contains(*d)).count()
}

fn without_end_blanks(lines: &[Line<'_>], range: Range<usize>) -> usize {
    let mut end = range.end;
    while end > range.start && lines[end - 1].is_blank() {
        end -= 1;
    }
    end
}

/// What a line of a signature block is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// A telephone number, mail address, link, or a label with one of them.
    Contact,
    /// A company, a department, a title.
    Affiliation,
    /// A Chinese name alone, or with a title.
    Name,
    /// What may stand in a signature: a short line without a sentence.
    Short,
    /// A rule or a picture.
    Ornament,
    Blank,
}

/// The start of a block of contact lines at the end of `own` ([`Part`]), if it is a signature beyond doubt: two lines that
/// only signatures have, text above it, and nothing that announces an address as the mail's matter. It must have at least
/// `contacts_min` contact lines.
fn without_block(lines: &[Line<'_>], own: Range<usize>, contacts_min: usize) -> Option<usize> {
    let from = own.start.max(own.end.saturating_sub(2 * BLOCK_LINES_MAX));
    let mut parts: Vec<Part> = Vec::new();
    let mut begin = own.end;
    let mut shown = 0;
    while begin > from && shown < BLOCK_LINES_MAX {
        let bare = lines[begin - 1].bare;
        let Some(part) = part(bare) else { break };
        parts.push(part);
        shown += usize::from(part != Part::Blank);
        begin -= 1;
    }
    parts.reverse();
    // Bottom lines must be a signature's own.
    if matches!(parts.last(), None | Some(Part::Short | Part::Name | Part::Blank)) && !ends_in_affix(&parts) {
        return None;
    }
    let start = block_start(lines, begin, &parts, own.start)?;
    let block = &parts[start - begin..];
    let count = |p: Part| block.iter().filter(|b| **b == p).count();
    let (contacts, affiliations, names) = (count(Part::Contact), count(Part::Affiliation), count(Part::Name));
    // Contact lines without a name may be what the mail is about: where somebody can be reached.
    let others = block.len() - count(Part::Blank) - contacts;
    let is_sure = contacts >= 2 && others >= 1
        || contacts == 1 && affiliations + names >= 1
        || names >= 1 && affiliations >= 1
        || is_one_line_card(block, lines[start].bare);
    let above = lines[own.start..start].iter().rev().find(|l| !l.is_blank())?;
    let announced = announces(above.bare) && !is_closing(above.bare);
    let is_matter = lines[start..own.end].iter().any(|l| names_recipient(l.bare));
    (is_sure && contacts >= contacts_min && !announced && !is_matter).then(|| without_end_blanks(lines, own.start..start))
}

/// The start of a block of many contact lines with one paragraph of prose under it: a company's footer.
fn without_footer(lines: &[Line<'_>], own: Range<usize>) -> Option<usize> {
    let from = own.start.max(own.end.saturating_sub(DISCLAIMER_LINES_MAX));
    let begin = (from..own.end).rev().find(|i| lines[*i].is_blank())? + 1;
    let chars: usize = lines[begin..own.end].iter().map(|l| l.bare.chars().count()).sum();
    let is_postscript = folded(lines.get(begin)?.bare).starts_with(['p', '附', '註', '另']);
    if chars < FOOTER_CHARS_MIN || is_postscript {
        return None;
    }
    without_block(lines, own.start..without_end_blanks(lines, own.start..begin), FOOTER_CONTACTS_MIN)
}

/// Whether a line says that what it speaks of follows. ":+1:" does not.
fn announces(bare: &str) -> bool {
    bare.ends_with([':', '：']) && !bare.starts_with(':') || ["如下", "以下", "下方", "下列"].iter().any(|w| bare.contains(w))
}

/// A name under two contact lines, as some put it.
fn ends_in_affix(parts: &[Part]) -> bool {
    parts.iter().filter(|p| **p == Part::Contact).count() >= 3
}

/// "總務 小潘 分機 110": all on one line.
fn is_one_line_card(block: &[Part], line: &str) -> bool {
    let folded = folded(line);
    block == [Part::Contact] && ROLES.iter().chain(AFFILIATIONS).any(|w| w.chars().count() > 1 && folded.contains(w))
}

/// Where the block begins among the lines from `begin`, which are `parts`: at the first paragraph all of whose lines are its
/// own, or under a closing.
fn block_start(lines: &[Line<'_>], begin: usize, parts: &[Part], own_start: usize) -> Option<usize> {
    let sure = |p: Part| matches!(p, Part::Contact | Part::Affiliation | Part::Ornament);
    let mut start = None;
    let mut at = begin;
    while at < begin + parts.len() {
        let end = (at..begin + parts.len()).find(|i| parts[i - begin] == Part::Blank).unwrap_or(begin + parts.len());
        let paragraph = &parts[at - begin..end - begin];
        if !paragraph.is_empty() {
            let opens = at == own_start
                || at > own_start && (lines[at - 1].is_blank() || is_closing(lines[at - 1].bare) || is_rule(lines[at].bare));
            // Above the paragraph that has the contact lines, one is taken only if it is sure of itself.
            if start.is_none() && paragraph.iter().any(|p| sure(*p)) {
                start = if opens {
                    Some(first_line(lines, at, end, parts[at - begin]))
                } else {
                    (at..end).find(|i| is_rule(lines[*i].bare) || *i > 0 && is_closing(lines[*i - 1].bare))
                };
            }
        }
        at = end + 1;
    }
    start
}

/// The first line, or the one under it where that is the name of a closing above ("Regards," or "敬祝 商祺"): it stays.
fn first_line(lines: &[Line<'_>], at: usize, end: usize, first: Part) -> usize {
    let above = lines[..at].iter().rev().take(2).find(|l| !l.is_blank());
    let is_direct = at > 0 && !lines[at - 1].is_blank();
    let is_name = first == Part::Name && !lines[at].bare.contains(['|', '/', '│']) || first == Part::Short && is_direct;
    if is_name && at + 1 < end && above.is_some_and(|l| is_closing(l.bare)) { at + 1 } else { at }
}

fn part(bare: &str) -> Option<Part> {
    if bare.is_empty() {
        return Some(Part::Blank);
    }
    let chars = bare.chars().count();
    if is_rule(bare) || is_picture(bare) {
        return Some(Part::Ornament);
    }
    if chars > BLOCK_LINE_CHARS_MAX || bare.len() > PHRASE_BYTES_MAX || bare.starts_with(['-', '•', '・', '＊']) && !is_contact(bare) {
        return None;
    }
    if is_contact(bare) {
        return Some(Part::Contact);
    }
    // A sentence, a question, a list's item.
    if bare.contains(['，', '。', '？', '！', '；', '、', '?', '!', '～', '「', '」'])
        || bare.ends_with([':', '：', ',', '.', ';']) && !ends_like_company(bare)
    {
        return None;
    }
    if is_closing(bare) {
        return None;
    }
    let line = folded(bare);
    if is_affiliation(&line) && chars <= NAME_CHARS_MAX * 2 {
        return Some(Part::Affiliation);
    }
    if is_chinese_name(bare) {
        return Some(Part::Name);
    }
    let words = line.split(' ').count();
    let is_latin = line.chars().filter(|c| c.is_alphabetic()).all(|c| (c as u32) < 0x250);
    (is_latin && words <= 6 && chars <= NAME_CHARS_MAX * 2).then_some(Part::Short)
}

fn is_picture(bare: &str) -> bool {
    let inner = bare.strip_prefix('[').and_then(|b| b.strip_suffix(']'));
    inner.is_some_and(|i| {
        ["image", "cid:", "圖片", "logo", "img"].iter().any(|w| i.len() <= PHRASE_BYTES_MAX && i.to_lowercase().contains(w))
    })
}

fn ends_like_company(bare: &str) -> bool {
    let line = folded(bare);
    ["ltd.", "inc.", "corp.", "co.", "s.a.", "b.v.", "llc.", "pty."].iter().any(|e| line.ends_with(e))
}

/// A telephone number, a mail address, a link or a Taiwanese street address, with or without a label.
fn is_contact(bare: &str) -> bool {
    let bare = bare.trim_matches(|c: char| is_dash(c) || c == '|');
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    if is_address(bare) || is_link(bare) || is_number(bare) || is_street(bare) {
        return true;
    }
    let line = folded(bare);
    let word = line.split([':', '：', ' ', '.', '(', '（', '|', '+']).next().unwrap_or("");
    let is_labelled = |key: &str| CONTACT_LABELS.contains(&key.trim());
    let rest_says = digits >= 3 || line.contains('@') || line.contains("www") || line.contains("http") || is_street(bare);
    let by_colon = line.split_once([':', '：']).is_some_and(|(key, value)| {
        let key = key.trim_matches(['*', ' ']);
        let last = key.rsplit([' ', '|', '/']).next().unwrap_or(key);
        (is_labelled(key)
            || is_labelled(last) && key.chars().count() <= NAME_CHARS_MAX
            || CONTACT_LABELS.iter().any(|l| !l.is_ascii() && key.starts_with(l) && key.chars().count() <= 8))
            && !value.trim().is_empty()
    });
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    by_colon && rest_says
        // "T +886-2-2555-0190", "電話 02-2555-0109", "Bel mij +31 6 22 22 22 22", "分機 420"
        || is_labelled(word) && digits >= 3 && letters <= word.chars().count() + 8
        || CONTACT_LABELS.iter().any(|l| !l.is_ascii() && line.starts_with(l)) && digits >= 3 && letters <= 16
        || line.contains("分機") && digits >= 2 && line.chars().count() <= NAME_CHARS_MAX
        || digits >= 8 && letters <= 10 && line.split(' ').any(|w| w.starts_with('+') || w.starts_with("(+"))
        || line.contains('@') && line.split_whitespace().count() <= 4 && line.split_whitespace().any(is_address)
        || digits >= 6 && (3..=8).contains(&letters) && line.is_ascii() && line.split_once(' ').is_some_and(|(w, _)| w.bytes().all(|b| b.is_ascii_alphabetic()))
}

fn is_address(text: &str) -> bool {
    let text = text.trim_matches(['<', '>', '(', ')', '*', ',', ' ', '[', ']']);
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !text.contains(char::is_whitespace)
            && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    })
}

fn is_link(text: &str) -> bool {
    let text = text.trim_matches(['<', '>', '*', '[', ']', ' ']);
    (text.starts_with("http") || text.starts_with("www.")) && !text.contains(char::is_whitespace)
}

/// Nothing but a telephone number, with an extension perhaps.
fn is_number(bare: &str) -> bool {
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    let others = bare
        .chars()
        .filter(|c| !c.is_ascii_digit() && !matches!(c, ' ' | '-' | '(' | ')' | '+' | '.' | '#' | '/' | '～' | '~' | '轉' | '–'))
        .count();
    (7..=24).contains(&digits) && others == 0 && !bare.contains("/20")
}

/// "台中市西屯區工業路 99 號", "10491 台北市…"
fn is_street(bare: &str) -> bool {
    let holds = |words: &[char]| bare.contains(words);
    holds(&['市', '縣', '县'])
        && holds(&['路', '街', '道', '里', '村'])
        && holds(&['號', '号', '樓', '楼', '巷'])
        && !holds(&['，', '。', '？', '！', '請', '在', '我'])
}

fn is_affiliation(line: &str) -> bool {
    let is_unit =
        |word: &str| (2..=16).contains(&word.chars().count()) && AFFILIATIONS.iter().any(|a| a.chars().count() == 1 && word.ends_with(a));
    AFFILIATIONS.iter().any(|a| a.chars().count() > 1 && line.contains(a))
        || line.split([' ', '/', '|', '│', '-']).any(is_unit)
        || ROLES.iter().any(|r| {
            line.split([' ', '/', '|', '│', ',', '-', '：', ':'])
                .any(|w| if r.is_ascii() { w == *r } else { w.starts_with(r) || w.ends_with(r) })
        })
}

/// "王大明", "歐陽立群", "王大明 Daming Wang", "Jason 王大明", "王大明 經理"
fn is_chinese_name(bare: &str) -> bool {
    let words: Vec<&str> = bare.split([' ', '\u{3000}', '|', '/', '│', '(', '（', ')', '）']).filter(|w| !w.is_empty()).collect();
    words.len() <= 4
        && words.iter().any(|w| is_full_name(w))
        && words.iter().all(|w| w.is_ascii() || is_full_name(w) || w.chars().count() <= 4)
}

/// A surname and two characters more. Shorter ones look like other words.
fn is_full_name(word: &str) -> bool {
    let chars = word.chars().count();
    let of_two = (3..=4).contains(&chars) && SURNAMES_OF_TWO.iter().any(|s| word.starts_with(s));
    let of_one = chars == 3 && !word.starts_with("謝謝") && word.chars().next().is_some_and(|c| SURNAMES.contains(c));
    (of_one || of_two) && word.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Whether a line closes a letter: a short one that ends or begins with a closing's word.
fn is_closing(bare: &str) -> bool {
    if bare.chars().count() > NAME_CHARS_MAX {
        return false;
    }
    let line = folded(bare.trim_matches(|c: char| matches!(c, ',' | '，' | '!' | '！' | '.' | '。' | '~' | '～' | ':' | '：') || c == ' '));
    let is_short_latin = line.is_ascii() && line.split(' ').count() <= 4;
    CLOSINGS.iter().any(|c| {
        line == *c
            || c.chars().count() > 1 && (line.ends_with(c) || is_short_latin && line.starts_with(c))
            || line.ends_with(&format!(" {c}"))
    })
}

fn names_recipient(bare: &str) -> bool {
    let line = folded(bare);
    let head = line.split_once([':', '：']).map_or(line.as_str(), |(key, _)| key);
    head.chars().count() <= NAME_CHARS_MAX && RECIPIENT_LABELS.iter().any(|l| if l.is_ascii() { head == *l } else { head.starts_with(l) })
}

/// "-Bob Smith" as the last line, alone in its paragraph.
fn without_dashed_name(lines: &[Line<'_>], own: Range<usize>) -> Option<usize> {
    let last = own.end.checked_sub(1).filter(|l| *l > own.start)?;
    let name = lines[last].bare.strip_prefix(['-', '–', '—'])?.trim_start();
    let words: Vec<&str> = name.split(' ').collect();
    let is_capital = |w: &&str| {
        w.chars().next().is_some_and(char::is_uppercase) && w.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '-' | '\''))
    };
    let is_name = words.len() <= 3 && words.iter().all(is_capital) && name.len() <= NAME_CHARS_MAX || is_chinese_name(name);
    let is_alone = lines[last - 1].is_blank();
    let indent = |l: &Line<'_>| l.text.len() - l.text.trim_start().len();
    let is_item = lines[own.start..last].iter().any(|l| l.bare.starts_with(['-', '–', '—', '•', '*']) && indent(l) == indent(&lines[last]));
    (is_name && is_alone && !is_item).then_some(last)
}
