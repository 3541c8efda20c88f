"""Weights of the force at rest, and what they do for the direction of gravity beside a movement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Motion
from analysis.angle.orientation.gravity import find_up
from analysis.angle.orientation.rest import force_weights
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0


def resting_then_shaken(rest_s: float, bias_deg_s: float = 0.2) -> tuple[Motion, np.ndarray]:
    """A sensor that lies still and is then pushed to and fro without tilting; True at rest (n,)."""
    rng = np.random.default_rng(0)
    time_s = np.arange(int((rest_s + 6.0) * RATE_HZ)) / RATE_HZ
    moving = time_s > rest_s
    push = np.where(moving, 0.5 + 2.0 * np.sin(6.0 * time_s), 0.0)
    acc = np.stack((push, 0.0 * push, np.full_like(push, 9.81))) + rng.normal(0.0, 0.05, (3, len(push)))
    gyr = np.radians(bias_deg_s) + rng.normal(0.0, np.radians(0.1), (3, len(push)))
    return Motion(acc, gyr), ~moving


def test_force_weights_are_large_at_rest_and_one_in_motion() -> None:
    motion, rest = resting_then_shaken(4.0)
    blocks = Blocks.of(np.ones(len(rest), dtype=bool), RATE_HZ, DEFAULTS.block_s)
    weight = force_weights((motion,), blocks, DEFAULTS)
    still = rest[blocks.middle]
    edge = int(np.flatnonzero(~still)[0])
    assert weight[: edge - 2].min() > 5.0
    assert np.median(weight[edge:]) == 1.0


def test_force_weights_are_those_of_the_sensor_that_moves() -> None:
    still, _ = resting_then_shaken(20.0)
    moving, _ = resting_then_shaken(0.0)
    n = len(moving.acc_m_s2[0])
    blocks = Blocks.of(np.ones(n, dtype=bool), RATE_HZ, DEFAULTS.block_s)
    part = Motion(still.acc_m_s2[:, :n], still.gyr_rad_s[:, :n])
    both = force_weights((part, moving), blocks, DEFAULTS)
    assert np.array_equal(both, np.minimum(both, force_weights((moving,), blocks, DEFAULTS)))
    assert np.median(both) == 1.0


def test_up_at_rest_is_not_pulled_by_the_movement_beside_it(degrees_between: Callable) -> None:
    motion, rest = resting_then_shaken(2.3)
    blocks = Blocks.of(np.ones(len(rest), dtype=bool), RATE_HZ, DEFAULTS.block_s)
    force = blocks.mean(motion.acc_m_s2)
    up = np.zeros_like(force)
    up[2] = 1.0
    still = rest[blocks.middle]
    weights = force_weights((motion,), blocks, DEFAULTS), np.ones(blocks.count)
    worst = [
        degrees_between(find_up(force, weight, blocks, DEFAULTS.gravity_tau_s), up)[still][:-3].max()
        for weight in weights
    ]
    assert worst[0] < 0.5 * worst[1]
