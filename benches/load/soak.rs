//! A working day in minutes: agents talk, browsers come and go at random, and in the middle the hub is killed. Nothing
//! may be lost or told twice, and memory may not grow.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io::Write,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use flate2::write::GzDecoder;
use memchr::memmem;
use tokio::{task::LocalSet, time::sleep};

use crate::{
    Options,
    chunked::{Chunks, EventStream, Wanted},
    cli::Cli,
    content,
    hub::Hub,
    report::{Row, megabytes},
    stream::{BUFFER, sent_at},
    web::{self, Web},
};

const BROWSERS: usize = 500;
const SESSIONS: usize = 100;
/// A session says something this often, on average.
const PAUSE: Duration = Duration::from_secs(2);
/// A browser stays for up to so long before its line is cut.
const STAY: Duration = Duration::from_secs(60);
/// Memory counts from here on.
const SETTLED: Duration = Duration::from_secs(60);

/// Numbers without a library: the runs need to be different, not unguessable.
struct Dice(Cell<u64>);

impl Dice {
    fn up_to(&self, limit: Duration) -> Duration {
        let next =
            self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.set(next);
        limit.mul_f64(f64::from(u32::try_from(next >> 32).unwrap_or(0)) / f64::from(u32::MAX))
    }
}

/// What all parts of the run know.
struct Run {
    jwt: String,
    token: String,
    port: Cell<u16>,
    hub: RefCell<Option<Hub>>,
    dice: Dice,
    until: Instant,
    delivered: Cell<u64>,
    lost: Cell<u64>,
    doubled: Cell<u64>,
    cuts: Cell<u64>,
    resyncs: Cell<u64>,
}

fn add(counter: &Cell<u64>, count: u64) {
    counter.set(counter.get() + count);
}

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    LocalSet::new().run_until(soak(options)).await
}

async fn soak(options: &Options) -> Result<Vec<Row>> {
    let length = Duration::from_secs(options.soak_seconds);
    let (hub, home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, SESSIONS).await?;
    let run = Rc::new(Run {
        jwt: web::sign_in(&hub).await?,
        token: hub.token.clone(),
        port: Cell::new(hub.port),
        hub: RefCell::new(Some(hub)),
        dice: Dice(Cell::new(0x5eed)),
        until: Instant::now() + length,
        delivered: Cell::default(),
        lost: Cell::default(),
        doubled: Cell::default(),
        cuts: Cell::default(),
        resyncs: Cell::default(),
    });
    let agents: Vec<_> = sessions
        .iter()
        .map(|session| tokio::task::spawn_local(agent(run.clone(), session.clone())))
        .collect();
    let browsers: Vec<_> = (0..BROWSERS)
        .map(|place| {
            let session = (place % 3 == 0).then(|| sessions.get(place % SESSIONS).cloned()).flatten();
            let wanted = Wanted { packed: place % 2 == 0, session, last_id: None };
            tokio::task::spawn_local(browser(run.clone(), wanted))
        })
        .collect();
    let memory = tokio::task::spawn_local(watch_memory(run.clone()));
    sleep(length / 2).await;
    // The agents and browsers see it die; the next one has the same address and folder.
    let hub = run.hub.borrow_mut().take().context("the hub is gone")?;
    hub.kill()?;
    let hub = Hub::start_on(run.port.get(), options.kind, &options.hub, home.path()).await?;
    *run.hub.borrow_mut() = Some(hub);

    let mut said = HashMap::new();
    for (session, agent) in sessions.iter().zip(agents) {
        said.insert(session.clone(), agent.await??);
    }
    for browser in browsers {
        browser.await??;
    }
    let memory = memory.await??;
    let hub = run.hub.borrow_mut().take().context("the hub is gone")?;
    let mut missing = 0;
    let mut web = Web::as_browser(&hub, &run.jwt).await?;
    for (session, count) in &said {
        missing += count.abs_diff(stored(&mut web, session).await?);
    }
    hub.stop().await?;
    let total: u64 = said.values().sum();
    let lost = run.lost.get() + run.doubled.get() + missing;
    let ranges: Vec<String> = memory
        .iter()
        .filter(|(_, high)| *high > 0)
        .map(|(low, high)| format!("{:.1} to {:.1} MB", megabytes(*low), megabytes(*high)))
        .collect();
    let note = format!(
        "{total} messages by {SESSIONS} sessions, {} deliveries to {BROWSERS} browsers, {} cuts, 1 kill -9; {} skipped, {} \
         told twice, {missing} not stored or stored twice, {} resyncs; memory of each hub from its second minute on: {}",
        run.delivered.get(),
        run.cuts.get(),
        run.lost.get(),
        run.doubled.get(),
        run.resyncs.get(),
        ranges.join(", "),
    );
    let highest = memory.iter().map(|(_, high)| *high).max().unwrap_or(0);
    let row = Row::named(format!("soak of {} s", options.soak_seconds)).lost(lost).note(note);
    Ok(vec![Row { resident_mb: Some(megabytes(highest)), ..row }])
}

/// Lowest and highest memory of each of the hubs, from its second minute on.
async fn watch_memory(run: Rc<Run>) -> Result<Vec<(u64, u64)>> {
    let mut hubs = Vec::new();
    let (mut process, mut born) = (0, Instant::now());
    while Instant::now() < run.until {
        sleep(Duration::from_secs(1)).await;
        let Some((now, usage)) = run.hub.borrow().as_ref().map(|hub| (hub.process(), hub.usage())) else {
            continue;
        };
        if now != process {
            (process, born) = (now, Instant::now());
            hubs.push((u64::MAX, 0));
        }
        if let Some((low, high)) = hubs.last_mut()
            && born.elapsed() >= SETTLED
        {
            let resident = usage?.resident;
            (*low, *high) = (resident.min(*low), resident.max(*high));
        }
    }
    Ok(hubs)
}

