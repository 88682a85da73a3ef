-- Up to which number events of a session were trimmed from the journal; `*` stands for all sessions of the namespace,
-- and an empty text for events of none.
CREATE TABLE journal_floors (
    namespace TEXT NOT NULL,
    session_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (namespace, session_id)
) WITHOUT ROWID;
INSERT INTO journal_floors (namespace, session_id, seq)
SELECT namespace, '*', MIN(seq) - 1 FROM journal GROUP BY namespace HAVING MIN(seq) > 1;
