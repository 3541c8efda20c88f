"""The mixed models: what they estimate, and that their errors are those of people, not of sessions."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.cohort.model import change_model, level_model
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.tidy import Tidy, tidy


def _tidy(plan: CohortPlan, seed: int = 0, by: str = "") -> Tidy:
    return tidy(simulate_table(plan, seed), by)[0][0]


@pytest.fixture(scope="module")
def balanced() -> Tidy:
    return _tidy(CohortPlan(people=8, days=6, kept_deg=0.8, gain_deg=(5.0,)))


def test_with_equal_days_the_slope_is_the_mean_of_the_peoples_slopes(balanced: Tidy) -> None:
    model = level_model(balanced.sessions)
    assert model is not None
    assert [t.name for t in model.terms] == ["on day 1", "each day later"]
    rows = balanced.sessions
    slopes = np.array(
        [np.polyfit(p["day"], -p["before_extension_deg"], 1)[0] for _, p in rows.groupby("client")]
    )
    found = model.terms[1]
    assert found.value_deg == pytest.approx(slopes.mean(), abs=1e-6)
    assert (model.people, model.sessions) == (8, 48)
    # Not narrower than a t interval over one slope a person.
    half = 2.365 * slopes.std(ddof=1) / np.sqrt(8)
    assert found.ci95_deg[1] - found.value_deg >= half * 0.98


def test_a_true_course_over_the_days_is_recovered() -> None:
    plan = CohortPlan(people=20, baseline_days=0, days=8, kept_deg=0.5, gain_deg=(4.0,), rest_gain_deg=0.0)
    part = _tidy(plan, seed=5)
    level, change = level_model(part.sessions), change_model(part.counted, "change_deg")
    assert level is not None
    assert change is not None
    low, high = level.terms[1].ci95_deg
    assert low < 0.5 < high
    assert high - low < 0.7
    start, slope = change.terms
    assert start.ci95_deg[0] < 4.0 < start.ci95_deg[1]
    assert slope.ci95_deg[0] < 0 < slope.ci95_deg[1]
    assert change.outcome == "change of a session"


def test_conditions_of_people_and_conditions_within_people() -> None:
    groups = _tidy(CohortPlan(8, ("a", "b"), gain_deg=(2.0, 6.0), days=3), seed=1, by="condition")
    model = change_model(groups.counted, "change_deg", "a")
    assert model is not None
    assert [t.name for t in model.terms] == [
        "on day 1", "each day later", "b less a, on day 1", "b less a, each day later",
    ]  # fmt: skip
    crossed = _tidy(CohortPlan(10, ("a", "b"), True, gain_deg=(2.0, 6.0), days=4), seed=1, by="condition")
    model = change_model(crossed.counted, "change_deg", "a")
    assert model is not None
    assert model.terms[-1].name == "b less a"
    assert model.terms[-1].ci95_deg[0] < 4.0 < model.terms[-1].ci95_deg[1]
    assert model.terms[-1].ci95_deg[0] > 0


def test_people_of_few_days_are_no_model(balanced: Tidy) -> None:
    rows = balanced.counted
    assert change_model(rows[rows["day"] == 1], "change_deg") is None
    few = rows[rows["client"].isin(["P01", "P02", "P03"])]
    assert change_model(few, "change_deg") is None
    assert level_model(rows.assign(before_extension_deg=np.nan)) is None
    assert change_model(rows.assign(day=np.nan), "change_deg") is None


def test_a_condition_of_one_day_alone_cannot_be_parted_from_the_day() -> None:
    part = _tidy(CohortPlan(8, days=2), seed=1)
    rows = part.counted.assign(condition=part.counted["day"].map({1.0: "a", 2.0: "b"}))
    assert change_model(rows, "change_deg", "a") is None


def test_the_order_of_the_rows_changes_nothing(balanced: Tidy) -> None:
    rows = balanced.counted
    first, mixed = (
        change_model(rows, "change_deg"),
        change_model(rows.sample(frac=1, random_state=1), "change_deg"),
    )
    assert first is not None
    assert mixed is not None
    for one, other in zip(first.terms, mixed.terms, strict=True):
        assert other.value_deg == pytest.approx(one.value_deg, abs=1e-5)
        assert other.ci95_deg == pytest.approx(one.ci95_deg, abs=1e-3)
