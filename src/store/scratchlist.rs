//! Rows of notes.

use std::collections::BTreeSet;

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{
    error::Result,
    schema::{deserted_folders, scratchlist, sessions},
};
use crate::domain::{
    ids::{Namespace, SessionId},
    json,
    scratchlist::{Attachment, Entry, Folder},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = scratchlist)]
struct EntryRow {
    entry_id: String,
    text: String,
    created_at: i64,
    updated_at: i64,
    attachments: String,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        Self {
            entry_id: row.entry_id,
            text: row.text,
            created_at: row.created_at,
            updated_at: row.updated_at,
            attachments: files(&row.attachments),
        }
    }
}

fn files(stored: &str) -> Vec<Attachment> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// The newest first.
pub fn of_session(conn: &mut SqliteConnection, session_key: i64) -> Result<Vec<Entry>> {
    let rows: Vec<EntryRow> = scratchlist::table
        .filter(scratchlist::session_key.eq(session_key))
        .order((scratchlist::created_at.desc(), scratchlist::entry_id.desc()))
        .select(EntryRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// Keeps a note, in place of the one with its id.
pub fn put(conn: &mut SqliteConnection, session_key: i64, entry: &Entry) -> Result<()> {
    diesel::replace_into(scratchlist::table)
        .values((
            scratchlist::session_key.eq(session_key),
            scratchlist::entry_id.eq(&entry.entry_id),
            scratchlist::text.eq(&entry.text),
            scratchlist::created_at.eq(entry.created_at),
            scratchlist::updated_at.eq(entry.updated_at),
            scratchlist::attachments.eq(json::write(&entry.attachments).get()),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut SqliteConnection, session_key: i64, entry_id: &str) -> Result<()> {
    diesel::delete(scratchlist::table.find((session_key, entry_id))).execute(conn)?;
    Ok(())
}

/// What became of the notes of a session that another takes over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub moved: usize,
    /// Notes that gave way to one of the same id.
    pub dropped: usize,
    /// Names of all files that the target's notes have now.
    pub files: BTreeSet<String>,
}

/// Moves every note of `from` to `to`, whose own win. `folder` is where the files of `to` lie.
pub fn move_all(conn: &mut SqliteConnection, from: i64, to: i64, folder: &Folder) -> Result<Moved> {
    let own = of_session(conn, to)?;
    let mut moved = Moved::default();
    for mut entry in of_session(conn, from)? {
        delete(conn, from, &entry.entry_id)?;
        if own.iter().any(|known| known.entry_id == entry.entry_id) {
            moved.dropped += 1;
            continue;
        }
        for file in &mut entry.attachments {
            if let Some((_, name)) = file.path.rsplit_once('/') {
                file.path = folder.path_of(name);
            }
        }
        put(conn, to, &entry)?;
        moved.moved += 1;
    }
    let entries = of_session(conn, to)?;
    let files = entries.iter().flat_map(|entry| &entry.attachments);
    moved.files = files.filter_map(|file| folder.name_in(&file.path).map(str::to_owned)).collect();
    Ok(moved)
}

/// Notes down that the files of a session have to go, since it is about to be deleted.
pub(super) fn desert(conn: &mut SqliteConnection, session_key: i64) -> Result<()> {
    let own = sessions::table.find(session_key).select((sessions::id, sessions::namespace));
    diesel::insert_or_ignore_into(deserted_folders::table)
        .values(own)
        .into_columns((deserted_folders::session_id, deserted_folders::namespace))
        .execute(conn)?;
    Ok(())
}

/// Folders of sessions that were deleted and have not come back under the same id.
pub fn deserted(conn: &mut SqliteConnection) -> Result<Vec<Folder>> {
    let rows: Vec<(String, String)> = deserted_folders::table
        .left_join(sessions::table.on(sessions::id.eq(deserted_folders::session_id)))
        .filter(sessions::key.nullable().is_null())
        .select((deserted_folders::namespace, deserted_folders::session_id))
        .load(conn)?;
    let folder = |(namespace, session): (String, String)| {
        Folder::of(&Namespace::from(namespace), &SessionId::from(session))
    };
    Ok(rows.into_iter().map(folder).collect())
}

/// All of them are gone.
pub fn forget_deserted(conn: &mut SqliteConnection) -> Result<()> {
    diesel::delete(deserted_folders::table).execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        domain::scratchlist::{Attachment, Entry, Folder},
        store::{
            sessions,
            tests::{open, session},
        },
    };

    const FILE: &str = "0190c7a0-0000-4000-8000-000000000001-a.png";

    fn note(id: &str, text: &str, at: i64, folder: Option<&Folder>) -> Entry {
        let attachments = folder.map(|folder| Attachment {
            id: "0190c7a0-0000-4000-8000-000000000001".into(),
            filename: "a.png".into(),
            mime_type: "image/png".into(),
            size: 3,
            path: folder.path_of(FILE),
        });
        Entry {
            entry_id: id.into(),
            text: text.into(),
            created_at: at,
            updated_at: at,
            attachments: attachments.into_iter().collect(),
        }
    }

    #[tokio::test]
    async fn a_deleted_session_is_remembered_until_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let (gone, back) = (session(&store, "gone").await, session(&store, "back").await);
        store
            .write(move |tx| {
                sessions::delete(tx.conn, gone.key)?;
                sessions::delete(tx.conn, back.key)?;
                assert_eq!(super::deserted(tx.conn)?.len(), 2);
                Ok(())
            })
            .await
            .unwrap();
        session(&store, "back").await;
        store
            .write(|tx| {
                assert_eq!(super::deserted(tx.conn)?, [Folder::of(&"default".into(), &"gone".into())]);
                super::forget_deserted(tx.conn)?;
                assert!(super::deserted(tx.conn)?.is_empty());
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
    }

    #[tokio::test]
    async fn notes_move_and_the_targets_own_win() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let (old, new) = (session(&store, "old").await, session(&store, "new").await);
        let place = |session: &str| Folder::of(&"default".into(), &session.into());
        let moved = store
            .write(move |tx| {
                let (old_place, new_place) = (place("old"), place("new"));
                super::put(tx.conn, old.key, &note("both", "old", 1, None))?;
                super::put(tx.conn, old.key, &note("b", "with file", 2, Some(&old_place)))?;
                super::put(tx.conn, new.key, &note("both", "new", 3, None))?;
                let moved = super::move_all(tx.conn, old.key, new.key, &new_place)?;
                assert!(super::of_session(tx.conn, old.key)?.is_empty());
                let entries = super::of_session(tx.conn, new.key)?;
                assert_eq!(
                    entries,
                    [note("both", "new", 3, None), note("b", "with file", 2, Some(&new_place))]
                );
                Ok(moved)
            })
            .await
            .unwrap();
        assert_eq!((moved.moved, moved.dropped), (1, 1));
        assert_eq!(moved.files.into_iter().collect::<Vec<_>>(), [FILE]);
        store.close().await;
    }
}
