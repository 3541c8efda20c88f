from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.answer import angle_of
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import LinkEvent, Marker, Pain, Recording
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session


@pytest.fixture(scope="package")
def recording() -> Recording:
    """A session in which the shin's sensor lost every twentieth sample, and half a second in one piece."""
    found = simulate_session(condensed_session(seed=3), seed=3).recording
    n = len(found.shank)
    lost = (np.arange(n) % 20 == 7) | ((found.shank.time_s > 40.0) & (found.shank.time_s < 40.5))
    extra = (
        Marker(30.0, "Anna is tired"),
        Pain(31.0, 2.0),
        LinkEvent(40.0, Segment.SHANK, "lost"),
    )
    info = replace(found.info, client="P-07", id="0123", notes="Anna", started_at="2026-03-01T10:00:00+00:00")
    return replace(found, info=info, shank=found.shank[~lost], events=(*found.events, *extra))


@pytest.fixture(scope="package")
def sessions(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of one person and one of another, answered once; the later one has the earlier name."""
    root = tmp_path_factory.mktemp("sessions")
    for name, client, day in (("a", "P-07", 2), ("b", "P-07", 1), ("q/c", "Q1", 1)):
        started = f"2026-03-0{day}T10:00:00+00:00"
        info = replace(recording.info, client=client, id=f"{client}{day}", started_at=started)
        write_session(root / name, replace(recording, info=info))
        angle_of(read_session(root / name), folder=root / name, keep=True)
    return root
