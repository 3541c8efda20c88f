"""The drifting heading: against a truth, against dense least squares, and seen from later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.angle.blocks import Blocks
from analysis.angle.knee.heading_filter import (
    FixedPointSmoother,
    HeadingState,
    filter_drift,
    smooth_drift,
    smooth_heading,
)
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0
BIAS_SD = np.radians(0.2)


def blocks_of(seconds: int) -> Blocks:
    return Blocks.of(np.ones(int(seconds * RATE_HZ), dtype=bool), RATE_HZ, 0.1)


def looks(blocks: Blocks, heading: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Phasors of a hinge whose level part is `level`, in a world turned by `heading`."""
    return level**2 * np.exp(1j * heading)


def test_a_bias_learnt_on_the_flat_hinge_is_carried_on() -> None:
    """Bias turns the heading only as far as the hinge rises; then nothing is seen of it for a minute."""
    blocks = blocks_of(180)
    seconds = blocks.middle / RATE_HZ
    inclination = np.where(seconds < 120, 0.6, 0.999)
    bias = np.radians(0.15)
    heading = 1.0 + np.cumsum(bias * inclination) * blocks.size / RATE_HZ
    level = np.sqrt(1 - inclination**2)
    history = filter_drift(looks(blocks, heading, level), inclination, BIAS_SD**2, blocks, DEFAULTS)
    smoothed = smooth_drift(history, blocks)
    assert np.degrees(history.updated[-1].bias_rad_s) == pytest.approx(0.15, abs=0.02)
    # It turned by 9 deg unseen.
    assert np.degrees(np.abs(smoothed.heading_rad - heading)).max() < 1.5
    # Another hinge, tilted as much as assumed, would be no better known than that.
    assert min(updated.heading_rad2 for updated in history.updated) > 0.99 * DEFAULTS.tilt_rad**2


def test_waiting_does_not_mend_the_tilt_of_a_nearly_upright_hinge() -> None:
    state = HeadingState.unknown(0.0)
    for _ in range(1000):
        state = state.update(0.01 * np.exp(1j), 1.0, DEFAULTS)
    assert np.sqrt(state.heading_rad2) == pytest.approx(DEFAULTS.tilt_rad / 0.1)
    assert state.heading_rad == pytest.approx(1.0, abs=0.01)


def dense(heading: np.ndarray, turns: list[float], noise2: float) -> tuple[np.ndarray, np.ndarray]:
    """Heading and bias of all steps by one least-squares problem: (2k,) estimates and their covariance."""
    k = len(heading)
    rows, values = [], []

    def equation(terms: dict[int, float], value: float, variance: float) -> None:
        row = np.zeros(2 * k)
        for column, factor in terms.items():
            row[column] = factor
        rows.append(row / np.sqrt(variance))
        values.append(value / np.sqrt(variance))

    equation({1: 1.0}, 0.0, BIAS_SD**2)
    equation({0: 1.0}, 0.0, 100.0)
    for n in range(k):
        equation({2 * n: 1.0}, heading[n], noise2)
        if n:
            equation(
                {2 * n: 1.0, 2 * n - 2: -1.0, 2 * n - 1: -turns[n - 1]},
                0.0,
                DEFAULTS.heading_process_noise_rad**2,
            )
            equation({2 * n + 1: 1.0, 2 * n - 1: -1.0}, 0.0, DEFAULTS.bias_process_noise_rad_s**2)
    matrix, target = np.array(rows), np.array(values)
    covariance = np.linalg.inv(matrix.T @ matrix)
    return covariance @ matrix.T @ target, covariance


