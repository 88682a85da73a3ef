//! Notes beside a session.

use utoipa::ToSchema;

use crate::domain::scratchlist::{Attachment, Entry, Limits};

#[derive(ToSchema)]
pub struct Scratchlist {
    /// The newest first.
    pub entries: Vec<Entry>,
}

#[derive(ToSchema)]
pub struct NoteAnswer {
    pub entry: Entry,
}

#[derive(ToSchema)]
pub struct ScratchlistLimitsAnswer {
    pub limits: Limits,
}

#[derive(ToSchema)]
pub struct AttachmentAnswer {
    pub success: bool,
    pub attachment: Attachment,
}

/// Text or at least one file is needed.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewNoteRequest {
    #[schema(required = false, max_length = 10_000)]
    pub text: String,
    /// Chosen by the sender, so that it can be sent again.
    #[schema(required = false, min_length = 1, max_length = 128)]
    pub entry_id: String,
    /// Epoch milliseconds; now by default.
    #[schema(required = false, minimum = 0)]
    pub created_at: i64,
    /// As the upload answered them.
    #[schema(required = false)]
    pub attachments: Vec<Attachment>,
}

/// At least one of both.
#[derive(ToSchema)]
pub struct NoteEditRequest {
    #[schema(required = false, max_length = 10_000)]
    pub text: String,
    /// All files that the note is to have.
    #[schema(required = false)]
    pub attachments: Vec<Attachment>,
}
