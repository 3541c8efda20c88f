"""Simulated time for every test that waits, and a disk that says when it was synced."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

# Before numpy is loaded, here and in every process that a test starts. Two workers already take two cores:
# threads in the algebra of small matrices only get in their way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A process that a test starts imports the package as this one does, not whatever lies in the current folder.
os.environ.setdefault("PYTHONSAFEPATH", "1")

import numpy as np
import pytest
from hypothesis import settings

from analysis.angle.result import AngleResult, FlexionTrack
from firmware_bridge.samples import Float
from firmware_bridge.virtual.simulated_clock import SimulatedClock
from firmware_bridge.virtual.simulation import SimulatedSession

# Every machine draws the same examples; `--hypothesis-profile=explore` draws others at every run.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> Iterator[None]:
    """Lets Ctrl-C interrupt, also in a background job, which a shell starts with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def clock() -> SimulatedClock:
    """The clock of the test: nothing waits for real, and every run is the same."""
    return SimulatedClock()


@pytest.fixture
def syncs(clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Takes the place of the disk's own syncing, which costs real time; holds when it was asked for."""
    times_s: list[float] = []
    monkeypatch.setattr(
        "firmware_bridge.session.files._sync", lambda descriptor: times_s.append(clock.now_s())
    )
    return times_s


@pytest.fixture(scope="session")
def truth_error() -> Callable[[SimulatedSession, AngleResult | FlexionTrack], Float]:
    """`truth_error(session, result)`: flexion less the truth (n,), in degrees; NaN where nothing is known."""

    def error(session: SimulatedSession, result: AngleResult | FlexionTrack) -> Float:
        track = result.track if isinstance(result, AngleResult) else result
        return track.flexion_deg - np.interp(track.time_s, session.truth.time_s, session.truth.flexion_deg)

    return error


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """Runs an asynchronous test in an event loop on the test's clock."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    pyfuncitem.funcargs["clock"].run(pyfuncitem.obj(**arguments))
    return True
