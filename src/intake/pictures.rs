//! People's pictures: fetched from where LINE says they lie, without any token of ours, and kept.
//!
//! The address is LINE's word, not ours to trust: only https, only to public addresses, no redirects, and nothing but a small picture is
//! taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use crate::App;
use crate::channels::line::client::{is_loopback, tls};
use crate::store::identities;

/// A larger picture is not kept.
const PICTURE_BYTES_MAX: usize = 1024 * 1024;
/// Pictures fetched in one round.
const PICTURES_PER_ROUND: i64 = 20;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const FETCH_WITHIN: Duration = Duration::from_secs(15);
/// After a picture could not be had.
const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
enum NotHad {
    /// It will be the same next time, until the person takes another.
    Never(&'static str),
    Later(String),
}

/// Fetches what is due. How many it tried.
pub async fn fetch_due(app: &App) -> anyhow::Result<usize> {
    let due = identities::pictures_due(&mut *app.db.read().await?, app.clock.now(), PICTURES_PER_ROUND).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let fetcher = Fetcher::new(app)?;
    let tried = due.len();
    for (identity, url) in due {
        let got = fetcher.fetch(&url).await;
        let sha256 = match got {
            Ok(bytes) => Ok(app.files.put(bytes).await?.sha256),
            Err(why) => Err(why),
        };
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let unused = match sha256 {
            Ok(sha256) => identities::picture_kept(&mut tx, identity, &url, &sha256).await?,
            Err(NotHad::Never(why)) => {
                tracing::debug!(why, "somebody's picture is not taken");
                identities::picture_not_had(&mut tx, identity, &url, None).await?;
                None
            }
            Err(NotHad::Later(why)) => {
                tracing::debug!(why, "somebody's picture could not be had; it is tried again");
                identities::picture_not_had(&mut tx, identity, &url, Some(now + TRY_AGAIN_AFTER)).await?;
                None
            }
        };
        tx.commit().await?;
        if let Some(sha256) = unused {
            app.files.delete(&sha256).await?;
        }
    }
    Ok(tried)
}

struct Fetcher {
    public: Client,
    /// For stand-ins of LINE on this machine.
    local: Client,
    /// Where they are: `http://127.0.0.1:8081`.
    stand_ins: Vec<url::Origin>,
}

impl Fetcher {
    fn new(app: &App) -> reqwest::Result<Self> {
        let client = || {
            Client::builder()
                .tls_backend_preconfigured(tls())
                .user_agent(concat!("Threadline/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                // Through a proxy we could not see which address is asked.
                .no_proxy()
                .connect_timeout(CONNECT_WITHIN)
                .timeout(FETCH_WITHIN)
        };
        let urls = app.config.line.iter().flat_map(|a| [&a.api_url, &a.data_api_url]).filter(|url| is_loopback(url));
        let stand_ins = urls.filter_map(|url| Url::parse(url).ok()).map(|url| url.origin()).collect();
        Ok(Self { public: client().dns_resolver(PublicOnly).build()?, local: client().build()?, stand_ins })
    }

    async fn fetch(&self, url: &str) -> Result<Bytes, NotHad> {
        let url = Url::parse(url).map_err(|_| NotHad::Never("its address is no URL"))?;
        let client = if self.stand_ins.contains(&url.origin()) {
            &self.local
        } else if is_public_https(&url) {
            &self.public
        } else {
            return Err(NotHad::Never("its address is not a public https one"));
        };
        let mut response = client.get(url).send().await.map_err(|e| NotHad::Later(e.without_url().to_string()))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(NotHad::Never("it is not there")),
            status => return Err(NotHad::Later(format!("the answer is {status}"))),
        }
        let mut bytes = vec![];
        while let Some(chunk) = response.chunk().await.map_err(|e| NotHad::Later(e.without_url().to_string()))? {
            if bytes.len() + chunk.len() > PICTURE_BYTES_MAX {
                return Err(NotHad::Never("it is too large"));
            }
            bytes.extend_from_slice(&chunk);
        }
        if picture_type(&bytes).is_none() {
            return Err(NotHad::Never("it is no picture"));
        }
        Ok(bytes.into())
    }
}

/// The type of a picture that every browser shows, by its first bytes; `None` for anything else, whatever it is called.
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Whether the address may be asked at all. A name is looked at again once it is resolved ([`PublicOnly`]).
fn is_public_https(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none();
    let host = match url.host() {
        Some(Host::Domain(name)) => !name.is_empty(),
        Some(Host::Ipv4(ip)) => is_public(ip.into()),
        Some(Host::Ipv6(ip)) => is_public(ip.into()),
        None => false,
    };
    url.scheme() == "https" && bare && host
}

/// Resolves names to public addresses alone, so that no name leads into our own network.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = all.filter(|a| is_public(a.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            let addrs: Addrs = Box::new(public.into_iter());
            Ok(addrs)
        })
    }
}

/// Whether the address is one of the Internet's (IANA's special-purpose registries of IPv4 and IPv6 addresses).
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = a == 0
        || a >= 240
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        // An IPv4 address, translated (RFC 6052).
        return is_public_v4(Ipv4Addr::from_bits(u32::from(parts[6]) << 16 | u32::from(parts[7])));
    }
    // Of the global unicast addresses (2000::/3): not Teredo, documentation or 6to4.
    let unicast = (parts[0] & 0xe000) == 0x2000;
    unicast && parts[..2] != [0x2001, 0] && parts[..2] != [0x2001, 0xdb8] && parts[0] != 0x2002 && parts[0] != 0x3fff
}

#[cfg(test)]
mod tests;
