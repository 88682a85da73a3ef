//! What the protocol has and how each part of it stands here, by looking at a hub that runs. `docs/compatibility.md`
//! says so to people; a test keeps it true.

mod calls;
mod contract;
mod sockets;

use std::{collections::BTreeSet, fmt::Write};

use reqwest::Method;
use serde_json::{Value, json};
use wheelhouse::http::RELAYS;

use crate::support::TestHub;
use contract::{Contract, Part, Section};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md");
/// Set to write the page instead of checking it.
const REWRITE: &str = "REWRITE_COMPATIBILITY";

/// Parts that this hub does not have, by how their names begin, and why.
const LEFT_OUT: &[(&str, &str)] =
    &[("/api/work-graph/", "left out: no work graph is kept, and `/health` says so")];

/// Parts that may come. Nothing has to be changed here when they do.
const NOT_YET: &[&str] = &["/api/voice/"];

/// Habits of the released hub that no line of the contract names.
const HABITS: &str = "\
* A resume of a Pi or a PTY session leaves no mark in the session's metadata (`piResumeAttempt`, `ptyResumeAttempt`):
  the step is recorded in the database before it begins, and finished or taken back after a restart.
* Chat stores of Cursor's older protocol are not moved to the newer one: they lie on the machines of the agents.
* Codex Desktop is never beside the hub, so it cannot be started again from there.
* Conversations with Gemini Live and Qwen are not passed on (`gemini-token`, `qwen-token`, `gemini-ws` and `qwen-ws` are
  there and refuse), and no agents are made at ElevenLabs: `POST /api/voice/token` wants the id of one.
";

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Served,
    /// Passed on to the process or the runner as it is.
    Relayed,
    LeftOut(&'static str),
    NotYet,
}

impl State {
    fn text(&self) -> &str {
        match self {
            Self::Served => "served",
            Self::Relayed => "relayed",
            Self::LeftOut(reason) => reason,
            Self::NotYet => "not yet",
        }
    }
}

/// Everything that the hub has, section by section, by the names of the contract.
struct Found {
    endpoints: BTreeSet<String>,
    relayed_endpoints: BTreeSet<String>,
    events: [(Section, BTreeSet<String>); 4],
    calls: calls::Calls,
}

impl Found {
    fn has(&self, section: Section, name: &str) -> Option<State> {
        let served = |is_there: bool| is_there.then_some(State::Served);
        match section {
            Section::Pages | Section::Processes => {
                let plain = contract::without_names(name);
                if self.relayed_endpoints.contains(&plain) {
                    return Some(State::Relayed);
                }
                served(self.endpoints.contains(&plain))
            }
            Section::SessionMethods | Section::MachineMethods => {
                let is_of_machine = section == Section::MachineMethods;
                if relayed_methods(is_of_machine).contains(name) {
                    return Some(State::Relayed);
                }
                served(self.calls.of(is_of_machine).contains(name))
            }
            events => {
                served(self.events.iter().any(|(known, names)| *known == events && names.contains(name)))
            }
        }
    }
}

fn relayed_methods(is_of_machine: bool) -> BTreeSet<&'static str> {
    let rows = RELAYS.iter().filter(|row| row.path.starts_with("/api/machines/") == is_of_machine);
    rows.map(|row| row.rpc).collect()
}

/// How a part stands. Panics when nobody has said why it is not there, or it is there although somebody did.
fn state(found: &Found, part: &Part) -> State {
    let plain = contract::without_names(&part.name);
    let path = plain.split_once(' ').map_or(plain.as_str(), |(_, path)| path);
    let left_out = LEFT_OUT.iter().find(|(start, _)| path.starts_with(start));
    match (found.has(part.section, &part.name), left_out) {
        (Some(state), None) => state,
        (Some(_), Some(_)) => panic!("{} is said to be left out, and is there", part.name),
        (None, Some((_, reason))) => State::LeftOut(reason),
        (None, None) if NOT_YET.iter().any(|start| path.starts_with(start)) => State::NotYet,
        (None, None) => panic!("{} of the contract is not there, and nobody says why", part.name),
    }
}

