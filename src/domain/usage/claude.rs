//! Claude's reports: each answer of the model carries what it took. One answer is logged in several pieces with the
//! same id; the last piece has the final numbers.

use serde_json::Value;

use super::{Amount, Sample, Source, Tokens, text_at};

pub(super) fn sample(data: &Value, source: &Source<'_>) -> Option<Sample> {
    if text_at(data, &["type"]) != Some("assistant") {
        return None;
    }
    let message = data.get("message")?;
    let tokens = Tokens::read(message.get("usage")?, false)?;
    let key = match text_at(message, &["id"]) {
        Some(id) => format!("claude|{id}"),
        None => format!("delta|{}", source.message_id),
    };
    let model = text_at(message, &["model"]).map(str::to_owned);
    Some(Sample { key, agent: "claude".to_owned(), model, amount: Amount::Difference(tokens) })
}
