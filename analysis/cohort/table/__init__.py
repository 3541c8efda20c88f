"""A table file, and the user's own columns -> the rows that count, with what was left out and why."""
