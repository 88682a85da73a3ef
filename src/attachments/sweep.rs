//! What a crash or a person who changed their mind left on the disk is removed at the next start.

use std::{fs, io, path::PathBuf};

use super::{Attachments, UNFINISHED, blocking, if_there};
use crate::{
    clock,
    domain::{
        ids::{Millis, SessionId},
        scratchlist::Folder,
    },
    store::{self, Store},
};

/// An uploaded file may wait so long for the note that it belongs to.
const PATIENCE: Millis = 24 * 3_600_000;

/// A folder on the disk, and the session whose name it carries.
struct Found {
    place: PathBuf,
    session: SessionId,
}

/// Removes folders of deleted sessions, and old files that no note has. Folders of sessions that this hub never had are
/// somebody else's. Nothing waits for it, so what fails is only logged.
pub async fn sweep(attachments: &Attachments, store: &Store, now: Millis) {
    let root = attachments.root.to_path_buf();
    let outcome = async {
        for folder in store.read(store::scratchlist::deserted).await? {
            attachments.remove_folder(&folder).await?;
        }
        // Those that came back under their id are forgotten too.
        store.write(|tx| store::scratchlist::forget_deserted(tx.conn)).await?;
        for found in blocking(move || folders(root)).await? {
            clean(found, store, now).await?;
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    if let Err(error) = outcome.await {
        tracing::warn!(%error, "could not look for attachments that nobody has");
    }
}

fn folders(root: PathBuf) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let Some(namespaces) = if_there(fs::read_dir(root))? else { return Ok(found) };
    for namespace in namespaces {
        let namespace = namespace?;
        if !namespace.file_type()?.is_dir() {
            continue;
        }
        for session in fs::read_dir(namespace.path())? {
            let session = session?;
            if let (true, Ok(name)) = (session.file_type()?.is_dir(), session.file_name().into_string()) {
                found.push(Found { place: session.path(), session: name.into() });
            }
        }
    }
    Ok(found)
}

async fn clean(found: Found, store: &Store, now: Millis) -> Result<(), Box<dyn std::error::Error>> {
    let Found { place, session } = found;
    let known = store
        .read(move |conn| {
            let Some(record) = store::sessions::by_id(conn, &session)? else { return Ok(None) };
            let entries = store::scratchlist::of_session(conn, record.key)?;
            Ok(Some((Folder::of(&record.namespace, &record.id), entries)))
        })
        .await?;
    let Some((folder, entries)) = known else { return Ok(()) };
    blocking(move || {
        for file in fs::read_dir(&place)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            let path = folder.path_of(&name);
            let is_wanted = entries.iter().flat_map(|entry| &entry.attachments).any(|file| file.path == path);
            let is_old = || {
                let written = file.metadata().and_then(|about| about.modified());
                written.is_ok_and(|written| now - clock::since_epoch(written) > PATIENCE)
            };
            if !is_wanted && (name.ends_with(UNFINISHED) || is_old()) {
                if_there(fs::remove_file(file.path()))?;
            }
        }
        let _ = fs::remove_dir(&place);
        Ok(())
    })
    .await?;
    Ok(())
}
