"""What a change would be if a calibration figure were wrong, in degrees."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, cos, degrees, radians, tan

from analysis.change.result import Block


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """By how much the change, and the absolute extension, would differ.

    Attributes:
        reference_change_deg, reference_absolute_deg: with the reference angle wrong by `reference_deg`.
        axis_change_deg, axis_absolute_deg: with the hinge axis wrong by `axis_deg`.
        slip_change_deg, slip_absolute_deg: with a slip of `slip_deg` between the blocks.
    """

    reference_deg: float
    axis_deg: float
    slip_deg: float
    reference_change_deg: float
    reference_absolute_deg: float
    axis_change_deg: float
    axis_absolute_deg: float
    slip_change_deg: float
    slip_absolute_deg: float


def axis_error_deg(flexion_deg: float, axis_deg: float) -> float:
    """Error of an angle that is read about an axis tilted by `axis_deg` from the true hinge.

    The twist of a rotation by theta about an axis at angle alpha is 2 atan(tan(theta / 2) cos alpha):
    always too small, by 0.3 deg at 20 deg of flexion and a tilt of 10 deg.
    """
    half = radians(flexion_deg) / 2
    return degrees(2 * atan(tan(half) * cos(radians(axis_deg)))) - flexion_deg


def sensitivity_of(
    before: Block,
    after: Block,
    *,
    reference_flexion_deg: float = 0.0,
    reference_deg: float = 5.0,
    axis_deg: float = 5.0,
    slip_deg: float = 2.0,
) -> Sensitivity:
    """How the change and the extension after it depend on what could be wrong.

    An error of the reference angle shifts every reading alike: the change within one strapping does not
    feel it. An axis error is an error of gain. Slip between the blocks enters in full.

    Args:
        before, after: the blocks compared.
        reference_flexion_deg: flexion at which the zero was set.
        reference_deg, axis_deg, slip_deg: assumed errors.
    """
    at_zero = axis_error_deg(reference_flexion_deg, axis_deg)
    errors = [axis_error_deg(block.extension_deg, axis_deg) - at_zero for block in (before, after)]
    return Sensitivity(
        reference_deg=reference_deg,
        axis_deg=axis_deg,
        slip_deg=slip_deg,
        reference_change_deg=0.0,
        reference_absolute_deg=reference_deg,
        axis_change_deg=errors[0] - errors[1],
        axis_absolute_deg=errors[1],
        slip_change_deg=slip_deg,
        slip_absolute_deg=-slip_deg,
    )
