//! Waiting for a state, always with a deadline.

use std::{
    cell::{Cell, RefCell},
    fmt::Debug,
    time::Duration,
};

use tokio::sync::Notify;

/// Far more than anything takes, so that only what never comes fails.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// The outcome of `work`, or the end of the test.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// What a client has received, in order.
pub struct Log<T> {
    entries: RefCell<Vec<T>>,
    changed: Notify,
    is_over: Cell<bool>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { entries: RefCell::default(), changed: Notify::new(), is_over: Cell::new(false) }
    }
}

impl<T: Clone + Debug> Log<T> {
    pub fn push(&self, entry: T) {
        self.entries.borrow_mut().push(entry);
        self.changed.notify_waiters();
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.is_over.set(true);
        self.changed.notify_waiters();
    }

    pub fn all(&self) -> Vec<T> {
        self.entries.borrow().clone()
    }

    /// Waits until `look` finds what it wants in everything received so far.
    pub async fn until<R>(&self, what: &str, look: impl FnMut(&[T]) -> Option<R>) -> R {
        match self.until_or_over(what, look).await {
            Some(found) => found,
            None => panic!("it ended before this came: {what}; received: {:#?}", self.entries.borrow()),
        }
    }

    /// The same, but `None` when nothing more will come.
    pub async fn until_or_over<R>(&self, what: &str, mut look: impl FnMut(&[T]) -> Option<R>) -> Option<R> {
        let found = async {
            loop {
                let changed = self.changed.notified();
                let found = look(&self.entries.borrow());
                if found.is_some() || self.is_over.get() {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(DEADLINE, found).await {
            Ok(found) => found,
            Err(_) => panic!("waited in vain: {what}; received: {:#?}", self.entries.borrow()),
        }
    }

    pub async fn until_over(&self, what: &str) {
        let over = async {
            loop {
                let changed = self.changed.notified();
                if self.is_over.get() {
                    return;
                }
                changed.await;
            }
        };
        within(what, over).await;
    }
}
