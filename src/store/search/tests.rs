use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{
        ids::Namespace,
        json,
        prompt::DeliveryState,
        search::{Kind, Query},
    },
    store::{Connection, Result, Store, journal::Retention, messages, sessions},
};

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("wheelhouse.db"), Retention::default()).unwrap()
}

fn make_session(conn: &mut Connection, id: &str) -> Result<i64> {
    let new = sessions::NewSession {
        id: id.into(),
        namespace: "default".into(),
        tag: id.to_owned(),
        now: 1,
        metadata: None,
        agent_state: None,
        model: None,
        model_reasoning_effort: None,
        effort: None,
    };
    Ok(sessions::insert(conn, &new)?.key)
}

fn say(conn: &mut Connection, session: i64, id: &str, text: &str) -> Result<()> {
    let (seq, _) = sessions::tail(conn, session)?;
    let message = messages::Message {
        id: id.to_owned(),
        seq: seq + 1,
        local_id: None,
        content: json::write(&serde_json::json!({ "role": "user", "content": text })),
        created_at: 1,
        invoked_at: None,
        scheduled_at: None,
        delivery_state: DeliveryState::Queued,
    };
    messages::insert(conn, session, &message)
}

fn filter(session: Option<i64>) -> Filter {
    Filter {
        namespace: Namespace::from("default"),
        session,
        agent: None,
        tool: None,
        from: None,
        to: None,
        kinds: Kind::ALL.to_vec(),
    }
}

/// The ids of the messages that are found, which are also in their texts.
fn found(conn: &mut Connection, session: Option<i64>) -> Result<BTreeSet<String>> {
    let (keys, next) = newest(conn, &Query::parse("needle"), &filter(session), None, 1_000)?;
    assert_eq!(next, None);
    let mut ids = BTreeSet::new();
    for key in keys {
        let hit = message(conn, key)?.unwrap();
        assert!(hit.content.contains(&format!("needle {} ", hit.id)), "{hit:?}");
        ids.insert(hit.id);
    }
    Ok(ids)
}

fn index_all(conn: &mut Connection) -> Result<()> {
    loop {
        let batch = next_messages(conn)?;
        if batch.is_empty() {
            return Ok(());
        }
        keep(conn, batch)?;
    }
}

#[derive(Clone, Debug)]
enum Step {
    Say(bool),
    /// The place of the message among those there are.
    Delete(usize),
    Read,
    Keep,
    Merge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::Say),
        3 => (0_usize..20).prop_map(Step::Delete),
        3 => Just(Step::Read),
        3 => Just(Step::Keep),
        1 => Just(Step::Merge),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Plays the steps and answers what is there, of both sessions, and what is found.
fn play(conn: &mut Connection, steps: Vec<Step>) -> Result<[BTreeSet<String>; 4]> {
    let sessions = [make_session(conn, "one")?, make_session(conn, "two")?];
    let mut there: Vec<(String, i64)> = Vec::new();
    let mut read = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Say(is_first) => {
                let session = sessions[usize::from(!is_first)];
                say(conn, session, &format!("m{number}"), &format!("needle m{number} "))?;
                there.push((format!("m{number}"), session));
            }
            Step::Delete(place) if place < there.len() => {
                let (id, session) = there.remove(place);
                assert!(messages::delete_pending(conn, session, &id)?);
            }
            Step::Delete(_) => {}
            // A reader may hold what it read for a while, and two may read the same.
            Step::Read => read.push(next_messages(conn)?),
            Step::Keep if !read.is_empty() => keep(conn, read.remove(0))?,
            Step::Keep => {}
            Step::Merge => {
                crate::store::moves::move_in_front(conn, sessions[0], sessions[1])?;
                there.iter_mut().for_each(|(_, session)| *session = sessions[1]);
            }
        }
    }
    index_all(conn)?;
    let of = |session: i64| {
        there.iter().filter(|(_, owner)| *owner == session).map(|(id, _)| id.clone()).collect::<BTreeSet<_>>()
    };
    Ok([of(sessions[0]), of(sessions[1]), found(conn, Some(sessions[0]))?, found(conn, Some(sessions[1]))?])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn exactly_what_is_there_is_found(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let [one, two, found_one, found_two] =
            runtime.block_on(store.write(move |tx| play(tx.conn, steps))).unwrap();
        prop_assert_eq!(found_one, one);
        prop_assert_eq!(found_two, two);
    }
}

#[tokio::test]
async fn a_session_that_is_deleted_leaves_nothing_behind() {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let folder = tempfile::tempdir().unwrap();
    let counts = open(&folder)
        .write(|tx| {
            let key = make_session(tx.conn, "one")?;
            (0..10).try_for_each(|n| say(tx.conn, key, &format!("m{n}"), "needle"))?;
            let titles = next_titles(tx.conn)?;
            keep(tx.conn, titles)?;
            index_all(tx.conn)?;
            let mut counts = Vec::new();
            for _ in 0..2 {
                for table in ["search_messages_docsize", "search_titles_docsize", "search_sessions"] {
                    let sql = format!("SELECT COUNT(*) AS count FROM {table}");
                    counts.push(sql_query(sql).get_result::<Count>(tx.conn)?.count);
                }
                sessions::delete(tx.conn, key)?;
            }
            Ok(counts)
        })
        .await
        .unwrap();
    assert_eq!(counts, [10, 1, 1, 0, 0, 0]);
}
