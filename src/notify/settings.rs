//! What people may set about notices, checked.

use std::time::Duration;

use crate::config::Config;

/// For push services, when nobody said who runs the hub. They only want to see that it is an address.
const NOBODY: &str = "mailto:admin@example.com";

#[derive(Clone, Debug)]
pub struct Settings {
    pub subject: String,
    pub allow_private: bool,
    pub has_details: bool,
    /// The longest wait for one answer.
    pub timeout: Duration,
    pub attempts: u32,
    /// The wait before the second attempt.
    pub retry: Duration,
}

impl Settings {
    pub fn of(config: &Config) -> Self {
        let public = Some(config.public_url.value.clone()).filter(|url| url.starts_with("https://"));
        Self {
            subject: config.push.subject.value.clone().or(public).unwrap_or_else(|| NOBODY.to_owned()),
            allow_private: *config.push.allow_private,
            has_details: *config.push.details,
            timeout: Duration::from_millis(*config.push.timeout_ms),
            attempts: *config.push.attempts,
            retry: Duration::from_millis(*config.push.retry_ms),
        }
    }
}
