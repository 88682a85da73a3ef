//! Whether the agent's process is there and whether it works: heartbeats, the end, and silence.

use actix::prelude::*;

use super::{Atomic, Boxed, LiveSession, Outcome, SessionError, decisions::set_states};
use crate::{
    domain::{
        flavor,
        ids::Millis,
        json, liveness,
        session::{Changes, ConfigKey, Patch, Settings},
    },
    terminal::SessionOver,
    wire::cli,
};

/// A heartbeat.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Alive(pub cli::SessionAlive);

impl Handler<Alive> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Alive(alive): Alive, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        self.last_used = now;
        let heard = match liveness::clamp(now, alive.time) {
            Some(time) => self.heard(&alive, time, now),
            None => Box::pin(actix::fut::ready(Ok(()))),
        };
        AtomicResponse::new(Box::pin(heard.map(|outcome, this: &mut Self, _| {
            // Also after a heartbeat that was not believed: this is how prompts reach a process that was away.
            this.deliver_queue();
            outcome
        })))
    }
}

impl LiveSession {
    fn heard(&mut self, alive: &cli::SessionAlive, time: Millis, now: Millis) -> Boxed<Outcome<()>> {
        let thinking = alive.thinking == Some(true);
        let turn = self.state.turn.heartbeat(now, time, thinking, self.has_immediate_prompt());
        let settings = self.reported(alive, time);
        let is_new = settings != self.state.record.settings;
        let before = self.state.turn;
        if !is_new && !before.needs_patch(&turn, now) {
            self.state.turn = turn;
            return Box::pin(actix::fut::ready(Ok(())));
        }
        let turn = turn.told(now);
        let is_news = is_new
            || before.active != turn.active
            || before.thinking != turn.thinking
            || before.turn_started_at != turn.turn_started_at;
        let metadata = is_new.then(|| self.with_preferences(&settings)).flatten();
        let changes = Changes {
            turn: Some(turn),
            settings: is_new.then_some(settings),
            metadata: metadata.clone().map(Some),
            ..Changes::default()
        };
        let after = self.after(&changes);
        let entry = self.events().patched(&Patch::heartbeat(&after));
        if !is_news {
            self.tell_quietly(entry);
            self.take_over(changes);
            return Box::pin(actix::fut::ready(Ok(())));
        }
        Box::pin(self.commit_plain(changes, vec![entry]).map(move |outcome, this: &mut Self, _| {
            if outcome.is_ok() && metadata.is_some() {
                this.tell_room_metadata(None);
            }
            outcome
        }))
    }

    /// The settings as a heartbeat reports them. A setting changed through the hub later than the heartbeat stands;
    /// values that no agent has are left out.
    fn reported(&self, alive: &cli::SessionAlive, time: Millis) -> Settings {
        let mode = alive.permission_mode.clone().filter(|mode| flavor::is_permission_mode(mode));
        let collaboration =
            alive.collaboration_mode.clone().filter(|mode| flavor::is_collaboration_mode(mode));
        let agent = alive.copilot_agent_mode.as_deref().and_then(flavor::agent_mode).map(str::to_owned);
        let reported = [
            (ConfigKey::PermissionMode, mode.map(Some)),
            (ConfigKey::Model, alive.model.clone()),
            (ConfigKey::ModelReasoningEffort, alive.model_reasoning_effort.clone()),
            (ConfigKey::Effort, alive.effort.clone()),
            (ConfigKey::ServiceTier, alive.service_tier.clone()),
            (ConfigKey::CollaborationMode, collaboration.map(Some)),
            (ConfigKey::AgentMode, agent.map(Some)),
        ];
        let mut settings = self.state.record.settings.clone();
        for (key, value) in reported {
            let is_stale = self.state.set_at.get(&key).is_some_and(|set| time < *set);
            if let Some(value) = value.filter(|_| !is_stale) {
                settings.set(key, value);
            }
        }
        settings
    }

