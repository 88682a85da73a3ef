//! What the browser's side says.

use std::sync::Arc;

use actix::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Scrollback, Switchboard, Terminal, agent::Wish};
use crate::{
    domain::{ids::SessionId, json as raw},
    link::{LinkId, LinkRef, Peer},
    namespace::FindSession,
    session::FindLine,
};

const NOT_CONNECTED: &str = "CLI is not connected for this session.";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    session_id: Option<String>,
    terminal_id: String,
    cols: Option<i64>,
    rows: Option<i64>,
    data: Option<String>,
}

/// An event of a browser.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ViewerEvent {
    pub viewer: LinkId,
    pub peer: Arc<dyn Peer>,
    pub name: String,
    pub payload: String,
}

struct Open {
    session: SessionId,
    terminal: String,
    cols: i64,
    rows: i64,
}

impl Handler<ViewerEvent> for Switchboard {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, event: ViewerEvent, _: &mut Self::Context) -> Self::Result {
        let done = || AtomicResponse::new(Box::pin(actix::fut::ready(())));
        if let Some(wish) = Wish::read(&event.name, &event.payload) {
            return self.wished(event.viewer, event.peer, wish);
        }
        let fields = serde_json::from_str(&event.payload)
            .or_else(|_| serde_json::from_str(&raw::repair_surrogates(&event.payload)));
        let Ok(Fields { session_id, terminal_id, cols, rows, data }) = fields else { return done() };
        let size = cols.filter(|cols| *cols > 0).zip(rows.filter(|rows| *rows > 0));
        match event.name.as_str() {
            "terminal:create" => {
                let session = session_id.filter(|id| !id.is_empty());
                if let (Some(session), Some((cols, rows)), false) = (session, size, terminal_id.is_empty()) {
                    let open = Open { session: session.into(), terminal: terminal_id, cols, rows };
                    return self.create(event.viewer, event.peer, open);
                }
            }
            "terminal:write" => {
                if let Some(data) = data {
                    self.command(event.viewer, &terminal_id, "terminal:write", json!({ "data": data }));
                }
            }
            "terminal:resize" => {
                if let Some((cols, rows)) = size {
                    let size = json!({ "cols": cols, "rows": rows });
                    self.command(event.viewer, &terminal_id, "terminal:resize", size);
                }
            }
            "terminal:close" if self.is_bound(&terminal_id, event.viewer) => {
                self.command(event.viewer, &terminal_id, "terminal:close", json!({}));
                self.terminals.remove(&terminal_id);
            }
            _ => {}
        }
        done()
    }
}

impl Switchboard {
    fn is_bound(&self, id: &str, viewer: LinkId) -> bool {
        self.terminals.get(id).is_some_and(|known| known.viewer == viewer)
    }

    /// Passes a command to the shell's side, if it comes from the browser that the terminal is bound to.
    fn command(&mut self, viewer: LinkId, id: &str, event: &'static str, mut payload: Value) {
        let now = self.now();
        let Some(terminal) = self.terminals.get_mut(id).filter(|known| known.viewer == viewer) else {
            return;
        };
        if let Some(fields) = payload.as_object_mut() {
            fields.insert("sessionId".into(), terminal.session.as_str().into());
            fields.insert("terminalId".into(), id.into());
        }
        terminal.used_at = now;
        if !terminal.command(event, &payload) {
            terminal.show("terminal:error", &json!({ "terminalId": id, "message": "CLI disconnected." }));
            self.terminals.remove(id);
        }
    }

    /// Opens a terminal, or binds one that is open to this browser. Asking the session takes a moment; no other event
    /// is taken meanwhile, so that a browser's writes cannot overtake its create.
    fn create(&mut self, viewer: LinkId, peer: Arc<dyn Peer>, open: Open) -> AtomicResponse<Self, ()> {
        let find = self.tenant.send(FindSession { id: open.session.clone(), link: None });
        let ask = async move {
            let found = find.await.ok()?.ok()?;
            found.address.send(FindLine).await.ok().filter(|line| line.is_active)
        };
        AtomicResponse::new(Box::pin(ask.into_actor(self).map(move |line, this, _| {
            let refused = match line {
                None => Some("Session is inactive or unavailable.".to_owned()),
                Some(line) => this.open(viewer, &peer, &open, line.link).err(),
            };
            if let Some(message) = refused {
                let error = raw::write(&json!({ "terminalId": open.terminal, "message": message }));
                let _ = peer.emit("terminal:error", &error);
            }
        })))
    }

    fn open(
        &mut self,
        viewer: LinkId,
        peer: &Arc<dyn Peer>,
        open: &Open,
        line: Option<LinkRef>,
    ) -> Result<(), String> {
        let most = self.env.settings.terminals;
        let known = self.terminals.get(&open.terminal);
        let is_rebind = known.is_some_and(|known| known.session == open.session);
        if !is_rebind {
            if self.terminals.values().filter(|known| known.viewer == viewer).count() >= most {
                return Err(format!("Too many terminals open (max {most})."));
            }
            if self.terminals.values().filter(|known| known.session == open.session).count() >= most {
                return Err(format!("Too many terminals open for this session (max {most})."));
            }
        }
        let line = line.ok_or(NOT_CONNECTED)?;
        if known.is_some() && !is_rebind {
            return Err("Terminal ID is already in use.".into());
        }
        let was_bound_here = known.is_some_and(|known| known.viewer == viewer);
        let scrollback =
            self.terminals.remove(&open.terminal).map_or_else(Scrollback::default, |known| known.scrollback);
        let terminal = Terminal {
            session: open.session.clone(),
            viewer,
            viewer_peer: Some(peer.clone()),
            cli: line.id,
            cli_peer: line.peer,
            scrollback,
            used_at: self.now(),
        };
        // Also for one that is open: the CLI resizes it and says again that it is ready.
        let command = json!({
            "sessionId": open.session, "terminalId": open.terminal, "cols": open.cols, "rows": open.rows,
        });
        if !terminal.command("terminal:open", &command) {
            // It went away at this moment: nobody would ever end this terminal.
            return Err(NOT_CONNECTED.into());
        }
        if !was_bound_here && !terminal.scrollback.is_empty() {
            let output = json!({ "terminalId": open.terminal, "data": terminal.scrollback.text() });
            terminal.show("terminal:output", &output);
        }
        self.terminals.insert(open.terminal.clone(), terminal);
        Ok(())
    }
}

/// A browser is gone. Its terminals stay, so that it can come back to them.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ViewerGone(pub LinkId);

impl Handler<ViewerGone> for Switchboard {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, ViewerGone(gone): ViewerGone, _: &mut Self::Context) -> Self::Result {
        for terminal in self.terminals.values_mut().filter(|terminal| terminal.viewer == gone) {
            terminal.viewer_peer = None;
        }
        self.look_away(gone, None)
    }
}
