from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.importers import FORMATS, import_session
from firmware_bridge.session.model import Phase
from firmware_bridge.session.reader import read_session

HEADER = "time_s,acc_x_m_s2,acc_y_m_s2,acc_z_m_s2,gyr_x_rad_s,gyr_y_rad_s,gyr_z_rad_s"
Put = Callable[..., Path]


def rows(time_s: np.ndarray) -> list[str]:
    return [HEADER, *(f"{t!r},0,0,9.8,{i / 100},0,0" for i, t in enumerate(time_s.tolist()))]


@pytest.fixture
def files(put: Put) -> tuple[Path, Path]:
    return put("t.csv", rows(np.arange(100) / 100)), put("s.csv", rows(0.5 + np.arange(100) / 100))


def test_a_csv_becomes_a_session_with_its_own_times(
    files: tuple[Path, Path], put: Put, tmp_path: Path
) -> None:
    events = put("e.jsonl", ['{"time_s": 0.25, "type": "phase", "name": "before", "test": "ake"}'])
    written = import_session("csv", *files, tmp_path / "s", events=events, side="left", client="K3").recording
    read = read_session(tmp_path / "s")
    assert read.info == written.info
    assert (read.info.status, read.info.side, read.info.client) == ("imported", Side.LEFT, "K3")
    assert read.info.sensors[Segment.THIGH].driver == "csv"
    assert read.events == (Phase(0.25, "before", "ake"),)
    np.testing.assert_array_equal(read.thigh.time_s, np.arange(100) / 100)
    np.testing.assert_allclose(read.shank.time_s, 0.5 + np.arange(100) / 100, rtol=1e-12)


def test_times_since_1970_keep_their_precision(put: Put, tmp_path: Path) -> None:
    """Nine digits would leave whole seconds of them; samples and events move together."""
    time_s = 1.7e9 + np.arange(200) / 128
    events = put("e.jsonl", [f'{{"time_s": {1.7e9 + 0.75}, "type": "phase", "name": "before"}}'])
    files = put("t.csv", rows(time_s)), put("s.csv", rows(time_s + 0.25))
    import_session("csv", *files, tmp_path / "s", events=events)
    read = read_session(tmp_path / "s")
    np.testing.assert_allclose(read.thigh.time_s, np.arange(200) / 128, atol=1e-8)
    np.testing.assert_allclose(read.shank.time_s, 0.25 + np.arange(200) / 128, atol=1e-8)
    assert read.events == (Phase(0.75, "before"),)


def test_a_csv_without_a_last_line_end_is_whole(put: Put, tmp_path: Path) -> None:
    path = put("t.csv", rows(np.arange(10) / 10))
    path.write_bytes(path.read_bytes().rstrip())
    recording = import_session("csv", path, put("s.csv", rows(np.arange(10) / 10)), tmp_path / "s").recording
    assert len(recording.thigh) == 10
    assert not any("torn" in warning for warning in recording.warnings)


def test_raw_clock_columns_of_a_csv_are_kept_but_time_s_is_believed(put: Put, tmp_path: Path) -> None:
    text = [HEADER + ",arrival_s"] + [f"{t / 100},0,0,9.8,0,0,0,{t / 100 + 0.3 + t % 7}" for t in range(50)]
    import_session("csv", put("t.csv", text), put("s.csv", text), tmp_path / "s")
    read = read_session(tmp_path / "s")
    np.testing.assert_array_equal(read.thigh.time_s, np.arange(50) / 100)
    assert read.thigh.arrival_s is not None


def test_a_wrong_line_of_events_is_named_and_nothing_is_written(
    files: tuple[Path, Path], put: Put, tmp_path: Path
) -> None:
    events = put(
        "e.jsonl", ['{"time_s": 1, "type": "marker", "text": "x"}', '{"time_s": 1, "type": "phase"}']
    )
    with pytest.raises(SessionError, match=r'Line 2 of .*e\.jsonl.*"name"'):
        import_session("csv", *files, tmp_path / "s", events=events)
    assert not (tmp_path / "s").exists()


def test_wrong_calls_are_told_apart_from_wrong_files(
    files: tuple[Path, Path], put: Put, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="movella-dot"):
        import_session("dot", *files, tmp_path / "s")
    with pytest.raises(UsageError, match="same file"):
        import_session("csv", files[0], files[0], tmp_path / "s")
    with pytest.raises(SessionError, match="There is no file"):
        import_session("csv", files[0], tmp_path / "nowhere.csv", tmp_path / "s")
    for format_ in FORMATS:
        empty = put("empty_gyroscope.csv", [])
        put("empty_accelerometer.csv", [])
        with pytest.raises(SessionError, match="is empty"):
            import_session(format_, empty, files[1], tmp_path / "s")
        wrong = put("poem_gyroscope.csv", ["roses are red", "violets are blue"])
        put("poem_accelerometer.csv", ["roses are red"])
        with pytest.raises(SessionError, match="column"):
            import_session(format_, wrong, files[1], tmp_path / "s")


@pytest.mark.parametrize(
    ("row", "unit"),
    [("0,0,1,0,0,0", "in g"), ("0.01,0.02,0,0,0,0", "without gravity"), ("0,0,9.8,0,0,180", "in deg/s")],
)
def test_numbers_that_cannot_be_in_our_units_are_refused(
    put: Put, tmp_path: Path, row: str, unit: str
) -> None:
    good = put("t.csv", rows(np.arange(10) / 10))
    bad = put("s.csv", [HEADER] + [f"{t / 10},{row}" for t in range(10)])
    with pytest.raises(SessionError, match=f"shank.*{unit}"):
        import_session("csv", good, bad, tmp_path / "s")


def test_a_session_is_not_imported_over_another(files: tuple[Path, Path], tmp_path: Path) -> None:
    import_session("csv", *files, tmp_path / "s")
    with pytest.raises(SessionError, match="already"):
        import_session("csv", *files, tmp_path / "s")
