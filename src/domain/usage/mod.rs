//! What agents consumed, as far as their messages say so: one [`Sample`] per report, counted the same way whatever the
//! agent. Some report what one request took, others a total that only grows; [`Readings`] turns the latter into the
//! former.

mod claude;
mod codex;
mod prices;
mod readings;
mod tally;
mod tokens;

pub use prices::{Price, Prices};
pub use readings::Readings;
pub use tally::{Breakdown, Bucket, Tally};
pub use tokens::Tokens;

use serde_json::Value;

use super::content;

/// Where a message was found, as far as it decides how its numbers are read.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    pub message_id: &'a str,
    pub local_id: Option<&'a str>,
    /// The session's agent, as its metadata names it.
    pub flavor: Option<&'a str>,
    /// The session was made from history that another program wrote.
    pub is_imported: bool,
}

/// One report of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Reports with one key are one report: of differences the latest counts, of totals the first.
    pub key: String,
    pub agent: String,
    pub model: Option<String>,
    pub amount: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// What this request took.
    Difference(Tokens),
    /// Everything since the stream began, and what the newest request took of it, when that was told too.
    Total { stream: String, total: Tokens, last: Option<Tokens> },
}

/// Whether a text can hold a report at all: spares most messages from being parsed.
pub fn may_report(json: &str) -> bool {
    json.contains("usage") || json.contains("token_count")
}

/// The report in a message, if it is one and counts anything.
pub fn sample(message: &Value, source: &Source<'_>) -> Option<Sample> {
    let envelope = content::envelope(message)?;
    match envelope.data("output") {
        Some(data) => claude::sample(data, source),
        None => codex::sample(envelope.data("codex")?, source),
    }
}

fn text_at<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| value.get(key)?.as_str()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
