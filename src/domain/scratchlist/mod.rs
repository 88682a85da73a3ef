//! Notes that people keep beside a session: what one may hold, and which of its files are wanted no more when it
//! changes. Files are known here by name and size only.

mod folder;
mod request;

pub use folder::{Folder, Held, belongs, file_name, is_attachment_id};
pub use request::{Claims, Issue, NewNote, NoteEdit, read_edit, read_new};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ids::Millis, text};

/// Notes of one session.
pub const MAX_ENTRIES: usize = 200;
/// Length of a note's text, in UTF-16 units.
pub const MAX_TEXT: usize = 10_000;
pub const MAX_ENTRY_ID: usize = 128;

/// A file that belongs to a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScratchlistAttachment)]
pub struct Attachment {
    pub id: String,
    pub filename: String,
    pub mime_type: String,
    /// Bytes.
    pub size: u64,
    /// Names the file to the hub.
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScratchlistEntry)]
pub struct Entry {
    pub entry_id: String,
    pub text: String,
    /// Epoch milliseconds.
    #[schema(value_type = i64)]
    pub created_at: Millis,
    /// Epoch milliseconds.
    #[schema(value_type = i64)]
    pub updated_at: Millis,
    pub attachments: Vec<Attachment>,
}

/// What may be attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScratchlistLimits)]
pub struct Limits {
    pub max_bytes_per_file: u64,
    pub max_attachments_per_entry: usize,
    pub max_bytes_per_entry: u64,
    pub max_bytes_per_session: u64,
    pub allowed_mime_types: Vec<String>,
}

/// Why a change of notes is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such note")]
    NoSuchEntry,
    #[error("the session has as many notes as it may")]
    AtCap,
    #[error("the note would be left without text and files")]
    Empty,
    #[error("a file is not one of this session's")]
    InvalidAttachment,
    #[error("the note would have too many files")]
    TooManyAttachments,
    #[error("a file is too large")]
    FileTooLarge,
    #[error("a file is of a kind that is not taken")]
    MimeType,
    #[error("the note's files would be too large together")]
    EntryBytes,
    #[error("the session's files would be too large together")]
    SessionBytes,
    #[error("there is no such file")]
    NoSuchAttachment,
    #[error("a note has the file")]
    AttachmentInUse,
}

/// Everything that the rules look at: a session's notes, and what lies in its folder.
pub struct Scratchlist<'a> {
    pub limits: &'a Limits,
    pub folder: &'a Folder,
    pub entries: &'a [Entry],
    pub held: &'a Held,
}

/// The outcome of adding a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    New(Entry),
    /// A note with this id is there already; nothing changes.
    Known(Entry),
}

/// A note as it will be, and names of files that no note has then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub entry: Entry,
    pub orphans: Vec<String>,
}

