//! Some browsers stop reading while an agent talks: what the hub holds for them, and what the others feel.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
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
    report::{Row, Times, Window, megabytes},
    stream::{Counters, Look, Reader},
    web,
};

const STREAMS: usize = 60;
const RATE: u32 = 200;
/// 30 seconds of them weigh 120 MB.
const BYTES: usize = 20_000;
const LENGTH: Duration = Duration::from_secs(30);
const SAMPLE: Duration = Duration::from_millis(100);

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let quiet = watch(options, 0).await?;
    let stalled = watch(options, 10).await?;
    let grown = stalled.1.saturating_sub(quiet.1);
    let note = format!("{:.1} MB more than with none", megabytes(grown));
    Ok(vec![quiet.0, stalled.0.note(note)])
}

/// The row and the highest memory seen.
async fn watch(options: &Options, stalled: usize) -> Result<(Row, u64)> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, 1).await?;
    let mut cli = Cli::connect(&hub, sessions.first().map_or("", String::as_str)).await?;
    cli.alive().await?;
    cli.send(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0)).await?;
    cli.barrier().await?;
    let clock = Instant::now();
    let counters = Arc::new(Counters::default());
    let jwt = web::sign_in(&hub).await?;
    let window = Window::starting_now(LENGTH);
    let (mut readers, mut not_read) = (Vec::new(), Vec::new());
    for place in 0..STREAMS {
        let stream = EventStream::open(&hub, &jwt, false).await?;
        if place < stalled {
            not_read.push(stream);
        } else {
            let reader = Reader::new(Look::Time, counters.clone(), clock, window)?;
            readers.push(tokio::spawn(reader.read(stream, false)));
        }
    }
    let ((), peak) = tokio::try_join!(talk(&mut cli, clock, window), peak(&hub, window))?;
    let row = Row::named(format!("{stalled} stalled readers of {STREAMS}, {RATE} events/s of 20 KB"));
    hub.stop().await?;
    let mut times = Times::new()?;
    for reader in readers {
        times.add(&reader.await??)?;
    }
    let row = Row { resident_mb: Some(megabytes(peak)), ..row };
    Ok((row.times(&times).lost(counters.gaps.load(Relaxed)), peak))
}

async fn talk(cli: &mut Cli, clock: Instant, window: Window) -> Result<()> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !window.is_over() {
        tick.tick().await;
        cli.send(content::agent_packet(&cli.session, BYTES, clock.elapsed().as_micros())).await?;
    }
    cli.barrier().await
}

async fn peak(hub: &Hub, window: Window) -> Result<u64> {
    let mut peak = 0;
    while !window.is_over() {
        tokio::time::sleep(SAMPLE).await;
        peak = peak.max(hub.usage()?.resident);
    }
    Ok(peak)
}
