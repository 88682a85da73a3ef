//! The language model behind an address that speaks OpenAI's chat completions.

use std::time::Duration;

use awc::{
    Client,
    error::SendRequestError,
    http::header::{AUTHORIZATION, HeaderValue},
};
use serde_json::{Value, json};

use crate::{config::Title, domain::suggestion, outbound};

/// Far more than a title takes.
const LONGEST_ANSWER: usize = 256 * 1024;

const TASK: &str = "You name conversations between a person and a coding agent. Answer with one title of at most \
                    eight words, in the language of the conversation, that says what the work is about. No quotes, \
                    no full stop, nothing else.";

/// Why there is no suggestion. None of these texts repeats what was sent or received: both may hold the key.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("reach the title provider: {0}")]
    Unreachable(String),
    #[error("the title provider took too long")]
    TimedOut,
    #[error("the title provider answered {0}")]
    Refused(u16),
    #[error("the title provider's answer holds no title")]
    Unusable,
}

pub struct Provider {
    url: String,
    authorization: HeaderValue,
    model: String,
    max_tokens: u32,
    timeout: Duration,
    client: Client,
}

impl Provider {
    pub fn is_configured(config: &Title) -> bool {
        config.base_url.is_some() && config.api_key.is_some() && config.model.is_some()
    }

    /// Has to be called on the thread where it is used.
    pub fn new(config: &Title) -> Option<Self> {
        let url = completions(config.base_url.as_deref()?);
        let timeout = Duration::from_millis(*config.timeout_ms);
        let client = outbound::client(timeout, url.starts_with("https://"))?;
        let key = config.api_key.as_ref()?;
        Some(Self {
            url,
            authorization: outbound::secret_header(&format!("Bearer {}", key.expose()))?,
            model: config.model.value.clone()?,
            max_tokens: *config.max_tokens,
            timeout,
            client,
        })
    }

    /// A title for a conversation.
    pub fn ask(&self, transcript: &str) -> impl Future<Output = Result<String, ProviderError>> + 'static {
        let request = json!({
            "model": self.model,
            "messages": [
                { "role": "system", "content": TASK },
                { "role": "user", "content": transcript },
            ],
            "temperature": 0.2,
            "max_tokens": self.max_tokens,
        });
        let call = self
            .client
            .post(&self.url)
            .insert_header((AUTHORIZATION, self.authorization.clone()))
            .send_json(&request);
        let timeout = self.timeout;
        async move {
            let answer = async {
                let mut response = call.await.map_err(|error| match error {
                    SendRequestError::Timeout => ProviderError::TimedOut,
                    other => ProviderError::Unreachable(other.to_string()),
                })?;
                if !response.status().is_success() {
                    return Err(ProviderError::Refused(response.status().as_u16()));
                }
                let body =
                    response.body().limit(LONGEST_ANSWER).await.map_err(|_| ProviderError::Unusable)?;
                title(&body).ok_or(ProviderError::Unusable)
            };
            // The client's own limit ends with the head of the answer.
            tokio::time::timeout(timeout, answer).await.map_err(|_| ProviderError::TimedOut)?
        }
    }
}

fn title(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    suggestion::title_in(answer.pointer("/choices/0/message/content")?.as_str()?)
}

fn completions(base: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with("/chat/completions") { base.to_owned() } else { format!("{base}/chat/completions") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for base in ["https://x/v1", "https://x/v1/", "https://x/v1/chat/completions"] {
            assert_eq!(completions(base), "https://x/v1/chat/completions");
        }
    }

    #[test]
    fn an_answer_without_a_title_is_unusable() {
        assert_eq!(title(br#"{"choices":[{"message":{"content":"Fix it"}}]}"#).as_deref(), Some("Fix it"));
        for body in ["", "[]", r#"{"choices":[]}"#, r#"{"choices":[{"message":{"content":null}}]}"#] {
            assert_eq!(title(body.as_bytes()), None, "{body}");
        }
    }
}
