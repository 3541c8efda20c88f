"""The heading filter: against a truth, against dense least squares, across gaps, and as a random walk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.angle.blocks import Blocks
from analysis.angle.knee.heading_filter import (
    FilterHistory,
    FixedPointSmoother,
    HeadingFilter,
    HeadingState,
    hinge_information,
)
from analysis.angle.knee.heading_walk import random_walk_heading
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0
BIAS_SD = np.radians(0.2)


def blocks_of(seconds: int) -> Blocks:
    return Blocks.of(np.ones(int(seconds * RATE_HZ), dtype=bool), RATE_HZ, 0.1)


def filtered(blocks: Blocks, heading: np.ndarray, inclination: np.ndarray) -> FilterHistory:
    """The filter over a hinge of some inclination, between worlds that are turned by `heading`."""
    phasor = (1 - inclination**2) * np.exp(1j * heading)
    information = np.full(blocks.count, hinge_information(DEFAULTS))
    return HeadingFilter.of(DEFAULTS).forward(phasor, information, inclination, BIAS_SD**2, blocks)


def test_the_filter_predicts_with_the_bias_of_the_level_hinge() -> None:
    """Bias turns the heading as far as the hinge is inclined; for the last minute nothing is observed."""
    blocks = blocks_of(180)
    seconds = blocks.middle / RATE_HZ
    inclination = np.where(seconds < 120, 0.6, 0.999)
    bias = np.radians(0.15)
    heading = 1.0 + np.cumsum(bias * inclination) * blocks.size / RATE_HZ
    history = filtered(blocks, heading, inclination)
    smoothed = history.smooth(blocks)
    assert np.degrees(history.updated[-1].bias_rad_s) == pytest.approx(0.15, abs=0.02)
    # It turned by 9 deg without an observation.
    assert np.degrees(np.abs(smoothed.heading_rad - heading)).max() < 1.5
    # The tilt is systematic, so the variance never falls below it.
    assert min(updated.heading_rad2 for updated in history.updated) > 0.99 * DEFAULTS.tilt_rad**2


def test_update_does_not_average_out_the_tilt_of_a_nearly_upright_hinge() -> None:
    state = HeadingState.unknown(0.0)
    for _ in range(1000):
        state = HeadingFilter.of(DEFAULTS).update(state, 1.0, 0.01, hinge_information(DEFAULTS))
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


def test_filter_and_smoothers_agree_with_dense_least_squares() -> None:
    rng = np.random.default_rng(0)
    heading_filter = HeadingFilter.of(replace(DEFAULTS, tilt_rad=0.0))
    noise2 = 1.0 / hinge_information(DEFAULTS)
    turns = rng.uniform(0.2, 1.0, 40).tolist()
    seen = 0.3 + np.cumsum(np.r_[0.0, turns[:-1]]) * 0.002 + rng.normal(0.0, 0.02, 40)
    wanted, covariance = dense(seen, turns, noise2)
    state, predicted, updated, past = HeadingState.unknown(BIAS_SD**2), [], [], None
    for n, (phase, turn) in enumerate(zip(seen, turns, strict=True)):
        predicted.append(state)
        state = heading_filter.update(state, phase, 1.0, 1.0 / noise2)
        if past is not None:
            past = past.update(predicted[-1], state)
        updated.append(state)
        if n == 12:
            past = FixedPointSmoother.at(state)
        # `predict` multiplies inclination and seconds; the process noise here is that of one second.
        state = heading_filter.predict(state, 1.0, turn)
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


def test_update_bias_does_not_subtract_a_bias_twice() -> None:
    learnt = HeadingState(1.0, 0.003, 0.01, 1e-4, 4e-6)
    updated = learnt.update_bias(0.003, 1e-8)
    assert (updated.heading_rad, updated.bias_rad_s, updated.bias_rad2_s2) == (1.0, 0.0, 1e-8)
    assert updated.heading_rad2 == pytest.approx(0.01 - 1e-4**2 / 4e-6, rel=0.01)
    assert FixedPointSmoother.at(learnt).update_bias(learnt, 0.003, 1e-8).heading_rad == 1.0
    # Half a minute of a bias that only rest shows has turned the present heading, not that of long ago.
    unlearnt = HeadingState(1.0, 0.0, 0.01, 30 * 4e-6, 4e-6)
    past = FixedPointSmoother(0.8, 0.002, 0.0, 0.002)
    assert unlearnt.update_bias(0.003, 1e-8).heading_rad == pytest.approx(1.0 + 30 * 0.003)
    assert past.update_bias(unlearnt, 0.003, 1e-8).heading_rad == 0.8
    # A rest with a larger variance than the state's only changes what is subtracted.
    assert learnt.update_bias(0.001, 1e-4) == learnt._replace(bias_rad_s=0.002)


@pytest.mark.parametrize("start", [5940, 5970, 6000, 6040])
@pytest.mark.parametrize("length", [30, 200])
def test_smooth_finds_the_heading_anew_across_a_gap(start: int, length: int) -> None:
    carried = np.ones(12000, dtype=bool)
    carried[start : start + length] = False
    blocks = Blocks.of(carried, RATE_HZ, 0.1)
    heading = np.where(blocks.middle < start + length / 2, 0.5, 2.5)
    inclination = np.full(blocks.count, np.sqrt(1 - 0.81))
    smoothed = filtered(blocks, heading, inclination).smooth(blocks)
    wrapped = np.angle(np.exp(1j * (smoothed.heading_rad - heading)))
    assert np.abs(wrapped[~blocks.cut]).max() < 0.02, "up to the last block before the gap"


def test_random_walk_heading_passes_times_without_observation() -> None:
    n = 12_000
    blocks = Blocks.of(np.ones(n, dtype=bool), RATE_HZ, 0.05)
    time_s = blocks.middle / RATE_HZ
    truth = 0.001 * time_s
    blind = (time_s > 40) & (time_s < 80)
    information = np.where(blind, 0.0, 100.0)
    phasor = np.exp(1j * np.where(blind, 2.0, truth))
    heading = random_walk_heading(phasor, information, DEFAULTS, blocks)
    assert np.abs(heading.heading_rad - truth).max() < 0.05
    assert heading.sd_rad[blind].max() > 1.5 * heading.sd_rad[~blind].min()


def test_random_walk_heading_is_that_of_dense_least_squares() -> None:
    """Without a bias the filter and its smoother solve the tridiagonal equations of a random walk."""
    rng = np.random.default_rng(3)
    blocks = blocks_of(60)
    heading = 3.0 + np.cumsum(rng.normal(0.0, 0.02, blocks.count))
    information = rng.uniform(1.0, 100.0, blocks.count)
    walk = random_walk_heading(np.exp(1j * heading), information, DEFAULTS, blocks)
    first = blocks.steps(1.0)
    worth = np.add.reduceat(information, first) * blocks.spacing_s
    observed = np.add.reduceat(information * heading, first) * blocks.spacing_s / worth
    seconds = np.diff(np.append(first, blocks.count))[:-1] * blocks.spacing_s
    stiffness = 1.0 / (DEFAULTS.skin_process_noise_rad**2 * seconds)
    matrix = np.diag(worth)
    for k, s in enumerate(stiffness):
        matrix[k : k + 2, k : k + 2] += s * np.array([[1.0, -1.0], [-1.0, 1.0]])
    wanted = np.linalg.solve(matrix, worth * observed)
    middle = first + np.diff(np.append(first, blocks.count)) // 2
    apart = np.angle(np.exp(1j * (walk.heading_rad[middle] - np.interp(middle, first + 4.5, wanted))))
    assert np.abs(apart).max() < 2e-3
    assert np.unwrap(walk.heading_rad) == pytest.approx(walk.heading_rad), "no jump where the angle wraps"


def test_random_walk_heading_is_the_filter_with_a_bias_of_zero() -> None:
    """The short form must not drift away from the long one, gaps and blind seconds included."""
    rng = np.random.default_rng(5)
    carried = np.ones(9_000, dtype=bool)
    carried[3_000:3_400] = carried[6_001:6_002] = False
    blocks = Blocks.of(carried, RATE_HZ, 0.05)
    phasor = np.exp(1j * (2.0 + np.cumsum(rng.normal(0.0, 0.1, blocks.count))))
    information = np.where(rng.random(blocks.count) < 0.2, 0.0, rng.uniform(0.0, 50.0, blocks.count))
    information[500:600] = 0.0
    walk = random_walk_heading(phasor, information, DEFAULTS, blocks)
    level = np.zeros(blocks.count)
    general = HeadingFilter(DEFAULTS.skin_process_noise_rad).forward(
        phasor * information, information, level, 0.0, blocks
    )
    whole = general.smooth(blocks)
    np.testing.assert_allclose(walk.heading_rad, whole.heading_rad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(walk.sd_rad, whole.sd_rad, rtol=1e-12)
