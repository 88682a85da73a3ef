//! A browser asks for a file listing: HTTP to the hub, on to the CLI, and back.

use std::time::Instant;

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::{
    Options,
    cli::{self, Cli},
    hub::Hub,
    report::{Row, Times, Window, float},
    web::{self, Web},
};

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for at_once in [32, 1] {
        let (hub, _home) = options.fresh_hub().await?;
        let sessions = web::create_sessions(&hub, at_once).await?;
        for mut cli in cli::connect_all(&hub, &sessions).await? {
            cli.alive().await?;
            cli.send(format!("42/cli,[\"rpc-register\",{{\"method\":\"{}:git-status\"}}]", cli.session))
                .await?;
            cli.barrier().await?;
            tokio::spawn(answer_requests(cli));
        }
        rows.push(measure(options, &hub, &sessions).await?);
        hub.stop().await?;
    }
    Ok(rows)
}

async fn measure(options: &Options, hub: &Hub, sessions: &[String]) -> Result<Row> {
    let jwt = web::sign_in(hub).await?;
    let webs = try_join_all(sessions.iter().map(|_| Web::as_browser(hub, &jwt))).await?;
    let window = Window::starting_now(options.length());
    let asking = webs.into_iter().zip(sessions).map(|(web, session)| ask(web, session, window));
    let (asked, cpu) = tokio::try_join!(try_join_all(asking), window.watch(hub))?;
    let lost = asked.iter().map(|(_, lost)| lost).sum();
    let times = Times::all(asked.into_iter().map(|(times, _)| times))?;
    Row::named(format!("rpc: {} at a time", sessions.len()))
        .times(&times)
        .rate(float(times.count), &window, cpu)
        .lost(lost)
        .note("HTTP to CLI and back")
        .memory_of(hub)
}

/// Plays the CLI: answers every request with the status of an unchanged tree. Ends with its socket.
async fn answer_requests(mut cli: Cli) -> Result<()> {
    let status =
        serde_json::json!({ "success": true, "stdout": "# branch.head main", "stderr": "", "exitCode": 0 });
    // The answer is a text that holds JSON.
    let status = serde_json::json!([status.to_string()]);
    loop {
        let packet = cli.next().await?;
        let id = packet.strip_prefix("42/cli,").and_then(|rest| rest.split_once("[\"rpc-request\""));
        if let Some((id, _)) = id {
            cli.send(format!("43/cli,{id}{status}")).await?;
        }
    }
}

async fn ask(mut web: Web, session: &str, window: Window) -> Result<(Times, u64)> {
    let path = format!("/api/sessions/{session}/git-status");
    let mut times = Times::new()?;
    let mut lost = 0;
    while !window.is_over() {
        let begun = Instant::now();
        let (status, body) = web.get(&path).await?;
        let is_right = status == 200 && memchr::memmem::find(&body, b"branch.head main").is_some();
        if !is_right {
            lost += 1;
        } else if window.counts(Instant::now()) {
            times.note(begun.elapsed())?;
        }
    }
    Ok((times, lost))
}
