"""Correcting a reference angle, and studying what strapping on anew does."""

from __future__ import annotations

import json
import shutil

import pytest

from analysis import derived
from firmware_bridge.samples import Side
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.script import Script, ScriptWriter
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session


def results(run) -> dict:
    (result,) = json.loads(run.stdout)["results"]
    return result


@pytest.mark.usefixtures("without_pictures")
def test_a_wrong_reference_angle_shifts_the_positions_and_leaves_the_change(command, answered_folder) -> None:
    before = results(command("compare", answered_folder, "--json"))
    run = command("recalibrate", answered_folder, "--flexion", "25")
    assert run.returncode == 0, run.stderr
    after = results(command("compare", answered_folder, "--json"))
    assert after["change_deg"] == pytest.approx(before["change_deg"], abs=1e-6)
    for block in ("before", "after"):
        assert after[block]["extension_deg"] - before[block]["extension_deg"] == pytest.approx(5.0, abs=1e-6)
    (written,) = json.loads((answered_folder / "derived" / "result.json").read_text())["results"]
    assert written["after"] == after["after"]


def test_the_mistyped_angle_stays_on_record(command, session_folder, monkeypatch) -> None:
    monkeypatch.setattr(derived, "write_everything", lambda folder, answer, then: then())
    earlier = (session_folder / "events.jsonl").read_text()
    command("recalibrate", session_folder, "--flexion", "25", "--sd", "2")
    text = (session_folder / "events.jsonl").read_text()
    assert text.startswith(earlier)
    corrected = json.loads(text.splitlines()[-1])
    assert (corrected["flexion_deg"], corrected["sd_deg"]) == (25.0, 2.0)


@pytest.mark.parametrize(
    ("options", "code"), [(["--flexion", "400"], 2), (["--flexion", "10", "--pose", "9"], 1)]
)
def test_a_pose_that_cannot_be_is_refused(command, session_folder, options, code) -> None:
    earlier = (session_folder / "events.jsonl").read_bytes()
    run = command("recalibrate", session_folder, *options)
    assert run.returncode == code
    assert (session_folder / "events.jsonl").read_bytes() == earlier


def restrapping_script(strappings: int) -> Script:
    writer = ScriptWriter("prone", 20.0)
    for number in range(strappings):
        if number:
            writer.phase("restrap")
            writer.wait(3.0)
        writer.phase("swings")
        writer.wait(3.0)
        with writer.restless():
            for _ in range(8):
                writer.bend_to(85.0, 0.7)
                writer.bend_to(20.0, 0.7)
        writer.phase("reference")
        writer.wait(1.0)
        writer.reference_pose(4.0)
        writer.phase("before", "prone")
        for _ in range(3):
            writer.bend_to(60.0, 1.0)
            writer.bend_to(12.0, 1.5)
            writer.hold(2.0)
            writer.bend_to(20.0, 0.5)
    return writer.done(seed=1)


def test_a_restrapping_study_feeds_the_comparison_of_two_days(command, answered_folder, tmp_path) -> None:
    study, later = tmp_path / "study", tmp_path / "later"
    write_session(study, simulate_session(restrapping_script(5), seed=1).recording)
    shutil.copytree(answered_folder, later)
    figures = json.loads(command("retest", study, "--json").stdout)
    assert figures["strappings"] == 5
    assert 0.0 <= figures["strapping_sd_deg"] < 1.0
    published = results(command("compare", answered_folder, later, "--json"))
    own = results(command("compare", answered_folder, later, "--retest", study, "--json"))
    assert own["detectable_change_deg"] < published["detectable_change_deg"]


def test_without_a_study_the_comparison_says_so(command, answered_folder) -> None:
    run = command("compare", answered_folder, "--retest", answered_folder)
    assert run.returncode == 1
    assert "kneeflex retest" in run.stderr


def test_the_other_knee_is_compared_and_the_same_one_is_not(command, answered_folder, tmp_path) -> None:
    left = tmp_path / "left"
    script = condensed_session(side=Side.LEFT, deficit_deg=4.0, warmup_repetitions=4, seed=5)
    write_session(left, simulate_session(script, seed=5).recording)
    run = command("knees", answered_folder, left, "--json")
    assert run.returncode == 0, run.stderr
    before = next(r for r in json.loads(run.stdout)["results"] if r["phase"] == "before")
    assert before["difference_deg"] == pytest.approx(8.0, abs=2.0)
    same = command("knees", answered_folder, answered_folder)
    assert same.returncode == 1
    assert "right leg" in same.stderr
