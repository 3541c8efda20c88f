"""Variances with degrees of freedom: pooled, summed and made a width, against scipy and by simulation."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy import stats

from analysis.change.noise import Variance, half_width_deg, known, pooled, resemblance, summed


def test_a_known_sd_is_the_normal_distribution():
    assert half_width_deg(known(1.5)) == pytest.approx(1.959964 * 1.5, rel=1e-6)
    assert half_width_deg(summed(known(3.0), known(4.0))) == pytest.approx(1.959964 * 5, rel=1e-6)
    assert half_width_deg(known(1.0), 0.97) == pytest.approx(stats.norm.ppf(0.985), rel=1e-6)


@pytest.mark.parametrize("df", [4, 8, 40])
def test_an_estimated_sd_is_students_t(df):
    assert half_width_deg(Variance(1.69, df)) == pytest.approx(stats.t.ppf(0.975, df) * 1.3, rel=1e-6)


def test_the_sum_of_one_estimated_variance_keeps_its_degrees_of_freedom():
    total = summed(Variance(2.0, 5), factor=3.0)
    assert (total.deg2, total.df) == (pytest.approx(6.0), pytest.approx(5.0))


def test_a_known_part_adds_degrees_of_freedom():
    total = summed(Variance(2.0, 5), known(1.0))
    assert total.df == pytest.approx(3.0**2 / (2.0**2 / 5))
    assert summed(known(1.0), known(2.0)).df == inf


def test_the_persons_own_days_take_over_from_the_assumed_figure():
    assumed = Variance(4.0, 7)
    assert pooled(assumed, 2.0, None) is assumed
    one = pooled(assumed, 2.0, Variance(1.0, 1))
    assert (one.deg2, one.df) == (pytest.approx(3.0), 8)
    many = pooled(assumed, 2.0, Variance(1.0, 1000))
    assert many.deg2 == pytest.approx(1.0, abs=0.01)


def test_arrays_are_taken_as_numbers_are():
    variances = Variance(np.array([1.0, 4.0]), 6)
    total = summed(variances, known(1.0), factor=2.0)
    single = [summed(Variance(v, 6), known(1.0), factor=2.0) for v in (1.0, 4.0)]
    assert np.allclose(half_width_deg(total), [half_width_deg(s) for s in single])


@pytest.mark.parametrize("n", [3, 5, 8])
def test_the_factor_for_repetitions_that_resemble_each_other_by_simulation(n):
    rng = np.random.default_rng(n)
    noise = rng.standard_normal((200_000, n))
    for i in range(1, n):
        noise[:, i] = 0.3 * noise[:, i - 1] + np.sqrt(1 - 0.09) * noise[:, i]
    found = noise.mean(axis=1).var() / (noise.var(axis=1, ddof=1).mean() / n)
    assert resemblance(n, 0.3) == pytest.approx(found, rel=0.02)
    assert resemblance(n, 0.0) == 1.0


def test_no_scatter_at_all_is_no_error():
    assert half_width_deg(summed(Variance(0.0, 4), known(0.0))) == 0.0