/// How many messages of the session the hub has.
async fn stored(web: &mut Web, session: &str) -> Result<u64> {
    let answer = web.get_json(&format!("/api/sessions/{session}/messages?limit=1")).await?;
    Ok(answer.pointer("/messages/0/seq").and_then(serde_json::Value::as_u64).unwrap_or(0))
}

/// Says its numbers one after the other, each acknowledged, and answers how many it said.
async fn agent(run: Rc<Run>, session: String) -> Result<u64> {
    let mut said = 0;
    while Instant::now() < run.until {
        // A line that is lost, and a hub that is down, are tried again; the hub knows what it took.
        if talk(&run, &session, &mut said).await.is_err() {
            sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(said)
}

async fn talk(run: &Run, session: &str, said: &mut u64) -> Result<()> {
    let mut cli = Cli::connect_to(run.port.get(), &run.token, session).await?;
    cli.alive().await?;
    let mut web = Web::connect(run.port.get(), &run.jwt).await?;
    *said = stored(&mut web, session).await?;
    while Instant::now() < run.until {
        sleep(run.dice.up_to(PAUSE * 2)).await;
        cli.alive().await?;
        cli.send(content::agent_packet(session, content::MESSAGE_BYTES, u128::from(*said + 1))).await?;
        cli.barrier().await?;
        *said += 1;
    }
    Ok(())
}

/// How far one browser is.
#[derive(Default)]
struct Heard {
    last_id: Option<String>,
    number: u64,
    /// The last number of its session, when it watches one.
    spoken: u64,
}

async fn browser(run: Rc<Run>, wanted: Wanted) -> Result<()> {
    let mut heard = Heard::default();
    while Instant::now() < run.until {
        let wanted = Wanted { last_id: heard.last_id.clone(), ..wanted.clone() };
        let stay = run.dice.up_to(STAY).min(run.until.saturating_duration_since(Instant::now()));
        match tokio::time::timeout(stay, look(&run, &wanted, &mut heard)).await {
            // Cut by the browser.
            Err(_) => add(&run.cuts, 1),
            // Cut by the hub, which is down or not up yet.
            Ok(_) => sleep(Duration::from_millis(100) + run.dice.up_to(Duration::from_millis(400))).await,
        }
    }
    Ok(())
}

async fn look(run: &Run, wanted: &Wanted, heard: &mut Heard) -> Result<()> {
    let EventStream { socket, first } = EventStream::open_to(run.port.get(), &run.jwt, wanted).await?;
    let mut unpack = wanted.packed.then(|| GzDecoder::new(Vec::new()));
    let mut chunks = Chunks::default();
    let mut rest = Vec::new();
    let mut take = |bytes: &[u8]| {
        chunks.split(bytes, |content| {
            match &mut unpack {
                Some(unpack) => {
                    unpack.write_all(content)?;
                    unpack.flush()?;
                    rest.append(unpack.get_mut());
                }
                None => rest.extend_from_slice(content),
            }
            while let Some(end) = memmem::find(&rest, b"\n\n") {
                note(run, wanted, heard, rest.get(..end).unwrap_or_default())?;
                rest.drain(..end + 2);
            }
            Ok(())
        })
    };
    take(&first)?;
    loop {
        socket.readable().await?;
        let came = BUFFER.with_borrow_mut(|buffer| match socket.try_read(buffer) {
            Ok(0) => bail!("the hub ended the stream"),
            Ok(length) => take(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        });
        came?;
    }
}

fn note(run: &Run, wanted: &Wanted, heard: &mut Heard, frame: &[u8]) -> Result<()> {
    let Some(place) = memmem::rfind(frame, b"\nid: ") else { return Ok(()) };
    let id = std::str::from_utf8(frame.get(place + 5..).unwrap_or_default())?;
    let number = id.split(':').nth(1).context("an id without a number")?.parse::<u64>()?;
    let start = frame.get(..60).unwrap_or(frame);
    if memmem::find(start, b"connection-changed").is_some() {
        if memmem::find(frame, b"\"resume\":\"ok\"").is_none() {
            // A gap is only right for somebody who comes for the first time.
            add(&run.resyncs, u64::from(wanted.last_id.is_some()));
            heard.spoken = 0;
        }
        heard.number = number;
    } else if memmem::find(start, b"heartbeat").is_some() {
        heard.number = heard.number.max(number);
    } else {
        add(&run.delivered, 1);
        if number <= heard.number {
            add(&run.doubled, 1);
        } else if wanted.session.is_none() && number > heard.number + 1 {
            add(&run.lost, number - heard.number - 1);
        }
        heard.number = number;
        if wanted.session.is_some()
            && let Some(spoken) = sent_at(frame)
        {
            let spoken = u64::try_from(spoken.as_micros())?;
            if heard.spoken > 0 && spoken != heard.spoken + 1 {
                add(if spoken <= heard.spoken { &run.doubled } else { &run.lost }, 1);
            }
            heard.spoken = spoken;
        }
    }
    heard.last_id = Some(id.to_owned());
    Ok(())
}
