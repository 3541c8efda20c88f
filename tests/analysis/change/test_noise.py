"""Widths under uncertain standard deviations, against scipy's own distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.change.noise import estimated, fixed, half_width_deg, uniform


def test_a_known_sd_is_the_normal_distribution():
    assert half_width_deg([(2.0, fixed(1.5))]) == pytest.approx(1.959964 * 1.5 * np.sqrt(2), rel=1e-6)
    assert half_width_deg([(1.0, fixed(3.0)), (1.0, fixed(4.0))]) == pytest.approx(1.959964 * 5, rel=1e-6)
    assert half_width_deg([(1.0, fixed(1.0))], 0.97) == pytest.approx(stats.norm.ppf(0.985), rel=1e-6)


@pytest.mark.parametrize("df", [4, 5, 8, 14, 40])
@pytest.mark.parametrize("level", [0.95, 0.97])
def test_an_estimated_sd_is_students_t(df, level):
    expected = stats.t.ppf((1 + level) / 2, df) * 1.3
    assert half_width_deg([(1.0, estimated(1.3, df))], level) == pytest.approx(expected, rel=1e-3)


def test_a_range_keeps_95_percent_on_the_average():
    half = half_width_deg([(2.0, uniform(0.5, 2.0)), (0.4, fixed(1.5))])
    sd = np.linspace(0.5, 2.0, 100_001)
    outside = 2 * stats.norm.sf(half / np.sqrt(2 * sd**2 + 0.4 * 1.5**2))
    assert outside.mean() == pytest.approx(0.05, abs=1e-5)


def test_two_uncertain_sds_by_monte_carlo():
    rng = np.random.default_rng(0)
    variance = rng.uniform(0.5, 2.0, 400_000) ** 2 * 2 + 0.5 * 2.0**2 * 6 / rng.chisquare(6, 400_000)
    half = half_width_deg([(2.0, uniform(0.5, 2.0)), (0.5, estimated(2.0, 6))])
    assert np.mean(2 * stats.norm.sf(half / np.sqrt(variance))) == pytest.approx(0.05, abs=2e-4)


def test_no_scatter_at_all_is_no_error():
    assert half_width_deg([(1.0, estimated(0.0, 4)), (1.0, fixed(0.0))]) == pytest.approx(0.0, abs=1e-4)
