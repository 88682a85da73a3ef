//! Where a prompt is on its way to the agent. Every accepted prompt is in exactly one of these states, and stays to be
//! seen until it is taken or taken back.
//!
//! ```text
//!                 time comes             sent, taken into the running turn
//!  ┌───────────┐            ┌────────┐ ──────────────────────────────► ┌────────────┐
//!  │ scheduled │ ─────────► │ queued │ ◄──────── given back ────────── │ dispatched │
//!  └─────┬─────┘            └─┬─┬─┬──┘                                 └──┬───┬─────┘
//!        │                    │ │ │    nobody can say where it is         │   │
//!        │   taken back       │ │ └──────────────┐   ┌───────────────────┘   │
//!        ├────────────────────┘ │                ▼   ▼                       │
//!        ▼                      │           ┌───────────────┐ ── delivered again ──► queued
//!  ┌───────────┐ ◄──────────────┼───────────│ indeterminate │                │
//!  │ cancelled │                │           └───────┬───────┘                │
//!  └───────────┘                ▼                   ▼                        ▼
//!   (row gone)            ┌──────────────────────────────────────────────────────┐
//!                         │   consumed, or steered: for good, at a known moment   │
//!                         └──────────────────────────────────────────────────────┘
//! ```
//!
//! `failed` is a waiting prompt of a session that was archived: nobody will deliver it, unless the session is reopened.

use serde::Serialize;

use super::{ids::Millis, prompt::DeliveryState};

/// What is stored of a prompt, as far as its state goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub invoked_at: Option<Millis>,
    pub is_steered: bool,
    pub scheduled_at: Option<Millis>,
    pub delivery: DeliveryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// For later.
    Scheduled,
    /// Delivered to every process that comes, until one takes it.
    Queued,
    /// On its way into the running turn.
    Dispatched,
    /// It may have reached the agent or not.
    Indeterminate,
    /// The agent took it.
    Consumed,
    /// The agent took it into the turn that was running.
    Steered,
    /// Nobody will deliver it.
    Failed,
}

/// The state of a prompt at a moment, and why nobody will deliver it, if so.
pub fn state(stored: &Stored, is_archived: bool, now: Millis) -> (State, Option<&'static str>) {
    let state = match (stored.invoked_at, stored.delivery) {
        (Some(_), _) if stored.is_steered => State::Steered,
        (Some(_), _) => State::Consumed,
        (None, DeliveryState::Indeterminate) => State::Indeterminate,
        (None, _) if is_archived => return (State::Failed, Some("the session was archived")),
        (None, DeliveryState::Dispatching) => State::Dispatched,
        (None, DeliveryState::Queued) if stored.scheduled_at.is_some_and(|at| at > now) => State::Scheduled,
        (None, DeliveryState::Queued) => State::Queued,
    };
    (state, None)
}

impl State {
    /// Taken, for good.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Consumed | Self::Steered)
    }

    /// Whether a prompt may go from this state to another. Taking it back ends it in every state but the final ones.
    pub fn can_become(self, next: Self) -> bool {
        match (self, next) {
            _ if self == next => true,
            (from, _) if from.is_final() => false,
            (_, Self::Consumed | Self::Steered | Self::Failed) => true,
            (Self::Scheduled | Self::Dispatched | Self::Indeterminate, Self::Queued) => true,
            (Self::Failed, Self::Queued | Self::Scheduled | Self::Dispatched) => true,
            (Self::Queued | Self::Indeterminate, Self::Dispatched) => true,
            (Self::Queued | Self::Dispatched | Self::Failed | Self::Scheduled, Self::Indeterminate) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delivery() -> impl Strategy<Value = DeliveryState> {
        prop::sample::select(vec![
            DeliveryState::Queued,
            DeliveryState::Dispatching,
            DeliveryState::Indeterminate,
        ])
    }

    /// What may happen to a stored prompt, as the store does it.
    #[derive(Clone, Debug)]
    enum Step {
        Deliver(DeliveryState),
        Consume { steered: bool },
        Archive(bool),
        Wait(Millis),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            delivery().prop_map(Step::Deliver),
            any::<bool>().prop_map(|steered| Step::Consume { steered }),
            any::<bool>().prop_map(Step::Archive),
            (0..50_i64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn no_step_leads_where_the_diagram_has_no_arrow(
            scheduled_at in prop::option::of(0..100_i64),
            steps in prop::collection::vec(step(), 0..30),
        ) {
            let mut stored = Stored { invoked_at: None, is_steered: false, scheduled_at, delivery: DeliveryState::Queued };
            let (mut now, mut is_archived) = (0, false);
            let (mut before, _) = state(&stored, is_archived, now);
            for step in steps {
                match step {
                    // A prompt that is taken, or is for later, is not on its way.
                    Step::Deliver(next) if stored.invoked_at.is_none() && scheduled_at.is_none_or(|at| at <= now) => stored.delivery = next,
                    Step::Deliver(_) => {}
                    Step::Consume { steered } if stored.invoked_at.is_none() => {
                        stored = Stored { invoked_at: Some(now), is_steered: steered, delivery: DeliveryState::Queued, ..stored };
                    }
                    Step::Consume { .. } => {}
                    Step::Archive(archived) => is_archived = archived,
                    Step::Wait(time) => now += time,
                }
                let (after, reason) = state(&stored, is_archived, now);
                prop_assert!(before.can_become(after), "{before:?} -> {after:?}");
                prop_assert_eq!(reason.is_some(), after == State::Failed);
                before = after;
            }
        }
    }
}
