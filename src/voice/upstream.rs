//! One call to a provider: bounded in time and size, and without its words in ours, since those may repeat the key.

use std::{cell::OnceCell, time::Duration};

use awc::{
    Client, ClientRequest, SendClientRequest,
    error::SendRequestError,
    http::{
        Method,
        header::{AUTHORIZATION, HeaderName},
    },
};
use serde_json::Value;
use url::Url;

use super::Voice;
use crate::{config::Secret, outbound};

/// A long recording, with a time for each of its words.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("cannot be reached")]
    Unreachable(#[source] Box<SendRequestError>),
    #[error("took too long")]
    TimedOut,
    #[error("answered {0}")]
    Refused(u16),
    #[error("gave an answer that cannot be used")]
    Unusable,
    #[error("cannot be called: its address or key cannot be used")]
    Misconfigured,
}

/// Calls providers from the thread it is made on. What it takes is made at the first call.
pub struct Upstream {
    timeout: Duration,
    client: OnceCell<Option<Client>>,
}

/// How a provider wants its key.
pub enum Scheme {
    Bearer,
    /// Deepgram's.
    Token,
    /// ElevenLabs'.
    Header,
}

impl Upstream {
    pub fn new(voice: &Voice) -> Self {
        Self { timeout: voice.patience(), client: OnceCell::new() }
    }

    /// A request to a path below a provider's address.
    pub fn request(
        &self,
        method: Method,
        (base, path): (&str, &str),
        query: &[(&str, &str)],
        key: Option<(Scheme, &Secret)>,
    ) -> Result<ClientRequest, UpstreamError> {
        let url = address(base, path, query).ok_or(UpstreamError::Misconfigured)?;
        let client = self.client.get_or_init(|| outbound::client(self.timeout, true));
        let client = client.as_ref().ok_or(UpstreamError::Misconfigured)?;
        let request = client.request(method, url.as_str());
        let Some((scheme, key)) = key else { return Ok(request) };
        let key = key.expose();
        let (name, text) = match scheme {
            Scheme::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
            Scheme::Token => (AUTHORIZATION, format!("Token {key}")),
            Scheme::Header => (HeaderName::from_static("xi-api-key"), key.to_owned()),
        };
        let value = outbound::secret_header(&text).ok_or(UpstreamError::Misconfigured)?;
        Ok(request.insert_header((name, value)))
    }
}

/// The JSON that a provider answers, from the first byte sent to the last one read within `limit`.
pub async fn answer(call: SendClientRequest, limit: Duration) -> Result<Value, UpstreamError> {
    // The client's own limit ends with the head of the answer.
    let answer = async {
        let mut response = call.await.map_err(|error| match error {
            SendRequestError::Timeout => UpstreamError::TimedOut,
            other => UpstreamError::Unreachable(Box::new(other)),
        })?;
        if !response.status().is_success() {
            return Err(UpstreamError::Refused(response.status().as_u16()));
        }
        let body = response.body().limit(LONGEST_ANSWER).await.map_err(|_| UpstreamError::Unusable)?;
        serde_json::from_slice(&body).map_err(|_| UpstreamError::Unusable)
    };
    tokio::time::timeout(limit, answer).await.map_err(|_| UpstreamError::TimedOut)?
}

fn address(base: &str, path: &str, query: &[(&str, &str)]) -> Option<Url> {
    let mut url = Url::parse(&format!("{}/{path}", base.trim_end_matches('/'))).ok()?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_behind_the_address() {
        let url = |base, query| address(base, "listen", query).unwrap().to_string();
        assert_eq!(url("https://x/v1/", &[]), "https://x/v1/listen");
        assert_eq!(url("https://x", &[("model", "a b&c")]), "https://x/listen?model=a+b%26c");
        assert!(address("nowhere", "listen", &[]).is_none());
    }
}
