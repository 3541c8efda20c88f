"""The search for the axes, against a hinge whose axes are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from analysis.angle.knee.hinge import HingeData, find_hinge, tangents
from analysis.angle.parameters import DEFAULTS


def swinging_then_still(still: int, skin_shift_deg: float, seed: int = 0) -> HingeData:
    """A perfect hinge along z of both sensors that swings and sways, then `still` blocks of one posture
    in which skin has tilted the thigh's sensor sideways."""
    rng = np.random.default_rng(seed)
    thigh_gyr, up = rng.normal(0, 1.0, (3, 300)), rng.normal(0, 1.0, (3, 300))
    up /= np.linalg.norm(up, axis=0)
    flexion = rng.uniform(0, 1.5, 300)
    turn = Rotation.from_rotvec(np.outer(flexion, [0, 0, 1])).inv()
    shank_gyr = turn.apply(thigh_gyr.T).T + np.outer([0, 0, 1], rng.normal(0, 3.0, 300))
    lean = np.radians(skin_shift_deg)
    tilted = np.array([[np.cos(lean)], [0.0], [np.sin(lean)]])
    straight = np.array([[1.0], [0.0], [0.0]])
    none = np.zeros((3, still))
    return HingeData(
        np.hstack((thigh_gyr, none)),
        np.hstack((shank_gyr, none)),
        np.hstack((up, np.repeat(tilted, still, axis=1))),
        np.hstack((turn.apply(up.T).T, np.repeat(straight, still, axis=1))),
        np.hstack((np.zeros(300), np.ones(still))),
    )


def test_find_hinge_counts_a_held_posture_as_one_observation() -> None:
    fit = find_hinge(swinging_then_still(still=3000, skin_shift_deg=4.0), DEFAULTS)[0]
    for axis in (fit.thigh, fit.shank):
        assert np.degrees(np.arccos(abs(axis[2]))) < 0.2


def turning_about(axis1: np.ndarray, axis2: np.ndarray, seed: int = 0) -> HingeData:
    """A perfect hinge whose segments tumble freely."""
    rng = np.random.default_rng(seed)
    m = 800
    time_s = np.arange(m) / 20
    flexion, rate = 0.8 * np.sin(2 * time_s), 1.6 * np.cos(2 * time_s)
    hinge_from_world = Rotation.from_euler("xyz", 0.5 * np.sin(np.outer(time_s, (0.9, 1.3, 0.6))))
    spin = rng.normal(0, 0.4, (3, 1)) * np.sin(time_s * 1.1 + rng.uniform(0, 6, (3, 1)))
    up = hinge_from_world.apply([0, 0, 1]).T
    back = Rotation.from_rotvec(np.outer(flexion, [0, 0, -1]))
    up2 = back.apply(up.T).T
    spin2 = back.apply(spin.T).T + np.outer([0, 0, 1], rate)
    frames = [np.concatenate((tangents(a), a[None])).T for a in (axis1, axis2)]
    zeros = np.zeros(m)
    return HingeData(frames[0] @ spin, frames[1] @ spin2, frames[0] @ up, frames[1] @ up2, zeros)


@pytest.mark.parametrize("seed", range(5))
def test_find_hinge_finds_a_perfect_hinge_with_its_pairing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis1, axis2 = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    best = find_hinge(turning_about(axis1, axis2, seed), DEFAULTS)[0]
    sign = np.sign(best.thigh @ axis1)
    assert best.thigh == pytest.approx(sign * axis1, abs=2e-3)
    assert best.shank == pytest.approx(sign * axis2, abs=2e-3)
