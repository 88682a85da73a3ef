//! Open connections of any kind. Who is at their other end shows only later, so they are counted for the hub alone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{Refusal, What, Whose};

/// A place is free when somebody else is done: seconds.
const AGAIN: u64 = 5;

#[derive(Clone, Debug)]
pub struct Connections {
    open: Arc<AtomicU64>,
    ceiling: Option<u64>,
}

impl Connections {
    pub fn new(ceiling: Option<u64>) -> Self {
        Self { open: Arc::default(), ceiling }
    }

    /// Counts a connection until the answer is dropped.
    pub fn opened(&self) -> Connection {
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        let is_over = self.ceiling.is_some_and(|ceiling| before >= ceiling);
        Connection { all: self.clone(), is_over: AtomicBool::new(is_over) }
    }

    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Acquire)
    }

    pub fn ceiling(&self) -> Option<u64> {
        self.ceiling
    }
}

#[derive(Debug)]
pub struct Connection {
    all: Connections,
    is_over: AtomicBool,
}

impl Connection {
    /// Fails on a connection that is one too many, as long as there are too many.
    pub fn admitted(&self) -> Result<(), Refusal> {
        if !self.is_over.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.all.ceiling.is_some_and(|ceiling| self.all.open() > ceiling) {
            return Err(Refusal { what: What::Connections, whose: Whose::Hub, seconds: AGAIN });
        }
        self.is_over.store(false, Ordering::Release);
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_told_and_its_end_makes_room() {
        let connections = Connections::new(Some(2));
        let one = connections.opened();
        let two = connections.opened();
        let three = connections.opened();
        assert!(one.admitted().is_ok() && two.admitted().is_ok() && three.admitted().is_err());
        drop(one);
        assert!(three.admitted().is_ok(), "it has waited for its place");
        assert!(connections.opened().admitted().is_err());
        drop((two, three));
        assert!(connections.opened().admitted().is_ok());
        assert_eq!(connections.open(), 0);
    }
}
