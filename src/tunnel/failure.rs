//! What can be wrong with a tunnel, in words that say what to do about it. Everybody who reaches the hub may read them,
//! so nothing of what the program printed is in them; that goes into the log.

use std::io;

/// What a line of the program complained about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error(
        "Cloudflare refuses the tunnel's credentials; take its token anew from the dashboard and set it as `tunnel.token`"
    )]
    CredentialsRefused,
    #[error(
        "cloudflared does not know which tunnel to run; set `tunnel.token`, or name a tunnel in cloudflared's config.yml"
    )]
    NoTunnelNamed,
    #[error(
        "cloudflared does not find the tunnel's credentials; set `tunnel.token`, or run `cloudflared tunnel login`"
    )]
    NoCredentials,
    #[error(
        "Cloudflare gives out no quick tunnel: it cannot be reached, or was asked too often; a named tunnel needs no such favour"
    )]
    NoQuickTunnel,
    #[error("cloudflared cannot reach Cloudflare; connections to port 7844 (UDP and TCP) must be let out")]
    EdgeUnreachable,
    #[error(
        "cloudflared cannot reach the hub; the service in its configuration must be the address the hub listens on"
    )]
    HubUnreachable,
}

/// Why a tunnel is not up.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(
        "{program} was not found; install it (https://developers.cloudflare.com/tunnel/downloads/) or set its path as `tunnel.command`"
    )]
    NotFound { program: String },
    #[error("{program} could not be started: {source}")]
    NotStarted { program: String, source: io::Error },
    #[error("{0}")]
    Troubled(Trouble),
    #[error("cloudflared ended ({how}); its last lines are in the hub's log")]
    Ended { how: String },
    #[error("cloudflared told no address within {seconds} s")]
    NoAddress { seconds: u64 },
    #[error("cloudflared has no connection with Cloudflare after {seconds} s")]
    NoConnection { seconds: u64 },
    #[error("the connection with Cloudflare was lost; cloudflared tries to get it back")]
    Lost,
}
