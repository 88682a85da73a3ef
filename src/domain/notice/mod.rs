//! What is worth telling people who are not looking at a session: when, and in which words. Who hears it and by which way
//! is not decided here.

mod arguments;
mod cut;
mod payload;
mod question;
mod summary;
mod task;
mod texts;
mod verdict;
mod watch;

pub use payload::{LONGEST_PAYLOAD, payload};
pub use task::{Task, task};
pub use texts::{About, Request, completion, ready, requests, task_ended};
pub use verdict::{MOST_REFUSALS, Verdict};
pub use watch::{Due, Fact, Question, Watch};

use serde_json::Value;

use super::{content, ids::SessionId};

/// The occasion of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Permission,
    Input,
    Ready,
    Task,
    Completion,
}

impl Kind {
    /// As the service workers of browsers read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permission => "permission-request",
            Self::Input => "input-request",
            Self::Ready => "ready",
            Self::Task => "task-notification",
            Self::Completion => "session-completion",
        }
    }

    /// A later notice takes the place of an earlier one with the same tag. Each ended task is news of its own.
    fn tag(self, session: &SessionId) -> Option<String> {
        let prefix = match self {
            Self::Permission => "permission",
            Self::Input => "input-request",
            Self::Ready => "ready",
            Self::Completion => "completion",
            Self::Task => return None,
        };
        Some(format!("{prefix}-{session}"))
    }

    /// An agent stands still until somebody answers.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Permission | Self::Input)
    }
}

/// The agent says that it waits for a person, with or without naming itself.
pub fn is_ready(message: &Value) -> bool {
    let text_at = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let is_bare = text_at("/type") == Some("event") && text_at("/data/type") == Some("ready");
    is_bare || content::is_ready(message)
}

/// One notice, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: Kind,
    pub title: String,
    pub body: String,
    pub session: SessionId,
    /// The first question that it tells of.
    pub request: Option<String>,
}

impl Notice {
    /// Where a click on it leads.
    pub fn url(&self) -> String {
        format!("/sessions/{}", self.session)
    }

    pub fn tag(&self) -> Option<String> {
        self.kind.tag(&self.session)
    }
}
