-- What the hub knows of itself: the epoch of its journal.
CREATE TABLE hub (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- One conversation with an agent. Contents written by clients are kept as the text they sent.
CREATE TABLE sessions (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    tag TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    seq BIGINT NOT NULL DEFAULT 0,
    metadata TEXT,
    metadata_version BIGINT NOT NULL DEFAULT 1,
    agent_state TEXT,
    agent_state_version BIGINT NOT NULL DEFAULT 1,
    todos TEXT,
    todos_updated_at BIGINT NOT NULL DEFAULT 0,
    team_state TEXT,
    team_state_updated_at BIGINT NOT NULL DEFAULT 0,
    model TEXT,
    model_reasoning_effort TEXT,
    effort TEXT,
    service_tier TEXT,
    permission_mode TEXT,
    collaboration_mode TEXT,
    agent_mode TEXT,
    pin TEXT NOT NULL DEFAULT 'none',
    active BOOLEAN NOT NULL DEFAULT FALSE,
    active_at BIGINT NOT NULL,
    has_content BOOLEAN NOT NULL DEFAULT FALSE,
    -- Grows whenever history changes otherwise than by appending at its end.
    message_epoch BIGINT NOT NULL DEFAULT 0,
    -- The highest message number that was ever given to a row since deleted. A number is never given twice.
    message_seq_floor BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sessions_by_namespace ON sessions (namespace);
CREATE INDEX sessions_by_tag ON sessions (namespace, tag, created_at);
CREATE INDEX sessions_active ON sessions (key) WHERE active;

CREATE TABLE messages (
    key INTEGER PRIMARY KEY NOT NULL,
    id TEXT NOT NULL UNIQUE,
    session_key BIGINT NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    local_id TEXT,
    created_at BIGINT NOT NULL,
    invoked_at BIGINT,
    scheduled_at BIGINT,
    -- COALESCE(invoked_at, created_at): where the row stands in the conversation.
    position_at BIGINT NOT NULL,
    delivery_state TEXT NOT NULL DEFAULT 'queued',
    -- 0: JSON text, 1: the same compressed by Zstandard.
    encoding SMALLINT NOT NULL DEFAULT 0,
    content BLOB NOT NULL
);
CREATE UNIQUE INDEX messages_by_seq ON messages (session_key, seq);
CREATE INDEX messages_by_position ON messages (session_key, position_at, seq);
CREATE UNIQUE INDEX messages_by_local_id ON messages (session_key, local_id) WHERE local_id IS NOT NULL;
CREATE INDEX messages_pending ON messages (session_key, seq) WHERE invoked_at IS NULL;
CREATE INDEX messages_scheduled ON messages (scheduled_at) WHERE scheduled_at IS NOT NULL AND invoked_at IS NULL;

CREATE TABLE machines (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    seq BIGINT NOT NULL DEFAULT 0,
    metadata TEXT,
    metadata_version BIGINT NOT NULL DEFAULT 1,
    runner_state TEXT,
    runner_state_version BIGINT NOT NULL DEFAULT 1,
    active BOOLEAN NOT NULL DEFAULT FALSE,
    active_at BIGINT NOT NULL
);
CREATE INDEX machines_by_namespace ON machines (namespace);

-- Every change that browsers are told, written with the change itself. Messages are referred to, not copied.
CREATE TABLE journal (
    key INTEGER PRIMARY KEY NOT NULL,
    namespace TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    session_id TEXT,
    machine_id TEXT,
    message_id TEXT,
    body TEXT
);
CREATE UNIQUE INDEX journal_by_seq ON journal (namespace, seq);

-- Who answered an agent's question, and how far the answer got. The first answer wins.
CREATE TABLE decisions (
    session_key BIGINT NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    request_id TEXT NOT NULL,
    -- Agents reuse ids; a request is its id and the moment it was asked (0 when the agent did not say).
    request_created_at BIGINT NOT NULL,
    answer TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_from TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (session_key, request_id, request_created_at)
);

-- Messages that arrived while their session could not be brought up; appended when it is well again.
CREATE TABLE set_aside (
    key INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    session_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX set_aside_by_session ON set_aside (session_id, key);
