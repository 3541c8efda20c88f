"""The only client of bleak: from a sensor's advertisement to a stream of timed samples.

`search.scan` lists what is in range and `bridge.Bridge` streams; `pairing` remembers which sensor is where;
`clock` fits the clocks of a recording again, for which `ping` and `tap` tell the radio's own delay. One
thread belongs to bleak (`search`, `connection`, `keeper`), one to the samples (`pump`, `stream`).
"""
