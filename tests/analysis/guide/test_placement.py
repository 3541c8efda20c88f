from __future__ import annotations

import numpy as np
import pytest

from analysis.guide.placement import PlacementMonitor
from firmware_bridge.samples import ImuSamples, Segment

RATE_HZ = 100.0


def samples(start_s, seconds, gyr_deg_s=0.0, acc_m_s2=(0.0, 0.0, 9.81), noise=0.05, seed=0):
    """A sensor that turns to and fro about one axis, with that peak rate."""
    rng = np.random.default_rng(seed)
    time_s = start_s + np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    gyr = rng.normal(0, noise * 0.05, (len(time_s), 3))
    gyr[:, 2] += np.radians(gyr_deg_s) * np.sin(2 * np.pi * 0.5 * time_s)
    return ImuSamples(time_s, np.array(acc_m_s2) + rng.normal(0, noise, (len(time_s), 3)), gyr)


def watch(thigh, shank, *, chunk=10):
    strap = PlacementMonitor()
    for segment, whole in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        for start in range(0, len(whole), chunk):
            strap.push(segment, whole[start : start + chunk])
    return strap


def test_two_resting_sensors_are_well():
    state = watch(samples(0, 5), samples(0, 5, seed=1)).state(5.0)
    assert state.problems == ()
    assert state.still_s == pytest.approx(5.0, abs=0.05)
    assert not state.swapped


def test_a_sensor_that_never_came_and_one_that_fell_silent():
    strap = PlacementMonitor()
    strap.push(Segment.THIGH, samples(0, 2))
    assert strap.state(3.0).problems == (
        "The thigh sensor is silent: it may be asleep, empty or out of reach.",
        "Nothing comes from the shin sensor yet: switch it on and bring it near.",
    )
    assert strap.state(3.0).still_s == 0.0


def test_movement_ends_the_rest_and_a_bias_does_not():
    moving = watch(samples(0, 4), samples(0, 4, gyr_deg_s=40))
    assert moving.state(4.0).still_s < 0.3
    biased = samples(0, 4)
    biased = ImuSamples(biased.time_s, biased.acc_m_s2, biased.gyr_rad_s + np.radians([1.0, -1.0, 0.5]))
    assert watch(biased, samples(0, 4)).state(4.0).still_s > 3.9


@pytest.mark.parametrize("chunk", [10, 1000])
def test_a_silence_ends_the_rest(chunk):
    silent = samples(0, 8)
    silent = silent[(silent.time_s < 3.0) | (silent.time_s >= 6.0)]
    state = watch(silent, samples(0, 8, seed=1), chunk=chunk).state(8.0)
    assert state.still_s == pytest.approx(2.0, abs=0.05)


def test_a_frozen_sensor_and_one_that_weighs_wrongly():
    frozen = samples(0, 3, noise=0.0)
    assert "repeats one value" in watch(frozen, samples(0, 3)).state(3.0).problems[0]
    heavy = samples(0, 3, acc_m_s2=(0.0, 7.5, 7.5))
    assert "weighs gravity wrongly" in watch(samples(0, 3), heavy).state(3.0).problems[0]


def test_exchanged_sensors_show_in_the_swings():
    right = watch(samples(0, 8, gyr_deg_s=30), samples(0, 8, gyr_deg_s=120))
    wrong = watch(samples(0, 8, gyr_deg_s=120), samples(0, 8, gyr_deg_s=30))
    assert not right.state(8.0).swapped
    assert wrong.state(8.0).swapped
    wrong.restart_swings()
    assert not wrong.state(8.0).swapped
