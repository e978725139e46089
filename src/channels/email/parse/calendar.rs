//! Calendar invitations (RFC 5545, 5546) as lines that a person reads: what, when, where, from whom.

use std::borrow::Cow;

/// The longest calendar that is read, in bytes.
const CALENDAR_BYTES_MAX: usize = 256 * 1024;
/// The longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 300;

/// The first event of `calendar`, a line each for what it says; `None` without an event.
pub(super) fn readable(calendar: &str) -> Option<String> {
    let calendar = &calendar[..calendar.floor_char_boundary(CALENDAR_BYTES_MAX)];
    let unfolded = calendar.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let (before, event) = unfolded.split_once("BEGIN:VEVENT")?;
    let event = event.split("END:VEVENT").next().unwrap_or(event);
    // Alarms inside an event have fields of their own.
    let event = event.split("BEGIN:VALARM").next().unwrap_or(event);
    let property = |name: &str| event.lines().find_map(|l| field(l, name));
    let method = before.lines().chain(unfolded.lines()).find_map(|l| field(l, "METHOD")).map_or("", |f| f.value);
    let status = property("STATUS").map_or("", |f| f.value);
    let mark =
        if method.eq_ignore_ascii_case("CANCEL") || status.eq_ignore_ascii_case("CANCELLED") { "✖ " } else { answer(event, method) };
    let summary = property("SUMMARY").map_or(String::new(), |f| text(f.value));
    let mut lines = vec![format!("{mark}📅 {summary}").trim_end().to_owned()];
    if let Some(start) = property("DTSTART") {
        lines.push(format!("🕑 {}", when(&start, property("DTEND").as_ref())));
    }
    if let Some(place) = property("LOCATION").map(|f| text(f.value)).filter(|p| !p.is_empty()) {
        lines.push(format!("📍 {place}"));
    }
    if let Some(organiser) = property("ORGANIZER") {
        let address = organiser.value.trim().trim_start_matches("mailto:").trim_start_matches("MAILTO:");
        let name = organiser.parameter("CN").map(text).unwrap_or_default();
        lines.push(format!("👤 {}", if name.is_empty() || name == address { address.to_owned() } else { format!("{name} <{address}>") }));
    }
    Some(lines.join("\n"))
}

/// Whether an answer (`METHOD:REPLY`) accepts.
fn answer(event: &str, method: &str) -> &'static str {
    if !method.eq_ignore_ascii_case("REPLY") {
        return "";
    }
    let said = event.lines().find_map(|l| field(l, "ATTENDEE")?.parameter("PARTSTAT").map(str::to_ascii_uppercase)).unwrap_or_default();
    match said.as_str() {
        "ACCEPTED" => "✔ ",
        "DECLINED" => "✖ ",
        _ => "? ",
    }
}

/// A content line, cut into its parts.
struct Field<'a> {
    parameters: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.parameters;
        while let Some((key, after)) = rest.split_once('=') {
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_at(after.find(';').unwrap_or(after.len())),
            };
            if key.trim_start_matches(';').eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

fn field<'a>(line: &'a str, name: &str) -> Option<Field<'a>> {
    let head = line.get(..name.len())?;
    let rest = &line[name.len()..];
    if !head.eq_ignore_ascii_case(name) || !rest.starts_with([':', ';']) {
        return None;
    }
    // The value begins at the first colon outside quotes.
    let mut quoted = false;
    let colon = rest.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    Some(Field { parameters: &rest[..colon], value: rest[colon + 1..].trim_end() })
}

/// RFC 5545, 3.3.11, on one line.
fn text(value: &str) -> String {
    let plain = value.replace("\\n", " ").replace("\\N", " ").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\");
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(VALUE_CHARS_MAX).collect()
}

/// "2026-11-21 14:00 – 15:00 (Asia/Taipei)": the second date only where it differs.
fn when(start: &Field<'_>, end: Option<&Field<'_>>) -> String {
    let (day, time) = instant(start.value);
    let zone: Cow<'_, str> = match start.parameter("TZID") {
        Some(zone) => format!(" ({zone})").into(),
        None if start.value.ends_with('Z') => " (UTC)".into(),
        None => "".into(),
    };
    let mut out = format!("{day} {time}").trim_end().to_owned();
    if let Some((end_day, end_time)) = end.map(|e| instant(e.value)) {
        if !time.is_empty() && end_day == day {
            out.push_str(" – ");
            out.push_str(&end_time);
        } else if !time.is_empty() {
            out.push_str(" – ");
            out.push_str(format!("{end_day} {end_time}").trim_end());
        }
    }
    out + &zone
}

/// Date and time of `20261121T140000`; the value as it is where it has another form.
fn instant(value: &str) -> (String, String) {
    let digits = |from: usize, to: usize| value.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let Some(((year, month), day)) = digits(0, 4).zip(digits(4, 6)).zip(digits(6, 8)) else { return (text(value), String::new()) };
    let time = digits(9, 11).zip(digits(11, 13)).map_or(String::new(), |(h, m)| format!("{h}:{m}"));
    (format!("{year}-{month}-{day}"), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nDTSTART:16010101T000000\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n";

    #[test]
    fn an_invitation_says_what_when_where_and_from_whom() {
        let calendar = format!(
            "{HEAD}SUMMARY;LANGUAGE=zh-TW:專案會\r\n 議\\, 第二次\r\nDTSTART;TZID=\"Asia/Taipei\":20261121T140000\r\nDTEND;TZID=\"Asia/Taipei\":20261121T150000\r\n\
             LOCATION:三樓\\n會議室\r\nORGANIZER;CN=\"王: 大明\":mailto:w@example.com\r\nBEGIN:VALARM\r\nSUMMARY:x\r\nEND:VALARM\r\nEND:VEVENT\r\n"
        );
        assert_eq!(
            readable(&calendar).as_deref(),
            Some("📅 專案會議, 第二次\n🕑 2026-11-21 14:00 – 15:00 (Asia/Taipei)\n📍 三樓 會議室\n👤 王: 大明 <w@example.com>")
        );
    }

    #[test]
    fn a_cancelled_a_whole_day_and_an_accepted_one() {
        let cancelled =
            "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART;VALUE=DATE:20261121\nDTEND;VALUE=DATE:20261122\nEND:VEVENT";
        assert_eq!(readable(cancelled).as_deref(), Some("✖ 📅 x\n🕑 2026-11-21"));
        let accepted = "METHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.c\nSUMMARY:x\nDTSTART:20261121T060000Z\nDTEND:20261122T070000Z\nEND:VEVENT";
        assert_eq!(readable(accepted).as_deref(), Some("✔ 📅 x\n🕑 2026-11-21 06:00 – 2026-11-22 07:00 (UTC)"));
        assert_eq!(readable("BEGIN:VCALENDAR\nEND:VCALENDAR"), None);
    }
}
