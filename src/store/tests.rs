use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use diesel_migrations::MigrationHarness;
use tempfile::TempDir;

use super::{
    journal::{EventKind, NewEntry, Page, Retention, Window},
    *,
};
use crate::domain::{ids::SessionId, json, prompt::DeliveryState, session::Position};

pub(super) fn open(folder: &TempDir) -> Store {
    Store::open(&folder.path().join("wheelhouse.db"), Retention::default()).unwrap()
}

const ALL: Window = Window { rows: 1_000, bytes: usize::MAX };

fn entry(n: i64) -> NewEntry {
    NewEntry {
        at: n,
        kind: "session-updated",
        session: Some("s".into()),
        machine: None,
        message: None,
        json: format!("{{\"n\":{n}}}").into(),
    }
}

pub(super) async fn session(store: &Store, id: &str) -> crate::domain::session::Record {
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
    store.write(move |tx| sessions::insert(tx.conn, &new)).await.unwrap()
}

fn message(seq: i64, local_id: Option<&str>, created_at: i64, invoked_at: Option<i64>) -> messages::Message {
    messages::Message {
        id: uuid::Uuid::now_v7().to_string(),
        seq,
        local_id: local_id.map(str::to_owned),
        content: json::raw(format!("{{\"seq\":{seq}}}")).unwrap(),
        created_at,
        invoked_at,
        scheduled_at: None,
        delivery_state: DeliveryState::Queued,
    }
}

#[derive(diesel::QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    sql: String,
}

fn definitions(conn: &mut SqliteConnection) -> Vec<String> {
    let rows: Vec<Definition> =
        sql_query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name")
            .load(conn)
            .unwrap();
    rows.into_iter().map(|row| row.sql).collect()
}

#[test]
fn migrations_go_up_down_and_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = connect(&folder.path().join("a.db"), Access::Write).unwrap();
    conn.run_pending_migrations(MIGRATIONS).unwrap();
    let first = definitions(&mut conn);
    conn.revert_all_migrations(MIGRATIONS).unwrap();
    assert!(definitions(&mut conn).iter().all(|sql| sql.contains("sqlite_sequence")));
    conn.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(definitions(&mut conn), first);
}

#[tokio::test]
async fn a_job_that_fails_leaves_its_neighbours_and_the_numbers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let namespace = Namespace::from("default");
    let writes = (0..50).map(|n| {
        let (store, namespace) = (store.clone(), namespace.clone());
        async move {
            store
                .write(move |tx| {
                    let seq = tx.journal(&namespace, entry(n))?;
                    match n % 5 {
                        3 => Err(Error::VersionConflict),
                        4 => panic!("a job that panics"),
                        _ => Ok(seq),
                    }
                })
                .await
        }
    });
    let outcomes = futures_util::future::join_all(writes).await;
    let mut numbers: Vec<i64> = outcomes.into_iter().filter_map(Result::ok).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    let Page { events: kept, last, .. } =
        store.read(move |conn| journal::replay(conn, &"default".into(), 0, None, ALL)).await.unwrap();
    assert_eq!((kept.len(), last), (30, 30));
}

#[tokio::test]
async fn a_full_database_keeps_what_it_answered_for_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let limit = |tx: &mut Tx<'_>| Ok(tx.conn.batch_execute("PRAGMA max_page_count = 1")?);
    store.write(limit).await.unwrap();
    let namespace = Namespace::from("default");
    let long = bytes::Bytes::from(format!("{{\"x\":\"{}\"}}", "y".repeat(20_000)));
    let writes = (0..60).map(|n| {
        let (store, namespace, json) = (store.clone(), namespace.clone(), long.clone());
        async move { store.write(move |tx| tx.journal(&namespace, NewEntry { json, ..entry(n) })).await }
    });
    let outcomes = futures_util::future::join_all(writes).await;
    let failed: Vec<&Error> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(!failed.is_empty() && failed.iter().all(|error| error.is_passing()), "{failed:?}");
    assert!(store.read(move |conn| journal::replay(conn, &"default".into(), 0, None, ALL)).await.is_ok());
    // The writer's next connection has no such limit, as a disk on which room was made.
    let again = namespace.clone();
    let seq = store.write(move |tx| tx.journal(&again, entry(61))).await.unwrap();
    let mut answered: Vec<i64> = outcomes.into_iter().filter_map(Result::ok).collect();
    answered.push(seq);
    answered.sort_unstable();
    let Page { events: kept, last, .. } =
        store.read(move |conn| journal::replay(conn, &"default".into(), 0, None, ALL)).await.unwrap();
    assert_eq!((kept.len(), last), (answered.len(), seq));
    assert_eq!(answered, (1..=seq).collect::<Vec<_>>(), "the numbers have no gap");
}

