"""What watches one stream, alone: without a radio, at times that rounding makes awkward."""

from __future__ import annotations

import asyncio
from random import Random
from types import SimpleNamespace

import pytest

from firmware_bridge.link.supervisor import ConnectionSupervisor
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment


class Watched:
    """A supervisor of a stream that has fallen silent, on a clock that may be asked so many times only.

    Without the limit, a supervisor that waits for nothing at all would never let the simulated time go on.
    """

    def __init__(self, clock):
        self.clock, self.reports, self.asked = clock, [], 0
        self.request = SimpleNamespace(
            segment=Segment.THIGH,
            driver=SimpleNamespace(quiet_s=0.0),
            radio=SimpleNamespace(clock=self),
            deliver=self.reports.append,
        )
        self.supervisor = ConnectionSupervisor(self.request, Target("knee-T"), asyncio.Lock(), None)

    def now_s(self):
        self.asked += 1
        assert self.asked < 200, "the time stands still"
        return self.clock.now_s()

    async def watch(self):
        connection = SimpleNamespace(
            rate_hz=100.0, request=self.request, gone=asyncio.Event(), last_arrival_s=self.clock.now_s()
        )
        return await self.supervisor._until_lost(connection)


@pytest.mark.parametrize("seed", range(40))
def test_a_silent_stream_is_reported_in_time_whatever_rounding_does_to_the_waits(clock, seed):
    # Where the last packet arrived decides what rounding leaves of the wait; one in ten left a rest for ever.
    clock.sleep(Random(seed).uniform(1.0, 10.0))
    watched, since_s = Watched(clock), clock.now_s()
    assert clock.run(watched.watch()) == "silent"
    assert [report.state for report in watched.reports] == ["stalled"]
    assert watched.reports[0].host_s - since_s == pytest.approx(0.5, abs=0.002)
    assert clock.now_s() - since_s == pytest.approx(3.0, abs=0.002)
