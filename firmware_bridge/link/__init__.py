"""The only client of bleak: from a sensor's advertisement to a stream of timed samples."""
