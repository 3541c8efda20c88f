"""How well readings repeat, and agree with another way of reading: SEM, MDC, ICC, Bland and Altman.

Repeatability is a one-way random effects analysis, so that a shift between the readings counts as noise; the
interval of the SEM by chi square, of ICC(1) by F (McGraw and Wong 1996, doi:10.1037/1082-989X.1.1.30).
Limits of agreement with several pairs a person have two components of variance, for a true value that varies
(Bland and Altman 2007, doi:10.1080/10543400701329422); their intervals are Zou's (2013,
doi:10.1177/0962280211402548).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pandas as pd

from analysis.change.checks import LEAST_REPETITIONS
from analysis.cohort.estimates import LEAST_PEOPLE, estimate, mean_of, person_values
from analysis.cohort.result import Agreement, Interval, Repeatability
from firmware_bridge.samples import Float

_Z = 1.959964
_MEASURED = ("goniometer", "straightedge")


def within_strapping(rows: pd.DataFrame) -> Repeatability | None:
    """From `before` and `before_again`, between which lies nothing but rest; one mean square a person."""
    enough = (rows["before_n"] >= LEAST_REPETITIONS) & (rows["before_again_n"] >= LEAST_REPETITIONS)
    pairs = rows[enough & rows["control_change_deg"].notna()]
    if pairs["client"].nunique() < LEAST_PEOPLE:
        return None
    squares = (pairs["control_change_deg"] ** 2 / 2).groupby(pairs["client"]).mean()
    levels = ["before_extension_deg", "before_again_extension_deg"]
    first = one_knee(pairs.dropna(subset=levels)).drop_duplicates("client")
    icc, icc_ci95 = icc_of(list(first[levels].to_numpy(dtype=float)))
    sem = sqrt(float(squares.mean()))
    return Repeatability(
        kind="within a strapping",
        sem_deg=sem,
        sem_ci95_deg=_sem_interval(sem, len(squares)),
        mdc95_deg=_Z * sqrt(2) * sem,
        icc=icc,
        icc_ci95=icc_ci95,
        shift=mean_of(person_values(pairs, "control_change_deg")),
        people=len(squares),
        readings=2 * len(pairs),
    )


def between_strappings(rows: pd.DataFrame) -> Repeatability | None:
    """From readings before practice in several strappings, none of them after a first practice."""
    readings = baselines(rows)
    groups = [part.to_numpy(dtype=float) for _, part in readings.groupby("client")["before_extension_deg"]]
    groups = [group for group in groups if len(group) > 1]
    df = sum(len(group) - 1 for group in groups)
    if len(groups) < LEAST_PEOPLE:
        return None
    sem = sqrt(sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / df)
    icc, icc_ci95 = icc_of(groups)
    return Repeatability(
        kind="between strappings",
        sem_deg=sem,
        sem_ci95_deg=_sem_interval(sem, df),
        mdc95_deg=_Z * sqrt(2) * sem,
        icc=icc,
        icc_ci95=icc_ci95,
        shift=None,
        people=len(groups),
        readings=df + len(groups),
    )


def baselines(rows: pd.DataFrame) -> pd.DataFrame:
    """Absolute readings before any practice of the person, of one knee, in order of time."""
    known = rows["before_extension_deg"].notna() & (rows["before_n"] >= LEAST_REPETITIONS)
    return one_knee(rows[rows["fresh"] & known]).sort_values(["client", "day", "started_at", "strapping"])


def one_knee(rows: pd.DataFrame) -> pd.DataFrame:
    """Of people with both knees, the rows of the knee with more of them."""
    if rows.empty:
        return rows
    counts = rows.groupby(["client", "side"]).size().reset_index(name="n")
    best = counts.sort_values(["client", "n", "side"], ascending=[True, False, True]).drop_duplicates(
        "client"
    )
    wanted = set(zip(best["client"], best["side"], strict=True))
    return rows[[pair in wanted for pair in zip(rows["client"], rows["side"], strict=True)]]


def _sem_interval(sem_deg: float, df: int) -> Interval:
    from scipy.stats import chi2

    most, least = float(chi2.ppf(0.975, df)), float(chi2.ppf(0.025, df))
    return sem_deg * sqrt(df / most), sem_deg * sqrt(df / least)


def icc_of(groups: Sequence[Float]) -> tuple[float | None, Interval | None]:
    """ICC(1) of single readings with its interval; None below three people.

    Args:
        groups: the readings of each person, two at least. The interval is exact where all have as many.
    """
    from scipy.stats import f

    n, total = len(groups), sum(map(len, groups))
    if n < LEAST_PEOPLE:
        return None, None
    size = (total - sum(len(g) ** 2 for g in groups) / total) / (n - 1)
    grand = float(np.concatenate(groups).mean())
    between = sum(len(g) * (float(g.mean()) - grand) ** 2 for g in groups) / (n - 1)
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / (total - n)
    if within <= 0:
        return None, None
    ratio = between / within
    low = ratio / float(f.ppf(0.975, n - 1, total - n))
    high = ratio * float(f.ppf(0.975, total - n, n - 1))
    icc, *ends = ((r - 1) / (r + size - 1) for r in (ratio, low, high))
    return icc, (ends[0], ends[1])


def strappings_agreement(rows: pd.DataFrame) -> Agreement | None:
    """The second less the first of every two strappings before practice, each strapping in one pair only."""
    pairs = []
    for client, part in baselines(rows).groupby("client"):
        values = part["before_extension_deg"].to_numpy(dtype=float)
        pairs += [(str(client), values[i], values[i + 1]) for i in range(0, len(values) - 1, 2)]
    return agreement("one strapping and the next (later less earlier)", pairs)


def goniometer_agreement(rows: pd.DataFrame) -> Agreement | None:
    """What the sensors read at the closing reference pose less the angle that was measured there."""
    known = goniometer_rows(rows)
    pairs = zip(known["client"], known["closing_deg"], known["closing_read_deg"], strict=True)
    return agreement("sensors and goniometer (closing pose, sensors less goniometer)", list(pairs))


def goniometer_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Sessions whose closing pose was measured, each once."""
    known = rows["closing_method"].isin(_MEASURED) & rows["closing_read_deg"].notna()
    return rows[known & rows["closing_deg"].notna()].drop_duplicates(["session", "strapping"])


