"""Orientation of one sensor: up and bias, against a truth and against vqf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from analysis.angle.blocks import Blocks
from analysis.angle.grid import common_grid
from analysis.angle.orientation.attitude import find_attitude
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0


def test_attitude_finds_up_to_both_ends_despite_a_bias(tumbling: Callable, degrees_between: Callable) -> None:
    motion, up = tumbling(60.0, bias_deg_s=0.5)
    known = np.ones(up.shape[1], dtype=bool)
    blocks = Blocks.of(known, RATE_HZ, DEFAULTS.block_s)
    attitude = find_attitude(motion, known, np.ones(blocks.count), blocks, DEFAULTS)
    error = degrees_between(attitude.up_in_sensor, up[:, blocks.middle])
    assert error.max() < 0.2, "no transient at either end"
    assert np.degrees(attitude.bias_rad_s) == pytest.approx([0.5, 0.5, 0.5], abs=0.05)


@pytest.mark.parametrize("which", ["thigh", "shank"])
def test_attitude_has_the_up_of_vqf(simulated: Callable, degrees_between: Callable, which: str) -> None:
    vqf = pytest.importorskip("vqf")
    case = simulated("standing")
    grid = common_grid(case.thigh, case.shank, DEFAULTS)
    motion = grid.thigh if which == "thigh" else grid.shank
    blocks = Blocks.of(grid.carried, grid.rate_hz, DEFAULTS.block_s)
    up = find_attitude(
        motion, grid.known, np.ones(blocks.count), blocks, replace(DEFAULTS, gravity_tau_s=3.0)
    ).up_in_sensor
    gyr, acc = (np.ascontiguousarray(v.T) for v in (motion.gyr_rad_s, motion.acc_m_s2))
    world_from_sensor = Rotation.from_quat(
        vqf.offlineVQF(gyr, acc, None, 1 / grid.rate_hz)["quat6D"], scalar_first=True
    )
    seen = world_from_sensor.inv().apply([0, 0, 1])
    # It holds every rate for a whole step, so its attitudes are half a step ahead.
    expected = (seen[blocks.middle] + seen[blocks.middle - 1]).T / 2
    assert np.sqrt(np.mean(degrees_between(up, expected) ** 2)) < 0.3
