from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Segment
from firmware_bridge.session.importers import read_recording
from firmware_bridge.session.importers.engine import read_sensor
from firmware_bridge.session.importers.seam import Imported, Wanted
from firmware_bridge.timing.device_clock import DeviceClock


def read_one(format_: str, path: Path, rate_hz: float | None = None) -> Imported:
    return read_sensor(Wanted(path, Segment.THIGH, rate_hz=rate_hz), format_)


Motion = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
STEP_US = 16667


def lines(
    ticks: np.ndarray, motion: Motion, *, sync: str = "Synced", start: str = "", sep: str = ","
) -> list[str]:
    """A file as the app writes it; the motion is a function of the ticks, wraps removed."""
    acc, gyr = motion(ticks * 1e-6)
    head = [
        f"sep={sep}",
        f"DeviceTag:{sep}Left thigh",
        f"FirmwareVersion:{sep}3.0.0",
        f"AppVersion:{sep}2023.6.0",
        f"SyncStatus:{sep}{sync}",
        f"OutputRate:{sep}60Hz",
        f"Measurement Mode:{sep}Inertial data Mode - Rate Quantities(with mag)",
        f"StartTime: {sep}{start or '2024-12-09_17:31:07_886 GMT+8'}",
        "© Movella Technologies B. V. 2005-2024",
        "",
        "PacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z,Mag_X,Mag_Y,Mag_Z".replace(
            ",", sep
        ),
    ]
    table = np.column_stack([acc, np.degrees(gyr), np.ones((len(ticks), 3))])
    rows = [
        sep.join([str(i + 1), str(tick % 2**32), *(f"{value:.6f}" for value in row)])
        for i, (tick, row) in enumerate(zip(ticks.tolist(), table, strict=True))
    ]
    return head + rows


def test_units_clock_and_description(put: Callable[..., Path], motion: Motion) -> None:
    ticks = 1_020_235_923 + STEP_US * np.arange(300)
    found = read_one("movella-dot", put("thigh.csv", lines(ticks, motion)))
    acc, gyr = motion(ticks * 1e-6)
    np.testing.assert_allclose(found.samples.acc_m_s2, acc, atol=1e-6)
    np.testing.assert_allclose(found.samples.gyr_rad_s, gyr, atol=1e-7)
    np.testing.assert_allclose(np.diff(found.samples.time_s), STEP_US * 1e-6)
    np.testing.assert_array_equal(found.samples.device_ticks, ticks)
    assert (found.sensor.name, found.sensor.firmware) == ("Left thigh", "3.0.0")
    assert found.sensor.nominal_rate_hz == 60.0
    assert found.sensor.clock == DeviceClock(1e-6, 2**32)
    assert found.started_at == datetime(2024, 12, 9, 9, 31, 7, 886_000, UTC)
    assert [f.sentence for f in found.findings] == []


@pytest.mark.parametrize("first", [1_020_235_923, 2**32 - 40 * STEP_US, 2**32 - STEP_US])
def test_both_sensors_are_aligned_by_their_stamps_across_the_wrap(
    put: Callable[..., Path], motion: Motion, first: int
) -> None:
    """The shank begins one sample before the thigh; at the wrap, on the other side of it."""
    shank = first + STEP_US * np.arange(300)
    thigh = shank + STEP_US
    recording = read_recording(
        "movella-dot", put("t.csv", lines(thigh, motion)), put("s.csv", lines(shank, motion))
    )
    np.testing.assert_allclose(recording.shank.time_s, STEP_US * 1e-6 * np.arange(300), atol=1e-9)
    np.testing.assert_allclose(recording.thigh.time_s, STEP_US * 1e-6 * np.arange(1, 301), atol=1e-9)
    np.testing.assert_allclose(recording.thigh.acc_m_s2[:-1], recording.shank.acc_m_s2[1:], atol=2e-6)


def test_lost_packets_stay_gaps(put: Callable[..., Path], motion: Motion) -> None:
    ticks = np.delete(10**9 + STEP_US * np.arange(100), [7, 8, 50])
    found = read_one("movella-dot", put("t.csv", lines(ticks, motion)))
    np.testing.assert_allclose(np.diff(found.samples.time_s), np.diff(ticks) * 1e-6)


def test_a_file_of_another_country_and_another_system(put: Callable[..., Path], motion: Motion) -> None:
    """Semicolons between the columns, Windows line ends, a byte order mark, a torn last line."""
    ticks = 10**9 + STEP_US * np.arange(50)
    path = put("t.csv", lines(ticks, motion, sep=";"), end="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"51;1000000000;3.1")
    found = read_one("movella-dot", path)
    assert len(found.samples) == 50
    assert found.sensor.name == "Left thigh"
    assert any("damaged" in warning or "gaps" in warning for warning in [f.sentence for f in found.findings])


def test_sensors_that_were_not_synchronised_are_said_to_be(put: Callable[..., Path], motion: Motion) -> None:
    thigh = put("t.csv", lines(10**9 + STEP_US * np.arange(100), motion, sync="Unsynced"))
    shank = put("s.csv", lines(7 * 10**8 + STEP_US * np.arange(100), motion))
    recording = read_recording("movella-dot", thigh, shank)
    assert recording.thigh.time_s[0] == recording.shank.time_s[0] == 0.0
    assert any("not synchronised" in warning for warning in recording.warnings)


def test_files_of_two_recordings_are_refused(put: Callable[..., Path], motion: Motion) -> None:
    thigh = put("t.csv", lines(10**9 + STEP_US * np.arange(100), motion))
    shank = put("s.csv", lines(7 * 10**8 + STEP_US * np.arange(100), motion))
    with pytest.raises(SessionError, match="do not overlap"):
        read_recording("movella-dot", thigh, shank)


def test_a_mode_without_angular_rate_is_refused_by_its_name(put: Callable[..., Path]) -> None:
    path = put(
        "t.csv",
        [
            "sep=,",
            "Measurement Mode:,Sensor fusion Mode - Extended(Quaternion)",
            "",
            "PacketCounter,SampleTimeFine,Quat_W,Quat_X,Quat_Y,Quat_Z,FreeAcc_X,FreeAcc_Y,FreeAcc_Z,Status",
            "1,3343444552,0.4,-0.4,-0.5,-0.5,0.01,0.02,-0.04,0",
        ],
    )
    with pytest.raises(SessionError, match=r"angular rate.*Extended\(Quaternion\).*Record in a mode"):
        read_one("movella-dot", path)


def test_a_zone_that_is_only_a_name_is_said_to_be_unknown(put: Callable[..., Path], motion: Motion) -> None:
    ticks = 10**9 + STEP_US * np.arange(20)
    found = read_one("movella-dot", put("t.csv", lines(ticks, motion, start="2024-12-09_17:31:07_886 CET")))
    assert found.started_at == datetime(2024, 12, 9, 17, 31, 7, 886_000, UTC)
    assert any("CET" in warning for warning in [f.sentence for f in found.findings])
