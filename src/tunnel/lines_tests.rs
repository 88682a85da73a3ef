use super::*;

/// What the program prints when all goes well; the names are made up.
const QUICK: &str = include_str!("fixtures/quick.log");
const NAMED: &str = include_str!("fixtures/named.log");

fn meanings(log: &str) -> Vec<Line> {
    log.lines().map(read).filter(|line| *line != Line::Other).collect()
}

#[test]
fn a_quick_tunnel_tells_its_address_and_connects() {
    let address = Line::Address("https://quiet-river-lamp-stone.trycloudflare.com".to_owned());
    assert_eq!(meanings(QUICK), [address, Line::Connected(0)]);
}

#[test]
fn a_named_tunnel_connects_loses_and_connects_again() {
    use Line::{Connected, Lost};
    let troubled = Line::Trouble(Trouble::EdgeUnreachable);
    assert_eq!(
        meanings(NAMED),
        [
            Connected(0),
            Connected(1),
            troubled,
            Lost(2),
            Connected(3),
            Connected(2),
            Lost(1),
            Lost(1),
            Connected(1),
            Lost(0),
        ],
    );
}

#[test]
fn what_is_wrong_is_recognised() {
    let cases = [
        ("Provided Tunnel token is not valid.", Trouble::CredentialsRefused),
        (
            r#"2021-08-02T13:44:44Z ERR Register tunnel error from server side error="Unauthorized: Invalid tunnel secret" connIndex=0"#,
            Trouble::CredentialsRefused,
        ),
        (
            r#"2023-10-09T00:47:28Z ERR Failed to serve quic connection error="Unauthorized: Failed to get tunnel" connIndex=0 event=0 ip=198.41.192.67"#,
            Trouble::CredentialsRefused,
        ),
        (
            "You did not specify any valid additional argument to the cloudflared tunnel command.",
            Trouble::NoTunnelNamed,
        ),
        (
            r#""cloudflared tunnel run" requires the ID or name of the tunnel to run as the last command line argument or in the configuration file."#,
            Trouble::NoTunnelNamed,
        ),
        (
            "Tunnel credentials file '/home/dev/.cloudflared/x.json' doesn't exist or is not a file",
            Trouble::NoCredentials,
        ),
        (
            "2022-06-01T16:23:12Z ERR Cannot determine default origin certificate path. No file cert.pem in [~/.cloudflared]",
            Trouble::NoCredentials,
        ),
        (
            r#"2026-05-29T09:25:34Z ERR Error unmarshaling QuickTunnel response: error code: 1015 error="invalid character 'e' looking for beginning of value" status_code="429 Too Many Requests""#,
            Trouble::NoQuickTunnel,
        ),
        (
            "failed to unmarshal quick Tunnel: invalid character 'e' looking for beginning of value",
            Trouble::NoQuickTunnel,
        ),
        (
            r#"failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup api.trycloudflare.com on 127.0.0.11:53: no such host"#,
            Trouble::NoQuickTunnel,
        ),
        (
            r#"2022-12-07T07:58:07Z ERR Serve tunnel error error="DialContext error: dial tcp 198.41.200.33:7844: i/o timeout" connIndex=0 ip=198.41.200.33"#,
            Trouble::EdgeUnreachable,
        ),
        (
            r#"2024-02-08T06:25:54Z WRN Failed to create new quic connection error="failed to dial to edge with quic: timeout: no recent network activity" connIndex=2 event=0 ip=198.41.192.57"#,
            Trouble::EdgeUnreachable,
        ),
        (
            r#"2025-02-11T09:31:02Z ERR  error="Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared: dial tcp 127.0.0.1:3006: connect: connection refused" connIndex=0 event=1 ingressRule=0 originService=http://127.0.0.1:3006"#,
            Trouble::HubUnreachable,
        ),
    ];
    for (line, trouble) in cases {
        assert_eq!(read(line), Line::Trouble(trouble), "{line}");
    }
}

#[test]
fn what_is_no_complaint_about_the_tunnel_is_passed_over() {
    for line in [
        "2025-02-11T09:30:14Z INF UDP connectivity region1.v2.argotunnel.com:7844 passed",
        r#"2022-04-26T14:21:59Z ERR  error="Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared: EOF" originService=http://localhost:3006"#,
        r#"2025-02-11T09:40:00Z ERR  error="Incoming request ended abruptly: context canceled" connIndex=0"#,
    ] {
        assert_eq!(read(line), Line::Other, "{line}");
    }
}

#[test]
fn addresses_of_others_are_not_ours() {
    for line in [
        "Requesting new quick Tunnel on trycloudflare.com...",
        "https://api.trycloudflare.com/tunnel",
        "https://www.trycloudflare.com",
        "https://trycloudflare.com.evil.example",
        "http://plain.trycloudflare.com",
        "https://user@evil.example/.trycloudflare.com",
        "https://developers.cloudflare.com/cloudflare-one/connections/connect-apps",
    ] {
        assert_eq!(read(line), Line::Other, "{line}");
    }
    let spelled = read("Visit it at https://A-b.trycloudflare.com/path?x=1 (it may take some time)");
    assert_eq!(spelled, Line::Address("https://a-b.trycloudflare.com".to_owned()));
}

proptest::proptest! {
    #[test]
    fn any_line_has_a_meaning(line in "\\PC{0,200}") {
        if let Line::Address(address) = read(&line) {
            proptest::prop_assert!(address.ends_with(".trycloudflare.com"));
        }
    }
}
