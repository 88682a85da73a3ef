//! A client of the REST surface.

use std::net::IpAddr;

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

use super::log::within;

#[derive(Clone)]
pub struct Web {
    pub address: String,
    pub token: Option<String>,
    client: Client,
}

/// An answer, read to its end. A body that is no JSON is a JSON string.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Web {
    pub fn new(address: &str) -> Self {
        Self::with_client(address, |client| client)
    }

    /// A client that speaks HTTP/2 from the first byte.
    pub fn over_http2(address: &str) -> Self {
        Self::with_client(address, ClientBuilder::http2_prior_knowledge)
    }

    /// A client on this address of the computer.
    pub fn from_address(address: &str, from: IpAddr) -> Self {
        Self::with_client(address, |client| client.local_address(from))
    }

    fn with_client(address: &str, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        // One client for each, without connections kept for later: a stop waits for those.
        let client = Client::builder().no_gzip().pool_max_idle_per_host(0);
        let client = change(client).build().unwrap();
        Self { address: address.to_owned(), token: None, client }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn answer(&self, request: RequestBuilder) -> Answer {
        within("an answer", async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let bytes = response.bytes().await.unwrap().to_vec();
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            Answer { status, headers, body, bytes }
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.answer(self.request(method, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.answer(self.request(Method::DELETE, path)).await
    }

    /// A body as it is, whether JSON or not.
    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        self.answer(self.request(Method::POST, path).body(body.to_owned())).await
    }

    /// One session as everybody sees it.
    pub async fn session(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/sessions/{id}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["session"].clone()
    }

    /// Says something to an agent.
    pub async fn prompt(&self, session: &str, body: &Value) -> Answer {
        self.post(&format!("/api/sessions/{session}/messages"), body).await
    }

    /// The newest messages of a session.
    pub async fn messages(&self, session: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/sessions/{session}/messages?limit=200")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["messages"].as_array().unwrap().clone()
    }

    /// Asks again and again until the answer is as wanted.
    pub async fn until(&self, path: &str, what: &str, is_there: impl Fn(&Answer) -> bool) -> Answer {
        within(what, async {
            loop {
                let answer = self.get(path).await;
                if is_there(&answer) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}
