"""What `status` shows: rows of runs, as a table, as it changes, and the keys that end it."""
