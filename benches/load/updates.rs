//! Versioned writes of the agent's state, one in flight for each CLI.

use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use crate::{
    Options,
    cli::{self, Cli},
    content,
    report::{Row, Times, Window, float},
    web,
};

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, options.sockets.into()).await?;
    let clis = cli::connect_all(&hub, &sessions).await?;
    let window = Window::starting_now(options.length());
    let writers = clis.into_iter().map(|cli| write(cli, window));
    let (written, cpu) = tokio::try_join!(try_join_all(writers), window.watch(&hub))?;
    let refused = written.iter().map(|(_, refused)| refused).sum();
    let times = Times::all(written.into_iter().map(|(times, _)| times))?;
    let row = Row::named("updates")
        .times(&times)
        .rate(float(times.count), &window, cpu)
        .lost(refused)
        .memory_of(&hub)?
        .note(format!("{} sockets, one in flight each", options.sockets));
    hub.stop().await?;
    Ok(vec![row])
}

async fn write(mut cli: Cli, window: Window) -> Result<(Times, u64)> {
    let mut times = Times::new()?;
    let mut refused = 0;
    let mut version = 1_u64;
    while !window.is_over() {
        let state = content::agent_state(version);
        let payload =
            format!(r#"{{"sid":"{}","expectedVersion":{version},"agentState":{state}}}"#, cli.session);
        let begun = Instant::now();
        let id = cli.ask("update-state", &payload).await?;
        let answer = cli.answer(id).await?;
        if answer.contains(r#""result":"success""#) {
            if window.counts(Instant::now()) {
                times.note(begun.elapsed())?;
            }
        } else {
            refused += 1;
        }
        version = told_version(&answer).context("the answer names no version")?;
    }
    Ok((times, refused))
}

fn told_version(answer: &str) -> Option<u64> {
    let (_, rest) = answer.split_once(r#""version":"#)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
