"""The step-wise detector: any chunking gives what the whole block gives, and the guide counts the same."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionTracker
from analysis.movement import find_repetitions
from analysis.movement.detector import DetectedRepetition, RepetitionDetector
from firmware_bridge.session.model import PhaseSpan

RATE_HZ = 100.0


def wandering(seed: int) -> FlexionTrack:
    """Bends, holds, fidgeting and gaps in any order."""
    rng = np.random.default_rng(seed)
    parts, at_deg = [np.full(100, 15.0)], 15.0
    for _ in range(rng.integers(2, 12)):
        to_deg = float(rng.choice([rng.uniform(-5, 95), at_deg, at_deg + rng.uniform(-11, 11)]))
        u = np.linspace(0, 1, int(rng.uniform(0.5, 2.5) * RATE_HZ))
        parts.append(at_deg + (to_deg - at_deg) * (10 * u**3 - 15 * u**4 + 6 * u**5))
        at_deg = to_deg
    flexion_deg = np.concatenate(parts)
    flexion_deg += rng.normal(0, 0.3, len(flexion_deg))
    valid = np.ones(len(flexion_deg), dtype=bool)
    for start in rng.integers(0, len(flexion_deg), rng.integers(0, 4)):
        valid[start : start + rng.integers(1, 80)] = False
    time_s = np.arange(len(flexion_deg)) / RATE_HZ
    return FlexionTrack(time_s, flexion_deg, np.full(len(time_s), 0.3), valid)


def pieces(track: FlexionTrack, sizes: list[int]) -> list[FlexionTrack]:
    edges = [0, *np.cumsum(sizes).tolist()]
    parts = [track.rows(slice(a, b)) for a, b in pairwise(edges)]
    return [*parts, track.rows(slice(edges[-1], None))]


def block(track: FlexionTrack) -> tuple[PhaseSpan, ...]:
    return (PhaseSpan(0.0, float(track.time_s[-1]) + 1, "before", "prone"),)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(0, 400), max_size=12))
def test_any_chunking_finds_the_same_repetitions(seed: int, sizes: list[int]) -> None:
    track = wandering(seed)
    whole, cut = RepetitionDetector(RATE_HZ), RepetitionDetector(RATE_HZ)
    whole.push(track)
    for part in pieces(track, sizes):
        cut.push(part)
        cut.found()
    assert cut.finish() == whole.finish()


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 1.0))
def test_what_is_found_so_far_depends_only_on_the_samples_so_far(seed: int, share: float) -> None:
    track = wandering(seed)
    so_far = track.rows(slice(0, int(share * len(track.time_s))))
    step, at_once = RepetitionDetector(RATE_HZ), RepetitionDetector(RATE_HZ)
    for part in pieces(so_far, [37] * (len(so_far.time_s) // 37)):
        step.push(part)
    at_once.push(so_far)
    assert step.found() == at_once.found()


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_the_guide_counts_what_the_analysis_counts(seed: int) -> None:
    track = wandering(seed)
    # The low-pass filter of the live form lags: a rest lets the end of the block pass through it.
    rest_deg = float(track.flexion_deg[-1])
    n = 600
    time_s = track.time_s[-1] + np.arange(1, n + 1) / RATE_HZ
    rest = FlexionTrack(time_s, np.full(n, rest_deg), np.full(n, 0.3), np.ones(n, dtype=bool))
    whole = FlexionTrack.concatenate([track, rest])
    counted = [r.extension for r in find_repetitions(whole, block(whole)) if r.extension is not None]
    watch = MotionTracker(RATE_HZ)
    state = watch.state()
    for part in pieces(whole, [4] * (len(whole.time_s) // 4)):
        state = watch.feed(part)
    assert state.repetitions == len(counted)
    if counted:
        assert state.extension is not None
        assert state.extension.flexion_deg == pytest.approx(min(e.flexion_deg for e in counted), abs=0.05)


def test_a_held_repetition_is_found_within_eight_tenths_of_its_held_second(writer) -> None:
    leg = writer().phase("before").hold(2).repetition(10, hold_s=4)
    track = leg.track()
    detector = RepetitionDetector(RATE_HZ)
    seen: list[tuple[float, DetectedRepetition]] = []
    for part in pieces(track, [1] * len(track.time_s)):
        detector.push(part)
        if not seen and any(r.extension for r in detector.found()):
            seen += [(float(part.time_s[-1]), r) for r in detector.found()]
    ((when_s, found),) = seen
    assert found.extension is not None
    assert 1.6 < when_s - found.extension.start_s < 1.82


def test_a_bend_that_the_analysis_calls_half_is_not_counted_by_the_guide(writer) -> None:
    leg = writer().phase("before").hold(1).repetition(10).repetition(45).repetition(11).hold(1)
    assert MotionTracker(RATE_HZ).feed(leg.track()).repetitions == 2
