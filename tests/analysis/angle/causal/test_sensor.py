"""The causal form of one sensor: its low-pass filter and its bias."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.angle.causal.sensor import Lowpass, RestBias
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0


def test_rest_bias_reaches_the_bias_of_the_whole_rest() -> None:
    rng = np.random.default_rng(0)
    n, true = 3000, [0.4, -0.2, 0.1]
    gyr = np.radians(true)[:, None] + rng.normal(0, np.radians(0.1), (3, n))
    acc = np.array([[0.0], [0.0], [9.81]]) + rng.normal(0, 0.05, (3, n))
    rest = RestBias(RATE_HZ, np.radians([1.0, 1.0, 1.0]), np.radians(0.6) ** 2 * np.eye(3), DEFAULTS.bias)
    for g, a in zip(gyr.T.tolist(), acc.T.tolist(), strict=True):
        found = rest.step((g[0], g[1], g[2]), (a[0], a[1], a[2]))
    assert np.degrees(found) == pytest.approx(true, abs=0.02)
    sure = RestBias(RATE_HZ, np.radians([1.0, 1.0, 1.0]), np.zeros((3, 3)), DEFAULTS.bias)
    for g, a in zip(gyr.T[:600].tolist(), acc.T[:600].tolist(), strict=True):
        found = sure.step((g[0], g[1], g[2]), (a[0], a[1], a[2]))
    assert np.degrees(found) == pytest.approx([1.0, 1.0, 1.0], abs=0.15), "a certain bias is not replaced"


def test_lowpass_design_is_that_of_scipy() -> None:
    from scipy.signal import butter

    mine = Lowpass.design(0.1, 100.0)
    b, a = butter(2, 0.1, fs=100.0)
    assert [mine.b0, 2 * mine.b0, mine.b0] == pytest.approx(b, rel=1e-6)
    assert [1, mine.a1, mine.a2] == pytest.approx(a)