#[tokio::test]
async fn a_subscriber_hears_everything_after_the_head_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let namespace = Namespace::from("default");
    let before = namespace.clone();
    store.write(move |tx| tx.journal(&before, entry(1))).await.unwrap();
    let (heard, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let publish: Publish = Box::new(move |events| {
        for event in events {
            heard.send((event.seq, event.kind)).unwrap();
        }
    });
    assert_eq!(store.subscribe(namespace.clone(), publish).await.unwrap(), 1);
    let after = namespace.clone();
    store.write(move |tx| tx.journal(&after, entry(2))).await.unwrap();
    assert_eq!(hear.recv().await, Some((2, EventKind::State)));
}

#[tokio::test]
async fn the_epoch_and_the_journal_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let epoch = store.epoch().to_owned();
    store.write(|tx| tx.journal(&"default".into(), entry(1))).await.unwrap();
    store.close().await;
    drop(store);
    let store = open(&folder);
    assert_eq!(store.epoch(), epoch);
    let next = store.write(|tx| tx.journal(&"default".into(), entry(2))).await.unwrap();
    assert_eq!(next, 2);
}

#[tokio::test]
async fn a_read_under_way_ends_before_the_store_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    session(&store, "s").await;
    let (began, begun) = tokio::sync::oneshot::channel();
    let (go_on, held) = std::sync::mpsc::channel::<()>();
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            let read = store.read(move |conn| {
                began.send(()).unwrap();
                held.recv().unwrap();
                sessions::left_active(conn)
            });
            read.await
        }
    });
    begun.await.unwrap();
    let mut closing = Box::pin(store.close());
    assert!(futures_util::poll!(closing.as_mut()).is_pending());
    go_on.send(()).unwrap();
    closing.await;
    assert!(reading.await.unwrap().is_ok());
    assert!(!folder.path().join("wheelhouse.db-wal").exists(), "everything is in the one file");
    assert!(matches!(store.read(sessions::left_active).await, Err(Error::Closed)));
}

fn told_by(session: &'static str, n: i64) -> NewEntry {
    NewEntry { session: Some(session.into()), ..entry(n) }
}

async fn floor_of(store: &Store, session: Option<&'static str>) -> i64 {
    let session = session.map(SessionId::from);
    store.read(move |conn| journal::floor(conn, &"default".into(), session.as_ref())).await.unwrap()
}

async fn kept_of(store: &Store, session: &'static str) -> Vec<i64> {
    let session = SessionId::from(session);
    let read = move |conn: &mut Connection| journal::replay(conn, &"default".into(), 0, Some(&session), ALL);
    store.read(read).await.unwrap().events.iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn a_noisy_session_trims_its_own_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wheelhouse.db");
    let store =
        Store::open(&path, Retention { rows: 100, age: i64::MAX / 2, ..Retention::default() }).unwrap();
    for n in 0..1_500 {
        let session = if n % 100 == 0 { "quiet" } else { "noisy" };
        store.write(move |tx| tx.journal(&"default".into(), told_by(session, n))).await.unwrap();
    }
    assert_eq!(store.read(|conn| journal::head(conn, &"default".into())).await.unwrap(), 1_500);
    let quiet = kept_of(&store, "quiet").await;
    assert_eq!(quiet, (0..15).map(|n| n * 100 + 1).collect::<Vec<_>>());
    let noisy = kept_of(&store, "noisy").await;
    assert!(noisy.len() < 700 && noisy.windows(2).all(|pair| pair[0] < pair[1]), "{}", noisy.len());
    assert_eq!(floor_of(&store, Some("quiet")).await, 0);
    let floor = floor_of(&store, Some("noisy")).await;
    assert!(noisy.iter().all(|seq| *seq > floor) && floor > 800, "{floor}");
    assert_eq!(floor_of(&store, None).await, floor, "a stream of everything misses what the noisy one lost");
    // It is the same after a restart, where what is held is counted anew.
    store.close().await;
    drop(store);
    let store =
        Store::open(&path, Retention { rows: 100, age: i64::MAX / 2, ..Retention::default() }).unwrap();
    for n in 1_500..2_100 {
        store.write(move |tx| tx.journal(&"default".into(), told_by("noisy", n))).await.unwrap();
    }
    assert_eq!(kept_of(&store, "quiet").await, quiet);
    assert!(floor_of(&store, Some("noisy")).await > floor);
}

#[tokio::test]
async fn history_is_bounded_by_bytes_and_age() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wheelhouse.db");
    let store = Store::open(&path, Retention { bytes: 50_000, age: 1_000, ..Retention::default() }).unwrap();
    for n in 0..512 {
        let large = NewEntry { json: format!("\"{}\"", "x".repeat(998)).into(), ..told_by("large", n) };
        store.write(move |tx| tx.journal(&"default".into(), large)).await.unwrap();
    }
    for n in 512..1_024 {
        store.write(move |tx| tx.journal(&"default".into(), told_by("small", n))).await.unwrap();
    }
    // The writer trims after it has answered; the next write comes behind that.
    store.write(move |tx| tx.journal(&"default".into(), told_by("other", 1_024))).await.unwrap();
    assert!(kept_of(&store, "large").await.len() < 50);
    assert_eq!(kept_of(&store, "small").await.len(), 512);
    for n in 5_000..5_600 {
        store.write(move |tx| tx.journal(&"default".into(), told_by("late", n))).await.unwrap();
    }
    assert_eq!(kept_of(&store, "small").await, Vec::<i64>::new(), "too old");
    assert_eq!(floor_of(&store, Some("small")).await, 1_024);
    assert_eq!(kept_of(&store, "late").await.len(), 600);
}

