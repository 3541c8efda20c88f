from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.views import figures, pictures, report
from firmware_bridge.clock import Clock
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def kneeflex() -> Run:
    """The command as a person runs it, in a process of its own and without a screen."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}

    def run(*arguments: str | Path, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", "from analysis.cli import main; main()"]
        return subprocess.run(
            [*command, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def command() -> Run:
    """The same command in this process, which spares half a second of imports; on any clock."""

    def run(*arguments: str | Path, clock: Clock | None = None) -> subprocess.CompletedProcess[str]:
        words, out, err = [*map(str, arguments)], io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
                patch.delenv(screen, raising=False)
            if clock is not None:  # syncing takes real time
                patch.setattr("firmware_bridge.session.files._sync", lambda descriptor: None)
            with pytest.raises(SystemExit) as left:
                main(words, clock)
        return subprocess.CompletedProcess(words, left.value.code or 0, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def simulated() -> SimulatedSession:
    """A session in which the knee really becomes 9 deg straighter."""
    return simulate_session(condensed_session(gain_deg=9.0, warmup_repetitions=4, seed=3), seed=3)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, simulated: SimulatedSession) -> Path:
    """That session on disk; `session_folder` is a copy that a test may change."""
    folder = tmp_path_factory.mktemp("written") / "session"
    write_session(folder, simulated.recording)
    return folder


@pytest.fixture
def session_folder(tmp_path: Path, written: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "session"))


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory, written: Path, command: Run) -> Path:
    """The same session after its first command, which keeps the angle; `answered_folder` is a copy."""
    folder = Path(shutil.copytree(written, tmp_path_factory.mktemp("answered") / "session"))
    assert command("compare", folder).returncode == 0
    return folder


@pytest.fixture
def answered_folder(tmp_path: Path, answered: Path) -> Path:
    return Path(shutil.copytree(answered, tmp_path / "session"))


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what happens to files, whatever the pictures show: drawing is most of a report's time."""
    drawn = dict.fromkeys(("session", "change", "releases"))
    for module in (figures, report):
        monkeypatch.setattr(module, "session_figures", lambda answer: drawn)
    monkeypatch.setattr(pictures, "picture_of", lambda figure, ending=".png": b"a picture")
    monkeypatch.setattr(report, "data_uri", lambda figure: "data:,")
