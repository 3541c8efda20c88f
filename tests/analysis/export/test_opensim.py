"""What OpenSim reads back is the angle that was computed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.answer import angle_of, orientations_of
from analysis.export import export
from analysis.export.opensim import MOT, STO, angle_text, opensim_files
from firmware_bridge.errors import CannotAnswerError, UsageError
from firmware_bridge.samples import Float, Side
from firmware_bridge.session.model import Recording
from firmware_bridge.session.reader import read_session


@pytest.fixture(scope="module")
def folder(sessions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("opensim") / "out"
    export(sessions / "b", "opensim", out)
    return out


@pytest.fixture(scope="module")
def flexion(sessions: Path) -> tuple[Float, Float]:
    track = angle_of(read_session(sessions / "b")).track
    return track.time_s[track.valid], track.flexion_deg[track.valid]


def _twist_deg(thigh: Float, shank: Float) -> Float:
    """The turn of the shank against the thigh about -z, from (w, x, y, z)."""
    a, b = thigh.T, shank.T
    w = (a * b).sum(axis=0)
    z = a[0] * b[3] - a[3] * b[0] - a[1] * b[2] + a[2] * b[1]
    return (-2 * np.degrees(np.arctan2(z, w)) + 180) % 360 - 180


def test_opensim_reads_both_files_and_finds_our_angle(folder: Path, flexion: tuple[Float, Float]) -> None:
    opensim = pytest.importorskip("opensim", reason="opensim is not installed")
    angle = opensim.TimeSeriesTable(str(folder / MOT))
    assert list(angle.getColumnLabels()) == ["knee_angle_r"]
    assert angle.getTableMetaDataString("inDegrees") == "yes"
    np.testing.assert_allclose(angle.getIndependentColumn(), flexion[0], atol=1e-6)
    np.testing.assert_allclose(angle.getDependentColumn("knee_angle_r").to_numpy(), flexion[1], atol=1e-5)
    table = opensim.TimeSeriesTableQuaternion(str(folder / STO))
    assert list(table.getColumnLabels()) == ["femur_r_imu", "tibia_r_imu"]
    assert float(table.getTableMetaDataString("DataRate")) == 100
    np.testing.assert_allclose(table.getIndependentColumn(), flexion[0], atol=1e-6)
    some = range(0, table.getNumRows(), 50)
    rows = [table.getRowAtIndex(i) for i in some]
    thigh, shank = (
        np.array([[row.getElt(0, column).get(k) for k in range(4)] for row in rows]) for column in range(2)
    )
    np.testing.assert_allclose(_twist_deg(thigh, shank), flexion[1][::50], atol=1e-4)


def test_the_documented_format(folder: Path, flexion: tuple[Float, Float]) -> None:
    """The same without OpenSim, by the format that its documentation describes."""
    lines = (folder / STO).read_text().splitlines()
    end = lines.index("endheader")
    assert "DataType=Quaternion" in lines[:end]
    assert lines[end + 1].split("\t") == ["time", "femur_r_imu", "tibia_r_imu"]
    rows = np.array([[float(v) for v in line.replace("\t", ",").split(",")] for line in lines[end + 2 :]])
    np.testing.assert_allclose(rows[:, 0], flexion[0], atol=1e-6)
    np.testing.assert_allclose(_twist_deg(rows[:, 1:5], rows[:, 5:]), flexion[1], atol=1e-4)
    lines = (folder / MOT).read_text().splitlines()
    end = lines.index("endheader")
    assert f"nRows={len(flexion[0])}" in lines[:end]
    assert lines[0] == "Coordinates"
    rows = np.array([[float(v) for v in line.split("\t")] for line in lines[end + 2 :]])
    np.testing.assert_allclose(rows[:, 1], flexion[1], atol=1e-6)


def test_gaps_are_missing_rows(folder: Path) -> None:
    times = [float(line.split("\t")[0]) for line in (folder / MOT).read_text().splitlines()[8:]]
    assert not [t for t in times if 40.1 < t < 40.4]
    assert "nan" not in (folder / STO).read_text() + (folder / MOT).read_text()


def test_the_left_leg_and_a_relative_angle_are_named(recording: Recording) -> None:
    track = angle_of(recording).track
    files = opensim_files(orientations_of(recording), track, Side.LEFT, 100.0, relative=True)
    assert "\ttibia_l_imu" in files[STO]
    assert "knee_angle_l" in files[MOT]
    assert "not from straight" in files[MOT]
    assert "0 is straight" in angle_text(track, Side.LEFT, relative=False)


def test_files_that_are_there_are_written_over_only_when_told(sessions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / MOT).write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        export(sessions / "b", "opensim", out)
    assert [p.name for p in out.iterdir()] == [MOT]
    export(sessions / "b", "opensim", out, overwrite=True)
    assert (out / MOT).read_text().startswith("Coordinates")


def test_several_sessions_get_a_folder_each_and_a_broken_one_is_told(sessions: Path, tmp_path: Path) -> None:
    root = tmp_path / "sessions"
    shutil.copytree(sessions, root)
    (root / "a/shank.csv").unlink()
    found = export(root, "opensim", tmp_path / "out")
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in found.places) == ["b", "q/c"]
    assert [place.name for place, _ in found.left_out] == ["a"]
    assert not (tmp_path / "out/a").exists()
    with pytest.raises(CannotAnswerError, match="Nothing could be exported"):
        export(root / "a", "opensim", tmp_path / "none")
    assert not (tmp_path / "none").exists()
