//! One kept-alive HTTP/1.1 connection.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{
    Method, Request, Response,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::hub::Hub;

pub struct Web {
    sender: http1::SendRequest<Full<Bytes>>,
    authorization: HeaderValue,
    host: HeaderValue,
    pub accepts_gzip: bool,
}

impl Web {
    pub async fn connect(port: u16, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            authorization: HeaderValue::from_str(&format!("Bearer {token}"))?,
            host: HeaderValue::from_str(&format!("127.0.0.1:{port}"))?,
            accepts_gzip: false,
        })
    }

    /// As a browser calls that has signed in.
    pub async fn as_browser(hub: &Hub, jwt: &str) -> Result<Self> {
        Self::connect(hub.port, jwt).await
    }

    pub async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.host.clone())
            .header(AUTHORIZATION, self.authorization.clone());
        if self.accepts_gzip {
            request = request.header(ACCEPT_ENCODING, "gzip");
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(body))?).await?)
    }

    pub async fn get(&mut self, path: &str) -> Result<(u16, Bytes)> {
        let response = self.send(Method::GET, path, Bytes::new()).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// The length of a good answer, without keeping it.
    pub async fn get_length(&mut self, path: &str) -> Result<usize> {
        let response = self.send(Method::GET, path, Bytes::new()).await?;
        if response.status() != 200 {
            bail!("{path} answered {}", response.status());
        }
        let mut body = response.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(length)
    }

    pub async fn get_json(&mut self, path: &str) -> Result<Value> {
        let (status, body) = self.get(path).await?;
        if status != 200 {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    pub async fn post(&mut self, path: &str, body: String) -> Result<Bytes> {
        let response = self.send(Method::POST, path, body.into()).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        if status != 200 {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }
}

/// Exchanges the base token for a web token.
pub async fn sign_in(hub: &Hub) -> Result<String> {
    sign_in_with(hub, &hub.token).await
}

pub async fn sign_in_with(hub: &Hub, token: &str) -> Result<String> {
    let mut web = Web::connect(hub.port, "").await?;
    let answer = web.post("/api/auth", json!({ "accessToken": token }).to_string()).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    Ok(answer.get("token").and_then(Value::as_str).context("no token in the answer")?.to_owned())
}

/// Makes sessions, several at a time, and answers their ids.
pub async fn create_sessions(hub: &Hub, count: usize) -> Result<Vec<String>> {
    create_sessions_with(hub, &hub.token, count).await
}

pub async fn create_sessions_with(hub: &Hub, token: &str, count: usize) -> Result<Vec<String>> {
    const CONNECTIONS: usize = 8;
    let makers = (0..CONNECTIONS.min(count)).map(|first| async move {
        let mut web = Web::connect(hub.port, token).await?;
        let mut ids = Vec::new();
        for number in (first..count).step_by(CONNECTIONS) {
            let body = crate::content::new_session(number);
            let answer: Value = serde_json::from_slice(&web.post("/cli/sessions", body).await?)?;
            let id = answer.pointer("/session/id").and_then(Value::as_str).context("no session id")?;
            ids.push(id.to_owned());
        }
        anyhow::Ok(ids)
    });
    Ok(futures_util::future::try_join_all(makers).await?.concat())
}
