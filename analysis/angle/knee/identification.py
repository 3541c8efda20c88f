"""From two carried sensors to the knee they share: hinge axes and levers, each improving the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.knee.centre import CommonView, KneeCentre, find_knee_centre
from analysis.angle.knee.heading import hinge_information, smooth_heading
from analysis.angle.knee.hinge import HingeData, HingeFit, Plan, find_hinge, refine_hinge
from analysis.angle.orientation.attitude import Attitude
from analysis.angle.orientation.quaternion import matrices
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

_MOVING_RAD_S = 0.5
# Tilt and bias of the accelerometers look like a level force of about this size, always the same way.
_FORCE_BIAS_M_S2 = 0.15
_CANDIDATES = 6
# Candidates within this factor of the best are worth a closer look.
_CLOSE = 2.0
_UNLIKE = 0.25


@dataclass(frozen=True, eq=False, slots=True)
class Knee:
    """The knee as both sensors see it.

    Attributes:
        thigh, shank: the sensors, levelled by the force at the knee.
        fit: the axes; their common sign is not fixed.
        centre: the levers.
        margin: how many times worse the other sign pairing fits; infinite where no minimum has it.
        rival: that other pairing.
    """

    thigh: Attitude
    shank: Attitude
    fit: HingeFit
    centre: KneeCentre
    margin: float = float("inf")
    rival: HingeFit | None = None

    @property
    def axes(self) -> tuple[Float, Float]:
        """Unit axes (3,) in the thigh's and the shank's sensor."""
        return self.fit.thigh, self.fit.shank

    @property
    def hinge_bias_rad2_s2(self) -> float:
        """Variance of what is left of both gyros' bias along the hinge, at the first moment."""
        sensors = zip(self.axes, (self.thigh, self.shank), strict=True)
        return float(sum(axis @ sensor.bias_covariance[0] @ axis for axis, sensor in sensors))


def find_knee(
    thigh: Attitude, shank: Attitude, blocks: Blocks, rate_hz: float, parameters: AngleParameters
) -> Knee:
    """Searches the axes from many starts, then refines axes, levers and levels with one another.

    Candidates that the first look cannot tell apart are all refined; the best of them is taken.
    """
    few = informative(thigh, shank, blocks, parameters.search_blocks)
    many = informative(thigh, shank, blocks, parameters.max_axis_blocks)
    search = _Search(blocks, rate_hz, many, parameters)
    fits = find_hinge(_data(thigh, shank, few), parameters)[:_CANDIDATES]
    # The other pairing of the best is looked at even where the search found no minimum there.
    fits.insert(1, replace(fits[0], shank=-fits[0].shank))
    looks = [Knee(thigh, shank, fit, search.centre(thigh, shank, fit)) for fit in fits]
    looks.sort(key=_badness)
    close = [k for k in looks if _badness(k) <= _CLOSE * _badness(looks[0])]
    finals = sorted((search.refined(k) for k in close), key=_badness)
    best = finals[0]
    for group in (finals, looks):
        rivals = [k for k in group if _other_pairing(k.fit, best.fit)]
        if rivals:
            margin = _badness(rivals[0]) / _badness(group[0])
            return replace(best, margin=max(margin, 1.0), rival=rivals[0].fit)
    return best


def _badness(knee: Knee) -> float:
    """The axes' misfit times that of the forces at the knee: each alone can be blind.

    Where both are, people's habit of strapping both boxes on alike decides: it makes the axes look alike.
    """
    unlike = 1.0 - float(knee.fit.thigh @ knee.fit.shank)
    misfit = knee.fit.cost * knee.centre.residual_m_s2**2
    return misfit * knee.centre.implausibility * (1.0 + _UNLIKE * unlike)


def _other_pairing(a: HingeFit, b: HingeFit) -> bool:
    return float(a.thigh @ b.thigh) * float(a.shank @ b.shank) < 0


@dataclass(frozen=True, eq=False, slots=True)
class _Search:
    """What all candidates of one search share."""

    blocks: Blocks
    rate_hz: float
    rows: NDArray[np.int64]
    parameters: AngleParameters

    def centre(self, thigh: Attitude, shank: Attitude, fit: HingeFit) -> KneeCentre:
        """The knee centre in the world whose heading these axes tell."""
        view = CommonView(matrices(thigh.level_from_inertial), matrices(shank.level_from_inertial))
        above = [
            np.einsum("ijm,jkm,k->im", world[:2], sensor.strapdown.rotation, axis)
            for world, sensor, axis in ((view.thigh, thigh, fit.thigh), (view.shank, shank, fit.shank))
        ]
        (x1, y1), (x2, y2) = above
        phasor = (x1 + 1j * y1) * (x2 - 1j * y2)
        information = hinge_information(np.abs(phasor), self.parameters)
        heading = smooth_heading(
            phasor, information, self.parameters.skin_process_noise_rad, self.blocks, self.rate_hz
        )
        view = view.turned(heading.heading_rad)
        return find_knee_centre(thigh, shank, (fit.thigh, fit.shank), view, self.rows)

    def refined(self, knee: Knee) -> Knee:
        """The same knee with everything that its levers add: common levels, the view from above."""
        thigh = knee.thigh.with_lever(knee.centre.thigh_m, self.blocks, self.rate_hz, self.parameters)
        shank = knee.shank.with_lever(knee.centre.shank_m, self.blocks, self.rate_hz, self.parameters)
        data = _data(thigh, shank, self.rows)
        upright = knee.centre.upright(data.thigh_up, data.shank_up).astype(np.float64)
        plan = self.plan(thigh, shank, knee.centre)
        start = knee.fit.thigh, knee.fit.shank
        fit = refine_hinge(replace(data, upright=upright, plan=plan), *start, self.parameters)
        return Knee(thigh, shank, fit, self.centre(thigh, shank, fit))

    def plan(self, thigh: Attitude, shank: Attitude, centre: KneeCentre) -> Plan:
        """The view from above in which the forces at the knee agree, no axis needed."""
        (force1, plan1), (force2, plan2) = thigh.seen_from_above(), shank.seen_from_above()
        phasor = force1 * force2.conj()
        noise2 = 2 * (centre.residual_m_s2**2 + _FORCE_BIAS_M_S2**2)
        information = np.abs(phasor) / noise2 / self.parameters.force_s
        wander = self.parameters.skin_process_noise_rad
        heading = smooth_heading(phasor, information, wander, self.blocks, self.rate_hz)
        turned = plan2[:, self.rows] * np.exp(1j * heading.heading_rad[self.rows])
        return Plan(plan1[:, self.rows], turned, heading.sd_rad[self.rows])


def informative(thigh: Attitude, shank: Attitude, blocks: Blocks, count: int) -> NDArray[np.int64]:
    """At most `count` blocks: half of them evenly from all, half evenly from those with movement."""
    usable = np.flatnonzero(~blocks.cut)
    if len(usable) <= count:
        return usable
    rate = np.linalg.norm(thigh.strapdown.gyr, axis=0) + np.linalg.norm(shank.strapdown.gyr, axis=0)
    moving = usable[rate[usable] > _MOVING_RAD_S]
    picks = [rows[:: max(1, -(-2 * len(rows) // count))] for rows in (usable, moving)]
    return np.unique(np.concatenate(picks))


def _data(thigh: Attitude, shank: Attitude, rows: NDArray[np.int64]) -> HingeData:
    return HingeData(
        thigh.strapdown.gyr[:, rows],
        shank.strapdown.gyr[:, rows],
        thigh.up_in_sensor[:, rows],
        shank.up_in_sensor[:, rows],
        np.zeros(len(rows)),
    )
