DROP TABLE devices;
DROP TABLE push_subscriptions;
DROP TABLE users;
DROP TABLE usage_scans;
DROP TABLE usage_events;
DROP TABLE scratchlist;
ALTER TABLE sessions DROP COLUMN seen_at;
ALTER TABLE messages DROP COLUMN steered;
DROP TABLE intents;
