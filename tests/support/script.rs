//! How a scripted CLI answers what the hub asks of it.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use serde_json::Value;

type Answers = Box<dyn Fn(&Value) -> Option<Value>>;

/// Answers by method, and what was asked so far. A method without an answer, or whose answer is `None`, stays silent.
#[derive(Clone, Default)]
pub struct Script {
    methods: Rc<RefCell<HashMap<String, Answers>>>,
    cancel: Rc<RefCell<Option<Value>>>,
    retry: Rc<RefCell<Option<Value>>>,
}

impl Script {
    pub fn serve(&self, method: &str, answer: impl Fn(&Value) -> Option<Value> + 'static) {
        self.methods.borrow_mut().insert(method.to_owned(), Box::new(answer));
    }

    pub fn serves(&self, method: &str) -> bool {
        self.methods.borrow().contains_key(method)
    }

    pub fn on_cancel(&self, answer: Option<Value>) {
        *self.cancel.borrow_mut() = answer;
    }

    pub fn on_retry(&self, answer: Option<Value>) {
        *self.retry.borrow_mut() = answer;
    }

    /// The answer to a call, as JSON in a string, the way released CLIs give it.
    pub fn called(&self, method: &str, params: &Value) -> Option<Value> {
        let answer = self.methods.borrow().get(method)?(params)?;
        Some(Value::String(answer.to_string()))
    }

    /// The answer to an update of this kind.
    pub fn updated(&self, kind: &str) -> Option<Value> {
        match kind {
            "cancel-queued-message" => self.cancel.borrow().clone(),
            "retry-queued-message" => self.retry.borrow().clone(),
            _ => None,
        }
    }
}
