"""The promise of the trend, on fixed seeds: small form of the benchmark beside it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from analysis.change import trend_of_days

SERIES = 4000
LIMIT = 5.0 + 3 * 100 * np.sqrt(0.05 * 0.95 / SERIES)


@pytest.fixture(scope="module")
def trend(benchmark_file: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_file("trend_series")


@pytest.mark.parametrize("baseline", [0, 5])
def test_the_arrays_of_the_benchmark_are_judged_as_days_are(trend, baseline):
    design = trend.Design(gain_deg=6.0, baseline=baseline, regroup=9)
    day = np.delete(np.arange(14.0), [3, 10])
    readings = trend.draw(design, day, 60, np.random.default_rng(0))
    judged = trend.judge(design, day, readings)
    words = {1: "gained", -1: "lost"}
    for i in range(60):
        found = trend_of_days(
            day,
            readings[:, i],
            zero_group=trend.groups(design, day),
            practice_from=design.practice_from,
        )
        called = words.get(int(judged["called"][-1][i]))
        assert (found.verdict if found.verdict in words.values() else None) == called
        assert found.total_change_deg == pytest.approx(judged["value"][i])
        assert found.detectable_change_deg == pytest.approx(judged["half"][i])
    assert 3 < np.count_nonzero(judged["called"][-1]) < 57


def test_at_most_five_percent_are_called_with_a_look_every_day(trend):
    for seed, (name, design) in enumerate(trend.NULLS[:-1]):
        row = trend.measure(design, SERIES, seed)
        assert row.ever <= LIMIT, name
        assert row.covered >= 95.0 - 1.5, name


def test_what_is_not_declared_is_not_promised(trend):
    assert trend.measure(trend.Design(regroup=6, declared=False), SERIES).ever > 15.0
    assert trend.measure(trend.Design(correlation=0.4), SERIES).ever > 7.0


def test_what_really_changed_is_found(trend):
    def last(gain_deg, sd_deg=2.0, **design):
        return trend.measure(trend.Design(sd_deg, gain_deg=gain_deg, **design), SERIES).last

    assert last(5.0) > 47.0
    assert last(8.0) > 88.0
    assert last(8.0, 3.0) > 53.0
    assert last(8.0, 3.0, baseline=5, course="saturating") > last(8.0, 3.0, course="saturating") + 20.0
