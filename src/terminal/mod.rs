//! Terminals of a namespace: a browser on one side, a shell that a CLI runs on the other. The switchboard knows every
//! open terminal, keeps what it last showed, and ends those that nobody uses. The screens of agents that have one of
//! their own are in [`agent`].

mod agent;
mod cli;
mod scrollback;
mod viewer;

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub use agent::SessionOver;
pub use cli::{CliEvent, FromCli, LinkGone};
pub use viewer::{ViewerEvent, ViewerGone};

use crate::{
    app::Env,
    domain::{
        ids::{Millis, SessionId},
        json as raw,
    },
    link::{LinkId, Peer},
    namespace::{Tenant, end_with},
};
use agent::Screens;
use scrollback::Scrollback;

/// Output of shells comes in bursts; a CLI's socket waits when this is full.
const MAILBOX: usize = 4_096;

pub struct Switchboard {
    env: Env,
    tenant: Addr<Tenant>,
    gone: CancellationToken,
    /// The browser chooses the id; it is one terminal in the whole namespace.
    terminals: HashMap<String, Terminal>,
    screens: Screens,
}

struct Terminal {
    session: SessionId,
    viewer: LinkId,
    viewer_peer: Option<Arc<dyn Peer>>,
    cli: LinkId,
    cli_peer: Arc<dyn Peer>,
    scrollback: Scrollback,
    used_at: Millis,
}

impl Terminal {
    fn show(&self, event: &'static str, payload: &Value) {
        if let Some(peer) = &self.viewer_peer {
            let _ = peer.emit(event, &raw::write(payload));
        }
    }

    fn command(&self, event: &'static str, payload: &Value) -> bool {
        self.cli_peer.emit(event, &raw::write(payload)).is_ok()
    }
}

impl Switchboard {
    pub fn launch(env: Env, tenant: Addr<Tenant>, gone: CancellationToken) -> Addr<Self> {
        Self { env, tenant, gone, terminals: HashMap::new(), screens: Screens::new() }.start()
    }

    fn now(&self) -> Millis {
        self.env.clock.now()
    }
}

impl Actor for Switchboard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        end_with(self.gone.clone(), self, ctx);
    }
}

/// Time has passed: terminals that nobody used for long are closed.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Tick;

impl Handler<Tick> for Switchboard {
    type Result = ();

    fn handle(&mut self, _: Tick, _: &mut Self::Context) {
        let now = self.now();
        let idle = self.env.settings.terminal_idle;
        self.terminals.retain(|id, terminal| {
            let is_used = now - terminal.used_at < idle;
            if !is_used {
                let message = "Terminal closed due to inactivity.";
                terminal.show("terminal:error", &json!({ "terminalId": id, "message": message }));
                let close = json!({ "sessionId": terminal.session, "terminalId": id });
                terminal.command("terminal:close", &close);
            }
            is_used
        });
    }
}
