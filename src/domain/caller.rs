//! Who calls when a proxy stands between: only a proxy that is trusted may say so, and only in headers that it writes
//! itself.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// Each proxy adds the address it was called from at the end of this list; any other header holds one address.
const LIST: &str = "x-forwarded-for";
/// What Cloudflare writes anew, whatever the caller had sent under these names.
const OF_CLOUDFLARE: [&str; 2] = ["cf-connecting-ip", LIST];

/// One address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// It is neither an address nor one with `/` and a number of bits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network such as 10.0.0.0/8")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| NoNetwork)?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        // A mapped address would be compared as IPv4, with bits that count from elsewhere.
        let is_mapped = address.to_canonical() != address;
        match (is_mapped, bits <= most) {
            (false, true) => Ok(Self { address, bits }),
            (true, _) if bits == most => Ok(Self { address: address.to_canonical(), bits: 32 }),
            _ => Err(NoNetwork),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, bits } = self;
        match (address, bits) {
            (IpAddr::V4(_), 32) | (IpAddr::V6(_), 128) => write!(f, "{address}"),
            _ => write!(f, "{address}/{bits}"),
        }
    }
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Whom the hub believes, and where they say it.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub trusted: Vec<Network>,
    /// Names of headers in lower case; the first that makes sense counts.
    pub headers: Vec<String>,
    /// A tunnel of Cloudflare ends on this computer.
    pub has_tunnel: bool,
}

impl Proxies {
    /// The address of the caller. `told` answers what a header holds, its lines joined by commas.
    pub fn caller(&self, peer: IpAddr, told: impl Fn(&str) -> Option<String>) -> IpAddr {
        let peer = peer.to_canonical();
        let read = |name: &str| {
            let text = told(name)?;
            if name == LIST { self.behind_the_trusted(&text) } else { address(&text) }
        };
        let from_tunnel = || OF_CLOUDFLARE.into_iter().find_map(read);
        let from_proxy = || self.headers.iter().map(String::as_str).find_map(read);
        let told = if self.is_from_tunnel(peer) {
            from_tunnel()
        } else if self.is_trusted(peer) {
            from_proxy()
        } else {
            None
        };
        told.unwrap_or(peer)
    }

    fn is_from_tunnel(&self, peer: IpAddr) -> bool {
        self.has_tunnel && peer.is_loopback()
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.is_from_tunnel(address) || self.trusted.iter().any(|network| network.contains(address))
    }

    /// The nearest entry that no trusted proxy is. What stands before it, anybody may have written.
    fn behind_the_trusted(&self, list: &str) -> Option<IpAddr> {
        for entry in list.rsplit(',') {
            let address = address(entry)?;
            if !self.is_trusted(address) {
                return Some(address);
            }
        }
        None
    }
}

/// With or without a port, brackets and quotes, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
#[path = "caller_tests.rs"]
mod tests;
