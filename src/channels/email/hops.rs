//! Which `Authentication-Results` of a mail were written by the server that took it in (RFC 8601, 5).
//!
//! Every server puts its lines on top of what it was given (RFC 5321, 4.4), so what stands above the `Received` of the first hop from
//! outside is ours, whoever the sender is. Most servers put their verdict there. Google's and Microsoft's put it right below that line
//! instead, above everything that they were given; they do so with every mail, so that their topmost verdict is theirs even if a sender
//! wrote one too. Of other servers nobody knows that, and what stands there may be the sender's.

use std::net::IpAddr;

use super::HeaderField;

/// The most `Received` fields that are walked through.
const HOPS_MAX: usize = 50;

/// A service whose verdict stands below its own `Received` fields, in every mail that it takes in.
struct Service {
    /// Its `authserv_id`.
    id: &'static str,
    /// What the names of its servers end with.
    hosts: &'static [&'static str],
    /// Its verdict begins without its id (Microsoft 365).
    nameless: bool,
}

const SERVICES: [Service; 2] = [
    Service { id: "mx.google.com", hosts: &[".google.com"], nameless: false },
    Service { id: "protection.outlook.com", hosts: &[".outlook.com", ".exchangelabs.com"], nameless: true },
];

impl Service {
    fn of(authserv_id: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|s| s.id.eq_ignore_ascii_case(authserv_id.trim()))
    }

    /// Whether one of its servers wrote this `Received`: by a name of its own, or, within its own network, by nothing but an address.
    fn wrote(&self, hop: &Hop<'_>) -> bool {
        let by = hop.by.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.iter().any(|host| by.ends_with(host)) || hop.from.is_none() && by.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    }
}

/// The values that may be believed, top to bottom; `bool`: the value begins without the server's id.
pub(super) fn verdicts<'a>(headers: &'a [HeaderField<'a>], authserv_id: &str) -> Vec<(&'a str, bool)> {
    let is = |h: &HeaderField<'_>, name: &str| h.name.eq_ignore_ascii_case(name);
    let service = Service::of(authserv_id);
    let mut ours = vec![];
    let mut outside = false;
    let mut hops = 0;
    for field in headers {
        if is(field, "Authentication-Results") {
            match service {
                Some(service) => {
                    // The topmost alone: further down may be what the sender wrote.
                    let named = starts_with_id(&field.value, authserv_id);
                    if named || service.nameless && is_nameless(&field.value) {
                        return vec![(field.value.as_str(), !named)];
                    }
                }
                None if !outside => ours.push((field.value.as_str(), false)),
                None => break,
            }
        } else if is(field, "Received") {
            hops += 1;
            let hop = Hop::read(&field.value);
            let stays_ours = match service {
                Some(service) => service.wrote(&hop),
                None => hop.is_within(),
            };
            if hops > HOPS_MAX || outside || !stays_ours && service.is_some() {
                break;
            }
            outside = service.is_none() && !stays_ours;
        }
    }
    ours
}

/// `id;` or `id 1;` (RFC 8601, 2.2).
fn starts_with_id(value: &str, id: &str) -> bool {
    let head = value.split(';').next().unwrap_or_default();
    head.split_whitespace().next().is_some_and(|word| word.trim_matches('"').eq_ignore_ascii_case(id.trim()))
}

/// Begins with a result: `spf=pass …`.
fn is_nameless(value: &str) -> bool {
    value.split_whitespace().next().is_some_and(|word| word.contains('=') && !word.contains(';'))
}

/// What a `Received` says (RFC 5321, 4.4): `from NAME (… [ADDRESS]) by HOST …`.
struct Hop<'a> {
    /// Everything between `from` and `by`; `None` where the mail was not received from another server.
    from: Option<&'a str>,
    by: &'a str,
}

impl<'a> Hop<'a> {
    fn read(value: &'a str) -> Self {
        let value = value.trim();
        let (from, rest) = match value.strip_prefix("from ") {
            Some(rest) => match rest.find(" by ") {
                Some(at) => (Some(rest[..at].trim()), &rest[at + 4..]),
                None => (Some(rest), ""),
            },
            None => (None, value.strip_prefix("by ").unwrap_or_default()),
        };
        Self { from, by: rest.split([' ', ';', '\t', '(']).next().unwrap_or_default() }
    }

    /// Whether the mail came from a server of the same house: one that is only reached within it. What the other side called itself comes
    /// first and says nothing; what was seen stands alone in the parentheses after it, `(name [address])`. Any other form is not believed.
    fn is_within(&self) -> bool {
        let Some((called, rest)) = self.from.and_then(|from| from.split_once(char::is_whitespace)) else { return false };
        let Some((seen, _)) = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) else { return false };
        let mut words = seen.split_whitespace().rev();
        let address = words.next().and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
        let address = address.map(|a| a.strip_prefix("IPv6:").unwrap_or(a));
        let plain = |word: &str| !word.contains(['(', ')', '[', ']', '=']);
        let alone = words.next().is_none_or(plain) && words.next().is_none();
        alone && !called.contains(['(', ')']) && address.and_then(|a| a.parse().ok()).is_some_and(is_private)
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AR: &str = "Authentication-Results";
    const OURS: &str = "mx.example.test; dmarc=pass header.from=client.test";

