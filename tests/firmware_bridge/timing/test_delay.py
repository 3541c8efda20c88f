from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.timing.delay import RoundTrips


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