#[tokio::test]
async fn the_newest_events_are_read_as_far_as_they_fit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..50 {
        store.write(move |tx| tx.journal(&"default".into(), entry(n))).await.unwrap();
    }
    let newest = |rows, bytes| {
        let window = Window { rows, bytes };
        let store = store.clone();
        async move { store.read(move |conn| journal::newest(conn, &"default".into(), window)).await.unwrap() }
    };
    let all = newest(100, usize::MAX).await;
    assert_eq!((all.after, all.last, all.events.len()), (0, 50, 50));
    let some = newest(10, usize::MAX).await;
    assert_eq!((some.after, some.last), (40, 50));
    assert_eq!(some.events.iter().map(|event| event.seq).collect::<Vec<_>>(), (41..=50).collect::<Vec<_>>());
    // `{"n":49}` and its like: eight bytes each.
    assert_eq!(newest(100, 24).await.after, 47);
}

#[tokio::test]
async fn a_replay_skips_messages_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let record = session(&store, "s").await;
    let key = record.key;
    for seq in 1..=3 {
        let row = message(seq, Some(&format!("l{seq}")), seq, None);
        store
            .write(move |tx| {
                messages::insert(tx.conn, key, &row)?;
                let session = SessionId::from("s");
                let namespace = Namespace::from("default");
                let told = NewEntry {
                    at: seq,
                    kind: "message-received",
                    session: Some(session.clone()),
                    machine: None,
                    message: Some(row.id.clone()),
                    json: crate::wire::events::message_received(&namespace, &session, &row),
                };
                tx.journal(&namespace, told)?;
                if seq == 2 { messages::delete_pending(tx.conn, key, &row.id).map(|_| ()) } else { Ok(()) }
            })
            .await
            .unwrap();
    }
    let Page { events, last, .. } =
        store.read(|conn| journal::replay(conn, &"default".into(), 0, None, ALL)).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(last, 3);
    assert!(std::str::from_utf8(&events[0].json).unwrap().contains("\"seq\":1"));
}

#[tokio::test]
async fn moving_history_keeps_every_row_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let (from, to) = (session(&store, "from").await.key, session(&store, "to").await.key);
    let moved = store
        .write(move |tx| {
            for seq in 1..=4 {
                let both = if seq == 2 { "shared".to_owned() } else { format!("a{seq}") };
                messages::insert(tx.conn, from, &message(seq, Some(&both), seq, None))?;
            }
            messages::insert(tx.conn, to, &message(1, Some("shared"), 10, Some(11)))?;
            messages::insert(tx.conn, to, &message(2, None, 12, Some(12)))?;
            moves::move_in_front(tx.conn, from, to)
        })
        .await
        .unwrap();
    assert_eq!(moved, 4);
    let rows = store.read(move |conn| messages::oldest(conn, to, 100)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(rows.iter().filter(|row| row.local_id.as_deref() == Some("shared")).count(), 1);
    // It says something else than the one that has its local id, so it still waits, under another.
    assert!(rows[1].local_id.as_deref().unwrap().starts_with("shared:merged:"), "{:?}", rows[1]);
    assert_eq!(rows[1].invoked_at, None);
    assert_eq!(rows[4].local_id.as_deref(), Some("shared"));
}

#[tokio::test]
async fn what_was_taken_once_stays_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let key = session(&store, "s").await.key;
    let ids = vec!["l".to_owned()];
    let consumed = store
        .write(move |tx| {
            messages::insert(tx.conn, key, &message(1, Some("l"), 5, None))?;
            let first = messages::consume(tx.conn, key, &ids, false, 10)?;
            let second = messages::consume(tx.conn, key, &ids, false, 20)?;
            let state = messages::set_delivery_state(tx.conn, key, &ids, DeliveryState::Indeterminate)?;
            Ok((first, second, state, messages::by_local_id(tx.conn, key, "l")?))
        })
        .await
        .unwrap();
    let (first, second, state, row) = consumed;
    assert_eq!((first, second, state), (1, 0, 0));
    assert_eq!(row.unwrap().position(), Position { at: 10, seq: 1 });
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wheelhouse.db");
    std::fs::write(&path, "this is not a database, but it is somebody's file").unwrap();
    let refused = Store::open(&path, Retention::default()).err().unwrap();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "this is not a database, but it is somebody's file");
}
