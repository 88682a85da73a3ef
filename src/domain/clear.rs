//! OpenCode's `/clear`: a session is replaced by an empty one without losing a prompt. Where it stands is kept in the
//! old session's metadata, in the words that its CLI knows.
//!
//! ```text
//!  (none, aborted) ─reserve─► reserved ─confirm─► cleanup-confirmed ─► finalizing ─► completed
//!                                │                                       ▲   │ the replacement does not come up
//!                                └─abort, or the end of the process─►    │   └──► failed ─► pending ─┘
//!                                  abort-needed ─► aborted
//! ```

use serde_json::{Map, Value, json};

use super::{ids::Millis, ids::SessionId, session::Session};

const KEY: &str = "opencodeClearOperation";
const SUPERSEDED: &str = "supersededBySessionId";

/// What the CLI writes when it archives a session that is cleared.
pub const ARCHIVE_REASON: &str = "Cleared by /clear";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Reserved,
    AbortNeeded,
    CleanupConfirmed,
    Finalizing,
    Pending,
    Failed,
    Completed,
    Aborted,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Reserved,
        Self::AbortNeeded,
        Self::CleanupConfirmed,
        Self::Finalizing,
        Self::Pending,
        Self::Failed,
        Self::Completed,
        Self::Aborted,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::AbortNeeded => "abort-needed",
            Self::CleanupConfirmed => "cleanup-confirmed",
            Self::Finalizing => "finalizing",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Aborted => "aborted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub replacement: SessionId,
    pub state: State,
    pub updated_at: Millis,
}

impl Operation {
    pub fn of(session: &Session) -> Option<Self> {
        let stored = session.facts.metadata.as_ref()?.get(KEY)?;
        let state = stored.get("state")?.as_str()?;
        Some(Self {
            replacement: stored.get("replacementSessionId")?.as_str()?.into(),
            state: State::ALL.into_iter().find(|known| known.as_str() == state)?,
            updated_at: stored.get("updatedAt").and_then(Value::as_i64).unwrap_or(0),
        })
    }
}

/// The session that has taken the place of this one.
pub fn superseded_by(session: &Session) -> Option<SessionId> {
    session.facts.metadata.as_ref()?.get(SUPERSEDED)?.as_str().map(SessionId::from)
}

/// Where prompts for this session are kept from now on.
pub fn prompts_go_to(session: &Session) -> Option<SessionId> {
    superseded_by(session).or_else(|| {
        let operation = Operation::of(session)?;
        (operation.state != State::Aborted).then_some(operation.replacement)
    })
}

/// Writes where the operation stands.
pub fn write(
    metadata: &mut Map<String, Value>,
    replacement: &SessionId,
    state: State,
    error: Option<&str>,
    now: Millis,
) {
    let mut operation =
        json!({ "replacementSessionId": replacement, "state": state.as_str(), "updatedAt": now });
    if let (Some(error), Some(fields)) = (error, operation.as_object_mut()) {
        fields.insert("error".into(), error.chars().take(500).collect::<String>().into());
    }
    metadata.insert(KEY.into(), operation);
    if state == State::Completed {
        metadata.insert(SUPERSEDED.into(), replacement.as_str().into());
    }
}

/// The metadata of the session that takes the place of this one.
pub fn replacement_metadata(stored: &Map<String, Value>) -> Map<String, Value> {
    const LEFT_OUT: [&str; 7] = [
        "opencodeSessionId",
        SUPERSEDED,
        KEY,
        "lifecycleState",
        "lifecycleStateSince",
        "archivedBy",
        "archiveReason",
    ];
    let mut metadata = stored.clone();
    metadata.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
    metadata.insert("startedFromRunner".into(), true.into());
    metadata.insert("startedBy".into(), "runner".into());
    metadata
}

/// Whether a session may be cleared: one that a runner started, in a known place.
pub fn may_reserve(session: &Session) -> bool {
    let text = |key: &str| session.facts.metadata.as_ref().and_then(|metadata| metadata.get(key)?.as_str());
    session.turn.active && is_opencode(session) && text("startedBy") == Some("runner") && has_place(session)
}

pub fn is_opencode(session: &Session) -> bool {
    session.facts.flavor_name.as_deref() == Some("opencode")
}

pub fn has_place(session: &Session) -> bool {
    session.facts.machine_id.is_some() && session.facts.path.is_some()
}

/// Whether a session has ended for the sake of a clear.
pub fn is_cleared(session: &Session) -> bool {
    let reason = session.facts.metadata.as_ref().and_then(|metadata| metadata.get("archiveReason")?.as_str());
    !session.turn.active
        && is_opencode(session)
        && session.facts.is_archived()
        && reason == Some(ARCHIVE_REASON)
}

/// The next step of finishing a clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is done.
    Done(SessionId),
    /// Bring the replacement up, after noting this state; `None` makes a new replacement.
    Bring { replacement: Option<SessionId>, note: State },
    /// The agent has not said yet that it has let go of the old conversation.
    NotConfirmed,
}

pub fn finish(session: &Session) -> Finish {
    if let Some(by) = superseded_by(session) {
        return Finish::Done(by);
    }
    match Operation::of(session) {
        None => Finish::Bring { replacement: None, note: State::Pending },
        Some(Operation { state: State::Reserved | State::AbortNeeded, .. }) => Finish::NotConfirmed,
        Some(Operation { replacement, state: State::Completed, .. }) => Finish::Done(replacement),
        Some(Operation { state: State::Aborted, .. }) => {
            Finish::Bring { replacement: None, note: State::Pending }
        }
        Some(Operation { replacement, state, .. }) => {
            let note = if state == State::CleanupConfirmed { State::Finalizing } else { State::Pending };
            Finish::Bring { replacement: Some(replacement), note }
        }
    }
}
