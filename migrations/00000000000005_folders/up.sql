-- Sessions whose folder of attachments has to go, written when they are deleted. A crash may come between that and the
-- disk, and other programs keep folders in the same place, so that nothing goes that is not named here.
CREATE TABLE deserted_folders (
    session_id TEXT PRIMARY KEY NOT NULL,
    namespace TEXT NOT NULL
);
