//! Every event of both namespaces, with each of its fields replaced, left out and doubled.

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{
    Bystander,
    corpus::{self, Odd},
    raw::Raw,
};
use crate::support::{TestHub, metadata};

/// What a field of a valid payload is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Session,
    Machine,
    Text,
    Number,
    Integer,
    /// A list, of which what is no string is passed over.
    List,
    Any,
    /// Anything else: of the wrong type it reads as absent.
    Optional,
}

/// How an event is acknowledged.
#[derive(Clone, Copy, PartialEq)]
enum Ack {
    None,
    /// `{"result":…}`
    Result,
    /// `{"ok":…}`
    Ok,
}

struct Event {
    namespace: &'static str,
    name: &'static str,
    ack: Ack,
    /// Names, kinds and valid values.
    fields: &'static [(&'static str, Kind, &'static str)],
}

const SID: (&str, Kind, &str) = ("sid", Kind::Session, "");
const SESSION_ID: (&str, Kind, &str) = ("sessionId", Kind::Session, "");
const MACHINE: (&str, Kind, &str) = ("machineId", Kind::Machine, "");
const TERMINAL: (&str, Kind, &str) = ("terminalId", Kind::Text, "\"t1\"");
const TIME: (&str, Kind, &str) = ("time", Kind::Number, "1790000000000");
const VERSION: (&str, Kind, &str) = ("expectedVersion", Kind::Integer, "1");
const LOCAL_IDS: (&str, Kind, &str) = ("localIds", Kind::List, "[\"l1\"]");

macro_rules! event {
    ($namespace:literal, $name:literal, $ack:ident, [$($field:expr),* $(,)?]) => {
        Event { namespace: $namespace, name: $name, ack: Ack::$ack, fields: &[$($field),*] }
    };
}

