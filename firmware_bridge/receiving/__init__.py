"""From the notifications of connected sensors to timed samples, in a thread of its own. Knows no Bluetooth.

In come `messages` from whoever talks to the sensors; out go chunks of `ImuSamples`, link events and a
`LinkStatus` per sensor. `dispatcher` owns the thread, `sensor_stream` one sensor, `decoding` its driver's
decoder; times and loss come from `firmware_bridge.timing`.
"""
