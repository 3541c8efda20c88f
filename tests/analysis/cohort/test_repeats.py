"""SEM, ICC and limits of agreement recover a known truth, and say so when there is nothing to see."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from analysis.cohort.repeats import (
    agreement,
    between_strappings,
    column_agreement,
    goniometer_agreement,
    icc_of,
    one_knee,
    strappings_agreement,
    within_strapping,
)
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.tidy import tidy


def _sessions(plan: CohortPlan, seed: int = 0) -> pd.DataFrame:
    return tidy(simulate_table(plan, seed))[0][0].sessions


def test_sem_and_icc_within_a_strapping_are_recovered() -> None:
    rows = _sessions(
        CohortPlan(people=200, block_sd_deg=1.3, rest_gain_deg=0.0, strapping_sd_deg=0, day_sd_deg=0)
    )
    found = within_strapping(rows)
    assert found is not None
    assert found.sem_deg == pytest.approx(1.3, abs=0.15)
    assert found.sem_ci95_deg[0] < found.sem_deg < found.sem_ci95_deg[1]
    assert found.mdc95_deg == pytest.approx(2.772 * found.sem_deg, rel=1e-3)
    assert found.icc == pytest.approx(25 / (25 + 1.3**2), abs=0.03)
    assert (found.people, found.readings) == (200, 400)
    assert found.shift is not None
    assert found.shift.value_deg == pytest.approx(0, abs=0.4)


def test_a_shift_between_the_readings_is_shown_and_counts_as_noise() -> None:
    still = within_strapping(_sessions(CohortPlan(people=50, rest_gain_deg=0.0), seed=1))
    moved = within_strapping(_sessions(CohortPlan(people=50, rest_gain_deg=3.0), seed=1))
    assert still is not None
    assert moved is not None
    assert moved.shift is not None
    assert moved.shift.value_deg == pytest.approx(3, abs=0.6)
    assert moved.sem_deg > still.sem_deg + 0.8


def test_relative_sessions_count_for_the_sem_and_not_for_the_icc() -> None:
    rows = _sessions(CohortPlan(people=20), seed=1)
    levels = [name for name in rows if str(name).endswith("extension_deg")]
    relative = within_strapping(rows.assign(**dict.fromkeys(levels, np.nan)))
    absolute = within_strapping(rows)
    assert relative is not None
    assert absolute is not None
    assert relative.sem_deg == absolute.sem_deg
    assert (relative.icc, relative.icc_ci95) == (None, None)


def test_between_strappings_only_readings_before_practice_count() -> None:
    plan = CohortPlan(people=60, baseline_days=4, days=6, kept_deg=2.0, day_correlation=0.0)
    found = between_strappings(_sessions(plan))
    assert found is not None
    assert (found.people, found.readings) == (60, 300)
    truth = sqrt(1.3**2 + 2.0**2 + 1.5**2)
    assert found.sem_deg == pytest.approx(truth, rel=0.1)
    assert found.icc == pytest.approx(25 / (25 + truth**2), abs=0.1)
    pairs = strappings_agreement(_sessions(plan))
    assert pairs is not None
    assert len(pairs.clients) == 120
    assert pairs.limits_deg[1] == pytest.approx(1.96 * sqrt(2) * truth, rel=0.12)


def test_without_repeated_baselines_nothing_is_said() -> None:
    rows = _sessions(CohortPlan(people=10, rest_gain_deg=None))
    assert within_strapping(rows) is None
    assert between_strappings(rows) is None
    assert strappings_agreement(rows) is None
    assert within_strapping(_sessions(CohortPlan(people=2))) is None


def test_intervals_of_sem_and_icc_hold_their_promise() -> None:
    random = np.random.default_rng(0)
    missed = []
    for _ in range(400):
        level = random.normal(0, 3, (8, 1))
        groups = list(level + random.normal(0, 1.5, (8, 3)))
        icc, interval = icc_of(groups)
        assert icc is not None
        assert interval is not None
        missed.append(not interval[0] <= 9 / (9 + 1.5**2) <= interval[1])
    assert np.mean(missed) == pytest.approx(0.05, abs=0.03)


def test_icc_agrees_with_the_textbook() -> None:
    """Shrout and Fleiss 1979, table 2: six targets, four judges, ICC(1,1) = 0.17 [-0.13, 0.72]."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    icc, interval = icc_of([np.array(r, dtype=float) for r in ratings])
    assert icc == pytest.approx(0.166, abs=0.001)
    assert interval == pytest.approx((-0.133, 0.723), abs=0.001)


def test_limits_of_agreement_with_one_pair_a_person_are_the_plain_ones() -> None:
    random = np.random.default_rng(1)
    one = random.normal(10, 4, 30)
    other = one + random.normal(1, 2, 30)
    found = agreement("x", [(f"P{i}", a, b) for i, (a, b) in enumerate(zip(one, other, strict=True))])
    assert found is not None
    apart = other - one
    assert found.bias.value_deg == pytest.approx(apart.mean())
    assert found.limits_deg == pytest.approx(
        (apart.mean() - 1.96 * apart.std(ddof=1), apart.mean() + 1.96 * apart.std(ddof=1)), abs=1e-4
    )
    for limit, interval in zip(found.limits_deg, found.limits_ci95_deg, strict=True):
        assert interval[0] < limit < interval[1]


def test_limits_with_several_pairs_a_person_hold_both_kinds_of_scatter() -> None:
    random = np.random.default_rng(2)
    pairs = []
    for person in range(300):
        own = random.normal(0.5, 1.0)
        pairs += [(f"P{person}", 10.0, 10 + own + random.normal(0, 2.0)) for _ in range(1 + person % 4)]
    found = agreement("x", pairs)
    assert found is not None
    assert found.bias.people == 300
    assert found.limits_deg[1] - found.bias.value_deg == pytest.approx(1.96 * sqrt(5), rel=0.06)


def test_the_goniometer_is_compared_where_it_was_used_again() -> None:
    rows = _sessions(CohortPlan(people=40, goniometer_sd_deg=1.6, slip_sd_deg=0.0))
    found = goniometer_agreement(rows)
    assert found is not None
    assert found.bias.value_deg == pytest.approx(0, abs=0.7)
    assert found.limits_deg[1] == pytest.approx(1.96 * 1.6, rel=0.3)
    assert goniometer_agreement(rows.assign(closing_method="jig")) is None
    twice = pd.concat([rows, rows.assign(test="standing")], ignore_index=True)
    again = goniometer_agreement(twice)
    assert again is not None
    assert len(again.clients) == 40


def test_a_column_of_the_users_own_is_compared_with_the_extension() -> None:
    rows = _sessions(CohortPlan(people=10))
    other = [f"{value - 2:.2f}".replace(".", ",") for value in rows["before_extension_deg"]]
    other[0] = "not measured"
    found = column_agreement(rows.assign(by_hand=other), "by_hand")
    assert found is not None
    assert found.bias.value_deg == pytest.approx(2, abs=0.01)
    assert len(found.clients) == 9


def test_of_two_knees_the_one_with_more_readings_counts() -> None:
    rows = pd.DataFrame(
        {"client": ["a"] * 3 + ["b"] * 2, "side": ["left", "right", "right", "right", "left"]}
    )
    assert list(one_knee(rows).index) == [1, 2, 4]
