"""Movella DOT sensors synchronised by the vendor's app, from the status answer to the session on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from firmware_bridge.capture import Capture
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import LinkEvent
from firmware_bridge.session.reader import read_session
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

RATE_HZ = 30.0
# At best, one link is 30 ms later than the other: what one-way data cannot tell.
SLOW = {Segment.SHANK: Faults(latency_s=0.03)}


def world(clock, faults=None, shared_clock=False):
    wearing = Wearing()
    wearing = replace(
        wearing,
        thigh=replace(wearing.thigh, clock_ppm=35.0, first_tick=2**32 - 20_000_000),
        shank=replace(wearing.shank, clock_ppm=-20.0, first_tick=77_000_000),
    )
    session = simulate_session(swings(2), wearing, rate_hz=RATE_HZ)
    return VirtualRadio(session, clock=clock, driver="movella-dot", faults=faults, shared_clock=shared_clock)


def streamed(radio, folder, rate_hz=RATE_HZ):
    """Records the whole script, and keeps what was shown live."""
    chunks = {segment: [] for segment in Segment}
    sinks = [lambda segment, samples: chunks[segment].append(samples)]
    with Capture(radio.names, folder, radio=radio, rate_hz=rate_hz, sinks=sinks) as capture:
        while not radio.finished:
            capture.check()
            radio.clock.sleep(0.02)
    return read_session(folder), {s: ImuSamples.concatenate(parts) for s, parts in chunks.items()}


def between_s(radio, samples, after_s=0.0):
    """The constant offset that is left between the sensors, against the true times."""
    late_s = []
    for segment in Segment:
        true = getattr(radio.session.recording, segment)
        index = radio.script_index(segment, samples[segment].device_ticks)
        played = (index >= 0) & (samples[segment].time_s > after_s)
        assert played.sum() > 200
        late_s.append(np.median(samples[segment].time_s[played] - true.time_s[index[played]]))
    return late_s[1] - late_s[0]


def test_synchronised_sensors_have_no_offset_left(clock, tmp_path, syncs):
    radio = world(clock, SLOW, shared_clock=True)
    recording, live = streamed(radio, tmp_path / "s", rate_hz=60.0)
    assert all(sensor.clock.shared for sensor in recording.info.sensors.values())
    assert abs(between_s(radio, {s: getattr(recording, s) for s in Segment})) < 2e-6
    assert abs(between_s(radio, live, after_s=2.0)) < 2e-6
    assert not recording.warnings
    # Asked for 60 Hz, synchronised sensors keep the rate that they have, and that is told.
    assert {sensor.nominal_rate_hz for sensor in recording.info.sensors.values()} == {RATE_HZ}
    problems = [e for e in recording.events if isinstance(e, LinkEvent) and e.state == "problem"]
    assert [e.detail["text"] for e in problems] == ["The sensor runs at 30 Hz instead of 60 Hz."] * 2


def test_sensors_left_to_themselves_keep_the_offset(clock, tmp_path, syncs):
    radio = world(clock, SLOW)
    recording, _ = streamed(radio, tmp_path / "s")
    assert not any(sensor.clock.shared for sensor in recording.info.sensors.values())
    assert between_s(radio, {s: getattr(recording, s) for s in Segment}) > 0.02
