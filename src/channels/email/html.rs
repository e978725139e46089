//! HTML bodies as text, and where the quoted history begins in them.
//!
//! A small scanner of our own goes over the HTML first, in linear time: it bounds size and nesting (the converter's time
//! grows with the square of the nesting), drops what is never shown, writes links out and marks quoted blocks.

use std::borrow::Cow;
use std::collections::HashMap;

use html2text::config;
use html2text::render::TextDecorator;

/// HTML beyond this is not read, in bytes.
pub const HTML_BYTES_MAX: usize = 512 * 1024;

/// Elements nested deeper than this are flattened.
pub const NESTING_MAX: usize = 256;

/// Columns to wrap at: more than any line has, since people's lines are not ours to break.
const COLUMNS: usize = 1_000_000;

/// The longest address written out beside its link text, in bytes; tracking links are longer.
const LINK_BYTES_MAX: usize = 300;

/// Stands on a line of its own where a quoted block begins, in [`marked_text`].
pub const QUOTE_BEGINS: char = '\u{e000}';
/// Stands on a line of its own where a quoted block ends, in [`marked_text`].
pub const QUOTE_ENDS: char = '\u{e001}';

/// How far a quoted block reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To the end of its element.
    Element,
    /// To the end of the mail.
    Rest,
}

/// What a tag must hold to begin quoted history: its name (`""` = any) and a piece of its attributes, lower case.
const QUOTES: &[(&str, &str, Reach)] = &[
    // Gmail: the line "… wrote:" and the quotation after it. Not the block around both, since people answer inside it.
    ("div", "gmail_attr", Reach::Element),
    ("blockquote", "gmail_quote", Reach::Element),
    // Apple Mail, Thunderbird.
    ("blockquote", "type=\"cite\"", Reach::Element),
    ("blockquote", "type=cite", Reach::Element),
    ("div", "moz-cite-prefix", Reach::Element),
    // Yahoo has no blockquote.
    ("div", "yahoo_quoted", Reach::Element),
    ("div", "yahooquoted", Reach::Element),
    // Proton, Tuta, Zoho.
    ("", "protonmail_quote", Reach::Element),
    ("", "tutanota_quote", Reach::Element),
    ("", "zmail_extra", Reach::Element),
    // Outlook: the header block is an element, the history follows it.
    ("div", "divrplyfwdmsg", Reach::Rest),
    ("div", "appendonsend", Reach::Rest),
    ("", "outlookmessageheader", Reach::Rest),
    ("", "mail-editor-reference-message-container", Reach::Element),
    ("", "ms-outlook-mobile-reference-message", Reach::Element),
    // NetEase (163, 126).
    ("", "isreplycontent", Reach::Element),
    ("", "ntes_mailbox", Reach::Element),
];

/// Blocks that hold nothing but history when nothing else follows them: enough to tell where new text ends, too much to drop.
const HISTORY: &[(&str, &str)] = &[("div", "gmail_quote"), ("div", "gmail_extra")];

/// Elements whose content is never shown.
const HIDDEN: &[&str] = &["script", "style", "title", "template", "noscript", "iframe", "object", "textarea", "select"];

/// Elements without content.
const VOID: &[&str] = &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Elements whose end tags people leave out; the parser closes them, so they do not nest.
const CLOSED_BY_THEMSELVES: &[&str] = &["p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot"];

