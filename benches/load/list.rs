//! Browsers open: the list of all sessions, again and again.

use std::time::Instant;

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::{
    Options,
    report::{Row, Times, Window, float},
    web::{self, Web},
};

const SESSIONS: usize = 1_000;
const AT_ONCE: usize = 8;

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    web::create_sessions(&hub, SESSIONS).await?;
    let jwt = web::sign_in(&hub).await?;
    let mut rows = Vec::new();
    for accepts_gzip in [false, true] {
        let mut webs = try_join_all((0..AT_ONCE).map(|_| Web::as_browser(&hub, &jwt))).await?;
        for web in &mut webs {
            web.accepts_gzip = accepts_gzip;
        }
        let window = Window::starting_now(options.length());
        let reading = webs.into_iter().map(|web| read(web, window));
        let (read, cpu) = tokio::try_join!(try_join_all(reading), window.watch(&hub))?;
        let bytes = read.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        let times = Times::all(read.into_iter().map(|(times, _)| times))?;
        let form = if accepts_gzip { "gzip" } else { "plain" };
        rows.push(
            Row::named(format!("list of {SESSIONS} sessions, {form}"))
                .times(&times)
                .rate(float(times.count), &window, cpu)
                .memory_of(&hub)?
                .note(format!("{AT_ONCE} at a time, {bytes} bytes each")),
        );
    }
    hub.stop().await?;
    Ok(rows)
}

async fn read(mut web: Web, window: Window) -> Result<(Times, usize)> {
    let mut times = Times::new()?;
    let mut bytes = 0;
    while !window.is_over() {
        let begun = Instant::now();
        bytes = web.get_length("/api/sessions").await?;
        if window.counts(Instant::now()) {
            times.note(begun.elapsed())?;
        }
    }
    Ok((times, bytes))
}
