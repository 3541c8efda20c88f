"""A session is written whole or not at all, never over another; links and odd events are read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.codec import events_from_jsonl
from firmware_bridge.session.guard import ANGLE_HEADER, refuse_raw
from firmware_bridge.session.model import Marker, Recording, SessionInfo
from firmware_bridge.session.reader import find_sessions, read_session
from firmware_bridge.session.writer import write_session

Make = Callable[..., ImuSamples]
KilledAt = Callable[[int, Path, Callable[[], None]], bool]


@pytest.fixture
def recording(make_samples: Make, info: SessionInfo) -> Recording:
    return Recording(info, make_samples(300), make_samples(300), (Marker(1.0, "x"),))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("into", ["nothing", "an empty folder", "a folder with notes"])
def test_a_killed_import_leaves_nothing_half(
    recording: Recording, tmp_path: Path, into: str, killed_at: KilledAt
) -> None:
    names = ("session.json", "thigh.csv", "shank.csv", "events.jsonl")
    write_session(tmp_path / "whole", recording)
    whole = {name: (tmp_path / "whole" / name).read_bytes() for name in names}
    for step in range(80):
        folder = tmp_path / str(step) / "s"
        folder.parent.mkdir()
        if into != "nothing":
            folder.mkdir()
        if into == "a folder with notes":
            (folder / "notes.txt").write_text("mine")
        died = killed_at(step, folder.parent, lambda place=folder: write_session(place, recording))
        found = {name for name in names if (folder / name).exists()}
        assert all((folder / name).read_bytes() == whole[name] for name in found)
        assert "session.json" not in found or len(found) == 4
        assert "session.json" not in found or read_session(folder).events == recording.events
        if not found:  # and what it left does not stand in the way
            write_session(folder, recording)
            assert {one.name for one in folder.parent.iterdir()} == {"s"}
        if not died:
            break
    assert step > 5
    assert not died


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_session_is_for_its_owner_alone(recording: Recording, tmp_path: Path) -> None:
    write_session(tmp_path / "client" / "day", recording)
    for place in (tmp_path / "client", tmp_path / "client" / "day"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "client" / "day").iterdir()} == {0o600}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_sessions_behind_links_are_found_once_and_circles_end(recording: Recording, tmp_path: Path) -> None:
    write_session(tmp_path / "elsewhere" / "day", recording)
    root = tmp_path / "root"
    write_session(root / "own", recording)
    (root / "linked").symlink_to(tmp_path / "elsewhere" / "day")
    (root / "again").symlink_to(root / "own")
    (root / "circle").symlink_to(root)
    assert [one.relative_to(root).as_posix() for one in find_sessions(root)] == ["linked", "own"]


@pytest.mark.parametrize("name", ["thigh.csv", "shank.csv", "session.json", "events.jsonl", "link", "hard"])
def test_no_file_of_a_recording_is_written_over(recording: Recording, tmp_path: Path, name: str) -> None:
    write_session(tmp_path / "s", recording)
    (tmp_path / "s" / "link").symlink_to(tmp_path / "s" / "thigh.csv")
    (tmp_path / "hard").hardlink_to(tmp_path / "s" / "shank.csv")
    with pytest.raises(UsageError, match="part of a recording"):
        refuse_raw((tmp_path if name == "hard" else tmp_path / "s") / name)


def test_the_file_of_another_program_is_not_written_over_and_results_are(tmp_path: Path) -> None:
    export = tmp_path / "thigh_export.csv"
    rows = "".join(f"{t},0.1,0.2,9.8,{t / 100},0,0\n" for t in range(1, 50))
    export.write_text("time_ms,ax,ay,az,gx,gy,gz\n" + rows)
    with pytest.raises(UsageError):
        refuse_raw(export)
    for name, text in (
        ("angle.csv", "time_s,flexion_deg,flexion_sd_deg,relative_sd_deg,valid\n0,1,1,1,1\n"),
        ("t.csv", "session,id\n"),
    ):
        (tmp_path / name).write_text(text)
        refuse_raw(tmp_path / name)
    refuse_raw(tmp_path / "new" / "thigh.csv")


def test_a_recording_that_also_holds_an_angle_is_not_written_over(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    rows = "".join(f"{t / 100},5,1,1,1,0.1,0.2,9.8,{t / 100},0,0\n" for t in range(1, 50))
    export.write_text(ANGLE_HEADER[:-1] + ",ax,ay,az,gx,gy,gz\n" + rows)
    with pytest.raises(UsageError):
        refuse_raw(export)


def test_halves_of_characters_and_endless_numbers_are_no_accident() -> None:
    digits = "9" * 400
    text = "\n".join(
        [
            '{"time_s": 1, "type": "marker", "text": "\\ud800"}',
            f'{{"time_s": {digits}, "type": "marker", "text": "x"}}',
            f'{{"time_s": 2, "type": "link", "segment": "thigh", "state": "clock", "delay_s": {digits}}}',
        ]
    )
    events, warnings = events_from_jsonl(text)
    assert len(events) == 2
    assert events[0].text.encode() == b"?"
    assert events[1].detail == {}
    assert len(warnings) == 1
    assert "Line 2" in warnings[0]


def test_a_hundred_thousand_bad_lines_are_said_in_a_few(recording: Recording, tmp_path: Path) -> None:
    write_session(tmp_path / "s", recording)
    with (tmp_path / "s" / "events.jsonl").open("a") as file:
        file.write("nonsense\n" * 100_000)
    warnings = [text for text in read_session(tmp_path / "s").warnings if "events.jsonl" in text]
    assert len(warnings) == 4
    assert "99997 more lines" in warnings[-1]


def test_a_session_is_still_not_written_over(recording: Recording, tmp_path: Path) -> None:
    write_session(tmp_path / "s", recording)
    with pytest.raises(SessionError, match="already"):
        write_session(tmp_path / "s", recording)
