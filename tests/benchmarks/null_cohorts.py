"""How often many people seem to change when nothing did, and whether the figures of a table are recovered.

Simulated tables, not recordings: what is tried is what `kneeflex cohort` does with them. Run by hand:
`python -m tests.benchmarks.null_cohorts [COHORTS]`; in `test_null_cohorts.py` each gives an answer twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analysis.cohort.estimates import differences, mean_of, person_values, verdict_of
from analysis.cohort.model import change_model, level_model
from analysis.cohort.repeats import between_strappings, goniometer_agreement, within_strapping
from analysis.cohort.result import Interval
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.tidy import Tidy, tidy

NULL = CohortPlan(people=8, gain_deg=(0.0,), rest_gain_deg=0.0)


@dataclass(frozen=True)
class Stratum:
    """One kind of cohort, and the share of cohorts in which an interval misses the truth."""

    name: str
    plan: CohortPlan
    misses: Callable[[Tidy], bool | None]


def _excludes(interval: Interval | None, truth: float) -> bool | None:
    return None if interval is None else not interval[0] <= truth <= interval[1]


def mean_misses(part: Tidy) -> bool | None:
    found = mean_of(person_values(part.counted, "change_deg"))
    return None if found is None else verdict_of(found) in ("gained", "lost")


def difference_misses(part: Tidy) -> bool | None:
    found = differences(person_values(part.counted), "a")
    return any(d.verdict in ("gained", "lost") for d in found) if found else None


def change_slope_misses(part: Tidy) -> bool | None:
    model = change_model(part.counted, "change_deg", "a" if set(part.counted["condition"]) > {"a"} else "")
    return None if model is None else _excludes(model.terms[-1].ci95_deg, 0.0)


def level_slope_misses(part: Tidy) -> bool | None:
    model = level_model(part.sessions)
    return None if model is None else _excludes(model.terms[-1].ci95_deg, 0.0)


def sem_misses(part: Tidy) -> bool | None:
    found = within_strapping(part.sessions)
    return None if found is None else _excludes(found.sem_ci95_deg, 1.3)


def between_misses(part: Tidy) -> bool | None:
    found = between_strappings(part.sessions)
    truth = (1.3**2 + 2.0**2 + 1.5**2) ** 0.5
    return None if found is None else _excludes(found.sem_ci95_deg, truth)


def icc_misses(part: Tidy) -> bool | None:
    found = between_strappings(part.sessions)
    noise = 1.3**2 + 2.0**2 + 1.5**2
    return None if found is None or found.icc_ci95 is None else _excludes(found.icc_ci95, 25 / (25 + noise))


def limit_misses(part: Tidy) -> bool | None:
    found = goniometer_agreement(part.sessions)
    return None if found is None else _excludes(found.limits_ci95_deg[1], 1.959964 * (1.6**2 + 0.7**2) ** 0.5)


def strata() -> Iterator[Stratum]:
    for people in (5, 8, 20):
        yield Stratum(
            f"mean of {people} people", CohortPlan(people, gain_deg=(0.0,), rest_gain_deg=0.0), mean_misses
        )
    base = {"gain_deg": (0.0,), "rest_gain_deg": 0.0}
    yield Stratum(
        "mean of 8 people, 1 to 10 days each",
        CohortPlan(8, days=10, drop_out=0.2, **base),  # type: ignore[arg-type]
        mean_misses,
    )
    for people, crossover in ((10, False), (10, True)):
        how = "paired" if crossover else "groups"
        plan = CohortPlan(people, ("a", "b"), crossover, days=2 if crossover else 1, **base)  # type: ignore[arg-type]
        yield Stratum(f"two conditions, {how}, {people} people", plan, difference_misses)
    plan = CohortPlan(12, ("a", "b", "c"), True, days=3, **base)  # type: ignore[arg-type]
    yield Stratum("three conditions, paired, 12 people", plan, difference_misses)
    for people, days in ((5, 5), (8, 14), (20, 14)):
        plan = CohortPlan(people, days=days, drop_out=0.03, **base)  # type: ignore[arg-type]
        yield Stratum(f"model, change a day, {people} people, {days} days", plan, change_slope_misses)
        yield Stratum(f"model, level a day, {people} people, {days} days", plan, level_slope_misses)
    plan = CohortPlan(12, ("a", "b"), True, days=6, **base)  # type: ignore[arg-type]
    yield Stratum("model, condition, paired, 12 people, 6 days", plan, change_slope_misses)
    plan = CohortPlan(12, ("a", "b"), days=6, **base)  # type: ignore[arg-type]
    yield Stratum("model, day x condition, groups, 12 people, 6 days", plan, change_slope_misses)
    for days in (1, 5):
        plan = CohortPlan(10, days=days, **base)  # type: ignore[arg-type]
        yield Stratum(f"SEM within a strapping, 10 people, {days} days", plan, sem_misses)
        yield Stratum(f"limit of agreement, 10 people, {days} days", plan, limit_misses)
    plan = CohortPlan(10, baseline_days=4, days=1, day_correlation=0.0, **base)  # type: ignore[arg-type]
    yield Stratum("SEM between strappings, 10 people, 5 readings", plan, between_misses)
    yield Stratum("ICC between strappings, 10 people, 5 readings", plan, icc_misses)


def share(stratum: Stratum, cohorts: int, seed: int = 0) -> tuple[float, int]:
    """Share of cohorts in which the interval misses, and how many gave one."""
    by = "condition" if any(stratum.plan.conditions) else ""
    results = []
    for i in range(cohorts):
        parts, _ = tidy(simulate_table(stratum.plan, seed + i), by)
        results.append(stratum.misses(parts[0]))
    known = [r for r in results if r is not None]
    return (sum(known) / len(known) if known else float("nan")), len(known)


def main() -> None:
    """Prints a row a stratum."""
    cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(f"{'':52} misses %   of")
    for stratum in strata():
        found, known = share(stratum, cohorts)
        print(f"{stratum.name:52} {100 * found:8.1f} {known:4}", flush=True)


if __name__ == "__main__":
    main()
