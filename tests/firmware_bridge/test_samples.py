"""Nothing that happens to an array elsewhere changes samples, also where it is not copied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.samples import ImuSamples


@pytest.fixture
def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.arange(6.0), np.arange(18.0).reshape(6, 3), np.arange(18.0).reshape(6, 3)


def test_an_array_that_could_still_change_is_copied(
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    view = arrays[1].view()
    view.setflags(write=False)  # the array behind it can be written to
    samples = ImuSamples(arrays[0], view, arrays[2])
    for array in arrays:
        array += 1.0
    assert samples.time_s[0] == 0.0
    assert samples.acc_m_s2[0, 0] == 0.0
    assert samples.gyr_rad_s[0, 0] == 0.0
    assert not any(v.flags.writeable for v in (samples.time_s, samples.acc_m_s2, samples.gyr_rad_s))


def test_parts_and_changes_of_samples_share_what_they_have_in_common(
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    samples = ImuSamples(*arrays)
    assert replace(samples, time_s=samples.time_s + 1.0).acc_m_s2 is samples.acc_m_s2
    assert np.shares_memory(samples[2:4].gyr_rad_s, samples.gyr_rad_s)
    # In one piece as it is laid out in memory, because sums depend on that.
    assert samples[::2].acc_m_s2.flags.c_contiguous
    for part in (samples[2:4], samples[::2], samples[np.array([1, 4])], samples[samples.time_s > 2]):
        assert not part.acc_m_s2.flags.writeable
        np.testing.assert_array_equal(part.acc_m_s2, arrays[1][part.time_s.astype(int)])


def test_numbers_of_another_type_and_wrong_shapes_are_converted_and_refused() -> None:
    times = np.arange(2)
    times.setflags(write=False)
    assert ImuSamples(times, np.zeros((2, 3)), np.zeros((2, 3))).time_s.dtype == np.float64
    with pytest.raises(ValueError, match="acc_m_s2 has shape"):
        ImuSamples(np.zeros(2), np.zeros((3, 3)), np.zeros((2, 3)))
