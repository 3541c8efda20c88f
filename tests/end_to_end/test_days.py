"""The two weeks as a person runs them: one command a day, the trend, and nothing left when forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from analysis.change import trend_of_days
from firmware_bridge.session.amend import add_event
from firmware_bridge.session.person import Person, Pose, new_session_folder, write_person
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.days import DaysPlan, simulate_days

FIRST = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Two simulated people of six and five planned days: one gains 8 deg, the other nothing."""
    root = tmp_path_factory.mktemp("people")
    for code, gain_deg, days in (("P01", 8.0, 6), ("P02", 0.0, 5)):
        plan = DaysPlan(
            days=days, gain_deg=gain_deg, day_sd_deg=0.0, zero_sd_deg=0.0, missing=(2,) if gain_deg else ()
        )
        write_person(root / code, Person(code, pose=Pose(20.0, 1.6, "jig"), planned_days=days))
        true_deg = {}
        for moment, session in simulate_days(plan, code, FIRST, seed=len(code) + int(gain_deg)):
            write_session(new_session_folder(root, code, moment.astimezone()), session.recording)
            true_deg[moment.toordinal()] = np.mean(session.truth.extension_deg["before", "prone"])
        truth = trend_of_days(list(true_deg), list(true_deg.values()), planned_days=days)
        (root / f"{code}.txt").write_text(str(truth.total_change_deg))
    return root


def true_change_deg(people, code):
    """The line through what the knee truly held on each day."""
    return float((people / f"{code}.txt").read_text())


def test_the_total_change_is_the_true_one_and_nobody_is_called_for_nothing(command, people):
    run = command("trend", people, "--client", "P01", "--json")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["total_change_deg"] == pytest.approx(true_change_deg(people, "P01"), abs=0.5)
    assert found["verdict"] == "gained"
    assert found["gain_per_session_deg"] == pytest.approx(5.0, abs=0.7)
    assert len(found["days"]) == 5
    run = command("trend", people, "--client", "P02", "--json")
    found = json.loads(run.stdout)
    assert found["total_change_deg"] == pytest.approx(true_change_deg(people, "P02"), abs=0.5)
    assert found["verdict"] == "no detectable change"


def test_the_page_and_the_picture_lie_in_the_persons_folder_and_are_kept(command, people):
    first = command("trend", people, "--client", "P01")
    assert first.returncode == 0, first.stderr
    page, picture = (people / "P01" / f"trend.{end}" for end in ("html", "png"))
    text = page.read_text()
    assert "straightens" in first.stdout
    assert "<img" in text
    assert "http" not in text.split("<body>")[1].replace("http://www.w3.org", "")
    before = picture.stat().st_mtime_ns
    again = command("trend", people, "--client", "P01")
    assert again.stdout == first.stdout
    assert picture.stat().st_mtime_ns == before
    session = next(p.parent for p in sorted((people / "P01").glob("*/session.json")))
    recording = read_session(session)
    add_event(session, replace(recording.reference_poses[0], flexion_deg=23.0))
    command("trend", people, "--client", "P01")
    assert picture.stat().st_mtime_ns != before


@pytest.mark.usefixtures("without_pictures")
def test_a_report_shows_its_day_among_the_days(command, people):
    session = sorted((people / "P02").glob("*/session.json"))[-1].parent
    run = command("report", session)
    assert run.returncode == 0, run.stderr
    assert "Today among the days" in (session / "derived" / "report.html").read_text()


def test_a_day_at_home_is_one_command(command, clock, tmp_path):
    run = command("record", "--client", "P03", "--root", tmp_path, "--virtual", "--seconds", "2", clock=clock)
    assert run.returncode == 0, run.stderr
    (session,) = (tmp_path / "P03").glob("*/session.json")
    assert json.loads(session.read_text())["client"] == "P03"
    assert json.loads((tmp_path / "P03" / "person.json").read_text())["planned_days"] == 14
    shown = command("person", "P03", "--root", tmp_path, "--days", "10", "--pose", "20")
    assert "planned days: 10" in shown.stdout
    gone = command("forget", "P03", "--root", tmp_path)
    assert gone.returncode == 0, gone.stderr
    assert str(session) in gone.stdout
    assert not (tmp_path / "P03").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("record", "--virtual"), 2, "--client CODE"),
        (("record", "--virtual", "--client", "../x"), 2, "cannot be the code"),
        (("trend", "nowhere", "--client", "P01"), 2, "no folder"),
        (("trend", ".", "--client", "P99"), 1, "no session of P99"),
        (("trend", "."), 2, "--client"),
        (("forget", "P99", "--root", "."), 1, "nothing of P99"),
    ],
)
def test_what_cannot_be_is_told(command, tmp_path, monkeypatch, arguments, code, text):
    monkeypatch.chdir(tmp_path)
    run = command(*arguments)
    assert run.returncode == code, run.stderr
    assert text in run.stderr
    assert "Traceback" not in run.stderr


def test_a_simulated_week_in_a_minute(command, tmp_path):
    run = command("demo", "--days", "6", "--out", tmp_path / "week", "--no-open")
    assert run.returncode == 0, run.stderr
    assert "Total change: true +9.00 deg" in run.stdout
    assert "1 strap slips" in run.stderr
    assert "A simulated person" in (tmp_path / "week" / "demo" / "trend.html").read_text()
