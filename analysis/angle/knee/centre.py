"""The position of the knee centre relative to each sensor.

Both sensors carry the same point, the knee centre, so their specific forces moved there agree:
W1 (a1 - K(w1) r1) = W2 (a2 - K(w2) r2), with K(w) r = w x (w x r) + w' x r (Seel et al. 2012) and W the
rotations into one level world, whose heading is found from the hinge. That is linear in the levers r (from
the knee to the sensor). The thigh's lever points up the thigh, the shank's down the shank. From this follow
the direction in which the knee bends, the sign pairing of the axes, and whether the sensors were swapped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.angle.grid import Bool
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.attitude import Attitude
from firmware_bridge.samples import Float

_PASSES = 8
# Prior: levers of a knee are a few decimetres. It keeps components that the movement does not show near 0.
_LEVER_PRIOR_M = 0.3
# Lower bound of the scale of the residuals: noise of consumer sensors over a block.
_FORCE_FLOOR_M_S2 = 0.02
# Constant force error from skin and bias. It limits the accuracy of a lever that hardly turns.
_FORCE_BIAS_M_S2 = 0.03
# Skin turns a sensor with the other segment, by about this share of that segment's rotation. Where a segment
# hardly turns itself, the rotation of its sensor is mostly skin and carries no information about the lever.
_SKIN_SHARE = 0.1
# Typical distance of a sensor from the knee.
_LEVER_M = 0.2
# Greatest plausible distance from the knee, and the excess beyond it at which the implausibility doubles.
_FARTHEST_M = 0.4
_TOO_FAR_M = 0.1
# Cosine to the vertical: within about 45 deg, because sensors sit beside the bone, not on it.
_UPRIGHT = 0.7
_KNOWN_SHARE = 0.3


@dataclass(frozen=True, eq=False, slots=True)
class KneeCentre:
    """Levers from the knee centre to the sensors.

    Attributes:
        thigh_m, shank_m: (3,) in sensor coordinates.
        thigh_sd_m, shank_sd_m: one sigma of the less certain in-plane component.
        residual_m_s2: robust standard deviation of the disagreement left.
        thigh_skin_m, shank_skin_m: possible systematic error of a lever, because skin turned that sensor
            with the other segment.
    """

    thigh_m: Float
    shank_m: Float
    thigh_sd_m: float
    shank_sd_m: float
    residual_m_s2: float
    thigh_skin_m: float
    shank_skin_m: float

    @property
    def implausibility(self) -> float:
        """Factor on the misfit: 1 for levers that fit on a leg, larger for longer ones."""
        lengths = np.linalg.norm([self.thigh_m, self.shank_m], axis=1)
        return 1.0 + float((np.maximum(lengths - _FARTHEST_M, 0.0) ** 2).sum()) / _TOO_FAR_M**2

    def places(self, thigh_up: Float, shank_up: Float) -> tuple[float, float]:
        """Mean sines by which the thigh's sensor is above the knee, the shank's below it, for up (3, m)."""
        lengths = np.maximum(np.linalg.norm([self.thigh_m, self.shank_m], axis=1), 1e-6)
        above, below = self.thigh_m @ thigh_up / lengths[0], -self.shank_m @ shank_up / lengths[1]
        return float(above.mean()), float(below.mean())

    def upright(self, thigh_up: Float, shank_up: Float) -> Bool:
        """(m,) where the knee lies clearly below the thigh's sensor and above the shank's, for up (3, m)."""
        thigh_m, shank_m = float(np.linalg.norm(self.thigh_m)), float(np.linalg.norm(self.shank_m))
        if self.thigh_sd_m > _KNOWN_SHARE * thigh_m or self.shank_sd_m > _KNOWN_SHARE * shank_m:
            return np.zeros(thigh_up.shape[1], dtype=bool)
        above, below = self.thigh_m @ thigh_up / thigh_m, -self.shank_m @ shank_up / shank_m
        return np.asarray((above > _UPRIGHT) & (below > _UPRIGHT))


@dataclass(frozen=True, eq=False, slots=True)
class CommonView:
    """Rotations (3, 3, m) from each sensor's inertial frame into one level world."""

    thigh: Float
    shank: Float

    def turned(self, heading_rad: Float) -> CommonView:
        """The same with the shank's world turned about the vertical by (m,)."""
        x, y, z = self.shank
        cosine, sine = np.cos(heading_rad), np.sin(heading_rad)
        return CommonView(self.thigh, np.stack((cosine * x - sine * y, sine * x + cosine * y, z)))


def find_knee_centre(
    thigh: Attitude, shank: Attitude, axes: tuple[Float, Float], view: CommonView, rows: NDArray[np.int64]
) -> KneeCentre:
    """Robust least squares for both levers.

    Args:
        thigh, shank: the sensors.
        axes: unit hinge axes (3,); only the lever's components across them matter.
        view: rotations of both into one world, for each of these blocks.
        rows: the blocks to use.
    """
    columns, force = [], np.zeros((3, len(rows)))
    for sign, sensor, world in ((1, thigh, view.thigh), (-1, shank, view.shank)):
        gain = sensor.strapdown.lever_gain[:, :, rows]
        columns.append(sign * np.einsum("ijm,jkm->mik", world, gain))
        force += sign * np.einsum("ijm,jm->im", world, sensor.strapdown.force[:, rows])
    matrix = np.concatenate(columns, axis=2).reshape(-1, 6)
    target = force.T.reshape(-1)
    weights = np.ones_like(target)
    scale = max(1.48 * float(np.median(np.abs(target))), _FORCE_FLOOR_M_S2)
    for _ in range(_PASSES):
        weighted = matrix * weights[:, None]
        normal = weighted.T @ matrix + np.eye(6) * (scale / _LEVER_PRIOR_M) ** 2
        levers = np.linalg.solve(normal, weighted.T @ target)
        left = np.abs(target - matrix @ levers)
        scale = max(1.48 * float(np.median(left)), _FORCE_FLOOR_M_S2)
        weights = 1 / np.maximum(1.0, left / (1.5 * scale))
    covariance = np.linalg.inv(normal) * scale**2
    parts = slice(0, 3), slice(3, 6)
    turning = [float(np.sqrt(np.mean(matrix[:, part] ** 2))) for part in parts]
    sds = []
    for axis, part, own in zip(axes, parts, turning, strict=True):
        plane = tangents(axis)
        random = float((plane @ covariance[part, part] @ plane.T).diagonal().max())
        sds.append(min(float(np.hypot(np.sqrt(random), _FORCE_BIAS_M_S2 / own)), _LEVER_PRIOR_M))
    skins = [
        min(_SKIN_SHARE * _LEVER_M * other / own, _LEVER_PRIOR_M) for own, other in (turning, turning[::-1])
    ]
    return KneeCentre(levers[:3], levers[3:], sds[0], sds[1], scale, skins[0], skins[1])
