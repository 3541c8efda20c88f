from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_bridge.samples import ImuSamples, Segment, Side
from firmware_bridge.session.model import SensorInfo, SessionInfo
from firmware_bridge.timing.device_clock import DeviceClock

MakeSamples = Callable[..., ImuSamples]


@pytest.fixture
def make_samples() -> MakeSamples:
    """Plausible samples; with `clock`, also every optional column, of a sensor that counts microseconds."""

    def make(n: int = 200, *, start: int = 0, rate_hz: float = 100.0, clock: bool = True) -> ImuSamples:
        rng = np.random.default_rng([n, start])
        count = start + np.arange(n)
        time_s = count / rate_hz
        extra: dict[str, Any] = {}
        if clock:
            extra = {
                "mag_ut": rng.normal(0, 30, (n, 3)),
                "arrival_s": time_s,
                "device_ticks": np.round(time_s * 1e6).astype(np.int64) % 2**32,
                "sequence": count % 2**16,
            }
        return ImuSamples(time_s, rng.normal(0, 9, (n, 3)), rng.normal(0, 3, (n, 3)), **extra)

    return make


@pytest.fixture
def info() -> SessionInfo:
    clock = DeviceClock(1e-6, 2**32, 2**16)
    return SessionInfo(
        id="0123456789abcdef",
        client="K17",
        side=Side.LEFT,
        started_at="2025-03-01T10:00:00.000+00:00",
        status="recording",
        sensors={
            Segment.THIGH: SensorInfo("movella-dot", clock=clock),
            Segment.SHANK: SensorInfo("kneeflex", "shin 7", "1.0", 100.0, 156.9, 17.4, clock),
        },
        software={"kneeflex": "0.1.0"},
        notes="größer als „vorher“",
    )


@pytest.fixture
def killed_at() -> Callable[[int, Path, Callable[[], None]], bool]:
    """Runs work in a process that dies just before its n-th access to a folder; tells whether it died."""

    def run(step: int, folder: Path, work: Callable[[], None]) -> bool:
        """Runs the work in a process that dies just before its n-th access to the folder; whether it died."""
        child = os.fork()
        if child == 0:
            seen = 0

            def hook(event: str, arguments: tuple[object, ...]) -> None:
                nonlocal seen
                if event.startswith(("open", "os.", "shutil.")) and str(folder) in str(arguments):
                    seen += 1
                    if seen > step:
                        os._exit(7)

            sys.addaudithook(hook)
            try:
                work()
            finally:
                os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

    return run
