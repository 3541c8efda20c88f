"""The commands that work on recordings, as a person runs them."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import still
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session


def only_json(text: str) -> dict:
    return json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))


def test_angle_writes_the_contract_columns_near_the_truth(
    command, session_folder, simulated, tmp_path
) -> None:
    out, plot = tmp_path / "angle.csv", tmp_path / "angle.png"
    run = command("angle", session_folder, "--out", out, "--plot", plot, "--json")
    assert run.returncode == 0, run.stderr
    assert only_json(run.stdout)["zero"] == "reference_pose"
    assert plot.read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(out)
    assert list(table.columns) == ["time_s", "flexion_deg", "flexion_sd_deg", "relative_sd_deg", "valid"]
    good = table[table["valid"] == 1]
    truth = np.interp(good["time_s"], simulated.truth.time_s, simulated.truth.flexion_deg)
    assert np.std(good["flexion_deg"] - truth) < 1.5


def test_causal_angle_is_another_one_but_close(command, session_folder, tmp_path) -> None:
    for name in ("thigh.csv", "shank.csv"):
        rows = (session_folder / name).read_text().splitlines(keepends=True)
        # The calibration and the first repetitions.
        (session_folder / name).write_text("".join(rows[:5000]))
    command("angle", session_folder, "--out", tmp_path / "a.csv")
    run = command("angle", session_folder, "--out", tmp_path / "b.csv", "--causal")
    assert run.returncode == 0, run.stderr
    a, b = (pd.read_csv(tmp_path / name).set_index("time_s")["flexion_deg"] for name in ("a.csv", "b.csv"))
    # Before the reference pose a live angle has no zero yet.
    difference = (a - b).dropna()[25.0:]
    assert difference.abs().max() > 0.0
    assert np.sqrt(np.mean(difference**2)) < 1.0


def test_compare_tells_the_change_in_words_and_in_the_contract_json(
    command, session_folder, simulated
) -> None:
    words = command("compare", session_folder)
    assert words.returncode == 0, words.stderr
    assert "further" in words.stdout
    (result,) = only_json(command("compare", session_folder, "--json").stdout)["results"]
    assert set(result) >= {
        "test", "before", "after", "change_deg", "change_ci95_deg", "control_change_deg", "net_change_deg",
        "net_change_ci95_deg", "detectable_change_deg", "slip_deg", "verdict", "warnings",
    }  # fmt: skip
    assert set(result["before"]) >= {"extension_deg", "sd_deg", "n"}
    assert result["verdict"] == "gained"
    assert result["net_change_deg"] is None
    low, high = result["change_ci95_deg"]
    assert low < simulated.truth.change_deg("prone") < high


def test_two_sessions_carry_the_larger_uncertainty(command, answered_folder, tmp_path) -> None:
    later = tmp_path / "later"
    shutil.copytree(answered_folder, later)
    (within,) = only_json(command("compare", answered_folder, "--json").stdout)["results"]
    run = command("compare", answered_folder, later, "--json")
    (across,) = only_json(run.stdout)["results"]
    assert across["verdict"] == "no detectable change"
    assert "rest block" not in run.stdout
    assert abs(across["change_deg"]) < 0.01
    assert across["detectable_change_deg"] > within["detectable_change_deg"]


def test_report_is_one_file_that_needs_nothing_else(command, answered_folder) -> None:
    run = command("report", answered_folder)
    assert run.returncode == 0, run.stderr
    html = (answered_folder / "derived" / "report.html").read_text(encoding="utf-8")
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<script src" not in html
    result = json.loads((answered_folder / "derived" / "result.json").read_text())
    assert result["results"][0]["verdict"] == "gained"
    assert len(pd.read_csv(answered_folder / "derived" / "repetitions.csv")) >= 8


def test_imported_recording_gives_the_same_angle(command, session_folder, tmp_path) -> None:
    out = tmp_path / "imported"
    files = ("--thigh", session_folder / "thigh.csv", "--shank", session_folder / "shank.csv")
    run = command("import", "csv", *files, "--events", session_folder / "events.jsonl", "--out", out)
    assert run.returncode == 0, run.stderr
    a, b = (only_json(command("angle", d, "--json").stdout) for d in (session_folder, out))
    assert math.isclose(a["flexion_max_deg"], b["flexion_max_deg"], abs_tol=1e-6)


def test_batch_makes_a_row_of_a_broken_session(command, tmp_path, written) -> None:
    root = tmp_path / "all"
    for name in ("a", "b", "broken"):
        shutil.copytree(written, root / name)
    (root / "broken" / "shank.csv").write_text("not a recording\n")
    run = command("batch", root, "--out", tmp_path / "table.csv", "--workers", "1")
    assert run.returncode == 0, run.stderr
    table = pd.read_csv(tmp_path / "table.csv").set_index("session")
    assert table.loc[["a", "b"], "error"].isna().all()
    assert isinstance(table.loc["broken", "error"], str)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["angle", "nowhere"], 2, "nowhere"),
        (["import", "garmin", "--thigh", "a", "--shank", "b", "--out", "c"], 2, "movella-dot"),
        (["angle"], 2, "Missing argument"),
        (["record", "--out", "x"], 2, "--virtual"),
        (["batch", "nowhere", "--out", "t.csv"], 2, "nowhere"),
    ],
)
def test_wrong_use_is_one_plain_error(command, arguments, code, words, tmp_path) -> None:
    run = command(*[str(tmp_path / a) if a in ("nowhere", "x", "t.csv", "c") else a for a in arguments])
    assert run.returncode == code
    assert run.stdout == ""
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_text_file_is_no_session(command, tmp_path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "session.json").write_text("Dear diary")
    run = command("angle", folder, "--json")
    assert (run.returncode, run.stdout) == (1, "")
    assert "Traceback" not in run.stderr


def test_a_knee_that_does_not_move_has_no_angle(command, tmp_path) -> None:
    session: SimulatedSession = simulate_session(still(20.0), seed=1)
    write_session(tmp_path / "still", session.recording)
    run = command("compare", tmp_path / "still", "--json")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("\n") == 1


def test_swapped_sensors_are_noticed(command, session_folder, tmp_path) -> None:
    out = tmp_path / "swapped"
    files = ("--thigh", session_folder / "shank.csv", "--shank", session_folder / "thigh.csv")
    command("import", "csv", *files, "--events", session_folder / "events.jsonl", "--out", out)
    run = command("angle", out)
    assert "swapped" in run.stderr


def test_help_names_every_command(kneeflex) -> None:
    text = kneeflex("--help").stdout
    for command in (
        "demo",
        "scan",
        "record",
        "live",
        "import",
        "angle",
        "compare",
        "report",
        "batch",
        "doctor",
    ):
        assert command in text


def test_check_says_what_is_wrong_and_exits_with_one_where_nothing_can_be_computed(
    command, session_folder, simulated, tmp_path
) -> None:
    sound = command("check", session_folder, "--json")
    assert sound.returncode == 0, sound.stderr
    told = json.loads(sound.stdout)
    assert told["usable"]
    assert {f["kind"] for f in told["findings"]} == {"no_rest"}
    negated = replace(simulated.recording.shank, acc_m_s2=-simulated.recording.shank.acc_m_s2)
    write_session(tmp_path / "wrong", replace(simulated.recording, shank=negated))
    wrong = command("check", tmp_path / "wrong")
    assert wrong.returncode == 1
    assert "No answer" in wrong.stdout
    assert "mirror" in wrong.stdout
    compared = command("compare", tmp_path / "wrong")
    assert compared.returncode == 1
    assert "mirror" in compared.stderr
