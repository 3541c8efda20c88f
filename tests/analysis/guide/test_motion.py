from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionState, MotionTracker

RATE_HZ = 100.0


def track(*moves: tuple[float, float], start_deg: float = 10.0, noise_deg: float = 0.0, seed: int = 0):
    """A flexion track from (target, seconds) moves; the same target again is a hold."""
    pieces, at = [], start_deg
    for target, seconds in moves:
        share = np.linspace(0, 1, int(seconds * RATE_HZ), endpoint=False)
        pieces.append(at + (target - at) * (10 * share**3 - 15 * share**4 + 6 * share**5))
        at = target
    flexion_deg = np.concatenate(pieces)
    flexion_deg = flexion_deg + np.random.default_rng(seed).normal(0, noise_deg, len(flexion_deg))
    time_s = np.arange(len(flexion_deg)) / RATE_HZ
    return FlexionTrack(time_s, flexion_deg, np.full(len(time_s), 0.3), np.ones(len(time_s), bool))


def rows(whole: FlexionTrack, part: slice) -> FlexionTrack:
    return FlexionTrack(
        whole.time_s[part], whole.flexion_deg[part], whole.flexion_sd_deg[part], whole.valid[part]
    )


def watched(whole: FlexionTrack) -> MotionState:
    return MotionTracker(RATE_HZ).feed(whole)


REPETITION = ((40.0, 1.2), (8.0, 1.5), (8.0, 2.5))
RELEASE = ((95.0, 2.0), (95.0, 6.0), (12.0, 8.0), (12.0, 5.0))


@pytest.mark.parametrize("noise_deg", [0.0, 0.3])
def test_repetitions_and_the_straightest_position_held(noise_deg):
    state = watched(track((10, 2), *REPETITION * 3, noise_deg=noise_deg))
    assert state.repetitions == 3
    assert state.extension is not None
    assert state.extension.flexion_deg == pytest.approx(8.0, abs=0.2)
    assert len(state.marks_s) == 3
    assert state.releases == ()


def test_a_bend_that_is_not_held_straight_is_no_repetition():
    state = watched(track((10, 1), (40, 1), (10, 1), (40, 1), (10, 1), (40, 1)))
    assert state.repetitions == 0
    assert state.bends == 2
    assert state.extension is None


def test_standing_still_is_no_repetition():
    state = watched(track((10, 20), noise_deg=0.3))
    assert state.repetitions == 0
    assert state.still_s > 19


def test_a_pause_on_the_way_is_not_the_end_position():
    state = watched(track((60, 1.5), (30, 1), (30, 1.5), (9, 1), (9, 2)))
    assert state.repetitions == 1
    assert state.extension is not None
    assert state.extension.flexion_deg == pytest.approx(9.0, abs=0.1)


@pytest.mark.parametrize("noise_deg", [0.0, 0.5])
def test_holds_and_releases_with_their_speed(noise_deg):
    state = watched(track((12, 2), *RELEASE * 2, noise_deg=noise_deg))
    assert len(state.releases) == 2
    release = state.releases[0]
    assert release.from_deg == pytest.approx(95, abs=1.5)
    assert release.to_deg == pytest.approx(12, abs=1.5)
    assert 6.0 < release.hold_s < 7.5
    assert 10 < release.mean_rate_deg_s < 15
    assert release.peak_rate_deg_s == pytest.approx(1.875 * 83 / 8, rel=0.1)


def test_a_very_slow_release_is_one_release():
    state = watched(track((12, 2), (95, 2), (95, 5), (12, 28), (12, 3)))
    assert len(state.releases) == 1
    assert state.releases[0].mean_rate_deg_s == pytest.approx(4.3, abs=1)


def test_a_stop_on_the_way_down_does_not_end_the_release():
    whole = track((12, 2), (95, 2), (95, 5), (60, 4), (60, 2), (12, 5), (12, 3))
    halfway = MotionTracker(RATE_HZ).feed(rows(whole, slice(0, 1480)))
    assert halfway.releasing
    state = watched(whole)
    assert len(state.releases) == 1
    assert state.releases[0].from_deg == pytest.approx(95, abs=1)


