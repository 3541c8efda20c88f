from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.samples import Segment
from firmware_bridge.session.model import LinkEvent, Marker
from firmware_bridge.timing.delay import Delay, RoundTrips, recorded_delay

EVENTS = (
    Marker(0.0, "begin"),
    LinkEvent(0.5, Segment.THIGH, "clock", {"delay_s": 0.004, "uncertainty_s": 0.002}),
    LinkEvent(0.5, Segment.SHANK, "clock", {"delay_s": 0.008, "uncertainty_s": 0.005}),
    LinkEvent(5.0, Segment.THIGH, "clock", {"delay_s": 0.003, "uncertainty_s": 0.001}),
    LinkEvent(9.0, Segment.THIGH, "clock", {"delay_s": 0.005, "uncertainty_s": 0.003}),
    LinkEvent(9.5, Segment.THIGH, "clock", {"delay_s": "spoilt"}),
    LinkEvent(9.9, Segment.THIGH, "battery", {"percent": 50.0}),
)


def test_the_tightest_of_the_recorded_delays_counts():
    assert recorded_delay(EVENTS, Segment.THIGH) == Delay(0.003, 0.001)
    assert recorded_delay(EVENTS, Segment.SHANK).delay_s == 0.008
    assert recorded_delay(EVENTS[:1], Segment.THIGH) is None
    assert recorded_delay((), Segment.THIGH) is None
    assert recorded_delay(EVENTS, Segment.THIGH, fitted=False) is None


def test_nothing_is_told_without_round_trips():
    assert RoundTrips().delay(lambda position: position * 1e-6) is None


@pytest.mark.parametrize("down_s", [0.001, 0.02])
def test_the_true_delay_lies_within_the_bounds(down_s):
    # The line of minimum delay is late by down_s; writes reach the sensor within a 15 ms interval.
    rng = np.random.default_rng(1)
    trips = RoundTrips()
    for sent_s in rng.uniform(0, 60, 100):
        trips.add(sent_s, round((sent_s + 0.001 + rng.uniform(0, 0.015)) * 1e6))
    delay = trips.delay(lambda position: position * 1e-6 + down_s)
    assert delay is not None
    assert abs(delay.delay_s - down_s) <= 1.74 * delay.uncertainty_s
    assert delay.delay_s == pytest.approx((down_s + 0.001) / 2, abs=0.0005)
    trips.clear()
    assert len(trips) == 0
