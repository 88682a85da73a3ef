//! What the shell's side says.

use actix::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Switchboard;
use crate::{
    domain::{ids::SessionId, json as raw},
    link::LinkId,
};

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

/// A session's process about the screen of its agent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScreenFields {
    session_id: String,
    terminal_id: Option<String>,
    data: Option<String>,
}

/// An event of a CLI about one of its terminals.
pub struct CliEvent {
    pub session: SessionId,
    terminal: String,
    kind: Kind,
}

enum Kind {
    Ready,
    Output(String),
    Exit { code: Value, signal: Value },
    Error(String),
    ScreenOutput(String),
    ScreenReset,
}

impl CliEvent {
    /// `None` when it is not of the shape its name asks for.
    pub fn read(name: &str, payload: &str) -> Option<Self> {
        if let Some(name) = name.strip_prefix("agent-terminal:") {
            return Self::read_screen(name, payload);
        }
        let fields: Fields = read(payload)?;
        let kind = match name {
            "terminal:ready" => Kind::Ready,
            "terminal:output" => Kind::Output(fields.data?),
            "terminal:exit" => Kind::Exit { code: fields.code, signal: fields.signal },
            "terminal:error" => Kind::Error(fields.message?),
            _ => return None,
        };
        Some(Self { session: fields.session_id.into(), terminal: fields.terminal_id, kind })
    }

    fn read_screen(name: &str, payload: &str) -> Option<Self> {
        let fields: ScreenFields = read(payload)?;
        let kind = match name {
            "output" if fields.terminal_id.as_deref() == Some("agent") => Kind::ScreenOutput(fields.data?),
            "reset" => Kind::ScreenReset,
            _ => return None,
        };
        Some(Self { session: fields.session_id.into(), terminal: String::new(), kind })
    }

    /// Only the process of the session itself may say it.
    pub fn is_about_screen(&self) -> bool {
        matches!(self.kind, Kind::ScreenOutput(_) | Kind::ScreenReset)
    }
}

fn read<T: DeserializeOwned>(payload: &str) -> Option<T> {
    serde_json::from_str(payload).or_else(|_| serde_json::from_str(&raw::repair_surrogates(payload))).ok()
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
        match event.kind {
            Kind::ScreenOutput(data) => return self.screen_shows(event.session, &data),
            Kind::ScreenReset => return self.screen_is_reset(&event.session),
            _ => {}
        }
        let Some(terminal) = self.terminals.get_mut(&event.terminal) else { return };
        if terminal.cli != link || terminal.session != event.session {
            return;
        }
        let (session, id) = (event.session, event.terminal);
        let is_over = match event.kind {
            Kind::ScreenOutput(_) | Kind::ScreenReset => false,
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
