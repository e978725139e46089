use super::*;

#[test]
fn only_public_https_addresses_are_asked() {
    let asked = |url: &str| is_public_https(&Url::parse(url).unwrap());
    for good in ["https://profile.line-scdn.net/0h1", "https://8.8.8.8/a", "https://[2606:4700::1111]/"] {
        assert!(asked(good), "{good}");
    }
    for bad in [
        "http://profile.line-scdn.net/0h1",
        "ftp://profile.line-scdn.net/",
        "https://user:pass@profile.line-scdn.net/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://10.1.2.3/",
        "https://172.20.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.100.0.1/",
        "https://198.18.0.1/",
        "https://0.0.0.0/",
        "https://255.255.255.255/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fc00::1]/",
        "https://[fe80::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:db8::1]/",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
    ] {
        assert!(!asked(bad), "{bad}");
    }
}

#[tokio::test]
async fn a_name_that_leads_into_our_own_network_leads_nowhere() {
    let Err(why) = PublicOnly.resolve("localhost".parse().unwrap()).await else { panic!("localhost is no public address") };
    assert!(why.to_string().contains("no public address"), "{why}");
}

#[test]
fn a_picture_is_told_by_its_first_bytes() {
    assert_eq!(picture_type(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
    assert_eq!(picture_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
    assert_eq!(picture_type(b"GIF89a.."), Some("image/gif"));
    assert_eq!(picture_type(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some("image/webp"));
    for other in [&b""[..], b"<svg xmlns='http://www.w3.org/2000/svg'>", b"<html>", b"\x89PNG", b"RIFFxxxxWAVE"] {
        assert_eq!(picture_type(other), None);
    }
}
