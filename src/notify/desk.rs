//! Where notices are put into words and handed over: first to the pages that somebody looks at; when none of them takes
//! it, to the push services of all browsers that asked for it. Each notice goes its own way, so that none waits for
//! another.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use super::{
    look::{self, Occasion},
    push::{Fate, Push, Sender},
};
use crate::{
    app::Env,
    domain::{
        ids::{Namespace, SessionId},
        notice::{MOST_REFUSALS, Notice},
        push as endpoints,
    },
    identity::VapidKeys,
    namespace::{Announce, Hub},
    store::{self, push::Subscription},
};

/// Of ended tasks, of which an agent may report as many as it likes, so many are on their way in each namespace.
const MOST_TASKS: usize = 512;

/// Browsers that are pushed to at the same time, for each notice.
const AT_ONCE: usize = 64;

/// How often the store is asked again, each time after twice the wait: a full disk may have room again.
const STORE_ATTEMPTS: u32 = 8;
const STORE_WAIT: Duration = Duration::from_millis(500);

pub struct Desk {
    env: Env,
    hub: Hub,
    /// `None` when the hub's keys cannot sign.
    sender: Option<Sender>,
    tasks: Places,
    under_way: Cell<usize>,
    ended: Notify,
}

impl Desk {
    /// Has to be called on the thread where it is used.
    pub fn new(env: Env, hub: Hub, keys: &VapidKeys) -> Self {
        let sender = Sender::new(env.settings.push.clone(), env.clock.clone(), keys);
        if sender.is_none() {
            tracing::error!("the hub's push keys cannot sign, so nothing is pushed to browsers");
        }
        let (under_way, ended) = (Cell::new(0), Notify::new());
        Self { env, hub, sender, tasks: Places::default(), under_way, ended }
    }

    pub async fn tell(&self, namespace: &Namespace, session: &SessionId, occasion: Occasion) {
        let _under_way = UnderWay::begin(self);
        self.tell_now(namespace, session, occasion).await;
    }

    /// Waits for the moment at which no notice is on its way.
    pub async fn finished(&self) {
        loop {
            let ended = self.ended.notified();
            if self.under_way.get() == 0 {
                return;
            }
            ended.await;
        }
    }

    async fn tell_now(&self, namespace: &Namespace, session: &SessionId, occasion: Occasion) {
        let is_task = matches!(occasion, Occasion::TaskEnded { .. });
        let place = is_task.then(|| self.tasks.take(namespace));
        if matches!(place, Some(None)) {
            tracing::warn!(%namespace, %session, "left out a notice: too many tasks end at a time");
            return;
        }
        match self.word(namespace, session, occasion).await {
            Ok(Some(notice)) => self.deliver(namespace, &notice).await,
            // The hub is stopping.
            Ok(None) | Err(store::Error::Closed) => {}
            Err(error) => tracing::warn!(%error, %session, "could not look up what a notice is about"),
        }
    }

    async fn word(
        &self,
        namespace: &Namespace,
        session: &SessionId,
        occasion: Occasion,
    ) -> store::Result<Option<Notice>> {
        let has_details = self.env.settings.push.has_details;
        let mut wait = STORE_WAIT;
        for _ in 1..STORE_ATTEMPTS {
            let now = self.env.clock.now();
            let worded =
                look::word(&self.env.store, namespace, session, occasion.clone(), has_details, now).await;
            match worded {
                Err(error) if error.is_passing() => {
                    tracing::debug!(%error, %session, "looks up a notice again after a while");
                }
                _ => return worded,
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        let now = self.env.clock.now();
        look::word(&self.env.store, namespace, session, occasion, has_details, now).await
    }

    async fn deliver(&self, namespace: &Namespace, notice: &Notice) {
        let kind = notice.kind.name();
        let shown = self.show(namespace, notice).await;
        if shown > 0 {
            tracing::debug!(%namespace, kind, shown, "a notice was shown to who is looking");
            return;
        }
        let of_namespace = namespace.clone();
        let known = self.env.store.read(move |conn| store::push::subscriptions(conn, &of_namespace)).await;
        let subscriptions = match known {
            Ok(subscriptions) => subscriptions,
            Err(error) => {
                tracing::warn!(%error, %namespace, "could not read whom to push to");
                return;
            }
        };
        tracing::debug!(%namespace, kind, browsers = subscriptions.len(), "a notice is pushed: nobody is looking");
        let Some(sender) = &self.sender else { return };
        let push = Push::of(notice);
        stream::iter(&subscriptions)
            .for_each_concurrent(AT_ONCE, |to| self.push(sender, namespace, to, &push))
            .await;
    }

    /// How many pages took it.
    async fn show(&self, namespace: &Namespace, notice: &Notice) -> usize {
        let Ok(tenant) = self.hub.tenant(namespace).await else { return 0 };
        let announce = Announce {
            title: notice.title.clone(),
            body: notice.body.clone(),
            session: notice.session.clone(),
            url: notice.url(),
        };
        tenant.send(announce).await.unwrap_or(0)
    }

    async fn push(&self, sender: &Sender, namespace: &Namespace, to: &Subscription, push: &Push) {
        let fate = sender.send(namespace, to, push).await;
        let service = endpoints::service(&to.endpoint);
        let (of, sent_to) = (namespace.clone(), to.clone());
        let recorded = match fate {
            Fate::Lost => Ok(()),
            Fate::Taken => self.env.store.write(move |tx| store::push::forgive(tx.conn, &of, &sent_to)).await,
            Fate::Gone => {
                tracing::info!(%namespace, service, "forgets a browser that its push service does not know any more");
                self.env.store.write(move |tx| store::push::forget(tx.conn, &of, &sent_to)).await
            }
            Fate::Refused => {
                let refuse = self
                    .env
                    .store
                    .write(move |tx| store::push::refuse(tx.conn, &of, &sent_to, MOST_REFUSALS))
                    .await;
                refuse.map(|is_over| {
                    if is_over {
                        tracing::info!(%namespace, service, "forgets a browser whose push service refused it again and again");
                    }
                })
            }
        };
        if let Err(error) = recorded {
            tracing::warn!(%error, %namespace, service, "could not record how a push ended");
        }
    }
}

/// Counts one notice for as long as it is on its way.
struct UnderWay<'a>(&'a Desk);

impl<'a> UnderWay<'a> {
    fn begin(desk: &'a Desk) -> Self {
        desk.under_way.set(desk.under_way.get() + 1);
        Self(desk)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Self(desk) = self;
        desk.under_way.set(desk.under_way.get().saturating_sub(1));
        desk.ended.notify_waiters();
    }
}

/// A limited number of places for each namespace.
#[derive(Clone, Default)]
struct Places(Rc<RefCell<HashMap<Namespace, usize>>>);

struct Place {
    places: Places,
    namespace: Namespace,
}

impl Places {
    fn take(&self, namespace: &Namespace) -> Option<Place> {
        let mut taken = self.0.borrow_mut();
        let count = taken.entry(namespace.clone()).or_default();
        if *count >= MOST_TASKS {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), namespace: namespace.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.borrow_mut();
        let left = taken.get(&self.namespace).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.namespace);
        } else {
            taken.insert(self.namespace.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_has_its_own_places() {
        let places = Places::default();
        let (a, b): (Namespace, Namespace) = ("a".into(), "b".into());
        let mut held: Vec<_> = (0..MOST_TASKS).map(|_| places.take(&a).unwrap()).collect();
        assert!(places.take(&a).is_none() && places.take(&b).is_some());
        held.pop();
        assert!(places.take(&a).is_some());
        drop(held);
        assert!(places.0.borrow().is_empty());
    }
}