    /// The metadata with the preferred modes that these settings imply; `None` when they stand there already. The
    /// text as stored is edited, so keys that the hub does not know survive.
    pub(super) fn with_preferences(&self, settings: &Settings) -> Option<json::Json> {
        let wanted = [
            ("preferredPermissionMode", settings.permission_mode.as_deref()),
            ("preferredCopilotAgentMode", settings.agent_mode.as_deref()),
        ];
        self.edited_metadata(|metadata| {
            let mut is_changed = false;
            for (key, value) in wanted {
                if let Some(value) = value
                    && metadata.get(key).and_then(serde_json::Value::as_str) != Some(value)
                {
                    metadata.insert(key.into(), value.into());
                    is_changed = true;
                }
            }
            is_changed
        })
    }

    /// Takes the session for gone after too long a silence.
    pub(super) fn expire(&mut self) -> Boxed<Outcome<()>> {
        let turn = self.state.turn.expire();
        let changes = Changes { turn: Some(turn), background_tasks: Some(0), ..Changes::default() };
        let entry = self.events().patched(&Patch::ended());
        Box::pin(
            self.commit_plain(changes, vec![entry])
                .map(|outcome, this: &mut Self, _| outcome.inspect(|()| this.tell_over(false))),
        )
    }

    /// Tells those who watch the agent's screen. A screen that is not told is dropped with the next end.
    fn tell_over(&self, is_told: bool) {
        let _ = self.tenant.try_send(SessionOver { id: self.id().clone(), is_told });
    }
}

/// The agent has loaded its native conversation.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Ready;

impl Handler<Ready> for LiveSession {
    type Result = Outcome<()>;

    fn handle(&mut self, _: Ready, _: &mut Self::Context) -> Self::Result {
        self.state.is_ready = true;
        self.wake_waiting();
        Ok(())
    }
}

/// The agent's process said goodbye, or was made to go. Prompts that it never took stay queued.
#[derive(Clone, Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct End {
    /// Client time; `None` for the hub's own.
    pub time: Option<f64>,
    pub reason: Option<String>,
}

impl Handler<End> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, End { time, reason }: End, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let time = time.and_then(|time| liveness::clamp(now, time)).unwrap_or(now);
        let was_there = self.state.turn.active || self.state.turn.thinking;
        let mut entries = Vec::new();
        let mut changes = Changes::default();
        if was_there {
            entries.push(self.events().patched(&Patch::ended()));
            changes.turn = Some(self.state.turn.ended(time));
            changes.background_tasks = Some(0);
        }
        if reason.as_deref() != Some("cleared") {
            changes.metadata = self.abandoned_clear().map(Some);
        }
        if changes.metadata.is_some() {
            entries.push(self.events().updated(&self.after(&changes)));
        }
        entries.push(self.events().ended(reason.as_deref()));
        let dropped = self.dropped_decisions(&mut entries);
        let key = self.state.record.key;
        let written = dropped.clone();
        self.state.is_ready = false;
        let commit = self.commit(changes, entries, move |tx| set_states(tx.conn, key, &written, "dropped"));
        AtomicResponse::new(Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            outcome?;
            this.forget_decisions(&dropped);
            this.tell_over(true);
            Ok(())
        })))
    }
}

/// The hub itself saw the session come up, at the end of a resume.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct MarkActive;

impl Handler<MarkActive> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, _: MarkActive, _: &mut Self::Context) -> Self::Result {
        let was_active = self.state.turn.active;
        let turn = self.state.turn.marked_active(self.now());
        let changes = Changes { turn: Some(turn), ..Changes::default() };
        let after = self.after(&changes);
        let mut entries = vec![self.events().patched(&Patch::resumed(&after))];
        if !was_active {
            entries.push(self.events().updated(&after));
        }
        AtomicResponse::new(self.commit_plain(changes, entries))
    }
}
