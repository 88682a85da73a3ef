//! What agents say and what sessions look like, at the sizes seen in daily use.

use serde_json::json;

/// The size of an agent's message that the budgets speak of.
pub const MESSAGE_BYTES: usize = 2_600;

const WORDS: &str = "session the store reads a cursor before writing fn handler returns Result because queue of \
                     events is bounded and test passes with src/lib.rs deadline";

/// Running text of about so many bytes; the same seed gives the same text.
fn prose(seed: usize, bytes: usize) -> String {
    let words: Vec<&str> = WORDS.split(' ').collect();
    let mut text = String::with_capacity(bytes + 16);
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    while text.len() < bytes {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let place = (state >> 16) % words.len();
        text.push_str(words.get(place).copied().unwrap_or("word"));
        if place == 0 {
            text.push_str(&(state % 10_007).to_string());
        }
        text.push(' ');
    }
    text
}

/// A packet with one message of an agent. `sent_at` travels inside, for whoever measures its way.
pub fn agent_packet(session: &str, bytes: usize, sent_at: u128) -> String {
    let used = 260;
    let text = prose(session.len(), bytes.saturating_sub(used));
    let message = json!({
        "role": "agent",
        "content": { "type": "output", "data": {
            "type": "assistant",
            "uuid": "0d6f6b7e-6a53-4f7c-9a38-0d8a2f1c5b11",
            "message": { "role": "assistant", "content": [{ "type": "text", "text": text }] },
        }},
        "meta": { "sentFrom": "cli" },
    });
    let message = message.to_string();
    let open = message.strip_suffix('}').unwrap_or(&message);
    format!("42/cli,[\"message\",{{\"sid\":\"{session}\",\"message\":{open},\"sentAt\":{sent_at}}}}}]")
}

pub fn new_session(number: usize) -> String {
    let name = prose(number, 12);
    json!({
        "tag": format!("load-{number}"),
        "metadata": {
            "path": format!("/home/dev/service-{number}"),
            "host": format!("workstation-{}", number % 12),
            "name": name.trim(),
            "version": "0.30.7",
            "os": "linux",
            "machineId": format!("workstation-{}", number % 12),
            "homeDir": "/home/dev",
            "happyHomeDir": "/home/dev/.hapi",
            "happyLibDir": "/home/dev/.hapi/runtime/0.30.7",
            "happyToolsDir": "/home/dev/.hapi/runtime/0.30.7/tools",
            "startedFromRunner": true,
            "hostPid": 20_000 + number,
            "startedBy": "runner",
            "lifecycleState": "running",
            "lifecycleStateSince": 1_795_157_379_892_u64,
            "flavor": "claude",
            "capabilities": { "terminal": true },
        },
        "agentState": {},
    })
    .to_string()
}

/// An agent's state with a few closed requests, as it is written after each tool use.
pub fn agent_state(count: u64) -> String {
    json!({
        "controlledByUser": false,
        "completedRequests": { "toolu_01": {
            "tool": "Bash", "arguments": { "command": "cargo test --workspace", "count": count },
            "createdAt": 1_795_157_379_000_u64, "completedAt": 1_795_157_380_000_u64,
            "status": "approved", "decision": "approved",
        }},
    })
    .to_string()
}
