"""The live angle: chunks, zeros, re-strapping, and how near it is to the offline one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any as Case

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.angle.causal.live_angle import LiveAngle, count_swings
from analysis.angle.result import FlexionTrack
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import PhaseSpan
from firmware_bridge.virtual.sessions import still, swings
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing


def joined(tracks: list[FlexionTrack]) -> FlexionTrack:
    return FlexionTrack(*(np.concatenate([getattr(t, f) for t in tracks]) for f in FlexionTrack.__slots__))


def streamed(live: LiveAngle, thigh: ImuSamples, shank: ImuSamples, cuts_s: list[float]) -> FlexionTrack:
    """Feeds both sensors up to one cut after the other, the thigh's chunk first."""
    tracks, done = [], {Segment.THIGH: 0, Segment.SHANK: 0}
    for cut_s in [*sorted(cuts_s), np.inf]:
        for segment, samples in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
            stop = int(np.searchsorted(samples.time_s, cut_s))
            live.push(segment, samples[done[segment] : stop])
            done[segment] = stop
            tracks.append(live.update())
    return joined(tracks)


def same(a: FlexionTrack, b: FlexionTrack) -> bool:
    return all(
        np.array_equal(getattr(a, f), getattr(b, f), equal_nan=f != "valid") for f in FlexionTrack.__slots__
    )


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "lossy"])
def causal_batch(simulated: Callable, request: pytest.FixtureRequest) -> tuple[Case, FlexionTrack]:
    """The first half minute of a session, with or without loss, and its causal angle."""
    case = simulated("seated")
    thigh, shank = (s[s.time_s < 32.0] for s in (case.thigh, case.shank))
    if request.param:
        thigh = thigh[(thigh.time_s % 7.0) > 0.3]
    recording = replace(case.session.recording, thigh=thigh, shank=shank)
    case = replace(case, session=replace(case.session, recording=recording))
    return case, case.estimate(causal=True).track


@settings(max_examples=3, deadline=None)
@given(cuts_s=st.lists(st.floats(0.0, 32.0), max_size=40))
def test_live_angle_is_the_causal_batch_for_any_chunks(
    causal_batch: tuple[Case, FlexionTrack], cuts_s: list[float]
) -> None:
    case, track = causal_batch
    live = LiveAngle(100.0)
    for pose in case.session.recording.reference_poses:
        live.set_pose(pose)
    assert same(streamed(live, case.thigh, case.shank, cuts_s), track)
    assert track.valid.mean() > 0.15


@pytest.mark.parametrize("posture", ["standing", "supine", "seated", "side_lying"])
def test_live_angle_is_nearly_as_good_as_offline(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    causal = case.estimate(causal=True)
    offline = case.estimate()
    # Until then the axes rest on a few swings only, and the band says so.
    later = causal.track.valid & (causal.track.time_s > 45.0)
    errors = [np.std(case.errors(result)[later]) for result in (causal, offline)]
    assert errors[0] < max(1.5 * errors[1], 0.4)


def test_live_angle_moves_a_zero_of_side_lying_with_later_observations(simulated: Callable) -> None:
    """Without that the error is 1.0 deg, with the wrong sign 2.1."""
    case = simulated("side_lying")
    assert np.std(case.error_deg(case.estimate(causal=True))) < 0.85


def test_live_angle_is_ready_after_ten_swings() -> None:
    for posture in ("seated", "prone"):
        session = simulate_session(swings(10, 15.0, 85.0, 1.6, posture), Wearing.realistic(2.0, 3), seed=3)  # type: ignore[arg-type]
        live = LiveAngle(100.0)
        assert not live.status.ready
        live.push(Segment.THIGH, session.recording.thigh)
        live.push(Segment.SHANK, session.recording.shank)
        live.update()
        assert live.status.ready, posture
        assert 5 <= live.status.swings <= 10


def test_live_angle_is_ready_for_a_stiff_knee() -> None:
    session = simulate_session(swings(10, 15.0, 40.0, 1.6, "standing"), Wearing.realistic(2.0, 3), seed=3)
    live = LiveAngle(100.0)
    live.push(Segment.THIGH, session.recording.thigh)
    live.push(Segment.SHANK, session.recording.shank)
    live.update()
    assert live.status.ready


def test_live_angle_takes_its_zero_from_a_pose_before_the_axes_are_known(simulated: Callable) -> None:
    case = simulated("standing")
    live = LiveAngle(100.0)
    pose = case.session.recording.reference_poses[0]
    live.set_pose(pose)
    live.push(Segment.THIGH, case.thigh)
    live.push(Segment.SHANK, case.shank)
    track = live.update()
    assert live.pose == pose
    before = track.time_s < pose.time_s + pose.duration_s
    assert not track.valid[before].any(), "an angle from another zero must not be used"
    assert np.abs(np.median(case.errors(track)[track.valid])) < 0.7


def test_live_angle_says_relative_without_a_pose(simulated: Callable) -> None:
    case = simulated("seated")
    live = LiveAngle(100.0)
    live.push(Segment.THIGH, case.thigh)
    live.push(Segment.SHANK, case.shank)
    track = live.update()
    assert "relative" in live.status.sentence
    assert track.valid.any()
    assert live.update().time_s.size == 0


def test_live_angle_searches_again_after_restrapping(simulated: Callable) -> None:
    case = simulated("seated")
    live = LiveAngle(100.0)
    live.set_phase(PhaseSpan(40.0, np.inf, "restrap"))
    live.set_phase(PhaseSpan(40.0, 42.0, "restrap"))
    live.push(Segment.THIGH, case.thigh[case.thigh.time_s < 41.0])
    live.push(Segment.SHANK, case.shank[case.shank.time_s < 41.0])
    live.update()
    assert not live.status.ready


def test_live_angle_is_never_ready_for_a_still_leg() -> None:
    session = simulate_session(still(20.0), Wearing.realistic(2.0, 1), seed=1)
    live = LiveAngle(100.0)
    live.push(Segment.THIGH, session.recording.thigh)
    live.push(Segment.SHANK, session.recording.shank)
    assert np.isnan(live.update().flexion_deg).all()
    assert not live.status.ready
    assert "Swing" in live.status.sentence
    from analysis.angle import estimate_angle

    with pytest.raises(CannotAnswerError):
        estimate_angle(session.recording.thigh, session.recording.shank, causal=True)


def test_count_swings() -> None:
    assert count_swings(45 - 40 * np.cos(np.arange(1000) * 2 * np.pi / 100)) == 10
    assert count_swings(np.full(10, np.nan)) == 0
