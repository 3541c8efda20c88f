"""What is kept in derived/ of a session to save time: never stale, and safe to delete.

In: what was computed, and everything that it was computed from. Out: the same again, as long as none of that
has changed.
"""
