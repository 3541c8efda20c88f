"""Leads through a session: protocol files, what the live angle shows, and which step comes next."""
