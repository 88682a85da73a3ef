//! One agent talks at its own pace while others shout: what the readers of the quiet one feel.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::time::MissedTickBehavior;

use crate::{
    Options,
    chunked::{EventStream, Wanted},
    cli::Cli,
    content,
    hub::Hub,
    report::{Row, Times, Window},
    stream::{Counters, Look, Reader},
    web,
};

const READERS: usize = 16;
const PAUSE: Duration = Duration::from_millis(50);
/// Messages that the noisy ones send each second: well below what the hub can take, so that a processor is free.
const NOISE: u32 = 2_000;
/// Who makes the noise.
const NOISY: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Noise {
    None,
    SameNamespace,
    OtherNamespace,
}

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (noise, name) in [
        (Noise::None, "alone"),
        (Noise::SameNamespace, "beside a noisy session"),
        (Noise::OtherNamespace, "beside a noisy namespace"),
    ] {
        rows.push(Row { scenario: format!("a quiet session {name}"), ..watch(options, noise).await? });
    }
    Ok(rows)
}

async fn watch(options: &Options, noise: Noise) -> Result<Row> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, 1).await?;
    let mut cli = Cli::connect(&hub, sessions.first().map_or("", String::as_str)).await?;
    cli.alive().await?;
    cli.send(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0)).await?;
    cli.barrier().await?;
    let token =
        if noise == Noise::OtherNamespace { format!("{}:noisy", hub.token) } else { hub.token.clone() };
    let others = web::create_sessions_with(&hub, &token, NOISY + 1).await?;

    let clock = Instant::now();
    let counters = Arc::new(Counters::default());
    let jwt = web::sign_in(&hub).await?;
    let window = Window::starting_now(options.length());
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let wanted = Wanted { packed: true, session: Some(cli.session.clone()), ..Wanted::default() };
        let stream = EventStream::open_as(&hub, &jwt, &wanted).await?;
        let reader = Reader::new(Look::Time, counters.clone(), clock, window)?;
        readers.push(tokio::spawn(reader.read(stream, true)));
    }
    // The first of them is the quiet session itself where the namespace is the same.
    let shouting = others.iter().skip(1).map(|session| shout(&hub, &token, session, window));
    let shouting = async {
        if noise != Noise::None {
            futures_util::future::try_join_all(shouting).await?;
        }
        Ok(())
    };
    tokio::try_join!(talk(&mut cli, clock, window), shouting)?;
    hub.stop().await?;
    let mut times = Times::new()?;
    for reader in readers {
        times.add(&reader.await??)?;
    }
    let note =
        if noise == Noise::None { String::new() } else { format!("{NOISE} messages/s by {NOISY} others") };
    let seen = counters.events.load(Relaxed);
    Ok(Row::default().times(&times).note(format!("{seen} deliveries; {note}")))
}

async fn talk(cli: &mut Cli, clock: Instant, window: Window) -> Result<()> {
    let mut tick = tokio::time::interval(PAUSE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !window.is_over() {
        tick.tick().await;
        let packet = content::agent_packet(&cli.session, content::MESSAGE_BYTES, clock.elapsed().as_micros());
        cli.send(packet).await?;
    }
    cli.barrier().await
}

async fn shout(hub: &Hub, token: &str, session: &str, window: Window) -> Result<()> {
    let mut cli = Cli::connect_with(hub, token, session).await?;
    let share = NOISE / u32::try_from(NOISY)?;
    let packet = content::agent_packet(session, content::MESSAGE_BYTES, 0);
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !window.is_over() {
        tick.tick().await;
        for _ in 0..share / 100 {
            cli.feed(packet.clone()).await?;
        }
        cli.barrier().await?;
    }
    Ok(())
}
