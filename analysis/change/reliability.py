"""How well one person's own repeats agree: what replaces the published defaults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.change.blocks import block_of
from analysis.movement.result import Repetition
from firmware_bridge.errors import CannotAnswerError

# Below this, the width of Student's t costs more than the cited default.
LEAST_DF = 5


@dataclass(frozen=True, slots=True)
class Reliability:
    """What earlier sessions of the same person and set-up say about noise.

    Attributes:
        sem_deg: standard error of one block mean within one strapping, repetition scatter included.
        df: degrees of freedom of it, at least 5 to be used.
        repetitions: repetitions a block had then, on average (harmonic mean).
        redon_sem_deg, redon_df: standard error of strapping on again and entering the reference angle
            again, where that was studied; NaN and 0 where not.
        source: whose repeats, in words.
    """

    sem_deg: float
    df: int
    repetitions: float
    redon_sem_deg: float = nan
    redon_df: int = 0
    source: str = "this person's own repeats"


@dataclass(frozen=True, slots=True)
class RedonStudy:
    """The result of strapping on several times and measuring the same thing each time.

    Attributes:
        strappings, repetitions: how many, and how many values in all.
        sem_redon_deg: SD of a strapping's true level around the person's own.
        sem_repetition_deg: SD between repetitions of one strapping.
        sem_strapping_deg, df: SD of one strapping's mean as measured, and its degrees of freedom.
        mdc95_deg: smallest difference between two strappings that is beyond noise.
        icc: share of the variance that lies between strappings; near 0 is good here, because the same
            knee was measured every time.
    """

    strappings: int
    repetitions: int
    sem_redon_deg: float
    sem_repetition_deg: float
    sem_strapping_deg: float
    df: int
    mdc95_deg: float
    icc: float


def sem_from_icc(sd_deg: float, icc_value: float) -> float:
    """Standard error of measurement from the SD between people and an ICC: SD sqrt(1 - ICC)."""
    return sd_deg * sqrt(1 - icc_value)


def mdc95(sem_deg: float) -> float:
    """Smallest change between two single values that is beyond noise: 1.96 sqrt(2) SEM (Weir 2005)."""
    return 1.96 * sqrt(2) * sem_deg


def icc(values: ArrayLike) -> float:
    """ICC(2,1): agreement of single measurements (Shrout and Fleiss 1979).

    Args:
        values: (people, repeats), without gaps; at least 2 by 2.
    """
    table = np.asarray(values, dtype=float)
    people, repeats = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    between = repeats * float(np.var(rows, ddof=1))
    across = people * float(np.var(columns, ddof=1))
    rest = table - rows[:, None] - columns[None, :] + table.mean()
    error = float((rest**2).sum()) / ((people - 1) * (repeats - 1))
    total = between + (repeats - 1) * error + repeats * (across - error) / people
    return float((between - error) / total)


def reliability_of(days: Iterable[Sequence[Repetition]], source: str = "") -> Reliability:
    """The person's own noise from baseline blocks repeated within each of several sessions.

    Each session contributes its `before` and `before_again` blocks of one test; nothing but rest lies
    between them. A shift that they all share counts as noise too, which is the cautious choice.

    Args:
        days: the repetitions of each session, all of one test.
        source: in words, for the report.

    Returns:
        The standard error of a block mean, pooled over the sessions.

    Raises:
        CannotAnswerError: fewer than 5 sessions held both blocks, with values.
    """
    squares, df, inverse, blocks = 0.0, 0, 0.0, 0
    for repetitions in days:
        pair = [block_of([r for r in repetitions if r.phase == p]) for p in ("before", "before_again")]
        held = [b for b in pair if b is not None]
        if len(held) < 2 or held[0].strapping != held[1].strapping:
            continue
        squares += (held[0].extension_deg - held[1].extension_deg) ** 2 / 2
        inverse += 1 / held[0].n + 1 / held[1].n
        blocks += 2
        df += 1
    if df < LEAST_DF:
        raise CannotAnswerError(
            f"Only {df} sessions hold both a `before` and a `before_again` block.",
            f"Record a rest block in at least {LEAST_DF} sessions; until then the published default is used.",
        )
    text = source or f"this person's own repeats in {df} sessions"
    return Reliability(sqrt(squares / df), df, blocks / inverse, source=text)


def redon_study(repetitions: Iterable[Repetition]) -> RedonStudy:
    """Variance components from the same test after each of several `restrap` phases.

    One-way analysis of variance over strappings, warm-up left out.

    Raises:
        CannotAnswerError: fewer than 3 strappings with 2 values each, or more than one test.
    """
    counted = [r for r in repetitions if r.phase != "warmup" and r.extension is not None]
    groups: dict[int, list[float]] = {}
    for repetition in counted:
        if repetition.extension is not None:
            groups.setdefault(repetition.strapping, []).append(repetition.extension.flexion_deg)
    values = [np.array(g) for g in groups.values() if len(g) > 1]
    if len({r.test for r in counted}) > 1 or len(values) < 3:
        raise CannotAnswerError(
            "A re-strapping study needs one test in at least 3 strappings, with 2 repetitions held in each.",
            "Mark every re-strapping with a `restrap` phase and enter the reference pose again after it.",
        )
    k, n = len(values), sum(map(len, values))
    size = (n - sum(len(g) ** 2 for g in values) / n) / (k - 1)
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in values) / (n - k)
    grand = float(np.concatenate(values).mean())
    between = sum(len(g) * (float(g.mean()) - grand) ** 2 for g in values) / (k - 1)
    redon = max(0.0, (between - within) / size)
    sem_strapping_deg = sqrt(between / size)
    return RedonStudy(
        strappings=k,
        repetitions=n,
        sem_redon_deg=sqrt(redon),
        sem_repetition_deg=sqrt(within),
        sem_strapping_deg=sem_strapping_deg,
        df=k - 1,
        mdc95_deg=mdc95(sem_strapping_deg),
        icc=redon / (redon + within) if redon + within > 0 else 0.0,
    )
