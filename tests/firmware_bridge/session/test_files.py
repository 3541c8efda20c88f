"""Files are whole, old or new, whenever a process is killed or the disk is full while they are written."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_bridge.session import files
from firmware_bridge.session.files import append_line, make_private_folder, replace_file, replace_files

OLD, NEW = b"old\n" * 1000, b"new\n" * 5000
KilledAt = Callable[[int, Path, Callable[[], None]], bool]
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(OLD)
    return tmp_path / "a", tmp_path / "b"


@posix
def test_a_kill_leaves_every_file_old_or_new(
    two: tuple[Path, Path], tmp_path: Path, killed_at: KilledAt
) -> None:
    a, b = two
    events = tmp_path / "events"
    died = []
    for step in range(40):
        for file in two:
            file.write_bytes(OLD)
        events.write_bytes(b"first\n")
        died.append(
            killed_at(
                step,
                tmp_path,
                lambda: replace_files({a: NEW, b: NEW}, then=lambda: append_line(events, b"second\n")),
            )
        )
        assert {a.read_bytes(), b.read_bytes()} <= {OLD, NEW}
        assert events.read_bytes() in (b"first\n", b"first\nsecond\n")
        if events.read_bytes() == b"first\n":
            assert a.read_bytes() == b.read_bytes() == OLD
        if not died[-1]:
            break
    assert died.count(True) > 4
    assert not died[-1]
    assert a.read_bytes() == b.read_bytes() == NEW


@pytest.mark.parametrize("failing", range(3))
def test_a_full_disk_changes_nothing(
    two: tuple[Path, Path], tmp_path: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = two
    calls = iter(range(100))
    events = tmp_path / "events"
    events.write_bytes(b"first\n")

    def full(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_sync", full)
    with pytest.raises(OSError, match="No space"):
        replace_files({a: NEW, b: NEW}, then=lambda: append_line(events, b"second\n"))
    assert a.read_bytes() == b.read_bytes() == OLD
    assert events.read_bytes() == b"first\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b", "events"]


def test_a_step_that_fails_between_leaves_the_old_files(two: tuple[Path, Path]) -> None:
    def refuse() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        replace_files(dict.fromkeys(two, NEW), then=refuse)
    assert {file.read_bytes() for file in two} == {OLD}


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"whole\ntor")
    append_line(tmp_path / "e", b"next\n")
    assert (tmp_path / "e").read_bytes() == b"whole\ntor\nnext\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_new_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "x" / "y")
    replace_file(tmp_path / "x" / "y" / "new", b"")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("x", "x/y", "x/y/new")]
    assert modes == [0o700, 0o700, 0o600]
    shared = tmp_path / "shared"
    shared.write_bytes(OLD)
    shared.chmod(0o640)
    replace_file(shared, NEW)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(OLD)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    replace_file(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == NEW
