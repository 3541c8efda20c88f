"""One person's folder: kept facts, a folder a session, and forgetting all of it."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from firmware_bridge import settings
from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.samples import Side
from firmware_bridge.session.model import Recording
from firmware_bridge.session.person import (
    Person,
    Pose,
    check_code,
    forget,
    looks_like_a_name,
    new_session_folder,
    read_person,
    sessions_of,
    write_person,
)
from firmware_bridge.session.writer import write_session

PERSON = Person("P07", Side.LEFT, "ake", Pose(22.5, 1.6, "jig"), 10, 3, "research", "A", "B")
NOON = datetime(2026, 3, 1, 12, 0, 5)


@pytest.fixture
def session(make_samples, info):
    """Writes a session of a client into a folder."""

    def write(folder: Path, client: str) -> Path:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_session(folder, Recording(replace(info, client=client), make_samples(), make_samples()))
        return folder

    return write


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_a_persons_folder_is_for_its_owner_alone(tmp_path):
    before = os.umask(0o022)
    try:
        file = write_person(tmp_path / "sessions" / "P07", PERSON)
    finally:
        os.umask(before)
    places = [file.parent.parent, file.parent, file]
    assert [stat.S_IMODE(place.stat().st_mode) for place in places] == [0o700, 0o700, 0o600]


def test_what_is_kept_is_read_again(tmp_path):
    assert read_person(tmp_path / "P07") is None
    write_person(tmp_path / "P07", PERSON)
    assert read_person(tmp_path / "P07") == PERSON


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "other"}', '{"format": "kneeflex-person", "client": "../x"}']
)
def test_a_file_that_makes_no_sense_is_told(tmp_path, text):
    (tmp_path / "person.json").write_text(text)
    with pytest.raises(SessionError, match=r"person\.json cannot be read"):
        read_person(tmp_path)


@pytest.mark.parametrize("code", ["", "..", "../P07", "a/b", "a b", ".hidden", "x" * 41, "-x"])
def test_a_code_is_no_path(code):
    with pytest.raises(UsageError, match="cannot be the code"):
        check_code(code)


def test_a_code_without_a_digit_may_be_a_name():
    assert looks_like_a_name("Maria")
    assert not looks_like_a_name("P07")


def test_sessions_of_one_second_get_names_of_their_own(tmp_path):
    first = new_session_folder(tmp_path, "P07", NOON)
    assert first == tmp_path / "P07" / "2026-03-01-120005"
    first.mkdir(parents=True)
    assert new_session_folder(tmp_path, "P07", NOON).name == "2026-03-01-120005-2"


def test_forgetting_deletes_all_of_a_person_and_nothing_of_others(tmp_path, session):
    write_person(tmp_path / "P07", PERSON)
    session(tmp_path / "P07" / "a", "P07")
    session(tmp_path / "elsewhere" / "b", "P07")
    (tmp_path / "P07" / "torn").mkdir()
    (tmp_path / "P07" / "torn" / "session.json").write_text("{")
    (tmp_path / "P07" / "trend.html").write_text("page")
    other = session(tmp_path / "P08" / "c", "P08")
    assert len(sessions_of(tmp_path, "P07")) == 2
    deleted = forget(tmp_path, "P07")
    assert {p.name for p in deleted} >= {
        "person.json",
        "trend.html",
        "session.json",
        "thigh.csv",
        "events.jsonl",
    }
    assert not any(p.exists() for p in deleted)
    assert not (tmp_path / "P07").exists()
    assert not (tmp_path / "elsewhere" / "b").exists()
    assert (other / "thigh.csv").exists()
    with pytest.raises(SessionError, match="nothing of P07"):
        forget(tmp_path, "P07")


def test_a_session_of_somebody_else_in_the_folder_is_kept(tmp_path, session):
    write_person(tmp_path / "P07", PERSON)
    session(tmp_path / "P07" / "a", "P07")
    foreign = session(tmp_path / "P07" / "b", "P08")
    forget(tmp_path, "P07")
    assert (foreign / "session.json").exists()
    assert not (tmp_path / "P07" / "person.json").exists()
    assert not (tmp_path / "P07" / "a").exists()


def test_a_link_is_removed_and_what_it_points_to_is_kept(tmp_path, session):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep.txt").write_text("x")
    root = tmp_path / "root"
    session(root / "P07" / "a", "P07")
    (root / "P07" / "link").symlink_to(outside)
    forget(root, "P07")
    assert (outside / "keep.txt").exists()
    assert not (root / "P07").exists()


def test_the_root_is_remembered(tmp_path, monkeypatch):
    for variable in ("XDG_CONFIG_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.delenv(settings.ROOT_VARIABLE, raising=False)
    assert settings.sessions_root() == Path("sessions")
    settings.remember_sessions_root(tmp_path / "people")
    assert settings.sessions_root() == tmp_path / "people"
    monkeypatch.setenv(settings.ROOT_VARIABLE, str(tmp_path / "named"))
    assert settings.sessions_root() == tmp_path / "named"
