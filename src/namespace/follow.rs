//! HTTP workers follow the tail: one message per worker carries the new frames, and the worker wakes its own streams.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use bytes::Bytes;

use super::{Frame, Tail, TailId, Tenant};
use crate::{
    domain::ids::{MachineId, Namespace, SessionId},
    store::journal::{self, Window},
};

/// New frames, from offset `start` on, and every event after number `after` is among them. `head` is the newest number
/// of the namespace.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct TailAppended {
    pub namespace: Namespace,
    pub tail: TailId,
    pub start: u64,
    pub after: i64,
    pub head: i64,
    pub frames: Vec<Arc<Frame>>,
}

/// What is read back from the store for the first stream, so that browsers that all come back after a restart find in
/// memory what they missed.
const FILL: Window = Window { rows: 1_024, bytes: 8 * 1024 * 1024 };

/// Without a stream the tail is let go after this time.
const KEPT: Duration = Duration::from_secs(60);

/// Events are held in memory only while somebody follows.
#[derive(Debug, Default)]
pub(super) enum Following {
    /// Nobody does, and nothing is held.
    #[default]
    Nobody,
    /// What is held is being read back; these wait for it.
    Filling(Vec<Recipient<TailAppended>>),
    By(Vec<Recipient<TailAppended>>),
    /// Nobody does any more, since then. They may come back.
    NobodySince(Instant),
}

/// A worker wants the tail: it gets what is held as its first message, then everything new, in order.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Follow(pub Recipient<TailAppended>);

impl Handler<Follow> for Tenant {
    type Result = ();

    fn handle(&mut self, Follow(follower): Follow, ctx: &mut Self::Context) {
        match &mut self.following {
            Following::Nobody => self.fill(follower, ctx),
            Following::Filling(followers) => followers.push(follower),
            Following::By(followers) => {
                if !followers.contains(&follower) {
                    followers.push(follower.clone());
                }
                self.tell_held(&follower);
            }
            Following::NobodySince(_) => {
                self.tell_held(&follower);
                self.following = Following::By(vec![follower]);
            }
        }
    }
}

impl Tenant {
    fn fill(&mut self, follower: Recipient<TailAppended>, ctx: &mut Context<Self>) {
        self.following = Following::Filling(vec![follower]);
        let (store, namespace) = (self.env.store.clone(), self.namespace.clone());
        let read = async move { store.read(move |conn| journal::newest(conn, &namespace, FILL)).await };
        ctx.spawn(read.into_actor(self).map(|read, this, _| {
            match read {
                Ok(newest) => this.put_before(newest),
                // Streams that come back are then served from the store, or told so.
                Err(error) => tracing::warn!(%error, "could not read back the newest events"),
            }
            let Following::Filling(followers) = std::mem::take(&mut this.following) else { return };
            followers.iter().for_each(|follower| this.tell_held(follower));
            this.following = Following::By(followers);
        }));
    }

    /// Puts older events before what came in meanwhile.
    fn put_before(&mut self, newest: journal::Newest) {
        let limit = self.env.settings.tail;
        let fresh = Tail::after(newest.after, self.tail.end(), limit);
        let held = std::mem::replace(&mut self.tail, fresh);
        let read = newest.events.into_iter().map(|event| Arc::new(Frame::numbered(event, &self.mark)));
        let is_new = |frame: &&Arc<Frame>| frame.seq.is_none_or(|seq| seq > newest.last);
        let frames: Vec<_> = read.chain(held.frames().filter(is_new).cloned()).collect();
        frames.into_iter().for_each(|frame| self.tail.push(frame));
        self.tail.reach(newest.last.max(held.head()));
    }

    fn tell_held(&self, follower: &Recipient<TailAppended>) {
        // A worker that cannot take it is told of the hole by the next message.
        let _ = follower.try_send(TailAppended {
            namespace: self.namespace.clone(),
            tail: self.tail_id,
            start: self.tail.first(),
            after: self.tail.held_after(),
            head: self.tail.head(),
            frames: self.tail.frames().cloned().collect(),
        });
    }

    /// Whether anybody would read frames. Without, none are made.
    pub(super) fn is_followed(&self) -> bool {
        !matches!(self.following, Following::Nobody)
    }

    pub(super) fn push(&mut self, frames: Vec<Arc<Frame>>) {
        let (start, after) = (self.tail.end(), self.tail.head());
        for frame in &frames {
            self.tail.push(frame.clone());
        }
        // One message per HTTP worker, not per stream. A worker that cannot take it is told of the hole by the offset of
        // the next one and starts over.
        if let Following::By(followers) = &mut self.following {
            let (namespace, tail, head) = (self.namespace.clone(), self.tail_id, self.tail.head());
            let appended = TailAppended { namespace, tail, start, after, head, frames };
            followers
                .retain(|follower| !matches!(follower.try_send(appended.clone()), Err(SendError::Closed(_))));
        }
    }

    /// Lets the tail go when nobody has followed for a while.
    pub(super) fn rest_tail(&mut self) {
        if let Following::By(followers) = &self.following
            && followers.is_empty()
        {
            self.following = Following::NobodySince(Instant::now());
        }
        if let Following::NobodySince(since) = self.following
            && since.elapsed() >= KEPT
        {
            self.following = Following::Nobody;
            self.tail.clear();
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
        if let Following::By(followers) | Following::Filling(followers) = &mut self.following {
            followers.retain(|known| *known != follower);
        }
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
        if self.is_followed() {
            self.push(vec![Arc::new(Frame::unnumbered(&json, session, machine))]);
        }
    }
}
