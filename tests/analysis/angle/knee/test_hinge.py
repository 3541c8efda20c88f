"""The search for the axes, against a hinge whose axes are known."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from analysis.angle.knee.hinge import HingeData, find_hinge
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


def test_a_held_posture_is_one_look_at_the_axes_however_long() -> None:
    fit = find_hinge(swinging_then_still(still=3000, skin_shift_deg=4.0), DEFAULTS)[0]
    for axis in (fit.thigh, fit.shank):
        assert np.degrees(np.arccos(abs(axis[2]))) < 0.2
