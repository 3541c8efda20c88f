"""What the angle estimation hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.findings import Finding, sentences
from firmware_bridge.samples import Float

Zero = Literal["reference_pose", "relative"]


@dataclass(frozen=True, eq=False, slots=True)
class HingeAxes:
    """The knee's hinge axis in the frame of each sensor.

    Attributes:
        thigh, shank: (3,) unit vectors; a positive rotation of the shank about them, seen from the
            thigh, is flexion.
        sd_deg: one-sigma uncertainty of the worse of the two directions.
        residual_deg_s: RMS of the gyro constraint |w1 x j1| - |w2 x j2| over the samples used.
        pairing_margin: how much worse the other sign pairing fits, as a ratio of costs (> 1).
    """

    thigh: Float
    shank: Float
    sd_deg: float
    residual_deg_s: float
    pairing_margin: float


@dataclass(frozen=True, eq=False, slots=True)
class FlexionTrack:
    """Knee flexion on one uniform grid. 0 = straight, + bent, - hyperextended; never clipped.

    Attributes:
        time_s: (n,) session clock, uniform steps.
        flexion_deg: (n,) NaN where nothing is known.
        flexion_sd_deg: (n,) one sigma of flexion_deg; with a reference pose it holds the uncertainty of the
            zero, which is common to all samples (`AngleResult.zero_sd_deg`).
        valid: (n,) False in gaps and wherever the angle must not be used.
        relative_sd_deg: (n,) one sigma of differences within the strapping, without the zero; where it is
            left out, the same as flexion_sd_deg.
        repeat_sd_deg: (n,) one sigma of differences between like postures: what straps and muscle do about
            the hinge repeats and is left out. Where the argument is left out, the same as relative_sd_deg.
    """

    time_s: Float
    flexion_deg: Float
    flexion_sd_deg: Float
    valid: NDArray[np.bool_]
    relative_sd_deg: Float = field(default_factory=lambda: np.zeros(0))
    repeat_sd_deg: Float = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if len(self.relative_sd_deg) != len(self.time_s):
            object.__setattr__(self, "relative_sd_deg", self.flexion_sd_deg)
        if len(self.repeat_sd_deg) != len(self.time_s):
            object.__setattr__(self, "repeat_sd_deg", self.relative_sd_deg)

    def widened(self, sd_deg: Float | float) -> FlexionTrack:
        """The same with a further, independent error (n,) within the strapping in every sigma."""
        return replace(
            self,
            flexion_sd_deg=np.hypot(self.flexion_sd_deg, sd_deg),
            relative_sd_deg=np.hypot(self.relative_sd_deg, sd_deg),
            repeat_sd_deg=np.hypot(self.repeat_sd_deg, sd_deg),
        )

    def rows(self, part: slice | NDArray[np.bool_]) -> FlexionTrack:
        """Some samples of the track: a slice of it, or those that a mask picks."""
        return FlexionTrack(*(getattr(self, f.name)[part] for f in fields(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[FlexionTrack]) -> FlexionTrack:
        """Joins parts that follow one another on one grid."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


@dataclass(frozen=True, eq=False, slots=True)
class AngleResult:
    """The knee angle of a whole session and how far it can be trusted.

    Attributes:
        track: the flexion.
        rate_hz: of the grid.
        zero: where 0 deg comes from; "relative" = counted from the straightest still posture.
        zero_sd_deg: one sigma of the zero (of the absolute angle); NaN when relative.
        axes: the hinge axes used; of the first strapping, where there were several.
        thigh_tilt_deg: (n,) inclination of the thigh's long axis, as a change from the first still
            posture; for the warning that the hip moved. NaN where unknown.
        pose_check_deg: for every later reference pose of the same strapping, (time_s, read minus
            entered flexion); negative = the pose now reads straighter.
        diagnostics: named figures with units in their names, for the report.
        findings: what is wrong or has to be known, worst first.
    """

    track: FlexionTrack
    rate_hz: float
    zero: Zero
    zero_sd_deg: float
    axes: HingeAxes
    thigh_tilt_deg: Float
    pose_check_deg: tuple[tuple[float, float], ...] = ()
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings, each once."""
        return sentences(self.findings)
