from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import ImuSamples
from firmware_bridge.timing.common_movement import sync_offset


def worn(rate, movement, shift_s, rng, seed, noise_rad_s=0.01):
    """What a sensor in some orientation measures of a movement given at 1 kHz, its clock shifted."""
    time_s = np.arange(rng.uniform(0, 1 / rate), 8, 1 / rate)
    fine_s = np.arange(len(movement)) / 1000
    gyr = np.column_stack([np.interp(time_s, fine_s, axis) for axis in movement.T])
    gyr = Rotation.random(random_state=seed).apply(gyr) + rng.normal(0, noise_rad_s, gyr.shape)
    return ImuSamples(time_s + shift_s, np.zeros_like(gyr), gyr)


def shake(rng, amplitude_rad_s=4.0):
    movement = gaussian_filter1d(rng.standard_normal((8000, 3)), 60, axis=0)
    return amplitude_rad_s * movement / movement.std()


@pytest.mark.parametrize("offset_s", [-0.3, -0.0123, 0.0, 0.004, 0.25])
def test_the_offset_is_found_to_a_tenth_of_a_millisecond(offset_s):
    rng = np.random.default_rng(7)
    movement = shake(rng)
    result = sync_offset(worn(100, movement, 0, rng, 1), worn(98.7, movement, offset_s, rng, 2), 0.5, 7.5)
    assert result.offset_s == pytest.approx(offset_s, abs=1e-4)
    assert result.correlation > 0.999


def test_the_stated_uncertainty_is_true():
    errors = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        movement = shake(rng, 2.0)
        thigh, shank = (worn(rate, movement, 0, rng, seed, 0.1) for rate in (100, 60))
        result = sync_offset(thigh, shank, 0.5, 7.5)
        errors.append(result.offset_s / result.uncertainty_s)
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) < 1.5


def test_what_cannot_be_compared_is_refused():
    rng = np.random.default_rng(3)
    one, other, still = shake(rng), shake(rng), shake(rng, 0.05)
    for a, b, stop_s, words in (
        (one, one, 1.0, "too short"),
        (still, still, 7.5, "hardly moved"),
        (one, other, 7.5, "did not move as one"),
        (one, one, 8.5, "not samples of both"),
    ):
        with pytest.raises(CannotAnswerError, match=words):
            sync_offset(worn(100, a, 0, rng, 1), worn(100, b, 0, rng, 2), 0.5, stop_s)
