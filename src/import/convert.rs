//! From rows of the released hub to ours. Whatever had to be changed on the way is counted.

use serde::Serialize;

use super::content;
use crate::{
    domain::{
        ids::Millis,
        json::{self, Json},
        prompt::DeliveryState,
        session::{Pin, Record, Settings},
    },
    store::{
        adopt::{Adopted, Device, Note, PushSubscription, User},
        hapi::{DeviceRow, MachineRow, MessageRow, NoteRow, PushRow, SessionRow, UserRow},
        machines::Machine,
        messages::Message,
    },
};

/// The greatest whole number that JavaScript holds exactly.
pub const MAX_SAFE: i64 = (1 << 53) - 1;

/// What had to be changed, as numbers of places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repairs {
    /// Contents of messages that could not be understood and are `null` now.
    pub undecodable_contents: u64,
    /// Texts with halves of surrogate pairs or bytes that are no UTF-8.
    pub repaired_texts: u64,
    /// Metadata, agent states, todos and the like that are no JSON and are unset now.
    pub unreadable_fields: u64,
    /// Numbers below zero or too large.
    pub clamped_numbers: u64,
    /// Prompts whose delivery had begun: nobody knows whether they arrived.
    pub uncertain_deliveries: u64,
    pub renumbered_sessions: u64,
    pub renumbered_messages: u64,
    /// Messages that lost a local id which an earlier one of their session has.
    pub repeated_local_ids: u64,
}

impl Repairs {
    fn text(&mut self, bytes: Option<Vec<u8>>) -> Option<String> {
        Some(String::from_utf8(bytes?).unwrap_or_else(|odd| {
            self.repaired_texts += 1;
            String::from_utf8_lossy(odd.as_bytes()).into_owned()
        }))
    }

    fn json(&mut self, bytes: Option<Vec<u8>>) -> Option<Json> {
        let read = content::parse(&bytes?);
        self.repaired_texts += u64::from(read.is_repaired);
        self.unreadable_fields += u64::from(read.json.is_none());
        read.json.filter(|json| !json::is_null(json))
    }

    fn number(&mut self, number: Option<i64>, missing: i64) -> i64 {
        let given = number.unwrap_or(missing);
        let kept = given.clamp(0, MAX_SAFE);
        self.clamped_numbers += u64::from(given != kept);
        kept
    }

    fn namespace(&mut self, bytes: Option<Vec<u8>>) -> String {
        self.text(bytes).unwrap_or_else(|| "default".to_owned())
    }

    /// A session whose messages were not looked at yet.
    pub fn session(&mut self, row: SessionRow, epoch: i64) -> Adopted {
        let created_at = self.number(row.created_at, 0);
        let updated_at = self.number(row.updated_at, created_at);
        let is_set = |flag: Option<i64>| flag.is_some_and(|flag| flag != 0);
        let record = Record {
            key: 0,
            id: self.text(row.id).unwrap_or_default().into(),
            namespace: self.namespace(row.namespace).into(),
            tag: self.text(row.tag),
            created_at,
            updated_at,
            seq: self.number(row.seq, 0),
            metadata: self.json(row.metadata),
            metadata_version: self.number(row.metadata_version, 1),
            agent_state: self.json(row.agent_state),
            agent_state_version: self.number(row.agent_state_version, 1),
            todos: self.json(row.todos),
            todos_updated_at: self.number(row.todos_updated_at, 0),
            team_state: self.json(row.team_state),
            team_state_updated_at: self.number(row.team_state_updated_at, 0),
            settings: Settings {
                model: self.text(row.model),
                model_reasoning_effort: self.text(row.model_reasoning_effort),
                effort: self.text(row.effort),
                service_tier: self.text(row.service_tier),
                ..Settings::default()
            },
            pin: match (is_set(row.global_pinned), is_set(row.pinned)) {
                (true, _) => Pin::Global,
                (false, true) => Pin::Project,
                (false, false) => Pin::None,
            },
            active: false,
            active_at: self.number(row.active_at, updated_at),
            has_content: false,
            // A cursor that a browser got elsewhere must not be trusted here.
            message_epoch: self.number(Some(epoch), 0).min(MAX_SAFE - 1) + 1,
            // What was there before the move is no news.
            seen_at: updated_at,
        };
        Adopted { seq_floor: 0, record }
    }

