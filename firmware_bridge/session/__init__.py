"""The session folder: what was recorded, in files that outlive a crash and this program."""