def test_forward_backward_and_from_later_agree_with_dense_least_squares() -> None:
    rng = np.random.default_rng(0)
    parameters = replace(DEFAULTS, tilt_rad=0.0)
    noise2 = DEFAULTS.wobble_rad**2 * DEFAULTS.wobble_s
    turns = rng.uniform(0.2, 1.0, 40).tolist()
    seen = 0.3 + np.cumsum(np.r_[0.0, turns[:-1]]) * 0.002 + rng.normal(0.0, 0.02, 40)
    wanted, covariance = dense(seen, turns, noise2)
    state, predicted, updated, past = HeadingState.unknown(BIAS_SD**2), [], [], None
    for n, (phase, turn) in enumerate(zip(seen, turns, strict=True)):
        predicted.append(state)
        state = state.update(np.exp(1j * phase), 1.0, parameters)
        if past is not None:
            past = past.update(predicted[-1], state)
        updated.append(state)
        if n == 12:
            past = FixedPointSmoother.at(state)
        # `predict` multiplies inclination and seconds; the process noise here is that of one second.
        state = state.predict(1.0, turn, parameters)
        if past is not None:
            past = past.predict(turn)
    assert updated[-1].heading_rad == pytest.approx(wanted[-2], abs=1e-6)
    assert updated[-1].heading_rad2 == pytest.approx(covariance[-2, -2], rel=1e-4)
    assert past is not None
    assert past.heading_rad == pytest.approx(wanted[24], abs=1e-6)
    assert past.heading_rad2 == pytest.approx(covariance[24, 24], rel=1e-4)
    smoothed = updated[-1]
    for n in range(38, 11, -1):
        smoothed = updated[n].smooth(predicted[n + 1], smoothed, turns[n])
    assert smoothed.heading_rad == pytest.approx(wanted[24], abs=1e-6)
    assert smoothed.heading_rad2 == pytest.approx(covariance[24, 24], rel=1e-4)
    assert smoothed.bias_rad_s == pytest.approx(wanted[25], abs=1e-6)


def test_a_bias_that_rest_has_found_is_not_taken_off_twice() -> None:
    learnt = HeadingState(1.0, 0.003, 0.01, 1e-4, 4e-6)
    updated = learnt.update_bias(0.003, 1e-8)
    assert (updated.heading_rad, updated.bias_rad_s, updated.bias_rad2_s2) == (1.0, 0.0, 1e-8)
    assert updated.heading_rad2 == pytest.approx(0.01 - 1e-4**2 / 4e-6, rel=0.01)
    assert FixedPointSmoother.at(learnt).update_bias(learnt, 0.003, 1e-8).heading_rad == 1.0
    # Half a minute of a bias that only rest shows has turned the heading unseen, not that of long ago.
    unlearnt = HeadingState(1.0, 0.0, 0.01, 30 * 4e-6, 4e-6)
    past = FixedPointSmoother(0.8, 0.002, 0.0, 0.002)
    assert unlearnt.update_bias(0.003, 1e-8).heading_rad == pytest.approx(1.0 + 30 * 0.003)
    assert past.update_bias(unlearnt, 0.003, 1e-8).heading_rad == 0.8
    # A rest that knows less than the hinge has told only moves what is taken off.
    assert learnt.update_bias(0.001, 1e-4) == learnt._replace(bias_rad_s=0.002)


@pytest.mark.parametrize("start", [5940, 5970, 6000, 6040])
@pytest.mark.parametrize("length", [30, 200])
def test_across_a_gap_the_heading_is_found_anew(start: int, length: int) -> None:
    carried = np.ones(12000, dtype=bool)
    carried[start : start + length] = False
    blocks = Blocks.of(carried, RATE_HZ, 0.1)
    heading = np.where(blocks.middle < start + length / 2, 0.5, 2.5)
    phasor = looks(blocks, heading, np.full(blocks.count, 0.9))
    inclination = np.full(blocks.count, np.sqrt(1 - 0.81))
    smoothed = smooth_drift(filter_drift(phasor, inclination, BIAS_SD**2, blocks, DEFAULTS), blocks)
    away = np.abs(blocks.middle - start) > 100 + length
    wrapped = np.angle(np.exp(1j * (smoothed.heading_rad - heading)))
    assert np.abs(wrapped[away]).max() < 0.02


def test_smooth_heading_passes_times_without_observation() -> None:
    n = 12_000
    blocks = Blocks.of(np.ones(n, dtype=bool), RATE_HZ, 0.05)
    time_s = blocks.middle / RATE_HZ
    truth = 0.001 * time_s
    blind = (time_s > 40) & (time_s < 80)
    information = np.where(blind, 0.0, 100.0)
    heading = smooth_heading(np.exp(1j * np.where(blind, 2.0, truth)), information, 0.01, blocks)
    assert np.abs(heading.heading_rad - truth).max() < 0.05
    assert heading.sd_rad[blind].max() > 1.5 * heading.sd_rad[~blind].min()
