"""What a person is asked once, and never again."""

from __future__ import annotations

from datetime import datetime

import pytest

from analysis.cli.person import begin_visit, parse_pose
from analysis.guide.library import load_protocol
from analysis.guide.personal import personal
from firmware_bridge.errors import UsageError
from firmware_bridge.samples import Side
from firmware_bridge.session.person import Pose, read_person

NOON = datetime(2026, 3, 1, 12, 0)


@pytest.fixture(autouse=True)
def _settings_of_its_own(tmp_path, monkeypatch):
    for variable in ("XDG_CONFIG_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "settings"))
    monkeypatch.delenv("KNEEFLEX_SESSIONS", raising=False)


def answering(**answers):
    asked = []

    def ask(question, default):
        asked.append(question)
        return next((a for word, a in answers.items() if word in question.lower()), default)

    return ask, asked


def test_everything_is_asked_once_and_kept(tmp_path):
    ask, asked = answering(practised="left", support="22.5", answer="10")
    visit = begin_visit("P07", tmp_path, thigh="A", shank="B", now=NOON, ask=ask)
    assert visit.session == tmp_path / "P07" / "2026-03-01-120000"
    assert not visit.session.exists()
    kept = read_person(tmp_path / "P07")
    assert (kept.side, kept.pose, kept.planned_days) == (Side.LEFT, Pose(22.5, 1.6, "jig"), 10)
    assert (kept.thigh, kept.baseline_days) == ("A", 3)
    assert len(asked) == 5

    def never(question, default):
        raise AssertionError(question)

    again = begin_visit("P07", None, now=NOON, ask=never)  # the root is remembered too
    assert (again.person.side, again.person.thigh) == (Side.LEFT, "A")


def test_what_is_given_today_counts_today(tmp_path):
    ask, _ = answering()
    begin_visit("P07", tmp_path, side=Side.LEFT, now=NOON, ask=ask)
    visit = begin_visit("P07", tmp_path, side=Side.RIGHT, protocol="research", now=NOON, ask=ask)
    assert (visit.person.side, visit.person.protocol) == (Side.RIGHT, "research")
    assert read_person(tmp_path / "P07").side == Side.LEFT


def test_the_first_days_are_the_baseline(tmp_path, make_day):
    ask, _ = answering(alone="2")
    assert begin_visit("P07", tmp_path, now=NOON, ask=ask).is_baseline
    make_day(tmp_path / "P07" / "2026-03-01-120000")
    assert begin_visit("P07", tmp_path, now=NOON, ask=ask).is_baseline  # the same day again
    make_day(tmp_path / "P07" / "2026-03-02-120000")
    assert not begin_visit("P07", tmp_path, now=datetime(2026, 3, 3), ask=ask).is_baseline


@pytest.fixture
def make_day():
    from firmware_bridge.session.codec import info_to_json
    from firmware_bridge.session.model import SessionInfo

    def make(folder):
        folder.mkdir(parents=True)
        info = SessionInfo("x", "P07", Side.RIGHT, "2026-03-01T12:00:00+00:00", "closed", {})
        (folder / "session.json").write_text(info_to_json(info))

    return make


@pytest.mark.parametrize(
    "answers", [{"practised": "middle"}, {"test": "sitting"}, {"support": "straight"}, {"answer": "2"}]
)
def test_an_answer_that_makes_no_sense_is_told_and_nothing_is_kept(tmp_path, answers):
    ask, _ = answering(**answers)
    with pytest.raises(UsageError):
        begin_visit("P07", tmp_path, now=NOON, ask=ask)
    assert read_person(tmp_path / "P07") is None


def test_a_code_cannot_lead_out_of_the_root(tmp_path):
    with pytest.raises(UsageError, match="code"):
        begin_visit("../P07", tmp_path, now=NOON, ask=lambda q, d: d)


def test_without_a_terminal_what_is_usual_is_taken(tmp_path):
    visit = begin_visit("P07", tmp_path, now=NOON)
    assert (visit.person.side, visit.person.planned_days, visit.person.baseline_days) == (Side.RIGHT, 14, 0)


def test_poses():
    assert parse_pose("") is None
    assert parse_pose("20°") == Pose(20.0, 1.6, "jig")
    assert parse_pose("12.5 goniometer") == Pose(12.5, 2.5, "goniometer")
    for text in ("x", "400", "20 guess", "nan"):
        with pytest.raises(UsageError):
            parse_pose(text)


def test_a_protocol_knows_the_pose_and_leaves_the_exercise_out_of_a_baseline_day():
    daily = load_protocol("daily")
    own = personal(daily, pose=Pose(20.0, 1.6, "jig"))
    (reference,) = (s for s in own.steps if s.kind == "reference")
    assert (reference.angle_deg, reference.sd_deg, reference.method) == (20.0, 1.6, "jig")
    assert len(own.steps) == len(daily.steps)
    baseline = personal(daily, is_baseline=True)
    kinds = [s.kind for s in baseline.steps]
    assert "pandiculate" not in kinds
    assert "press" not in kinds
    assert [s.phase for s in baseline.steps if s.kind == "measure"] == ["warmup", "before"]
    assert "closing" in kinds
