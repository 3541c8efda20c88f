from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Segment
from firmware_bridge.session.importers import read_recording
from firmware_bridge.session.importers.clocks.stamps import even_out
from firmware_bridge.session.importers.engine import read_sensor
from firmware_bridge.session.importers.seam import Imported, Wanted


def read_one(format_: str, path: Path, rate_hz: float | None = None) -> Imported:
    return read_sensor(Wanted(path, Segment.THIGH, rate_hz=rate_hz), format_)


Motion = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
START_MS = 1_665_753_886_362


def lines(time_s: np.ndarray, values: np.ndarray, unit: str) -> list[str]:
    """Stamps in whole milliseconds that jitter as the app's do."""
    jitter_ms = np.random.default_rng(2).uniform(-1.5, 1.5, len(time_s))
    stamps_ms = np.round(START_MS + 1000 * time_s + jitter_ms).astype(np.int64)
    head = f"epoc (ms),timestamp (+0200),elapsed (s),x-axis ({unit}),y-axis ({unit}),z-axis ({unit})"
    return [head] + [
        f"{stamp},2022-10-14T15.24.46.362,{(stamp - START_MS) / 1000:.3f},"
        + ",".join(f"{v:.3f}" for v in row)
        for stamp, row in zip(stamps_ms.tolist(), values, strict=True)
    ]


@pytest.fixture
def sensor(put: Callable[..., Path], motion: Motion) -> Callable[..., Path]:
    """Writes the two files of a sensor and names the accelerometer's."""

    def write(name: str, time_s: np.ndarray) -> Path:
        put(f"{name}_Gyroscope_100.000Hz.csv", lines(time_s, np.degrees(motion(time_s)[1]), "deg/s"))
        acc = motion(time_s[1:])[0] / 9.80665
        return put(f"{name}_Accelerometer_100.000Hz.csv", lines(time_s[1:], acc, "g"))

    return write


def test_either_file_gives_the_sensor_in_our_units(sensor: Callable[..., Path], motion: Motion) -> None:
    """The true rate is 98.71 Hz, whatever the name of the file says; jitter of the stamps is evened out."""
    time_s = np.arange(1, 700) / 98.71
    acc_path = sensor("leg", time_s)
    found = read_one("metabase", acc_path)
    again = read_one("metabase", acc_path.with_name("leg_Gyroscope_100.000Hz.csv"))
    np.testing.assert_array_equal(found.samples.acc_m_s2, again.samples.acc_m_s2)
    elapsed_s = found.samples.time_s - START_MS / 1000
    np.testing.assert_allclose(elapsed_s, time_s[1:], atol=5e-4)
    acc, gyr = motion(elapsed_s)
    np.testing.assert_allclose(found.samples.acc_m_s2, acc, atol=0.02)
    np.testing.assert_allclose(found.samples.gyr_rad_s, gyr, atol=1e-3)
    assert found.sensor.nominal_rate_hz == 100.0
    assert found.started_at is not None
    assert found.started_at.timestamp() == pytest.approx(START_MS / 1000 + elapsed_s[0], abs=1e-5)


def test_two_sensors_are_joined_by_time_not_by_row(sensor: Callable[..., Path], motion: Motion) -> None:
    thigh = sensor("thigh", 0.948 + np.arange(500) / 98.71)
    shank = sensor("shank", np.arange(600) / 99.80)
    recording = read_recording("metabase", thigh, shank)
    assert recording.thigh.time_s[0] - recording.shank.time_s[0] == pytest.approx(0.948, abs=0.002)
    start_s = 1 / 99.80
    for samples in (recording.thigh, recording.shank):
        np.testing.assert_allclose(samples.gyr_rad_s, motion(start_s + samples.time_s)[1], atol=5e-3)


def test_a_gap_stays_a_gap(sensor: Callable[..., Path]) -> None:
    time_s = np.delete(np.arange(500) / 100, slice(200, 260))
    found = read_one("metabase", sensor("leg", time_s))
    steps_s = np.diff(found.samples.time_s)
    assert (steps_s > 0.05).sum() == 1
    assert steps_s.max() == pytest.approx(0.61, abs=0.005)


def test_stamps_that_no_line_fits_are_kept() -> None:
    stamps_s = np.cumsum(np.where(np.arange(400) < 200, 0.010, 0.0125))
    np.testing.assert_array_equal(even_out(stamps_s), stamps_s)
    assert np.abs(even_out(stamps_s[:200]) - stamps_s[:200]).max() < 1e-9


def test_what_is_missing_is_named(sensor: Callable[..., Path], put: Callable[..., Path]) -> None:
    lonely = sensor("leg", np.arange(50) / 100)
    (lonely.parent / "leg_Gyroscope_100.000Hz.csv").unlink()
    with pytest.raises(SessionError, match="no gyroscope file beside"):
        read_one("metabase", lonely)
    with pytest.raises(SessionError, match="neither accelerometer nor gyroscope"):
        read_one("metabase", lonely.rename(lonely.with_name("leg.csv")))
    swapped = put("b_accelerometer.csv", lines(np.arange(50) / 100, np.ones((50, 3)), "deg/s"))
    with pytest.raises(SessionError, match=r"says accelerometer.*x-axis \(deg/s\)"):
        read_one("metabase", swapped)
