"""Stamps, counters and rates of a file -> the time of every sample."""
