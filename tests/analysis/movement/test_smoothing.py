"""Smoothing and rates between gaps."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.movement.smoothing import SLOW_SIGMA_S, rate, smooth, true_runs


def test_a_straight_line_stays_a_straight_line_up_to_its_ends():
    line = 3.0 * np.arange(300) / 100 + 7
    assert smooth(line, 100.0, SLOW_SIGMA_S) == pytest.approx(line)
    assert rate(smooth(line, 100.0, SLOW_SIGMA_S), 100.0) == pytest.approx(np.full(300, 3.0))


def test_gaps_stay_gaps_and_do_not_leak():
    values = np.concatenate([np.zeros(100), np.full(20, np.nan), np.full(100, 50.0)])
    smoothed = smooth(values, 100.0, SLOW_SIGMA_S)
    assert np.array_equal(np.isnan(smoothed), np.isnan(values))
    assert np.nanmax(np.abs(smoothed[:100])) == 0
    assert smoothed[120:] == pytest.approx(np.full(100, 50.0))
    assert np.array_equal(np.isnan(rate(smoothed, 100.0)), np.isnan(values))


@pytest.mark.parametrize("frequency_hz", [0.3, 1.0, 4.0])
def test_the_gain_is_that_of_a_gaussian(frequency_hz):
    wave = np.sin(2 * np.pi * frequency_hz * np.arange(4000) / 200)
    inside = smooth(wave, 200.0, SLOW_SIGMA_S)[1000:3000]
    expected = np.exp(-2 * (np.pi * frequency_hz * SLOW_SIGMA_S) ** 2)
    assert np.abs(inside).max() == pytest.approx(expected, abs=2e-3)


def test_lone_samples_survive_without_a_rate():
    values = np.array([1.0, np.nan, 2.0, 3.0])
    assert smooth(values, 50.0, 0.1)[0] == 1.0
    assert np.isnan(rate(values, 50.0)[0])


def test_runs_of_a_mask():
    assert true_runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert true_runs(np.zeros(3, dtype=bool)) == []
