//! Pushes, and what is set for the whole hub.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct VapidPublicKey {
    /// A point of P-256, uncompressed, as base64url.
    pub public_key: String,
}

/// As a browser's `PushSubscription` writes itself.
#[derive(ToSchema)]
pub struct PushSubscriptionRequest {
    /// A public https address.
    pub endpoint: String,
    pub keys: PushKeys,
}

#[derive(ToSchema)]
pub struct PushKeys {
    pub p256dh: String,
    pub auth: String,
}

#[derive(ToSchema)]
pub struct PushEndpointRequest {
    pub endpoint: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeviceRequest {
    pub token: String,
    pub platform: DevicePlatform,
    #[schema(min_length = 1, max_length = 128)]
    pub device_id: String,
    /// 32 bytes as base64. `ios` needs one, `wear` has none.
    #[schema(required = false)]
    pub push_key: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum DevicePlatform {
    Phone,
    Wear,
    Ios,
}

#[derive(ToSchema)]
pub struct DeviceTokenRequest {
    pub token: String,
}

/// At least one of both.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HubSettingsRequest {
    #[schema(required = false)]
    pub session_summary_contract: bool,
    #[schema(required = false)]
    pub session_summary_in_chat: bool,
}
