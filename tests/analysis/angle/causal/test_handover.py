"""From the estimate over the past to the stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.angle.causal.handover import state_before_end
from analysis.angle.causal.reading import CausalKnee
from analysis.angle.estimate import estimate_strapping
from analysis.angle.grid import Grid, Motion, common_grid
from analysis.angle.parameters import DEFAULTS


@pytest.mark.parametrize("posture", ["prone", "side_lying"])
def test_causal_knee_continues_where_the_search_ended(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    grid = common_grid(case.thigh, case.shank, DEFAULTS)
    rows = slice(0, 3000)
    part = Grid(grid.time_s[rows], grid.rate_hz, grid.known[rows], grid.carried[rows], *(
        Motion(m.acc_m_s2[:, rows], m.gyr_rad_s[:, rows]) for m in (grid.thigh, grid.shank)
    ))  # fmt: skip
    found = estimate_strapping(part, [], DEFAULTS)
    knee = CausalKnee(found, DEFAULTS)
    first, state = state_before_end(found, 10.0)
    assert 0.0 < (len(part.time_s) - first) / grid.rate_hz - 10.0 <= 1.2
    knee.restart(state)
    for k in range(first, len(part.time_s)):
        angle = knee.step(
            *((tuple(m.gyr_rad_s[:, k]), tuple(m.acc_m_s2[:, k])) for m in (part.thigh, part.shank))
        )
        # The last seconds have no future that the search could have used.
        apart = angle.angle_deg - found.zero.zero_deg - found.flexion_deg[k]
        assert abs(apart) < (1.5 if k < 2700 else 0.7)


def test_a_pose_entered_late_is_the_pose_entered_in_time(simulated: Callable) -> None:
    """On an upright hinge the heading of the pose counts, not that of the present."""
    case = simulated("side_lying")
    grid = common_grid(case.thigh, case.shank, DEFAULTS)
    found = estimate_strapping(grid, [], DEFAULTS)
    knees = CausalKnee(found, DEFAULTS), CausalKnee(found, DEFAULTS)
    posed, told = 2500, 4500
    angles = []
    for k in range(told):
        both = [(tuple(m.gyr_rad_s[:, k]), tuple(m.acc_m_s2[:, k])) for m in (grid.thigh, grid.shank)]
        angles = [knee.step(*both) for knee in knees]
        if k == posed:
            assert knees[0].set_zero()
    assert angles[0].sd_deg != angles[1].sd_deg
    assert knees[1].set_zero(told - 1 - posed)
    both = [(tuple(m.gyr_rad_s[:, told]), tuple(m.acc_m_s2[:, told])) for m in (grid.thigh, grid.shank)]
    one, two = (knee.step(*both) for knee in knees)
    assert one.angle_deg == pytest.approx(two.angle_deg, abs=1e-9)
    assert one.sd_deg == pytest.approx(two.sd_deg, abs=1e-9)
    assert not knees[1].set_zero(10**6)
