"""Simulated time for every test that waits, and a disk that says when it was synced."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from firmware_bridge.virtual.simulated_clock import SimulatedClock


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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """Runs an asynchronous test in an event loop on the test's clock."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    pyfuncitem.funcargs["clock"].run(pyfuncitem.obj(**arguments))
    return True
