//! One agent talks now and then: how long until a message is durable, beside what the disk alone needs.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::MissedTickBehavior;

use crate::{
    Options,
    cli::Cli,
    content, process,
    report::{Row, Times, Window, float},
    web,
};

const PAUSE: Duration = Duration::from_millis(50);

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, home) = options.fresh_hub().await?;
    let mut disk = Times::new()?;
    for time in process::sync_times(home.path(), 200)? {
        disk.note(time)?;
    }
    let sessions = web::create_sessions(&hub, 1).await?;
    let mut cli = Cli::connect(&hub, sessions.first().map_or("", String::as_str)).await?;
    let packet = content::agent_packet(&cli.session, content::MESSAGE_BYTES, 0);
    let window = Window::starting_now(options.length());
    let talking = async {
        let mut times = Times::new()?;
        let mut tick = tokio::time::interval(PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !window.is_over() {
            tick.tick().await;
            let begun = Instant::now();
            cli.feed(packet.clone()).await?;
            cli.barrier().await?;
            if window.counts(begun) {
                times.note(begun.elapsed())?;
            }
        }
        anyhow::Ok(times)
    };
    let (times, cpu) = tokio::try_join!(talking, window.watch(&hub))?;
    let rows = vec![
        Row::named("append at rest")
            .times(&times)
            .rate(float(times.count), &window, cpu)
            .memory_of(&hub)?
            .note("one message every 50 ms, until its barrier answers"),
        Row::named("disk: write 4 KiB and sync").times(&disk).note("in the same folder, without a hub"),
    ];
    hub.stop().await?;
    Ok(rows)
}
