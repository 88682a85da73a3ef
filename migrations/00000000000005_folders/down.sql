DROP TABLE deserted_folders;
