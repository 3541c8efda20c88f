from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Segment
from firmware_bridge.session.importers import read_recording
from firmware_bridge.session.importers.engine import read_sensor
from firmware_bridge.session.importers.seam import Imported, Wanted


def read_one(format_: str, path: Path, rate_hz: float | None = None) -> Imported:
    return read_sensor(Wanted(path, Segment.THIGH, rate_hz=rate_hz), format_)


Motion = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def lines(count: np.ndarray, motion: Motion, rate_hz: float = 100.0) -> list[str]:
    acc, gyr = motion(count / rate_hz)
    rows = [
        "\t".join([f"{c % 65536:05d}", *(f"{v:.6f}" for v in (*a, *g, 0.1, 0.2, 0.3))])
        for c, a, g in zip(count.tolist(), acc, gyr, strict=True)
    ]
    return [
        "// Start Time: Unknown",
        f"// Update Rate: {rate_hz}Hz",
        "// Filter Profile: human (46.1)",
        "// Firmware Version: 4.3.5",
        "\t".join(["PacketCounter", *(f"{q}_{axis}" for q in ("Acc", "Gyr", "Mag") for axis in "XYZ")]),
        *rows,
    ]


def test_units_rate_wrap_and_description(put: Callable[..., Path], motion: Motion) -> None:
    count = 65_400 + np.arange(400)
    found = read_one("xsens-mt", put("t.txt", lines(count, motion), end="\r\n"))
    acc, gyr = motion(count / 100)
    np.testing.assert_allclose(found.samples.acc_m_s2, acc, atol=1e-6)
    np.testing.assert_allclose(found.samples.gyr_rad_s, gyr, atol=1e-6)
    np.testing.assert_allclose(found.samples.time_s, count / 100)
    assert (found.sensor.nominal_rate_hz, found.sensor.firmware) == (100.0, "4.3.5")


def test_the_doubled_first_row_is_dropped_and_empty_rows_are_gaps(
    put: Callable[..., Path], motion: Motion
) -> None:
    text = lines(65_500 + np.arange(100), motion)
    text.insert(5, text[5])
    text[20] = text[20][:5] + "\t" * 9
    del text[60]
    recording = read_recording(
        "xsens-mt", put("t.txt", text), put("s.txt", lines(65_500 + np.arange(100), motion))
    )
    np.testing.assert_allclose(recording.thigh.time_s, np.delete(np.arange(100), [14, 54]) / 100, atol=1e-9)
    acc, _ = motion(655.0 + recording.thigh.time_s)
    np.testing.assert_allclose(recording.thigh.acc_m_s2, acc, atol=2e-6)
    assert any("1 row of the thigh file" in warning for warning in recording.warnings)
    assert any("gaps" in warning for warning in recording.warnings)


def test_both_sensors_are_aligned_by_the_counter_across_the_wrap(
    put: Callable[..., Path], motion: Motion
) -> None:
    thigh, shank = 65_534 + np.arange(200), 65_537 + np.arange(200)
    recording = read_recording("xsens-mt", put("t", lines(thigh, motion)), put("s", lines(shank, motion)))
    assert recording.thigh.time_s[0] == 0.0
    assert recording.shank.time_s[0] == pytest.approx(0.03)


def test_a_long_lead_by_the_counter_is_said(put: Callable[..., Path], motion: Motion) -> None:
    thigh, shank = 100 + np.arange(3000), 1300 + np.arange(3000)
    recording = read_recording("xsens-mt", put("t", lines(thigh, motion)), put("s", lines(shank, motion)))
    assert any("thigh began 12.0 s before" in warning for warning in recording.warnings)


@pytest.mark.parametrize(
    ("drop", "words"),
    [("Update Rate", "sample rate.*--rate"), ("PacketCounter", "column names"), ("Gyr_Y", "Gyr_Y")],
)
def test_what_is_missing_is_named(put: Callable[..., Path], motion: Motion, drop: str, words: str) -> None:
    text = [line.replace(drop, "Something") for line in lines(np.arange(50), motion)]
    with pytest.raises(SessionError, match=words):
        read_one("xsens-mt", put("t.txt", text))
