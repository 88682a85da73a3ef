//! Every browser comes back at once after the hub was restarted, each behind by as many events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use memchr::memmem;
use tokio::time::MissedTickBehavior;

use crate::{
    Options,
    chunked::{EventStream, Wanted},
    cli::Cli,
    content,
    hub::Hub,
    report::{Row, Times, Window},
    stream::{BUFFER, Counters, Look, Reader},
    web,
};

const BEHIND: u64 = 500;
/// Events each second that come meanwhile.
const LIVE: u32 = 20;
const WATCHERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, 1).await?;
    let session = sessions.first().context("no session")?;
    let jwt = web::sign_in(&hub).await?;
    let mut cli = Cli::connect(&hub, session).await?;
    cli.alive().await?;
    cli.send(content::agent_packet(session, content::MESSAGE_BYTES, 0)).await?;
    cli.barrier().await?;
    let last_id = place(&EventStream::open(&hub, &jwt, false).await?)?;
    for _ in 0..BEHIND {
        cli.feed(content::agent_packet(session, content::MESSAGE_BYTES, 0)).await?;
    }
    cli.barrier().await?;
    drop(cli);
    hub.stop().await?;

    let hub = Hub::start(options.kind, &options.hub, home.path()).await?;
    let mut cli = Cli::connect(&hub, session).await?;
    cli.alive().await?;
    let head = place(&EventStream::open(&hub, &jwt, false).await?)?;
    let number = |id: &str| id.split(':').nth(1).and_then(|number| number.parse::<u64>().ok());
    let head = number(&head).context("an id without a number")?;

    let clock = Instant::now();
    let counters = Arc::new(Counters::default());
    let window = Window { from: clock, until: clock + LIMIT };
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let stream = EventStream::open(&hub, &jwt, true).await?;
        let reader = Reader::new(Look::Time, counters.clone(), clock, window)?;
        watchers.push(tokio::spawn(reader.read(stream, true)));
    }
    let wanted = Wanted { packed: true, last_id: Some(last_id), ..Wanted::default() };
    // What one of them gets is unpacked and checked; the others have to get as many bytes.
    let one = arrival(&hub, &jwt, &wanted, head, clock).await?;
    let herd = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let cpu = hub.usage()?.cpu;
    let (done, stop) = tokio::sync::watch::channel(());
    let coming = async {
        let mut all = Vec::new();
        for _ in 0..options.streams {
            all.push(weigh(&hub, &jwt, &wanted, one, herd.clone()));
        }
        let all = futures_util::future::try_join_all(all).await;
        drop(done);
        all
    };
    let ((), took) =
        tokio::try_join!(live(&mut cli, clock, stop), async { Ok((coming.await?, begun.elapsed()).1) })?;
    let cpu = hub.usage()?.cpu.saturating_sub(cpu);
    let resident = Row::default().memory_of(&hub)?.resident_mb;
    hub.stop().await?;
    let mut times = Times::new()?;
    for watcher in watchers {
        times.add(&watcher.await??)?;
    }
    let count = options.streams;
    let mut whole = Times::new()?;
    whole.note(took)?;
    let note = format!(
        "{} MB in all; {:.1} s of the hub's processor time",
        herd.load(Relaxed) / 1_000_000,
        cpu.as_secs_f64()
    );
    let whole =
        Row::named(format!("{count} browsers come back, {BEHIND} events behind")).times(&whole).note(note);
    Ok(vec![
        Row { p50_ms: None, p90_ms: None, p99_ms: None, resident_mb: resident, ..whole },
        Row::named("live events meanwhile").times(&times).lost(counters.gaps.load(Relaxed)),
    ])
}

/// The id that a handshake tells.
fn place(stream: &EventStream) -> Result<String> {
    let start = memmem::find(&stream.first, b"\nid: ").context("a handshake without a place")? + 5;
    let id = stream.first.get(start..).unwrap_or_default();
    Ok(String::from_utf8(id.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec())?)
}

/// Bytes until event number `head` has come, each event looked at.
async fn arrival(hub: &Hub, jwt: &str, wanted: &Wanted, head: u64, clock: Instant) -> Result<u64> {
    let counters = Arc::new(Counters::default());
    let window = Window { from: clock, until: clock + LIMIT };
    let stream = EventStream::open_as(hub, jwt, wanted).await?;
    let reader = Reader::new(Look::Check, counters.clone(), clock, window)?;
    let newest = reader.newest.clone();
    let reading = tokio::spawn(reader.read(stream, true));
    while newest.load(Relaxed) < head {
        if clock.elapsed() > LIMIT {
            bail!("one browser did not catch up");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reading.abort();
    if counters.gaps.load(Relaxed) > 0 {
        bail!("a browser that came back missed events");
    }
    Ok(counters.bytes.load(Relaxed))
}

async fn weigh(hub: &Hub, jwt: &str, wanted: &Wanted, bytes: u64, sum: Arc<AtomicU64>) -> Result<()> {
    let stream = EventStream::open_as(hub, jwt, wanted).await?;
    let mut came = u64::try_from(stream.first.len())?;
    while came < bytes {
        stream.socket.readable().await?;
        match BUFFER.with_borrow_mut(|buffer| stream.socket.try_read(buffer)) {
            Ok(0) => bail!("the hub closed a stream"),
            Ok(length) => came += u64::try_from(length)?,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    sum.fetch_add(came, Relaxed);
    Ok(())
}

async fn live(cli: &mut Cli, clock: Instant, mut stop: tokio::sync::watch::Receiver<()>) -> Result<()> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / LIVE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return Ok(()),
        }
        let packet = content::agent_packet(&cli.session, content::MESSAGE_BYTES, clock.elapsed().as_micros());
        cli.send(packet).await?;
    }
}
