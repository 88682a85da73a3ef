//! A scripted CLI: Socket.IO packets written by hand over a plain websocket.

use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

use crate::hub::Hub;

pub struct Cli {
    socket: WebSocketStream<TcpStream>,
    pub session: String,
    next_ack: u64,
}

impl Cli {
    pub async fn connect(hub: &Hub, session: &str) -> Result<Self> {
        Self::connect_with(hub, &hub.token, session).await
    }

    pub async fn connect_with(hub: &Hub, token: &str, session: &str) -> Result<Self> {
        Self::connect_to(hub.port, token, session).await
    }

    pub async fn connect_to(port: u16, token: &str, session: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let config = WebSocketConfig::default().read_buffer_size(16 * 1024);
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        let mut cli = Self { socket, session: session.to_owned(), next_ack: 0 };
        let hello = cli.next().await?;
        if !hello.starts_with('0') {
            bail!("expected the open packet, got {hello}");
        }
        let auth = json!({ "token": token, "clientType": "session-scoped", "sessionId": session });
        cli.send(format!("40/cli,{auth}")).await?;
        let joined = cli.next().await?;
        if !joined.starts_with("40/cli,") {
            bail!("the hub refused the connection: {joined}");
        }
        Ok(cli)
    }

    pub async fn send(&mut self, packet: impl Into<Utf8Bytes>) -> Result<()> {
        Ok(self.socket.send(Message::Text(packet.into())).await?)
    }

    /// Like `send`, but the packet may wait for the next flush.
    pub async fn feed(&mut self, packet: impl Into<Utf8Bytes>) -> Result<()> {
        Ok(self.socket.feed(Message::Text(packet.into())).await?)
    }

    /// The next packet. Engine pings are answered on the way.
    pub async fn next(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.socket.next().await.context("the hub closed the socket")?? {
                Message::Text(text) if text.as_str() == "2" => self.send("3").await?,
                Message::Text(text) => return Ok(text),
                Message::Close(_) => bail!("the hub closed the socket"),
                _ => {}
            }
        }
    }

    /// Sends an event that wants an answer, and says under which number the answer comes.
    pub async fn ask(&mut self, event: &str, payload: &str) -> Result<u64> {
        let id = self.next_ack;
        self.next_ack += 1;
        let comma = if payload.is_empty() { "" } else { "," };
        self.send(format!("42/cli,{id}[\"{event}\"{comma}{payload}]")).await?;
        Ok(id)
    }

    /// Waits for an answer; other packets on the way are passed over.
    pub async fn answer(&mut self, id: u64) -> Result<Utf8Bytes> {
        let start = format!("43/cli,{id}[");
        loop {
            let packet = self.next().await?;
            if packet.starts_with(&start) {
                return Ok(packet);
            }
        }
    }

    /// Returns when everything sent before is stored.
    pub async fn barrier(&mut self) -> Result<()> {
        let id = self.ask("ping", "").await?;
        self.answer(id).await?;
        Ok(())
    }

    /// Says that the session lives, and waits until the hub has heard it.
    pub async fn alive(&mut self) -> Result<()> {
        let now = u64::try_from(UNIX_EPOCH.elapsed()?.as_millis())?;
        let payload = json!({ "sid": self.session, "time": now, "thinking": false, "mode": "remote" });
        self.send(format!("42/cli,[\"session-alive\",{payload}]")).await?;
        self.barrier().await
    }
}

/// One CLI for each session.
pub async fn connect_all(hub: &Hub, sessions: &[String]) -> Result<Vec<Cli>> {
    futures_util::future::try_join_all(sessions.iter().map(|session| Cli::connect(hub, session))).await
}
