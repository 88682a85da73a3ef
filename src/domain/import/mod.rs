//! Conversations that agents keep on their machines: what a runner tells of them, and what a session lacks of one.

mod codex;
mod pi;
mod place;

pub use codex::Thread;
pub use pi::Conversation;
pub use place::{Online, Place, choose};

use serde_json::{Map, Value};

use super::{
    content,
    ids::Millis,
    json::{self, Json},
    metadata, text,
};

/// A message of a session as it is stored, in the order of the conversation.
#[derive(Clone, Debug)]
pub struct Stored {
    pub local_id: Option<String>,
    pub content: Value,
}

/// A message that a session lacks.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub local_id: String,
    pub content: Json,
    pub created_at: Millis,
}

/// How a session stands to a conversation.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The session says something else.
    Diverged,
    /// It says the same as far as it goes. Nothing is missing when this is empty.
    Lacks(Vec<Arrival>),
}

/// A conversation with its messages.
#[derive(Clone, Debug)]
pub enum Transcript {
    Codex(Thread),
    Pi(Conversation),
}

impl Transcript {
    /// The agent's own id.
    pub fn id(&self) -> &str {
        match self {
            Self::Codex(thread) => &thread.id,
            Self::Pi(conversation) => &conversation.id,
        }
    }

    /// Whether a session with this metadata is about it.
    pub fn is_of(&self, session: &Value, place: &Place) -> bool {
        let is_here = metadata::machine_id(session).is_none_or(|machine| machine == place.machine);
        is_here
            && match self {
                Self::Codex(thread) => thread.is_of(session),
                Self::Pi(conversation) => conversation.is_of(session),
            }
    }

    pub fn compare(&self, session: Option<&Value>, stored: &[Stored]) -> Verdict {
        match self {
            Self::Codex(thread) => thread.compare(stored),
            Self::Pi(conversation) => conversation.compare(session, stored),
        }
    }

    /// The metadata of a session that is made of it.
    pub fn metadata(&self, place: &Place, now: Millis) -> Map<String, Value> {
        let (title, said, cwd) = match self {
            Self::Codex(thread) => (&thread.title, &thread.last_user_message, &thread.cwd),
            Self::Pi(conversation) => {
                (&conversation.title, &conversation.last_user_message, &conversation.cwd)
            }
        };
        let mut made = Map::new();
        made.insert("path".into(), cwd.as_deref().unwrap_or_default().into());
        made.insert("host".into(), place.host.as_str().into());
        made.insert("machineId".into(), place.machine.as_str().into());
        if !text::is_blank(title) {
            made.insert("name".into(), title.as_str().into());
        }
        if let Some(said) = said.as_deref().filter(|said| !text::is_blank(said)) {
            made.insert("summary".into(), serde_json::json!({ "text": said, "updatedAt": now }));
        }
        made.insert("lifecycleState".into(), "imported".into());
        made.insert("lifecycleStateSince".into(), now.into());
        match self {
            Self::Codex(thread) => thread.name_in(&mut made),
            Self::Pi(conversation) => conversation.name_in(&mut made),
        }
        made
    }

    /// Notes in a session's metadata that it has everything now.
    pub fn mark_complete(&self, session: &mut Map<String, Value>, place: &Place, now: Millis) {
        if let Self::Pi(conversation) = self {
            conversation.mark(session, place, now, None);
        }
    }

    /// Notes that it goes another way. Says whether that is news.
    pub fn mark_diverged(
        &self,
        session: &mut Map<String, Value>,
        place: &Place,
        now: Millis,
        error: &str,
    ) -> bool {
        let Self::Pi(conversation) = self else { return false };
        let known = session.get("piImportState").and_then(|state| state.get("state"));
        let is_news = known.and_then(Value::as_str) != Some("diverged");
        if is_news {
            conversation.mark(session, place, now, Some(error));
        }
        is_news
    }
}

/// The conversations in a runner's answer, or why there are none.
pub fn listed(answer: &Value) -> Result<&[Value], Unlisted> {
    match (answer.get("success"), answer.get("sessions"), answer.get("error")) {
        (Some(Value::Bool(true)), Some(Value::Array(all)), _) => Ok(all),
        (Some(Value::Bool(false)), _, Some(Value::String(error))) => Err(Unlisted::Refused(error.clone())),
        _ => Err(Unlisted::Unreadable),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlisted {
    #[error("{0}")]
    Refused(String),
    #[error("The runner answered something else than a list of conversations")]
    Unreadable,
}

/// One of the three kinds of messages that runners read out of transcripts, as it is stored.
fn message(value: &Value) -> Option<(Value, Json)> {
    let text = |value: Option<&Value>, wanted: &str| value.and_then(Value::as_str) == Some(wanted);
    let content = value.get("content")?;
    let is_known = match value.get("role")?.as_str()? {
        "user" => text(content.get("type"), "text") && content.get("text").is_some_and(Value::is_string),
        "agent" => {
            (text(content.get("type"), "codex") || text(content.get("type"), "event"))
                && content.get("data").is_some()
        }
        _ => false,
    };
    if !is_known {
        return None;
    }
    let mut whole = value.clone();
    whole.as_object_mut()?.entry("meta").or_insert_with(|| serde_json::json!({ "sentFrom": "cli" }));
    let whole = json::write(&whole);
    let stored = content::truncate_agent_strings(whole.get()).and_then(json::raw).unwrap_or(whole);
    Some((json::read(&stored)?, stored))
}

/// Whether two messages say the same. Through which door they came, which is in `meta`, does not count.
fn says_same(one: &Value, other: &Value) -> bool {
    match (content::envelope(one), content::envelope(other)) {
        (Some(one), Some(other)) => one.role == other.role && one.content == other.content,
        _ => one == other,
    }
}

fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn time(value: &Value, key: &str) -> Option<Millis> {
    value.get(key).and_then(Value::as_f64).and_then(|at| text::safe_integer(at.trunc()))
}
