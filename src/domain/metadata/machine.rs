//! Metadata, runner state and health of machines.

use serde_json::{Map, Value};

use crate::domain::{
    shape::{Field, Shape, optional, required},
    text,
};

const METADATA: Shape = Shape::Object(&[
    required("host", Shape::Text),
    required("platform", Shape::Text),
    required("happyCliVersion", Shape::Text),
    optional("displayName", Shape::Text),
    optional("homeDir", Shape::Text),
    optional("happyHomeDir", Shape::Text),
    optional("happyLibDir", Shape::Text),
    optional("workspaceRoots", Shape::List(&Shape::Text)),
    optional("capabilities", Shape::List(&Shape::Text)),
    optional("startedCliMtimeMs", Shape::Number),
    optional("installedCliMtimeMs", Shape::Number),
    optional("supervisedRestart", Shape::Flag),
]);

const CONFIG_FIELD: Shape = Shape::Object(&[
    required("id", Shape::OneOf(&["model", "effort", "permission", "serviceTier", "collaborationMode"])),
    required("section", Shape::OneOf(&["model", "effort", "permission", "settings"])),
    required("kind", Shape::OneOf(&["select", "grouped-select", "dependent-select", "status"])),
    optional("optionSource", Shape::OneOf(&["static", "machine", "directory", "session", "model"])),
    required("availability", Shape::OneOf(&["create", "session", "both", "managed"])),
    optional("unavailableReason", Shape::Text),
]);

const AGENT_CONFIG: Shape =
    Shape::Object(&[required("flavor", Shape::Text), required("fields", Shape::List(&CONFIG_FIELD))]);

const SPAWN_ERROR: Shape = Shape::Object(&[
    required("message", Shape::Text),
    optional("pid", Shape::Number),
    optional("exitCode", Shape::Nullable(&Shape::Number)),
    optional("signal", Shape::Nullable(&Shape::Text)),
    required("at", Shape::Number),
]);

const RUNNER_STATE: &[Field] = &[
    required("status", Shape::Text),
    optional("pid", Shape::Number),
    optional("httpPort", Shape::Number),
    optional("startedAt", Shape::Number),
    optional(
        "capabilities",
        Shape::Object(&[
            optional("codexSharedRuntime", Shape::Yes),
            optional("piExistingSessionResume", Shape::Yes),
            optional("agentConfigs", Shape::List(&AGENT_CONFIG)),
        ]),
    ),
    optional("shutdownRequestedAt", Shape::Number),
    optional("shutdownSource", Shape::Text),
    optional("lastSpawnError", Shape::Nullable(&SPAWN_ERROR)),
];

/// The public view. Blank and repeated workspace roots are left out, and so is a list without any.
pub fn machine_view(metadata: &Value) -> Option<Value> {
    let mut view = METADATA.narrow(metadata)?;
    let fields = view.as_object_mut()?;
    if let Some(roots) = fields.get_mut("workspaceRoots").and_then(Value::as_array_mut) {
        let mut seen = Vec::new();
        roots.retain(|root| {
            let fresh = root.as_str().is_some_and(|root| !text::is_blank(root)) && !seen.contains(root);
            if fresh {
                seen.push(root.clone());
            }
            fresh
        });
        if roots.is_empty() {
            fields.shift_remove("workspaceRoots");
        }
    }
    Some(view)
}

pub fn runner_state_view(state: &Value) -> Option<Value> {
    Shape::Object(RUNNER_STATE).narrow(state)
}

/// The health report when every figure in it is sound; an unknown or wrong key spoils it.
pub fn health(report: &Value) -> Option<Value> {
    let fields = report.as_object()?;
    fields.get("collectedAt")?;
    let sound = fields.iter().all(|(key, value)| {
        value.as_f64().is_some_and(|figure| match key.as_str() {
            "collectedAt" => true,
            "cpuCount" => figure > 0.0 && figure.fract() == 0.0,
            "load1m" | "uptimeSeconds" => figure >= 0.0,
            "cpuPercent" | "memoryPercent" => (0.0..=100.0).contains(&figure),
            _ => false,
        })
    });
    sound.then(|| report.clone())
}

/// What a runner that no longer says it has lost.
const RUNNER_KEYS: [&str; 4] =
    ["capabilities", "supervisedRestart", "startedCliMtimeMs", "installedCliMtimeMs"];

