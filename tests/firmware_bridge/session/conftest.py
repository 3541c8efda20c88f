from __future__ import annotations

from collections.abc import Callable
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
