"""What is wrong with a sensor is said while the session runs, and goes when it is over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.live.angle_feed import AngleFeed
from analysis.live.checks import LiveChecks
from analysis.live.frame import LiveFrame
from analysis.views.livetext import LiveWording
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Recording
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

STEP_S = 0.5


@pytest.fixture(scope="module")
def standing() -> Recording:
    script = condensed_session("standing", "standing", seed=31)
    return simulate_session(script, Wearing.realistic(2.0, 31), seed=31).recording


@pytest.fixture(scope="module")
def prone() -> Recording:
    return simulate_session(condensed_session(seed=32), Wearing.realistic(2.0, 32), seed=32).recording


def played(recording: Recording, until_s: float = np.inf) -> list[tuple[float, set[str]]]:
    """Time and kinds of the findings at every poll."""
    checks, done, told = LiveChecks(), dict.fromkeys(Segment, 0), []
    stop_s = min(until_s, recording.thigh.time_s[-1], recording.shank.time_s[-1])
    for now_s in np.arange(STEP_S, stop_s, STEP_S):
        for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank)):
            stop = int(np.searchsorted(samples.time_s, now_s))
            checks.pass_on(segment, samples[done[segment] : stop])
            done[segment] = stop
        told.append((float(now_s), {f.kind for f in checks.check(float(now_s))}))
    return told


def frozen(samples: ImuSamples, first: int, last: int) -> ImuSamples:
    acc, gyr = samples.acc_m_s2.copy(), samples.gyr_rad_s.copy()
    acc[first:last], gyr[first:last] = acc[first], gyr[first]
    return replace(samples, acc_m_s2=acc, gyr_rad_s=gyr)


def test_a_sound_session_raises_nothing(standing: Recording, prone: Recording) -> None:
    assert not any(kinds for recording in (standing, prone) for _, kinds in played(recording))


def test_a_sensor_that_freezes_is_named_within_seconds_and_forgotten_afterwards(standing: Recording) -> None:
    told = played(replace(standing, shank=frozen(standing.shank, 2000, 2500)), until_s=60.0)
    named = [now_s for now_s, kinds in told if "frozen" in kinds]
    assert 20.0 < named[0] < 24.0
    assert named[-1] < 42.0


def test_a_frozen_row_is_no_sample(standing: Recording) -> None:
    checks, shank = LiveChecks(), frozen(standing.shank, 1000, 1300)
    parts = [checks.pass_on(Segment.SHANK, shank[k : k + 7]) for k in range(0, 2000, 7)]
    kept = np.concatenate([part.time_s for part in parts])
    inside = (kept > shank.time_s[1012]) & (kept < shank.time_s[1300])
    assert not inside.any()
    assert len(kept) == pytest.approx(2002 - 290, abs=2)


def test_scale_and_clock_are_checked_over_the_last_minute(standing: Recording) -> None:
    shank = standing.shank
    cases = {
        "gyro_scale": replace(shank, gyr_rad_s=shank.gyr_rad_s * 1.5),
        "clock_offset": replace(shank, time_s=shank.time_s + 0.3),
    }
    for kind, changed in cases.items():
        assert any(kind in kinds for _, kinds in played(replace(standing, shank=changed), until_s=75.0)), kind


def test_the_view_shows_what_is_wrong(standing: Recording) -> None:
    """Through the feed: the frozen sensor stands in the alarm, before the age of the number."""
    shank = frozen(standing.shank, 1500, 2500)
    now = [0.0]
    feed = AngleFeed(lambda: now[0], 100.0, sensors=lambda: (), keep=lambda event: None)
    wording, alarm = LiveWording(), ""
    for now_s in np.arange(STEP_S, 20.0, STEP_S):
        now[0] = float(now_s)
        for segment, samples in ((Segment.THIGH, standing.thigh), (Segment.SHANK, shank)):
            first, last = np.searchsorted(samples.time_s, (now_s - STEP_S, now_s))
            feed.push(segment, samples[first:last])
        frame: LiveFrame = feed.poll()
        alarm = wording.texts(frame).alarm
    assert "shin sensor sent one and the same row" in alarm
    assert frame.findings[0].segment is Segment.SHANK
