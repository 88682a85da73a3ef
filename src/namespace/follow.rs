//! HTTP workers follow the tail: one message per worker carries the new frames, and the worker wakes its own streams.

use std::sync::Arc;

use actix::prelude::*;
use bytes::Bytes;

use super::{Frame, Tenant};
use crate::domain::ids::{MachineId, Namespace, SessionId};

/// New frames, from offset `start` on. `head` is the newest number of the namespace.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct TailAppended {
    pub namespace: Namespace,
    pub start: u64,
    pub head: i64,
    pub frames: Vec<Arc<Frame>>,
}

/// A worker wants the tail: it gets what is held as its first message, then everything new, in order.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Follow(pub Recipient<TailAppended>);

impl Handler<Follow> for Tenant {
    type Result = ();

    fn handle(&mut self, Follow(follower): Follow, _: &mut Self::Context) {
        let held = TailAppended {
            namespace: self.namespace.clone(),
            start: self.tail.first(),
            head: self.tail.head(),
            frames: self.tail.frames().cloned().collect(),
        };
        if follower.try_send(held).is_ok() && !self.followers.contains(&follower) {
            self.followers.push(follower);
        }
    }
}

/// A worker has no stream of this namespace left.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FollowerGone(pub Recipient<TailAppended>);

impl Handler<FollowerGone> for Tenant {
    type Result = ();

    fn handle(&mut self, FollowerGone(follower): FollowerGone, _: &mut Self::Context) {
        self.followers.retain(|known| *known != follower);
    }
}

/// An event not worth a number: a heartbeat that moves nothing but `activeAt`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Quiet {
    pub json: Bytes,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
}

impl Handler<Quiet> for Tenant {
    type Result = ();

    fn handle(&mut self, Quiet { json, session, machine }: Quiet, _: &mut Self::Context) {
        if !self.followers.is_empty() {
            self.push(vec![Arc::new(Frame::unnumbered(&json, session, machine))]);
        }
    }
}
