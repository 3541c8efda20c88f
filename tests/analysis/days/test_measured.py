"""What a session measured is kept, and never stale."""

from __future__ import annotations

import os

import pytest

from analysis.answer import answer
from analysis.measured import FILE, is_kept, measurement_of
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session


@pytest.fixture(scope="module")
def recording():
    script = condensed_session(warmup_repetitions=2, repetitions=3, pandiculations=1, seed=2)
    return simulate_session(script, seed=2).recording


@pytest.fixture
def folder(tmp_path, recording):
    write_session(tmp_path / "session", recording)
    return tmp_path / "session"


def test_what_is_kept_is_what_was_measured(folder):
    found = answer(read_session(folder))
    first = measurement_of(folder, found)
    assert is_kept(folder)
    again = measurement_of(folder)
    assert again == first
    assert first.repetitions == found.repetitions
    assert (first.relative, first.practised, first.problem) == (False, True, "")
    assert first.pose_checks == found.angle.pose_check_deg


@pytest.mark.parametrize("name", ["events.jsonl", "session.json", "thigh.csv", "shank.csv"])
def test_a_changed_file_is_measured_again(folder, name):
    measurement_of(folder, answer(read_session(folder)))
    file = folder / name
    content = file.read_bytes()
    file.write_bytes(content[:-3] + b"9" + content[-2:])
    assert not is_kept(folder)


def test_a_file_of_the_same_size_and_time_is_told_by_its_ends(folder):
    measurement_of(folder, answer(read_session(folder)))
    file = folder / "thigh.csv"
    status, content = file.stat(), file.read_bytes()
    file.write_bytes(content[:-2] + b"9\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not is_kept(folder)


def test_another_program_measures_again(folder, monkeypatch):
    measurement_of(folder, answer(read_session(folder)))
    monkeypatch.setattr("analysis.kept.stamp.program_mark", lambda beside=(): "another")
    assert not is_kept(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "stamp": "x"}'])
def test_a_damaged_file_is_measured_again(folder, text):
    (folder / FILE).parent.mkdir(exist_ok=True)
    (folder / FILE).write_text(text)
    assert not is_kept(folder)
    assert measurement_of(folder).repetitions


def test_a_session_without_an_angle_is_kept_with_the_reason(folder):
    (folder / "shank.csv").write_bytes((folder / "shank.csv").read_bytes().splitlines(keepends=True)[0])
    first = measurement_of(folder)
    assert first.problem
    assert is_kept(folder)
    assert measurement_of(folder).problem == first.problem


def test_a_read_only_folder_is_measured_each_time(folder, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    monkeypatch.setattr("analysis.measured.replace_file", refuse)
    assert measurement_of(folder).repetitions
    assert not is_kept(folder)
