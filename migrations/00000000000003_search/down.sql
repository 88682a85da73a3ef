DROP TRIGGER search_session_deleted;
DROP TRIGGER search_message_moved;
DROP TRIGGER search_message_deleted;
DROP TABLE search_sessions;
DROP TABLE search_again;
DROP TABLE search_progress;
DROP TABLE search_titles;
DROP TABLE search_messages;
