//! What a stream missed and is no longer in memory, from the store: a page at a time, as fast as its reader takes it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::Filter;
use crate::{
    domain::ids::Namespace,
    store::{
        self, Store,
        journal::{self, Page, Window},
    },
};

const PAGE: Window = Window { rows: 1_000, bytes: 128 * 1024 };

/// The most events that are told to one who comes back. Who missed more reads everything anew faster.
const MOST: i64 = 20_000;

/// Where a stream that comes back can go on: after `seq`, unless that is no longer kept.
pub async fn is_kept(store: &Store, namespace: &Namespace, filter: &Filter, seq: i64) -> store::Result<bool> {
    let (namespace, filter) = (namespace.clone(), filter.clone());
    store
        .read(move |conn| {
            let floor = journal::floor(conn, &namespace, filter.only_session())?;
            let is_little = filter.only_session().is_some() || journal::head(conn, &namespace)? - seq <= MOST;
            Ok(seq >= floor && is_little)
        })
        .await
}

type Read = Pin<Box<dyn Future<Output = store::Result<Option<Page>>>>>;

/// A reading of the journal that is under way.
pub struct Replay {
    read: Read,
}

impl Replay {
    pub fn after(store: &Store, namespace: &Namespace, filter: &Filter, seq: i64) -> Self {
        let (store, namespace, filter) = (store.clone(), namespace.clone(), filter.clone());
        let read = async move {
            let read = move |conn: &mut store::Connection| {
                let session = filter.only_session();
                if seq < journal::floor(conn, &namespace, session)? {
                    return Ok(None);
                }
                let mut page = journal::replay(conn, &namespace, seq, session, PAGE)?;
                if page.events.is_empty() {
                    // Nothing that this stream wants up to here.
                    page.last = page.last.max(journal::head(conn, &namespace)?);
                }
                let is_wanted = |event: &journal::Committed| {
                    filter.passes(event.kind, event.session.as_ref(), event.machine.as_ref())
                };
                page.events.retain(is_wanted);
                Ok(Some(page))
            };
            store.read(read).await
        };
        Self { read: Box::pin(read) }
    }

    /// The next page; `None` when what comes next is no longer kept.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<store::Result<Option<Page>>> {
        self.read.as_mut().poll(cx)
    }
}
