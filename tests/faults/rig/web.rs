//! A client of the REST surface on a bad line: no answer is an answer too.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

/// Longer than the hub takes on a bad line; shorter than it waits for a locked database.
const PATIENCE: Duration = Duration::from_secs(4);
const MUCH_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Web {
    address: String,
    token: String,
    client: Client,
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Web {
    pub fn new(address: &str, token: &str) -> Self {
        Self::within(address, token, PATIENCE)
    }

    /// One who waits for an answer of whatever kind.
    pub fn patient(&self) -> Self {
        Self::within(&self.address, &self.token, MUCH_PATIENCE)
    }

    fn within(address: &str, token: &str, patience: Duration) -> Self {
        let client = Client::builder().pool_max_idle_per_host(0).timeout(patience).build();
        Self { address: address.to_owned(), token: token.to_owned(), client: client.unwrap_or_default() }
    }

    /// `None`: the line was cut, or nobody answered in time.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Reply> {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        let request = request.bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.json().await.ok()?;
        Some(Reply { status, body })
    }

    pub async fn get(&self, path: &str) -> Option<Reply> {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Option<Reply> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Asks until somebody answers with 200.
    pub async fn insist(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        loop {
            if let Some(reply) = self.send(method.clone(), path, body).await
                && reply.status == 200
            {
                return reply.body;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// The same address for a person, who signs in first.
    pub async fn signed_in(address: &str, access_token: &str) -> Self {
        let guest = Self::new(address, "");
        let body = serde_json::json!({ "accessToken": access_token });
        let answer = guest.insist(Method::POST, "/api/auth", Some(&body)).await;
        Self::new(address, answer["token"].as_str().unwrap_or_default())
    }
}
