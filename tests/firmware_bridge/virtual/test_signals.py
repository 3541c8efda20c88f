from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.virtual.jets import Jet, RotationJet
from firmware_bridge.virtual.signals import Course, Move, Wander

STEP_S = 1e-4


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.2, 3.0), st.integers(-90, 90)), max_size=4))
@settings(max_examples=15)
def test_a_course_is_smooth_and_its_derivatives_are_its_own(steps):
    moves, now_s = [], 0.5
    for pause_s, length_s, target in steps:
        moves.append(Move(now_s + pause_s, now_s + pause_s + length_s, target))
        now_s = moves[-1].stop_s
    course = Course(12.0, tuple(moves))
    time_s = np.arange(0.0, now_s + 0.5, 1e-3)
    derivatives = course.derivatives(time_s, 4)
    for lower, higher in pairwise(derivatives):
        integral = np.cumsum((higher[1:] + higher[:-1]) / 2.0) * 1e-3
        # The fourth derivative jumps where a move begins or ends, so its integral is off by half a step.
        scale = max(np.abs(higher).max(), 1.0)
        np.testing.assert_allclose(lower[1:] - lower[0], integral, atol=2e-3 * scale)
    assert derivatives[0][0] == 12.0
    assert derivatives[0][-1] == (moves[-1].target if moves else 12.0)


def test_a_course_never_overshoots_its_targets():
    course = Course(0.0, (Move(1.0, 2.0, 90.0), Move(2.5, 4.0, 10.0)))
    value = course.at(np.linspace(0.0, 5.0, 2001)).value
    assert value.min() == 0.0
    assert value.max() == 90.0


def test_a_wander_has_its_rms_and_its_derivatives():
    wander = Wander.random(np.random.default_rng(1), 2.0, (0.1, 0.5))
    jet = wander.at(np.arange(0.0, 2000.0, 0.05))
    np.testing.assert_allclose(np.sqrt(np.mean(jet.value**2)), 2.0, rtol=0.05)
    time_s = np.arange(0.0, 5.0, STEP_S)
    value, rate, acceleration = wander.derivatives(time_s)
    np.testing.assert_allclose(np.gradient(value, STEP_S)[1:-1], rate[1:-1], atol=1e-5)
    np.testing.assert_allclose(np.gradient(rate, STEP_S)[1:-1], acceleration[1:-1], atol=1e-5)


def test_rates_of_composed_rotations_are_those_of_their_matrices():
    time_s = np.arange(0.0, 1.0, STEP_S)

    def wave(w, phase):
        return Jet(
            np.sin(w * time_s + phase), w * np.cos(w * time_s + phase), -(w**2) * np.sin(w * time_s + phase)
        )

    whole = (
        RotationJet.about([0, 0, 1], wave(3, 0))
        @ RotationJet.about([0.6, 0.8, 0], wave(5, 1))
        @ RotationJet.about([0, 1, 0], wave(2, 2) * wave(4, 3))
    )
    change = np.einsum("nji,njk->nik", whole.matrix, np.gradient(whole.matrix, STEP_S, axis=0))
    rate = np.stack([change[:, 2, 1], change[:, 0, 2], change[:, 1, 0]], axis=-1)
    np.testing.assert_allclose(whole.rate[1:-1], rate[1:-1], atol=1e-5)
    np.testing.assert_allclose(
        whole.acceleration[1:-1], np.gradient(whole.rate, STEP_S, axis=0)[1:-1], atol=1e-4
    )
