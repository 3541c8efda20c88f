"""The direction of bending, for movements of known sign."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.angle.doubts import SURE_RATIO
from analysis.angle.knee.direction import Evidence, judge, mounting_evidence


@pytest.mark.parametrize("sign", [1, -1])
def test_judge_takes_the_sign_that_a_knee_can_do(sign: int) -> None:
    angle = sign * np.linspace(5, 110, 200) + 40
    certain = judge(angle, [Evidence(40.0, 40.0, 15.0)])
    assert certain.sign == sign
    assert certain.log_likelihood_ratio > 3
    assert judge(angle, []).log_likelihood_ratio == 0


def test_sources_that_contradict_each_other_leave_doubt() -> None:
    """As in a recorded walk: the levers say one thing, sensors mounted alike the other."""
    angle_deg = np.linspace(0.0, 100.0, 200)
    levers, mounting = Evidence(0.0, 0.0, 25.0), Evidence(100.0, 100.0, 40.0, 2.3)
    alone, both = judge(angle_deg, [levers]), judge(angle_deg, [levers, mounting])
    assert alone.log_likelihood_ratio > SURE_RATIO
    assert both.sign == alone.sign
    assert both.log_likelihood_ratio < alone.log_likelihood_ratio - 4.0


def test_mounting_alone_never_settles_the_direction() -> None:
    axis = np.array([0.0, 1.0, 0.0])
    evidence = mounting_evidence((axis, axis))
    assert evidence is not None
    for low_deg in (-140.0, 0.0, 60.0):
        judged = judge(np.linspace(low_deg, low_deg + 70.0, 100), [evidence])
        assert judged.log_likelihood_ratio < SURE_RATIO
