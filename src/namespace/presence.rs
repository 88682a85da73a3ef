//! Which event streams are there, and which of them somebody is looking at.

use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use futures_util::future::join_all;

use super::{Tenant, plain_frame};
use crate::{
    domain::ids::{Namespace, SessionId},
    wire::events,
};

/// So long a stream has to show that its reader takes bytes.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Visible,
    Hidden,
}

pub(super) struct Subscription {
    visibility: Visibility,
    toasts: Recipient<Toast>,
}

/// A frame for one stream, as plain text; it is in no journal. Answers true only when a socket that takes bytes took it.
#[derive(Clone, Debug, Message)]
#[rtype(result = "bool")]
pub struct Toast {
    pub namespace: Namespace,
    pub stream: String,
    pub frame: Bytes,
}

/// A stream began.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Subscribed {
    pub id: String,
    pub visibility: Visibility,
    /// Who hands frames to the stream.
    pub toasts: Recipient<Toast>,
}

impl Handler<Subscribed> for Tenant {
    type Result = ();

    fn handle(&mut self, Subscribed { id, visibility, toasts }: Subscribed, _: &mut Self::Context) {
        self.subscriptions.insert(id, Subscription { visibility, toasts });
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Unsubscribed(pub String);

impl Handler<Unsubscribed> for Tenant {
    type Result = ();

    fn handle(&mut self, Unsubscribed(id): Unsubscribed, _: &mut Self::Context) {
        self.subscriptions.remove(&id);
    }
}

/// Somebody looks at a page, or looked away. Answers whether the stream is known.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct SetVisibility {
    pub id: String,
    pub visibility: Visibility,
}

impl Handler<SetVisibility> for Tenant {
    type Result = bool;

    fn handle(&mut self, SetVisibility { id, visibility }: SetVisibility, _: &mut Self::Context) -> bool {
        match self.subscriptions.get_mut(&id) {
            Some(subscription) => {
                subscription.visibility = visibility;
                true
            }
            None => false,
        }
    }
}

/// Tells everybody who is looking. Answers how many streams took it.
#[derive(Debug, Message)]
#[rtype(result = "usize")]
pub struct Announce {
    pub title: String,
    pub body: String,
    pub session: SessionId,
    pub url: String,
}

impl Handler<Announce> for Tenant {
    type Result = ResponseFuture<usize>;

    fn handle(
        &mut self,
        Announce { title, body, session, url }: Announce,
        _: &mut Self::Context,
    ) -> Self::Result {
        let frame = plain_frame(&events::toast(&title, &body, &session, &url), None);
        let visible = self.subscriptions.iter().filter(|(_, known)| known.visibility == Visibility::Visible);
        // Asked all at once: one that does not read must not make the others late.
        let asked: Vec<_> = visible
            .map(|(id, known)| {
                let namespace = self.namespace.clone();
                let toast = Toast { namespace, stream: id.clone(), frame: frame.clone() };
                known.toasts.send(toast).timeout(PATIENCE)
            })
            .collect();
        Box::pin(async move {
            let answers = join_all(asked).await;
            answers.into_iter().filter(|taken| matches!(taken, Ok(true))).count()
        })
    }
}
