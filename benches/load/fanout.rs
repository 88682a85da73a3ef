//! One agent talks, many browsers watch.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::time::MissedTickBehavior;

use crate::{
    Options,
    chunked::EventStream,
    cli::Cli,
    content,
    hub::Hub,
    process::Usage,
    report::{Row, Times, Window, float},
    stream::{Counters, Look, Reader},
    web,
};

/// So many streams are timed, and when packed only these are unpacked: unpacking all would take the processor from
/// the hub.
const SAMPLE: usize = 16;
/// Events that may be under way to the slowest timed stream. A hub that cannot follow the rate is then measured at
/// what it can do.
const AHEAD: u64 = 64;
const ARRIVAL_LIMIT: Duration = Duration::from_secs(20);

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for packed in [false, true] {
        rows.push(watch(options, packed).await?);
    }
    Ok(rows)
}

async fn watch(options: &Options, packed: bool) -> Result<Row> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, 1).await?;
    let mut cli = Cli::connect(&hub, sessions.first().map_or("", String::as_str)).await?;
    cli.alive().await?;
    // The first message also changes the session; it shall not count.
    cli.send(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0)).await?;
    cli.barrier().await?;

    let clock = Instant::now();
    let counters = Arc::new(Counters::default());
    let count = usize::from(options.streams);
    let jwt = web::sign_in(&hub).await?;
    let mut opened = Vec::new();
    for _ in 0..count {
        opened.push(EventStream::open(&hub, &jwt, packed).await?);
    }
    let window = Window::starting_now(options.length());
    let (mut timed, mut readers) = (Vec::new(), Vec::new());
    for (place, stream) in opened.into_iter().enumerate() {
        let is_timed = place % count.div_ceil(SAMPLE) == 0;
        let look = match (is_timed, packed) {
            (true, _) => Look::Time,
            (false, false) => Look::Check,
            (false, true) => Look::Weigh,
        };
        let reader = Reader::new(look, counters.clone(), clock, window)?;
        if is_timed {
            timed.push(reader.newest.clone());
        }
        readers.push(tokio::spawn(reader.read(stream, packed)));
    }
    let sending = send(cli, options.rate, clock, window, &timed);
    let ((), (cpu, events)) = tokio::try_join!(sending, count_within(window, &hub, &counters))?;
    let missing = arrive(&timed).await;
    let row = Row::named(format!("fanout to {count}, {}", if packed { "gzip" } else { "plain" }))
        .rate(events, &window, cpu)
        .lost(counters.gaps.load(Relaxed) + missing)
        .memory_of(&hub)?;
    hub.stop().await?;
    let mut times = Times::new()?;
    for reader in readers {
        times.add(&reader.await??)?;
    }
    let looked_at = if packed { timed.len() } else { count };
    let per_second = events / float(u64::from(options.streams)) / window.seconds();
    let note =
        format!("{per_second:.0} events/s of {} offered, losses looked for on {looked_at}", options.rate);
    Ok(row.times(&times).note(note))
}

/// Sends at the rate, but never far ahead of the readers.
async fn send(
    mut cli: Cli,
    rate: u32,
    clock: Instant,
    window: Window,
    timed: &[Arc<AtomicU64>],
) -> Result<()> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = 0;
    while !window.is_over() {
        tick.tick().await;
        while !window.is_over() && sent > slowest(timed) + AHEAD {
            tokio::time::sleep(Duration::from_millis(1)).await;
            tick.reset();
        }
        let packet = content::agent_packet(&cli.session, content::MESSAGE_BYTES, clock.elapsed().as_micros());
        cli.send(packet).await?;
        sent += 1;
    }
    cli.barrier().await
}

fn slowest(timed: &[Arc<AtomicU64>]) -> u64 {
    timed.iter().map(|newest| newest.load(Relaxed)).min().unwrap_or(0)
}

/// Deliveries within the window, and the processor time they took. Streams that are only weighed count by their
/// bytes, at the bytes of an event on the streams that are read.
async fn count_within(window: Window, hub: &Hub, counters: &Counters) -> Result<(Duration, f64)> {
    tokio::time::sleep_until(window.from.into()).await;
    let before = (snapshot(counters), hub.usage()?);
    tokio::time::sleep_until(window.until.into()).await;
    let after = (snapshot(counters), hub.usage()?);
    let Usage { cpu, .. } = after.1;
    let [events, bytes, read_bytes] = std::array::from_fn(|place| {
        let at = |snapshot: &[u64; 3]| snapshot.get(place).copied().unwrap_or(0);
        at(&after.0).saturating_sub(at(&before.0))
    });
    let share = float(bytes / 1_024) / float(read_bytes / 1_024).max(1.0);
    Ok((cpu.saturating_sub(before.1.cpu), float(events) * share))
}

fn snapshot(counters: &Counters) -> [u64; 3] {
    [&counters.events, &counters.bytes, &counters.read_bytes].map(|counter| counter.load(Relaxed))
}

/// Waits for the last event on every timed stream. Answers how many events did not come, over all of them.
async fn arrive(timed: &[Arc<AtomicU64>]) -> u64 {
    let begun = Instant::now();
    let missing = || {
        let newest: Vec<u64> = timed.iter().map(|newest| newest.load(Relaxed)).collect();
        let first = newest.iter().copied().max().unwrap_or(0);
        newest.iter().map(|newest| first - newest).sum::<u64>()
    };
    while missing() > 0 && begun.elapsed() < ARRIVAL_LIMIT {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    missing()
}
