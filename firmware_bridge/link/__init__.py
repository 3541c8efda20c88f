"""The only client of bleak: from a sensor's advertisement to a stream of timed samples.

`search.scan` lists what is in range and `bridge.Bridge` streams; `identify` finds out which sensor is where
and `pairing` remembers it. `clock` fits the clocks of a recording again, `shared_clock` those of sensors that
`synchronise` brought to one, and `ping` and `tap` tell the radio's own delay. One thread belongs to bleak
(`search`, `connection`, `keeper`), one to the samples (`pump`, `stream`).
"""
