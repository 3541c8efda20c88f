"""What goes wrong when people are in a hurry: each mistake is told in a sentence and costs nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.cli import main, recordings
from firmware_bridge.session.reader import read_session


def refused(run: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
    assert "did not expect" not in run.stderr
    assert "Traceback" not in run.stderr


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "nowhere"], "no folder"),
        (["angle", "a_file"], "is a file"),
        (["live", "--headless", "--replay", "nowhere"], "no folder"),
        (["import", "csv", "--thigh", "a_file", "--shank", "nowhere", "--out", "c"], "no file"),
        (["angle", "nowhere", "--plot", "angle.doc"], ".png"),
    ],
)
def test_a_path_that_is_not_there_is_wrong_usage(command, tmp_path, arguments, words) -> None:
    (tmp_path / "a_file").write_text(
        "time_s,acc_x_m_s2,acc_y_m_s2,acc_z_m_s2,gyr_x_rad_s,gyr_y_rad_s,gyr_z_rad_s\n0,0,0,9.8,0,0,0\n"
    )
    paths = ("nowhere", "a_file", "c")
    refused(command(*[tmp_path / a if a in paths else a for a in arguments]), 2, words)


def test_what_is_no_text_is_not_quoted(command, tmp_path) -> None:
    for name in ("a.npz", "b.npz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04\x00\x00\x08\xff\x9b" * 50)
    files = ("--thigh", tmp_path / "a.npz", "--shank", tmp_path / "b.npz")
    refused(command("import", "csv", *files, "--out", tmp_path / "c"), 1, "a.npz is not a text file")


def test_a_picture_goes_into_a_new_folder_and_never_over_a_folder(command, answered_folder, tmp_path) -> None:
    new, taken = tmp_path / "new" / "deep" / "angle.svg", tmp_path / "taken.png"
    taken.mkdir()
    run = command("angle", answered_folder, "--plot", new)
    assert run.returncode == 0, run.stderr
    assert "<svg" in new.read_text(encoding="utf-8")
    refused(command("angle", answered_folder, "--plot", taken), 1, "cannot be written")


@pytest.mark.usefixtures("without_pictures")
def test_a_read_only_session_can_be_reported_elsewhere_and_is_not_changed(
    command, session_folder, tmp_path
) -> None:
    (session_folder / "derived").write_text("in the way of the folder")
    events = (session_folder / "events.jsonl").read_bytes()
    refused(command("report", session_folder), 1, "cannot be written")
    refused(command("recalibrate", session_folder, "--flexion", "25"), 1, "cannot be written")
    assert (session_folder / "events.jsonl").read_bytes() == events
    run = command("report", session_folder, "--out", tmp_path / "report.html")
    assert run.returncode == 0, run.stderr
    assert "Warning" in run.stderr
    assert (tmp_path / "report.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told(answered_folder) -> None:
    command = [sys.executable, "-c", "from analysis.cli import main; main()", "angle", str(answered_folder)]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "No space left" in run.stderr
    assert "did not expect" not in run.stderr


def test_why_there_are_no_samples_is_told(command, session_folder) -> None:
    table = pd.read_csv(session_folder / "thigh.csv")
    table.assign(gyr_x_rad_s=float("nan")).to_csv(session_folder / "thigh.csv", index=False)
    run = command("angle", session_folder, "--json")
    refused(run, 1, "without finite numbers")
    assert run.stderr.splitlines()[-1].startswith("Error: ")


def test_events_on_another_clock_are_noticed(command, session_folder, tmp_path) -> None:
    edit(session_folder, "events.jsonl", '"time_s": ', '"time_s": 9000')
    out = tmp_path / "imported"
    files = ("--thigh", session_folder / "thigh.csv", "--shank", session_folder / "shank.csv")
    run = command("import", "csv", *files, "--events", session_folder / "events.jsonl", "--out", out)
    assert "one clock" in run.stderr
    assert any("one clock" in text for text in read_session(out).warnings)


def test_an_imported_session_keeps_the_code_of_the_person(command, session_folder, tmp_path) -> None:
    out = tmp_path / "imported"
    files = ("--thigh", session_folder / "thigh.csv", "--shank", session_folder / "shank.csv")
    run = command("import", "csv", *files, "--client", "K07", "--side", "left", "--out", out)
    assert run.returncode == 0, run.stderr
    info = json.loads((out / "session.json").read_text())
    assert (info["client"], info["side"], info["status"]) == ("K07", "left", "imported")


def test_a_table_names_sessions_not_places(command, session_folder, tmp_path) -> None:
    for name in ("thigh.csv", "shank.csv"):
        (session_folder / name).write_text("")
    run = command("batch", tmp_path, "--out", tmp_path / "table.csv", "--workers", "1")
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) not in (tmp_path / "table.csv").read_text()


def test_a_broken_day_is_left_out_of_the_history(command, answered_folder, tmp_path) -> None:
    history = tmp_path / "history"
    shutil.copytree(answered_folder, history / "monday")
    (history / "monday" / "shank.csv").write_text("")
    edit(history / "monday", "session.json", '"id": "', '"id": "earlier-')
    edit(history / "monday", "session.json", '"started_at": "2026', '"started_at": "2025')
    run = command("compare", answered_folder, "--history", history)
    assert run.returncode == 0, run.stderr
    assert "monday is left out of the person's own repeats" in run.stderr
    assert "published figures" in run.stdout


def test_two_sessions_that_are_no_pair_are_told(command, answered_folder, tmp_path) -> None:
    refused(command("compare", answered_folder, answered_folder), 2, "twice")
    other = tmp_path / "other"
    shutil.copytree(answered_folder, other)
    edit(other, "session.json", '"started_at": "2026', '"started_at": "2020')
    edit(other, "session.json", '"client": "', '"client": "not ')
    run = command("compare", answered_folder, other)
    assert run.returncode == 0, run.stderr
    assert "two people" in run.stderr
    assert "recorded first" in run.stderr
    edit(other, "session.json", '"side": "right"', '"side": "left"')
    refused(command("compare", answered_folder, other), 1, "the left")


def test_an_interrupted_command_says_so(monkeypatch, capsys, tmp_path) -> None:
    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recordings, "read", interrupted)
    monkeypatch.setattr(sys, "argv", ["kneeflex", "angle", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_json_is_alone_on_stdout_whatever_is_warned_of(kneeflex, command, tmp_path, written) -> None:
    folder = tmp_path / "größe 膝"
    shutil.copytree(written, folder)
    (folder / "events.jsonl").write_text('{"time_s": 1, "type": "phase", "name": "lunch"}\n')
    # A process of its own, for the bytes of the folder's name on a real stdout.
    run = kneeflex("angle", folder, "--json")
    summary = json.loads(run.stdout)
    assert (run.returncode, run.stderr, summary["zero"]) == (0, "", "relative")
    assert any("lunch" in text for text in summary["warnings"])
    run = command("compare", folder, "--json")
    assert (run.returncode, json.loads(run.stdout)["results"]) == (1, [])
