//! Counts of tokens, whatever an agent calls them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More than any request takes. A larger number is a mistake and would drown all others.
const MOST: i64 = 1_000_000_000_000;

const INPUT: &[&str] = &["input_tokens", "inputTokens", "prompt_tokens", "promptTokens", "input"];
const OUTPUT: &[&str] = &["output_tokens", "outputTokens", "completion_tokens", "completionTokens", "output"];
const CACHE_READ: &[&str] = &[
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cached_input_tokens",
    "cachedInputTokens",
    "cache_read_tokens",
    "cacheReadTokens",
    "cached_read_tokens",
    "cachedReadTokens",
    "cacheRead",
];
const CACHE_CREATION: &[&str] = &[
    "cache_creation_input_tokens",
    "cacheCreationInputTokens",
    "cache_creation_tokens",
    "cacheCreationTokens",
    "cache_write_tokens",
    "cacheWriteTokens",
    "cached_write_tokens",
    "cachedWriteTokens",
    "cacheWrite",
];

/// Tokens of one or many requests. The input includes what was read from and written to the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    pub input: i64,
    pub output: i64,
    pub cache_read: i64,
    pub cache_creation: i64,
}

impl Tokens {
    /// Reads an object of counts. `None` when it is none or holds nothing but zeros.
    pub fn read(counts: &Value, is_input_with_cache: bool) -> Option<Self> {
        counts.as_object()?;
        let read = Self {
            input: count(counts, INPUT),
            output: count(counts, OUTPUT),
            cache_read: count(counts, CACHE_READ),
            cache_creation: count(counts, CACHE_CREATION),
        };
        if read == Self::default() {
            return None;
        }
        let cache = if is_input_with_cache { 0 } else { read.cache_read + read.cache_creation };
        Some(Self { input: read.input + cache, ..read }.plausible())
    }

    /// No part is larger than the whole.
    fn plausible(self) -> Self {
        let part = |part: i64| if part > self.input { 0 } else { part };
        Self { cache_read: part(self.cache_read), cache_creation: part(self.cache_creation), ..self }
    }

    /// What was added since `before`; `None` when the count has begun anew.
    pub fn since(self, before: Self) -> Option<Self> {
        if self.input < before.input || self.output < before.output {
            return None;
        }
        let added = Self {
            input: self.input - before.input,
            output: self.output - before.output,
            cache_read: (self.cache_read - before.cache_read).max(0),
            cache_creation: (self.cache_creation - before.cache_creation).max(0),
        };
        Some(added.plausible())
    }

    pub fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_creation = self.cache_creation.saturating_add(other.cache_creation);
    }

    pub fn total(self) -> i64 {
        self.input.saturating_add(self.output)
    }

    /// What no cache saved: input that was not read from it, and all output.
    pub fn uncached(self) -> i64 {
        self.input.saturating_sub(self.cache_read).max(0).saturating_add(self.output)
    }
}

/// The first of these keys that holds a number. Fractions are cut, nonsense counts as nothing.
fn count(counts: &Value, keys: &[&str]) -> i64 {
    let number = keys.iter().find_map(|key| counts.get(key)?.as_f64()).unwrap_or(0.0);
    let whole = crate::domain::text::safe_integer(number.trunc()).unwrap_or(0);
    whole.clamp(0, MOST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_is_read_and_the_cache_becomes_part_of_the_input() {
        let claude = json!({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20});
        let read = Tokens::read(&claude, false).unwrap();
        assert_eq!(read, Tokens { input: 130, output: 5, cache_read: 100, cache_creation: 20 });
        assert_eq!((read.total(), read.uncached()), (135, 35));
        let codex = json!({"inputTokens": 130, "cachedInputTokens": 100, "outputTokens": 5});
        let read = Tokens::read(&codex, true).unwrap();
        assert_eq!(read, Tokens { input: 130, output: 5, cache_read: 100, cache_creation: 0 });
    }

    #[test]
    fn what_cannot_be_counts_as_nothing() {
        assert_eq!(Tokens::read(&json!({"input_tokens": 0, "output_tokens": 0}), true), None);
        assert_eq!(Tokens::read(&json!({"input_tokens": -5, "output_tokens": "7"}), true), None);
        assert_eq!(Tokens::read(&json!(null), true), None);
        let read = Tokens::read(&json!({"input_tokens": 3.9, "cache_read_tokens": 4}), true).unwrap();
        assert_eq!(read, Tokens { input: 3, ..Tokens::default() });
        let read = Tokens::read(&json!({"input_tokens": 9e15}), true).unwrap();
        assert_eq!(read.input, MOST);
    }

    proptest::proptest! {
        #[test]
        fn parts_are_never_larger_than_the_whole(
            input in -5_i64..1_000, output in 0_i64..1_000, read in 0_i64..1_000, created in 0_i64..1_000, with_cache: bool,
        ) {
            let counts = json!({"input": input, "output": output, "cacheRead": read, "cacheWrite": created});
            if let Some(tokens) = Tokens::read(&counts, with_cache) {
                proptest::prop_assert!(tokens.input >= tokens.cache_read && tokens.input >= tokens.cache_creation);
                proptest::prop_assert!(tokens.uncached() <= tokens.total());
                proptest::prop_assert!(tokens.input >= 0 && tokens.output >= 0);
            }
        }
    }
}
