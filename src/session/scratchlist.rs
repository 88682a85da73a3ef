//! Notes that people keep beside the session, and their files. One change at a time: the mailbox waits for the store
//! and for the disk, so what a rule has counted is still true when its outcome is written.

use std::{collections::BTreeSet, io};

use actix::prelude::*;
use bytes::Bytes;

use super::{Boxed, LiveSession, SessionError};
use crate::{
    attachments::Attachments,
    domain::{
        ids::SessionId,
        scratchlist::{
            self, Added, Attachment, Edited, Entry, Folder, Held, NewNote, NoteEdit, Refusal, Scratchlist,
        },
        session::{Changes, Patch},
    },
    store::{self, Tx, scratchlist::Moved},
};

#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<io::Error> for NoteError {
    fn from(error: io::Error) -> Self {
        SessionError::Files(error).into()
    }
}

impl From<store::Error> for NoteError {
    fn from(error: store::Error) -> Self {
        SessionError::Store(error).into()
    }
}

type Answer<T> = AtomicResponse<LiveSession, Result<T, NoteError>>;

fn ready<T: 'static>(outcome: Result<T, NoteError>) -> Boxed<Result<T, NoteError>> {
    Box::pin(actix::fut::ready(outcome))
}

/// What a rule looks at.
struct Known {
    entries: Vec<Entry>,
    held: Held,
}

impl LiveSession {
    fn folder(&self) -> Folder {
        Folder::of(self.state.namespace(), self.state.id())
    }

    /// Looks at notes and files, has `decide` say what comes of it, and goes on with that.
    fn decide<D: 'static, T: 'static>(
        &mut self,
        decide: impl FnOnce(&Scratchlist<'_>) -> Result<D, Refusal> + 'static,
        then: impl FnOnce(&mut Self, D) -> Boxed<Result<T, NoteError>> + 'static,
    ) -> Answer<T> {
        self.last_used = self.now();
        let (store, files) = (self.env.store.clone(), self.env.attachments.clone());
        let (key, folder) = (self.state.record.key, self.folder());
        let known = async move {
            let entries = store.read(move |conn| store::scratchlist::of_session(conn, key)).await?;
            Ok::<_, NoteError>(Known { entries, held: files.held(&folder).await? })
        };
        AtomicResponse::new(Box::pin(known.into_actor(self).then(|known, this, _| {
            let decided = known.and_then(|Known { entries, held }| {
                let folder = this.folder();
                let limits = &this.env.settings.scratchlist;
                let rules = Scratchlist { limits, folder: &folder, entries: &entries, held: &held };
                Ok(decide(&rules)?)
            });
            match decided {
                Ok(decided) => then(this, decided),
                Err(error) => ready(Err(error)),
            }
        })))
    }

    /// Writes a change of notes and tells that there was one. Files that no note has any more go afterwards.
    fn commit_notes(
        &mut self,
        orphans: Vec<String>,
        work: impl FnOnce(&mut Tx<'_>) -> store::Result<()> + Send + 'static,
    ) -> Boxed<Result<(), NoteError>> {
        let entry = self.events().patched(&Patch::noted(self.now()));
        let commit = self.commit(Changes::default(), vec![entry], work);
        Box::pin(commit.then(move |outcome, this: &mut Self, _| {
            let (files, folder) = (this.env.attachments.clone(), this.folder());
            let tidy = async move {
                outcome?;
                // The note is changed all the same; what is left lying is swept up at the next start.
                if let Err(error) = files.remove(&folder, orphans).await {
                    tracing::warn!(%error, "could not remove files of a note");
                }
                Ok(())
            };
            tidy.into_actor(this)
        }))
    }

    /// Removes the session's folder, once the session is deleted.
    pub(super) fn all_files_gone(&self) -> impl Future<Output = ()> + 'static {
        let (files, folder) = (self.env.attachments.clone(), self.folder());
        async move {
            if let Err(error) = files.remove_folder(&folder).await {
                tracing::warn!(%error, "could not remove the attachments of a deleted session");
            }
        }
    }

    /// The way of another session's files into this one's folder.
    pub(super) fn shared_files(&self, source: &SessionId) -> SharedFiles {
        SharedFiles {
            files: self.env.attachments.clone(),
            from: Folder::of(self.state.namespace(), source),
            to: self.folder(),
            shared: BTreeSet::new(),
        }
    }
}

/// Files that are in two folders while their session is merged into this one: whichever way the merge ends, the folder
/// that counts is whole.
pub(super) struct SharedFiles {
    files: Attachments,
    from: Folder,
    to: Folder,
    shared: BTreeSet<String>,
}

impl SharedFiles {
    /// A merge without its files would lose them, so there is none when this fails.
    pub async fn share(mut self) -> Result<Self, SessionError> {
        self.shared = self.files.share(&self.from, &self.to).await?;
        Ok(self)
    }

