//! How much of the hub one namespace, one token and one address may have: event streams, Socket.IO links, bytes of
//! request bodies and requests in a second. Whoever has enough is told so; everybody else never notices.

mod connections;
mod pool;
mod rate;
mod who;

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    config,
    domain::{
        holdings::{Ceilings, Full},
        ids::Namespace,
    },
};

pub use self::{
    connections::{Connection, Connections},
    pool::{Permit, Pool, Terms},
    rate::{Pace, Rate},
    who::{Group, Who},
};

/// When it is worth asking again for what somebody has to let go of first, in seconds.
const STREAMS_AGAIN: u64 = 5;
const LINKS_AGAIN: u64 = 5;
const BYTES_AGAIN: u64 = 1;

/// What there was not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Connections,
    Streams,
    Links,
    Bytes,
    Requests,
}

/// Whose limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Hub,
    Namespace,
    Token,
    /// All who have shown no token.
    Strangers,
    Address,
}

/// Why something was not granted, and when it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what:?} of {whose:?} are used up")]
pub struct Refusal {
    pub what: What,
    pub whose: Whose,
    pub seconds: u64,
}

pub struct Limits {
    pub connections: Connections,
    pub streams: Arc<Pool>,
    pub links: Arc<Pool>,
    pub bytes: Arc<Pool>,
    /// How long a body may make no progress.
    pub stall: Duration,
    paces: Paces,
    namespaces: Option<Rate<Namespace>>,
    members: Option<Rate<Who>>,
    addresses: Option<Rate<Who>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Paces {
    pub namespace: Pace,
    pub token: Pace,
    pub address: Pace,
}

impl Limits {
    pub fn new(config: &config::Limits, clock: &Clock) -> Self {
        let pool = |hub, group, member, strangers, address| {
            let tokens = Ceilings { hub, group, member };
            Pool::new(Terms { tokens, strangers: Ceilings { hub, group: strangers, member: address } })
        };
        let pace = |rate: config::Ceiling, burst| Pace {
            per_second: rate.0.map_or(0, |rate| u32::try_from(rate).unwrap_or(u32::MAX)),
            burst,
        };
        let paces = Paces {
            namespace: pace(*config.rate_per_namespace, *config.burst_per_namespace),
            token: pace(*config.rate_per_token, *config.burst_per_token),
            address: pace(*config.rate_per_address, *config.burst_per_address),
        };
        Self {
            connections: Connections::new(config.connections.0),
            streams: pool(
                config.streams.0,
                config.streams_per_namespace.0,
                config.streams_per_token.0,
                Some(0),
                Some(0),
            ),
            links: pool(
                config.links.0,
                config.links_per_namespace.0,
                config.links_per_token.0,
                config.links_of_strangers.0,
                config.links_per_address.0,
            ),
            bytes: pool(
                config.inflight_bytes.0,
                config.inflight_bytes_per_namespace.0,
                config.inflight_bytes_per_token.0,
                config.inflight_bytes_of_strangers.0,
                config.inflight_bytes_per_address.0,
            ),
            stall: Duration::from_millis(*config.body_stall_ms),
            paces,
            namespaces: Rate::new(paces.namespace, clock.clone()),
            members: Rate::new(paces.token, clock.clone()),
            addresses: Rate::new(paces.address, clock.clone()),
        }
    }

    pub fn paces(&self) -> &Paces {
        &self.paces
    }

    pub fn stream(&self, who: Who) -> Result<Permit, Refusal> {
        take(&self.streams, who, 1, What::Streams, STREAMS_AGAIN)
    }

    pub fn link(&self, who: Who) -> Result<Permit, Refusal> {
        take(&self.links, who, 1, What::Links, LINKS_AGAIN)
    }

    pub fn body(&self, who: Who, bytes: u64) -> Result<Permit, Refusal> {
        take(&self.bytes, who, bytes, What::Bytes, BYTES_AGAIN)
    }

    /// More of a body than was announced.
    pub fn more(&self, permit: &mut Permit, bytes: u64) -> Result<(), Refusal> {
        permit.grow(bytes).map_err(|full| refusal(full, permit.who(), What::Bytes, BYTES_AGAIN))
    }

    /// Whether so large a body would be refused even if it were the only one.
    pub fn never_fits(&self, who: &Who, bytes: u64) -> bool {
        let Ceilings { hub, group, member } = *self.bytes.ceilings(who);
        [hub, group, member].into_iter().flatten().any(|ceiling| bytes > ceiling)
    }

    /// Counts a request.
    pub fn request(&self, who: &Who) -> Result<(), Refusal> {
        let refusal = |whose, seconds| Refusal { what: What::Requests, whose, seconds };
        let count = |rate: &Option<Rate<Who>>| rate.as_ref().map_or(Ok(()), |rate| rate.count(who));
        match who {
            Who::Stranger(_) => count(&self.addresses).map_err(|seconds| refusal(Whose::Address, seconds)),
            Who::Page { namespace, .. } | Who::Cli { namespace } => {
                // What the token's own limit refuses is not counted against the namespace.
                count(&self.members).map_err(|seconds| refusal(Whose::Token, seconds))?;
                let Some(namespaces) = &self.namespaces else { return Ok(()) };
                namespaces.count(namespace).map_err(|seconds| refusal(Whose::Namespace, seconds))
            }
        }
    }
}

fn take(pool: &Arc<Pool>, who: Who, amount: u64, what: What, seconds: u64) -> Result<Permit, Refusal> {
    pool.take(who.clone(), amount).map_err(|full| refusal(full, &who, what, seconds))
}

fn refusal(full: Full, who: &Who, what: What, seconds: u64) -> Refusal {
    let whose = match (full, who.is_stranger()) {
        (Full::Hub, _) => Whose::Hub,
        (Full::Group, false) => Whose::Namespace,
        (Full::Group, true) => Whose::Strangers,
        (Full::Member, false) => Whose::Token,
        (Full::Member, true) => Whose::Address,
    };
    Refusal { what, whose, seconds }
}

#[cfg(test)]
mod tests;
