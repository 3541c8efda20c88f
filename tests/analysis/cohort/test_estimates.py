"""Means over people, conditions, and what single people do to them."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.cohort.estimates import (
    condition_means,
    differences,
    estimate,
    mean_of,
    overturned_by,
    person_values,
    true_spread_deg,
    verdict_of,
)
from analysis.cohort.result import PersonValue
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.tidy import tidy


def _people(values: list[float], condition: str = "", prefix: str = "P") -> list[PersonValue]:
    return [PersonValue(f"{prefix}{i}", condition, v, (v - 2, v + 2), 1) for i, v in enumerate(values)]


def test_a_person_counts_once_however_many_sessions() -> None:
    (part,), _ = tidy(simulate_table(CohortPlan(people=6, days=8, drop_out=0.15), seed=1))
    values = person_values(part.counted)
    assert [v.client for v in values] == sorted(set(part.counted["client"]))
    assert len({v.sessions for v in values}) > 1
    for value in values:
        own = part.counted.loc[part.counted["client"] == value.client, "change_deg"]
        assert value.value_deg == pytest.approx(own.mean())
    found = mean_of(values)
    assert found is not None
    assert found.value_deg == pytest.approx(np.mean([v.value_deg for v in values]))
    assert (found.people, found.sessions) == (6, len(part.counted))


def test_the_interval_of_several_sessions_is_narrower_by_their_root() -> None:
    (part,), _ = tidy(simulate_table(CohortPlan(people=3, days=4), seed=1))
    rows = part.counted
    value = person_values(rows)[0]
    half = (rows["change_ci95_high_deg"] - rows["change_ci95_low_deg"]).iloc[0] / 2
    assert value.ci95_deg is not None
    assert value.ci95_deg[1] - value.value_deg == pytest.approx(half / 2)


def test_the_interval_holds_its_promise_with_five_people() -> None:
    random = np.random.default_rng(0)
    found = [estimate(random.normal(3, 2, 5), 5).ci95_deg for _ in range(1000)]
    missed = np.mean([not (i is not None and i[0] <= 3 <= i[1]) for i in found])
    assert missed == pytest.approx(0.05, abs=0.017)


def test_too_few_people_or_the_same_value_give_no_verdict() -> None:
    assert verdict_of(mean_of(_people([5.0, 6.0]))) == "not enough data"
    assert verdict_of(mean_of(_people([5.0, 5.0, 5.0, 5.0]))) == "not enough data"
    assert mean_of([]) is None
    assert verdict_of(mean_of(_people([5.0, 6.0, 5.5]))) == "gained"
    assert verdict_of(mean_of(_people([-5.0, -6.0, -5.5]))) == "lost"
    assert verdict_of(mean_of(_people([-5.0, 6.0, -0.5]))) == "no detectable change"


def test_a_verdict_that_hangs_on_one_person_names_the_person() -> None:
    values = _people([3.0, 3.2, 2.8, 3.1, -2.9])
    assert verdict_of(mean_of(values)) == "no detectable change"
    assert overturned_by(values) == "P4"
    assert overturned_by(_people([3.0, 3.2, 2.8, 3.1, 3.3])) == ""


def test_people_under_both_conditions_are_compared_with_themselves() -> None:
    random = np.random.default_rng(1)
    own = random.normal(5, 6, 12)
    values = _people(list(own), "a") + _people(list(own + 2 + random.normal(0, 0.5, 12)), "b")
    (found,) = differences(values, "a")
    assert found.paired
    assert found.verdict == "gained"
    assert found.estimate.value_deg == pytest.approx(2, abs=0.5)
    assert [c.condition for c in condition_means(values)] == ["a", "b"]
    (apart,) = differences([*_people(list(own), "a"), *_people(list(own + 2), "b", prefix="Q")], "a")
    assert not apart.paired
    assert apart.verdict == "no detectable change"
    assert apart.estimate.people == 24


def test_several_comparisons_hold_together() -> None:
    random = np.random.default_rng(2)
    values = [p for name in "abcd" for p in _people(list(random.normal(0, 1, 8)), name)]
    one = differences([v for v in values if v.condition in "ab"], "a")[0].estimate.ci95_deg
    three = differences(values, "a")
    assert len(three) == 3
    first = three[0].estimate.ci95_deg
    assert one is not None
    assert first is not None
    assert first[0] < one[0] < one[1] < first[1]


def test_a_group_of_two_gives_no_interval() -> None:
    values = [*_people([1.0, 2.0], "a"), *_people([1.0, 2.0, 3.0], "b", prefix="Q")]
    (found,) = differences(values, "a")
    assert (found.verdict, found.estimate.ci95_deg) == ("not enough data", None)
    (alone,) = differences([*_people([1.0, 2.0, 4.0], "a"), *_people([3.0], "b")], "a")
    assert alone.verdict == "not enough data"


def test_how_truly_people_differ_is_recovered() -> None:
    random = np.random.default_rng(3)
    noise, spread = 1.5, 2.5
    true = random.normal(4, spread, 300)
    read = true + random.normal(0, noise, 300)
    values = [PersonValue(f"P{i}", "", v, None, 1, noise) for i, v in enumerate(read)]
    assert true_spread_deg(values) == pytest.approx(spread, abs=0.4)
    same = 4 + random.normal(0, noise, 300)
    values = [PersonValue(f"P{i}", "", v, None, 1, noise) for i, v in enumerate(same)]
    assert true_spread_deg(values) == pytest.approx(0, abs=0.6)
    assert true_spread_deg(values[:4]) is None
