//! What the hub keeps in memory when nothing happens.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Method;
use http_body_util::BodyExt;

use crate::{
    Options, cli,
    hub::Hub,
    report::{Row, float, megabytes},
    web::{self, Web},
};

const SESSIONS: usize = 2_000;
const CONNECTIONS: usize = 500;
/// Memory is read when it has not moved for so long.
const STEADY: Duration = Duration::from_millis(600);
const STEADY_TRIES: u32 = 10;

pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let (hub, _home) = options.fresh_hub().await?;
    let empty = settled(&hub).await?;
    let mut rows = vec![Row::named("memory: empty hub").memory_of(&hub)?];

    // The first of everything pays for code and pools; it is not what the next one costs.
    let first = web::create_sessions(&hub, 1).await?;
    drop(cli::connect_all(&hub, &first).await?);
    let jwt = web::sign_in(&hub).await?;
    drop(open_stream(&hub, &jwt).await?);
    let warm = settled(&hub).await?.max(empty);

    let streams = try_join_all((0..CONNECTIONS).map(|_| open_stream(&hub, &jwt))).await?;
    let with_streams = settled(&hub).await?;
    rows.push(each("memory: idle event stream", warm, with_streams, streams.len(), &hub)?);
    drop(streams);

    let (hub_of_clis, _home) = options.fresh_hub().await?;
    let sessions = web::create_sessions(&hub_of_clis, CONNECTIONS).await?;
    drop(cli::connect_all(&hub_of_clis, sessions.get(..1).unwrap_or_default()).await?);
    let before = settled(&hub_of_clis).await?;
    let clis = cli::connect_all(&hub_of_clis, &sessions).await?;
    let after = settled(&hub_of_clis).await?;
    rows.push(each("memory: idle CLI", before, after, clis.len(), &hub_of_clis)?);
    drop(clis);
    hub_of_clis.stop().await?;

    let (hub_of_sessions, _home) = options.fresh_hub().await?;
    web::create_sessions(&hub_of_sessions, 100).await?;
    let before = settled(&hub_of_sessions).await?;
    // The first hundred answer to their tags and are not made again.
    web::create_sessions(&hub_of_sessions, SESSIONS + 100).await?;
    let after = settled(&hub_of_sessions).await?;
    rows.push(each("memory: stored session", before, after, SESSIONS, &hub_of_sessions)?);
    hub_of_sessions.stop().await?;
    hub.stop().await?;
    Ok(rows)
}

/// A stream of all events, past its first frame.
async fn open_stream(hub: &Hub, jwt: &str) -> Result<(Web, hyper::body::Incoming)> {
    let mut web = Web::as_browser(hub, jwt).await?;
    let mut body = web.send(Method::GET, "/api/events?all=true", Bytes::new()).await?.into_body();
    body.frame().await.transpose()?;
    Ok((web, body))
}

/// The memory once it has stopped moving, or what it is after some seconds.
async fn settled(hub: &Hub) -> Result<u64> {
    let mut last = hub.usage()?.resident;
    for _ in 0..STEADY_TRIES {
        tokio::time::sleep(STEADY).await;
        let now = hub.usage()?.resident;
        if now.abs_diff(last) < 128 * 1024 {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

fn each(name: &str, before: u64, after: u64, count: usize, hub: &Hub) -> Result<Row> {
    let grown = megabytes(after.saturating_sub(before));
    let kilobytes = grown * 1_024.0 / float(u64::try_from(count)?.max(1));
    Row::named(name).note(format!("{kilobytes:.1} KB each, of {count}")).memory_of(hub)
}
