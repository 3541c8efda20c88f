"""One value a person, and what the values of many say: means, conditions, how truly people differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import isfinite, sqrt

import numpy as np
import pandas as pd

from analysis.change.result import Verdict
from analysis.cohort.result import ConditionMean, Difference, Estimate, PersonValue
from firmware_bridge.samples import Float

LEAST_PEOPLE = 3
# Values that are the same to this were not measured by themselves.
_SAME_DEG = 1e-6


def person_values(rows: pd.DataFrame, column: str = "change_deg") -> tuple[PersonValue, ...]:
    """One value a person and condition: the mean over the person's sessions, with its own interval.

    Errors of several sessions are taken as independent, so their half widths add up as squares.
    """
    stem = column.removesuffix("_deg")
    known = rows[rows[column].notna()]
    order = sorted(zip(known["client"], known["condition"], range(len(known)), strict=True))
    names = [f"{stem}_{name}_deg" for name in ("ci95_low", "ci95_high", "se")]
    # Of quantities that are not judged, such as slip, the table has no interval.
    figures = known.reindex(columns=[column, *names]).to_numpy(dtype=float)
    found = []
    for (client, condition), members in groupby(order, key=lambda row: row[:2]):
        value, low, high, error = figures[[row[2] for row in members]].T
        mean, count = float(value.mean()), len(value)
        down, up = (sqrt(float((part**2).sum())) / count for part in (value - low, high - value))
        # Where one session has no interval, the sum has none.
        interval = (mean - down, mean + up) if isfinite(down + up) else None
        se = sqrt(float((error**2).sum())) / count
        found.append(
            PersonValue(str(client), str(condition), mean, interval, count, se if isfinite(se) else None)
        )
    return tuple(found)


def mean_of(values: Iterable[PersonValue], level: float = 0.95) -> Estimate | None:
    """The mean over people, each person counted once whatever conditions there are; None without a value."""
    values = tuple(values)
    means = _means_of_people(values)
    if not means:
        return None
    return estimate(np.array(list(means.values())), sum(v.sessions for v in values), level)


def _means_of_people(values: Iterable[PersonValue]) -> dict[str, float]:
    ordered = sorted(values, key=lambda v: v.client)
    groups = ((client, list(group)) for client, group in groupby(ordered, key=lambda v: v.client))
    return {client: sum(v.value_deg for v in group) / len(group) for client, group in groups}


def estimate(values_deg: Float, sessions: int, level: float = 0.95) -> Estimate:
    """A mean with its interval by Student's t."""
    from scipy.special import stdtrit

    mean, n = float(values_deg.mean()), len(values_deg)
    if n < 2:
        return Estimate(mean, None, None, n, sessions)
    sd = float(values_deg.std(ddof=1))
    interval = None
    if sd > _SAME_DEG:
        half = float(stdtrit(n - 1, (1 + level) / 2)) * sd / sqrt(n)
        interval = mean - half, mean + half
    return Estimate(mean, interval, sd, n, sessions)


def verdict_of(found: Estimate | None) -> Verdict:
    """Whether an interval excludes zero; below three people there is no verdict."""
    if found is None or found.ci95_deg is None or found.people < LEAST_PEOPLE:
        return "not enough data"
    if found.ci95_deg[0] > 0:
        return "gained"
    return "lost" if found.ci95_deg[1] < 0 else "no detectable change"


def overturned_by(values: Sequence[PersonValue]) -> str:
    """The first person without whom the verdict would be another; "" where there is none."""
    whole = verdict_of(mean_of(values))
    means = _means_of_people(values)
    if whole == "not enough data" or len(means) <= LEAST_PEOPLE:
        return ""
    people, value_deg = list(means), np.array(list(means.values()))
    for i, client in enumerate(people):
        if verdict_of(estimate(np.delete(value_deg, i), 0)) != whole:
            return client
    return ""


def condition_means(values: Sequence[PersonValue]) -> tuple[ConditionMean, ...]:
    """The mean of each condition."""
    found = []
    for condition in sorted({v.condition for v in values}):
        mean = mean_of([v for v in values if v.condition == condition])
        if mean is not None:
            found.append(ConditionMean(condition, mean))
    return tuple(found)


def differences(values: Sequence[PersonValue], reference: str) -> tuple[Difference, ...]:
    """Every condition less the reference one: paired where people were measured under both, else by groups.

    All intervals together hold 95 %: each is widened for their number (Bonferroni).
    """
    others = [c for c in sorted({v.condition for v in values}) if c != reference]
    level = 1 - 0.05 / max(1, len(others))
    found = []
    for condition in others:
        one, two = ({v.client: v for v in values if v.condition == name} for name in (condition, reference))
        both = sorted(one.keys() & two.keys())
        paired = len(both) >= LEAST_PEOPLE and 2 * len(both) >= max(len(one), len(two))
        if paired:
            apart = np.array([one[c].value_deg - two[c].value_deg for c in both])
            result = estimate(apart, sum(one[c].sessions + two[c].sessions for c in both), level)
        else:
            alone = [[v for c, v in part.items() if c not in both] for part in (one, two)]
            result = _between(alone[0], alone[1], level)
        found.append(Difference(condition, reference, paired, result, verdict_of(result)))
    return tuple(found)


def _between(one: Sequence[PersonValue], two: Sequence[PersonValue], level: float) -> Estimate:
    from scipy.stats import ttest_ind

    first, second = (np.array([v.value_deg for v in part]) for part in (one, two))
    people, sessions = len(one) + len(two), sum(v.sessions for v in (*one, *two))
    if not len(first) or not len(second):
        return Estimate(float("nan"), None, None, people, sessions)
    apart = float(first.mean() - second.mean())
    if min(len(first), len(second)) < LEAST_PEOPLE or first.std() + second.std() < _SAME_DEG:
        return Estimate(apart, None, None, people, sessions)
    found = ttest_ind(first, second, equal_var=False).confidence_interval(level)
    return Estimate(apart, (float(found.low), float(found.high)), None, people, sessions)


def true_spread_deg(values: Sequence[PersonValue]) -> float | None:
    """SD of the people's true changes: what differs between them beyond the noise of each (random effects).

    None below five people with a standard error each.
    """
    known = [(v.value_deg, v.se_deg) for v in values if v.se_deg is not None and v.se_deg > _SAME_DEG]
    if len(known) < 5:
        return None
    from statsmodels.stats.meta_analysis import combine_effects

    effects, errors = np.array(known).T
    found = combine_effects(effects, errors**2, method_re="iterated", use_t=True)
    return sqrt(max(0.0, float(found.tau2)))
