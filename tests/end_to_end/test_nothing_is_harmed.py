"""What was recorded outlives every command; odd places, names and shells cost no answer."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis import derived
from analysis.answer import two_people
from analysis.cli import main
from analysis.views.wording import side_sentence
from firmware_bridge.session import files

RAW = ("session.json", "thigh.csv", "shank.csv", "events.jsonl")


@pytest.fixture
def run(monkeypatch, capsys):
    """The command in this process: exit code, stdout, stderr."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["kneeflex", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return command


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in RAW}


@pytest.mark.parametrize(
    "command",
    [
        ["angle", "{s}", "--out", "{s}/thigh.csv"],
        ["angle", "{s}", "--plot", "{s}/link.png"],
        ["report", "{s}", "--out", "{s}/session.json"],
        ["batch", "{s}", "--out", "{s}/events.jsonl", "--workers", "1"],
    ],
)
def test_no_command_writes_over_what_was_recorded(run, session_folder, command) -> None:
    (session_folder / "link.png").symlink_to(session_folder / "shank.csv")
    before = contents(session_folder)
    done = run(*[part.format(s=session_folder) for part in command])
    assert done.code == 2
    assert "part of a recording" in done.err
    assert contents(session_folder) == before


@pytest.mark.usefixtures("without_pictures")
def test_a_full_disk_leaves_results_and_events_as_they_were(run, answered_folder, monkeypatch) -> None:
    assert run("report", answered_folder).code == 0
    place = answered_folder / "derived"
    before = contents(answered_folder), {one.name: one.read_bytes() for one in place.iterdir()}
    calls = iter(range(1000))

    def full(descriptor: int) -> None:
        if next(calls) >= 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_sync", full)
    done = run("recalibrate", answered_folder, "--flexion", "25")
    assert done.code == 1
    assert "No space left" in done.err
    assert (contents(answered_folder), {one.name: one.read_bytes() for one in place.iterdir()}) == before


def test_a_correction_that_has_no_answer_is_not_put_in_force(run, session_folder) -> None:
    table = pd.read_csv(session_folder / "thigh.csv")
    table.head(100).to_csv(session_folder / "thigh.csv", index=False)
    before = (session_folder / "events.jsonl").read_bytes()
    assert run("recalibrate", session_folder, "--flexion", "25").code == 1
    assert (session_folder / "events.jsonl").read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only there may a name be any bytes")
def test_a_folder_whose_name_is_no_text_costs_no_table(run, session_folder, tmp_path) -> None:
    os.rename(os.fsencode(session_folder), os.fsencode(tmp_path) + b"/caf\xe9")  # noqa: PTH104
    done = run("batch", tmp_path, "--out", tmp_path / "table.csv", "--workers", "1")
    assert done.code == 0, done.err
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["session"].tolist() == ["caf\\xe9"]
    assert table["error"].isna().all()


def test_cells_reach_a_spreadsheet_as_text() -> None:
    table = pd.DataFrame({"session": ["=1+1", "@x", "\tx", "-2", "fine"], "change_deg": [-1.5, 2, 3, 4, 5]})
    lines = derived.table_text(table).splitlines()
    assert lines[1:] == ["'=1+1,-1.5000", "'@x,2.0000", "'\tx,3.0000", "'-2,4.0000", "fine,5.0000"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX shells")
@pytest.mark.parametrize(("redirect", "option"), [("2>&-", "--json"), ("2>&- <&-", "")])
def test_a_shell_without_stderr_or_without_letters_gets_an_answer(answered_folder, redirect, option) -> None:
    """In ASCII there is no degree sign; with stderr closed, nothing may go where the next file is."""
    script = "from analysis.cli import main; main()"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = f'"$0" -c "$1" compare "$2" {option} {redirect}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, script, answered_folder],
        capture_output=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    text = done.stdout.decode("ascii")
    if option == "--json":
        assert json.loads(text)["results"][0]["verdict"] == "gained"
    else:
        assert "straighter" in text or "further" in text


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_results_are_for_their_owner_alone(run, answered_folder, tmp_path) -> None:
    assert run("angle", answered_folder, "--out", tmp_path / "angle.csv").code == 0
    assert run("report", answered_folder).code == 0
    places = [
        tmp_path / "angle.csv",
        answered_folder / "derived",
        answered_folder / "derived" / "report.html",
    ]
    assert [stat.S_IMODE(place.stat().st_mode) for place in places] == [0o600, 0o700, 0o600]


def test_two_knees_are_told_apart_only_beyond_noise() -> None:
    unsure = SimpleNamespace(phase="before", test="prone", difference_deg=3.6, ci95_deg=(-1.0, 8.2))
    assert "no difference" in side_sentence("left", "right", unsure)
    sure = SimpleNamespace(phase="before", test="prone", difference_deg=3.6, ci95_deg=(1.0, 6.2))
    assert "straightens 3.6° less than the right" in side_sentence("left", "right", sure)


def test_two_people_are_noticed() -> None:
    one, other = (
        SimpleNamespace(recording=SimpleNamespace(info=SimpleNamespace(client=client)))
        for client in ("K1", "K2")
    )
    assert [f.sentence for f in two_people(one, other)] == ["The sessions are of two people: K1 and K2."]
    assert two_people(one, one) == ()
