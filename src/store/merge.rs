//! Two sessions become one, in one transaction: the target takes the source's messages in front of its own, and the
//! source is deleted.

use diesel::sqlite::SqliteConnection;

use super::{error::Result, moves, scratchlist, sessions, told};
use crate::domain::{
    scratchlist::Folder,
    session::{Changes, Position, Session},
};

/// What the target looks like after its history was joined.
pub struct Merged {
    pub moved: usize,
    pub last_seq: i64,
    pub head: Option<Position>,
    pub notes: scratchlist::Moved,
}

/// `changes` are those of the target; its message epoch is among them, since cursors into its history are void.
pub fn merge(
    conn: &mut SqliteConnection,
    source: i64,
    target: &Session,
    changes: &Changes,
) -> Result<Merged> {
    let moved = moves::move_in_front(conn, source, target.record.key)?;
    let folder = Folder::of(target.namespace(), target.id());
    let notes = scratchlist::move_all(conn, source, target.record.key, &folder)?;
    told::move_all(conn, source, target.record.key)?;
    if let Some(update) = sessions::Update::of(target, changes) {
        sessions::update(conn, &update)?;
    }
    sessions::delete(conn, source)?;
    let (last_seq, head) = sessions::tail(conn, target.record.key)?;
    Ok(Merged { moved, last_seq: last_seq.max(target.last_seq), head, notes })
}
