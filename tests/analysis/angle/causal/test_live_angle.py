"""The live angle: chunks, zeros, re-strapping, and how near it is to the offline one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any as Case

import numpy as np
import pytest

from analysis.angle.causal.live_angle import LiveAngle, count_swings
from analysis.angle.result import FlexionTrack
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import PhaseSpan
from firmware_bridge.virtual.sessions import still, swings
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing


def joined(tracks: list[FlexionTrack]) -> FlexionTrack:
    return FlexionTrack(*(np.concatenate([getattr(t, f) for t in tracks]) for f in FlexionTrack.__slots__))


def streamed(live: LiveAngle, case: Case, cuts_s: list[float], ahead_s: float) -> FlexionTrack:
    """Feeds both sensors up to one cut after the other, the thigh first and so much further."""
    tracks, done = [], {Segment.THIGH: 0, Segment.SHANK: 0}
    for cut_s in [*sorted(cuts_s), np.inf]:
        for segment, samples in ((Segment.THIGH, case.thigh), (Segment.SHANK, case.shank)):
            stop = int(np.searchsorted(samples.time_s, cut_s + ahead_s * (segment is Segment.THIGH)))
            live.push(segment, samples[done[segment] : stop])
            done[segment] = stop
            tracks.append(live.update())
    return joined(tracks)


def same(a: FlexionTrack, b: FlexionTrack) -> bool:
    return all(
        np.array_equal(getattr(a, f), getattr(b, f), equal_nan=f != "valid") for f in FlexionTrack.__slots__
    )


def lossy(case: Case) -> Case:
    """With holes in the thigh's samples to begin anew after, and short ones to carry on through."""
    thigh = case.thigh[(case.thigh.time_s % 7.0 > 0.3) & (case.thigh.time_s % 1.3 > 0.06)]
    recording = replace(case.session.recording, thigh=thigh)
    return replace(case, session=replace(case.session, recording=recording))


@pytest.mark.parametrize(
    ("worn", "cuts", "ahead_s"), [(lambda case: case, 4, 0.0), (lossy, 60, 0.4)], ids=["whole", "lossy"]
)
def test_any_chunking_gives_the_same_numbers_as_the_causal_batch(
    simulated: Callable, worn: Callable[[Case], Case], cuts: int, ahead_s: float
) -> None:
    case = worn(simulated("seated").until(29.0))
    track = case.estimate(causal=True).track
    live = LiveAngle(100.0)
    for pose in case.session.recording.reference_poses:
        live.set_pose(pose)
    amid_holes_s = np.arange(1.33, 29.0, 1.3) - ahead_s
    cuts_s = np.append(np.random.default_rng(cuts).uniform(0.0, 29.0, cuts), amid_holes_s[-cuts:])
    assert same(streamed(live, case, cuts_s.tolist(), ahead_s), track)
    assert track.valid.mean() > 0.15


@pytest.mark.parametrize("posture", ["standing", "supine", "seated", "side_lying"])
def test_live_angle_is_nearly_as_good_as_offline(simulated: Callable, posture: str) -> None:
    case = simulated(posture).until(75.0)
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


def test_a_pose_before_the_axes_are_known_still_sets_the_zero(simulated: Callable) -> None:
    case = simulated("standing").until(35.0)
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


def test_without_a_pose_the_live_angle_says_relative(simulated: Callable) -> None:
    case = simulated("seated").until(25.0)
    live = LiveAngle(100.0)
    live.push(Segment.THIGH, case.thigh)
    live.push(Segment.SHANK, case.shank)
    track = live.update()
    assert "relative" in live.status.sentence
    assert track.valid.any()
    assert live.update().time_s.size == 0


def test_restrapping_starts_anew(simulated: Callable) -> None:
    case = simulated("seated").until(25.0)
    live = LiveAngle(100.0)
    live.push(Segment.THIGH, case.thigh[case.thigh.time_s < 24.0])
    live.push(Segment.SHANK, case.shank[case.shank.time_s < 24.0])
    live.update()
    assert live.status.ready
    live.set_phase(PhaseSpan(24.0, np.inf, "restrap"))
    live.set_phase(PhaseSpan(24.0, 26.0, "restrap"))
    live.push(Segment.THIGH, case.thigh[case.thigh.time_s >= 24.0])
    live.push(Segment.SHANK, case.shank[case.shank.time_s >= 24.0])
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
