DROP TABLE journal_floors;
