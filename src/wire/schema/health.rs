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
}

/// Which hub answers.
#[derive(ToSchema)]
pub struct HubInfo {
    pub name: String,
    pub version: String,
}
