//! Which event streams are there, and which of them somebody is looking at.

use actix::prelude::*;

use super::Tenant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Visible,
    Hidden,
}

pub(super) struct Subscription {
    #[expect(dead_code, reason = "read by notifications, which choose between a toast and a push")]
    visibility: Visibility,
}

/// A stream began.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Subscribed {
    pub id: String,
    pub visibility: Visibility,
}

impl Handler<Subscribed> for Tenant {
    type Result = ();

    fn handle(&mut self, Subscribed { id, visibility }: Subscribed, _: &mut Self::Context) {
        self.subscriptions.insert(id, Subscription { visibility });
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
                *subscription = Subscription { visibility };
                true
            }
            None => false,
        }
    }
}
