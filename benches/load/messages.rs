//! Agents talk: many CLIs send messages as fast as the hub stores them.

use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    Options,
    cli::{self, Cli},
    content,
    report::{Row, Times, Window, float},
    web::{self, Web},
};

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, options.sockets.into()).await?;
    let clis = cli::connect_all(&hub, &sessions).await?;
    let window = Window::starting_now(options.length());
    let talkers = clis.into_iter().map(|cli| talk(cli, options.batch, window));
    let (talked, cpu) = tokio::try_join!(try_join_all(talkers), window.watch(&hub))?;
    let sent: u64 = talked.iter().map(|(_, sent)| sent).sum();
    let times = Times::all(talked.into_iter().map(|(times, _)| times))?;
    let mut web = Web::as_browser(&hub, &web::sign_in(&hub).await?).await?;
    let mut stored = 0;
    for session in &sessions {
        stored += last_number(&mut web, session).await?;
    }
    let row = Row::named("messages")
        .times(&times)
        .rate(float(times.count), &window, cpu)
        .lost(sent.saturating_sub(stored))
        .memory_of(&hub)?
        .note(format!("{} sockets, barrier every {}; times are of barriers", options.sockets, options.batch));
    hub.stop().await?;
    Ok(vec![row])
}

/// Keeps two batches under way, so that the socket never runs dry. Answers how many messages were sent in all.
async fn talk(mut cli: Cli, batch: u16, window: Window) -> Result<(Times, u64)> {
    let packet = Utf8Bytes::from(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0));
    let mut times = Times::new()?;
    let mut sent = 0;
    let mut waiting: Option<(u64, Instant)> = None;
    while !window.is_over() {
        let begun = Instant::now();
        for _ in 0..batch {
            cli.feed(packet.clone()).await?;
        }
        sent += u64::from(batch);
        let barrier = cli.ask("ping", "").await?;
        if let Some(earlier) = waiting.replace((barrier, begun)) {
            settle(&mut cli, earlier, batch, window, &mut times).await?;
        }
    }
    if let Some(last) = waiting {
        settle(&mut cli, last, batch, window, &mut times).await?;
    }
    Ok((times, sent))
}

async fn settle(
    cli: &mut Cli,
    (barrier, begun): (u64, Instant),
    batch: u16,
    window: Window,
    times: &mut Times,
) -> Result<()> {
    cli.answer(barrier).await?;
    if window.counts(Instant::now()) {
        times.note_many(begun.elapsed(), batch.into())?;
    }
    Ok(())
}

/// Messages of a session are numbered from 1 without gaps.
async fn last_number(web: &mut Web, session: &str) -> Result<u64> {
    let page = web.get_json(&format!("/api/sessions/{session}/messages?limit=1")).await?;
    page.pointer("/page/snapshotHeadSeq").and_then(Value::as_u64).context("the page names no newest message")
}
