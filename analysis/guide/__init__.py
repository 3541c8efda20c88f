"""Protocols and the state machine of a guided session. Pure, except for loading protocol files."""
