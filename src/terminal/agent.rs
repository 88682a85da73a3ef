//! The screen of an agent's own terminal program: its process sends it, browsers watch it and may type.

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::{Scrollback, Switchboard};
use crate::{
    domain::{ids::SessionId, json as raw, screen},
    link::{LinkId, LinkRef, Peer},
    namespace::FindSession,
    session::FindLine,
};

/// What the one terminal of an agent is called on the wire.
const TERMINAL: &str = "agent";
const TERMINATED: &str = "\r\n[Session terminated]\r\n";

/// The screens of a namespace, by session.
pub(super) type Screens = HashMap<SessionId, Screen>;

#[derive(Default)]
pub(super) struct Screen {
    watchers: Vec<(LinkId, Arc<dyn Peer>)>,
    scrollback: Scrollback,
}

impl Screen {
    fn is_forgotten(&self) -> bool {
        self.watchers.is_empty() && self.scrollback.is_empty()
    }

    fn show(&self, session: &SessionId, data: &str) {
        if self.watchers.is_empty() {
            return;
        }
        let output = raw::write(&json!({ "sessionId": session, "terminalId": TERMINAL, "data": data }));
        for (_, peer) in &self.watchers {
            let _ = peer.emit("agent-terminal:output", &output);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    session_id: String,
    cols: Option<i64>,
    rows: Option<i64>,
    data: Option<String>,
}

/// What a browser wants of a screen.
pub(super) struct Wish {
    session: SessionId,
    kind: Kind,
}

enum Kind {
    Watch,
    LookAway,
    Resize { cols: i64, rows: i64 },
    Type(String),
}

impl Wish {
    /// `None` when the event is none about screens, or not of the shape its name asks for.
    pub fn read(name: &str, payload: &str) -> Option<Self> {
        let name = name.strip_prefix("agent-terminal:")?;
        let fields: Fields = serde_json::from_str(payload)
            .or_else(|_| serde_json::from_str(&raw::repair_surrogates(payload)))
            .ok()?;
        let kind = match name {
            "subscribe" => Kind::Watch,
            "unsubscribe" => Kind::LookAway,
            "resize" => Kind::Resize {
                cols: fields.cols.filter(|cols| *cols > 0)?,
                rows: fields.rows.filter(|rows| *rows > 0)?,
            },
            "input" => Kind::Type(fields.data.filter(|data| !data.is_empty())?),
            _ => return None,
        };
        Some(Self { session: fields.session_id.into(), kind })
    }
}

impl Switchboard {
    /// Asking the session takes a moment; no other event is taken meanwhile, so that what a browser types keeps its
    /// order.
    pub(super) fn wished(
        &mut self,
        viewer: LinkId,
        peer: Arc<dyn Peer>,
        Wish { session, kind }: Wish,
    ) -> AtomicResponse<Self, ()> {
        if matches!(kind, Kind::LookAway) {
            return self.look_away(viewer, Some(session));
        }
        let find = self.tenant.send(FindSession { id: session.clone(), link: None });
        let ask = async move {
            let found = find.await.ok()?.ok()?;
            found.address.send(FindLine).await.ok()
        };
        AtomicResponse::new(Box::pin(ask.into_actor(self).map(move |found, this, _| {
            let Some(line) = found.filter(|line| line.is_active) else { return };
            match kind {
                Kind::Watch => this.watch(viewer, peer, &session, line.link),
                Kind::Resize { cols, rows } => {
                    let size = json!({ "sessionId": session, "cols": cols, "rows": rows });
                    tell(line.link, "agent-terminal:resize", &size);
                }
                Kind::Type(data) => {
                    let input = json!({ "sessionId": session, "data": data });
                    tell(line.link, "agent-terminal:input", &input);
                }
                Kind::LookAway => {}
            }
        })))
    }

    fn watch(&mut self, viewer: LinkId, peer: Arc<dyn Peer>, session: &SessionId, cli: Option<LinkRef>) {
        let screen = self.screens.entry(session.clone()).or_default();
        if !screen.watchers.iter().any(|(known, _)| *known == viewer) {
            screen.watchers.push((viewer, peer.clone()));
        }
        // The process draws its screen anew; what is kept is shown only when it cannot.
        if tell(cli, "agent-terminal:refresh", &json!({ "sessionId": session })) {
            return;
        }
        let shown = screen.scrollback.text();
        let data = screen::replay(&shown);
        if !data.is_empty() {
            let output = json!({ "sessionId": session, "terminalId": TERMINAL, "data": data });
            let _ = peer.emit("agent-terminal:output", &raw::write(&output));
        }
    }

    /// A browser watches a session, or any, no longer. Processes that nobody watches any more are told.
    pub(super) fn look_away(
        &mut self,
        viewer: LinkId,
        session: Option<SessionId>,
    ) -> AtomicResponse<Self, ()> {
        let mut left = Vec::new();
        for (id, screen) in &mut self.screens {
            let before = screen.watchers.len();
            if session.as_ref().is_none_or(|session| session == id) {
                screen.watchers.retain(|(known, _)| *known != viewer);
            }
            if before > 0 && screen.watchers.is_empty() {
                left.push(id.clone());
            }
        }
        self.screens.retain(|_, screen| !screen.is_forgotten());
        let tenant = self.tenant.clone();
        let told = async move {
            for id in left {
                let find = tenant.send(FindSession { id: id.clone(), link: None });
                if let Ok(Ok(found)) = find.await
                    && let Ok(line) = found.address.send(FindLine).await
                {
                    tell(line.link, "agent-terminal:idle", &json!({ "sessionId": id }));
                }
            }
        };
        AtomicResponse::new(Box::pin(told.into_actor(self)))
    }

    pub(super) fn screen_shows(&mut self, session: SessionId, data: &str) {
        let screen = self.screens.entry(session.clone()).or_default();
        screen.scrollback.push(data);
        screen.show(&session, data);
    }

    /// What was shown means nothing any more.
    pub(super) fn screen_is_reset(&mut self, session: &SessionId) {
        if let Some(screen) = self.screens.get_mut(session) {
            screen.scrollback = Scrollback::default();
        }
        self.screens.retain(|_, screen| !screen.is_forgotten());
    }
}

/// Says whether there was somebody to tell.
fn tell(cli: Option<LinkRef>, event: &'static str, payload: &serde_json::Value) -> bool {
    cli.is_some_and(|cli| cli.peer.emit(event, &raw::write(payload)).is_ok())
}

/// A session's process is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SessionOver {
    pub id: SessionId,
    /// It came to an end, rather than falling silent.
    pub is_told: bool,
}

impl Handler<SessionOver> for Switchboard {
    type Result = ();

    fn handle(&mut self, SessionOver { id, is_told }: SessionOver, _: &mut Self::Context) {
        if is_told && let Some(screen) = self.screens.get(&id) {
            screen.show(&id, TERMINATED);
        }
        self.screen_is_reset(&id);
    }
}
