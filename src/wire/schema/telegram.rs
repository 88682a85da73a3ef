//! What a Telegram page sends to be bound.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BindRequest {
    /// As Telegram handed it to the page.
    pub init_data: String,
    /// `base` or `base:namespace`.
    pub access_token: String,
}
