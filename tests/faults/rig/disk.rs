//! What becomes of a hub whose disk is full, whose database is locked, or whose file may not be written.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    HubProcess, Limits, Web,
    hub::{ORDINARY, is_root},
    socket::{Frame, Socket},
};

/// Room for the database and some prompts.
const ROOM: u64 = 3 * 1024 * 1024;

/// Each case with what came of it.
pub async fn all() -> Vec<(&'static str, Result<()>)> {
    vec![
        ("a full disk", full().await),
        ("a locked database", locked().await),
        ("a file that may only be read", read_only().await),
    ]
}

struct Scene {
    hub: HubProcess,
    web: Web,
    session: String,
    socket: Socket,
}

impl Scene {
    async fn new(home: &Path, limits: Limits) -> Result<Self> {
        let mut hub = HubProcess::new(home, limits)?;
        hub.start().await?;
        let token = hub.token()?;
        let agent = Web::new(&hub.address, &token);
        let new = json!({ "tag": "t", "metadata": { "path": "/srv", "host": "box", "flavor": "claude" } });
        let made = agent.insist(Method::POST, "/cli/sessions", Some(&new)).await;
        let session = made["session"]["id"].as_str().context("a session")?.to_owned();
        let auth = json!({ "token": token, "sessionId": session });
        let mut socket = Socket::connect(&hub.address, &auth).await.context("a socket")?;
        alive(&mut socket, &session).await?;
        let web = Web::signed_in(&hub.address, &token).await.patient();
        Ok(Self { hub, web, session, socket })
    }

    async fn prompt(&self, local_id: &str, length: usize) -> Result<(u16, Value)> {
        let body = json!({ "text": format!("{local_id} {}", noise(length)), "localId": local_id });
        let path = format!("/api/sessions/{}/messages", self.session);
        let reply = self.web.post(&path, &body).await.context("an answer to a prompt")?;
        Ok((reply.status, reply.body))
    }

    /// The local ids of all prompts, in their order.
    async fn prompts(&self) -> Result<Vec<String>> {
        let path = format!("/api/sessions/{}/messages?limit=200", self.session);
        let reply = self.web.get(&path).await.context("a page")?;
        ensure!(reply.status == 200, "a page is answered with {reply:?}");
        let rows = reply.body["messages"].as_array().cloned().unwrap_or_default();
        Ok(rows.iter().filter_map(|row| row["localId"].as_str().map(str::to_owned)).collect())
    }

    async fn still_reads(&self) -> Result<()> {
        for path in ["/health", "/api/sessions", "/api/machines"] {
            let reply = self.web.get(path).await.context("an answer")?;
            ensure!(reply.status == 200, "{path} is answered with {reply:?}");
        }
        Ok(())
    }

    async fn until_prompted(&self, local_id: &str) -> Result<()> {
        for _ in 0..200 {
            if self.prompt(local_id, 10).await?.0 == 200 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("it does not recover by itself")
    }
}

async fn alive(socket: &mut Socket, session: &str) -> Result<()> {
    let since = std::time::UNIX_EPOCH.elapsed()?.as_millis();
    let beat = json!({ "sid": session, "time": u64::try_from(since)? });
    socket.emit("session-alive", &beat).await.context("a heartbeat")?;
    let asked = socket.ask("ping", &Value::Null).await.context("a barrier")?;
    until_acknowledged(socket, asked).await.context("the barrier")
}

async fn until_acknowledged(socket: &mut Socket, asked: u64) -> Option<()> {
    loop {
        if matches!(socket.next().await?, Frame::Ack { number, .. } if number == asked) {
            return Some(());
        }
    }
}

/// Text that does not pack well.
fn noise(length: usize) -> String {
    let mut state = 0x9e37_79b9_u64;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap_or_default())
        })
        .collect()
}

