"""A strap that turns about the long axis of its limb: the hinge then lies elsewhere in that sensor.

Both sensors see how far the hinge rises above the level. A leg that turns changes both alike; a sensor that
turns on its limb changes only its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.angle.result import HingeAxes
from analysis.movement.result import Repetition
from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples

# Skin and the knee's own play stay below this between two blocks of the same posture.
_TURNED_DEG = 5.0
_LEAST_HOLDS = 2
_AFTER = ("after", "after_5min", "after_10min", "after_30min")


def check_turned(
    thigh: ImuSamples, shank: ImuSamples, axes: HingeAxes, repetitions: Sequence[Repetition]
) -> tuple[Finding, ...]:
    """Compares the hinge's rise in both sensors between the held ends of `before` and of the phases after it.

    Args:
        thigh, shank: on one clock.
        axes: of the first strapping.
        repetitions: of the session.
    """
    findings = []
    for test in dict.fromkeys(r.test for r in repetitions):
        held = [r for r in repetitions if r.test == test and r.extension is not None and r.strapping == 0]
        before = [_apart_deg(thigh, shank, axes, r) for r in held if r.phase == "before"]
        after = [_apart_deg(thigh, shank, axes, r) for r in held if r.phase in _AFTER]
        if min(len(before), len(after)) < _LEAST_HOLDS:
            continue
        turned_deg = float(np.nanmedian(after) - np.nanmedian(before))
        if abs(turned_deg) > _TURNED_DEG:
            text = (
                f"Between before and after one sensor turned on its limb, about its long axis, by about "
                f"{abs(turned_deg):.0f} deg: the change carries that error. Fasten the straps better."
            )
            findings.append(Finding("strap_turned", None, None, text, "no_verdict"))
    return tuple(findings)


def _apart_deg(thigh: ImuSamples, shank: ImuSamples, axes: HingeAxes, repetition: Repetition) -> float:
    """How much more the hinge rises in the thigh's sensor than in the shank's while the knee is held."""
    plateau = repetition.extension
    assert plateau is not None
    rises = []
    for samples, axis in ((thigh, axes.thigh), (shank, axes.shank)):
        first, last = np.searchsorted(samples.time_s, (plateau.start_s, plateau.stop_s))
        if last - first < 3:
            return float("nan")
        force = samples.acc_m_s2[first:last].mean(axis=0)
        rises.append(np.arcsin(np.clip(axis @ force / np.linalg.norm(force), -1.0, 1.0)))
    return float(np.degrees(rises[0] - rises[1]))
