"""The heading between the two sensors' worlds, from the hinge that they share.

Seen level from above, the hinge has one direction; z = (v1x + i v1y) conj(v2x + i v2y) turns by the
heading between the worlds and is long where the hinge lies flat (Laidig, Schauer, Seel 2017, in closed
form). That heading drifts slowly with the gyros, and wobbles with skin and with the knee's small turns
off the hinge. A two-sided Kalman smoother for the drift carries it through the times when the hinge
stands upright, and says how uncertain it becomes. Where the hinge lies flat, the momentary direction is
followed too: that makes the angle the difference of two inclinations, and skin that turns round the limb
does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float

Complex = NDArray[np.complex128]

# How far the hinge's direction wobbles about the drifting heading, and for how long one wobble lasts.
WOBBLE_RAD = np.radians(5.0)
WOBBLE_S = 1.0
# How far the two rises of the hinge differ; divided by the level part it becomes an error of direction.
RISE_RAD = np.radians(2.0)
# What is left of the gyros' bias lets the heading wander by this much in each square root of a second.
WANDER_RAD = np.radians(0.1)
STEP_S = 1.0
# The momentary direction is averaged over about this long: impacts are shorter, steps longer.
FOLLOW_S = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Heading:
    """The slow heading of the thigh's world as seen from the shank's, at steps of time.

    Attributes:
        time_s: (k,) from the first sample.
        heading_rad: (k,) unwrapped.
        sd_rad: (k,) one sigma.
    """

    time_s: Float
    heading_rad: Float
    sd_rad: Float


def slow_heading(phasor: Complex, spacing_s: float, broken: NDArray[np.bool_]) -> Heading:
    """Smooths phasors (m,) at the knots.

    Args:
        phasor: z as above; its length is the product of the level parts of the hinge.
        spacing_s: of the knots.
        broken: (m,) knots across which the heading is lost (gaps).
    """
    size = max(1, round(STEP_S / spacing_s))
    starts = np.arange(0, len(phasor), size)
    level2 = np.abs(phasor)
    # A direction is known to wobble (+) rise / level; one second counts as one observation.
    weight = level2 / (WOBBLE_RAD**2 * level2 + RISE_RAD**2) / level2.clip(1e-12)
    information = np.add.reduceat(weight * level2, starts) / size / WOBBLE_S * STEP_S
    direction = np.add.reduceat(weight * phasor, starts) / size / WOBBLE_S * STEP_S
    lost = np.logical_or.reduceat(broken, starts)
    forward = _carry(information, direction, lost)
    backward = [part[::-1] for part in _carry(information[::-1], direction[::-1], lost[::-1])]
    total = forward[0] + backward[0] + information
    mean = forward[1] + backward[1] + direction
    time_s = (starts + np.minimum(starts + size, len(phasor))) / 2 * spacing_s
    return Heading(time_s, np.unwrap(np.angle(mean)), 1 / np.sqrt(np.maximum(total, 0.1)))


def follow(phasor: Complex, slow_rad: Float, spacing_s: float, broken: NDArray[np.bool_]) -> Float:
    """The heading (m,) at the knots: slow where the hinge is upright, near the momentary one where flat."""
    wobble = np.where(broken, 0.0, phasor * np.exp(-1j * slow_rad))
    reach = int(np.ceil(3 * FOLLOW_S / spacing_s))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * spacing_s / FOLLOW_S) ** 2)
    smoothed = np.convolve(wobble, kernel / kernel.sum(), mode="full")[reach : reach + len(wobble)]
    level2 = np.abs(smoothed)
    return np.asarray(slow_rad + follow_share(level2) * np.angle(smoothed))


def follow_share(level2: Float) -> Float:
    """How much of the momentary direction to follow, for the square of the hinge's level part."""
    return np.asarray(level2 / (level2 + (RISE_RAD / WOBBLE_RAD) ** 2))


def _carry(information: Float, direction: Complex, lost: NDArray[np.bool_]) -> tuple[Float, Complex]:
    """What the past says about each step before its own observation; scalars, so plain Python is fast."""
    wander2 = WANDER_RAD**2 * STEP_S
    known, mean = 0.0, 0j
    knowns, means = [], []
    for own, toward, gone in zip(information.tolist(), direction.tolist(), lost.tolist(), strict=True):
        knowns.append(known)
        means.append(mean)
        known, mean = known + own, mean + toward
        fade = 0.0 if gone else 1.0 / (1.0 + wander2 * known)
        known, mean = known * fade, mean * fade
    return np.array(knowns), np.array(means)
