//! A whole conversation, read row by row: how heavy it is, and then what is in it.

use diesel::{
    connection::DefaultLoadingMode,
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Binary},
    sqlite::SqliteConnection,
};

use super::{
    codec,
    error::Result,
    messages::{Message, MessageRow},
    schema::messages,
};

/// How much a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    pub count: u64,
    /// Bytes of the contents as JSON.
    pub bytes: u64,
}

/// Weighs without unpacking anything.
pub fn weigh(conn: &mut SqliteConnection, session_key: i64) -> Result<Weight> {
    let rows = messages::table
        .filter(messages::session_key.eq(session_key))
        .select((
            messages::encoding,
            sql::<BigInt>("length(content)"),
            // As much as tells how large packed content is.
            sql::<Binary>("substr(content, 1, 18)"),
        ))
        .load_iter::<(i16, i64, Vec<u8>), DefaultLoadingMode>(conn)?;
    let mut weight = Weight::default();
    for row in rows {
        let (encoding, stored, head) = row?;
        let stored = u64::try_from(stored).unwrap_or(0);
        weight.count += 1;
        weight.bytes = weight.bytes.saturating_add(codec::decoded_size(encoding, stored, &head));
    }
    Ok(weight)
}

/// Shows every message in the order of the conversation, one at a time, until `show` has seen enough. All of them are
/// as they were at one moment.
pub fn each_message(
    conn: &mut SqliteConnection,
    session_key: i64,
    mut show: impl FnMut(Message) -> bool,
) -> Result<()> {
    let rows = messages::table
        .filter(messages::session_key.eq(session_key))
        .order((messages::position_at.asc(), messages::seq.asc()))
        .select(MessageRow::as_select())
        .load_iter::<MessageRow, DefaultLoadingMode>(conn)?;
    for row in rows {
        if !show(row?.into_message()?) {
            break;
        }
    }
    Ok(())
}

/// Runs `work` so that all it reads is of one moment.
pub fn at_one_moment<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    conn.transaction(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{json, prompt::DeliveryState},
        store::{
            messages,
            tests::{open, session},
        },
    };

    #[tokio::test]
    async fn the_weight_is_that_of_what_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let key = session(&store, "s").await.key;
        let contents =
            ["{}".to_owned(), format!("\"{}\"", "x".repeat(100_000)), format!("\"{}\"", "y".repeat(300))];
        let expected: usize = contents.iter().map(String::len).sum();
        store
            .write(move |tx| {
                for (seq, content) in (1..).zip(&contents) {
                    let row = Message {
                        id: format!("m{seq}"),
                        seq,
                        local_id: None,
                        content: json::raw(content.clone()).unwrap(),
                        created_at: 10 - seq,
                        invoked_at: Some(10 - seq),
                        scheduled_at: None,
                        delivery_state: DeliveryState::Queued,
                    };
                    messages::insert(tx.conn, key, &row)?;
                }
                let weight = weigh(tx.conn, key)?;
                assert_eq!((weight.count, weight.bytes), (3, u64::try_from(expected).unwrap()));
                let mut seen = Vec::new();
                each_message(tx.conn, key, |row| {
                    seen.push((row.id, row.content.get().len()));
                    seen.len() < 2
                })?;
                assert_eq!(seen, [("m3".to_owned(), 302), ("m2".to_owned(), 100_002)]);
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
    }
}
