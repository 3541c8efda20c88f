"""The bias of a gyro, against a known one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.angle.grid import Motion
from analysis.angle.orientation import bias
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0


def test_at_rest_finds_the_bias_but_not_in_slow_turning() -> None:
    rng = np.random.default_rng(0)
    n = 3000
    gyr = np.radians([[0.4], [-0.2], [0.1]]) + rng.normal(0, np.radians(0.1), (3, n))
    acc = np.array([[0.0], [0.0], [9.81]]) + rng.normal(0, 0.05, (3, n))
    still = bias.at_rest(Motion(acc, gyr), np.ones(n, dtype=bool), RATE_HZ, DEFAULTS.bias)
    _, found, _ = bias.solve(still, 30.0, DEFAULTS.bias)
    assert np.degrees(found[:, 0]) == pytest.approx([0.4, -0.2, 0.1], abs=0.02)
    tilt = np.radians(1.0) * np.arange(n) / RATE_HZ
    turning = Motion(
        9.81 * np.stack((np.sin(tilt), 0 * tilt, np.cos(tilt))), gyr + np.radians([[0], [1], [0]])
    )
    assert len(bias.at_rest(turning, np.ones(n, dtype=bool), RATE_HZ, DEFAULTS.bias).value) == 0


def test_at_rest_gives_a_trembling_limb_a_larger_sigma() -> None:
    rng = np.random.default_rng(0)
    n = 600
    shake = np.radians(1.2) * np.sin(2 * np.pi * 5.0 * np.arange(n) / RATE_HZ)
    gyr = np.radians([[0.4], [-0.2], [0.1]]) + shake + rng.normal(0, np.radians(0.1), (3, n))
    acc = np.array([[0.0], [0.0], [9.81]]) + rng.normal(0, 0.05, (3, n))
    known = np.ones(n, dtype=bool)
    held = bias.at_rest(Motion(acc, gyr), known, RATE_HZ, DEFAULTS.bias)
    resting = bias.at_rest(Motion(acc, gyr - shake), known, RATE_HZ, DEFAULTS.bias)
    assert held.sd.min() > 5 * resting.sd.max()
    found, covariance = bias.solve(held, 6.0, DEFAULTS.bias)[1:]
    assert np.degrees(found[:, -1]) == pytest.approx([0.4, -0.2, 0.1], abs=0.1)
    assert (np.degrees(np.sqrt(covariance[-1].diagonal())) > 0.1).all()
