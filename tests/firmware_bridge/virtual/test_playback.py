from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.samples import ImuSamples
from firmware_bridge.virtual.playback import BoardClock, Playback
from firmware_bridge.virtual.wearing import Worn

WORN = Worn((0.0, 0.0, 0.0), clock_ppm=100.0, phase_s=0.004)
RATE_HZ = 100.0


@pytest.fixture
def samples() -> ImuSamples:
    time_s = WORN.phase_s + np.arange(500) * WORN.period_s(RATE_HZ)
    numbers = np.arange(500.0)[:, None] * np.ones(3)
    return ImuSamples(time_s, numbers, -numbers)


def test_the_script_is_played_once_after_rest_on_the_grid_of_the_first_start(samples):
    playback = Playback(samples, WORN, RATE_HZ)
    playback.start(10.0)
    assert playback.stop is None
    at_rest, _ = playback.read(0, 1000)
    assert set(at_rest[:, 0]) == set(range(30))  # the first 0.3 s, in no order

    zero_s = playback.next_script_start_s(12.5)
    assert 12.5 <= zero_s < 12.5 + playback.period_s
    playback.settle(zero_s)
    assert playback.script_zero is not None
    assert playback.host_s(playback.script_zero) == pytest.approx(zero_s + WORN.phase_s, abs=1e-9)
    assert playback.stop == playback.script_zero + 500
    acc, gyr = playback.read(playback.script_zero - 2, playback.script_zero + 3)
    assert list(acc[2:, 0]) == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal(gyr, -acc)
    assert playback.script_count(playback.script_zero) == 0
    assert playback.script_count(playback.stop + 7) == 500


def test_the_second_sensor_joins_on_the_grid_that_its_script_samples_need(samples):
    playback = Playback(samples, WORN, RATE_HZ)
    playback.start_with_script(22.0, 20.0)
    playback.settle(22.0)
    assert 20.0 <= playback.host_s(0) < 20.0 + playback.period_s
    assert playback.script_zero is not None
    assert playback.host_s(playback.script_zero) == pytest.approx(22.0 + WORN.phase_s, abs=1e-9)


def test_a_later_start_joins_the_same_grid(samples):
    playback = Playback(samples, WORN, RATE_HZ)
    playback.start(1.0)
    number = playback.next(7.7777)
    assert playback.host_s(number) >= 7.7777 > playback.host_s(number - 1)
    assert playback.next(playback.host_s(number)) == number


def test_a_board_clock_runs_at_its_own_rate_from_its_first_tick():
    clock = BoardClock(powered_s=5.0, first_tick=1000, clock_rate=1.0001)
    assert clock.ticks(5.0) == 1000
    assert clock.ticks(15.0) == 1000 + 10_001_000
