-- Words of messages (by message key) and of sessions' titles and paths (by session key). SQLite's own (FTS5): another
-- database would bring its own index. The texts themselves are not kept twice ("contentless"), and rows can be deleted
-- by key alone. The hub splits and folds words before they come here, so a blank is all that parts them.
CREATE VIRTUAL TABLE search_messages USING fts5(
    scope, user, assistant, reasoning, tool,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);
CREATE VIRTUAL TABLE search_titles USING fts5(
    scope, title, path,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);

-- How far messages are indexed: all keys up to this one. One row.
CREATE TABLE search_progress (
    key INTEGER PRIMARY KEY NOT NULL CHECK (key = 1),
    last_key BIGINT NOT NULL
);
INSERT INTO search_progress (key, last_key) VALUES (1, 0);

-- Messages that were indexed and have to be once more.
CREATE TABLE search_again (
    message_key BIGINT PRIMARY KEY NOT NULL
);

-- The version of the metadata that was indexed.
CREATE TABLE search_sessions (
    session_key BIGINT PRIMARY KEY NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    metadata_version BIGINT NOT NULL
);

-- The key of the newest message can be given again once it is deleted, so progress never stands beyond it.
CREATE TRIGGER search_message_deleted AFTER DELETE ON messages BEGIN
    DELETE FROM search_messages
        WHERE rowid = old.key AND old.key <= (SELECT last_key FROM search_progress);
    DELETE FROM search_again WHERE message_key = old.key;
    UPDATE search_progress SET last_key = MIN(last_key, (SELECT COALESCE(MAX(key), 0) FROM messages))
        WHERE last_key <= old.key;
END;

-- Neither happens on the path of an ordinary message: texts stay as they are, and sessions are rarely joined.
CREATE TRIGGER search_message_moved AFTER UPDATE OF session_key, content ON messages
    WHEN old.key <= (SELECT last_key FROM search_progress)
BEGIN
    DELETE FROM search_messages WHERE rowid = old.key;
    INSERT OR IGNORE INTO search_again (message_key) VALUES (old.key);
END;

CREATE TRIGGER search_session_deleted AFTER DELETE ON search_sessions BEGIN
    DELETE FROM search_titles WHERE rowid = old.session_key;
END;
