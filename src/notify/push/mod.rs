//! Web Push: a notice on its way to one browser by way of its push service.

mod address;
mod seal;
mod vapid;

use std::{cell::RefCell, collections::HashMap, time::Duration};

use awc::{
    Client,
    error::SendRequestError,
    http::header::{AUTHORIZATION, CONTENT_ENCODING, RETRY_AFTER},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use url::Url;

use super::Settings;
use crate::{
    clock::Clock,
    domain::{
        ids::Namespace,
        notice::{self, Notice, Verdict},
        push as endpoints,
    },
    identity::VapidKeys,
    outbound,
    store::push::Subscription,
};
use seal::BrowserKeys;
use vapid::Vapid;

/// Four weeks, in seconds: so long a push service keeps what it cannot hand over.
const KEPT: &str = "2419200";
/// The longest wait that a push service may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What the names of topics are limited to.
const TOPIC: usize = 32;

/// What is pushed, the same for every browser until it is sealed.
pub struct Push {
    payload: Vec<u8>,
    urgency: &'static str,
    topic: Option<String>,
}

impl Push {
    pub fn of(notice: &Notice) -> Self {
        // A push service that still holds an earlier one under this name replaces it. It learns nothing from the name.
        let topic = notice
            .tag()
            .map(|tag| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(tag)).chars().take(TOPIC).collect());
        let urgency = if notice.kind.is_urgent() { "high" } else { "normal" };
        Self { payload: notice::payload(notice), urgency, topic }
    }
}

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Taken,
    Gone,
    Refused,
    /// Not taken, for a reason that says nothing about the subscription.
    Lost,
}

/// Why an attempt came to nothing. None of these texts repeats an address or a key.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the keys of the subscription cannot be used")]
    Keys,
    #[error("the push service is not at an address that may be pushed to")]
    Address,
    #[error("the push service cannot be found")]
    Unknown,
    #[error("the push service cannot be reached")]
    Unreachable,
    #[error("the push service took too long")]
    TimedOut,
    #[error("the push cannot be signed")]
    Unsigned,
    #[error("the push service answered {status}")]
    Answered { status: u16, wait: Option<Duration> },
}

impl Failure {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Keys => Verdict::Refused,
            Self::Address | Self::Unsigned => Verdict::Lost,
            Self::Unknown | Self::Unreachable | Self::TimedOut => Verdict::Later,
            Self::Answered { status, .. } => Verdict::of(*status),
        }
    }
}

/// Clients kept before all are made anew.
const CROWD: usize = 1_024;

/// Sends pushes, on the thread where it was made.
pub struct Sender {
    /// Each namespace has connections of its own: push services that one has chosen do not hold up another's.
    clients: RefCell<HashMap<Namespace, Client>>,
    vapid: Vapid,
    settings: Settings,
    clock: Clock,
}

impl Sender {
    /// `None` when the hub's keys cannot sign.
    pub fn new(settings: Settings, clock: Clock, keys: &VapidKeys) -> Option<Self> {
        Some(Self {
            clients: RefCell::default(),
            vapid: Vapid::new(keys, &settings.subject)?,
            settings,
            clock,
        })
    }

    fn client(&self, namespace: &Namespace) -> Option<Client> {
        let mut clients = self.clients.borrow_mut();
        if let Some(client) = clients.get(namespace) {
            return Some(client.clone());
        }
        if clients.len() >= CROWD {
            clients.clear();
        }
        let client = outbound::client(self.settings.timeout, true)?;
        clients.insert(namespace.clone(), client.clone());
        Some(client)
    }

    /// Tries until the push service took it, will never take it, or was asked often enough.
    pub async fn send(&self, namespace: &Namespace, to: &Subscription, push: &Push) -> Fate {
        let Some(client) = self.client(namespace) else { return Fate::Lost };
        let mut pause = self.settings.retry;
        for number in 1..=self.settings.attempts.max(1) {
            let attempt = self.attempt(&client, number, to, push);
            let outcome =
                tokio::time::timeout(self.settings.timeout, attempt).await.unwrap_or(Err(Failure::TimedOut));
            let Err(failure) = outcome else { return Fate::Taken };
            let service = endpoints::service(&to.endpoint);
            tracing::debug!(service, number, %failure, "a push was not taken");
            match failure.verdict() {
                Verdict::Taken => return Fate::Taken,
                Verdict::Gone => return Fate::Gone,
                Verdict::Refused => return Fate::Refused,
                Verdict::Later if number < self.settings.attempts => {
                    let wait = match failure {
                        Failure::Answered { wait: Some(wait), .. } => {
                            wait.clamp(pause, LONGEST_WAIT.max(pause))
                        }
                        _ => pause,
                    };
                    tokio::time::sleep(wait).await;
                    pause *= 4;
                }
                Verdict::Later | Verdict::Lost => {
                    tracing::warn!(service, %failure, "a push is lost");
                    return Fate::Lost;
                }
            }
        }
        Fate::Lost
    }

    async fn attempt(
        &self,
        client: &Client,
        number: u32,
        to: &Subscription,
        push: &Push,
    ) -> Result<(), Failure> {
        let endpoint = Url::parse(&to.endpoint).map_err(|_| Failure::Address)?;
        let address = address::resolve(&endpoint, self.settings.allow_private, number).await?;
        let keys = BrowserKeys::read(&to.p256dh, &to.auth).ok_or(Failure::Keys)?;
        let sealed = seal::seal(&keys, &push.payload).ok_or(Failure::Keys)?;
        let authorization = self.vapid.authorization(&endpoint, self.clock.now()).ok_or(Failure::Unsigned)?;
        let mut request = client
            .post(endpoint.as_str())
            // What was looked at is what is called: the name is not looked up a second time.
            .address(address)
            .insert_header((AUTHORIZATION, authorization))
            .insert_header((CONTENT_ENCODING, "aes128gcm"))
            .insert_header(("TTL", KEPT))
            .insert_header(("Urgency", push.urgency))
            .content_type("application/octet-stream");
        if let Some(topic) = &push.topic {
            request = request.insert_header(("Topic", topic.as_str()));
        }
        let response = request.send_body(sealed).await.map_err(|error| match error {
            SendRequestError::Timeout => Failure::TimedOut,
            _ => Failure::Unreachable,
        })?;
        let status = response.status().as_u16();
        if Verdict::of(status) == Verdict::Taken {
            return Ok(());
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Failure::Answered { status, wait: seconds.map(Duration::from_secs) })
    }
}
