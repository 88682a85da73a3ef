//! Where a push service is, once its name has been looked up. People give these addresses, so none of them may lead into
//! the hub's own network, whatever a name server says.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::Failure;
use crate::domain::push::{is_endpoint, is_public};

/// One of the places that the name stands for; each attempt takes the next.
pub async fn resolve(endpoint: &Url, allow_private: bool, attempt: u32) -> Result<SocketAddr, Failure> {
    if !is_endpoint(endpoint.as_str(), allow_private) {
        return Err(Failure::Address);
    }
    let port = endpoint.port_or_known_default().ok_or(Failure::Address)?;
    let found: Vec<SocketAddr> = match endpoint.host().ok_or(Failure::Address)? {
        Host::Ipv4(address) => vec![SocketAddr::new(IpAddr::V4(address), port)],
        Host::Ipv6(address) => vec![SocketAddr::new(IpAddr::V6(address), port)],
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name, port)).await.map_err(|_| Failure::Unknown)?;
            found.collect()
        }
    };
    if found.is_empty() {
        return Err(Failure::Unknown);
    }
    let allowed: Vec<SocketAddr> =
        found.into_iter().filter(|place| allow_private || is_public(place.ip())).collect();
    let turn = usize::try_from(attempt.saturating_sub(1)).unwrap_or(0);
    turn.checked_rem(allowed.len()).and_then(|turn| allowed.get(turn).copied()).ok_or(Failure::Address)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(endpoint: &str, allow_private: bool) -> Result<SocketAddr, Failure> {
        resolve(&Url::parse(endpoint).unwrap(), allow_private, 1).await
    }

    #[actix_rt::test]
    async fn the_inside_is_not_called() {
        for endpoint in ["https://127.0.0.1/x", "https://[::1]/x", "http://8.8.8.8/x"] {
            assert!(matches!(resolved(endpoint, false).await, Err(Failure::Address)), "{endpoint}");
        }
        assert_eq!(resolved("https://8.8.8.8/x", false).await.unwrap().to_string(), "8.8.8.8:443");
        assert_eq!(resolved("http://127.0.0.1:9/x", true).await.unwrap().to_string(), "127.0.0.1:9");
        assert!(resolved("http://localhost:9/x", true).await.unwrap().ip().is_loopback());
    }
}
