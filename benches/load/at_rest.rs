//! One event now and then to many packed streams: how long until the last of them has it.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::time::MissedTickBehavior;

use crate::{
    Options,
    chunked::EventStream,
    cli::Cli,
    content,
    report::{Row, Times, Window},
    stream::{Counters, Look, Reader},
    web,
};

const PAUSE: Duration = Duration::from_millis(500);

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, 1).await?;
    let mut cli = Cli::connect(&hub, sessions.first().map_or("", String::as_str)).await?;
    cli.alive().await?;
    cli.send(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0)).await?;
    cli.barrier().await?;

    let clock = Instant::now();
    let counters = Arc::new(Counters::default());
    let jwt = web::sign_in(&hub).await?;
    let mut opened = Vec::new();
    for _ in 0..options.streams {
        opened.push(EventStream::open(&hub, &jwt, true).await?);
    }
    let window = Window::starting_now(options.length());
    let mut readers = Vec::new();
    for stream in opened {
        let reader = Reader::new(Look::Time, counters.clone(), clock, window)?;
        readers.push(tokio::spawn(reader.read(stream, true)));
    }
    let mut tick = tokio::time::interval(PAUSE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !window.is_over() {
        tick.tick().await;
        let packet = content::agent_packet(&cli.session, content::MESSAGE_BYTES, clock.elapsed().as_micros());
        cli.send(packet).await?;
    }
    cli.barrier().await?;
    tick.tick().await;
    hub.stop().await?;
    let mut each = Times::new()?;
    for reader in readers {
        each.add(&reader.await??)?;
    }
    let mut last = Times::new()?;
    for way in counters.last.lock().unwrap_or_else(PoisonError::into_inner).values() {
        last.note(*way)?;
    }
    let count = options.streams;
    Ok(vec![
        Row::named(format!("one event at rest to {count}, gzip: each")).times(&each),
        Row::named(format!("one event at rest to {count}, gzip: the last"))
            .times(&last)
            .note("an event every 500 ms; the load program unpacks all of them on one thread"),
    ])
}
