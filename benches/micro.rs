//! The pieces of a message's path, each by itself: encode, pack, fan out, append, replay, read, look into.

use std::sync::Arc;

use anyhow::{Context, Result};
use divan::{Bencher, black_box, counter::ItemsCount};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wheelhouse::{
    clock::Clock,
    config::{Config, Sources},
    domain::{
        content,
        ids::{Namespace, SessionId},
        json,
        prompt::DeliveryState,
        team, todos,
    },
    limits::{Limits, Who},
    namespace::{Frame, Tail, TailLimit, pack},
    store::{
        Store,
        journal::{self, Retention},
        messages::{self, Message},
        search,
        sessions::{self, NewSession},
    },
    wire::events::{self, SessionEvents},
};

const ALL: journal::Window = journal::Window { rows: 1_000, bytes: usize::MAX };
const NOW: i64 = 1_795_157_379_892;

fn main() {
    divan::main();
}

/// What an agent says, 2.6 KB of it.
fn agent_text() -> String {
    let words = "The store reads a cursor before it writes, so that a queue of events stays bounded. ";
    let text: String = (0..27).map(|line| format!("{line}: {words}")).collect();
    let content = serde_json::json!({
        "role": "agent",
        "content": { "type": "output", "data": {
            "type": "assistant",
            "message": { "role": "assistant", "content": [{ "type": "text", "text": text }] },
        }},
        "meta": { "sentFrom": "cli" },
    });
    content.to_string()
}

fn message(seq: i64) -> Message {
    Message {
        id: uuid::Uuid::now_v7().to_string(),
        seq,
        local_id: None,
        content: json::raw(agent_text()).unwrap_or_else(json::null),
        created_at: NOW + seq,
        invoked_at: Some(NOW + seq),
        scheduled_at: None,
        delivery_state: DeliveryState::Queued,
    }
}

/// A store in a folder of its own, with one session in it.
struct Bench {
    runtime: Runtime,
    store: Store,
    namespace: Namespace,
    session: SessionId,
    key: i64,
    _folder: TempDir,
}

impl Bench {
    fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = Store::open(&folder.path().join("bench.db"), Retention::default())?;
        let namespace = Namespace::from("default");
        let session = SessionId::random();
        let new = NewSession {
            id: session.clone(),
            namespace: namespace.clone(),
            tag: "bench".into(),
            now: NOW,
            metadata: None,
            agent_state: None,
            model: None,
            model_reasoning_effort: None,
            effort: None,
        };
        let record = runtime.block_on(store.write(move |tx| sessions::insert(tx.conn, &new)))?;
        Ok(Self { runtime, store, namespace, session, key: record.key, _folder: folder })
    }

    /// Stores messages with their journal rows, `at_once` of them at a time.
    async fn append(&self, from: i64, at_once: i64) -> Result<()> {
        let jobs = (from..from + at_once).map(|seq| {
            let (key, row) = (self.key, message(seq));
            let (namespace, session) = (self.namespace.clone(), self.session.clone());
            self.store.write(move |tx| {
                messages::insert(tx.conn, key, &row)?;
                let events = SessionEvents { namespace: &namespace, id: &session, now: NOW };
                tx.journal(&namespace, events.message(&row))
            })
        });
        futures_util::future::try_join_all(jobs).await?;
        Ok(())
    }

    fn filled(count: i64) -> Result<Self> {
        let bench = Self::open()?;
        bench.runtime.block_on(bench.append(1, count))?;
        Ok(bench)
    }
}

/// A bench that cannot be prepared has nothing to measure.
fn ready<T>(prepared: Result<T>) -> T {
    match prepared.context("failed to prepare the bench") {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::exit(1)
        }
    }
}

/// What one new event costs for all who read it, without the sockets: it is encoded and packed once, and each reader
/// copies its bytes out of the tail.
#[divan::bench(args = [1, 100, 2_000])]
fn fan_out_a_packed_event(bencher: Bencher<'_, '_>, readers: usize) {
    let (namespace, session, row) = (Namespace::from("default"), SessionId::random(), message(1));
    let json = events::message_received(&namespace, &session, &row);
    let mut tail = Tail::after(0, 0, TailLimit::default());
    bencher.counter(ItemsCount::new(readers)).bench_local(|| {
        let offset = tail.end();
        tail.push(Arc::new(Frame::unnumbered(black_box(&json), Some(session.clone()), None)));
        for _ in 0..readers {
            let mut out = bytes::BytesMut::new();
            for frame in tail.from(offset).into_iter().flatten() {
                out.extend_from_slice(frame.packed());
            }
            black_box(out.freeze());
        }
    });
}

