"""The front door gives the library's own objects, and what stands in front of it is reported."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kneeflex
from analysis import doctor
from analysis.cli.app import _called, _command

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", kneeflex.__all__)
def test_every_name_of_the_front_door_opens(name: str) -> None:
    found = getattr(kneeflex, name)
    kind = next(iter(found.values())) if isinstance(found, dict) else found
    assert kind.__module__.partition(".")[0] in ("analysis", "firmware_bridge")


def test_a_name_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match="estimate_angle"):
        kneeflex.estimate_angel  # noqa: B018


def test_the_doctor_names_a_package_that_stands_in_front(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctor.own_packages().works
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").touch()
    probe = doctor.own_packages()
    assert probe.works is False
    assert str(tmp_path / "analysis") in probe.detail


def test_the_command_says_which_package_stands_in_front(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").touch()
    paths = f"sys.path[:0] = [{str(tmp_path)!r}]; sys.path.append({str(ROOT)!r})"
    code = f"import sys; {paths}; import kneeflex; kneeflex.main()"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert run.returncode == 1
    assert str(tmp_path / "analysis") in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("given", "threads"),
    [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3"), ({"OMP_NUM_THREADS": "2"}, None)],
)
def test_the_command_computes_in_one_thread_unless_the_user_says_otherwise(
    given: dict[str, str], threads: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # so that it is put back as it was
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("analysis.cli.main", lambda: None)
    monkeypatch.setattr("gc.freeze", lambda: None)
    try:
        kneeflex.main()
        assert os.environ.get("OPENBLAS_NUM_THREADS") == threads
    finally:
        gc.enable()


@pytest.mark.parametrize(("command", "collects"), [("angle", False), ("batch", True), ("live", True)])
def test_only_commands_that_end_soon_leave_garbage(
    command: str, collects: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["kneeflex", command, str(tmp_path / "nothing")])
    monkeypatch.setattr("gc.freeze", lambda: None)
    try:
        with pytest.raises(SystemExit):
            kneeflex.main()
        assert gc.isenabled() is collects
    finally:
        gc.enable()


def test_each_command_is_found_by_its_own_name() -> None:
    """The application that holds one command alone must call it as the one that holds all of them."""
    names = list(_command("").commands)
    assert "angle" in names
    for name in names:
        assert list(_command(_called([name, "x"])).commands) == [name]
    for other in ([], ["--help"], ["angel"]):
        assert _called(other) == ""
