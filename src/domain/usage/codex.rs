//! The reports of all other agents: rows of type `token_count` or `usage`. Codex tells totals of a thread, the others
//! what one request took.

use serde_json::Value;

use super::{Amount, Sample, Source, Tokens, text_at};

pub(super) fn sample(data: &Value, source: &Source<'_>) -> Option<Sample> {
    if !matches!(text_at(data, &["type"]), Some("token_count" | "usage")) {
        return None;
    }
    if text_at(data, &["hapiUsageScope"]) == Some("imported-history") {
        return None;
    }
    let counts = ["info", "usage"].iter().find_map(|key| data.get(key).filter(|value| value.is_object()));
    let counts = counts.unwrap_or(data);
    let agent = source.flavor.or_else(|| text_at(data, &["flavor"])).unwrap_or("unknown");
    let is_codex = agent == "codex";
    let places = [data, counts, data.get("scope").unwrap_or(&Value::Null)];
    let thread = places.iter().find_map(|place| text_at(place, &["thread_id", "threadId"]));
    if is_codex && source.is_imported && thread.is_none() {
        return None;
    }
    let with_cache = is_input_with_cache(data, agent, source);
    let tokens = |keys: &[&str]| keys.iter().find_map(|key| Tokens::read(counts.get(key)?, with_cache));
    let total = tokens(&["total", "total_token_usage", "totalTokenUsage"]);
    let last = tokens(&["last", "last_token_usage", "lastTokenUsage"]);
    let places = [data, counts];
    let model = places.iter().find_map(|place| text_at(place, &["model"])).map(str::to_owned);
    let (key, amount) = match total {
        Some(total) if is_codex => {
            let stream = format!("{}|{}", thread.unwrap_or_default(), scope(data));
            let turn = places.iter().find_map(|place| text_at(place, &["turn_id", "turnId"]));
            let Tokens { input, output, cache_read, cache_creation } = total;
            let key = format!(
                "total|{stream}|{}|{input}|{output}|{cache_read}|{cache_creation}",
                turn.unwrap_or_default()
            );
            (key, Amount::Total { stream, total, last })
        }
        _ => {
            let took = last.or(total).or_else(|| Tokens::read(counts, with_cache))?;
            (format!("delta|{}", source.message_id), Amount::Difference(took))
        }
    };
    Some(Sample { key, agent: agent.to_owned(), model, amount })
}

/// Whose count it is: the main thread's, or that of an agent it started.
fn scope(data: &Value) -> &str {
    text_at(data, &["scope", "scope_role", "scopeRole"])
        .or_else(|| text_at(data.get("scope")?, &["role"]))
        .unwrap_or_default()
}

/// Whether the input already includes what the cache gave. Some rows say so; of the rest it is known by agent.
fn is_input_with_cache(data: &Value, agent: &str, source: &Source<'_>) -> bool {
    if text_at(data, &["usageSchema"]) == Some("hapi.usage.v1") {
        match text_at(data, &["inputTokenSemantics"]) {
            Some("includes-cache") => return true,
            Some("excludes-cache") => return false,
            _ => {}
        }
    }
    let is_imported_pi = agent == "pi" && source.local_id.is_some_and(|id| id.starts_with("pi:"));
    matches!(agent, "codex" | "kimi") || is_imported_pi || data.get("model").is_some()
}