    /// `moved` tells what the merge did; `None` that it failed.
    pub async fn settle(self, moved: Option<&Moved>) {
        let Self { files, from, to, shared } = self;
        let unwanted =
            shared.into_iter().filter(|name| moved.is_none_or(|moved| !moved.files.contains(name)));
        let tidied = async {
            files.remove(&to, unwanted.collect()).await?;
            if moved.is_some() { files.remove_folder(&from).await } else { Ok(()) }
        };
        if let Err(error) = tidied.await {
            tracing::warn!(%error, "could not tidy up the attachments of a merged session");
        }
    }
}

#[derive(Message)]
#[rtype(result = "Result<Added, NoteError>")]
pub struct AddNote(pub NewNote);

impl Handler<AddNote> for LiveSession {
    type Result = Answer<Added>;

    fn handle(&mut self, AddNote(new): AddNote, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let fresh_id = uuid::Uuid::new_v4().to_string();
        self.decide(
            move |rules| rules.add(new, fresh_id, now),
            |this, added| match &added {
                Added::Known(_) => ready(Ok(added)),
                Added::New(entry) => {
                    let (key, row) = (this.state.record.key, entry.clone());
                    let commit =
                        this.commit_notes(Vec::new(), move |tx| store::scratchlist::put(tx.conn, key, &row));
                    Box::pin(commit.map(|outcome, _, _| outcome.map(|()| added)))
                }
            },
        )
    }
}

#[derive(Message)]
#[rtype(result = "Result<Entry, NoteError>")]
pub struct EditNote {
    pub entry_id: String,
    pub edit: NoteEdit,
}

impl Handler<EditNote> for LiveSession {
    type Result = Answer<Entry>;

    fn handle(&mut self, EditNote { entry_id, edit }: EditNote, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        self.decide(
            move |rules| rules.edit(&entry_id, edit, now),
            |this, Edited { entry, orphans }| {
                let (key, row) = (this.state.record.key, entry.clone());
                let commit =
                    this.commit_notes(orphans, move |tx| store::scratchlist::put(tx.conn, key, &row));
                Box::pin(commit.map(|outcome, _, _| outcome.map(|()| entry)))
            },
        )
    }
}

#[derive(Message)]
#[rtype(result = "Result<(), NoteError>")]
pub struct RemoveNote(pub String);

impl Handler<RemoveNote> for LiveSession {
    type Result = Answer<()>;

    fn handle(&mut self, RemoveNote(entry_id): RemoveNote, _: &mut Self::Context) -> Self::Result {
        let id = entry_id.clone();
        self.decide(
            move |rules| rules.remove(&id),
            |this, orphans| {
                let key = this.state.record.key;
                this.commit_notes(orphans, move |tx| store::scratchlist::delete(tx.conn, key, &entry_id))
            },
        )
    }
}

/// Takes a file in, for a note to claim later.
#[derive(Message)]
#[rtype(result = "Result<Attachment, NoteError>")]
pub struct KeepAttachment {
    pub filename: String,
    pub mime_type: String,
    pub content: Bytes,
}

impl Handler<KeepAttachment> for LiveSession {
    type Result = Answer<Attachment>;

    fn handle(&mut self, upload: KeepAttachment, _: &mut Self::Context) -> Self::Result {
        let KeepAttachment { filename, mime_type, content } = upload;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let kind = mime_type.clone();
        self.decide(
            move |rules| rules.upload(&kind, size),
            move |this, ()| {
                let (files, folder) = (this.env.attachments.clone(), this.folder());
                let id = uuid::Uuid::new_v4();
                let name = scratchlist::file_name(&id, &filename);
                let id = id.to_string();
                let filename = scratchlist::belongs(&name, &id).unwrap_or_default().to_owned();
                let kept = Attachment { id, filename, mime_type, size, path: folder.path_of(&name) };
                let keep = async move {
                    files.keep(&folder, name, content).await?;
                    Ok(kept)
                };
                Box::pin(keep.into_actor(this))
            },
        )
    }
}

/// Throws away a file that no note has claimed.
#[derive(Message)]
#[rtype(result = "Result<(), NoteError>")]
pub struct DiscardAttachment(pub String);

impl Handler<DiscardAttachment> for LiveSession {
    type Result = Answer<()>;

    fn handle(&mut self, DiscardAttachment(id): DiscardAttachment, _: &mut Self::Context) -> Self::Result {
        self.decide(
            move |rules| rules.discard(&id),
            |this, name| {
                let (files, folder) = (this.env.attachments.clone(), this.folder());
                let discard = async move { Ok(files.remove(&folder, vec![name]).await?) };
                Box::pin(discard.into_actor(this))
            },
        )
    }
}
