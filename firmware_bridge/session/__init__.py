"""The session folder: what was recorded, in files that survive a crash and need no special program."""
