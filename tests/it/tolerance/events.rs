//! Every event of both namespaces, with each of its fields replaced, left out and doubled.

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{
    Bystander,
    catalogue::{Ack, EVENTS, Event, Kind},
    corpus::{self, Odd},
    raw::Raw,
};
use crate::support::{TestHub, metadata};

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
    // An event that has no acknowledgement is asked for one now and then.
    let sparse = if event.ack == Ack::None { 8 } else { 1 };
    for attempt in attempts.iter().step_by(sparse) {
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
