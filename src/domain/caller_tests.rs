use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn nginx() -> Proxies {
    let headers = vec!["cf-connecting-ip".to_owned(), LIST.to_owned()];
    Proxies { trusted: networks(&["10.0.0.0/8", "::1"]), headers, has_tunnel: false }
}

fn tunnel() -> Proxies {
    Proxies { has_tunnel: true, headers: vec![LIST.to_owned()], ..Proxies::default() }
}

/// The caller, where only these headers are there.
fn caller(proxies: &Proxies, peer: &str, told: &[(&str, &str)]) -> IpAddr {
    let told = |name: &str| told.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    proxies.caller(ip(peer), told)
}

#[test]
fn a_network_holds_what_begins_alike() {
    let cases = [
        ("10.0.0.0/8", "10.255.1.2", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("127.0.0.1", "127.0.0.2", false),
        ("2001:db8::/32", "2001:db8:9::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("::/0", "2001:db9::1", true),
        ("::ffff:127.0.0.1", "127.0.0.1", true),
    ];
    for (network, address, is_in) in cases {
        assert_eq!(networks(&[network])[0].contains(ip(address)), is_in, "{network} {address}");
    }
    for bad in
        ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "host", "::ffff:1.2.3.4/8"]
    {
        assert_eq!(bad.parse::<Network>(), Err(NoNetwork), "{bad}");
    }
    for same in ["10.0.0.0/8", "127.0.0.1", "::1", "2001:db8::/32"] {
        assert_eq!(networks(&[same])[0].to_string(), same);
    }
}

#[test]
fn a_trusted_proxy_says_who_calls() {
    let of_list = |list| caller(&nginx(), "10.0.0.1", &[(LIST, list)]);
    assert_eq!(of_list("203.0.113.9"), ip("203.0.113.9"));
    assert_eq!(
        of_list("1.1.1.1, 203.0.113.9, 10.0.0.7"),
        ip("203.0.113.9"),
        "what is further left was sent along"
    );
    assert_eq!(of_list("203.0.113.9:4711"), ip("203.0.113.9"));
    assert_eq!(of_list("\"[2001:db8::1]:4711\""), ip("2001:db8::1"));
    assert_eq!(of_list("[2001:db8::1]"), ip("2001:db8::1"));
    let both = [("cf-connecting-ip", "203.0.113.9"), (LIST, "203.0.113.8")];
    assert_eq!(caller(&nginx(), "::1", &both), ip("203.0.113.9"), "the first header counts");
    assert_eq!(caller(&nginx(), "::ffff:10.0.0.1", &both), ip("203.0.113.9"));
    assert_eq!(caller(&tunnel(), "127.0.0.1", &both), ip("203.0.113.9"));
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    for odd in [
        "",
        " ",
        "unknown",
        "203.0.113.9, ",
        "203.0.113.9, x",
        "_hidden",
        "10.0.0.1",
        "10.0.0.2, ::1",
        "1.2.3",
    ] {
        assert_eq!(caller(&nginx(), "10.0.0.1", &[(LIST, odd)]), ip("10.0.0.1"), "{odd:?}");
    }
    let told = [("cf-connecting-ip", "1.1.1.1, 2.2.2.2"), (LIST, "203.0.113.8")];
    assert_eq!(caller(&nginx(), "10.0.0.1", &told), ip("203.0.113.8"), "two are one too many");
}

#[test]
fn a_header_that_is_not_named_is_not_read() {
    let proxies = Proxies { headers: vec![LIST.to_owned()], ..nginx() };
    let spoofed = [("cf-connecting-ip", "1.1.1.1"), (LIST, "203.0.113.9")];
    assert_eq!(caller(&proxies, "10.0.0.1", &spoofed), ip("203.0.113.9"));
    // Of a tunnel only this computer is believed.
    assert_eq!(caller(&tunnel(), "10.0.0.1", &spoofed), ip("10.0.0.1"));
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn outside(proxies: Proxies) -> impl Strategy<Value = IpAddr> {
    any_address().prop_filter("of a stranger", move |address| !proxies.is_trusted(address.to_canonical()))
}

proptest! {
    #[test]
    fn nobody_else_is_believed(peer in outside(nginx()), one in ".{0,40}", list in ".{0,80}") {
        let told = |name: &str| Some(if name == LIST { list.clone() } else { one.clone() });
        prop_assert_eq!(nginx().caller(peer, told), peer.to_canonical());
    }

    /// Whatever a caller puts in front, the proxy's own entry stands behind it.
    #[test]
    fn nothing_sent_along_replaces_what_the_proxy_saw(
        sent in "[ -~]{0,60}",
        real in outside(nginx()),
        hops in prop::collection::vec(any::<[u8; 3]>(), 0..4),
    ) {
        let hops = hops.iter().map(|[b, c, d]| format!(", 10.{b}.{c}.{d}")).collect::<String>();
        let told = |name: &str| (name == LIST).then(|| format!("{sent}, {real}{hops}"));
        prop_assert_eq!(nginx().caller(ip("10.0.0.1"), told), real.to_canonical());
    }

    #[test]
    fn whatever_stands_there_the_answer_is_an_address(peer in any_address(), text in ".{0,80}", tunnel in any::<bool>()) {
        let proxies = Proxies { has_tunnel: tunnel, ..nginx() };
        let caller = proxies.caller(peer, |_| Some(text.clone()));
        prop_assert_eq!(caller, caller.to_canonical());
    }

    #[test]
    fn a_network_is_read_as_it_is_shown(address in any_address(), bits in 0u32..=32) {
        let text = format!("{}/{bits}", address.to_canonical());
        let network: Network = text.parse().unwrap();
        prop_assert!(network.contains(address));
        prop_assert_eq!(network.to_string().parse(), Ok(network));
    }
}
