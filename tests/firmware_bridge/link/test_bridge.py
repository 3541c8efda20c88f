from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from firmware_bridge.errors import LinkError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import LinkEvent

TARGETS = {Segment.THIGH: "knee-T", Segment.SHANK: "knee-S"}
COUNT_M_S2 = 16 * 9.80665 / 32768


class Recorder:
    """A sink and listener that keeps everything, and lets a test wait for what it needs."""

    def __init__(self) -> None:
        self.chunks: dict[Segment, list[ImuSamples]] = {segment: [] for segment in Segment}
        self.events: list[LinkEvent] = []
        self._news = threading.Condition()

    def sink(self, segment: Segment, samples: ImuSamples) -> None:
        with self._news:
            self.chunks[segment].append(samples)
            self._news.notify_all()

    def listen(self, event: LinkEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, timeout=60), "it never happened"

    def wait_s(self, segment: Segment, seconds: float) -> None:
        """Until that much more session time has arrived."""
        until = self.end_s(segment) + seconds
        self.wait(lambda: self.end_s(segment) > until)

    def end_s(self, segment: Segment) -> float:
        return float(self.chunks[segment][-1].time_s[-1]) if self.chunks[segment] else 0.0

    def states(self, segment: Segment) -> list[str]:
        return [event.state for event in self.events if event.segment == segment]

    def samples(self, segment: Segment) -> ImuSamples:
        return ImuSamples.concatenate(self.chunks[segment])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def bridge(radio: Any, recorder: Recorder) -> Bridge:
    return Bridge(TARGETS, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=2)


def numbers(samples: ImuSamples) -> np.ndarray:
    """The number that every sample of a fake sensor carries."""
    return np.rint(samples.acc_m_s2[:, 0] / COUNT_M_S2).astype(int)


def test_streams_both_sensors_on_one_clock_without_losing_a_sample(radio, thigh, bridge, recorder):
    with bridge:
        for segment in Segment:
            recorder.wait_s(segment, 5)
        status = bridge.status
        zero_s = bridge.session_t0
    for segment in Segment:
        samples = recorder.samples(segment)
        assert np.all(np.diff(numbers(samples)) == 1)
        assert np.all(np.diff(samples.time_s) > 0)
        assert samples.time_s[0] >= 0
        assert samples.sequence is not None
        assert samples.device_ticks is not None
        assert samples.arrival_s is not None
        assert np.all(samples.arrival_s >= samples.time_s - 1e-6)
        assert status[segment].state == "connected"
        assert status[segment].lost == 0
        assert bridge.infos[segment].driver == "kneeflex"


def test_both_sensors_are_timed_alike(radio, thigh, shank, bridge, recorder):
    with bridge:
        recorder.wait_s(Segment.SHANK, 5)
    for segment, sensor in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        samples = recorder.samples(segment)
        truth_s = np.array(sensor.truth_s)[numbers(samples)] - bridge.session_t0
        # The fake radio takes up to 2 ms of wall time to notice a sample.
        np.testing.assert_allclose(samples.time_s, truth_s, atol=0.02)
        print(np.percentile(samples.time_s - truth_s, [0, 50, 100]), bridge.status[segment])
