//! A session: what is stored of it, what lives only while it runs, and the changes that lead from one state to the
//! next. A rule looks at a [`Session`] and a command and answers [`Changes`]; the same changes are written to the
//! store and, once durable, applied in memory.

mod changes;
mod facts;
mod patch;
mod view;

pub use crate::domain::page::Position;
pub use changes::{Changes, Config, ConfigKey};
pub use facts::Facts;
pub use patch::Patch;
pub use view::{FullView, Summary};

use std::collections::HashMap;

use super::{
    ids::{Millis, Namespace, SessionId},
    json::Json,
    liveness::Turn,
};

/// Where a session is pinned in lists. At most one pin at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pin {
    #[default]
    None,
    Project,
    Global,
}

impl Pin {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "project" => Some(Self::Project),
            "global" => Some(Self::Global),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Project => "project",
            Self::Global => "global",
        }
    }
}

/// Run-time settings. The first four are told as `null` when unset, the others are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub model: Option<String>,
    pub model_reasoning_effort: Option<String>,
    pub effort: Option<String>,
    pub service_tier: Option<String>,
    pub permission_mode: Option<String>,
    pub collaboration_mode: Option<String>,
    pub agent_mode: Option<String>,
}

/// What is stored of a session.
#[derive(Clone, Debug)]
pub struct Record {
    pub key: i64,
    pub id: SessionId,
    pub namespace: Namespace,
    pub tag: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub seq: i64,
    pub metadata: Option<Json>,
    pub metadata_version: i64,
    pub agent_state: Option<Json>,
    pub agent_state_version: i64,
    pub todos: Option<Json>,
    pub todos_updated_at: Millis,
    pub team_state: Option<Json>,
    pub team_state_updated_at: Millis,
    pub settings: Settings,
    pub pin: Pin,
    pub active: bool,
    pub active_at: Millis,
    pub has_content: bool,
    pub message_epoch: i64,
    /// How far people have read, by recency.
    pub seen_at: Millis,
}

impl Record {
    /// There is news in the conversation that nobody has seen.
    pub fn is_unread(&self) -> bool {
        self.has_content && self.updated_at > self.seen_at
    }
}

/// A live session: its record, and what is known only while it runs.
#[derive(Clone, Debug)]
pub struct Session {
    pub record: Record,
    /// Derived from the record's metadata and agent state, kept so that nothing is parsed twice.
    pub facts: Facts,
    pub turn: Turn,
    pub background_tasks: u32,
    /// The agent reported that it has loaded its native conversation.
    pub is_ready: bool,
    /// The highest message number ever given.
    pub last_seq: i64,
    /// The newest position of a message.
    pub head: Option<Position>,
    /// When a setting was last changed through the hub: an older heartbeat must not undo it.
    pub set_at: HashMap<ConfigKey, Millis>,
}

impl Session {
    /// A session as it is after it was read from the store: nobody has been heard of yet.
    pub fn resting(record: Record, last_seq: i64, head: Option<Position>) -> Self {
        let facts = Facts::of(record.metadata.as_deref(), record.agent_state.as_deref());
        let turn = Turn {
            active: record.active,
            active_at: record.active_at,
            thinking: false,
            thinking_at: 0,
            turn_started_at: None,
            grace_until: None,
            last_broadcast: 0,
        };
        Self {
            record,
            facts,
            turn,
            background_tasks: 0,
            is_ready: false,
            last_seq,
            head,
            set_at: HashMap::new(),
        }
    }

    pub fn id(&self) -> &SessionId {
        &self.record.id
    }

    pub fn namespace(&self) -> &Namespace {
        &self.record.namespace
    }

    /// The mode in force: the one last heard of, else the one last chosen.
    pub fn permission_mode(&self) -> Option<&str> {
        self.record.settings.permission_mode.as_deref().or(self.facts.preferred_permission_mode.as_deref())
    }

    pub fn agent_mode(&self) -> Option<&str> {
        self.record.settings.agent_mode.as_deref().or(self.facts.preferred_agent_mode.as_deref())
    }

    /// Cursor's agent is spoken to by its newer protocol.
    pub fn is_cursor_acp(&self) -> bool {
        let metadata = self.facts.metadata.as_ref();
        self.facts.flavor_name.as_deref() == Some("cursor")
            && metadata.and_then(|metadata| metadata.get("cursorSessionProtocol")?.as_str()) == Some("acp")
    }

    /// What an archived session's agent cannot come back without, when it is not there.
    pub fn missing_for_reopen(&self) -> Option<&'static [&'static str]> {
        let metadata = self.facts.metadata.as_ref();
        let has_chat = metadata.is_some_and(|metadata| metadata.get("cursorSessionId").is_some());
        let is_cursor = self.facts.flavor_name.as_deref() == Some("cursor");
        let is_lost = is_cursor && self.facts.is_archived() && !has_chat && self.record.has_content;
        is_lost.then_some(&["cursorSessionId"])
    }

    /// A terminal drives the session, so that remote settings are refused (shared sessions have no such mode).
    pub fn is_driven_by_terminal(&self) -> bool {
        self.facts.is_controlled_by_user && !self.facts.is_shared
    }
}