    fn believed(id: &str, lines: &[(&str, &str)]) -> Vec<String> {
        let fields: Vec<HeaderField<'_>> = lines.iter().map(|(n, v)| HeaderField { name: (*n).into(), value: (*v).to_owned() }).collect();
        verdicts(&fields, id).into_iter().map(|(value, _)| value.to_owned()).collect()
    }

    #[test]
    fn what_stands_above_the_hop_from_outside_is_ours() {
        let within = "from localhost (localhost [127.0.0.1]) by mail.example.test (Dovecot) with LMTP";
        let between = "from mx.example.test (mx.example.test [10.0.0.5]) by store.example.test";
        let outside = "from mail.client.test (mail.client.test [198.51.100.7]) by mx.example.test";
        assert_eq!(believed("mx.example.test", &[(AR, OURS), ("Received", outside)]), [OURS]);
        assert_eq!(believed("mx.example.test", &[("Received", within), ("Received", between), (AR, OURS), ("Received", outside)]), [OURS]);
        assert!(believed("mx.example.test", &[("Received", within), ("Received", outside), (AR, OURS)]).is_empty());
    }

    #[test]
    fn a_sender_cannot_pretend_to_be_within() {
        // Called itself localhost; the address that was seen says otherwise.
        for forged in [
            "from localhost ([198.51.100.7]) by mx.example.test",
            "from [127.0.0.1] (unknown [198.51.100.7]) by mx.example.test",
            "from 127.0.0.1 by mx.example.test",
            "from x ([127.0.0.1] [198.51.100.7]) by mx.example.test",
            "from x ([198.51.100.7] [127.0.0.1]) by mx.example.test",
            "from [198.51.100.7] (helo=[127.0.0.1]) by mx.example.test",
            "from x([127.0.0.1]) (unknown [198.51.100.7]) by mx.example.test",
            "by mx.example.test (Postfix, from userid 1000)",
            "nonsense",
        ] {
            assert!(believed("mx.example.test", &[("Received", forged), (AR, OURS)]).is_empty(), "{forged}");
        }
        // Below the hop from outside everything may be theirs, a hop "within" too.
        let outside = "from mail.client.test (mail.client.test [198.51.100.7]) by mx.example.test";
        let pretended = "from localhost (localhost [127.0.0.1]) by mx.example.test";
        assert!(believed("mx.example.test", &[("Received", outside), ("Received", pretended), (AR, OURS)]).is_empty());
    }

    #[test]
    fn googles_topmost_verdict_counts_below_its_own_hops() {
        let verdict = "mx.google.com; dkim=pass header.i=@client.test; dmarc=pass (p=NONE) header.from=client.test";
        let forged = "mx.google.com; dmarc=pass header.from=boss.test";
        let head = [
            ("Delivered-To", "support@example.test"),
            ("Received", "by 2002:a05:7300:1234:b0:123:4567:89ab with SMTP id x"),
            ("X-Received", "by 2002:a05:600c:1 with SMTP id y"),
            ("ARC-Authentication-Results", "i=1; mx.google.com; dmarc=pass header.from=arc.test"),
            ("Received", "from mail.client.test (mail.client.test. [198.51.100.7]) by mx.google.com with ESMTPS id z"),
            ("Received-SPF", "pass"),
            (AR, verdict),
            (AR, forged),
            ("Received", "from laptop by mail.client.test"),
        ];
        assert_eq!(believed("mx.google.com", &head), [verdict]);
        // A server that is not Google's stands above: it forwarded what it was given.
        let forwarded = [("Received", "from x (x [198.51.100.7]) by mail.elsewhere.test"), (AR, forged)];
        assert!(believed("mx.google.com", &forwarded).is_empty());
        let alike = [("Received", "from x (x [198.51.100.7]) by mx.notgoogle.com"), (AR, forged)];
        assert!(believed("mx.google.com", &alike).is_empty());
    }

    #[test]
    fn microsofts_verdict_needs_no_name() {
        let verdict = "spf=pass (sender IP is 198.51.100.7) smtp.mailfrom=client.test; dkim=pass header.d=client.test;dmarc=pass action=none \
                       header.from=client.test;compauth=pass reason=100";
        let head = [
            ("Received", "from AM0PR01.eurprd01.prod.exchangelabs.com (2603:10a6:1::1) by DB7PR01.eurprd01.prod.outlook.com with HTTPS"),
            (
                "Received",
                "from mail.client.test (198.51.100.7) by AM5EUR03FT003.mail.protection.outlook.com (10.1.1.1) with Microsoft SMTP Server",
            ),
            (AR, verdict),
            ("Received-SPF", "Pass"),
            (AR, "spf=pass smtp.mailfrom=boss.test; dmarc=pass header.from=boss.test"),
        ];
        assert_eq!(believed("protection.outlook.com", &head), [verdict]);
        assert!(believed("mx.example.test", &head).is_empty());
    }
}
