DROP TABLE set_aside;
DROP TABLE decisions;
DROP TABLE journal;
DROP TABLE machines;
DROP TABLE messages;
DROP TABLE sessions;
DROP TABLE hub;
