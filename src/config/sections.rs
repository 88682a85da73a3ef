//! The settings, section by section, as in `config/default.toml`, which explains each.

use std::path::PathBuf;

use super::{Ceiling, Error, HeaderNames, MimeTypes, Networks, Secret, Shown, Sourced, layers::Values};
use crate::domain::usage::Prices;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $section:literal { $($field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $(pub $field: Sourced<$kind>,)*
        }

        impl $name {
            pub(super) fn read(values: &Values) -> Result<Self, Error> {
                Ok(Self { $($field: values.get(concat!($section, ".", stringify!($field)))?,)* })
            }

            pub(super) fn show(&self) -> Vec<Shown> {
                vec![$(self.$field.show(concat!($section, ".", stringify!($field))),)*]
            }
        }
    )*};
}

sections! {
    /// Where the hub listens. Port 0 takes any free one; only the flag may ask for that.
    Listen = "listen" { host: String, port: u16, }
    /// Which proxies may say who the caller is, and where.
    Proxy = "proxy" { trusted: Networks, headers: HeaderNames, }
    /// The program that makes the hub reachable from outside.
    Tunnel = "tunnel" {
        command: Option<String>, arguments: Vec<String>, token: Option<Secret>, address_within_ms: u64,
    }
    /// Tokens; `jwt_ttl` in seconds.
    Auth = "auth" { base_token: Option<Secret>, jwt_ttl: i64, legacy_handshake: bool, }
    /// How many wrong tokens an address may try.
    Login = "login" { failures: u32, window_seconds: u64, }
    Telegram = "telegram" { bot_token: Option<Secret>, }
    Terminal = "terminal" { max: usize, idle_ms: u64, }
    Events = "events" { heartbeat_ms: u64, write_timeout_ms: u64, }
    /// How much of the past a browser can catch up with.
    Journal = "journal" { max_rows: u64, max_bytes: u64, max_age_days: u32, tail_frames: usize, tail_bytes: usize, }
    /// Sizes, and how much of the hub one namespace, one token and one address may have.
    Limits = "limits" {
        body_bytes: usize,
        frame_bytes: usize,
        connections: Ceiling,
        streams: Ceiling,
        streams_per_namespace: Ceiling,
        streams_per_token: Ceiling,
        links: Ceiling,
        links_per_namespace: Ceiling,
        links_per_token: Ceiling,
        links_of_strangers: Ceiling,
        links_per_address: Ceiling,
        inflight_bytes: Ceiling,
        inflight_bytes_per_namespace: Ceiling,
        inflight_bytes_per_token: Ceiling,
        inflight_bytes_of_strangers: Ceiling,
        inflight_bytes_per_address: Ceiling,
        body_stall_ms: u64,
        rate_per_namespace: Ceiling,
        burst_per_namespace: u32,
        rate_per_token: Ceiling,
        burst_per_token: u32,
        rate_per_address: Ceiling,
        burst_per_address: u32,
    }
    /// What may be attached to notes.
    Scratchlist = "scratchlist" {
        attachment_bytes: u64, attachments_per_entry: usize, entry_bytes: u64, session_bytes: u64,
        mime_types: MimeTypes,
    }
    Actors = "actors" { passivate_after_ms: u64, }
    /// What models cost: the first list is looked at before the second.
    Usage = "usage" { prices: Prices, list_prices: Prices, }
    /// The language model that suggests titles; without address, key and model there is none.
    Title = "title" {
        base_url: Option<String>,
        api_key: Option<Secret>,
        model: Option<String>,
        max_tokens: u32,
        timeout_ms: u64,
        rate_limit: usize,
        rate_window_ms: u64,
    }
    /// Pushes to browsers.
    Push = "push" {
        subject: Option<String>,
        allow_private: bool,
        details: bool,
        timeout_ms: u64,
        attempts: u32,
        retry_ms: u64,
    }
    /// Providers of dictation and the voice assistant. People may add the keys that are not set here.
    Voice = "voice" {
        openai_api_key: Option<Secret>,
        elevenlabs_api_key: Option<Secret>,
        deepgram_api_key: Option<Secret>,
        groq_api_key: Option<Secret>,
        gemini_api_key: Option<Secret>,
        dashscope_api_key: Option<Secret>,
        transcription_base_url: Option<String>,
        transcription_model: Option<String>,
        transcription_api_key: Option<Secret>,
        backend: Option<String>,
        openai_url: String,
        elevenlabs_url: String,
        deepgram_url: String,
        groq_url: String,
        timeout_ms: u64,
    }
    /// A folder that takes the place of the built-in web app.
    Web = "web" { dir: Option<PathBuf>, }
    Log = "log" { filter: String, json: bool, }
    Stop = "stop" { drain_ms: u64, }
}
