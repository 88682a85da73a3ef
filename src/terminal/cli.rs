//! What the shell's side says.

use actix::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Switchboard;
use crate::{domain::json as raw, link::LinkId};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    session_id: String,
    terminal_id: String,
    data: Option<String>,
    message: Option<String>,
    #[serde(default)]
    code: Value,
    #[serde(default)]
    signal: Value,
}

/// An event of a CLI about one of its terminals.
pub struct CliEvent {
    session: String,
    terminal: String,
    kind: Kind,
}

enum Kind {
    Ready,
    Output(String),
    Exit { code: Value, signal: Value },
    Error(String),
}

impl CliEvent {
    /// `None` when it is not of the shape its name asks for.
    pub fn read(name: &str, payload: &str) -> Option<Self> {
        let fields: Fields = serde_json::from_str(payload)
            .or_else(|_| serde_json::from_str(&raw::repair_surrogates(payload)))
            .ok()?;
        let kind = match name {
            "terminal:ready" => Kind::Ready,
            "terminal:output" => Kind::Output(fields.data?),
            "terminal:exit" => Kind::Exit { code: fields.code, signal: fields.signal },
            "terminal:error" => Kind::Error(fields.message?),
            _ => return None,
        };
        Some(Self { session: fields.session_id, terminal: fields.terminal_id, kind })
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct FromCli {
    pub link: LinkId,
    pub event: CliEvent,
}

impl Handler<FromCli> for Switchboard {
    type Result = ();

    fn handle(&mut self, FromCli { link, event }: FromCli, _: &mut Self::Context) {
        let now = self.now();
        let Some(terminal) = self.terminals.get_mut(&event.terminal) else { return };
        if terminal.cli != link || terminal.session.as_str() != event.session {
            return;
        }
        let (session, id) = (event.session, event.terminal);
        let is_over = match event.kind {
            Kind::Ready => {
                if terminal.viewer_peer.is_some() {
                    terminal.used_at = now;
                }
                terminal.show("terminal:ready", &json!({ "sessionId": session, "terminalId": id }));
                false
            }
            Kind::Output(data) => {
                terminal.used_at = now;
                terminal.scrollback.push(&data);
                let output = json!({ "sessionId": session, "terminalId": id, "data": data });
                terminal.show("terminal:output", &output);
                false
            }
            Kind::Exit { code, signal } => {
                let exit = json!({ "sessionId": session, "terminalId": id, "code": code, "signal": signal });
                terminal.show("terminal:exit", &exit);
                true
            }
            Kind::Error(message) => {
                let error = json!({ "sessionId": session, "terminalId": id, "message": message });
                terminal.show("terminal:error", &error);
                true
            }
        };
        if is_over {
            self.terminals.remove(&id);
        }
    }
}

/// A CLI's socket is gone, and its shells with it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LinkGone(pub LinkId);

impl Handler<LinkGone> for Switchboard {
    type Result = ();

    fn handle(&mut self, LinkGone(gone): LinkGone, _: &mut Self::Context) {
        self.terminals.retain(|id, terminal| {
            let is_gone = terminal.cli == gone;
            if is_gone {
                terminal.show("terminal:error", &json!({ "terminalId": id, "message": "CLI disconnected." }));
            }
            !is_gone
        });
    }
}
