//! What the metadata of a session looks like.

use crate::domain::{
    flavor::PERMISSION_MODES,
    shape::{Shape, optional, required},
};

const STARTING_MODE: Shape = Shape::Nullable(&Shape::OneOf(&["local", "remote", "pty"]));

const ARCHIVE_SNAPSHOT: Shape = Shape::Object(&[
    optional("lifecycleState", Shape::Text),
    optional("lifecycleStateSince", Shape::Number),
    optional("archivedBy", Shape::Text),
    optional("archiveReason", Shape::Text),
]);

const CAPABILITIES: Shape = Shape::Object(&[
    optional("concurrentClients", Shape::Flag),
    optional("terminal", Shape::Flag),
    optional(
        "conversationHistory",
        Shape::Object(&[
            optional("forkCurrent", Shape::Flag),
            optional("forkAtMessage", Shape::Flag),
            optional("rewindToMessage", Shape::Flag),
        ]),
    ),
]);

const WORKTREE: Shape = Shape::Object(&[
    required("basePath", Shape::Text),
    required("branch", Shape::Text),
    required("name", Shape::Text),
    optional("worktreePath", Shape::Text),
    optional("createdAt", Shape::Number),
]);

const CLEAR_OPERATION: Shape = Shape::Object(&[
    required("replacementSessionId", Shape::Text),
    required(
        "state",
        Shape::OneOf(&[
            "reserved",
            "abort-needed",
            "cleanup-confirmed",
            "finalizing",
            "pending",
            "failed",
            "completed",
            "aborted",
        ]),
    ),
    required("updatedAt", Shape::Number),
    optional("error", Shape::Text),
]);

const PI_IMPORT: Shape = Shape::Object(&[
    required("state", Shape::OneOf(&["importing", "complete", "failed", "diverged"])),
    required("machineId", Shape::Text),
    required("piSessionId", Shape::Text),
    required("sourceFile", Shape::Text),
    required("startedAt", Shape::Number),
    required("updatedAt", Shape::Number),
    optional("leafEntryId", Shape::Nullable(&Shape::Text)),
    optional("error", Shape::Text),
]);

const PI_RESUME: Shape = Shape::Object(&[
    required("state", Shape::OneOf(&["resuming", "terminating", "quarantined"])),
    required("machineId", Shape::Text),
    required("startedAt", Shape::Number),
    optional("childSessionId", Shape::Text),
    optional("archiveSnapshot", ARCHIVE_SNAPSHOT),
]);

const PTY_RESUME: Shape = Shape::Object(&[
    required("state", Shape::OneOf(&["resuming", "quarantined"])),
    required("machineId", Shape::Text),
    required("startedAt", Shape::Number),
]);

pub(super) const METADATA: Shape = Shape::Object(&[
    required("path", Shape::Text),
    required("host", Shape::Text),
    optional("version", Shape::Text),
    optional("name", Shape::Text),
    optional("os", Shape::Text),
    optional(
        "summary",
        Shape::Object(&[required("text", Shape::Text), required("updatedAt", Shape::Number)]),
    ),
    optional("machineId", Shape::Text),
    optional("claudeSessionId", Shape::Text),
    optional("codexSessionId", Shape::Text),
    optional("codexSourceSessionId", Shape::Text),
    optional("geminiSessionId", Shape::Text),
    optional("opencodeSessionId", Shape::Text),
    optional("grokSessionId", Shape::Text),
    optional("agySessionId", Shape::Text),
    optional("cursorSessionId", Shape::Text),
    optional("cursorSessionProtocol", Shape::OneOf(&["acp", "stream-json"])),
    optional("cursorMigrationState", Shape::OneOf(&["in_progress", "ambiguous"])),
    optional("kimiSessionId", Shape::Text),
    optional("copilotSessionId", Shape::Text),
    optional("piSessionId", Shape::Text),
    optional("tools", Shape::List(&Shape::Text)),
    optional("slashCommands", Shape::List(&Shape::Text)),
    optional("homeDir", Shape::Text),
    optional("happyHomeDir", Shape::Text),
    optional("happyLibDir", Shape::Text),
    optional("happyToolsDir", Shape::Text),
    optional("startedFromRunner", Shape::Flag),
    optional("hostPid", Shape::Number),
    optional("hapiMcpUrl", Shape::Url),
    optional("startedBy", Shape::OneOf(&["runner", "terminal"])),
    optional("startingMode", STARTING_MODE),
    optional("lifecycleState", Shape::Text),
    optional("lifecycleStateSince", Shape::Number),
    optional("archivedBy", Shape::Text),
    optional("archiveReason", Shape::Text),
    optional("supersededBySessionId", Shape::Text),
    optional("opencodeClearOperation", CLEAR_OPERATION),
    optional("forkedFrom", Shape::Text),
    optional("flavor", Shape::Nullable(&Shape::Text)),
    optional("preferredPermissionMode", Shape::OneOf(PERMISSION_MODES)),
    optional("preferredCopilotAgentMode", Shape::AgentMode),
    optional("capabilities", CAPABILITIES),
    optional("worktree", WORKTREE),
    optional("conversationHistoryPoints", Shape::Map(&Shape::Yes)),
    optional("conversationHistoryIndexes", Shape::Map(&Shape::Index)),
    optional("conversationHistoryTurns", Shape::Map(&Shape::FilledText)),
    optional("conversationHistoryEntryIds", Shape::Map(&Shape::FilledText)),
    optional("conversationHistoryDiverged", Shape::Flag),
    optional("piHistoryLeafEntryId", Shape::Text),
    optional("piImportState", PI_IMPORT),
    optional("piResumeAttempt", PI_RESUME),
    optional("ptyResumeAttempt", PTY_RESUME),
    optional("piAvailableModels", Shape::List(&Shape::OpenObject(&[required("modelId", Shape::Text)]))),
    optional(
        "piSelectedModel",
        Shape::Nullable(&Shape::Object(&[
            required("provider", Shape::Text),
            required("modelId", Shape::Text),
        ])),
    ),
]);
