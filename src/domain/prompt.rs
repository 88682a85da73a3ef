//! Prompts on their way to the agent: delivery states, and what cancelling one means.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::scan;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    #[default]
    Queued,
    Dispatching,
    Indeterminate,
}

impl DeliveryState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Dispatching => "dispatching",
            Self::Indeterminate => "indeterminate",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Queued, Self::Dispatching, Self::Indeterminate]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// Whether a prompt that the agent has not taken may go from this state to another. Staying is no move.
    pub fn can_become(self, next: Self) -> bool {
        self != next
    }

    /// What clients are shown: they know only that the outcome is unknown.
    pub fn shown(self) -> Option<&'static str> {
        (self != Self::Queued).then_some("indeterminate")
    }
}

/// The verdict of all agents in a room that were asked about one prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelVerdict {
    Consumed,
    Indeterminate,
    InFlight,
    Removed,
    TimedOut,
    NotFound,
}

/// The answers of a room, combined. Answers count even when another agent stayed silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelAnswers {
    consumed: bool,
    indeterminate: bool,
    in_flight: bool,
    removed: bool,
    silent: bool,
}

impl CancelAnswers {
    pub fn add(&mut self, answer: &Value) {
        let says = |key: &str| answer.get(key) == Some(&Value::Bool(true));
        self.consumed |= says("consumed");
        self.indeterminate |= says("indeterminate");
        self.in_flight |= says("inFlight");
        self.removed |= says("removed");
    }

    /// One agent did not answer in time.
    pub fn add_silence(&mut self) {
        self.silent = true;
    }

    pub fn verdict(&self) -> CancelVerdict {
        if self.consumed {
            CancelVerdict::Consumed
        } else if self.indeterminate {
            CancelVerdict::Indeterminate
        } else if self.in_flight {
            CancelVerdict::InFlight
        } else if self.removed {
            CancelVerdict::Removed
        } else if self.silent {
            CancelVerdict::TimedOut
        } else {
            CancelVerdict::NotFound
        }
    }
}

/// What a stored prompt is, as far as cancelling it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptRow {
    pub has_local_id: bool,
    pub is_invoked: bool,
    /// Scheduled for a time that has not come.
    pub is_future: bool,
    pub state: DeliveryState,
    /// The session's runtime is used by terminal and browser at once.
    pub is_shared: bool,
}

/// The next step of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelStep {
    /// No such row: answer `cancelled` without a local id.
    Absent,
    /// Too late: answer `invoked` with the row.
    Invoked,
    /// Ask the agents, then come back with their verdict.
    Ask,
    /// Delete and tell, answer `cancelled`. Only some paths tell the local id.
    Delete { tells_local_id: bool },
    /// Stamp as taken and tell, answer `invoked`.
    Consume,
    /// Mark and tell, answer `busy`.
    MarkIndeterminate,
    /// Change nothing, answer `busy`.
    Busy,
}

/// Decides by the row, by whether an agent is `connected`, and by the agents' verdict once they were asked.
pub fn cancel_step(row: Option<PromptRow>, connected: bool, verdict: Option<CancelVerdict>) -> CancelStep {
    let Some(row) = row else { return CancelStep::Absent };
    if row.is_invoked {
        return CancelStep::Invoked;
    }
    if !row.has_local_id {
        return CancelStep::Delete { tells_local_id: false };
    }
    if verdict == Some(CancelVerdict::Consumed) {
        return CancelStep::Consume;
    }
    match row.state {
        DeliveryState::Dispatching if connected && verdict.is_none() => CancelStep::Ask,
        DeliveryState::Dispatching => CancelStep::MarkIndeterminate,
        DeliveryState::Indeterminate => cancel_indeterminate(row, connected, verdict),
        DeliveryState::Queued if row.is_future => CancelStep::Delete { tells_local_id: true },
        DeliveryState::Queued => cancel_queued(row, connected, verdict),
    }
}

fn cancel_indeterminate(row: PromptRow, connected: bool, verdict: Option<CancelVerdict>) -> CancelStep {
    use CancelVerdict::{InFlight, Indeterminate, NotFound, Removed, TimedOut};
    match verdict {
        None if connected => CancelStep::Ask,
        Some(Removed) => CancelStep::Delete { tells_local_id: true },
        _ if row.is_shared => CancelStep::Busy,
        Some(InFlight | Indeterminate) => CancelStep::Busy,
        Some(TimedOut) if connected => CancelStep::Busy,
        None | Some(NotFound | TimedOut | CancelVerdict::Consumed) => {
            CancelStep::Delete { tells_local_id: true }
        }
    }
}

fn cancel_queued(row: PromptRow, connected: bool, verdict: Option<CancelVerdict>) -> CancelStep {
    match verdict {
        None if connected => CancelStep::Ask,
        None if row.is_shared => CancelStep::MarkIndeterminate,
        None => CancelStep::Delete { tells_local_id: true },
        Some(CancelVerdict::Removed) => CancelStep::Delete { tells_local_id: false },
        Some(CancelVerdict::InFlight) => CancelStep::Busy,
        Some(_) => CancelStep::MarkIndeterminate,
    }
}

/// A prompt that is sent again goes to the queue: the turn it was to steer may be over.
pub fn degrade_steer(raw_json: &str) -> String {
    if !raw_json.contains("steer") {
        return raw_json.to_owned();
    }
    let text = |literal: &scan::Literal| raw_json.get(literal.span.clone());
    let (mut outer, mut inner) = (None, None);
    for literal in scan::literals(raw_json) {
        match (literal.is_key, literal.depth) {
            (true, 1) => outer = text(&literal),
            (true, 2) => inner = text(&literal),
            (false, 2)
                if outer == Some("meta")
                    && inner == Some("deliveryMode")
                    && text(&literal) == Some("steer") =>
            {
                let mut degraded = raw_json.to_owned();
                degraded.replace_range(literal.span, "queue");
                return degraded;
            }
            _ => {}
        }
    }
    raw_json.to_owned()
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