/// The text of an HTML body: paragraphs and line breaks kept, quotations with `> `, links as `text <address>`.
pub fn text(html: &str) -> String {
    let marked = marked_text(html);
    let mut out = String::with_capacity(marked.len());
    for line in marked.lines().filter(|l| !is_mark(l)) {
        out.push_str(line);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn is_mark(line: &str) -> bool {
    line.contains([QUOTE_BEGINS, QUOTE_ENDS])
}

/// As [`text`], with a line holding [`QUOTE_BEGINS`] before each quoted block and [`QUOTE_ENDS`] after it; a block without
/// its end reaches to the end of the mail.
pub fn marked_text(html: &str) -> String {
    let prepared = Preparation::default().run(bounded(html));
    let converted = config::with_decorator(Plain).allow_width_overflow().raw_mode(true).string_from_read(prepared.as_bytes(), COLUMNS);
    // The converter fails on nothing that we know of with overflow allowed; a crude reading is better than none.
    let converted = converted.unwrap_or_else(|_| mail_parser::decoders::html::html_to_text(&prepared));
    let mut out = String::with_capacity(converted.len());
    let mut blank = true;
    for line in converted.lines() {
        let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{a0}');
        // Empty elements are layout; more than one blank line says nothing.
        if !(blank && line.is_empty()) {
            out.push_str(line);
            out.push('\n');
        }
        blank = line.is_empty();
    }
    out
}

/// `html` without what is never shown, cut to [`HTML_BYTES_MAX`], and with the elements below [`NESTING_MAX`] taken out around
/// what they hold: safe to hand to a parser whose time grows with the square of the nesting.
pub fn flattened(html: &str) -> String {
    let html = bounded(html);
    let mut out = String::with_capacity(html.len());
    let (mut hidden, mut depth) = (Hidden::default(), 0_usize);
    for piece in Pieces(html) {
        if hidden.hides(&piece) {
            continue;
        }
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Open { name, raw, closed, .. } => {
                let is_void = closed || is_one_of(name, VOID);
                depth += usize::from(!is_void);
                if is_void || depth <= NESTING_MAX {
                    out.push_str(raw);
                }
            }
            Piece::Close { name } if !is_one_of(name, VOID) => {
                if depth <= NESTING_MAX {
                    out.extend(["</", name, ">"]);
                }
                depth = depth.saturating_sub(1);
            }
            Piece::Close { .. } | Piece::Unshown => {}
        }
    }
    out
}

/// The names of the pictures that came with a mail, by Content-ID without brackets.
pub type NamesById = HashMap<String, String>;

/// `html` with each picture that came with the mail shown as `[name]`: `<img src="cid:…">` becomes its name in
/// `names_by_id`.
pub fn with_named_pictures<'a>(html: &'a str, names_by_id: &NamesById) -> Cow<'a, str> {
    if names_by_id.is_empty() || !html.contains("cid:") {
        return Cow::Borrowed(html);
    }
    let html = bounded(html);
    let mut out = String::with_capacity(html.len());
    let mut at = 0;
    let mut pieces = Pieces(html);
    while let Some(piece) = pieces.next() {
        let end = html.len() - pieces.0.len();
        let name = match &piece {
            Piece::Open { name, attributes, .. } if name.eq_ignore_ascii_case("img") => {
                picture_id(attributes).and_then(|id| names_by_id.get(id))
            }
            _ => None,
        };
        match name {
            Some(name) => {
                out.push('[');
                out.extend(name.chars().map(|c| if matches!(c, '<' | '>' | '&') { '_' } else { c }));
                out.push(']');
            }
            None => out.push_str(&html[at..end]),
        }
        at = end;
    }
    Cow::Owned(out)
}

fn picture_id(attributes: &str) -> Option<&str> {
    attribute(attributes, "src")?.trim().strip_prefix("cid:")
}

