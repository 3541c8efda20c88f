from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import Marker, Phase, Recording, ReferencePose, SessionInfo
from firmware_bridge.session.reader import find_sessions, read_info, read_session
from firmware_bridge.session.writer import write_session

MakeSamples = Callable[..., ImuSamples]
HEADER = "time_s,acc_x_m_s2,acc_y_m_s2,acc_z_m_s2,gyr_x_rad_s,gyr_y_rad_s,gyr_z_rad_s\n"
FILES = ("session.json", "thigh.csv", "shank.csv", "events.jsonl")


@pytest.fixture
def session(tmp_path: Path, info: SessionInfo, make_samples: MakeSamples) -> Path:
    events = (Phase(0.0, "before", "prone"), ReferencePose(0.2, 1.0, 12.0, 2.0, "jig"), Marker(1.0, "größer"))
    folder = tmp_path / "session"
    write_session(
        folder, Recording(replace(info, status="closed"), make_samples(60), make_samples(60), events)
    )
    return folder


def put_rows(session: Path, *rows: str) -> None:
    (session / "thigh.csv").write_text(HEADER + "".join(row + "\n" for row in rows))


def test_two_hundred_random_truncations_are_read_or_refused_in_plain_words(
    session: Path, tmp_path: Path
) -> None:
    """Whatever the file and wherever it ends, at most its last line and what came after it is lost."""
    rng = random.Random(7)
    whole = read_session(session)
    for trial in range(200):
        name = FILES[trial % 4]
        copy = tmp_path / str(trial)
        shutil.copytree(session, copy)
        content = (copy / name).read_bytes()
        keep = rng.randrange(len(content))
        (copy / name).write_bytes(content[:keep])
        try:
            recording = read_session(copy)
        except SessionError:
            assert name == "session.json"
            continue
        lines = max(content[:keep].count(b"\n") - 1, 0)
        if name == "thigh.csv":
            assert len(recording.thigh) == lines
            np.testing.assert_array_equal(recording.thigh.acc_m_s2, whole.thigh.acc_m_s2[:lines])
            torn = keep > 0 and not content[:keep].endswith(b"\n")
            assert any("torn" in warning for warning in recording.warnings) == torn
        assert len(recording.shank) == (lines if name == "shank.csv" else 60)
        if name == "events.jsonl":
            assert recording.events == whole.events[: len(recording.events)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), garbage=st.binary(max_size=40), at=st.floats(0, 1), over=st.booleans())
def test_garbage_anywhere_is_read_or_refused_in_plain_words(
    session: Path, name: str, garbage: bytes, at: float, over: bool
) -> None:
    path = session / name
    content = path.read_bytes()
    position = int(at * len(content))
    try:
        path.write_bytes(content[:position] + garbage + content[position + over * len(garbage) :])
        recording = read_session(session)
    except SessionError:
        return
    finally:
        path.write_bytes(content)
    for samples in (recording.thigh, recording.shank):
        assert np.isfinite(samples.acc_m_s2).all()
        assert np.isfinite(samples.gyr_rad_s).all()
        assert np.isfinite(samples.time_s).all()
        assert (np.diff(samples.time_s) > 0).all()


def test_nothing_is_ever_written(session: Path) -> None:
    (session / "thigh.csv").write_bytes((session / "thigh.csv").read_bytes()[:-7])
    text = (session / "session.json").read_text(encoding="utf-8").replace("closed", "recording")
    (session / "session.json").write_text(text, encoding="utf-8")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in session.iterdir()}
    assert read_session(session).info.status == "recovered"
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in session.iterdir()} == before


def test_rows_that_hold_no_sample_are_left_out_and_counted(session: Path) -> None:
    put_rows(
        session,
        "0.00,0,0,9.8,0,0,0",
        "0.01,nan,0,9.8,0,0,0",
        "0.02,0,0,inf,0,0,0",
        "0.025,inf,-inf,0,0,0,0",
        "0.03,0,0,9.8,0,0,0",
        "0.04,0,0,9.8,0,0",
        "0.05,0,0,9.8,0,0,0,3,4",
        "0.06,0,0,oops,0,0,0",
        "",
        "0.07,0,0,9.8,0,0,0",
    )
    recording = read_session(session)
    np.testing.assert_array_equal(recording.thigh.time_s, [0.0, 0.03, 0.07])
    assert any("2 damaged lines" in warning for warning in recording.warnings)
    assert any("4 lines" in warning and "finite" in warning for warning in recording.warnings)


@pytest.mark.parametrize("keep", [10, 40, 90])
def test_one_damaged_line_costs_neither_the_others_nor_the_clock(session: Path, keep: int) -> None:
    path = session / "thigh.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[20] = lines[20][:keep] + b"\n"
    path.write_bytes(b"".join(lines))
    recording = read_session(session)
    assert len(recording.thigh) == 59
    assert recording.thigh.device_ticks is not None
    assert 19 not in recording.thigh.sequence
    assert any("1 damaged line of thigh.csv" in warning for warning in recording.warnings)