fn page(contract: &Contract, found: &Found) -> String {
    let mut page = String::from(
        "# Compatibility\n\n\
         Every part of the protocol of released clients (CLI 0.30.7), with its mark: *core*, a released client breaks \
         without it; *full*, for complete parity; *rare*, a corner of one vendor. *Served* is done by the hub itself, \
         *relayed* is passed on to an agent's process or a machine's runner as it is.\n\n\
         A test looks at a running hub and keeps this page true. To write it anew:\n\
         `REWRITE_COMPATIBILITY=1 cargo nextest run compatibility`\n",
    );
    for section in Section::ALL {
        let parts: Vec<&Part> = contract.parts.iter().filter(|part| part.section == section).collect();
        let states: Vec<State> = parts.iter().map(|part| state(found, part)).collect();
        let there = states.iter().filter(|state| matches!(state, State::Served | State::Relayed)).count();
        let _ = write!(page, "\n## {}\n\n{there} of {}.\n\n", section.title(), parts.len());
        let _ = writeln!(page, "| {} | mark | state |\n|---|---|---|", section.noun());
        for (part, state) in parts.iter().zip(&states) {
            let _ = writeln!(page, "| `{}` | {} | {} |", part.name, part.mark, state.text());
        }
    }
    let known: BTreeSet<String> =
        contract.parts.iter().map(|part| contract::without_names(&part.name)).collect();
    page.push_str("\n## Beyond the protocol\n\nEndpoints that only this hub has:\n\n");
    for more in found.endpoints.iter().filter(|endpoint| !known.contains(*endpoint)) {
        let _ = writeln!(page, "* `{}`", more.replace("{}", "{…}"));
    }
    page.push_str("\n## Otherwise than the released hub\n\n");
    page.push_str(HABITS);
    page
}

/// The operations of the hub's own document, and those that it relays.
fn documented() -> (BTreeSet<String>, BTreeSet<String>) {
    let document = serde_json::to_value(wheelhouse::http::document()).unwrap();
    let mut all = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for verb in item.as_object().unwrap().keys() {
            all.insert(contract::without_names(&format!("{} {path}", verb.to_uppercase())));
        }
    }
    let relayed: BTreeSet<&str> = RELAYS.iter().map(|row| row.path).collect();
    let relayed: BTreeSet<String> = relayed.into_iter().map(contract::without_names).collect();
    let is_relayed =
        |operation: &&String| operation.split_once(' ').is_some_and(|(_, path)| relayed.contains(path));
    let relayed = all.iter().filter(is_relayed).cloned().collect();
    (all, relayed)
}

/// Whether a request gets further than to "there is nothing here".
async fn answers(hub: &TestHub, endpoint: &str) -> bool {
    let (verb, path) = endpoint.split_once(' ').unwrap();
    let mut path = path.replace("{}", "made-up");
    if path == "/api/events" {
        // Without this it would not end.
        path.push_str("?sessionId=made-up");
    }
    let caller = if path.starts_with("/cli/") { hub.agent() } else { hub.web().await };
    let answer = match Method::from_bytes(verb.as_bytes()).unwrap() {
        Method::GET => caller.get(&path).await,
        verb => caller.send(verb, &path, &json!({})).await,
    };
    answer.code() != "unknown_path" && answer.status != 405
}

#[actix_rt::test]
async fn the_compatibility_page_is_true() {
    let mut hub = TestHub::start().await;
    let contract = Contract::read();
    let (mut endpoints, relayed_endpoints) = documented();
    for part in contract.parts.iter().filter(|part| part.section.is_of_endpoints()) {
        let plain = contract::without_names(&part.name);
        let is_there = answers(&hub, &plain).await;
        assert!(is_there || !endpoints.contains(&plain), "{} is described and not there", part.name);
        if is_there {
            endpoints.insert(plain);
        }
    }
    let health = hub.guest().get("/health").await.body;
    assert_eq!(health["capabilities"]["workGraph"], Value::Bool(false));
    let found = Found {
        endpoints,
        relayed_endpoints,
        events: sockets::seen(&hub, &contract).await,
        calls: calls::seen(&hub).await,
    };
    let page = page(&contract, &found);
    hub.stop().await;
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let committed = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        committed == page,
        "docs/compatibility.md is not what the hub does; run: {REWRITE}=1 cargo nextest run compatibility"
    );
}

#[test]
fn what_is_left_out_is_part_of_the_contract() {
    let contract = Contract::read();
    let paths: Vec<String> = contract.parts.iter().map(|part| contract::without_names(&part.name)).collect();
    for start in LEFT_OUT.iter().map(|(start, _)| start).chain(NOT_YET) {
        assert!(paths.iter().any(|path| path.contains(start)), "{start}");
    }
}