/// Writes are refused in words, reads go on, nothing that was acknowledged is lost, and room alone is enough to recover.
async fn full() -> Result<()> {
    let home = tempfile::tempdir()?;
    let limits = Limits { file_bytes: Some(ROOM), ..Limits::default() };
    let mut scene = Scene::new(home.path(), limits).await?;
    let mut kept = Vec::new();
    let refusal = loop {
        ensure!(kept.len() < 200, "the disk is never full");
        let local_id = format!("p{}", kept.len());
        let (status, body) = scene.prompt(&local_id, 60_000).await?;
        if status != 200 {
            break (status, body);
        }
        kept.push(local_id);
    };
    ensure!(
        refusal.0 == 503 && refusal.1["code"] == "unavailable" && refusal.1["error"].is_string(),
        "a full disk is told as {refusal:?}"
    );
    scene.still_reads().await?;
    ensure!(scene.prompts().await? == kept, "what was acknowledged is not what is there");

    // A message has no answer of its own: the barrier behind it waits until it is stored.
    let text = format!("said {}", noise(60_000));
    let message =
        json!({ "role": "agent", "content": { "type": "output", "data": { "type": "text", "text": text } } });
    scene.socket.emit("message", &json!({ "sid": scene.session, "message": message })).await;
    let asked = scene.socket.ask("ping", &Value::Null).await.context("a barrier")?;
    let early =
        tokio::time::timeout(Duration::from_secs(2), until_acknowledged(&mut scene.socket, asked)).await;
    ensure!(early.is_err(), "a message was acknowledged that cannot be stored");
    scene.still_reads().await?;

    let id = scene.hub.id().context("a process")?.to_string();
    ensure!(Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited"]).status()?.success(), "prlimit");
    let late =
        tokio::time::timeout(Duration::from_secs(10), until_acknowledged(&mut scene.socket, asked)).await;
    ensure!(matches!(late, Ok(Some(()))), "the message is not stored after room was made");
    scene.until_prompted("after").await?;
    kept.push("after".to_owned());
    ensure!(scene.prompts().await? == kept, "what was acknowledged is not what is there after it recovered");

    scene.hub.kill();
    scene.hub.set_limits(Limits::default());
    scene.hub.start().await?;
    ensure!(scene.prompts().await? == kept, "what was acknowledged is not what is there after a restart");
    let page = scene.web.get(&format!("/api/sessions/{}/messages?limit=200", scene.session)).await;
    let page = page.context("a page")?.body["messages"].to_string();
    ensure!(page.matches(&text).count() == 1, "the message is there {} times", page.matches(&text).count());
    scene.hub.stop().await
}

/// Somebody else holds the write lock for longer than the hub waits.
async fn locked() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut scene = Scene::new(home.path(), Limits::default()).await?;
    ensure!(scene.prompt("before", 10).await?.0 == 200, "a prompt before");
    let database = home.path().join("wheelhouse.db");
    let mut other = SqliteConnection::establish(&database.to_string_lossy())?;
    other.batch_execute("BEGIN IMMEDIATE")?;
    let (status, body) = scene.prompt("meanwhile", 10).await?;
    ensure!(status == 503 && body["code"] == "unavailable", "a locked database is told as {status} {body}");
    scene.still_reads().await?;
    ensure!(scene.prompts().await? == ["before"], "what was refused is there");
    other.batch_execute("ROLLBACK")?;
    drop(other);
    scene.until_prompted("meanwhile").await?;
    ensure!(scene.prompts().await? == ["before", "meanwhile"], "what was acknowledged is not there");
    scene.hub.stop().await
}

/// A file that may only be read is told at the start, in one line, and is left as it is.
async fn read_only() -> Result<()> {
    let home = tempfile::tempdir()?;
    if is_root() {
        std::os::unix::fs::chown(home.path(), Some(ORDINARY), Some(ORDINARY))?;
    }
    let limits = Limits { is_ordinary: true, ..Limits::default() };
    let mut scene = Scene::new(home.path(), limits).await?;
    ensure!(scene.prompt("before", 10).await?.0 == 200, "a prompt before");
    scene.hub.stop().await?;
    let database = home.path().join("wheelhouse.db");
    let allow = |mode| std::fs::set_permissions(&database, std::fs::Permissions::from_mode(mode));
    allow(0o400)?;
    let before = std::fs::read(&database)?;
    let said = scene.hub.refused()?;
    ensure!(
        said.lines().count() == 1 && said.contains("wheelhouse.db may not be written"),
        "a file that may only be read is told as {said}"
    );
    ensure!(std::fs::read(&database)? == before, "the file was changed");
    allow(0o600)?;
    scene.hub.start().await?;
    ensure!(scene.prompts().await? == ["before"], "what was acknowledged is not there");
    scene.hub.stop().await
}