/// Plain text with Outlook's `[cid:image001.png@…]` as the picture's `[name]`.
pub fn with_named_marks<'a>(text: &'a str, names_by_id: &NamesById) -> Cow<'a, str> {
    if names_by_id.is_empty() || !text.contains("[cid:") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[cid:") {
        out.push_str(before);
        out.push('[');
        let near = &after[..after.floor_char_boundary(LINK_BYTES_MAX)];
        let named = near.find(']').map(|end| (&after[..end], &after[end + 1..])).and_then(|(id, tail)| Some((names_by_id.get(id)?, tail)));
        if let Some((name, tail)) = named {
            out.push_str(name);
            out.push(']');
            rest = tail;
        } else {
            out.push_str("cid:");
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Letters and digits of the new text, if the HTML says where quoted history begins and nothing new comes after it, and if
/// `text` begins with them and goes on.
pub fn new_letters(html: &str, text: &str) -> Option<String> {
    let mut letters = String::new();
    let mut compared = 0;
    let mut own = text.chars().filter(|c| c.is_alphanumeric());
    let mut open: Option<Block<'_>> = None;
    let mut seen = false;
    let mut hidden = Hidden::default();
    for piece in Pieces(bounded(html)) {
        if hidden.hides(&piece) {
            continue;
        }
        if let Some(block) = &mut open {
            if block.ends_with(&piece) {
                open = None;
            }
            continue;
        }
        match &piece {
            Piece::Open { name, attributes, .. } => {
                if let Some(reach) = quote_reach(name, attributes).or_else(|| history(name, attributes)) {
                    if !seen && own.clone().next().is_none() {
                        return None;
                    }
                    seen = true;
                    open = Some(Block::new(name, reach));
                }
            }
            Piece::Text(t) if seen && has_letters(t) => return None,
            Piece::Text(t) => {
                push_letters(&mut letters, t);
                if letters[compared..].chars().any(|c| own.next() != Some(c)) {
                    return None;
                }
                compared = letters.len();
            }
            _ => {}
        }
    }
    seen.then_some(letters)
}

fn has_letters(html_text: &str) -> bool {
    !html_text.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}').replace("&nbsp;", "").trim().is_empty()
}

fn push_letters(letters: &mut String, html_text: &str) {
    let mut rest = html_text;
    while let Some(at) = rest.find('&') {
        letters.extend(rest[..at].chars().filter(|c| c.is_alphanumeric()));
        // An entity: at most ten letters or `#` and digits between `&` and `;`.
        let end = rest[at..].bytes().take(12).position(|b| b == b';').map_or(at + 1, |n| at + n + 1);
        let mut shown = String::new();
        mail_parser::decoders::html::add_html_token(&mut shown, &rest.as_bytes()[at..end], false);
        if end > at + 1 {
            letters.extend(shown.chars().filter(|c| c.is_alphanumeric()));
        }
        rest = &rest[end..];
    }
    letters.extend(rest.chars().filter(|c| c.is_alphanumeric()));
}

fn quote_reach(name: &str, attributes: &str) -> Option<Reach> {
    if attributes.is_empty() {
        return None;
    }
    let attributes = attributes.to_ascii_lowercase();
    QUOTES.iter().find(|(n, piece, _)| (n.is_empty() || n.eq_ignore_ascii_case(name)) && attributes.contains(piece)).map(|q| q.2)
}

fn history(name: &str, attributes: &str) -> Option<Reach> {
    let attributes = attributes.to_ascii_lowercase();
    HISTORY.iter().any(|(n, piece)| n.eq_ignore_ascii_case(name) && attributes.contains(piece)).then_some(Reach::Element)
}

fn bounded(html: &str) -> &str {
    &html[..html.floor_char_boundary(HTML_BYTES_MAX)]
}

/// An open quoted block: it ends with the end tag that matches its begin tag.
struct Block<'a> {
    name: &'a str,
    inner: usize,
    reach: Reach,
}

impl<'a> Block<'a> {
    fn new(name: &'a str, reach: Reach) -> Self {
        Self { name, inner: 0, reach }
    }

    fn ends_with(&mut self, piece: &Piece<'_>) -> bool {
        match piece {
            Piece::Open { name, closed: false, .. } if name.eq_ignore_ascii_case(self.name) => self.inner += 1,
            Piece::Close { name } if name.eq_ignore_ascii_case(self.name) => {
                if self.inner == 0 {
                    return self.reach == Reach::Element;
                }
                self.inner -= 1;
            }
            _ => {}
        }
        false
    }
}

/// Whether we are inside an element that is never shown.
#[derive(Default)]
struct Hidden<'a>(Option<&'a str>);

