//! People type: prompts posted over HTTP, each on its way to the CLI of its session.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    Options,
    cli::{self, Cli},
    report::{Row, Times, Window, float},
    web::{self, Web},
};

const AT_ONCE: usize = 32;
const DELIVERY_LIMIT: Duration = Duration::from_secs(10);

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub, AT_ONCE).await?;
    let jwt = web::sign_in(&hub).await?;
    let mut posters = Vec::new();
    for mut cli in cli::connect_all(&hub, &sessions).await? {
        cli.alive().await?;
        let session = cli.session.clone();
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(take_prompts(cli, tell));
        posters.push((Web::as_browser(&hub, &jwt).await?, session, heard));
    }
    let window = Window::starting_now(options.length());
    let posting = posters.into_iter().map(|(web, session, heard)| post(web, session, heard, window));
    let (posted, cpu) = tokio::try_join!(try_join_all(posting), window.watch(&hub))?;
    let lost = posted.iter().map(|part| part.lost).sum();
    let mut answered = Times::new()?;
    let mut delivered = Times::new()?;
    for part in posted {
        answered.add(&part.answered)?;
        delivered.add(&part.delivered)?;
    }
    let rows = vec![
        Row::named("prompts: post to delivery")
            .times(&delivered)
            .rate(float(delivered.count), &window, cpu)
            .lost(lost)
            .memory_of(&hub)?
            .note(format!("{AT_ONCE} at a time")),
        Row::named("prompts: post to answer").times(&answered).rate(float(answered.count), &window, cpu),
    ];
    hub.stop().await?;
    Ok(rows)
}

/// Plays the agent: takes every prompt at once. Ends with its socket.
async fn take_prompts(mut cli: Cli, tell: mpsc::UnboundedSender<(String, Instant)>) -> Result<()> {
    loop {
        let packet = cli.next().await?;
        let now = Instant::now();
        if !packet.contains(r#""t":"new-message""#) {
            continue;
        }
        let (_, rest) = packet.split_once(r#""localId":""#).context("a prompt without a local id")?;
        let local_id = rest.split('"').next().unwrap_or_default().to_owned();
        let taken = json!({ "sid": cli.session, "localIds": [local_id] });
        tell.send((local_id, now))?;
        cli.send(format!("42/cli,[\"messages-consumed\",{taken}]")).await?;
    }
}

struct Posted {
    answered: Times,
    delivered: Times,
    lost: u64,
}

async fn post(
    mut web: Web,
    session: String,
    mut heard: mpsc::UnboundedReceiver<(String, Instant)>,
    window: Window,
) -> Result<Posted> {
    let path = format!("/api/sessions/{session}/messages");
    let mut posted = Posted { answered: Times::new()?, delivered: Times::new()?, lost: 0 };
    let mut number = 0_u64;
    while !window.is_over() {
        number += 1;
        let local_id = format!("{session}-{number}");
        let body =
            json!({ "text": "Please run the tests again and tell me what fails.", "localId": local_id });
        let begun = Instant::now();
        web.post(&path, body.to_string()).await?;
        let answered = begun.elapsed();
        let arrived = tokio::time::timeout(DELIVERY_LIMIT, arrival(&mut heard, &local_id)).await;
        if !window.counts(Instant::now()) {
            continue;
        }
        posted.answered.note(answered)?;
        match arrived {
            Ok(at) => posted.delivered.note(at?.saturating_duration_since(begun))?,
            Err(_) => posted.lost += 1,
        }
    }
    Ok(posted)
}

/// Waits until the prompt has reached the CLI. Repeats of earlier ones are passed over.
async fn arrival(heard: &mut mpsc::UnboundedReceiver<(String, Instant)>, local_id: &str) -> Result<Instant> {
    while let Some((id, at)) = heard.recv().await {
        if id == local_id {
            return Ok(at);
        }
    }
    bail!("the CLI is gone")
}