def test_a_release_without_a_rest_after_it_counts_when_the_knee_bends_again():
    state = watched(track((12, 2), (95, 2), (95, 3), (12, 6), (95, 2), (95, 3), (12, 6), (12, 3)))
    assert [round(r.to_deg) for r in state.releases] == [12, 12]


def test_finding_the_place_is_no_release():
    state = watched(track((12, 2), (100, 2), (100, 2), (90, 1), (90, 4)))
    assert state.releases == ()
    assert not state.releasing
    assert 3.5 < state.bent_hold_s < 5


def test_the_hold_is_remembered_until_the_release_is_recognised():
    whole = track((12, 2), (95, 2), (95, 6), (12, 8), (12, 5))
    watch, held = MotionTracker(RATE_HZ), []
    for start in range(0, 1300, 5):
        state = watch.feed(rows(whole, slice(start, start + 5)))
        held.append(state.bent_hold_s > 5 or state.releasing)
    first = held.index(True)
    assert all(held[first:])


def test_samples_that_must_not_be_used_end_a_rest():
    whole = track((10, 1), *REPETITION)
    valid = whole.valid.copy()
    valid[-200:-190] = False
    state = watched(FlexionTrack(whole.time_s, whole.flexion_deg, whole.flexion_sd_deg, valid))
    assert state.still_s < 2


def test_a_new_zero_is_no_movement():
    whole = track((30, 2), (60, 1.5), (30, 1.5), (30, 3))
    flexion_deg = whole.flexion_deg.copy()
    flexion_deg[-100:] -= 25
    state = watched(FlexionTrack(whole.time_s, flexion_deg, whole.flexion_sd_deg, whole.valid))
    assert state.repetitions == 1
    assert state.extension is not None
    assert state.extension.flexion_deg == pytest.approx(30, abs=0.2)


@pytest.mark.parametrize("at", [150, 450, 1000, 1400])
def test_a_single_impossible_sample_changes_nothing(at):
    whole = track((12, 2), *RELEASE, *REPETITION)
    flexion_deg = whole.flexion_deg.copy()
    flexion_deg[at] += 360
    spiked = FlexionTrack(whole.time_s, flexion_deg, whole.flexion_sd_deg, whole.valid)
    assert len(watched(spiked).releases) == len(watched(whole).releases) == 1
    assert watched(spiked).repetitions == watched(whole).repetitions


def test_a_new_block_begins_from_nothing():
    watch = MotionTracker(RATE_HZ)
    watch.feed(track((12, 1), *REPETITION, *RELEASE))
    watch.restart()
    state = watch.state()
    assert (state.repetitions, state.bends, state.releases, state.extension) == (0, 0, (), None)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 900), max_size=30), st.integers(0, 100))
def test_any_chunking_finds_the_same(cuts, seed):
    whole = track((12, 1), *REPETITION, *RELEASE, noise_deg=0.5, seed=seed)
    watch = MotionTracker(RATE_HZ)
    edges = sorted({0, *np.cumsum(cuts)[np.cumsum(cuts) < len(whole.time_s)].tolist(), len(whole.time_s)})
    for start, stop in pairwise(edges):
        watch.feed(rows(whole, slice(start, stop)))
    assert watch.state() == watched(whole)


def test_samples_of_the_block_before_that_arrive_after_a_restart_do_not_count():
    whole = track((10, 2), *REPETITION * 2)
    tracker = MotionTracker(RATE_HZ)
    tracker.restart(from_s=2.0 + 5.2)
    assert tracker.feed(whole).repetitions == 1


def test_what_was_not_seen_is_not_still():
    whole = track((10, 6))
    valid = whole.valid.copy()
    valid[300:320] = False
    state = watched(FlexionTrack(whole.time_s, whole.flexion_deg, whole.flexion_sd_deg, valid))
    assert state.still_s == pytest.approx(2.4, abs=0.2)


def test_a_hold_ends_with_what_is_seen_of_it():
    whole = track((12, 2), (95, 2), (95, 0.8))
    watch = MotionTracker(RATE_HZ)
    assert 0.5 < watch.feed(whole).bent_hold_s < 1.0
    unseen = FlexionTrack(np.array([4.8]), np.array([95.0]), np.array([0.3]), np.array([False]))
    assert watch.feed(unseen).bent_hold_s == 0.0
