"""The heading between the two sensors' worlds, from a direction that both see.

Seen level from above, a shared direction d gives the phasor z = (d1x + i d1y) conj(d2x + i d2y), which
turns by the heading between the worlds. The hinge is such a direction where it lies flat (Laidig, Schauer,
Seel 2017, in closed form); the force at the knee is one while the leg accelerates. Here the heading wanders
without a memory, as where skin disturbs it: that is enough to find the axes. What reads the angle is in
`drift`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Bool
from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

# Wander is slow: one step of the filter a second is plenty.
_STEP_S = 1.0
_LEAST_INFORMATION = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Heading:
    """The heading of the shank's world in the thigh's, at the blocks.

    Attributes:
        heading_rad: (m,) unwrapped.
        sd_rad: (m,) one sigma of it.
        bias_sd_rad_s: one sigma of the bias that makes it drift; infinite where none is estimated.
    """

    heading_rad: Float
    sd_rad: Float
    bias_sd_rad_s: float = inf


def hinge_information(level2: Float, parameters: AngleParameters) -> Float:
    """What one second of seeing the hinge says about the heading, 1/rad^2, for its level part squared.

    The hinge's direction wobbles, and the two rises of it differ, which counts more the less level it is.
    """
    p = parameters
    return np.asarray(level2 / (p.wobble_rad**2 * level2 + p.tilt_rad**2) / p.wobble_s)


def smooth_heading(
    phasor: Complex, information: Float, heading_process_noise_rad: float, blocks: Blocks, rate_hz: float
) -> Heading:
    """Carries a wandering heading through the whole recording (a two-sided Kalman filter).

    Args:
        phasor: (m,) as above; only its angle counts.
        information: (m,) what a second of each block is worth, 1/rad^2.
        heading_process_noise_rad: how far the heading wanders in one second.
        blocks: blocks of the samples; the heading is lost across a cut one.
        rate_hz: of the samples.
    """
    spacing_s = blocks.size / rate_hz
    starts = blocks.steps(rate_hz, _STEP_S)
    worth = np.where(blocks.cut, 0.0, information) * spacing_s
    unit = phasor / np.maximum(np.abs(phasor), 1e-12)
    own, toward = np.add.reduceat(worth, starts), np.add.reduceat(worth * unit, starts)
    lost = np.logical_or.reduceat(blocks.cut, starts)
    process_noise_rad2 = heading_process_noise_rad**2 * np.diff(np.append(starts, blocks.count)) * spacing_s
    before = _carry(own, toward, lost, process_noise_rad2)
    after = _carry(own[::-1], toward[::-1], lost[::-1], process_noise_rad2[::-1])
    total = before[0] + own + after[0][::-1]
    mean = before[1] + toward + after[1][::-1]
    middle = (starts + np.append(starts[1:], blocks.count) - 1) / 2
    at = np.arange(blocks.count)
    return Heading(
        np.interp(at, middle, np.unwrap(np.angle(mean))),
        np.interp(at, middle, 1 / np.sqrt(np.maximum(total, _LEAST_INFORMATION))),
    )


def follow(
    phasor: Complex, slow: Heading, blocks: Blocks, rate_hz: float, parameters: AngleParameters
) -> Float:
    """The heading (m,) to read the angle with: slow where the hinge is upright, momentary where it is flat.

    With the momentary heading the angle is the difference of two inclinations, and skin that turns round
    the limb does no harm.
    """
    reach_s = parameters.follow_s
    spacing_s = blocks.size / rate_hz
    wobble = np.where(blocks.cut, 0.0, phasor * np.exp(-1j * slow.heading_rad))
    reach = int(np.ceil(3 * reach_s / spacing_s))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * spacing_s / reach_s) ** 2)
    smoothed = np.convolve(wobble, kernel / kernel.sum(), mode="full")[reach : reach + len(wobble)]
    share = follow_share(np.abs(smoothed), parameters)
    return np.asarray(slow.heading_rad + share * np.angle(smoothed))


def follow_share(level2: Float, parameters: AngleParameters) -> Float:
    """How much of the momentary direction to follow, for the square of the hinge's level part."""
    return np.asarray(level2**2 / (level2**2 + parameters.follow_level**4))


def _carry(own: Float, toward: Complex, lost: Bool, process_noise_rad2: Float) -> tuple[Float, Complex]:
    """What the past says about each step before its own observation; scalars, so plain Python is fast."""
    known, mean = 0.0, 0j
    knowns, means = [], []
    steps = zip(own.tolist(), toward.tolist(), lost.tolist(), process_noise_rad2.tolist(), strict=True)
    for information, direction, gone, wandered2 in steps:
        knowns.append(known)
        means.append(mean)
        known, mean = known + information, mean + direction
        fade = 0.0 if gone else 1.0 / (1.0 + wandered2 * known)
        known, mean = known * fade, mean * fade
    return np.array(knowns), np.array(means)
