//! The process-wide directory from a namespace to its actor, and the handle through which the edge asks it.

use std::{
    cell::RefCell,
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    rc::Rc,
};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{FindError, FindMachine, FindSession, Tenant, Tick};
use crate::{
    app::Env,
    domain::ids::{MachineId, Namespace, SessionId},
    machine::LiveMachine,
    session::LiveSession,
};

/// Namespace → address. A namespace exists by being used.
pub struct Directory {
    env: Env,
    arbiters: Vec<ArbiterHandle>,
    tenants: HashMap<Namespace, Entry>,
}

enum Entry {
    Starting(Vec<oneshot::Sender<Option<Addr<Tenant>>>>),
    Live(Addr<Tenant>),
}

impl Directory {
    /// Namespaces are spread over `arbiters`; all actors of one stay together.
    pub fn new(env: Env, arbiters: Vec<ArbiterHandle>) -> Self {
        Self { env, arbiters, tenants: HashMap::new() }
    }
}

/// The thread that a namespace and all its actors live on.
pub fn arbiter_of<'a>(arbiters: &'a [ArbiterHandle], namespace: &Namespace) -> Option<&'a ArbiterHandle> {
    let mut hasher = DefaultHasher::new();
    namespace.hash(&mut hasher);
    let place = hasher.finish() % u64::try_from(arbiters.len().max(1)).ok()?;
    arbiters.get(usize::try_from(place).ok()?)
}

impl Actor for Directory {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Each request of a namespace that a worker has not met yet passes here once.
        ctx.set_mailbox_capacity(4_096);
    }
}

/// Answers the address of a namespace's actor; `None` when it cannot be started.
#[derive(Message)]
#[rtype(result = "Option<Addr<Tenant>>")]
pub struct FindTenant(pub Namespace);

impl Handler<FindTenant> for Directory {
    type Result = ResponseActFuture<Self, Option<Addr<Tenant>>>;

    fn handle(&mut self, FindTenant(namespace): FindTenant, _: &mut Self::Context) -> Self::Result {
        match self.tenants.get_mut(&namespace) {
            Some(Entry::Live(address)) if address.connected() => {
                return Box::pin(actix::fut::ready(Some(address.clone())));
            }
            Some(Entry::Starting(waiting)) => {
                let (reply, answer) = oneshot::channel();
                waiting.push(reply);
                return Box::pin(async move { answer.await.ok().flatten() }.into_actor(self));
            }
            Some(Entry::Live(_)) | None => {}
        }
        self.tenants.insert(namespace.clone(), Entry::Starting(Vec::new()));
        let (started, launched) = oneshot::channel();
        let launch = Tenant::launch(self.env.clone(), namespace.clone());
        let is_spawned = arbiter_of(&self.arbiters, &namespace).is_some_and(|arbiter| {
            arbiter.spawn(async move {
                let _ = started.send(launch.await);
            })
        });
        if !is_spawned {
            tracing::error!(%namespace, "no thread to start a namespace on");
        }
        Box::pin(launched.into_actor(self).map(move |launched, this, _| {
            let address = match launched {
                Ok(Ok(address)) => Some(address),
                Ok(Err(error)) => {
                    tracing::error!(%error, %namespace, "could not start a namespace");
                    None
                }
                Err(_) => None,
            };
            let before = match &address {
                Some(address) => this.tenants.insert(namespace, Entry::Live(address.clone())),
                None => this.tenants.remove(&namespace),
            };
            if let Some(Entry::Starting(waiting)) = before {
                for reply in waiting {
                    let _ = reply.send(address.clone());
                }
            }
            address
        }))
    }
}

impl Handler<Tick> for Directory {
    type Result = ();

    fn handle(&mut self, tick: Tick, _: &mut Self::Context) {
        for entry in self.tenants.values() {
            if let Entry::Live(tenant) = entry {
                let _ = tenant.try_send(tick);
            }
        }
    }
}

type Cached<K, A> = Rc<RefCell<HashMap<K, Addr<A>>>>;

/// What the edge holds: the way to every actor. Each HTTP worker has its own copy with a small cache of addresses, so
/// that most requests hop to another thread once.
#[derive(Clone)]
pub struct Hub {
    directory: Addr<Directory>,
    tenants: Cached<Namespace, Tenant>,
    sessions: Cached<(Namespace, SessionId), LiveSession>,
}

/// A cache that grew past this is dropped and filled anew.
const CACHED: usize = 10_000;

impl Hub {
    pub fn new(directory: Addr<Directory>) -> Self {
        Self { directory, tenants: Rc::default(), sessions: Rc::default() }
    }

    pub async fn tenant(&self, namespace: &Namespace) -> Result<Addr<Tenant>, FindError> {
        if let Some(address) = self.tenants.borrow().get(namespace)
            && address.connected()
        {
            return Ok(address.clone());
        }
        let found = self.directory.send(FindTenant(namespace.clone())).await;
        let address = found.ok().flatten().ok_or(FindError::Down)?;
        let mut tenants = self.tenants.borrow_mut();
        if tenants.len() >= CACHED {
            tenants.clear();
        }
        tenants.insert(namespace.clone(), address.clone());
        Ok(address)
    }

    pub async fn session(
        &self,
        namespace: &Namespace,
        id: &SessionId,
    ) -> Result<Addr<LiveSession>, FindError> {
        let key = (namespace.clone(), id.clone());
        if let Some(address) = self.sessions.borrow().get(&key)
            && address.connected()
        {
            return Ok(address.clone());
        }
        let tenant = self.tenant(namespace).await?;
        let find = FindSession { id: id.clone(), link: None };
        let found = tenant.send(find).await.map_err(|_| FindError::Down)??;
        let mut sessions = self.sessions.borrow_mut();
        if sessions.len() >= CACHED {
            sessions.clear();
        }
        sessions.insert(key, found.address.clone());
        Ok(found.address)
    }

    pub async fn machine(
        &self,
        namespace: &Namespace,
        id: &MachineId,
    ) -> Result<Addr<LiveMachine>, FindError> {
        let tenant = self.tenant(namespace).await?;
        let find = FindMachine { id: id.clone(), link: None };
        Ok(tenant.send(find).await.map_err(|_| FindError::Down)??.address)
    }
}
