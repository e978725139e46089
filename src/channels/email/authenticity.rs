//! What the trusted receiving server says of a mail's author (RFC 8601).

use super::{HeaderField, hops};
use crate::domain::Authenticity;

/// The most method results of a header that are read.
const RESULTS_MAX: usize = 64;

/// Judges by the `Authentication-Results` fields that carry `authserv_id` and that no sender can have written (RFC 8601, 5;
/// [`hops`]).
///
/// DMARC for `from_domain` decides; without it an aligned DKIM signature or SPF domain (RFC 7489, 3.1) is enough. What was
/// checked and neither passed nor failed for this domain is [`Authenticity::Unknown`].
pub fn judge(headers: &[HeaderField<'_>], from_domain: &str, authserv_id: Option<&str>) -> Authenticity {
    let Some(trusted) = authserv_id.filter(|id| !id.trim().is_empty()) else { return Authenticity::Unknown };
    if from_domain.is_empty() {
        return Authenticity::Unknown;
    }
    let ours = hops::verdicts(headers, trusted)
        .into_iter()
        .filter_map(|(value, nameless)| if nameless { results(&format!("{trusted}; {value}"), trusted) } else { results(value, trusted) })
        .flatten()
        .take(RESULTS_MAX);
    let mut aligned = false;
    let mut failed = false;
    for result in ours {
        failed |= matches!(result.outcome.as_str(), "fail" | "softfail" | "hardfail" | "policy");
        match (result.method.as_str(), result.outcome.as_str()) {
            ("dmarc", "pass") if result.property("header.from").is_none_or(|d| is_aligned(d, from_domain)) => return Authenticity::Pass,
            ("dmarc", "fail") => return Authenticity::Fail,
            ("dkim", "pass") => {
                aligned |= result.property("header.d").or_else(|| result.property("header.i")).is_some_and(|d| is_aligned(d, from_domain));
            }
            ("spf", "pass") => aligned |= result.property("smtp.mailfrom").is_some_and(|d| is_aligned(d, from_domain)),
            _ => {}
        }
    }
    match (aligned, failed) {
        (true, _) => Authenticity::Pass,
        (false, true) => Authenticity::Fail,
        (false, false) => Authenticity::Unknown,
    }
}

struct MethodResult {
    method: String,
    outcome: String,
    properties: Vec<(String, String)>,
}

impl MethodResult {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The results in a header's value, if `trusted` wrote it: `id [version] *(; method=result *(ptype.property=value))`.
fn results(value: &str, trusted: &str) -> Option<Vec<MethodResult>> {
    let value = without_comments(value);
    let mut parts = value.split(';');
    let id = parts.next()?.split_whitespace().next()?.trim_matches('"');
    if !id.eq_ignore_ascii_case(trusted.trim()) {
        return None;
    }
    Some(parts.take(RESULTS_MAX).filter_map(method_result).collect())
}

fn method_result(part: &str) -> Option<MethodResult> {
    let mut words = part.split_whitespace();
    let (method, outcome) = words.next()?.split_once('=')?;
    let method = method.split('/').next().unwrap_or(method).to_ascii_lowercase();
    let properties = words
        .filter_map(|w| w.split_once('='))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.trim_matches(['"', '<', '>', ',']).to_ascii_lowercase()))
        .collect();
    Some(MethodResult { method, outcome: outcome.to_ascii_lowercase(), properties })
}

/// Removes `(comments)`, which nest; quoted strings keep their parentheses.
fn without_comments(value: &str) -> String {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        let plain = !std::mem::take(&mut escaped);
        match c {
            '\\' if plain => escaped = true,
            '"' if plain && depth == 0 => quoted = !quoted,
            '(' if plain && !quoted => {
                depth += 1;
                continue;
            }
            ')' if plain && !quoted && depth > 0 => {
                depth -= 1;
                out.push(' ');
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            // A quoted semicolon is not a separator, and nobody needs it.
            out.push(if quoted && c == ';' { ' ' } else { c });
        }
    }
    out
}

/// Relaxed alignment (RFC 7489, 3.1): the same domain, or one is a subdomain of the other. Without the list of public
/// suffixes two siblings under one organisation are not recognised, which errs on the careful side.
fn is_aligned(theirs: &str, from_domain: &str) -> bool {
    let theirs = theirs.rsplit('@').next().unwrap_or(theirs).trim_end_matches('.');
    let from = from_domain.trim_end_matches('.').to_ascii_lowercase();
    let within = |inner: &str, outer: &str| inner.strip_suffix(outer).is_some_and(|rest| rest.ends_with('.'));
    // A bare top-level domain aligns with nothing but itself.
    theirs == from || theirs.contains('.') && from.contains('.') && (within(theirs, &from) || within(&from, theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[(&str, &str)]) -> Authenticity {
        let fields: Vec<HeaderField<'_>> = lines.iter().map(|(n, v)| HeaderField { name: (*n).into(), value: (*v).to_owned() }).collect();
        judge(&fields, "client.test", Some("mx.example.test"))
    }

    const AR: &str = "Authentication-Results";

    #[test]
    fn dmarc_decides() {
        assert_eq!(
            judged(&[(AR, "mx.example.test; dkim=pass header.d=client.test; dmarc=pass header.from=client.test")]),
            Authenticity::Pass
        );
        assert_eq!(
            judged(&[(AR, "MX.example.test 1; spf=pass smtp.mailfrom=x@client.test; dmarc=fail (p=none) header.from=client.test")]),
            Authenticity::Fail
        );
        assert_eq!(judged(&[(AR, "mx.example.test; dmarc=pass header.from=evil.test")]), Authenticity::Unknown);
    }

    #[test]
    fn aligned_dkim_or_spf_is_enough_without_dmarc() {
        assert_eq!(judged(&[(AR, "mx.example.test; dkim=pass header.d=mail.client.test")]), Authenticity::Pass);
        assert_eq!(judged(&[(AR, "mx.example.test; spf=pass smtp.mailfrom=bounce@client.test; dkim=none")]), Authenticity::Pass);
        assert_eq!(
            judged(&[(AR, "mx.example.test; dkim=pass header.d=relay.test; spf=pass smtp.mailfrom=relay.test")]),
            Authenticity::Unknown
        );
        assert_eq!(judged(&[(AR, "mx.example.test; dkim=pass header.d=test")]), Authenticity::Unknown);
    }

    #[test]
    fn a_verdict_that_the_sender_may_have_written_counts_for_nothing() {
        let pass = "mx.example.test; dmarc=pass header.from=client.test";
        assert_eq!(judged(&[("Received", "from x by mx.example.test"), (AR, pass)]), Authenticity::Unknown);
        assert_eq!(judged(&[(AR, "mx.elsewhere.test; dmarc=pass header.from=client.test")]), Authenticity::Unknown);
        assert_eq!(judged(&[(AR, "mx.example.test; none")]), Authenticity::Unknown);
        assert_eq!(
            judged(&[(AR, "mx.example.test; dkim=fail (dmarc=pass header.from=client.test) header.d=client.test")]),
            Authenticity::Fail
        );
        assert_eq!(judge(&[HeaderField { name: AR.into(), value: pass.to_owned() }], "client.test", None), Authenticity::Unknown);
    }

    #[test]
    fn a_quoted_reason_cannot_forge_a_result() {
        assert_eq!(
            judged(&[(AR, "mx.example.test; dkim=fail reason=\"x; dmarc=pass header.from=client.test\" header.d=client.test")]),
            Authenticity::Fail
        );
    }
}
