"""Up, against scipy's zero-phase filter and across gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.orientation.gravity import find_up, level_from_inertial
from analysis.angle.orientation.quaternion import rotate

RATE_HZ = 100.0


def test_find_up_smooths_like_the_filter_forward_and_backward(degrees_between: Callable) -> None:
    from scipy.signal import butter, sosfiltfilt

    rng = np.random.default_rng(1)
    n, size, tau_s = 12_000, 5, 2.0
    blocks = Blocks.of(np.ones(n, dtype=bool), RATE_HZ, 0.05)
    force = np.array([[0.3], [0.1], [9.8]]) + rng.normal(0, 1.0, (3, blocks.count))
    up = find_up(force, np.ones(blocks.count), blocks, tau_s)
    sos = butter(2, np.sqrt(2) / (2 * np.pi * tau_s), fs=RATE_HZ / size, output="sos")
    expected = sosfiltfilt(sos, force)
    expected /= np.linalg.norm(expected, axis=0)
    middle = slice(400, -400)
    assert degrees_between(up, expected)[middle].max() < 0.02


def test_find_up_does_not_smooth_across_a_gap() -> None:
    carried = np.ones(4000, dtype=bool)
    carried[2000:2050] = False
    blocks = Blocks.of(carried, RATE_HZ, 0.05)
    force = np.zeros((3, blocks.count))
    force[2, : blocks.count // 2], force[0, blocks.count // 2 :] = 9.81, 9.81
    up = find_up(force, np.ones(blocks.count), blocks, 2.0)
    good = ~blocks.cut
    first = good & (np.arange(blocks.count) < blocks.count // 2)
    assert np.allclose(up[:, first], [[0], [0], [1]], atol=1e-6)
    assert np.allclose(up[:, good & ~first], [[1], [0], [0]], atol=1e-6)


def test_level_from_inertial_takes_up_to_z_without_turning_about_it() -> None:
    angle = np.linspace(0, 0.3, 50)
    up = np.stack((np.sin(angle), 0 * angle, np.cos(angle)))
    level = level_from_inertial(up)
    assert np.allclose(rotate(level, up), [[0], [0], [1]])
    assert np.allclose(rotate(level, np.tile([[0.0], [1], [0]], 50)), [[0], [1], [0]])
