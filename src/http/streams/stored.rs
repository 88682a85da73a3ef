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
        let read =
            async move { store.read(move |conn| page_after(conn, &namespace, &filter, seq, PAGE)).await };
        Self { read: Box::pin(read) }
    }

    /// The next page; `None` when what comes next is no longer kept.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<store::Result<Option<Page>>> {
        self.read.as_mut().poll(cx)
    }
}

/// What a stream wants after `seq`; `None` when some of it is no longer kept. Each query sees the journal as it is then,
/// so their order counts: what is written meanwhile must be behind the page, and what is trimmed meanwhile must show.
fn page_after(
    conn: &mut store::Connection,
    namespace: &Namespace,
    filter: &Filter,
    seq: i64,
    window: Window,
) -> store::Result<Option<Page>> {
    let head = journal::head(conn, namespace)?;
    let mut page = journal::replay(conn, namespace, seq, filter.only_session(), window)?;
    if seq < journal::floor(conn, namespace, filter.only_session())? {
        return Ok(None);
    }
    if page.is_end {
        // Nothing else that this stream wants up to here.
        page.last = page.last.max(head);
    }
    page.events.retain(|event| filter.passes(event.kind, event.session.as_ref(), event.machine.as_ref()));
    Ok(Some(page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::{NewEntry, Retention};

    fn told(session: &str, message: Option<&str>) -> NewEntry {
        NewEntry {
            at: 1,
            kind: "message-received",
            session: Some(session.into()),
            machine: None,
            message: message.map(str::to_owned),
            json: "{}".into(),
        }
    }

    /// The numbers of all pages from the beginning, and where they end.
    async fn pages(store: &Store, filter: &Filter, rows: i64) -> (Vec<i64>, i64) {
        let (mut numbers, mut seq) = (Vec::new(), 0);
        loop {
            let filter = filter.clone();
            let window = Window { rows, bytes: usize::MAX };
            let read =
                move |conn: &mut store::Connection| page_after(conn, &"n".into(), &filter, seq, window);
            let page = store.read(read).await.unwrap().unwrap();
            numbers.extend(page.events.iter().map(|event| event.seq));
            seq = page.last;
            if page.is_end {
                return (numbers, seq);
            }
        }
    }

    #[tokio::test]
    async fn pages_pass_over_what_is_gone_or_for_others_and_skip_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db"), Retention::default()).unwrap();
        // Messages that are gone, more of them than a page has rows, then one event for each of two sessions.
        let entries = (0..5).map(|_| told("a", Some("gone"))).chain([told("a", None), told("b", None)]);
        for entry in entries {
            store.write(move |tx| tx.journal(&"n".into(), entry)).await.unwrap();
        }
        let all = Filter { all: true, ..Filter::default() };
        let of = |session: &str| Filter { session: Some(session.into()), ..Filter::default() };
        for rows in 1..10 {
            assert_eq!(pages(&store, &all, rows).await, (vec![6, 7], 7), "{rows} rows");
            assert_eq!(pages(&store, &of("a"), rows).await, (vec![6], 7), "{rows} rows");
            assert_eq!(pages(&store, &of("b"), rows).await, (vec![7], 7), "{rows} rows");
            assert_eq!(pages(&store, &of("c"), rows).await, (Vec::new(), 7), "{rows} rows");
        }
    }
}
