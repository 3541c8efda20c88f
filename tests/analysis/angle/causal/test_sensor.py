"""The causal form of one sensor: its low-pass filter and its bias."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.angle.causal.rest_bias import RestBias, kalman
from analysis.angle.causal.sensor import Lowpass
from analysis.angle.grid import Motion
from analysis.angle.orientation.bias import at_rest, stride
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


@given(
    seed=st.integers(0, 10_000),
    rate_hz=st.sampled_from([25.0, 100.0, 120.0]),
    ripple_deg_s=st.sampled_from([0.05, 0.3, 0.8, 2.0, 4.0]),
    force_m_s2=st.sampled_from([0.02, 0.25, 0.4, 2.0]),
    turn_deg_s=st.sampled_from([0.0, 0.2, 0.5, 3.5]),
    bias_deg_s=st.sampled_from([0.0, 1.0, 2.9]),
)
def test_rest_bias_sees_the_windows_of_rest_that_the_recording_has(
    seed: int, rate_hz: float, ripple_deg_s: float, force_m_s2: float, turn_deg_s: float, bias_deg_s: float
) -> None:
    """One window in plain floats and in arrays: rest or none, the same mean rate, the same sigma."""
    rng = np.random.default_rng(seed)
    n = 4 * stride(rate_hz, DEFAULTS.bias)
    gyr = rng.normal(np.radians(bias_deg_s), np.radians(ripple_deg_s), (3, n))
    gyr[0] += np.radians(turn_deg_s)
    angle = np.radians(turn_deg_s) * np.arange(n) / rate_hz
    acc = 9.81 * np.stack((np.zeros(n), np.sin(angle), np.cos(angle))) + rng.normal(0, force_m_s2, (3, n))
    rest = at_rest(Motion(acc, gyr), np.ones(n, dtype=bool), rate_hz, DEFAULTS.bias)
    # From an unknown bias the update goes to the mean of the window, with the window's sigma.
    live = RestBias(rate_hz, np.zeros(3), np.eye(3), DEFAULTS.bias)
    for k in [*range(n), 0, 0, 0, 0]:
        found = live.step(tuple(gyr[:, k].tolist()), tuple(acc[:, k].tolist()))
    assert live.rests == (len(rest.value) > 0)
    if live.rests:
        assert found == pytest.approx(rest.value, abs=1e-5)
        assert live.along((0.0, 0.0, 1.0))[1] == pytest.approx(rest.sd[2] ** 2, rel=1e-3)


@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([1e-4, 1e-2, 1.0]),
    surprise=st.sampled_from([0.0, 1.0, 2.9, 3.1, 8.0]),
)
def test_the_update_in_plain_floats_is_that_of_the_textbook(seed: int, size: float, surprise: float) -> None:
    """Predict, gain P / (P + R), (1 - K) P; nothing where an axis contradicts by so many sigma."""
    p, sd, rng = DEFAULTS.bias, 1e-3, np.random.default_rng(seed)
    root = rng.normal(0, size, (3, 3)) * 0.01
    prior = root @ root.T
    predicted = prior + np.eye(3) * p.walk_sd_rad_s**2 * 0.5 / p.node_s
    innovation_cov = predicted + np.eye(3) * sd**2
    bias, mean = rng.normal(0, 0.01, 3), rng.normal(0, 0.01, 3)
    mean[1] = bias[1] + surprise * np.sqrt(innovation_cov[1, 1])
    mean[[0, 2]] = bias[[0, 2]] + 0.5 * np.sqrt(innovation_cov.diagonal()[[0, 2]])
    gain = predicted @ np.linalg.inv(innovation_cov)
    wanted, covariance = bias + gain @ (mean - bias), predicted - gain @ predicted
    if surprise > p.contradiction:
        wanted, covariance = bias, predicted
    found, upper = kalman(tuple(bias), tuple(prior[np.triu_indices(3)]), 0.5, (tuple(mean), sd), p)
    assert found == pytest.approx(wanted, abs=1e-12)
    assert upper == pytest.approx(covariance[np.triu_indices(3)], abs=1e-9 * covariance.trace())
    assert kalman(tuple(bias), tuple(prior[np.triu_indices(3)]), 0.5, None, p)[1] == pytest.approx(
        predicted[np.triu_indices(3)]
    )


def test_lowpass_design_is_that_of_scipy() -> None:
    from scipy.signal import butter

    mine = Lowpass.design(0.1, 100.0)
    b, a = butter(2, 0.1, fs=100.0)
    assert [mine.b0, 2 * mine.b0, mine.b0] == pytest.approx(b, rel=1e-6)
    assert [1, mine.a1, mine.a2] == pytest.approx(a)
