//! Bodies about what agents consumed. The first eight numbers of a row are the released ones; costs and sessions are
//! ours.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    ids::Millis,
    usage::{Breakdown, Tally},
};

/// Sessions that are told apart: those that consumed most.
const SESSIONS: usize = 200;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageSummary {
    pub range: UsageRange,
    pub totals: UsageTotals,
    /// By calendar day of the time zone asked for, oldest first.
    pub daily: Vec<UsageRow>,
    /// Those that consumed most first, as in all further tables.
    pub by_agent: Vec<UsageRow>,
    pub by_model: Vec<UsageRow>,
    /// At most 200.
    pub by_session: Vec<UsageSessionRow>,
    /// Epoch milliseconds.
    pub updated_at: i64,
    /// False when there was more to read than time; asking again goes on.
    pub is_complete: bool,
}

#[derive(Serialize, ToSchema)]
pub struct UsageRange {
    /// Epoch milliseconds; `null` for the beginning of time.
    #[schema(required)]
    pub from: Option<i64>,
    pub to: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageCounts {
    /// What was read from and written to the cache is part of it.
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cache_read_tokens: i64,
    pub cache_creation_tokens: i64,
    /// Input and output.
    pub total_tokens: i64,
    /// Without what was read from the cache.
    pub uncached_tokens: i64,
    pub requests: i64,
    /// US dollars, for everything whose model has a known price; `null` when nothing has.
    #[schema(required)]
    pub cost_usd: Option<f64>,
    /// Tokens of models without a known price, which the cost lacks.
    pub unpriced_tokens: i64,
}

#[derive(Serialize, ToSchema)]
pub struct UsageTotals {
    #[serde(flatten)]
    pub counts: UsageCounts,
    /// How many sessions consumed anything.
    pub sessions: usize,
}

#[derive(Serialize, ToSchema)]
pub struct UsageRow {
    /// A day like `2026-11-20`, an agent, or a model (`unknown` when none was told).
    pub key: String,
    #[serde(flatten)]
    pub counts: UsageCounts,
}

#[derive(Serialize, ToSchema)]
pub struct UsageSessionRow {
    /// The session's id.
    pub key: String,
    pub title: String,
    #[serde(flatten)]
    pub counts: UsageCounts,
}

impl From<Tally> for UsageCounts {
    fn from(tally: Tally) -> Self {
        let tokens = tally.tokens;
        Self {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_read_tokens: tokens.cache_read,
            cache_creation_tokens: tokens.cache_creation,
            total_tokens: tokens.total(),
            uncached_tokens: tokens.uncached(),
            requests: tally.requests,
            // Millionths of a dollar; what is behind them is noise of the addition.
            cost_usd: tally.cost.map(|cost| (cost * 1e6).round() / 1e6),
            unpriced_tokens: tally.unpriced_tokens,
        }
    }
}

impl UsageSummary {
    pub fn new(
        from: Option<Millis>,
        to: Millis,
        found: Breakdown,
        is_complete: bool,
        title: impl Fn(&str) -> String,
    ) -> Self {
        let rows = |rows: Vec<(String, Tally)>| {
            rows.into_iter().map(|(key, tally)| UsageRow { key, counts: tally.into() }).collect()
        };
        let sessions = found.by_session.into_iter().take(SESSIONS).map(|(key, tally)| UsageSessionRow {
            title: title(&key),
            key,
            counts: tally.into(),
        });
        Self {
            range: UsageRange { from, to },
            totals: UsageTotals { counts: found.totals.into(), sessions: found.sessions },
            daily: rows(found.daily),
            by_agent: rows(found.by_agent),
            by_model: rows(found.by_model),
            by_session: sessions.collect(),
            updated_at: to,
            is_complete,
        }
    }
}
