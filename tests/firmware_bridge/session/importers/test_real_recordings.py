"""Files as the vendors' programs wrote them. They are not part of the project: skipped where absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.errors import SessionError
from firmware_bridge.session.importers import read_recording

DATA = Path(os.environ.get("KNEEFLEX_DATA") or Path(__file__).parents[5] / "shared" / "data")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no recordings: set KNEEFLEX_DATA to their folder")


@pytest.mark.parametrize(
    ("format_", "thigh", "shank", "counts", "rates_hz"),
    [
        (
            "movella-dot",
            "movella_dot_knee_1/thigh.csv",
            "movella_dot_knee_1/shank.csv",
            (3263, 3262),
            (60, 60),
        ),
        (
            "movella-dot",
            "movella_dot_knee_2/thigh.csv",
            "movella_dot_knee_2/shank.csv",
            (2658, 2658),
            (60, 60),
        ),
        (
            "xsens-mt",
            "fan2021_cutting_R/thigh_xsens_mt.txt",
            "fan2021_cutting_R/shank_xsens_mt.txt",
            (8882, 8882),
            (100, 100),
        ),
        ("csv", "biomechzoo_walk_R/thigh.csv", "biomechzoo_walk_R/shank.csv", (1001, 1001), (100, 100)),
        (
            "metabase",
            "metamotion_csv/trial_A_sensor1_accelerometer.csv",
            "metamotion_csv/trial_A_sensor5_gyroscope.csv",
            (6198, 6306),
            (98.71, 99.80),
        ),
    ],
)
def test_real_files_are_imported_whole(
    format_: str, thigh: str, shank: str, counts: tuple[int, int], rates_hz: tuple[float, float]
) -> None:
    recording = read_recording(format_, DATA / thigh, DATA / shank)
    for samples, count, rate_hz in zip((recording.thigh, recording.shank), counts, rates_hz, strict=True):
        assert len(samples) == count
        assert 1 / np.mean(np.diff(samples.time_s)) == pytest.approx(rate_hz, rel=1e-4)
        assert np.median(np.linalg.norm(samples.acc_m_s2, axis=1)) == pytest.approx(9.8, abs=1.5)
        assert 0.5 < np.linalg.norm(samples.gyr_rad_s, axis=1).max() < 35


def test_the_rate_of_a_real_sensor_is_found_from_its_orientation(tmp_path: Path) -> None:
    """The same files with the line of the rate taken out, as later versions of the program write them."""
    paths = []
    for segment in ("thigh", "shank"):
        lines = (DATA / "fan2021_cutting_R" / f"{segment}_xsens_mt.txt").read_text().split("\n")
        paths.append(tmp_path / f"{segment}.txt")
        paths[-1].write_text("\n".join(line for line in lines if "Update Rate" not in line))
    recording = read_recording("auto", *paths)
    assert 1 / np.median(np.diff(recording.thigh.time_s)) == pytest.approx(100.0, rel=1e-9)
    assert any("does not state its rate" in text for text in recording.warnings)


@pytest.mark.parametrize(("number", "first"), [(1, "thigh"), (2, "shank")])
def test_the_sensor_that_began_a_sample_earlier_is_found(number: int, first: str) -> None:
    folder = DATA / f"movella_dot_knee_{number}"
    recording = read_recording("movella-dot", folder / "thigh.csv", folder / "shank.csv")
    lead_s = recording.shank.time_s[0] - recording.thigh.time_s[0]
    assert lead_s == pytest.approx(0.016667 if first == "thigh" else -0.016667, abs=1e-9)


def test_a_quaternion_export_is_refused() -> None:
    folder = DATA / "movella_dot_gaps"
    with pytest.raises(SessionError, match="no raw"):
        read_recording("movella-dot", folder / "left_thigh.csv", folder / "left_shank.csv")
