"""What an estimate leaves in doubt: pairing, direction, zero, an upright hinge, exchanged sensors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.angle.knee.identification import Knee
from analysis.angle.strapping_estimate import StrappingEstimate
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float

# In a squat the thigh turns up to three times as fast as the shin, standing up from a chair six times; lying
# down, the thigh rests.
_SWAPPED_RATIO = 4.0
# Mean sine of a lever against the horizontal above which its sensor is clearly on one side of the knee: of
# people who stand and sit 0.72 to 0.94, of those who lie below 0.35.
_CLEAR_PLACE = 0.6
_SWAPPED_RATIO_WITH_LEVERS = 1.2
_SYMMETRIC = "The knee angle is the same either way; what is said of the thigh is not."
_UPRIGHT_HINGE_LEVEL = 0.35
_MUCH = 0.2
# Log-likelihood ratio below which the direction of bending is doubtful. In recorded people 4 of 16 legs were
# inverted between 2 and 3, none of 7 above: the pieces of evidence of one recording are correlated, so that
# their sum promises more than it holds.
SURE_RATIO = 3.0
_MUCH_DOUBT_DEG, _TOO_MUCH_DOUBT_DEG = 2.0, 5.0
_MUCH_APART_DEG = 2.0


def about_strapping(
    found: StrappingEstimate, diagnostics: Mapping[str, float], relative: bool
) -> list[Finding]:
    """Findings about the estimate of a strapping.

    Args:
        found: the estimate.
        diagnostics: its named figures.
        relative: no reference pose has set its zero.
    """
    findings = []
    doubt_deg = float(found.uncertainty.pairing_sd_deg.max())
    still_deg = diagnostics.get("gravity_alone_deg", 0.0)
    if still_deg > _MUCH_APART_DEG:
        text = (
            f"While the leg was still, gravity alone tells an angle {still_deg:.1f} deg away from this one: "
            "a sensor may have been jolted, or its gyroscope may drift."
        )
        findings.append(Finding("gravity_disagrees", None, None, text))
    if doubt_deg > _MUCH_DOUBT_DEG:
        text = (
            f"The movement allows two different knee axes, whose angles differ by up to "
            f"{2 * doubt_deg:.0f} deg: record 8 to 10 swings of the lower leg while the thigh "
            "moves a little too."
        )
        consequence = "no_verdict" if doubt_deg > _TOO_MUCH_DOUBT_DEG else "widen"
        findings.append(Finding("two_axes", None, None, text, consequence))  # type: ignore[arg-type]
    if found.direction.log_likelihood_ratio < SURE_RATIO:
        text = (
            "Which way the knee bends could not be told for sure: if bending lowers the number, "
            "record a reference pose before and some bending after it."
        )
        findings.append(Finding("direction", None, None, text, "no_verdict"))
    if relative:
        text = (
            "The angle is relative: it counts from the straightest still posture, "
            "because no reference pose with a known angle was recorded."
        )
        findings.append(Finding("relative", None, None, text))
    return findings + about_knee(found.knee, found.heading.level2)


def about_knee(knee: Knee, level2: Float) -> list[Finding]:
    """Findings about the identification: swapped sensors, an upright hinge."""
    findings = []
    upright = float(np.mean(level2 < _UPRIGHT_HINGE_LEVEL**2))
    if upright > _MUCH:
        text = (
            f"The knee's axis stood nearly upright in {100 * upright:.0f} % of the recording, as in "
            "side-lying: there the angle rests on the gyroscopes alone and its band is wider."
        )
        findings.append(Finding("upright_hinge", None, None, text, "widen"))
    findings += _about_swapping(knee)
    return findings


def _about_swapping(knee: Knee) -> list[Finding]:
    """A warning where the sensor named "thigh" moves like a shank.

    The shank turns more than the thigh, and in upright postures the thigh's sensor is above the knee. The
    joint angle does not depend on which segment is which, so nothing has to be refused.
    """
    rates = [
        float(np.sqrt(np.mean((axis @ sensor.strapdown.gyr) ** 2)))
        for axis, sensor in zip(knee.axes, (knee.thigh, knee.shank), strict=True)
    ]
    ratio = rates[0] / max(rates[1], 1e-6)
    inverted = knee.centre.upright(-knee.thigh.up_in_sensor, -knee.shank.up_in_sensor).mean() > _MUCH
    if inverted and ratio > _SWAPPED_RATIO_WITH_LEVERS:
        text = (
            'The sensor named "thigh" moves like a shin and the other like a thigh: '
            f"check that they are not swapped. {_SYMMETRIC}"
        )
        return [Finding("swapped", None, None, text)]
    _, below = knee.centre.places(knee.thigh.up_in_sensor, knee.shank.up_in_sensor)
    if ratio > _SWAPPED_RATIO and below < _CLEAR_PLACE:
        text = (
            f"The thigh turned {ratio:.1f} times as fast as the shin, as if the sensors were swapped: check "
            f"which one sits where. {_SYMMETRIC}"
        )
        return [Finding("swapped", None, None, text)]
    return []