def column_agreement(rows: pd.DataFrame, column: str) -> Agreement | None:
    """The extension before practice less a column of the user's own."""
    other = pd.to_numeric(rows[column].astype(str).str.replace(",", ".", regex=False), errors="coerce")
    known = rows[rows["before_extension_deg"].notna() & other.notna()]
    pairs = zip(known["client"], other[known.index], known["before_extension_deg"], strict=True)
    return agreement(f"extension before practice and {column} (sensors less {column})", list(pairs))


def agreement(what: str, pairs: Sequence[tuple[str, float, float]]) -> Agreement | None:
    """Limits of agreement for (client, one, other): other less one. None below three people."""
    from scipy.stats import chi2, t

    pairs = sorted(pairs)
    clients = [str(client) for client, _, _ in pairs]
    starts = [i for i, client in enumerate(clients) if i == 0 or client != clients[i - 1]]
    n, total = len(starts), len(pairs)
    if n < LEAST_PEOPLE:
        return None
    one, other = (np.array([pair[i] for pair in pairs], dtype=float) for i in (1, 2))
    apart = other - one
    groups = np.split(apart, starts[1:])
    means = np.array([g.mean() for g in groups])
    bias = estimate(means, total)
    between, mean = float(means.var(ddof=1)), float(means.mean())
    # One pair a person: the scatter of the means is that of single differences.
    harmonic = n / sum(1 / len(g) for g in groups)
    df = total - n
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / df if df else 0.0
    extra = (1 - 1 / harmonic) * within
    variance = between + extra
    sd = sqrt(variance)

    def end(level: float, sign: int) -> float:
        moves = (between * ((n - 1) / float(chi2.ppf(level, n - 1)) - 1)) ** 2
        if df:
            moves += (extra * (df / float(chi2.ppf(level, df)) - 1)) ** 2
        return sqrt(max(0.0, variance + sign * sqrt(moves)))

    low_sd, high_sd = end(0.975, -1), end(0.025, 1)
    shift = float(t.ppf(0.975, n - 1)) * sqrt(between / n)
    outer, inner = (sqrt(shift**2 + (_Z * (s - sd)) ** 2) for s in (high_sd, low_sd))
    lower, upper = mean - _Z * sd, mean + _Z * sd
    return Agreement(
        what=what,
        bias=bias,
        limits_deg=(lower, upper),
        limits_ci95_deg=((lower - outer, lower + inner), (upper - inner, upper + outer)),
        means_deg=tuple(((one + other) / 2).tolist()),
        differences_deg=tuple(apart.tolist()),
        clients=tuple(clients),
    )
