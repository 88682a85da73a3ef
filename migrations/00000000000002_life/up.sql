-- A step of a session's life that crosses processes, recorded before it begins: whatever a crash leaves open is
-- finished or taken back at the next start. Kept when done, so that it can be read what became of a session.
CREATE TABLE intents (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    namespace TEXT NOT NULL,
    session_id TEXT NOT NULL,
    -- resume, fork, rewind
    kind TEXT NOT NULL,
    -- open, done, failed
    state TEXT NOT NULL DEFAULT 'open',
    -- The other session of the step, once it is known: what a resume came back as, what a fork made.
    other_session_id TEXT,
    -- JSON: what is needed to go on or to go back.
    plan TEXT NOT NULL,
    outcome TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX intents_by_session ON intents (session_id, key);
CREATE INDEX intents_open ON intents (key) WHERE state = 'open';

-- Whether the agent took a prompt into its running turn.
ALTER TABLE messages ADD COLUMN steered BOOLEAN NOT NULL DEFAULT FALSE;

-- How far people have read, by the session's recency.
ALTER TABLE sessions ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;

-- Notes that people keep beside a session.
CREATE TABLE scratchlist (
    session_key BIGINT NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    entry_id TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- JSON array; '[]' for none.
    attachments TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (session_key, entry_id)
);

-- What agents consumed, read out of messages. An index: it can be dropped and made again.
CREATE TABLE usage_events (
    session_key BIGINT NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    source_key TEXT NOT NULL,
    message_seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    agent TEXT NOT NULL,
    model TEXT,
    -- Already a difference, whatever the agent reported.
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_creation_tokens BIGINT NOT NULL,
    PRIMARY KEY (session_key, source_key)
);
CREATE INDEX usage_events_by_time ON usage_events (created_at);

-- How far a session's messages were looked through for usage.
CREATE TABLE usage_scans (
    session_key BIGINT PRIMARY KEY NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    message_epoch BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    -- JSON: the last cumulative reading of each thread.
    readings TEXT NOT NULL DEFAULT '{}'
);

-- Accounts elsewhere that belong to a namespace.
CREATE TABLE users (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    platform TEXT NOT NULL,
    platform_user_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (platform, platform_user_id)
);

-- Browsers that asked for pushes.
CREATE TABLE push_subscriptions (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    namespace TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (namespace, endpoint)
);

-- Phones and watches that asked for pushes.
CREATE TABLE devices (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    namespace TEXT NOT NULL,
    token TEXT NOT NULL,
    platform TEXT NOT NULL,
    device_id TEXT NOT NULL,
    push_key TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (namespace, device_id, platform)
);
CREATE INDEX devices_by_token ON devices (token);