/// Metadata after a machine registers again. Session processes register too; only the runner takes keys away.
pub fn merge_machine_metadata(stored: Option<&Value>, incoming: &Value, runner_speaks: bool) -> Value {
    let Some(incoming) = incoming.as_object() else { return stored.cloned().unwrap_or_default() };
    let mut merged = stored.and_then(Value::as_object).cloned().unwrap_or_default();
    if runner_speaks {
        for key in RUNNER_KEYS {
            if !incoming.contains_key(key) {
                merged.shift_remove(key);
            }
        }
    }
    overlay(&mut merged, incoming);
    Value::Object(merged)
}

/// Runner state after a machine registers again: only capabilities are taken, the rest comes by its own event.
pub fn merge_runner_state(stored: Option<&Value>, incoming: &Value) -> Value {
    let unchanged = || stored.cloned().unwrap_or_default();
    let Some(capabilities) = incoming.get("capabilities").and_then(Value::as_object) else {
        return unchanged();
    };
    if capabilities.is_empty() {
        return unchanged();
    }
    let mut state = stored.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut merged = state.get("capabilities").and_then(Value::as_object).cloned().unwrap_or_default();
    overlay(&mut merged, capabilities);
    state.insert("capabilities".to_owned(), Value::Object(merged));
    Value::Object(state)
}

fn overlay(onto: &mut Map<String, Value>, from: &Map<String, Value>) {
    onto.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roots_are_cleaned_and_bad_fields_dropped() {
        let mut metadata = json!({"host": "h", "platform": "linux", "happyCliVersion": "1", "workspaceRoots": ["/a", " ", "/a", 1],
            "displayName": 5, "extra": 1});
        let expected =
            json!({"host": "h", "platform": "linux", "happyCliVersion": "1", "workspaceRoots": ["/a"]});
        assert_eq!(machine_view(&metadata), Some(expected));
        metadata["workspaceRoots"] = json!([""]);
        assert_eq!(machine_view(&metadata).unwrap().get("workspaceRoots"), None);
        metadata["platform"] = json!(null);
        assert_eq!(machine_view(&metadata), None);
    }

    #[test]
    fn runner_state_needs_a_status() {
        let state = json!({"status": "running", "pid": 1, "lastSpawnError": null, "capabilities": {"codexSharedRuntime": false,
            "piExistingSessionResume": true}});
        let expected = json!({"status": "running", "pid": 1, "capabilities": {"piExistingSessionResume": true}, "lastSpawnError": null});
        assert_eq!(runner_state_view(&state), Some(expected));
        assert_eq!(runner_state_view(&json!({"pid": 1})), None);
    }

    #[test]
    fn health_is_all_or_nothing() {
        let good = json!({"collectedAt": 1, "cpuCount": 8, "load1m": 0.5, "cpuPercent": 12, "memoryPercent": 100, "uptimeSeconds": 0});
        assert_eq!(health(&good), Some(good.clone()));
        for (key, value) in [
            ("cpuCount", json!(0)),
            ("cpuCount", json!(1.5)),
            ("cpuPercent", json!(101)),
            ("load1m", json!(-1)),
            ("load1m", json!(null)),
            ("other", json!(1)),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            assert_eq!(health(&bad), None, "{bad}");
        }
        assert_eq!(health(&json!({"cpuCount": 1})), None);
        assert_eq!(health(&json!(null)), None);
    }

    #[test]
    fn a_session_process_does_not_wipe_the_runners_keys() {
        let stored = json!({"displayName": "Box", "capabilities": ["a"], "host": "old"});
        let incoming = json!({"host": "new"});
        let by_session = json!({"displayName": "Box", "capabilities": ["a"], "host": "new"});
        assert_eq!(merge_machine_metadata(Some(&stored), &incoming, false), by_session);
        assert_eq!(
            merge_machine_metadata(Some(&stored), &incoming, true),
            json!({"displayName": "Box", "host": "new"})
        );
        assert_eq!(merge_machine_metadata(Some(&stored), &json!(null), true), stored);
    }

    #[test]
    fn of_the_runner_state_only_capabilities_are_taken() {
        let stored = json!({"status": "running", "capabilities": {"a": true}});
        let incoming = json!({"status": "offline", "capabilities": {"b": true}});
        let expected = json!({"status": "running", "capabilities": {"a": true, "b": true}});
        assert_eq!(merge_runner_state(Some(&stored), &incoming), expected);
        assert_eq!(merge_runner_state(Some(&stored), &json!({"capabilities": {}, "pid": 1})), stored);
        assert_eq!(merge_runner_state(None, &json!(null)), json!(null));
    }
}