    /// `None` when the row has no id. Files from before prompts waited have taken everything at once.
    pub fn message(&mut self, row: MessageRow, is_all_taken: bool) -> Option<Message> {
        let id = self.text(row.id)?;
        let created_at = self.number(row.created_at, 0);
        let decoded = content::decode(row.content.as_deref(), row.content_is_blob == Some(1));
        self.undecodable_contents += u64::from(decoded.json.is_none());
        self.repaired_texts += u64::from(decoded.is_repaired);
        let invoked_at = row.invoked_at.or(is_all_taken.then_some(created_at));
        let delivery_state = self.delivery_state(row.delivery_state, invoked_at.is_some());
        Some(Message {
            id,
            seq: row.seq.unwrap_or(0),
            local_id: self.text(row.local_id),
            content: decoded.json.unwrap_or_else(json::null),
            created_at,
            invoked_at: invoked_at.map(|at| self.number(Some(at), 0)),
            scheduled_at: row.scheduled_at.map(|at| self.number(Some(at), 0)),
            delivery_state,
        })
    }

    /// A delivery under way ended with the other hub; one in a state that is unknown here is as uncertain.
    fn delivery_state(&mut self, name: Option<Vec<u8>>, is_taken: bool) -> DeliveryState {
        let Some(name) = self.text(name) else { return DeliveryState::Queued };
        match DeliveryState::parse(&name) {
            Some(DeliveryState::Queued) => DeliveryState::Queued,
            Some(DeliveryState::Indeterminate) => DeliveryState::Indeterminate,
            Some(DeliveryState::Dispatching) | None if is_taken => DeliveryState::Queued,
            Some(DeliveryState::Dispatching) | None => {
                self.uncertain_deliveries += 1;
                DeliveryState::Indeterminate
            }
        }
    }

    pub fn machine(&mut self, row: MachineRow) -> Option<Machine> {
        let created_at = self.number(row.created_at, 0);
        Some(Machine {
            key: 0,
            id: self.text(row.id)?.into(),
            namespace: self.namespace(row.namespace).into(),
            created_at,
            updated_at: self.number(row.updated_at, created_at),
            seq: self.number(row.seq, 0),
            metadata: self.json(row.metadata),
            metadata_version: self.number(row.metadata_version, 1),
            runner_state: self.json(row.runner_state),
            runner_state_version: self.number(row.runner_state_version, 1),
            active_at: self.number(row.active_at, created_at),
        })
    }

    pub fn note(&mut self, row: NoteRow, session_key: i64) -> Option<Note> {
        let created_at = self.number(row.created_at, 0);
        let attachments = self.json(row.attachments).map(|json| json.get().to_owned());
        Some(Note {
            session_key,
            entry_id: self.text(row.entry_id)?,
            text: self.text(row.text).unwrap_or_default(),
            created_at,
            updated_at: self.number(row.updated_at, created_at),
            attachments: attachments.unwrap_or_else(|| "[]".to_owned()),
        })
    }

    pub fn user(&mut self, row: UserRow) -> Option<User> {
        Some(User {
            platform: self.text(row.platform)?,
            platform_user_id: self.text(row.platform_user_id)?,
            namespace: self.namespace(row.namespace),
            created_at: self.number(row.created_at, 0),
        })
    }

    pub fn push_subscription(&mut self, row: PushRow) -> Option<PushSubscription> {
        Some(PushSubscription {
            namespace: self.namespace(row.namespace),
            endpoint: self.text(row.endpoint)?,
            p256dh: self.text(row.p256dh)?,
            auth: self.text(row.auth)?,
            created_at: self.number(row.created_at, 0),
        })
    }

    pub fn device(&mut self, row: DeviceRow) -> Option<Device> {
        let created_at: Millis = self.number(row.created_at, 0);
        Some(Device {
            namespace: self.namespace(row.namespace),
            token: self.text(row.token)?,
            platform: self.text(row.platform)?,
            device_id: self.text(row.device_id)?,
            push_key: self.text(row.push_key),
            created_at,
            updated_at: self.number(row.updated_at, created_at),
        })
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
