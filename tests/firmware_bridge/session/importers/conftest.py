from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session


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


@pytest.fixture(scope="session")
def leg() -> dict[Segment, ImuSamples]:
    """Half a minute of a simulated leg: rests, and swings that turn gravity in both sensors."""
    session = simulate_session(condensed_session(seed=3), seed=3)
    return {
        segment: ImuSamples(np.arange(2200) / 100.0, samples.acc_m_s2[:2200], samples.gyr_rad_s[:2200])
        for segment, samples in (
            (Segment.THIGH, session.recording.thigh),
            (Segment.SHANK, session.recording.shank),
        )
    }