impl<'a> Hidden<'a> {
    fn hides(&mut self, piece: &Piece<'a>) -> bool {
        match (self.0, piece) {
            (None, Piece::Open { name, closed: false, .. }) if is_one_of(name, HIDDEN) => self.0 = Some(name),
            (None, _) => return false,
            (Some(hidden), Piece::Close { name }) if name.eq_ignore_ascii_case(hidden) => self.0 = None,
            (Some(_), _) => {}
        }
        true
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// The rewriting of HTML before it is converted.
#[derive(Default)]
struct Preparation<'a> {
    out: String,
    depth: usize,
    block: Option<Block<'a>>,
    /// Where the open link's text begins in `out`, and its address.
    link: Option<(usize, String)>,
}

impl<'a> Preparation<'a> {
    fn run(mut self, html: &'a str) -> String {
        self.out.reserve(html.len());
        let mut hidden = Hidden::default();
        for piece in Pieces(html) {
            if hidden.hides(&piece) {
                continue;
            }
            match piece {
                Piece::Text(text) => self.out.extend(text.chars().filter(|c| !matches!(*c, QUOTE_BEGINS | QUOTE_ENDS | '\0'))),
                Piece::Open { name, attributes, raw, closed } => self.open(name, attributes, raw, closed),
                Piece::Close { name } => self.close(name),
                Piece::Unshown => {}
            }
        }
        self.out
    }

    fn open(&mut self, name: &'a str, attributes: &str, raw: &str, closed: bool) {
        if name.eq_ignore_ascii_case("hr") {
            self.out.push_str("<p>----------</p>");
            return;
        }
        let is_void = closed || is_one_of(name, VOID);
        match &mut self.block {
            Some(block) => {
                block.ends_with(&Piece::Open { name, attributes, raw, closed: is_void });
            }
            None if !is_void => {
                if let Some(reach) = quote_reach(name, attributes) {
                    self.block = Some(Block::new(name, reach));
                    self.mark(QUOTE_BEGINS);
                }
            }
            None => {}
        }
        if !is_void && !is_one_of(name, CLOSED_BY_THEMSELVES) {
            self.depth += 1;
        }
        if self.depth <= NESTING_MAX || is_void {
            self.out.push_str(raw);
        }
        if name.eq_ignore_ascii_case("a") {
            self.link = attribute(attributes, "href").map(|href| (self.out.len(), href.to_owned()));
        }
    }

    fn close(&mut self, name: &str) {
        if is_one_of(name, VOID) {
            return;
        }
        if name.eq_ignore_ascii_case("a") {
            self.write_link_out();
        }
        if self.depth <= NESTING_MAX {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        if !is_one_of(name, CLOSED_BY_THEMSELVES) {
            self.depth = self.depth.saturating_sub(1);
        }
        if self.block.as_mut().is_some_and(|b| b.ends_with(&Piece::Close { name })) {
            self.block = None;
            self.mark(QUOTE_ENDS);
        }
    }

    fn mark(&mut self, mark: char) {
        self.out.push_str("<p>");
        self.out.push(mark);
        self.out.push_str("</p>");
    }

    /// Adds the address to a link whose text does not show it.
    fn write_link_out(&mut self) {
        let Some((from, href)) = self.link.take() else { return };
        let bare = href.trim().trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        let is_web = bare.len() != href.trim().trim_end_matches('/').len();
        let shown = &self.out[from..];
        let says_something = shown.contains(|c: char| c.is_alphanumeric());
        if is_web && says_something && href.len() <= LINK_BYTES_MAX && !shown.contains(bare) {
            let added = format!(" &lt;{}&gt;", href.trim().replace('<', "%3C").replace('>', "%3E"));
            self.out.push_str(&added);
        }
    }
}

/// The value of attribute `name` in the inside of a tag, entities not decoded.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let at = attributes.to_ascii_lowercase().find(&format!("{name}="))?;
    let value = &attributes[at + name.len() + 1..];
    match value.bytes().next()? {
        quote @ (b'"' | b'\'') => value[1..].split(char::from(quote)).next(),
        _ => value.split(|c: char| c.is_whitespace()).next(),
    }
}

/// A piece of HTML as the scanner sees it.
enum Piece<'a> {
    Text(&'a str),
    /// A begin tag: its name, what follows the name, the whole, and whether it ends with `/>`.
    Open {
        name: &'a str,
        attributes: &'a str,
        raw: &'a str,
        closed: bool,
    },
    Close {
        name: &'a str,
    },
    /// A comment, a doctype, a processing instruction, a tag without an end.
    Unshown,
}

/// Cuts HTML into pieces; each byte is looked at a bounded number of times.
struct Pieces<'a>(&'a str);

