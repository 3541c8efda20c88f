"""One time for all sensors: counters, clocks and arrival times -> the time of every sample. Pure mathematics.

In comes what a sensor counted and when its packets arrived; out comes host time, and how many samples are
missing. `reorder` sorts packets as they arrive and `live_clock` times them; `clock_fit` and `shared_clock`
fit a whole recording again; `delay` and `common_movement` find the constant delay that one-way arrivals hide.
"""
