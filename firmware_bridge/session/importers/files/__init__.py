"""A file -> its table, the kind of file it is, and what its columns mean. No numbers are interpreted here."""
