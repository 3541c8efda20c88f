"""A sensor with a known orientation, for every test of this room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from analysis.angle.grid import Motion

RATE_HZ = 100.0


@pytest.fixture(scope="session")
def tumbling() -> Callable[..., tuple[Motion, np.ndarray]]:
    """`tumbling(duration_s, bias_deg_s=0)`: a sensor that tumbles in place at 100 Hz, and up in it (3, n)."""

    def make(duration_s: float, bias_deg_s: float = 0.0) -> tuple[Motion, np.ndarray]:
        rng = np.random.default_rng(0)
        time_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
        angles = np.stack(
            [np.sin(f * time_s + p) for f, p in zip((1.1, 0.7, 1.7), rng.uniform(0, 6, 3), strict=True)]
        )
        world_from_sensor = Rotation.from_euler("zyx", (0.8 * angles).T)
        step = world_from_sensor[:-1].inv() * world_from_sensor[1:]
        between = step.as_rotvec() * RATE_HZ
        gyr = np.vstack((between[:1], (between[1:] + between[:-1]) / 2, between[-1:]))
        up = world_from_sensor.inv().apply([0, 0, 1])
        return Motion((9.81 * up).T.copy(), gyr.T + np.radians(bias_deg_s)), up.T

    return make


@pytest.fixture(scope="session")
def degrees_between() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The angle between unit vectors (3, n), in degrees."""

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.degrees(np.arccos(np.clip((a * b).sum(axis=0), -1, 1)))

    return between
