//! What is stored when the agent's process writes new metadata over old.

use serde_json::Value;

/// Keys that only the hub writes.
pub const HUB_OWNED_KEYS: [&str; 2] = ["supersededBySessionId", "opencodeClearOperation"];

/// Keys that survive a write that leaves them out. An explicit `null` removes them.
const CARRIED_KEYS: [&str; 14] = [
    "path",
    "host",
    "flavor",
    "machineId",
    "claudeSessionId",
    "codexSessionId",
    "geminiSessionId",
    "opencodeSessionId",
    "grokSessionId",
    "agySessionId",
    "cursorSessionId",
    "kimiSessionId",
    "copilotSessionId",
    "piSessionId",
];

pub fn merge_from_cli(stored: Option<&Value>, incoming: &Value) -> Value {
    let Some(incoming) = incoming.as_object() else { return incoming.clone() };
    let stored = stored.and_then(Value::as_object);
    let mut merged = incoming.clone();
    for key in HUB_OWNED_KEYS {
        match stored.and_then(|stored| stored.get(key)) {
            Some(value) => {
                merged.insert(key.to_owned(), value.clone());
            }
            None => {
                merged.shift_remove(key);
            }
        }
    }
    let Some(stored) = stored else { return Value::Object(merged) };
    for key in CARRIED_KEYS {
        match (incoming.get(key), stored.get(key)) {
            (Some(Value::Null), _) => {
                merged.shift_remove(key);
            }
            (None, Some(value)) => {
                merged.insert(key.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    let protocol = "cursorSessionProtocol";
    if !incoming.contains_key("cursorSessionId")
        && !incoming.contains_key(protocol)
        && let Some(value) = stored.get(protocol)
    {
        merged.insert(protocol.to_owned(), value.clone());
    }
    Value::Object(merged)
}

/// Whether a write changed one of the ids by which duplicates are found.
pub fn native_ids_changed(before: Option<&Value>, after: &Value) -> bool {
    CARRIED_KEYS
        .iter()
        .filter(|key| key.ends_with("SessionId"))
        .any(|key| before.and_then(|before| before.get(key)) != after.get(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn hub_owned_keys_are_not_the_clients() {
        let stored = json!({"supersededBySessionId": "s2"});
        let incoming = json!({"supersededBySessionId": "evil", "opencodeClearOperation": {}, "x": 1});
        assert_eq!(merge_from_cli(Some(&stored), &incoming), json!({"supersededBySessionId": "s2", "x": 1}));
        assert_eq!(merge_from_cli(None, &incoming), json!({"x": 1}));
    }

    #[test]
    fn ids_are_carried_until_they_are_nulled() {
        let stored = json!({"path": "/a", "agySessionId": "g", "piSessionId": "p", "name": "old", "archivedBy": "cli"});
        let incoming = json!({"host": "b", "piSessionId": null});
        assert_eq!(
            merge_from_cli(Some(&stored), &incoming),
            json!({"path": "/a", "host": "b", "agySessionId": "g"})
        );
    }

    #[test]
    fn the_cursor_protocol_belongs_to_its_id() {
        let stored = json!({"cursorSessionId": "c", "cursorSessionProtocol": "acp"});
        assert_eq!(merge_from_cli(Some(&stored), &json!({})), stored);
        assert_eq!(
            merge_from_cli(Some(&stored), &json!({"cursorSessionId": "d"})),
            json!({"cursorSessionId": "d"})
        );
    }

    #[test]
    fn values_that_are_no_objects_replace() {
        assert_eq!(merge_from_cli(Some(&json!({"path": "/a"})), &json!(null)), json!(null));
        assert_eq!(merge_from_cli(Some(&json!("x")), &json!({"path": null})), json!({"path": null}));
    }

    #[test]
    fn only_a_native_id_counts_as_a_change_of_id() {
        let before = json!({"kimiSessionId": "k", "name": "a"});
        assert!(!native_ids_changed(Some(&before), &json!({"kimiSessionId": "k", "name": "b"})));
        assert!(native_ids_changed(Some(&before), &json!({})));
        assert!(native_ids_changed(None, &json!({"agySessionId": "a"})));
    }

    fn metadata() -> impl Strategy<Value = Value> {
        let key = prop::sample::select(
            [&CARRIED_KEYS[..], &HUB_OWNED_KEYS[..], &["cursorSessionProtocol", "name", "tools"][..]]
                .concat(),
        );
        let value = prop_oneof![Just(Value::Null), "[a-c]".prop_map(Value::from), Just(json!([1]))];
        prop::collection::vec((key, value), 0..12)
            .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    proptest! {
        #[test]
        fn each_key_follows_its_rule(stored in metadata(), incoming in metadata()) {
            let merged = merge_from_cli(Some(&stored), &incoming);
            for key in CARRIED_KEYS {
                let expected = match incoming.get(key) {
                    Some(Value::Null) => None,
                    None => stored.get(key),
                    given => given,
                };
                prop_assert_eq!(merged.get(key), expected, "{}", key);
            }
            for key in HUB_OWNED_KEYS {
                prop_assert_eq!(merged.get(key), stored.get(key), "{}", key);
            }
            for key in ["name", "tools"] {
                prop_assert_eq!(merged.get(key), incoming.get(key), "{}", key);
            }
        }

        #[test]
        fn writing_the_merged_value_again_changes_nothing(stored in metadata(), incoming in metadata()) {
            let merged = merge_from_cli(Some(&stored), &incoming);
            prop_assert_eq!(merge_from_cli(Some(&merged), &merged), without_nulls(&merged));
        }
    }

    /// A carried key may have been stored as null by whoever created the session; repeating it removes it.
    fn without_nulls(merged: &Value) -> Value {
        let mut merged = merged.clone();
        merged
            .as_object_mut()
            .unwrap()
            .retain(|key, value| !(value.is_null() && CARRIED_KEYS.contains(&key.as_str())));
        merged
    }
}
