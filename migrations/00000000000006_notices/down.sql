ALTER TABLE push_subscriptions DROP COLUMN refused;
DROP TABLE told;
