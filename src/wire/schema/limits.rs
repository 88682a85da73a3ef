//! How much of the hub somebody has, and may have.

use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsAnswer {
    /// Everybody in the namespace together.
    pub namespace: Share,
    /// Pages and scripts of the one who asks.
    pub token: Share,
    /// All CLIs and runners of the namespace.
    pub cli_token: Share,
    /// Only for the owner of the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hub: Option<HubShare>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    pub streams: Usage,
    pub links: Usage,
    /// Of request bodies that are received or handled right now.
    pub body_bytes: Usage,
    pub requests: RequestPace,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubShare {
    pub connections: Usage,
    pub streams: Usage,
    pub links: Usage,
    pub body_bytes: Usage,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub used: u64,
    /// `null`: no limit.
    #[schema(required)]
    pub limit: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestPace {
    /// For a long time; `null`: no limit.
    #[schema(required)]
    pub per_second: Option<u32>,
    /// At once.
    pub burst: u32,
}
