"""Sensors that send less than the project's own profile: no clock, or not even a counter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.drivers import DRIVERS
from firmware_bridge.drivers.kneeflex import Kneeflex
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment
from firmware_bridge.timing.device_clock import DeviceClock


class WithoutClock(Kneeflex):
    """The kneeflex profile without its clock, and with its counter only if there is a clock description."""

    name = "plain"
    ping = None
    clock: DeviceClock | None = None

    def info(self, name, reads, rate_hz):
        return replace(super().info(name, reads, rate_hz), driver=self.name, clock=self.clock)

    def decoder(self, reads, rate_hz):
        decoder, counts = super().decoder(reads, rate_hz), self.clock is not None

        class Plain:
            def decode(self, characteristic, payload):
                decoded = decoder.decode(characteristic, payload)
                return replace(decoded, device_ticks=None, sequence=decoded.sequence if counts else None)

        return Plain()


class Counting(WithoutClock):
    clock = DeviceClock(tick_s=1.0, ticks_modulo=1, sequence_modulo=1 << 16)


@pytest.fixture(params=[WithoutClock, Counting])
def driver(request, monkeypatch):
    monkeypatch.setitem(DRIVERS, "plain", request.param())
    return request.param


def test_time_stays_true_over_jitter_and_a_lost_link(radio, thigh, shank, recorder, numbers, driver):
    targets = {Segment.THIGH: Target("knee-T", "plain"), Segment.SHANK: Target("knee-S", "plain")}
    with Bridge(targets, radio, sinks=[recorder.sink], on_event=recorder.listen) as bridge:
        recorder.wait_s(Segment.THIGH, 2)
        radio.do(thigh.drop_link)
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.THIGH, 2)
        status = bridge.status
    for segment, sensor in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        samples = recorder.samples(segment)
        assert np.all(np.diff(numbers(samples)) == 1)
        assert np.all(np.diff(samples.time_s) > 0)
        error_s = samples.time_s - (np.array(sensor.truth_s)[numbers(samples)] - bridge.session_t0)
        # Without a ping nothing tells the time from measuring to sending, here one period.
        assert np.median(np.abs(error_s)) == pytest.approx(0.0102, abs=2e-4)
    assert status[Segment.THIGH].reconnects == 1
    assert status[Segment.THIGH].drift_ppm is None
    gap_s = np.diff(recorder.samples(Segment.THIGH).time_s).max()
    if driver is Counting:
        assert status[Segment.SHANK].lost == 0
        assert status[Segment.THIGH].lost == round(100 * gap_s) - 1
    else:
        assert status[Segment.SHANK].lost is None
        assert status[Segment.SHANK].lost_estimate == 0
        assert status[Segment.THIGH].lost_estimate == round(100 * gap_s) - 1
