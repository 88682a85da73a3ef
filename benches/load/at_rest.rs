//! One event now and then to many packed streams: how long until the last of them has it. Bytes are timed, not
//! unpacked: unpacking thousands of streams on one thread would take longer than the hub does.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::{sync::Notify, task::LocalSet, time::MissedTickBehavior};

use crate::{
    Options,
    chunked::EventStream,
    cli::Cli,
    content,
    report::{Row, Times},
    stream::BUFFER,
    web,
};

const PAUSE: Duration = Duration::from_millis(500);

/// The event that is on its way.
struct Event {
    sent: Cell<Instant>,
    /// Streams that it has still to reach.
    missing: Cell<usize>,
    reached_all: Notify,
    each: RefCell<Times>,
}

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    LocalSet::new().run_until(watch(options)).await
}

async fn watch(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, 1).await?;
    let mut cli = Cli::connect(&hub, sessions.first().map_or("", String::as_str)).await?;
    cli.alive().await?;
    cli.send(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0)).await?;
    cli.barrier().await?;

    let jwt = web::sign_in(&hub).await?;
    let count = usize::from(options.streams);
    let event = Rc::new(Event {
        sent: Cell::new(Instant::now()),
        missing: Cell::new(0),
        reached_all: Notify::new(),
        each: RefCell::new(Times::new()?),
    });
    for _ in 0..count {
        let stream = EventStream::open(&hub, &jwt, true).await?;
        tokio::task::spawn_local(read(stream, event.clone()));
    }
    let mut tick = tokio::time::interval(PAUSE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.tick().await;
    tick.tick().await;
    *event.each.borrow_mut() = Times::new()?;
    let mut last = Times::new()?;
    let until = Instant::now() + options.length();
    while Instant::now() < until {
        event.missing.set(count);
        event.sent.set(Instant::now());
        cli.send(content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0)).await?;
        let reached = tokio::time::timeout(Duration::from_secs(10), event.reached_all.notified()).await;
        if reached.is_err() {
            bail!("{} of {count} streams did not get an event", event.missing.get());
        }
        last.note(event.sent.get().elapsed())?;
        tick.tick().await;
    }
    hub.stop().await?;
    let each = event.each.borrow();
    Ok(vec![
        Row::named(format!("one event at rest to {count}, gzip: each")).times(&each),
        Row::named(format!("one event at rest to {count}, gzip: the last"))
            .times(&last)
            .note("an event every 500 ms, timed when its bytes arrive"),
    ])
}

/// What comes within half a second after an event is that event.
async fn read(stream: EventStream, event: Rc<Event>) {
    let mut heard = None;
    while stream.socket.readable().await.is_ok() {
        match BUFFER.with_borrow_mut(|buffer| stream.socket.try_read(buffer)) {
            Ok(0) => return,
            Ok(_) if heard != Some(event.sent.get()) => {
                heard = Some(event.sent.get());
                let _ = event.each.borrow_mut().note(event.sent.get().elapsed());
                let missing = event.missing.get();
                event.missing.set(missing.saturating_sub(1));
                if missing == 1 {
                    event.reached_all.notify_one();
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