impl<'a> Pieces<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (piece, rest) = self.0.split_at(bytes);
        self.0 = rest;
        piece
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let html = self.0;
        if html.is_empty() {
            return None;
        }
        let Some(inside) = html.strip_prefix('<') else {
            let end = html.find('<').unwrap_or(html.len());
            return Some(Piece::Text(self.take(end)));
        };
        let first = inside.bytes().next();
        if inside.starts_with("!--") {
            let end = html.find("-->").map_or(html.len(), |n| n + 3);
            self.take(end);
            return Some(Piece::Unshown);
        }
        let is_tag = first.is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?'));
        if !is_tag {
            return Some(Piece::Text(self.take(1)));
        }
        let Some(end) = tag_end(html) else {
            self.take(html.len());
            return Some(Piece::Unshown);
        };
        let raw = self.take(end);
        let inner = &raw[1..raw.len() - 1];
        Some(match first {
            Some(b'!' | b'?') => Piece::Unshown,
            Some(b'/') => Piece::Close { name: name_of(&inner[1..]).0 },
            _ => {
                let (name, attributes) = name_of(inner);
                Piece::Open { name, attributes, raw, closed: inner.ends_with('/') }
            }
        })
    }
}

/// Splits `div class="x"` after the name.
fn name_of(inner: &str) -> (&str, &str) {
    inner.split_at(inner.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inner.len()))
}

/// Length of the tag that `html` begins with, to its `>` outside of quotes; the first `>` where a quote is left open.
fn tag_end(html: &str) -> Option<usize> {
    let mut quote = None;
    for (at, b) in html.bytes().enumerate().skip(1) {
        match (quote, b) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(q), _) if q == b => quote = None,
            _ => {}
        }
    }
    None
}

/// Says nothing about emphasis, writes quotations and lists as people do in plain text.
#[derive(Clone)]
struct Plain;

impl TextDecorator for Plain {
    type Annotation = ();

    fn decorate_link_start(&mut self, _url: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_superscript_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) {}
    fn decorate_preformat_cont(&self) {}
    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        (if title.trim().is_empty() { String::new() } else { format!("[{}]", title.trim()) }, ())
    }
    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }
    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }
    fn unordered_item_prefix(&self) -> String {
        "* ".to_owned()
    }
    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }
    fn make_subblock_decorator(&self) -> Self {
        self.clone()
    }
    fn finalise(&mut self, _urls: Vec<String>) -> Vec<html2text::render::TaggedLine<()>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::hostile::takes_no_square_of_time;

    #[test]
    fn paragraphs_breaks_lists_and_links_read_as_plain_text() {
        let html = "<style>p{}</style><p>您好，<br>第二行</p><ul><li>一</li><li>二</li></ul>\
                    <p>請看<a href=\"https://example.com/d/7\">這裡</a>或<a href='https://example.com/'>example.com</a></p>";
        assert_eq!(text(html), "您好，\n第二行\n* 一\n* 二\n\n請看這裡 <https://example.com/d/7>或example.com");
    }

    #[test]
    fn hostile_html_takes_linear_time() {
        for html in ["<div>".repeat(100_000), "<a ".repeat(200_000), "<!--".repeat(100_000), "<b \"".repeat(100_000), "<p>".repeat(100_000)]
        {
            takes_no_square_of_time(&html[..5], || {
                marked_text(&html);
                new_letters(&html, &html);
            });
        }
    }

    #[test]
    fn new_letters_end_where_history_begins() {
        let html =
            "<div>好的&amp;謝謝</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">X 寫道：</div><blockquote>舊</blockquote></div>";
        let text = "好的&\n謝謝\n\nX 寫道：\n舊";
        assert_eq!(new_letters(html, text).as_deref(), Some("好的謝謝"));
        assert_eq!(new_letters(&format!("{html}<p>後記</p>"), text), None);
        assert_eq!(new_letters("<p>沒有引文</p>", "沒有引文"), None);
        assert_eq!(new_letters(html, "別的文字"), None);
        assert_eq!(new_letters(html, "好的&謝謝"), None);
    }
}
