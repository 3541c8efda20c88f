"""The sessions of a person gathered into days: what counts, what does not, and that it is said."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from analysis.days import person_trend, to_json
from analysis.derived import json_text
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Side
from firmware_bridge.session.person import Person, write_person

FIRST = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

KEYS = {
    "client", "side", "test", "planned_days", "days", "total_change_deg", "total_change_ci95_deg",
    "gain_per_session_deg", "gain_per_session_ci95_deg", "kept_per_day_deg", "lost_overnight_deg",
    "level_now_deg", "level_now_sd_deg", "beyond_other_knee_deg", "beyond_other_knee_ci95_deg",
    "detectable_change_deg", "verdict", "sentence", "warnings",
}  # fmt: skip
NOISE = np.random.default_rng(5).normal(0, 1.0, 20)


def level(day, gain=9.0):
    return float(16 - gain * day / 13 + NOISE[day])


@pytest.fixture
def days(write):
    """Writes the sessions of some days, with a gain over them."""

    def make(numbers=range(14), gain=9.0, **options):
        return [write(day, level(day, gain), level(day, gain) - 5, **options) for day in numbers]

    return make


def trend(tmp_path, **options):
    return person_trend(tmp_path, "P07", **options)


def test_two_weeks(tmp_path, days):
    days()
    found = trend(tmp_path)
    assert (found.side, found.test, found.trend.verdict) == (Side.RIGHT, "prone", "gained")
    assert found.trend.total_change_deg == pytest.approx(9.0, abs=2.0)
    assert found.trend.gain_per_session_deg == pytest.approx(5.0)
    assert not found.warnings


def test_json_is_the_contract(tmp_path, days):
    folders = days()
    shown = json.loads(json_text(to_json(trend(tmp_path))))
    assert set(shown) >= KEYS
    first = shown["days"][0]
    assert set(first) >= {"date", "session", "before_deg", "after_deg", "gain_deg", "zero", "used", "why_not"}
    assert (first["date"], first["session"]) == ("2026-03-01", str(folders[0]))
    assert first["zero"] == "jig at 20 deg"
    assert first["used"] is True
    early = json.loads(json_text(to_json(trend(tmp_path, planned_days=40))))
    assert early["total_change_ci95_deg"] is None
    assert early["beyond_other_knee_ci95_deg"] is None


def test_a_missing_day_is_no_day(tmp_path, days):
    days(sorted(set(range(14)) - {4, 9}))
    found = trend(tmp_path)
    assert len(found.trend.days) == 12
    assert found.trend.verdict == "gained"


def test_a_second_session_of_a_day_counts_for_the_gain_only(tmp_path, days, write):
    days()
    write(5.1, 2.0, -4.0, name="second")
    found, alone = trend(tmp_path), level(5)
    day = found.trend.days[5]
    assert day.before_deg == pytest.approx(alone)
    assert day.gain_deg == pytest.approx((5 + 6) / 2)
    assert any("Several sessions were recorded on 2026-03-06" in w for w in found.warnings)


def test_two_strappings_before_practice_are_averaged(tmp_path, days, write):
    days(sorted(set(range(14)) - {5}))
    write(5.0, 12.0, None, practised=False, name="first")
    write(5.1, 14.0, 9.0, name="second")
    assert trend(tmp_path).trend.days[5].before_deg == pytest.approx(13.0)


def test_days_without_an_exercise_are_the_baseline(tmp_path, write):
    for day in range(14):
        practised = day >= 4
        write(day, 16 - max(0, day - 4) + NOISE[day], 10.0 if practised else None, practised=practised)
    found = trend(tmp_path)
    assert found.trend.practice_from == date(2026, 3, 5).toordinal()
    assert "getting used" not in found.trend.sentence
    given = trend(tmp_path, practice_from=date(2026, 3, 8))
    assert given.trend.practice_from == date(2026, 3, 8).toordinal()


def test_other_tests_other_people_and_other_folders_stay_out(tmp_path, days, write):
    days()
    alone = trend(tmp_path).trend
    write(2.9, 40.0, None, test="standing", practised=False, name="standing")
    write(3.2, 40.0, 1.0, client="P08")
    (tmp_path / "P07" / "broken").mkdir()
    (tmp_path / "P07" / "broken" / "session.json").write_text("{")
    assert trend(tmp_path).trend == alone
    standing = trend(tmp_path, test="standing").trend.days
    assert [d.before_deg for d in standing if d.used] == [pytest.approx(40.0)]
    assert standing[0].why_not == "this test was not measured"
    assert any("Other tests were measured too (standing)" in w for w in trend(tmp_path).warnings)


def test_a_relative_session_counts_for_the_gain_only(tmp_path, days, write):
    days(sorted(set(range(14)) - {3}))
    write(3, 4.0, -2.0, pose=None)
    found = trend(tmp_path)
    day = found.trend.days[3]
    assert (day.before_deg, day.used) == (None, False)
    assert "only the gain" in day.why_not
    assert day.gain_deg == pytest.approx(6.0)
    assert found.trend.verdict == "gained"


def test_a_changed_zero_is_a_group_of_its_own(tmp_path, days):
    days(range(8))
    days(range(8, 14), pose=("goniometer", 25.0))
    found = trend(tmp_path)
    assert len(found.trend.start_deg) == 2
    assert any("set another way" in w for w in found.warnings)


def test_a_support_that_is_measured_anew_each_day_is_one_zero(tmp_path, write):
    for day in range(14):
        write(day, level(day), level(day) - 5, pose=("jig", 20.0 + 0.5 * (day % 5)))
    found = trend(tmp_path)
    assert len(found.trend.start_deg) == 1
    assert any("measured anew" in w for w in found.warnings)


def test_the_same_goniometer_angle_every_day_is_doubted(tmp_path, days):
    days(pose=("goniometer", 25.0))
    assert any("hides every change" in w for w in trend(tmp_path).warnings)


def test_goniometer_angles_that_differ_are_not_doubted(tmp_path, write):
    for day in range(14):
        write(day, level(day), 5.0, pose=("goniometer", 20.0 + day % 3))
    assert not any("hides every change" in w for w in trend(tmp_path).warnings)


def test_a_slipped_strap_costs_the_gain_and_not_the_reading_before(tmp_path, days, write):
    days(sorted(set(range(14)) - {6}))
    write(6, level(6), 0.0, slip_deg=6.0)
    found = trend(tmp_path)
    assert (found.trend.days[6].gain_deg, found.trend.days[6].used) == (None, True)
    assert any("strap slipped by 6.0 deg" in w for w in found.warnings)
    assert found.trend.gain_per_session_deg == pytest.approx(5.0)


def test_a_gain_across_two_strappings_is_none(tmp_path, days, write):
    days(sorted(set(range(14)) - {6}))
    write(6, level(6), 0.0, restrapped=True)
    found = trend(tmp_path)
    assert (found.trend.days[6].gain_deg, found.trend.days[6].used) == (None, True)
    assert any("strapped on again" in w for w in found.warnings)


def test_a_session_from_the_future_has_a_wrong_clock(tmp_path, days, write):
    days(range(10))
    write(4000, 2.0, 1.0)
    now = FIRST + timedelta(days=20)
    found = trend(tmp_path, now=now)
    assert len(found.trend.days) == 10
    assert any("still to come" in w for w in found.warnings)


def test_a_clock_that_stood_in_the_past_is_doubted(tmp_path, days, write):
    write(-9000, 12.0, 8.0)
    days(range(10))
    assert any("days lie between" in w for w in trend(tmp_path).warnings)


def test_imported_dates_are_doubted(tmp_path, days):
    days(range(6), status="imported")
    assert any("6 sessions were imported" in w for w in trend(tmp_path).warnings)


def test_the_other_knee_and_a_day_with_mistaken_sides(tmp_path, write):
    for day in range(14):
        mine, other = level(day), 2.0 + NOISE[-day]
        if day == 7:
            mine, other = other, mine
        write(day, mine, mine - 5)
        write(day + 0.05, other, None, side=Side.LEFT, practised=False)
    found = trend(tmp_path)
    assert any("2026-03-08 each knee reads as the other" in w for w in found.warnings)
    assert len(found.trend.days) == 13
    assert found.trend.beyond_other_knee_ci95_deg is not None
    assert trend(tmp_path, side=Side.LEFT).side == Side.LEFT


def test_a_session_without_an_angle_is_named(tmp_path, days, write):
    days(range(6))
    write(7, problem="The knee did not move.")
    assert any("The knee did not move." in w for w in trend(tmp_path).warnings)


def test_what_the_folder_knows_of_the_person_counts(tmp_path, days, write):
    days(range(6))
    for day in range(8):
        write(day + 0.2, 9.0, 8.0, side=Side.LEFT, name=f"left{day}")
    write_person(tmp_path / "P07", Person("P07", Side.RIGHT, planned_days=8))
    found = trend(tmp_path)
    assert (found.side, found.trend.planned_days) == (Side.RIGHT, 8)
    changed = trend(tmp_path, planned_days=6)
    assert changed.trend.planned_days == 6
    assert any("plan of the first session was 8 days" in w for w in changed.warnings)


def test_the_persons_folder_may_be_given_itself(tmp_path, days):
    days(range(6))
    assert len(person_trend(tmp_path / "P07", "P07").trend.days) == 6


def test_nobody_and_no_knee(tmp_path, write):
    with pytest.raises(CannotAnswerError, match="no session of P07"):
        trend(tmp_path)
    write(0, problem="No sample.")
    with pytest.raises(CannotAnswerError, match="holds a knee angle"):
        trend(tmp_path)
    write(1)
    with pytest.raises(CannotAnswerError, match="no session of the left knee"):
        trend(tmp_path, side=Side.LEFT)
