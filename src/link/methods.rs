//! Which methods a socket serves. It can register them only for what it is itself, so nobody receives calls that are
//! meant for another.

use actix::prelude::*;

use super::{
    Link, MOST_METHODS,
    events::{Taken, nothing},
};
use crate::{
    domain::ids::SessionId,
    machine,
    session::{self, LiveSession},
    wire::cli::{self, Scope},
};

impl Link {
    /// What a full method name means to this socket; `None` when it is not its own.
    fn own_method(&self, method: &str) -> Option<(Scope, String)> {
        let (scope, name) = method.rsplit_once(':')?;
        if self.session.as_ref().is_some_and(|own| own.as_str() == scope) {
            return Some((Scope::Session, name.to_owned()));
        }
        if self.machine.as_ref().is_some_and(|own| own.as_str() == scope) {
            return Some((Scope::Machine, name.to_owned()));
        }
        tracing::debug!(method, "a CLI registered a method that is not its own");
        None
    }

    pub(super) fn register(&mut self, cli::Method { method }: cli::Method, this: Addr<Self>) -> Taken {
        let link = self.id;
        match self.own_method(&method) {
            Some((Scope::Session, method)) => {
                if self.session_methods.len() >= MOST_METHODS {
                    return nothing();
                }
                if !self.session_methods.contains(&method) {
                    self.session_methods.push(method.clone());
                }
                let Some(id) = self.session.clone() else { return nothing() };
                self.tell_own_session(id, this, session::RegisterMethod { link, method })
            }
            Some((Scope::Machine, method)) => {
                if self.machine_methods.len() >= MOST_METHODS {
                    return nothing();
                }
                if !self.machine_methods.contains(&method) {
                    self.machine_methods.push(method.clone());
                }
                let Some(id) = self.machine.clone() else { return nothing() };
                self.tell_machine(id, this, machine::RegisterMethod { link, method })
            }
            None => nothing(),
        }
    }

    pub(super) fn unregister(&mut self, cli::Method { method }: cli::Method, this: Addr<Self>) -> Taken {
        let link = self.id;
        match self.own_method(&method) {
            Some((Scope::Session, method)) => {
                self.session_methods.retain(|known| *known != method);
                let Some(id) = self.session.clone() else { return nothing() };
                self.tell_own_session(id, this, session::UnregisterMethod { link, method })
            }
            Some((Scope::Machine, method)) => {
                self.machine_methods.retain(|known| *known != method);
                let Some(id) = self.machine.clone() else { return nothing() };
                self.tell_machine(id, this, machine::UnregisterMethod { link, method })
            }
            None => nothing(),
        }
    }

    fn tell_own_session<M>(&mut self, id: SessionId, this: Addr<Self>, command: M) -> Taken
    where
        M: Message<Result = ()> + Send + 'static,
        LiveSession: Handler<M>,
    {
        let found = self.session(id, this);
        Box::pin(found.then(move |found, link, _| {
            let done = found.ok().map(|address| address.send(command));
            async move {
                if let Some(done) = done {
                    let _ = done.await;
                }
                None
            }
            .into_actor(link)
        }))
    }
}
