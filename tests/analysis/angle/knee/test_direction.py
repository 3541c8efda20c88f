"""The direction of bending, for movements of known sign."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.angle.knee.direction import Evidence, judge


@pytest.mark.parametrize("sign", [1, -1])
def test_judge_takes_the_sign_that_a_knee_can_do(sign: int) -> None:
    angle = sign * np.linspace(5, 110, 200) + 40
    certain = judge(angle, [Evidence(40.0, 40.0, 15.0)])
    assert certain.sign == sign
    assert certain.log_likelihood_ratio > 3
    assert judge(angle, []).log_likelihood_ratio == 0
