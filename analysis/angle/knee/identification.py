"""Identification of the knee: hinge axes and levers from two oriented sensors, each improving the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.knee.centre import CommonView, KneeCentre, find_knee_centre
from analysis.angle.knee.heading_walk import hinge_walk_information, random_walk_heading
from analysis.angle.knee.hinge import HingeData, HingeFit, Plan, find_hinge, refine_hinge, same_axes
from analysis.angle.orientation.attitude import Attitude
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float


@dataclass(frozen=True, eq=False, slots=True)
class Knee:
    """The identified knee.

    Attributes:
        thigh, shank: the sensors, with up from the force at the knee.
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

    def signed(self, sign: int) -> Knee:
        """The same knee with both axes times `sign`."""
        return replace(self, fit=self.fit.signed(sign))

    @property
    def hinge_bias_rad2_s2(self) -> float:
        """Variance of the residual bias of both gyros along the hinge, at the first sample."""
        sensors = zip(self.axes, (self.thigh, self.shank), strict=True)
        return float(sum(axis @ sensor.bias_covariance[0] @ axis for axis, sensor in sensors))


def find_knee(thigh: Attitude, shank: Attitude, blocks: Blocks, parameters: AngleParameters) -> Knee:
    """Searches the axes from many starts, then refines axes, levers and up with one another.

    All candidates whose first misfits are close are refined; the best of them is taken.
    """
    few, many = (
        informative(thigh, shank, blocks, count, parameters.moving_rad_s)
        for count in (parameters.search_blocks, parameters.max_axis_blocks)
    )
    data = _data(thigh, shank, few)
    fits = find_hinge(data, parameters)[: parameters.candidates]
    search = _Search(blocks, many, parameters)
    # The opposite pairing of the best is always a candidate, even where the search found no minimum there.
    fits.insert(1, replace(fits[0], shank=-fits[0].shank))
    candidates = [Knee(thigh, shank, fit, search.centre(thigh, shank, fit)) for fit in fits]
    misfit = partial(_misfit, mounting_weight=parameters.mounting_weight)
    candidates.sort(key=misfit)
    close = [k for k in candidates if misfit(k) <= parameters.close_misfit * misfit(candidates[0])]
    refined = sorted(((k, search.refined(k)) for k in close), key=lambda pair: misfit(pair[1]))
    start, best = refined[0]
    # A rival keeps its pairing, also where its refinement ends so far away that the signs no longer show it.
    rivals = [
        final
        for first, final in refined
        if (_other_pairing(first.fit, start.fit) or _other_pairing(final.fit, best.fit))
        and not same_axes(final.fit, best.fit)
    ]
    reference = best
    if not rivals:
        rivals = [k for k in candidates if _other_pairing(k.fit, best.fit)]
        reference = candidates[0]
    if not rivals:
        return best
    margin = misfit(rivals[0]) / misfit(reference)
    return replace(best, margin=max(margin, 1.0), rival=rivals[0].fit)


def _misfit(knee: Knee, mounting_weight: float) -> float:
    """Misfit of the axes times misfit of the forces at the knee, because either alone can be uninformative.

    Tie-break: assume both sensors are mounted in similar orientation, so that the two axes are alike.
    """
    unlike = 1.0 - float(knee.fit.thigh @ knee.fit.shank)
    misfit = knee.fit.cost * knee.centre.residual_m_s2**2
    return misfit * knee.centre.implausibility * (1.0 + mounting_weight * unlike)


def _other_pairing(a: HingeFit, b: HingeFit) -> bool:
    return float(a.thigh @ b.thigh) * float(a.shank @ b.shank) < 0


@dataclass(frozen=True, eq=False, slots=True)
class _Search:
    """Inputs that all candidates of one search share."""

    blocks: Blocks
    rows: NDArray[np.int64]
    parameters: AngleParameters

    def centre(self, thigh: Attitude, shank: Attitude, fit: HingeFit) -> KneeCentre:
        """The knee centre in the common world whose heading follows from these axes."""
        above = [
            np.einsum("ijm,jkm,k->im", sensor.level_matrices[:2], sensor.strapdown.rotation, axis)
            for sensor, axis in ((thigh, fit.thigh), (shank, fit.shank))
        ]
        (x1, y1), (x2, y2) = above
        phasor = (x1 + 1j * y1) * (x2 - 1j * y2)
        information = hinge_walk_information(np.abs(phasor), self.parameters)
        heading = random_walk_heading(phasor, information, self.parameters, self.blocks)
        worlds = (sensor.level_matrices[:, :, self.rows] for sensor in (thigh, shank))
        view = CommonView(*worlds).turned(heading.heading_rad[self.rows])
        return find_knee_centre(thigh, shank, (fit.thigh, fit.shank), view, self.rows)

    def refined(self, knee: Knee) -> Knee:
        """The same knee refined with its levers: up, and the view from above, from the common force."""
        thigh = knee.thigh.with_lever(knee.centre.thigh_m, self.blocks, self.parameters)
        shank = knee.shank.with_lever(knee.centre.shank_m, self.blocks, self.parameters)
        data = _data(thigh, shank, self.rows)
        upright = knee.centre.upright(data.thigh_up, data.shank_up).astype(np.float64)
        plan = self.plan(thigh, shank, knee.centre)
        start = knee.fit.thigh, knee.fit.shank
        fit = refine_hinge(replace(data, upright=upright, plan=plan), *start, self.parameters)
        return Knee(thigh, shank, fit, self.centre(thigh, shank, fit))

    def plan(self, thigh: Attitude, shank: Attitude, centre: KneeCentre) -> Plan:
        """The common view from above in which the forces at the knee agree; it needs no axis."""
        (force1, plan1), (force2, plan2) = thigh.seen_from_above(), shank.seen_from_above()
        phasor = force1 * force2.conj()
        noise2 = 2 * (centre.residual_m_s2**2 + self.parameters.force_bias_m_s2**2)
        information = np.abs(phasor) / noise2 / self.parameters.force_s
        heading = random_walk_heading(phasor, information, self.parameters, self.blocks)
        turned = plan2[:, self.rows] * np.exp(1j * heading.heading_rad[self.rows])
        # A heading of which little is known keeps its error for long: blocks meanwhile are one observation.
        sd_rad = heading.sd_rad[self.rows]
        lasting_s = (sd_rad / self.parameters.skin_process_noise_rad) ** 2
        longest_s = self.blocks.count * self.blocks.spacing_s
        shared = np.maximum(np.minimum(lasting_s, longest_s) / self.parameters.wobble_s, 1.0)
        return Plan(plan1[:, self.rows], turned, sd_rad * np.sqrt(shared))


def informative(
    thigh: Attitude, shank: Attitude, blocks: Blocks, count: int, moving_rad_s: float
) -> NDArray[np.int64]:
    """At most `count` blocks: half of them spread over all, half over those with movement."""
    usable = np.flatnonzero(~blocks.cut)
    if len(usable) <= count:
        return usable
    rate = np.linalg.norm(thigh.strapdown.gyr, axis=0) + np.linalg.norm(shank.strapdown.gyr, axis=0)
    moving = usable[rate[usable] > moving_rad_s]
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
