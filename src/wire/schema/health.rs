//! Whether the hub is up.

use std::collections::BTreeMap;

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Health {
    /// `ok` or `stopping`.
    pub status: String,
    pub protocol_version: u32,
    /// Which optional features the hub has.
    #[schema(required = false)]
    pub capabilities: BTreeMap<String, bool>,
    pub hub: HubInfo,
    /// Only of a hub that has a tunnel.
    pub tunnel: Option<TunnelStatus>,
}

/// The way in from outside that the hub keeps.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TunnelStatus {
    /// `starting`, `up` or `down`.
    pub state: String,
    pub address: Option<String>,
    /// When the state became what it is.
    pub since: i64,
    /// What went wrong last, in plain words.
    pub last_error: Option<String>,
}

/// Which hub answers.
#[derive(ToSchema)]
pub struct HubInfo {
    pub name: String,
    pub version: String,
}
