"""How well one person's own repeats agree: what the published figures give way to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.change.blocks import block_of
from analysis.change.noise import Variance, half_width_deg
from analysis.change.result import Block
from analysis.movement.result import Repetition
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.session.model import TestName


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
    """What earlier sessions of the same person, knee and test say about noise; None where not studied.

    Attributes:
        within: repeats within one strapping, from `repeats_of`.
        across: repeats with a new strapping and a new zero each time, from `retest_study`.
    """

    within: Repeats | None = None
    across: Repeats | None = None


OwnNoise = Reliability | Mapping[TestName | None, Reliability] | None


def noise_of_test(reliability: OwnNoise, test: TestName | None) -> Reliability | None:
    """The person's own repeats of one test, where they are given by test."""
    return reliability.get(test) if isinstance(reliability, Mapping) else reliability


@dataclass(frozen=True, slots=True)
class RetestStudy:
    """The result of strapping on several times within a day and measuring the same knee each time.

    Attributes:
        strappings, repetitions: how many, and how many values in all.
        strapping_sd_deg: SD of a strapping's true level around the person's own.
        repetition_sd_deg: SD between repetitions of one strapping.
        repeats: SD of one strapping's mean as measured.
        detectable_deg: smallest difference between two strappings that is beyond noise (95 %, Student's t
            on the strappings less one). It holds no variation from day to day.
    """

    strappings: int
    repetitions: int
    strapping_sd_deg: float
    repetition_sd_deg: float
    repeats: Repeats
    detectable_deg: float


def repeats_of(days: Iterable[Sequence[Repetition]], source: str = "") -> Repeats | None:
    """The person's own noise from baseline blocks repeated within each of several sessions.

    Each session contributes its `before` and `before_again` blocks of one test; nothing but rest lies
    between them. A shift that they all share counts as noise too, which is the cautious choice.

    Args:
        days: the repetitions of each session, all of one knee and one test, without the session that is
            to be judged.
        source: in words, for the report.

    Returns:
        The standard error of a block mean within one strapping, pooled over the sessions; None where no
        session holds both blocks with values, which is no error: the published figures count then.
    """
    pairs = [pair for pair in map(_baselines, days) if pair is not None]
    if not pairs:
        return None
    squares = sum((first.extension_deg - second.extension_deg) ** 2 for first, second in pairs)
    size = 2 * len(pairs) / sum(1 / block.n for pair in pairs for block in pair)
    text = source or f"this person's own repeats on {len(pairs)} day{'' if len(pairs) == 1 else 's'}"
    return Repeats(sqrt(squares / 2 / len(pairs)), len(pairs), size, text)


def _baselines(repetitions: Sequence[Repetition]) -> tuple[Block, Block] | None:
    first, second = (
        block_of([r for r in repetitions if r.phase == phase]) for phase in ("before", "before_again")
    )
    if first is None or second is None or first.strapping != second.strapping:
        return None
    return first, second


def retest_study(repetitions: Iterable[Repetition]) -> RetestStudy:
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
    repeats = Repeats(sqrt(between / size), k - 1, size, f"this person's own study of {k} strappings")
    return RetestStudy(
        strappings=k,
        repetitions=n,
        strapping_sd_deg=sqrt(max(0.0, (between - within) / size)),
        repetition_sd_deg=sqrt(within),
        repeats=repeats,
        detectable_deg=float(half_width_deg(Variance(2 * repeats.sem_deg**2, repeats.df))),
    )
