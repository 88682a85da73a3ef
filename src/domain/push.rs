//! Who may be pushed to: addresses of browsers' push services, and keys of phones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use url::{Host, Url};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const KEY_BYTES: usize = 32;

/// Whether an address can be a push service: on the web, and not inside the network that the hub itself is in. Names are
/// looked up by whoever sends; this sees only what is written.
pub fn is_public_endpoint(endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else { return false };
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        None => false,
    }
}

/// Whether an address may be pushed to. Where the hub's own network is allowed, push services in it may do without
/// encryption: what is pushed is sealed for the browser in any case.
pub fn is_endpoint(endpoint: &str, allow_private: bool) -> bool {
    if !allow_private {
        return is_public_endpoint(endpoint);
    }
    Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

/// As much of an address as may be logged: whoever has the rest can push.
pub fn service(endpoint: &str) -> String {
    let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "no address".to_owned())
}

/// Names without a dot, and those that are set aside for private use, are found in a local network only.
fn is_public_name(name: &str) -> bool {
    const PRIVATE: [&str; 8] =
        ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let top = name.rsplit_once('.').map(|(_, top)| top);
    top.is_some_and(|top| !PRIVATE.contains(&top)) && !name.ends_with(".home.arpa")
}

/// Whether an address is one that anybody in the world can be reached at.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_set_aside = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b));
    !(is_set_aside
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // An address of the old kind inside one of the new: mapped, translated, or tunnelled.
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => embedded(g, h),
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => embedded(g, h),
        (0x2002, _) => embedded(b, c),
        // Teredo, benchmarks and examples.
        (0x2001, 0 | 2 | 0xdb8) => false,
        // Everything that is given out to the public begins so.
        _ => a & 0xe000 == 0x2000,
    }
}

/// The key that pushes to a phone are sealed with, in its usual form. `None` when it is not one.
pub fn push_key(text: &str) -> Option<String> {
    let bytes = BASE64.decode(text).ok()?;
    (bytes.len() == KEY_BYTES).then(|| BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_services_are_public() {
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "https://web.push.apple.com/x?y",
            "https://8.8.8.8/x",
            "https://[2606:4700::1111]:8443/x",
        ] {
            assert!(is_public_endpoint(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn addresses_of_the_inside_are_not() {
        for endpoint in [
            "",
            "nonsense",
            "http://fcm.googleapis.com/x",
            "ftp://example.com/x",
            "https://user:pw@example.com/x",
            "https://localhost/x",
            "https://LOCALHOST./x",
            "https://a.localhost/x",
            "https://printer.local/x",
            "https://metadata.google.internal/x",
            "https://router/x",
            "https://nas.home.arpa/x",
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://0.0.0.0/x",
            "https://10.0.0.1/x",
            "https://172.16.0.1/x",
            "https://192.168.1.1/x",
            "https://169.254.169.254/x",
            "https://100.64.0.1/x",
            "https://198.18.0.1/x",
            "https://224.0.0.1/x",
            "https://255.255.255.255/x",
            "https://[::]/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://[64:ff9b::a00:1]/x",
            "https://[2002:7f00:1::]/x",
            "https://[fe80::1]/x",
            "https://[fd00::1]/x",
            "https://[ff02::1]/x",
            "https://[2001:db8::1]/x",
        ] {
            assert!(!is_public_endpoint(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn the_inside_is_allowed_where_its_owner_says_so() {
        for endpoint in ["http://127.0.0.1:9/x", "https://nas.local/x"] {
            assert!(is_endpoint(endpoint, true) && !is_endpoint(endpoint, false), "{endpoint}");
        }
        assert!(is_endpoint("https://8.8.8.8/x", false));
        assert!(!is_endpoint("ftp://nas.local/x", true) && !is_endpoint("nonsense", true));
        assert_eq!(service("https://push.example/secret?too"), "push.example");
        assert_eq!(service("secret"), "no address");
    }

    #[test]
    fn keys_are_32_bytes() {
        let usual = BASE64_STANDARD.encode([7; 32]);
        assert_eq!(push_key(&usual).as_deref(), Some(usual.as_str()));
        assert_eq!(push_key(usual.trim_end_matches('=')), Some(usual));
        for bad in [BASE64_STANDARD.encode([7; 31]), "x".to_owned(), String::new(), "_".repeat(43)] {
            assert_eq!(push_key(&bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in ".*") {
            let _ = (is_public_endpoint(&text), is_public_endpoint(&format!("https://{text}")), push_key(&text));
        }
    }
}
