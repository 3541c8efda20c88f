from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.timing.device_clock import DeviceClock
from firmware_bridge.timing.shared_clock import session_times

CLOCK = DeviceClock(1e-6, 2**32, shared=True)
BOTH = dict.fromkeys(Segment, CLOCK)


def worn(seed, delay_s, first_s=0.0, drift_ppm=30.0, boot_us=2**32 - 50_000_000, span_s=300.0):
    """Samples of a sensor by a clock that wraps, later by at least the delay; `time_s` holds the truth."""
    rng = np.random.default_rng(seed)
    true_s = np.arange(first_s, span_s, 1 / 60)
    ticks = (np.rint(true_s * (1 + drift_ppm * 1e-6) * 1e6).astype(np.int64) + boot_us) % 2**32
    arrival_s = np.maximum.accumulate(true_s + delay_s + rng.exponential(0.01, len(true_s)))
    zeros = np.zeros((len(true_s), 3))
    return ImuSamples(true_s, zeros, zeros, arrival_s=arrival_s, device_ticks=ticks)


def late_s(samples, clocks=BOTH):
    times, warnings = session_times(samples, clocks)
    errors = [times[segment] - samples[segment].time_s for segment in Segment]
    assert np.ptp(np.concatenate([e - e.mean() for e in errors])) < 0.002
    return errors[0].mean(), errors[1].mean(), warnings


@pytest.mark.parametrize("first_s", [0.0, 60.0])  # the shank's first sample before and after the wrap
def test_one_clock_leaves_no_offset(first_s):
    samples = {Segment.THIGH: worn(1, 0.005), Segment.SHANK: worn(2, 0.04, first_s)}
    thigh_s, shank_s, warnings = late_s(samples)
    assert thigh_s == pytest.approx(shank_s, abs=1e-5)
    assert thigh_s == pytest.approx(0.005, abs=0.001)
    assert warnings == ()


def test_clocks_of_their_own_keep_the_difference_of_their_delays():
    samples = {Segment.THIGH: worn(1, 0.005), Segment.SHANK: worn(2, 0.04)}
    own = replace(CLOCK, shared=False)
    for clocks in (dict.fromkeys(Segment, own), BOTH | {Segment.SHANK: own}):
        thigh_s, shank_s, warnings = late_s(samples, clocks)
        assert shank_s - thigh_s == pytest.approx(0.035, abs=0.002)
        assert warnings == ()


@pytest.mark.parametrize(
    "other",
    [
        worn(2, 0.04, boot_us=77_000_000),
        worn(2, 0.04, drift_ppm=2000.0),
    ],
    ids=["another zero", "another rate"],
)
def test_a_false_claim_of_one_clock_is_found_out(other):
    samples = {Segment.THIGH: worn(1, 0.005), Segment.SHANK: other}
    thigh_s, shank_s, (warning,) = late_s(samples)
    assert "Each was timed for itself" in warning
    assert shank_s - thigh_s == pytest.approx(0.035, abs=0.002)


def test_a_restart_ends_the_common_clock():
    whole = worn(2, 0.04)
    ticks = np.where(whole.time_s < 100, whole.device_ticks, (whole.time_s * 1e6).astype(np.int64))
    samples = {Segment.THIGH: worn(1, 0.005), Segment.SHANK: replace(whole, device_ticks=ticks)}
    times, (warning,) = session_times(samples, BOTH)
    assert "restarted" in warning
    assert np.abs(times[Segment.SHANK] - whole.time_s).max() < 0.05


def test_a_sensor_without_samples_or_arrivals_takes_no_part():
    thigh = worn(1, 0.005)
    for shank in (thigh[:0], replace(thigh, arrival_s=None), replace(thigh, device_ticks=None)):
        times, warnings = session_times({Segment.THIGH: thigh, Segment.SHANK: shank}, BOTH)
        assert len(times[Segment.SHANK]) == len(shank)
        assert warnings == ()
