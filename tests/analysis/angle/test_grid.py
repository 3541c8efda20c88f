from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.angle.blocks import Blocks
from analysis.angle.grid import clean, common_grid, rate_of
from analysis.angle.parameters import DEFAULTS
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import ImuSamples


def wave(time_s: np.ndarray) -> np.ndarray:
    return np.stack((np.sin(6 * time_s), np.cos(4 * time_s), 0.3 * np.sin(9 * time_s)), axis=1)


def sampled(time_s: np.ndarray) -> ImuSamples:
    return ImuSamples(time_s, 9.81 + wave(time_s), wave(time_s))


def test_samples_on_the_grid_are_taken_as_they_are() -> None:
    samples = sampled(np.arange(500) / 100)
    grid = common_grid(samples, samples, DEFAULTS)
    assert grid.rate_hz == 100
    assert np.array_equal(grid.thigh.gyr_rad_s, samples.gyr_rad_s.T)
    assert grid.known.all()


def test_uneven_times_and_different_rates_meet_on_one_grid() -> None:
    rng = np.random.default_rng(0)
    thigh = sampled(np.sort(np.arange(1000) / 100 + rng.uniform(-0.002, 0.002, 1000)))
    shank = sampled(0.2 + np.arange(580) / 60)
    grid = common_grid(thigh, shank, DEFAULTS)
    assert grid.rate_hz == 100
    # The shank's steps are longer: their middles meet those of the grid.
    late_s = (1 / 60 - 1 / 100) / 2
    assert grid.time_s[0] == pytest.approx(0.2 - late_s)
    for motion, shift_s in ((grid.thigh, 0.0), (grid.shank, late_s)):
        assert np.abs(motion.gyr_rad_s.T - wave(grid.time_s + shift_s)).max() < 0.01


def test_a_short_gap_is_filled_along_the_movement_and_a_long_one_stays() -> None:
    time_s = np.arange(1000) / 100
    keep = ~(
        ((time_s > 3) & (time_s < 3.09)) | ((time_s > 6) & (time_s < 6.2)) | ((time_s > 8) & (time_s < 9))
    )
    grid = common_grid(sampled(time_s[keep]), sampled(time_s), DEFAULTS)
    known = dict(zip(np.round(grid.time_s, 2), grid.known, strict=True))
    carried = dict(zip(np.round(grid.time_s, 2), grid.carried, strict=True))
    assert known[3.05]
    assert not known[6.1]
    assert carried[6.1]
    assert not carried[8.5]
    short = (grid.time_s > 2.9) & (grid.time_s < 6.5)
    assert np.abs(grid.thigh.gyr_rad_s.T - wave(grid.time_s))[short].max() < 0.02


def test_samples_that_are_not_numbers_or_go_back_in_time_are_dropped() -> None:
    samples = sampled(np.array([0.0, 0.1, 0.1, 0.05, 0.2, 0.3]))
    broken = samples.acc_m_s2.copy()
    broken[4, 1] = np.nan
    cleaned = clean(ImuSamples(samples.time_s, broken, samples.gyr_rad_s))
    assert cleaned.time_s.tolist() == [0.0, 0.1, 0.3]


def test_the_rate_is_read_from_the_stamps() -> None:
    assert rate_of(np.cumsum(np.tile([0.0099, 0.0101], 100))) == 100
    assert rate_of(np.arange(100) / 285.71) == pytest.approx(286, abs=0.4)


@pytest.mark.parametrize(
    ("thigh_s", "shank_s"), [((0, 0), (0, 10)), ((0, 10), (20, 30)), ((0, 1), (0, 1)), ((0, 10), (9, 20))]
)
def test_too_little_in_common_is_refused(thigh_s: tuple[float, float], shank_s: tuple[float, float]) -> None:
    with pytest.raises(CannotAnswerError):
        common_grid(sampled(np.arange(*thigh_s, 0.01)), sampled(np.arange(*shank_s, 0.01)), DEFAULTS)


def test_a_rate_below_any_use_is_refused() -> None:
    with pytest.raises(CannotAnswerError, match="samples a second"):
        common_grid(sampled(np.arange(0, 60, 0.5)), sampled(np.arange(0, 60, 0.5)), DEFAULTS)


@settings(max_examples=40)
@given(lost=st.lists(st.tuples(st.integers(0, 290), st.integers(1, 40)), max_size=4))
def test_every_carried_sample_has_a_block_on_its_side_of_every_gap(lost: list[tuple[int, int]]) -> None:
    carried = np.ones(300, dtype=bool)
    for start, length in lost:
        carried[start : start + length] = False
    blocks = Blocks.of(carried, 100.0, 0.05)
    before = np.cumsum(~carried)
    for row in np.flatnonzero(carried):
        block = blocks.of_sample[row]
        if blocks.cut[block]:
            continue
        middle = blocks.middle[block]
        assert before[middle] == before[row], "a gap lies between a sample and its block"
