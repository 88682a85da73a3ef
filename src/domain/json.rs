//! JSON as it came in. Clients write with JavaScript, whose strings may hold lone surrogates and whose nesting may be
//! deeper than a parser cares for, so the text is kept and passed on, and only looked into where a rule needs it.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Value, value::RawValue};

/// Raw JSON text, cheap to share.
pub type Json = Arc<RawValue>;

/// Text that is known to be JSON because it was just written by a serializer, or has been checked by `RawValue`.
pub fn raw(text: String) -> Option<Json> {
    RawValue::from_string(text).ok().map(Arc::from)
}

/// Writes a value of ours as raw JSON. Ours have string keys only, so this cannot fail; `null` stands in if it did.
pub fn write(value: &impl serde::Serialize) -> Json {
    serde_json::value::to_raw_value(value).map_or_else(|_| null(), Arc::from)
}

pub fn null() -> Json {
    Arc::from(RawValue::NULL.to_owned())
}

pub fn is_null(json: &RawValue) -> bool {
    json.get() == "null"
}

/// Looks into raw JSON. `None` when it is nested too deeply to be looked into; lone surrogates read as U+FFFD.
pub fn read(json: &RawValue) -> Option<Value> {
    read_text(json.get())
}

/// The same for text that may not be JSON at all.
pub fn read_text(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&repair_surrogates(text))).ok()
}

/// Replaces each `\uD8xx` escape that lacks its partner by `\uFFFD`. Text without such escapes is returned as it is.
pub fn repair_surrogates(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut lone: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            at += 1;
            continue;
        }
        match unit(bytes, at) {
            Some(high) if (0xD800..0xDC00).contains(&high) => match unit(bytes, at + 6) {
                Some(low) if (0xDC00..0xE000).contains(&low) => at += 12,
                _ => {
                    lone.push(at);
                    at += 6;
                }
            },
            Some(low) if (0xDC00..0xE000).contains(&low) => {
                lone.push(at);
                at += 6;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    if lone.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut repaired = String::with_capacity(text.len());
    let mut from = 0;
    for at in lone {
        repaired.push_str(text.get(from..at).unwrap_or_default());
        repaired.push_str("\\uFFFD");
        from = at + 6;
    }
    repaired.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(repaired)
}

/// The code unit of a `\uXXXX` escape that starts at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let hex = escape.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_is_read_as_the_replacement_character() {
        assert_eq!(read_text(r#""a\ud83d""#), Some(Value::from("a\u{fffd}")));
        assert_eq!(read_text(r#""\udc00\ud83d\ude00""#), Some(Value::from("\u{fffd}😀")));
    }

    #[test]
    fn an_escaped_backslash_before_u_is_no_escape() {
        assert_eq!(repair_surrogates(r#""\\ud83d""#), r#""\\ud83d""#);
    }

    proptest::proptest! {
        #[test]
        fn whole_text_is_left_alone(text in ".*") {
            let json = serde_json::to_string(&text).unwrap();
            proptest::prop_assert_eq!(repair_surrogates(&json), json.as_str());
        }
    }
}