def test_rows_out_of_order_and_repeated_are_put_right_and_told(session: Path) -> None:
    put_rows(session, *(f"{t},{i},0,9.8,0,0,0" for i, t in enumerate([0.0, 0.02, 0.01, 0.02, 0.03])))
    recording = read_session(session)
    np.testing.assert_array_equal(recording.thigh.time_s, [0.0, 0.01, 0.02, 0.03])
    np.testing.assert_array_equal(recording.thigh.acc_m_s2[:, 0], [0, 2, 1, 4])
    assert any("out of order at 1 place" in warning for warning in recording.warnings)
    assert any("1 row of thigh.csv" in warning for warning in recording.warnings)


def test_times_are_fitted_again_from_the_raw_clock(session: Path, info: SessionInfo) -> None:
    """While recording, time_s was a guess; the device clock, 100 ppm fast and wrapping, tells better."""
    n = 6000
    true_s = 1.0 + np.arange(n) / 100
    ticks = (np.round(true_s * 1e6 * 1.0001).astype(np.int64) + 2**32 - 20_000_000) % 2**32
    rng = np.random.default_rng(3)
    delay_s = 0.005 + rng.exponential(0.02, n)
    zeros = np.zeros((n, 3))
    samples = ImuSamples(true_s + delay_s, zeros, zeros, arrival_s=true_s + delay_s, device_ticks=ticks)
    folder = session.parent / "drifting"
    write_session(folder, Recording(info, samples, samples))
    fitted = read_session(folder).thigh.time_s
    assert np.ptp(fitted - true_s) < 0.001
    assert 0 < np.mean(fitted - true_s) < 0.008


@pytest.mark.parametrize("lost", ["thigh.csv", "shank.csv"])
def test_a_sensor_without_samples_is_told(session: Path, lost: str) -> None:
    (session / lost).unlink()
    recording = read_session(session)
    assert sorted((len(recording.thigh), len(recording.shank))) == [0, 60]
    assert any(f"not one sample of the {lost[:5]} sensor" in warning for warning in recording.warnings)


def test_a_session_without_any_sample_is_refused(session: Path) -> None:
    for name in ("thigh.csv", "shank.csv"):
        (session / name).write_text(HEADER)
    with pytest.raises(SessionError, match="no samples of either sensor"):
        read_session(session)


def test_lost_events_are_told_and_the_samples_read(session: Path) -> None:
    (session / "events.jsonl").unlink()
    recording = read_session(session)
    assert recording.events == ()
    assert any("events.jsonl" in warning for warning in recording.warnings)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("time_s,acc_x_g,acc_y_g,acc_z_g,gyr_x_deg_s,gyr_y_deg_s,gyr_z_deg_s", "acc_x_m_s2"),
        ("t;ax;ay;az;gx;gy;gz", "time_s"),
        ("time_s," + HEADER.strip(), "time_s twice"),
    ],
)
def test_other_units_or_columns_are_refused_by_name(session: Path, header: str, names: str) -> None:
    (session / "thigh.csv").write_text(header + "\n0,0,0,9.8,0,0,0\n")
    with pytest.raises(SessionError, match=names):
        read_session(session)


def test_columns_may_come_in_any_order_with_others_between(session: Path) -> None:
    (session / "thigh.csv").write_text(
        "\ufefftime_s,gyr_x_rad_s,gyr_y_rad_s,gyr_z_rad_s,remark,acc_x_m_s2,acc_y_m_s2,acc_z_m_s2\r\n"
        "0,1,2,3,hello,4,5,6\r\n0.01,1,2,3,,4,5,6\r\n",
        encoding="utf-8",
    )
    thigh = read_session(session).thigh
    np.testing.assert_array_equal(thigh.gyr_rad_s, [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(thigh.acc_m_s2, [[4, 5, 6]] * 2)


def test_what_is_no_session_is_refused_with_the_next_step(session: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.csv").write_text("hello")
    (session / "session.json").rename(session / "old.json")
    for path, words in (
        (tmp_path / "nowhere", "no folder"),
        (tmp_path / "text.csv", "is a file"),
        (tmp_path / "empty", "no session.json"),
        (session, "kneeflex import csv"),
    ):
        with pytest.raises(SessionError, match=words) as caught:
            read_session(path)
        assert caught.value.advice


def test_the_session_meant_is_suggested(session: Path) -> None:
    with pytest.raises(SessionError, match=r"Did you mean .*session"):
        read_session(session.parent)


def test_reading_the_info_alone_needs_no_samples(session: Path) -> None:
    (session / "thigh.csv").write_text("broken")
    assert read_info(session).client == "K17"


def test_sessions_are_found_at_any_depth_also_damaged_ones(session: Path) -> None:
    root = session.parent
    shutil.copytree(session, root / "b" / "inner")
    shutil.copytree(session, root / "a")
    (root / "a" / "session.json").unlink()
    shutil.copytree(session, root / "b" / "derived" / "copy")
    (root / "vendor").mkdir()
    shutil.copy(session / "thigh.csv", root / "vendor")
    assert find_sessions(root) == (root / "a", root / "b" / "inner", session)
