from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def kneeflex() -> Run:
    """The command as a person runs it, in a process of its own and without a screen."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}

    def run(*arguments: str | Path, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", "from analysis.cli import main; main()"]
        return subprocess.run(
            [*command, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def simulated() -> SimulatedSession:
    """A session in which the knee really becomes 9 deg straighter."""
    return simulate_session(condensed_session(gain_deg=9.0, warmup_repetitions=4, seed=3), seed=3)


@pytest.fixture
def session_folder(tmp_path: Path, simulated: SimulatedSession) -> Path:
    folder = tmp_path / "session"
    write_session(folder, simulated.recording)
    return folder
