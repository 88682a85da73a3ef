//! Panics of the whole process, which holds the hub as well: a test that injects none wants to see none.

use std::{
    panic,
    sync::{Mutex, Once, PoisonError},
};

static HOOK: Once = Once::new();
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What other tests of the same process inject on purpose.
const INJECTED: &str = "injected fault";

/// Begins to watch. The usual report is still printed.
pub fn watch() {
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let text = info.to_string();
            if !text.contains(INJECTED) {
                SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
            usual(info);
        }));
    });
}

/// Every panic since the watch began.
pub fn seen() -> Vec<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
