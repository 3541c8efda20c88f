"""The only client of bleak: from a sensor's advertisement to a stream of timed samples.

`search.scan` lists what is in range and `bridge.Bridge` streams; `identify` finds out which sensor is where
and `pairing` remembers it. All of bleak runs in one thread (`search`, `connection`, `supervisor`); it hands
messages to the thread of `firmware_bridge.receiving`.
"""
