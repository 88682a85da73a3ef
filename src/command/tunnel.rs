//! Tells people where the hub can be reached from outside, each time that changes.

use std::io::Write;

use super::{banner, hub::Start};
use crate::tunnel::{State, Tunnel};

/// Goes on until nothing will change any more. A new token is told with the first address only.
pub async fn announce(mut tunnel: Tunnel, start: Start) {
    let mut told: Option<String> = None;
    while let Some(status) = tunnel.changed().await {
        let Some(address) = status.address.filter(|_| status.state == State::Up) else { continue };
        if told.as_ref() == Some(&address) {
            continue;
        }
        let mut output = std::io::stdout();
        // Who closed the output does not want to know.
        let _ = output.write_all(banner::tunnel(&start, &address, told.is_none()).as_bytes());
        let _ = output.flush();
        told = Some(address);
    }
}
