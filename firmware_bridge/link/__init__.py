"""The only client of bleak: from a sensor's advertisement to a stream of timed samples.

`search.scan` lists what is in range and `bridge.Bridge` streams; `identify` finds out which sensor is where
and `pairing` remembers it. One thread belongs to bleak (`search`, `connection`, `keeper`), one to the samples
(`pump`, `stream`); how counters and arrivals become times is in `firmware_bridge.timing`.
"""
