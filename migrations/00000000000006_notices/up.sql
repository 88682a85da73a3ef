-- What people were told of already, so that nobody is told twice, whatever stops and starts in between.
CREATE TABLE told (
    session_key BIGINT NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    -- request, message, completion
    kind TEXT NOT NULL,
    -- The id of the request or of the message; empty for a completion.
    subject TEXT NOT NULL,
    -- When it was asked; an id may come back for another question.
    moment BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (session_key, kind, subject, moment)
);

-- How often in a row the push service refused what it was sent for this browser.
ALTER TABLE push_subscriptions ADD COLUMN refused BIGINT NOT NULL DEFAULT 0;
