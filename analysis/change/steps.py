"""Slip seen from inside the blocks: it shifts the bent end of the movement as much as the straight end.

A knee that learns to straighten moves only its straight end. A sensor that turns on the limb in the
sagittal plane adds the same angle to every posture from then on. So a shift that both ends share is a
sign of slip, though no proof: bending less far while straightening further looks the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.change.checks import SLIP_REFUSE_DEG, SLIP_WARN_DEG
from analysis.change.result import Block
from analysis.movement.result import Repetition
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float

LEAST_STEP_DEG = 2.0
# Both ends count as moving together when their shifts differ by no more than this share of the larger.
TOGETHER_SHARE = 0.4
LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class Step:
    """A lasting shift of both ends: before repetition `index`, by `size_deg` (positive = straighter)."""

    index: int
    size_deg: float


def find_step(extension_deg: Float, peak_deg: Float) -> Step | None:
    """The clearest lasting shift within one block that both ends of the movement share.

    Every split with two repetitions or more on either side is tried; a shift counts when it is at least
    2 deg and beyond 1 % by Student's t, corrected for the number of splits (Bonferroni).

    Args:
        extension_deg, peak_deg: (n,) of the repetitions in order.
    """
    n = len(extension_deg)
    if n < 4:
        return None
    from scipy.special import stdtrit

    critical = float(stdtrit(2 * n - 4, 1 - LEVEL / 2 / (n - 3)))
    best: Step | None = None
    for split in range(2, n - 1):
        parts = [part for ends in (extension_deg, peak_deg) for part in (ends[:split], ends[split:])]
        means = [float(part.sum()) / len(part) for part in parts]
        shifts = (means[0] - means[1], means[2] - means[3])
        rest = sum(float(((part - mean) ** 2).sum()) for part, mean in zip(parts, means, strict=True))
        size_deg = (shifts[0] + shifts[1]) / 2
        error_deg = sqrt(rest / (2 * n - 4) * (1 / split + 1 / (n - split)) / 2)
        clear = abs(size_deg) >= max(LEAST_STEP_DEG, critical * error_deg)
        if clear and _together(*shifts) and (best is None or abs(size_deg) > abs(best.size_deg)):
            best = Step(split, size_deg)
    return best


def step_warnings(repetitions: Sequence[Repetition], blocks: Iterable[Block]) -> list[Finding]:
    """Where within a block both ends of the movement jump."""
    findings = []
    for block in blocks:
        held = _held(repetitions, block)
        step = find_step(held[0], held[1])
        if step is not None:
            text = (
                f"From repetition {step.index + 1} of the {block.phase.replace('_', ' ')} block on, both "
                f"ends of the movement read {abs(step.size_deg):.1f} deg "
                f"{'straighter' if step.size_deg > 0 else 'more bent'}: a sensor may have slipped there."
            )
            findings.append(Finding("step_in_block", None, (block.start_s, block.stop_s), text))
    return findings


def bent_end_warnings(
    repetitions: Sequence[Repetition], before: Block, after: Block, slip_deg: float | None
) -> list[Finding]:
    """Whether the whole movement is shifted between the blocks.

    A clean closing reference does not clear it: a sensor that slipped may have been pushed back before.
    """
    if before.strapping != after.strapping:
        return []
    cleared = slip_deg is not None and abs(slip_deg) <= SLIP_WARN_DEG
    (straight, bent), (straight_after, bent_after) = _held(repetitions, before), _held(repetitions, after)
    if min(len(bent), len(bent_after)) < 3:
        return []
    change_deg = float(straight.mean() - straight_after.mean())
    shift_deg = float(bent.mean() - bent_after.mean())
    error_deg = sqrt(bent.var(ddof=1) / len(bent) + bent_after.var(ddof=1) / len(bent_after))
    clear = min(abs(change_deg), abs(shift_deg)) >= LEAST_STEP_DEG and abs(shift_deg) > 3 * error_deg
    if not clear or change_deg * shift_deg < 0:
        return []
    if not _together(change_deg, shift_deg):
        if abs(shift_deg) < SLIP_REFUSE_DEG:
            return []
        text = (
            f"The bent end of the movement shifted by {abs(shift_deg):.1f} deg the same way as the straight "
            "end: so much of the change may be a slipped sensor"
        )
        text += (
            ", also of one that was pushed back before the closing reference pose."
            if cleared
            else ". Record a closing reference pose."
        )
        # What is left of the change if all of that was slip.
        left_deg = abs(change_deg) - abs(shift_deg)
        doubtful = not cleared and left_deg < SLIP_REFUSE_DEG
        return [Finding("both_ends_shifted", None, None, text, "no_verdict" if doubtful else "tell")]
    unknown = ", and without a closing reference it cannot be told apart" if slip_deg is None else ""
    if cleared:
        unknown = ", and one that was pushed back before the closing reference looks the same"
    text = (
        f"The bent end of the movement shifted by {abs(shift_deg):.1f} deg, about as much as the straight "
        f"end: that is what a slipped sensor looks like{unknown}."
    )
    return [Finding("both_ends_shifted", None, None, text, "no_verdict")]


def _held(repetitions: Sequence[Repetition], block: Block) -> tuple[Float, Float]:
    pairs = [
        (r.extension.flexion_deg, r.peak_flexion_deg)
        for r in repetitions
        if r.phase == block.phase and r.strapping == block.strapping and r.extension is not None
    ]
    straight, bent = np.array(pairs, dtype=float).reshape(-1, 2).T
    return straight, bent


def _together(first_deg: float, second_deg: float) -> bool:
    return abs(first_deg - second_deg) <= TOGETHER_SHARE * max(abs(first_deg), abs(second_deg))
