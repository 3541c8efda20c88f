"""Repetitions -> one value for each block, because repetitions of a block are not independent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan, sqrt

import numpy as np

from analysis.change.result import Block
from analysis.movement.result import Repetition
from firmware_bridge.samples import Float
from firmware_bridge.session.model import TestName

AFTER_PHASES = ("after", "after_5min", "after_10min", "after_30min")


def block_of(repetitions: Sequence[Repetition]) -> Block | None:
    """One block from the repetitions of one phase, test and strapping; None where none has a value."""
    held = [(r, r.extension) for r in repetitions if r.extension is not None]
    if not held:
        return None
    values_deg = np.array([p.flexion_deg for _, p in held])
    tilts_deg = np.array([r.thigh_tilt_deg for r, _ in held])
    tilts_deg = tilts_deg[np.isfinite(tilts_deg)]
    return Block(
        phase=held[0][0].phase,
        extension_deg=float(values_deg.mean()),
        sd_deg=float(values_deg.std(ddof=1)) if len(held) > 1 else nan,
        n=len(held),
        start_s=min(p.start_s for _, p in held),
        stop_s=max(p.stop_s for _, p in held),
        attempts=len(repetitions),
        strapping=held[0][0].strapping,
        track_sd_deg=sqrt(sum(p.sd_deg**2 for _, p in held) / len(held)),
        thigh_tilt_deg=float(tilts_deg.mean()) if len(tilts_deg) else nan,
        trend_deg=_trend_deg(values_deg),
    )


def _trend_deg(values_deg: Float) -> float:
    """How much straighter a fitted line ends than it begins; NaN where that is not beyond chance (1 %)."""
    n = len(values_deg)
    if n < 3:
        return nan
    from scipy.special import stdtrit

    order = np.arange(n) - (n - 1) / 2
    slope = float(order @ values_deg / (order @ order))
    rest = values_deg - values_deg.mean() - slope * order
    error = sqrt(float(rest @ rest) / (n - 2) / float(order @ order))
    return -slope * (n - 1) if abs(slope) > float(stdtrit(n - 2, 0.995)) * error else nan


def tests_of(repetitions: Iterable[Repetition]) -> list[TestName | None]:
    """The named tests that something was measured in, in order of first appearance."""
    return list(dict.fromkeys(r.test for r in repetitions if r.phase != "warmup"))


def blocks_of(repetitions: Iterable[Repetition], test: TestName | None) -> dict[tuple[str, int], Block]:
    """The blocks of one test by phase and strapping, warm-up included."""
    groups: dict[tuple[str, int], list[Repetition]] = {}
    for repetition in repetitions:
        if repetition.test == test:
            groups.setdefault((repetition.phase, repetition.strapping), []).append(repetition)
    blocks = {key: block_of(group) for key, group in groups.items()}
    return {key: block for key, block in blocks.items() if block is not None}


def pooled_sd(blocks: Iterable[Block]) -> tuple[float, int]:
    """SD between repetitions within blocks, and its degrees of freedom; NaN and 0 where unknown."""
    counted = [b for b in blocks if b.n > 1]
    df = sum(b.n - 1 for b in counted)
    if not df:
        return nan, 0
    return (sum((b.n - 1) * b.sd_deg**2 for b in counted) / df) ** 0.5, df


def choose(blocks: Mapping[tuple[str, int], Block]) -> dict[str, Block]:
    """One block a phase, taken from one strapping wherever `before` and an after block share one."""
    strappings = sorted({strapping for _, strapping in blocks})
    for strapping in strappings:
        phases = {phase: b for (phase, s), b in blocks.items() if s == strapping}
        if "before" in phases and any(p in phases for p in AFTER_PHASES):
            return phases
    chosen: dict[str, Block] = {}
    for (phase, _), block in sorted(blocks.items(), key=lambda item: item[0][1]):
        if phase in AFTER_PHASES or phase not in chosen:
            chosen[phase] = block
    return chosen
