//! What people were told of, so that a notice is never repeated.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{error::Result, schema::told};
use crate::domain::ids::Millis;

pub const REQUEST: &str = "request";
pub const MESSAGE: &str = "message";
pub const COMPLETION: &str = "completion";

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    pub kind: &'static str,
    pub subject: String,
    pub moment: Millis,
}

/// So long a message is remembered: it may be sent again when a line was cut. Questions may wait for ever.
const MEMORY: Millis = 24 * 3_600_000;

/// Records that people are about to be told of this. Answers whether they were not before.
pub fn claim(conn: &mut SqliteConnection, session_key: i64, matter: &Matter, now: Millis) -> Result<bool> {
    let of_session = told::session_key.eq(session_key);
    let is_over = told::kind.ne(REQUEST).and(told::told_at.lt(now - MEMORY));
    diesel::delete(told::table.filter(of_session.and(is_over))).execute(conn)?;
    let added = diesel::insert_or_ignore_into(told::table)
        .values((
            of_session,
            told::kind.eq(matter.kind),
            told::subject.eq(&matter.subject),
            told::moment.eq(matter.moment),
            told::told_at.eq(now),
        ))
        .execute(conn)?;
    Ok(added > 0)
}

/// Takes over what was told of a session that goes into another.
pub fn move_all(conn: &mut SqliteConnection, from: i64, to: i64) -> Result<()> {
    diesel::update(told::table.filter(told::session_key.eq(from)))
        .set(told::session_key.eq(to))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{open, session};

    fn request(id: &str, moment: Millis) -> Matter {
        Matter { kind: REQUEST, subject: id.into(), moment }
    }

    #[tokio::test]
    async fn everything_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let (one, two) = (session(&store, "one").await.key, session(&store, "two").await.key);
        store
            .write(move |tx| {
                assert!(claim(tx.conn, one, &request("q", 5), 10)?);
                assert!(!claim(tx.conn, one, &request("q", 5), 11)?);
                assert!(
                    claim(tx.conn, one, &request("q", 6), 12)?,
                    "an id that comes back is another question"
                );
                assert!(claim(tx.conn, two, &request("p", 5), 13)?);
                let said = Matter { kind: MESSAGE, ..request("q", 5) };
                assert!(claim(tx.conn, one, &said, 14)? && !claim(tx.conn, one, &said, 14 + MEMORY)?);
                move_all(tx.conn, one, two)?;
                assert!(!claim(tx.conn, two, &request("q", 5), 15)?);
                assert!(claim(tx.conn, two, &said, 15 + MEMORY)?, "messages are not remembered for ever");
                assert!(!claim(tx.conn, two, &request("q", 5), 16 + MEMORY)?);
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
    }
}