impl Scratchlist<'_> {
    /// `fresh_id` is taken when the sender chose none.
    pub fn add(&self, new: NewNote, fresh_id: String, now: Millis) -> Result<Added, Refusal> {
        let entry_id = new.entry_id.unwrap_or(fresh_id);
        if let Some(known) = self.entry(&entry_id) {
            return Ok(Added::Known(known.clone()));
        }
        if self.entries.len() >= MAX_ENTRIES {
            return Err(Refusal::AtCap);
        }
        let attachments = self.claim(new.attachments)?;
        Ok(Added::New(Entry {
            entry_id,
            text: text::trim(&new.text).to_owned(),
            created_at: new.created_at.unwrap_or(now),
            updated_at: now,
            attachments,
        }))
    }

    pub fn edit(&self, entry_id: &str, edit: NoteEdit, now: Millis) -> Result<Edited, Refusal> {
        let mut entry = self.entry(entry_id).ok_or(Refusal::NoSuchEntry)?.clone();
        if let Some(text) = edit.text {
            entry.text = text::trim(&text).to_owned();
        }
        if let Some(claims) = edit.attachments {
            entry.attachments = self.claim(claims)?;
        }
        if entry.text.is_empty() && entry.attachments.is_empty() {
            return Err(Refusal::Empty);
        }
        entry.updated_at = now;
        let orphans = self.orphans(entry_id, &entry.attachments);
        Ok(Edited { entry, orphans })
    }

    /// Names of the files that go with the note.
    pub fn remove(&self, entry_id: &str) -> Result<Vec<String>, Refusal> {
        self.entry(entry_id).ok_or(Refusal::NoSuchEntry)?;
        Ok(self.orphans(entry_id, &[]))
    }

    /// Whether a file may come into the session's folder.
    pub fn upload(&self, mime_type: &str, size: u64) -> Result<(), Refusal> {
        if size > self.limits.max_bytes_per_file {
            return Err(Refusal::FileTooLarge);
        }
        if !self.limits.takes(mime_type) {
            return Err(Refusal::MimeType);
        }
        if self.bytes_held().saturating_add(size) > self.limits.max_bytes_per_session {
            return Err(Refusal::SessionBytes);
        }
        Ok(())
    }

    /// The name of a file that no note has and that may therefore be thrown away.
    pub fn discard(&self, attachment_id: &str) -> Result<String, Refusal> {
        if find_attachment(self.entries, attachment_id).is_some() {
            return Err(Refusal::AttachmentInUse);
        }
        let is_it = |name: &&String| folder::belongs(name, attachment_id).is_some();
        self.held.keys().find(is_it).cloned().ok_or(Refusal::NoSuchAttachment)
    }

    fn entry(&self, entry_id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.entry_id == entry_id)
    }

    /// Looks each file up, so that a note tells what lies there and nothing that a sender made up.
    fn claim(&self, claims: Claims) -> Result<Vec<Attachment>, Refusal> {
        if claims.len() > self.limits.max_attachments_per_entry {
            return Err(Refusal::TooManyAttachments);
        }
        let mut claimed: Vec<Attachment> = Vec::with_capacity(claims.len());
        let mut brings_new = false;
        for claim in claims {
            let name = self.folder.name_in(&claim.path).ok_or(Refusal::InvalidAttachment)?;
            let filename = folder::belongs(name, &claim.id).ok_or(Refusal::InvalidAttachment)?;
            let size = *self.held.get(name).ok_or(Refusal::InvalidAttachment)?;
            if claimed.iter().any(|known| known.id == claim.id) {
                return Err(Refusal::InvalidAttachment);
            }
            if size > self.limits.max_bytes_per_file {
                return Err(Refusal::FileTooLarge);
            }
            if !self.limits.takes(&claim.mime_type) {
                return Err(Refusal::MimeType);
            }
            brings_new |= find_attachment(self.entries, &claim.id).is_none();
            claimed.push(Attachment {
                filename: filename.to_owned(),
                path: self.folder.path_of(name),
                size,
                id: claim.id,
                mime_type: claim.mime_type,
            });
        }
        let together = claimed.iter().fold(0u64, |sum, file| sum.saturating_add(file.size));
        if together > self.limits.max_bytes_per_entry {
            return Err(Refusal::EntryBytes);
        }
        // The files lie there already. A folder that is over the budget (a merge may do that) takes no more of them.
        if brings_new && self.bytes_held() > self.limits.max_bytes_per_session {
            return Err(Refusal::SessionBytes);
        }
        Ok(claimed)
    }

    fn bytes_held(&self) -> u64 {
        self.held.values().fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// Files of a note that no note has once it holds `kept` instead.
    fn orphans(&self, entry_id: &str, kept: &[Attachment]) -> Vec<String> {
        let others = self.entries.iter().filter(|entry| entry.entry_id != entry_id);
        let wanted: BTreeSet<&str> =
            others.flat_map(|entry| &entry.attachments).chain(kept).map(|file| file.path.as_str()).collect();
        let had = self.entry(entry_id).into_iter().flat_map(|entry| &entry.attachments);
        had.filter(|file| !wanted.contains(file.path.as_str()))
            .filter_map(|file| self.folder.name_in(&file.path).map(str::to_owned))
            .collect()
    }
}

impl Limits {
    pub fn takes(&self, mime_type: &str) -> bool {
        self.allowed_mime_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(mime_type))
    }
}

/// The file with this id, if a note has it.
pub fn find_attachment<'a>(entries: &'a [Entry], id: &str) -> Option<&'a Attachment> {
    entries.iter().flat_map(|entry| &entry.attachments).find(|file| file.id == id)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
