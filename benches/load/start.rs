//! A hub with a past starts again.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::{
    Options,
    cli::Cli,
    content,
    hub::Hub,
    report::{Row, Times},
    web::{self, Web},
};

const SOCKETS: usize = 8;
const SEED_BYTES: usize = 800;
/// Messages between two barriers, so that a hub with unbounded queues is not flooded.
const BATCH: u32 = 200;

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, usize::try_from(options.stored_sessions)?).await?;
    let share = sessions.len().div_ceil(SOCKETS).max(1);
    let parts = sessions.chunks(share).map(|part| fill(&hub, part, options.stored_messages));
    try_join_all(parts).await?;
    let jwt = web::sign_in(&hub).await?;
    hub.stop().await?;

    let begun = Instant::now();
    let hub = Hub::start(options.kind, &options.hub, home.path()).await?;
    let bytes = Web::as_browser(&hub, &jwt).await?.get_length("/api/sessions").await?;
    let listed = begun.elapsed();
    let past = format!("{} sessions of {} messages", options.stored_sessions, options.stored_messages);
    let rows = vec![
        once("start: to the first answer of /health", hub.started_in)?.note(past),
        once("start: to the first session list", listed)?.memory_of(&hub)?.note(format!("{bytes} bytes")),
    ];
    hub.stop().await?;
    Ok(rows)
}

/// A socket may speak for every session of its namespace.
async fn fill(hub: &Hub, sessions: &[String], messages: u32) -> Result<()> {
    let mut cli = Cli::connect(hub, sessions.first().map_or("", String::as_str)).await?;
    let mut waiting = 0;
    for session in sessions {
        let packet = content::agent_packet(session, SEED_BYTES, 0);
        for _ in 0..messages {
            cli.feed(packet.clone()).await?;
            waiting += 1;
        }
        if waiting >= BATCH {
            cli.barrier().await?;
            waiting = 0;
        }
    }
    cli.barrier().await
}

fn once(name: &str, time: Duration) -> Result<Row> {
    let mut times = Times::new()?;
    times.note(time)?;
    let row = Row::named(name).times(&times);
    Ok(Row { p50_ms: None, p90_ms: None, p99_ms: None, ..row })
}
