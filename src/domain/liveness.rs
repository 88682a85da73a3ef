//! Whether a session is there and whether its agent works: heartbeats, the grace after a prompt, and expiry.

use super::{ids::Millis, text};

pub const SESSION_HEARTBEAT: Millis = 2_000;
pub const MACHINE_HEARTBEAT: Millis = 20_000;
/// How far back a client's clock is believed.
pub const CLIENT_TIME_WINDOW: Millis = 600_000;
/// A patch that tells nothing new is sent when the last one is older than this.
pub const QUIET_PATCH: Millis = 10_000;
pub const SESSION_EXPIRY: Millis = 30_000;
pub const MACHINE_EXPIRY: Millis = 45_000;
pub const EXPIRY_TICK: Millis = 5_000;
/// How long an accepted prompt makes the agent count as working while its heartbeats still say that it idles.
pub const PROMPT_GRACE: Millis = 15_000;
pub const SCHEDULE_HORIZON: Millis = 7 * 24 * 3_600_000;
/// How long the hub waits for an agent's answer to a cancel or a retry.
pub const PROMPT_ACKNOWLEDGEMENT: Millis = 500;

/// How long the hub waits for a process that it had started, or made to go.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub active: Millis,
    /// Until the agent has its conversation.
    pub ready: Millis,
    pub inactive: Millis,
}

impl Default for Patience {
    fn default() -> Self {
        Self { active: 15_000, ready: 60_000, inactive: 15_000 }
    }
}

/// The time a client gave, as far as it is believed. `None` drops its heartbeat.
pub fn clamp(now: Millis, time: f64) -> Option<Millis> {
    if !time.is_finite() {
        return None;
    }
    let time = text::safe_integer(time.trunc()).unwrap_or(if time > 0.0 { now } else { 0 }).min(now);
    (time != 0 && time >= now.saturating_sub(CLIENT_TIME_WINDOW)).then_some(time)
}

/// The presence of one session and the state of its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    pub active: bool,
    pub active_at: Millis,
    pub thinking: bool,
    pub thinking_at: Millis,
    pub turn_started_at: Option<Millis>,
    /// Until then heartbeats that say idle are overruled.
    pub grace_until: Option<Millis>,
    pub last_broadcast: Millis,
}

impl Turn {
    /// After a heartbeat that said `thinking` at the clamped client time `time`. `has_queued`: an immediate prompt
    /// still waits to be taken.
    #[must_use]
    pub fn heartbeat(&self, now: Millis, time: Millis, thinking: bool, has_queued: bool) -> Self {
        let in_grace = self.grace_until.is_some_and(|until| until > now);
        let overruled = !thinking && in_grace;
        let turn_started_at = if overruled && has_queued {
            Some(now)
        } else if self.thinking && !thinking && !overruled {
            None
        } else {
            self.turn_started_at
        };
        Self {
            active: true,
            active_at: self.active_at.max(time),
            thinking: thinking || overruled,
            thinking_at: time,
            turn_started_at,
            grace_until: self.grace_until.filter(|_| overruled),
            last_broadcast: self.last_broadcast,
        }
    }

    /// After a prompt was accepted for delivery at once. A prompt for later starts no turn, so it does not come here.
    #[must_use]
    pub fn prompt_queued(&self, now: Millis, created_at: Millis) -> Self {
        if !self.active {
            return *self;
        }
        Self {
            thinking: true,
            thinking_at: now,
            turn_started_at: if self.thinking { self.turn_started_at } else { Some(created_at) },
            grace_until: Some(now.saturating_add(PROMPT_GRACE)),
            last_broadcast: now,
            ..*self
        }
    }

    /// After the agent took its prompts and asked for no further grace.
    #[must_use]
    pub fn grace_over(&self) -> Self {
        Self { grace_until: None, ..*self }
    }

    /// After the hub itself saw the session come up.
    #[must_use]
    pub fn marked_active(&self, now: Millis) -> Self {
        Self { active: true, active_at: self.active_at.max(now), last_broadcast: now, ..*self }
    }

    /// After the agent's process said goodbye.
    #[must_use]
    pub fn ended(&self, time: Millis) -> Self {
        if self.active || self.thinking { Self { thinking_at: time, ..self.expire() } } else { *self }
    }

    /// After silence for too long.
    #[must_use]
    pub fn expire(&self) -> Self {
        Self { active: false, thinking: false, turn_started_at: None, grace_until: None, ..*self }
    }

    pub fn expired(&self, now: Millis) -> bool {
        self.active && now.saturating_sub(self.active_at) > SESSION_EXPIRY
    }

    /// Whether clients must hear of the step from `self` to `next`.
    pub fn needs_patch(&self, next: &Self, now: Millis) -> bool {
        self.active != next.active
            || self.thinking != next.thinking
            || self.turn_started_at != next.turn_started_at
            || now.saturating_sub(self.last_broadcast) > QUIET_PATCH
    }

    /// After clients were told.
    #[must_use]
    pub fn told(&self, now: Millis) -> Self {
        Self { last_broadcast: now, ..*self }
    }
}

pub fn machine_expired(active: bool, active_at: Millis, now: Millis) -> bool {
    active && now.saturating_sub(active_at) > MACHINE_EXPIRY
}

#[cfg(test)]
#[path = "liveness_tests.rs"]
mod tests;
