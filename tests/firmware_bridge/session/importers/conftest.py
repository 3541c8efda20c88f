from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def motion() -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Acceleration in m/s2 and angular rate in rad/s at any time: smooth, and different at every time."""

    def at(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        phase = time_s[:, None] + np.array([0.0, 0.5, 1.0])
        return 9.8 * np.cos(phase), 3.0 * np.sin(2 * phase)

    return at


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines into a file, ended as asked."""

    def write(name: str, lines: list[str], end: str = "\n") -> Path:
        path = tmp_path / name
        path.write_bytes("".join(line + end for line in lines).encode())
        return path

    return write
