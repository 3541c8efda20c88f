"""How well one person's own repeats agree: what replaces the published defaults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from analysis.change.blocks import block_of
from analysis.change.result import Block
from analysis.movement.result import Repetition
from firmware_bridge.errors import CannotAnswerError

# Below these, the width of Student's t costs more than the cited default: days, and strappings less one.
LEAST_DAYS = 5
LEAST_STRAPPING_DF = 4


@dataclass(frozen=True, slots=True)
class Repeats:
    """One person's standard error of a block mean, the scatter between its repetitions included.

    Attributes:
        sem_deg: the standard error.
        df: degrees of freedom that it was estimated on.
        repetitions: repetitions that a block had then (harmonic mean).
        source: whose repeats, in words.
    """

    sem_deg: float
    df: int
    repetitions: float
    source: str = "this person's own repeats"


@dataclass(frozen=True, slots=True)
class Reliability:
    """What earlier sessions of the same person and set-up say about noise; None where not studied.

    Attributes:
        within: repeats within one strapping, from `repeats_of`.
        across: repeats with a new strapping and a new zero each time, from `redon_study`.
    """

    within: Repeats | None = None
    across: Repeats | None = None


@dataclass(frozen=True, slots=True)
class RedonStudy:
    """The result of strapping on several times and measuring the same knee each time.

    Attributes:
        strappings, repetitions: how many, and how many values in all.
        sem_redon_deg: SD of a strapping's true level around the person's own.
        sem_repetition_deg: SD between repetitions of one strapping.
        repeats: SD of one strapping's mean as measured.
        mdc95_deg: smallest difference between two strappings that is beyond noise.
        icc: share of the variance that lies between strappings. Near 0 is good here, because it was the
            same knee every time.
    """

    strappings: int
    repetitions: int
    sem_redon_deg: float
    sem_repetition_deg: float
    repeats: Repeats
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


def repeats_of(days: Iterable[Sequence[Repetition]], source: str = "") -> Repeats:
    """The person's own noise from baseline blocks repeated within each of several sessions.

    Each session contributes its `before` and `before_again` blocks of one test; nothing but rest lies
    between them. A shift that they all share counts as noise too, which is the cautious choice.

    Args:
        days: the repetitions of each session, all of one test.
        source: in words, for the report.

    Returns:
        The standard error of a block mean within one strapping, pooled over the sessions.

    Raises:
        CannotAnswerError: fewer than 5 sessions held both blocks, with values.
    """
    pairs = [pair for pair in map(_baselines, days) if pair is not None]
    if len(pairs) < LEAST_DAYS:
        raise CannotAnswerError(
            f"Only {len(pairs)} sessions hold both a `before` and a `before_again` block.",
            f"Record a rest block in at least {LEAST_DAYS} sessions; until then published figures are used.",
        )
    squares = sum((first.extension_deg - second.extension_deg) ** 2 for first, second in pairs)
    size = 2 * len(pairs) / sum(1 / block.n for pair in pairs for block in pair)
    text = source or f"this person's own repeats in {len(pairs)} sessions"
    return Repeats(sqrt(squares / 2 / len(pairs)), len(pairs), size, text)


def _baselines(repetitions: Sequence[Repetition]) -> tuple[Block, Block] | None:
    first, second = (
        block_of([r for r in repetitions if r.phase == phase]) for phase in ("before", "before_again")
    )
    if first is None or second is None or first.strapping != second.strapping:
        return None
    return first, second


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
    repeats = Repeats(sqrt(between / size), k - 1, size, f"this person's own study of {k} strappings")
    return RedonStudy(
        strappings=k,
        repetitions=n,
        sem_redon_deg=sqrt(redon),
        sem_repetition_deg=sqrt(within),
        repeats=repeats,
        mdc95_deg=mdc95(repeats.sem_deg),
        icc=redon / (redon + within) if redon + within > 0 else 0.0,
    )
