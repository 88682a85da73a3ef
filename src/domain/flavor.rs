//! The kinds of agents, and what the people in front of them may set.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    Agy,
    Claude,
    Codex,
    Dsh,
    Copilot,
    Cursor,
    Gemini,
    Grok,
    Kimi,
    Opencode,
    Pi,
}

/// All permission modes of all flavors.
pub const PERMISSION_MODES: &[&str] = &[
    "default",
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "plan",
    "ask",
    "debug",
    "autoReview",
    "read-only",
    "safe-yolo",
    "yolo",
    "request-review",
    "always-proceed",
];

/// The metadata keys that say two sessions are one conversation, the telling ones first.
pub const NATIVE_ID_KEYS: &[&str] = &[
    "codexSessionId",
    "claudeSessionId",
    "geminiSessionId",
    "opencodeSessionId",
    "grokSessionId",
    "cursorSessionId",
    "piSessionId",
    "agySessionId",
    "copilotSessionId",
];

pub const SERVICE_TIERS: &[&str] = &["fast", "standard"];
pub const COLLABORATION_MODES: &[&str] = &["default", "plan"];

impl Flavor {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "agy" => Self::Agy,
            "claude" => Self::Claude,
            "codex" => Self::Codex,
            "dsh" => Self::Dsh,
            "copilot" => Self::Copilot,
            "cursor" => Self::Cursor,
            "gemini" => Self::Gemini,
            "grok" => Self::Grok,
            "kimi" => Self::Kimi,
            "opencode" => Self::Opencode,
            "pi" => Self::Pi,
            _ => return None,
        })
    }

    /// The flavor of a session whose metadata names this one: Claude when it names none, `None` when we do not know it.
    pub fn of(name: Option<&str>) -> Option<Self> {
        name.map_or(Some(Self::Claude), Self::parse)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agy => "agy",
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Dsh => "dsh",
            Self::Copilot => "copilot",
            Self::Cursor => "cursor",
            Self::Gemini => "gemini",
            Self::Grok => "grok",
            Self::Kimi => "kimi",
            Self::Opencode => "opencode",
            Self::Pi => "pi",
        }
    }

    /// As people know it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Agy => "Antigravity",
            Self::Claude => "Claude",
            Self::Codex => "Codex",
            Self::Dsh => "DeepSeek Harness",
            Self::Copilot => "Copilot",
            Self::Cursor => "Cursor",
            Self::Gemini => "Gemini",
            Self::Grok => "Grok Build",
            Self::Kimi => "Kimi",
            Self::Opencode => "OpenCode",
            Self::Pi => "Pi",
        }
    }

    /// The metadata key with the agent's own id of the conversation.
    pub fn native_id_key(self) -> Option<&'static str> {
        Some(match self {
            Self::Agy => "agySessionId",
            Self::Claude => "claudeSessionId",
            Self::Codex => "codexSessionId",
            Self::Copilot => "copilotSessionId",
            Self::Cursor => "cursorSessionId",
            Self::Gemini => "geminiSessionId",
            Self::Grok => "grokSessionId",
            Self::Kimi => "kimiSessionId",
            Self::Opencode => "opencodeSessionId",
            Self::Pi => "piSessionId",
            Self::Dsh => return None,
        })
    }

    pub fn permission_modes(flavor: Option<Self>) -> &'static [&'static str] {
        match flavor {
            None | Some(Self::Claude) => &["default", "acceptEdits", "auto", "bypassPermissions", "plan"],
            Some(Self::Codex | Self::Gemini | Self::Kimi | Self::Copilot) => {
                &["default", "read-only", "safe-yolo", "yolo"]
            }
            Some(Self::Grok) => &["default", "auto", "plan", "bypassPermissions"],
            Some(Self::Opencode) => &["default", "plan", "yolo"],
            Some(Self::Cursor) => &["default", "plan", "ask", "debug", "autoReview", "yolo"],
            Some(Self::Agy) => &["request-review", "always-proceed"],
            Some(Self::Pi | Self::Dsh) => &[],
        }
    }

    pub fn supports_model_change(self) -> bool {
        self != Self::Dsh
    }

    pub fn supports_effort(self) -> bool {
        matches!(self, Self::Claude | Self::Grok | Self::Pi)
    }

    pub fn supports_reasoning_effort(self) -> bool {
        matches!(self, Self::Codex | Self::Opencode)
    }

    pub fn supports_service_tier(self) -> bool {
        self == Self::Codex
    }

    pub fn supports_collaboration_mode(self) -> bool {
        self == Self::Codex
    }

    pub fn supports_agent_mode(self) -> bool {
        self == Self::Copilot
    }

    /// Whether a queued prompt can be pushed into the running turn. Cursor can only over ACP, which its caller checks.
    pub fn steers(self) -> bool {
        matches!(self, Self::Codex | Self::Pi | Self::Cursor)
    }
}

pub fn is_permission_mode(mode: &str) -> bool {
    PERMISSION_MODES.contains(&mode)
}

pub fn is_collaboration_mode(mode: &str) -> bool {
    COLLABORATION_MODES.contains(&mode)
}

pub fn is_service_tier(tier: &str) -> bool {
    SERVICE_TIERS.contains(&tier)
}

/// Copilot's agent mode, with the old name of one of them read as its new one.
pub fn agent_mode(mode: &str) -> Option<&'static str> {
    Some(match mode {
        "interactive" | "fleet" => "interactive",
        "plan" => "plan",
        "autopilot" => "autopilot",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Flavor; 11] = [
        Flavor::Agy,
        Flavor::Claude,
        Flavor::Codex,
        Flavor::Dsh,
        Flavor::Copilot,
        Flavor::Cursor,
        Flavor::Gemini,
        Flavor::Grok,
        Flavor::Kimi,
        Flavor::Opencode,
        Flavor::Pi,
    ];

    #[test]
    fn names_on_the_wire_are_read_back() {
        for flavor in ALL {
            assert_eq!(Flavor::parse(flavor.as_str()), Some(flavor));
            assert_eq!(serde_json::to_value(flavor).unwrap(), flavor.as_str());
        }
        assert_eq!(Flavor::of(None), Some(Flavor::Claude));
        assert_eq!(Flavor::of(Some("future")), None);
    }

    #[test]
    fn every_mode_of_a_flavor_is_a_known_mode() {
        for flavor in ALL {
            assert!(Flavor::permission_modes(Some(flavor)).iter().all(|mode| is_permission_mode(mode)));
        }
        assert_eq!(Flavor::permission_modes(None), Flavor::permission_modes(Some(Flavor::Claude)));
        assert!(!is_permission_mode("Default"));
    }

    #[test]
    fn the_old_fleet_mode_is_interactive() {
        assert_eq!(agent_mode("fleet"), Some("interactive"));
        assert_eq!(agent_mode("autopilot"), Some("autopilot"));
        assert_eq!(agent_mode("other"), None);
    }
}
