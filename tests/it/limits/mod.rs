//! How much one namespace, one token and one address may have, and that nobody else notices.

mod bodies;
mod requests;
mod shares;
mod sockets;
mod streams;

use crate::support::{Answer, Setup, TestHub};

async fn hub(config: &'static str) -> TestHub {
    TestHub::with(Setup { config, ..Setup::default() }).await
}

/// Refused, with the words, the code and the time that clients are told.
fn assert_refused(answer: &Answer, status: u16, code: &str, text: &str, seconds: &str) {
    assert_eq!((answer.status, answer.code(), answer.error()), (status, code, text), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some(seconds), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
}
