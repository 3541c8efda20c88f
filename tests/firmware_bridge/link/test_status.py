from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.link.status import GapCounter
from firmware_bridge.timing.arrivals import LiveCount


def test_quantiles_of_the_arrival_gaps_are_right_to_a_bin():
    rng = np.random.default_rng(5)
    gaps_s = rng.lognormal(np.log(0.015), 0.7, 5000)
    counter = GapCounter()
    for gap_s in gaps_s:
        counter.add(gap_s)
    gaps = counter.gaps()
    assert gaps.counts.sum() == 5000
    for q in (0.1, 0.5, 0.99):
        assert gaps.quantile_s(q) == pytest.approx(np.quantile(gaps_s, q), rel=0.2)
    assert gaps.quantile_s(1.0) == gaps.longest_s == gaps_s.max()


def test_extreme_gaps_have_a_place():
    counter = GapCounter()
    assert counter.gaps().quantile_s(0.5) is None
    for gap_s in (0.0, 1e-9, 1e6):
        counter.add(gap_s)
    assert counter.gaps().counts.sum() == 3
    assert counter.gaps().longest_s == 1e6


def test_a_lasting_delay_is_loss_and_a_passing_one_is_not():
    count = LiveCount(0.01)
    skipped = 0
    for n in range(1000):
        held = 0.5 if 300 <= n < 350 else 0.0  # a stall, then a burst
        lost = 0.5 if n >= 600 else 0.0  # fifty samples never come
        skipped += count.skip(n * 0.01 + lost, 0.004 + held + lost - skipped * 0.01)
    assert skipped == count.lost == 50
    count.restart(silence_s=1.0)
    assert count.lost == 149