/// Every event that a client may send. `ping` is the barrier between them and is tried by itself.
const EVENTS: &[Event] = &[
    event!(
        "/cli",
        "message",
        None,
        [
            SID,
            (
                "message",
                Kind::Any,
                r#"{"role":"agent","content":{"type":"output","data":{"type":"text","text":"x"}}}"#
            ),
            ("localId", Kind::Optional, "\"m1\""),
            ("createdAt", Kind::Optional, "1790000000000"),
        ]
    ),
    event!(
        "/cli",
        "session-alive",
        None,
        [
            SID,
            TIME,
            ("thinking", Kind::Optional, "true"),
            ("mode", Kind::Optional, "\"remote\""),
            ("permissionMode", Kind::Optional, "\"default\""),
            ("model", Kind::Optional, "\"opus\""),
            ("modelReasoningEffort", Kind::Optional, "null"),
            ("effort", Kind::Optional, "\"high\""),
            ("serviceTier", Kind::Optional, "null"),
            ("collaborationMode", Kind::Optional, "\"default\""),
            ("copilotAgentMode", Kind::Optional, "\"interactive\""),
        ]
    ),
    event!("/cli", "session-ready", None, [SID, TIME]),
    event!("/cli", "session-end", None, [SID, TIME, ("reason", Kind::Optional, "\"completed\"")]),
    event!(
        "/cli",
        "messages-consumed",
        None,
        [
            SID,
            LOCAL_IDS,
            ("clearQueuedThinkingGrace", Kind::Optional, "true"),
            ("steered", Kind::Optional, "true"),
        ]
    ),
    event!("/cli", "messages-indeterminate", None, [SID, LOCAL_IDS]),
    event!("/cli", "messages-steer-state", Ok, [SID, LOCAL_IDS, ("state", Kind::Text, "\"queued\"")]),
    event!(
        "/cli",
        "native-queue-message",
        None,
        [SID, ("localId", Kind::Text, "\"n1\""), ("text", Kind::Text, "\"x\""),]
    ),
    event!(
        "/cli",
        "update-metadata",
        Result,
        [SID, VERSION, ("metadata", Kind::Any, r#"{"path":"/srv","host":"box","flavor":"claude"}"#),]
    ),
    event!(
        "/cli",
        "update-state",
        Result,
        [
            SID,
            VERSION,
            ("agentState", Kind::Any, r#"{"requests":{"r1":{"tool":"Bash","arguments":{},"createdAt":1}}}"#),
        ]
    ),
    event!(
        "/cli",
        "machine-alive",
        None,
        [
            MACHINE,
            TIME,
            ("health", Kind::Optional, r#"{"collectedAt":1790000000000,"cpuCount":2,"load1m":0.5}"#),
        ]
    ),
    event!(
        "/cli",
        "machine-update-metadata",
        Result,
        [MACHINE, VERSION, ("metadata", Kind::Any, r#"{"host":"box"}"#)]
    ),
    event!(
        "/cli",
        "machine-update-state",
        Result,
        [MACHINE, VERSION, ("runnerState", Kind::Any, r#"{"status":"running","pid":1}"#),]
    ),
    event!("/cli", "machine-agy-models-changed", None, [MACHINE]),
    event!("/cli", "rpc-register", None, [("method", Kind::Text, "\"s:bash\"")]),
    event!("/cli", "rpc-unregister", None, [("method", Kind::Text, "\"s:bash\"")]),
    event!("/cli", "usage-report", None, [SID, ("usage", Kind::Any, "{}")]),
    event!("/cli", "terminal:ready", None, [SESSION_ID, TERMINAL]),
    event!("/cli", "terminal:output", None, [SESSION_ID, TERMINAL, ("data", Kind::Text, "\"$ \"")]),
    event!(
        "/cli",
        "terminal:exit",
        None,
        [SESSION_ID, TERMINAL, ("code", Kind::Integer, "0"), ("signal", Kind::Optional, "null"),]
    ),
    event!("/cli", "terminal:error", None, [SESSION_ID, TERMINAL, ("message", Kind::Text, "\"gone\"")]),
    event!(
        "/cli",
        "agent-terminal:output",
        None,
        [SESSION_ID, ("terminalId", Kind::Text, "\"agent\""), ("data", Kind::Text, "\"x\""),]
    ),
    event!("/cli", "agent-terminal:reset", None, [SESSION_ID]),
    event!(
        "/terminal",
        "terminal:create",
        None,
        [SESSION_ID, TERMINAL, ("cols", Kind::Integer, "80"), ("rows", Kind::Integer, "24"),]
    ),
    event!("/terminal", "terminal:write", None, [TERMINAL, ("data", Kind::Text, "\"ls\\n\"")]),
    event!(
        "/terminal",
        "terminal:resize",
        None,
        [TERMINAL, ("cols", Kind::Integer, "80"), ("rows", Kind::Integer, "24"),]
    ),
    event!("/terminal", "terminal:close", None, [TERMINAL]),
    event!("/terminal", "agent-terminal:subscribe", None, [SESSION_ID]),
    event!("/terminal", "agent-terminal:unsubscribe", None, [SESSION_ID]),
    event!(
        "/terminal",
        "agent-terminal:resize",
        None,
        [SESSION_ID, ("cols", Kind::Integer, "80"), ("rows", Kind::Integer, "24"),]
    ),
    event!("/terminal", "agent-terminal:input", None, [SESSION_ID, ("data", Kind::Text, "\"x\"")]),
];

/// One frame to try: its arguments after the name, and whether no hub may take it for valid.
struct Attempt {
    what: String,
    arguments: String,
    is_wrong: bool,
}

impl Kind {
    /// Whether a value of this text cannot stand for a field of this kind.
    fn refuses(self, text: &str) -> bool {
        let is_text = text.starts_with('"');
        let integer = text.parse::<i64>();
        match self {
            // No session or machine has such an id either.
            Self::Session | Self::Machine => true,
            Self::Text => !is_text,
            Self::Number => !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()),
            Self::Integer => text != "-0" && integer.is_err(),
            Self::List => !text.starts_with('['),
            Self::Any | Self::Optional => false,
        }
    }
}

impl Event {
    fn payload(&self, ids: &Ids, replaced: Option<(usize, Option<&str>)>) -> String {
        let fields: Vec<String> = self
            .fields
            .iter()
            .enumerate()
            .filter_map(|(place, (name, kind, valid))| {
                let text = match (replaced, kind) {
                    (Some((at, text)), _) if at == place => text?.to_owned(),
                    (_, Kind::Session) => format!("\"{}\"", ids.session),
                    (_, Kind::Machine) => format!("\"{}\"", ids.machine),
                    _ => (*valid).to_owned(),
                };
                Some(format!("\"{name}\":{text}"))
            })
            .collect();
        format!("{{{}}}", fields.join(","))
    }

    fn attempts(&self, ids: &Ids, values: &[Odd]) -> Vec<Attempt> {
        let mut all =
            vec![Attempt { what: "no payload".to_owned(), arguments: String::new(), is_wrong: true }];
        for value in values {
            all.push(Attempt {
                what: format!("{} for a payload", value.name),
                arguments: format!(",{}", value.text),
                is_wrong: true,
            });
        }
        for (place, (name, kind, _)) in self.fields.iter().enumerate() {
            all.push(Attempt {
                what: format!("no {name}"),
                arguments: format!(",{}", self.payload(ids, Some((place, None)))),
                is_wrong: *kind != Kind::Optional,
            });
            for value in values {
                all.push(Attempt {
                    what: format!("{} for {name}", value.name),
                    arguments: format!(",{}", self.payload(ids, Some((place, Some(&value.text))))),
                    is_wrong: kind.refuses(&value.text),
                });
            }
        }
        let valid = self.payload(ids, None);
        let more = valid.replacen('{', "{\"unheardOf\":[1],", 1);
        for (what, arguments) in [
            ("twice the payload", format!(",{valid},{valid}")),
            ("a field too many", format!(",{more}")),
            ("a valid payload", format!(",{valid}")),
            ("a valid payload again", format!(",{valid}")),
        ] {
            all.push(Attempt { what: what.to_owned(), arguments, is_wrong: false });
        }
        all
    }

    /// An acknowledged event is acknowledged once, and one of the wrong shape is told to be wrong.
    fn check(&self, attempt: &Attempt, acks: &[String]) {
        let told = format!("{} with {}: {acks:?}", self.name, attempt.what);
        if self.ack == Ack::None {
            assert!(acks.is_empty(), "{told}");
            return;
        }
        let [ack] = acks else { panic!("{told}") };
        let failures: &[&str] = match self.ack {
            Ack::Result => &[r#"[{"result":"error"}]"#, r#"[{"result":"error","reason":"not-found"}]"#],
            _ => &[r#"[{"ok":false}]"#],
        };
        if attempt.is_wrong {
            assert!(failures.contains(&ack.as_str()), "{told}");
        } else {
            let known = [r#"[{"result":"success","#, r#"[{"result":"version-mismatch","#, r#"[{"ok":"#];
            assert!(
                known.iter().any(|start| ack.starts_with(start)) || failures.contains(&ack.as_str()),
                "{told}"
            );
        }
    }
}

struct Ids {
    session: String,
    machine: String,
}

async fn connect(hub: &TestHub, namespace: &'static str, ids: &Ids) -> Raw {
    let auth = match namespace {
        "/cli" => json!({ "token": hub.base_token, "sessionId": ids.session, "machineId": ids.machine }),
        _ => json!({ "token": hub.web().await.token }),
    };
    Raw::join(hub, namespace, &auth).await
}

/// One event with everything that can be wrong with it. Frames without an acknowledgement's number come first.
async fn try_event(hub: &TestHub, event: &Event, ids: &Ids, values: &[Odd]) {
    let mut socket = connect(hub, event.namespace, ids).await;
    let attempts = event.attempts(ids, values);
    for attempt in &attempts {
        socket.emit(&format!("[\"{}\"{}]", event.name, attempt.arguments)).await;
    }
    let mut asked = Vec::new();
    for attempt in &attempts {
        asked.push((attempt, socket.ask(&format!("[\"{}\"{}]", event.name, attempt.arguments)).await));
    }
    if event.namespace == "/cli" {
        assert!(socket.flush().await, "the line was cut by {}", event.name);
    } else {
        // The only answer that this namespace gives: it comes after all that was sent before.
        let last = format!("after {}", event.name);
        let create = json!({ "sessionId": "unknown", "terminalId": last, "cols": 1, "rows": 1 });
        socket.emit(&json!(["terminal:create", create]).to_string()).await;
        socket.until_frame(&last, |frame| frame.contains(&last)).await;
    }
    for (attempt, number) in asked {
        event.check(attempt, &socket.acks(number));
    }
    socket.forget();
}

async fn ids(hub: &TestHub, place: usize) -> Ids {
    let session = hub.session(&format!("victim-{place}"), &metadata()).await;
    let machine = format!("machine-{place}");
    hub.machine(&machine).await;
    Ids { session, machine }
}

#[actix_rt::test]
async fn no_event_with_anything_in_it_hurts_anybody() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let values = corpus::values();
    for (place, event) in EVENTS.iter().enumerate() {
        let ids = ids(&hub, place).await;
        // The terminal events of browsers are only looked at while a session is active.
        let cli = hub.cli(&ids.session).await;
        cli.alive(hub.clock.now()).await;
        drop(cli);
        try_event(&hub, event, &ids, &values).await;
        bystander.goes_on(&hub, event.name).await;
        let seen = hub.web().await.get(&format!("/api/sessions/{}", ids.session)).await;
        assert_eq!((seen.status, seen.body["session"]["id"].as_str()), (200, Some(ids.session.as_str())));
        let path = format!("/api/sessions/{}/messages?limit=200", ids.session);
        assert_eq!(hub.web().await.get(&path).await.status, 200);
    }
    let list: Value = bystander.web.get("/api/sessions").await.body;
    assert_eq!(list["sessions"].as_array().unwrap().len(), EVENTS.len() + 1);
    // All of it can be read again by a hub that starts anew.
    hub.restart().await;
    assert_eq!(
        hub.web().await.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(),
        EVENTS.len() + 1
    );
    hub.stop().await;
}

/// Nobody waits for ever for the answer to this.
async fn try_garbage(hub: &TestHub, event: &Event, ids: &Ids, garbage: &Odd) {
    let mut socket = connect(hub, event.namespace, ids).await;
    let number = socket.ask(&format!("[\"{}\",{}]", event.name, garbage.text)).await;
    let is_answered = socket.flush().await && !socket.acks(number).is_empty();
    if event.ack != Ack::None && !is_answered {
        socket.until_over().await;
    }
}

#[actix_rt::test]
async fn an_event_that_is_no_json_is_answered_or_ends_its_line() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let ids = ids(&hub, 0).await;
    let garbage = corpus::garbage();
    let events = EVENTS.iter().filter(|event| event.namespace == "/cli");
    let all: Vec<_> = events.flat_map(|event| garbage.iter().map(move |garbage| (event, garbage))).collect();
    futures_util::stream::iter(all)
        .for_each_concurrent(32, async |(event, garbage)| {
            try_garbage(&hub, event, &ids, garbage).await;
        })
        .await;
    bystander.goes_on(&hub, "what is no JSON").await;
    hub.stop().await;
}
