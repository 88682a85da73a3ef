//! What a line of `cloudflared` means. It logs for people, in words that change from one version to the next; so little
//! of each line is looked at, and what is not understood is only kept for when the program ends.

use url::Url;

use super::failure::Trouble;

/// The meaning of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The address of a quick tunnel, as an origin.
    Address(String),
    /// A connection with Cloudflare stands, by its number.
    Connected(u32),
    Lost(u32),
    Trouble(Trouble),
    Other,
}

const QUICK: &str = ".trycloudflare.com";

/// Names at Cloudflare that are no tunnel's.
const SERVICES: [&str; 2] = ["api.trycloudflare.com", "www.trycloudflare.com"];

/// Parts of lines, in lower case; the first that fits decides.
const TROUBLES: [(&str, Trouble); 17] = [
    ("provided tunnel token is not valid", Trouble::CredentialsRefused),
    ("unauthorized:", Trouble::CredentialsRefused),
    ("invalid tunnel secret", Trouble::CredentialsRefused),
    ("error parsing tunnel id", Trouble::NoTunnelNamed),
    ("you did not specify any valid additional argument", Trouble::NoTunnelNamed),
    ("requires the id or name of the tunnel to run", Trouble::NoTunnelNamed),
    ("tunnel credentials file", Trouble::NoCredentials),
    ("cannot determine default origin certificate path", Trouble::NoCredentials),
    ("couldn't read tunnel credentials", Trouble::NoCredentials),
    ("failed to unmarshal quick tunnel", Trouble::NoQuickTunnel),
    ("error unmarshaling quicktunnel response", Trouble::NoQuickTunnel),
    ("failed to request quick tunnel", Trouble::NoQuickTunnel),
    (":7844", Trouble::EdgeUnreachable),
    ("failed to dial to edge", Trouble::EdgeUnreachable),
    ("unable to establish connection with cloudflare edge", Trouble::EdgeUnreachable),
    ("edge discovery: error", Trouble::EdgeUnreachable),
    ("unable to reach the origin service", Trouble::HubUnreachable),
];

/// Reads one line.
pub fn read(line: &str) -> Line {
    let lower = line.to_lowercase();
    if let Some((_, trouble)) = TROUBLES.iter().find(|(part, _)| lower.contains(part)) {
        return Line::Trouble(*trouble);
    }
    if let Some(number) = connection(&lower) {
        let is_lost = [
            "unregistered tunnel connection",
            "lost connection",
            "connection terminated",
            "retrying connection",
        ];
        if is_lost.iter().any(|part| lower.contains(part)) {
            return Line::Lost(number);
        }
        if lower.contains("registered") && lower.contains("connection") {
            return Line::Connected(number);
        }
    }
    address(line).map_or(Line::Other, Line::Address)
}

fn connection(lower: &str) -> Option<u32> {
    let (_, rest) = lower.split_once("connindex=")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

fn address(line: &str) -> Option<String> {
    let words = line.split(|letter: char| letter.is_whitespace() || "|\"'<>()".contains(letter));
    words.filter(|word| word.starts_with("https://")).find_map(|word| {
        let url = Url::parse(word).ok()?;
        let host = url.host_str()?;
        let is_quick = host.ends_with(QUICK) && !SERVICES.contains(&host);
        is_quick.then(|| url.origin().ascii_serialization())
    })
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
