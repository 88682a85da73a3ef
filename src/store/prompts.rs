//! Prompts among the messages: what is stored of their way to the agent.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{error::Result, schema::messages};
use crate::domain::{ids::Millis, prompt::DeliveryState, prompt_state::Stored};

pub struct Prompt {
    pub id: String,
    pub local_id: String,
    pub seq: i64,
    pub created_at: Millis,
    pub stored: Stored,
}

type Columns = (String, i64, Option<String>, i64, Option<i64>, Option<i64>, String, bool);

/// Every prompt that waits, and the newest `settled` that the agent took, in the order in which they were sent.
pub fn progress(conn: &mut SqliteConnection, session_key: i64, settled: i64) -> Result<Vec<Prompt>> {
    let columns = (
        messages::id,
        messages::seq,
        messages::local_id,
        messages::created_at,
        messages::invoked_at,
        messages::scheduled_at,
        messages::delivery_state,
        messages::steered,
    );
    let of_session = || {
        messages::table.filter(messages::session_key.eq(session_key).and(messages::local_id.is_not_null()))
    };
    let mut rows: Vec<Columns> =
        of_session().filter(messages::invoked_at.is_null()).select(columns).load(conn)?;
    rows.extend(
        of_session()
            .filter(messages::invoked_at.is_not_null())
            .order(messages::seq.desc())
            .limit(settled)
            .select(columns)
            .load::<Columns>(conn)?,
    );
    let mut prompts: Vec<Prompt> = rows.into_iter().filter_map(prompt).collect();
    prompts.sort_by_key(|prompt| prompt.seq);
    Ok(prompts)
}

fn prompt(row: Columns) -> Option<Prompt> {
    let (id, seq, local_id, created_at, invoked_at, scheduled_at, delivery, is_steered) = row;
    let delivery = DeliveryState::parse(&delivery).unwrap_or(DeliveryState::Queued);
    let stored = Stored { invoked_at, is_steered, scheduled_at, delivery };
    Some(Prompt { id, local_id: local_id?, seq, created_at, stored })
}