#[divan::bench]
fn encode_a_message_event(bencher: Bencher<'_, '_>) {
    let (namespace, session, row) = (Namespace::from("default"), SessionId::random(), message(1));
    bencher.bench_local(|| {
        Frame::unnumbered(&events::message_received(&namespace, &session, black_box(&row)), None, None)
    });
}

#[divan::bench]
fn pack_a_message_event(bencher: Bencher<'_, '_>) {
    let event = events::message_received(&Namespace::from("default"), &SessionId::random(), &message(1));
    bencher.bench_local(|| pack(black_box(&event)));
}

#[divan::bench(args = [1, 16, 64])]
fn append(bencher: Bencher<'_, '_>, producers: u16) {
    let bench = ready(Bench::open());
    let mut next = 1;
    bencher.counter(ItemsCount::new(producers)).bench_local(|| {
        let at_once = i64::from(producers);
        ready(bench.runtime.block_on(bench.append(next, at_once)));
        next += at_once;
    });
}

#[divan::bench]
fn replay_a_thousand_events(bencher: Bencher<'_, '_>) {
    let bench = ready(Bench::filled(1_000));
    bencher.counter(ItemsCount::new(1_000_u32)).bench_local(|| {
        let namespace = bench.namespace.clone();
        let read = bench.store.read(move |conn| journal::replay(conn, &namespace, 0, None, ALL));
        ready(bench.runtime.block_on(read).map_err(Into::into))
    });
}

#[divan::bench(args = [50, 200])]
fn read_the_newest_page(bencher: Bencher<'_, '_>, limit: i64) {
    let bench = ready(Bench::filled(1_000));
    bencher.bench_local(|| {
        let key = bench.key;
        let read = bench.store.read(move |conn| messages::before(conn, key, None, limit));
        ready(bench.runtime.block_on(read).map_err(Into::into))
    });
}

/// One batch of the index of words, as the writer takes it down.
#[divan::bench]
fn index_sixty_four_messages(bencher: Bencher<'_, '_>) {
    let bench = ready(Bench::open());
    let mut next = 1;
    bencher
        .counter(ItemsCount::new(64_u32))
        .with_inputs(|| {
            ready(bench.runtime.block_on(bench.append(next, 64)));
            next += 64;
            ready(bench.runtime.block_on(bench.store.read(search::next_messages)).map_err(Into::into))
        })
        .bench_local_values(|batch| {
            let write = bench.store.write(move |tx| search::keep(tx.conn, batch));
            ready(bench.runtime.block_on(write).map_err(Into::into))
        });
}

/// Everything that the hub looks for in what an agent says.
#[divan::bench]
fn look_into_a_message(bencher: Bencher<'_, '_>) {
    let text = Arc::<str>::from(agent_text());
    bencher.bench_local(|| {
        let seen: Value = json::read_text(black_box(&text)).unwrap_or_default();
        (
            content::is_goal_status(&seen),
            content::truncate_agent_strings(&text).is_some(),
            content::reasoning_snapshot(&seen).is_some(),
            content::human_text(&seen).is_some(),
            todos::from_message(&seen).is_some(),
            team::apply(&seen, None, NOW).is_some(),
            content::background_delta(&seen),
            content::has_conversation_content(&seen),
        )
    });
}

/// The limits that a hub has when nobody set any.
fn limits() -> Result<Limits> {
    let home = tempfile::tempdir()?;
    let sources = Sources { home: Some(home.path().to_owned()), ..Sources::default() };
    let mut limits = Config::load(sources)?.limits;
    // As much work as any other pace, and never refused.
    (limits.burst_per_namespace.value, limits.burst_per_token.value) = (u32::MAX, u32::MAX);
    Ok(Limits::new(&limits, &Clock::system()))
}

fn page() -> Who {
    Who::Page { namespace: "default".into(), user: "67856225".to_owned() }
}

#[divan::bench(threads = [1, 2])]
fn count_a_request(bencher: Bencher<'_, '_>) {
    let (limits, who) = (ready(limits()), page());
    bencher.bench(|| limits.request(black_box(&who)));
}

#[divan::bench(threads = [1, 2])]
fn count_a_body(bencher: Bencher<'_, '_>) {
    let (limits, who) = (ready(limits()), page());
    bencher.bench(|| limits.body(black_box(&who).clone(), 2_600));
}

#[divan::bench(threads = [1, 2])]
fn count_a_stream(bencher: Bencher<'_, '_>) {
    let (limits, who) = (ready(limits()), page());
    bencher.bench(|| limits.stream(black_box(&who).clone()));
}
