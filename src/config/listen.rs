//! The address the hub listens on.

use std::net::IpAddr;

use super::sections::Listen;

impl Listen {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", *self.host, *self.port)
        } else {
            format!("{}:{}", *self.host, *self.port)
        }
    }

    /// Whether only programs on this computer can connect.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Splits `host`, `host:port`, `[v6]:port` or a bare IPv6 address. The port stays text, to be judged as every other.
pub fn split(address: &str) -> (String, Option<String>) {
    if let Some((host, rest)) = address.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host.to_owned(), rest.strip_prefix(':').map(str::to_owned));
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host.to_owned(), Some(port.to_owned())),
        _ => (address.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_at_its_port() {
        let cases = [
            ("0.0.0.0:80", ("0.0.0.0", Some("80"))),
            ("example.org", ("example.org", None)),
            ("[::1]:80", ("::1", Some("80"))),
            ("[::1]", ("::1", None)),
            ("::1", ("::1", None)),
            ("host:80abc", ("host", Some("80abc"))),
        ];
        for (address, (host, port)) in cases {
            assert_eq!(split(address), (host.to_owned(), port.map(str::to_owned)), "{address}");
        }
    }
}
