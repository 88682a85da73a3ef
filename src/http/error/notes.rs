//! Errors of notes and their files.

use actix_web::http::StatusCode;
use serde_json::json;

use super::{ApiError, coded, plain};
use crate::{
    domain::scratchlist::{Issue, MAX_ENTRIES, Refusal},
    session::NoteError,
};

impl ApiError {
    pub fn invalid_note(issues: &[Issue]) -> Self {
        let body = json!({ "error": "Invalid body", "issues": issues });
        Self { status: StatusCode::BAD_REQUEST, body, retry_after: None }
    }

    pub fn attachment_not_found() -> Self {
        plain(StatusCode::NOT_FOUND, "Attachment not found")
    }

    pub fn attachment_file_missing() -> Self {
        plain(StatusCode::NOT_FOUND, "Attachment file missing")
    }

    /// Uploads answer in the family of `{"success":false}`.
    pub fn upload_refused(error: NoteError) -> Self {
        let NoteError::Refused(refusal) = error else { return error.into() };
        let (status, text, code) = refused(refusal);
        let status = if refusal == Refusal::FileTooLarge { StatusCode::PAYLOAD_TOO_LARGE } else { status };
        Self::unsuccessful(status, text, code)
    }
}

fn refused(refusal: Refusal) -> (StatusCode, String, Option<&'static str>) {
    let bad = |text: &str, code| (StatusCode::BAD_REQUEST, text.to_owned(), Some(code));
    match refusal {
        Refusal::NoSuchEntry => (StatusCode::NOT_FOUND, "Scratchlist entry not found".to_owned(), None),
        Refusal::NoSuchAttachment => (StatusCode::NOT_FOUND, "Attachment not found".to_owned(), None),
        Refusal::AtCap => {
            let text = format!("Scratchlist is at its {MAX_ENTRIES}-entry cap");
            (StatusCode::CONFLICT, text, Some("scratchlist_at_cap"))
        }
        Refusal::AttachmentInUse => {
            let text = "Attachment is still referenced by a scratchlist entry".to_owned();
            (StatusCode::CONFLICT, text, Some("scratchlist_attachment_in_use"))
        }
        Refusal::Empty => bad("Scratchlist entry requires text or attachments", "scratchlist_entry_empty"),
        Refusal::InvalidAttachment => bad("Invalid scratchlist attachment", "scratchlist_attachment_invalid"),
        Refusal::TooManyAttachments => {
            bad("Too many attachments for one scratchlist entry", "scratchlist_attachments_per_entry")
        }
        Refusal::FileTooLarge => bad("File too large", "scratchlist_attachment_too_large"),
        Refusal::MimeType => bad("Attachment type is not allowed", "scratchlist_attachment_mime"),
        Refusal::EntryBytes => {
            bad("Attachments of this scratchlist entry are too large", "scratchlist_attachments_entry_bytes")
        }
        Refusal::SessionBytes => {
            bad("Attachments of this session are too large", "scratchlist_attachments_session_bytes")
        }
    }
}

impl From<NoteError> for ApiError {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Refused(refusal) => match refused(refusal) {
                (status, text, Some(code)) => coded(status, text, code),
                (status, text, None) => plain(status, text),
            },
            NoteError::Session(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Released clients branch on these statuses, texts and codes.
    #[test]
    fn every_body_is_as_clients_know_it() {
        use Refusal::*;
        let all = [
            NoSuchEntry,
            AtCap,
            Empty,
            InvalidAttachment,
            TooManyAttachments,
            FileTooLarge,
            MimeType,
            EntryBytes,
            SessionBytes,
            NoSuchAttachment,
            AttachmentInUse,
        ];
        let told: Vec<String> =
            all.iter().map(|refusal| ApiError::from(NoteError::Refused(*refusal)).to_string()).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        404 {"error":"Scratchlist entry not found"}
        409 {"error":"Scratchlist is at its 200-entry cap","code":"scratchlist_at_cap"}
        400 {"error":"Scratchlist entry requires text or attachments","code":"scratchlist_entry_empty"}
        400 {"error":"Invalid scratchlist attachment","code":"scratchlist_attachment_invalid"}
        400 {"error":"Too many attachments for one scratchlist entry","code":"scratchlist_attachments_per_entry"}
        400 {"error":"File too large","code":"scratchlist_attachment_too_large"}
        400 {"error":"Attachment type is not allowed","code":"scratchlist_attachment_mime"}
        400 {"error":"Attachments of this scratchlist entry are too large","code":"scratchlist_attachments_entry_bytes"}
        400 {"error":"Attachments of this session are too large","code":"scratchlist_attachments_session_bytes"}
        404 {"error":"Attachment not found"}
        409 {"error":"Attachment is still referenced by a scratchlist entry","code":"scratchlist_attachment_in_use"}
        "#);
        let uploads: Vec<String> = [FileTooLarge, MimeType, SessionBytes]
            .map(|refusal| ApiError::upload_refused(refusal.into()).to_string())
            .to_vec();
        insta::assert_snapshot!(uploads.join("\n"), @r#"
        413 {"success":false,"error":"File too large","code":"scratchlist_attachment_too_large"}
        400 {"success":false,"error":"Attachment type is not allowed","code":"scratchlist_attachment_mime"}
        400 {"success":false,"error":"Attachments of this session are too large","code":"scratchlist_attachments_session_bytes"}
        "#);
        let owner =
            ["Storage usage is", "Hub settings are"].map(|what| ApiError::owner_only(what).to_string());
        insta::assert_snapshot!(owner.join("\n"), @r#"
        403 {"error":"Storage usage is only available to the hub owner"}
        403 {"error":"Hub settings are only available to the hub owner"}
        "#);
    }
}
