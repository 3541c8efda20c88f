"""The estimate of one strapping: the result of every step, and what follows from them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Grid
from analysis.angle.knee.direction import Direction
from analysis.angle.knee.heading import KneeHeading
from analysis.angle.knee.identification import Knee
from analysis.angle.result import HingeAxes
from analysis.angle.uncertainty import Uncertainty, up_angle_rad
from analysis.angle.zero import Zeroing, still_seconds
from firmware_bridge.samples import Float

# The force of a still second varies by less than this, and the axis is less inclined than this sine.
_CALM_M_S2 = 0.3
_LEVEL_SINE = 0.7


@dataclass(frozen=True, eq=False, slots=True)
class StrappingEstimate:
    """Results of the steps, in their order; n samples of the strapping's part of the grid, m blocks.

    Attributes:
        grid: both sensors.
        blocks: of the grid.
        knee: axes with the sign of flexion, levers, and the orientation of both sensors.
        heading: between the sensors' worlds.
        direction: why the axes have this sign.
        angle_deg: (n,) angle about the hinge, from no particular zero.
        bending_deg: its range, from the 1st to the 99th percentile.
        zero: the zero in that angle.
        zero_blocks: blocks of the zero posture.
        uncertainty: one sigma of each block.
    """

    grid: Grid
    blocks: Blocks
    knee: Knee
    heading: KneeHeading
    direction: Direction
    angle_deg: Float
    bending_deg: float
    zero: Zeroing
    zero_blocks: NDArray[np.int64]
    uncertainty: Uncertainty

    @property
    def flexion_deg(self) -> Float:
        """(n,) NaN in gaps."""
        return np.where(self.grid.known, self.angle_deg - self.zero.zero_deg, np.nan)

    @property
    def repeat_sd_deg(self) -> Float:
        """(n,) one sigma of differences between like postures; NaN in gaps."""
        return np.where(self.grid.known, self.blocks.to_samples(self.uncertainty.sd_deg), np.nan)

    @property
    def relative_sd_deg(self) -> Float:
        """(n,) one sigma of the flexion relative to the zero posture; NaN in gaps."""
        within = np.hypot(self.repeat_sd_deg, self.blocks.to_samples(self.uncertainty.unlike_deg))
        return np.hypot(within, self.uncertainty.sample_time_steps * np.gradient(self.angle_deg))

    @property
    def tilt_deg(self) -> Float:
        """(n,) tilt of the thigh since the zero posture; NaN in gaps."""
        up = self.knee.thigh.up_in_sensor
        first = up[:, self.zero_blocks].mean(axis=1)
        cosine = first @ up / np.linalg.norm(first)
        tilt = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        return np.where(self.grid.known, self.blocks.to_samples(tilt), np.nan)

    @property
    def middle_deg(self) -> float:
        """Middle of the movement, in the angle about the hinge."""
        return float(np.median(self.angle_deg[self.grid.known]))

    @property
    def zero_sd_deg(self) -> float:
        """One sigma of the zero; NaN when relative."""
        if self.zero.pose is None:
            return float("nan")
        return float(np.hypot(self.zero.pose.sd_deg, np.nanmean(self.repeat_sd_deg[self.zero.rows])))

    @property
    def axes_sd_deg(self) -> float:
        """One sigma of the direction of the less certain axis."""
        covariance = self.knee.fit.covariance_rad2
        worse = max(np.trace(covariance[:2, :2]), np.trace(covariance[2:, 2:]))
        return float(np.degrees(np.sqrt(worse)))

    @property
    def axes(self) -> HingeAxes:
        """The axes with the sign of flexion."""
        fit = self.knee.fit
        return HingeAxes(
            thigh=fit.thigh,
            shank=fit.shank,
            sd_deg=self.axes_sd_deg,
            residual_deg_s=float(np.degrees(fit.residual_rad_s)),
            pairing_margin=self.knee.margin,
        )

    def gravity_alone_deg(self) -> float:
        """RMS difference in still seconds between the angle and that of the two accelerometers alone.

        No gyro, no smoothing and no heading enters the latter. NaN without a still second or a level hinge.
        """
        starts, size = still_seconds(self.angle_deg, self.grid.known, self.grid.rate_hz)
        whole, still = len(self.angle_deg) // size * size, starts // size
        alone, usable = [], np.ones(len(starts), dtype=bool)
        for axis, motion in zip(self.knee.axes, (self.grid.thigh, self.grid.shank), strict=True):
            force = motion.acc_m_s2[:, :whole].reshape(3, -1, size)[:, still]
            usable &= force.std(axis=2).max(axis=0) < _CALM_M_S2
            mean = force.mean(axis=2)
            usable &= np.abs(axis @ mean) < _LEVEL_SINE * np.linalg.norm(mean, axis=0)
            alone.append(up_angle_rad(mean, axis))
        if not usable.any():
            return float("nan")
        read = np.radians(self.angle_deg[:whole].reshape(-1, size)[still].mean(axis=1))
        apart = np.angle(np.exp(1j * (read - alone[0] + alone[1])))[usable]
        return float(np.degrees(np.sqrt(np.mean(apart**2))))

    def diagnostics(self) -> dict[str, float]:
        """Named figures for the report; those that do not exist for this recording are left out."""
        figures = {
            "bending_deg": self.bending_deg,
            "axes_sd_deg": self.axes_sd_deg,
            "direction_log_likelihood_ratio": self.direction.log_likelihood_ratio,
            "pairing_margin": self.knee.margin,
            "lever_thigh_m": float(np.linalg.norm(self.knee.centre.thigh_m)),
            "lever_shank_m": float(np.linalg.norm(self.knee.centre.shank_m)),
            "knee_force_residual_m_s2": self.knee.centre.residual_m_s2,
            "gravity_alone_deg": self.gravity_alone_deg(),
            "hinge_level_share": float(np.sqrt(np.median(self.heading.level2))),
            "hinge_misalignment_deg": float(np.degrees(self.heading.misalignment_rad)),
        }
        return {name: value for name, value in figures.items() if np.isfinite(value)}
