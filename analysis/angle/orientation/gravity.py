"""The direction of gravity ("up") in the frame that a gyro keeps.

The force is smoothed in the almost-inertial frame (Laidig and Seel 2023, VQF). The smoother is the
Whittaker-Henderson one: minimise sum w (force - f)^2 + l sum (second difference of f)^2. Its gain
1 / (1 + (w / wc)^4) is that of VQF's second-order Butterworth filter run forward and backward, but it
has no transient at the ends and stops at gaps without special cases. With the weight w of a block its time
constant falls as w to the power of -1/4.

It stays separate from the low-pass filter of the causal form (`causal.sensor`): a two-sided smoother has no
delay and needs the future, a causal filter has neither. They share the frame and the time constant.
"""

from __future__ import annotations

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.orientation.quaternion import Pair, running_product, shortest
from firmware_bridge.samples import Float

# Ties a block inside a gap to its neighbours, so that the equations stay regular; far below any data.
_LOOSE = 1e-9


def find_up(force: Float, weight: Float, blocks: Blocks, tau_s: float) -> Float:
    """Up as unit vectors (3, m) in the inertial frame, each from all blocks around it.

    Args:
        force: (3, m) mean force of each block; best that of the knee centre, which both sensors share.
        weight: (m,) of each block (`rest.force_weights`).
        blocks: the blocks.
        tau_s: time constant; the cut-off is sqrt(2) / (2 pi tau), as in VQF.
    """
    smoothed = smooth(force, weight, blocks, tau_s)
    return np.asarray(smoothed / np.maximum(np.linalg.norm(smoothed, axis=0), 1e-9))


def smooth(values: Float, weight: Float, blocks: Blocks, tau_s: float) -> Float:
    """The smoother of `find_up` on any (k, m)."""
    cutoff = np.sqrt(2.0) / tau_s * blocks.spacing_s
    stiffness = np.full(max(blocks.count - 2, 0), cutoff**-4.0)
    stiffness[blocks.cut[:-2] | blocks.cut[1:-1] | blocks.cut[2:]] = _LOOSE
    return _smooth(values, np.where(blocks.cut, _LOOSE, weight), stiffness)


def _smooth(values: Float, weights: Float, stiffness: Float) -> Float:
    """Whittaker-Henderson smoothing of (k, m); stiffness (m - 2,) of the inner second differences."""
    from scipy.linalg import solveh_banded

    m = values.shape[1]
    band = np.zeros((3, m))
    band[2] = weights
    if m >= 3:
        band[2, :-2] += stiffness
        band[2, 1:-1] += 4 * stiffness
        band[2, 2:] += stiffness
        band[1, 1:-1] -= 2 * stiffness
        band[1, 2:] -= 2 * stiffness
        band[0, 2:] += stiffness
    else:
        band = band[2:]
    return np.asarray(solveh_banded(band, (values * weights).T).T)


def level_from_inertial(up: Float) -> Pair:
    """Rotations that take up (3, m) to z without turning about it.

    Each step turns by the shortest way from one up to the next (parallel transport), so the heading is
    that of the gyro alone.
    """
    previous = np.concatenate((np.array([[0.0], [0.0], [1.0]]), up[:, :-1]), axis=1)
    return running_product(shortest(up, previous))
