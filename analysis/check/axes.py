"""Axes believed too much: a direction that may be inverted, levers of no leg, a joint that is no hinge."""

from __future__ import annotations

from dataclasses import replace
from math import exp, sqrt

import numpy as np

from analysis.angle.doubts import SURE_RATIO
from analysis.angle.result import AngleResult
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float

# No sensor on a thigh or a shin is farther from the knee.
_LONGEST_LEVER_M = 0.6
# Knees of people show 2 to 10 deg, one-axis jigs 0.5, jigs of two axes 20 and more.
_HINGE_DEG = 14.0


def check_axes(result: AngleResult, *, causal: bool = False) -> AngleResult:
    """Adds findings about the axes, and widens the band where they leave the angle in doubt.

    Args:
        result: as estimated.
        causal: it comes from the stream, whose band holds the doubt about the direction already.
    """
    figures, findings, wider = result.diagnostics, [], np.zeros(len(result.track.time_s))
    nats = figures.get("direction_log_likelihood_ratio", np.inf)
    if nats < SURE_RATIO and not causal:
        wider = np.hypot(wider, _inverted_sd_deg(result, nats))
    for name, segment in (("lever_thigh_m", "thigh"), ("lever_shank_m", "shin")):
        lever_m = figures.get(name, 0.0)
        if lever_m > _LONGEST_LEVER_M:
            text = (
                f"The movement puts the {segment} sensor {lever_m:.1f} m from the knee, where no sensor "
                "sits: the axes cannot be believed. Record 8 to 10 swings of the lower leg."
            )
            findings.append(Finding("lever", None, None, text, "no_verdict"))
    off_deg = figures.get("hinge_misalignment_deg", 0.0)
    if off_deg > _HINGE_DEG:
        text = (
            f"The joint between the sensors turned about more than one axis, by {off_deg:.0f} deg: that is "
            "no knee, or a sensor is loose. The angle is only that about its main axis."
        )
        findings.append(Finding("no_hinge", None, None, text, "no_verdict"))
        wider = np.hypot(wider, off_deg)
    return widened(replace(result, findings=(*findings, *result.findings)), wider)


def _inverted_sd_deg(result: AngleResult, nats: float) -> Float:
    """One sigma (n,) of an angle whose direction is wrong with the odds that the evidence leaves."""
    wrong = 1 / (1 + exp(min(nats, 50.0)))
    flexion = np.nan_to_num(result.track.flexion_deg)
    zero = 0.0 if result.zero == "relative" else float(np.nanmedian(result.track.flexion_deg))
    return np.asarray(2 * np.abs(flexion - zero) * sqrt(wrong * (1 - wrong)))


def widened(result: AngleResult, sd_deg: Float | float) -> AngleResult:
    """The same result with a further, independent error (n,) in its band."""
    if not np.any(np.asarray(sd_deg) > 0):
        return result
    return replace(result, track=result.track.widened(sd_deg))
