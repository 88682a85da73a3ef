use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::prompt::DeliveryState,
    store::{Store, journal::Retention, messages::Message, sessions as rows},
};

fn make_session(conn: &mut SqliteConnection) -> Result<i64> {
    let new = rows::NewSession {
        id: "s".into(),
        namespace: "default".into(),
        tag: "t".to_owned(),
        now: 1,
        metadata: Some(json::write(&json!({ "flavor": "codex" }))),
        agent_state: None,
        model: None,
        model_reasoning_effort: None,
        effort: None,
    };
    Ok(rows::insert(conn, &new)?.key)
}

fn say(conn: &mut SqliteConnection, session: i64, seq: i64, data: &Value) -> Result<()> {
    let content = json!({ "role": "agent", "content": { "type": "codex", "data": data } });
    let message = Message {
        id: format!("m{seq}"),
        seq,
        local_id: None,
        content: json::write(&content),
        created_at: seq,
        invoked_at: Some(seq),
        scheduled_at: None,
        delivery_state: DeliveryState::Queued,
    };
    crate::store::messages::insert(conn, session, &message)
}

/// A total of one of two threads, a difference, or something else.
#[derive(Clone, Debug)]
enum Row {
    Total(bool, i64),
    Difference(i64),
    Other,
}

fn data(row: &Row) -> Value {
    match row {
        Row::Total(is_first, input) => json!({
            "type": "token_count", "thread_id": if *is_first { "one" } else { "two" },
            "info": { "total": { "inputTokens": input } },
        }),
        Row::Difference(input) => json!({ "type": "usage", "info": { "last": { "inputTokens": input } } }),
        Row::Other => json!({ "type": "message", "message": "usage of words" }),
    }
}

fn input(conn: &mut SqliteConnection, key: i64) -> Result<i64> {
    let found = buckets(conn, &Scope::Session(key), None, i64::MAX)?;
    Ok(found.iter().map(|bucket| bucket.tokens.input).sum())
}

fn scan_all(conn: &mut SqliteConnection, key: i64, budget: usize) -> Result<()> {
    loop {
        let found = scan(conn, &Scope::Session(key), budget)?;
        if found.is_empty() {
            return Ok(());
        }
        found.into_iter().try_for_each(|scan| keep(conn, scan))?;
    }
}

/// Looks after each so many messages, and once more from the beginning.
fn play(conn: &mut SqliteConnection, said: &[Row], budget: usize, every: usize) -> Result<(i64, i64)> {
    let key = make_session(conn)?;
    for (place, row) in said.iter().enumerate() {
        say(conn, key, i64::try_from(place).unwrap() + 1, &data(row))?;
        if place % every == 0 {
            // Two who look at the same time count nothing twice.
            let twice =
                [scan(conn, &Scope::Session(key), budget)?, scan(conn, &Scope::Session(key), budget)?];
            twice.into_iter().flatten().try_for_each(|scan| keep(conn, scan))?;
        }
    }
    scan_all(conn, key, budget)?;
    let step_by_step = input(conn, key)?;
    diesel::update(sessions::table.find(key)).set(sessions::message_epoch.eq(7)).execute(conn)?;
    scan_all(conn, key, usize::MAX)?;
    Ok((step_by_step, input(conn, key)?))
}

fn row() -> impl Strategy<Value = Row> {
    prop_oneof![
        4 => (any::<bool>(), 0_i64..300).prop_map(|(is_first, input)| Row::Total(is_first, input)),
        2 => (0_i64..300).prop_map(Row::Difference),
        1 => Just(Row::Other),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn in_how_many_steps_is_counted_does_not_matter(
        said in proptest::collection::vec(row(), 1..25), budget in 1_usize..8, every in 1_usize..8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("wheelhouse.db"), Retention::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (step_by_step, at_once) =
            runtime.block_on(store.write(move |tx| play(tx.conn, &said, budget, every))).unwrap();
        prop_assert_eq!(step_by_step, at_once);
    }
}
