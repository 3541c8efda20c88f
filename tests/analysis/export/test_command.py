"""The command: formats, exit codes, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.cli.app import main
from analysis.export import Exported


def _run(*arguments: object) -> int:
    try:
        main([str(a) for a in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_format_that_does_not_exist_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("export", tmp_path, "--format", "c3d", "--out", tmp_path / "o") == 2
    assert "motion-bids, opensim, parquet" in capsys.readouterr().err


def test_a_folder_without_sessions_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("export", tmp_path, "--format", "opensim", "--out", tmp_path / "o") == 1
    assert "no session" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_what_was_left_out_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Exported((tmp_path / "a",), ((tmp_path / "b", "No samples."),))
    monkeypatch.setattr("analysis.export.export", lambda *args, **options: found)
    assert _run("export", tmp_path, "--format", "opensim", "--out", tmp_path / "o") == 0
    said = capsys.readouterr()
    assert "1 session exported as opensim" in said.out
    assert "b: No samples." in said.err
