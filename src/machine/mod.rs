//! One live machine: its presence, what its runner reports, and calls into the runner. Sole writer of its row.

mod presence;
mod spawn;
mod view;
mod write;

use std::time::Duration;

use actix::prelude::*;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use crate::link::rpc::{Call, RegisterMethod, UnregisterMethod};
pub use presence::Alive;
pub use spawn::{Spawn, SpawnFailure};
pub use view::{GetMachine, MachineView};
pub use write::{MachineError, Register, Rename, UpdateMetadata, UpdateRunnerState};

use crate::{
    app::Env,
    domain::{
        ids::{MachineId, Millis},
        json::Json,
    },
    link::{LinkId, LinkRef, Methods, RpcError, rpc},
    namespace::{MachineChanged, MachineRow, Tenant, end_with},
    store::machines::Machine,
};

/// A runner sends little; browsers ask more.
const MAILBOX: usize = 1_024;

pub struct LiveMachine {
    env: Env,
    tenant: Addr<Tenant>,
    gone: CancellationToken,
    row: Machine,
    is_active: bool,
    active_at: Millis,
    health: Option<Value>,
    last_broadcast: Millis,
    links: Vec<LinkRef>,
    methods: Methods,
}

impl LiveMachine {
    /// A machine as stored: nobody has been heard of since the hub started.
    pub fn launch(env: Env, tenant: Addr<Tenant>, gone: CancellationToken, row: Machine) -> Addr<Self> {
        let this = Self {
            env,
            tenant,
            gone,
            is_active: false,
            active_at: row.active_at,
            row,
            health: None,
            last_broadcast: 0,
            links: Vec::new(),
            methods: Methods::default(),
        };
        Self::create(|ctx| {
            // From the first message on: a link registers all its methods at once.
            ctx.set_mailbox_capacity(MAILBOX);
            this
        })
    }

    fn now(&self) -> Millis {
        self.env.clock.now()
    }

    fn id(&self) -> &MachineId {
        &self.row.id
    }

    fn view(&self) -> MachineView {
        MachineView::of(&self.row, self.is_active, self.active_at, self.health.clone())
    }

    fn publish_row(&self) {
        // A row that the namespace cannot take now is told again with the next heartbeat.
        let _ =
            self.tenant.try_send(MachineChanged { id: self.id().clone(), row: MachineRow::of(&self.view()) });
    }
}

impl Actor for LiveMachine {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        end_with(self.gone.clone(), self, ctx);
    }
}

/// A link speaks for this machine from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Join(pub LinkRef);

impl Handler<Join> for LiveMachine {
    type Result = ();

    fn handle(&mut self, Join(link): Join, _: &mut Self::Context) {
        if !self.links.iter().any(|known| known.id == link.id) {
            self.links.push(link);
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave(pub LinkId);

impl Handler<Leave> for LiveMachine {
    type Result = ();

    fn handle(&mut self, Leave(gone): Leave, _: &mut Self::Context) {
        self.links.retain(|known| known.id != gone);
        self.methods.forget(gone);
    }
}

impl Handler<RegisterMethod> for LiveMachine {
    type Result = ();

    fn handle(&mut self, RegisterMethod { link, method }: RegisterMethod, _: &mut Self::Context) {
        if self.links.iter().any(|known| known.id == link) {
            self.methods.register(&method, link);
        }
    }
}

impl Handler<UnregisterMethod> for LiveMachine {
    type Result = ();

    fn handle(&mut self, UnregisterMethod { link, method }: UnregisterMethod, _: &mut Self::Context) {
        self.methods.unregister(&method, link);
    }
}

impl Handler<Call> for LiveMachine {
    type Result = ResponseFuture<Result<Json, RpcError>>;

    fn handle(&mut self, Call { method, params, within }: Call, _: &mut Self::Context) -> Self::Result {
        Box::pin(self.call(method, &params, within))
    }
}

impl LiveMachine {
    fn call(
        &self,
        method: &str,
        params: &Value,
        within: Duration,
    ) -> impl Future<Output = Result<Json, RpcError>> + use<> {
        rpc::call(&self.methods, &self.links, self.id().as_str(), method, params, within)
    }
}

/// The machine's models changed: browsers read them again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ModelsChanged;

impl Handler<ModelsChanged> for LiveMachine {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, _: ModelsChanged, _: &mut Self::Context) -> Self::Result {
        let entry = crate::wire::events::machine_models_changed(&self.row.namespace, self.id(), self.now());
        let namespace = self.row.namespace.clone();
        let store = self.env.store.clone();
        let told = async move {
            if let Err(error) = store.write(move |tx| tx.journal(&namespace, entry)).await {
                tracing::warn!(%error, "could not tell that a machine's models changed");
            }
        };
        AtomicResponse::new(Box::pin(told.into_actor(self)))
    }
}

/// Time has passed.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Tick;
