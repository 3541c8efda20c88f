"""The person's own repeats: this client, this knee, this test, and only earlier sessions."""

from __future__ import annotations

import pytest

from analysis.history import own_repeats, siblings
from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Side
from firmware_bridge.session.reader import read_info


def own(folder, **options):
    return own_repeats([read_info(folder)], siblings(folder), **options)


def test_earlier_sessions_of_the_same_person_knee_and_test(write):
    for day in range(3):
        write(day, 15.0, 9.0, again=14.0)
    write(3, 15.0, 9.0, again=5.0, side=Side.LEFT)
    write(3.1, 15.0, 9.0, again=5.0, test="standing")
    write(3.2, 15.0, 9.0)
    judged = write(4, 15.0, 9.0, again=2.0)
    write(5, 15.0, 9.0, again=2.0)
    found = own(judged)
    assert found.days == {"prone": 3, "standing": 1}
    assert found.by_test["prone"].within.df == 3
    assert found.by_test["prone"].within.sem_deg == pytest.approx(1 / 2**0.5)
    assert "3 earlier days" in found.sentence("prone")
    assert "published figures" in found.sentence("ake")


def test_the_first_session_has_none_and_that_is_no_error(write):
    found = own(write(0, 15.0, 9.0, again=14.0))
    assert (found.by_test, found.days) == ({}, {})


def test_another_persons_sessions_are_not_the_persons_own(write, tmp_path):
    write(0, 15.0, 9.0, again=14.0, client="P08")
    judged = write(1, 15.0, 9.0, again=14.0)
    found = own_repeats([read_info(judged)], [p.parent for p in tmp_path.rglob("session.json")])
    assert found.days == {}


def test_a_broken_session_is_told_and_costs_nothing_else(write):
    write(0, 15.0, 9.0, again=14.0)
    judged = write(2)
    (judged.parent / "broken").mkdir()
    (judged.parent / "broken" / "session.json").write_text("{")
    told = []
    assert own(judged, warn=told.append).days == {"prone": 1}
    assert len(told) == 1
    assert "broken" in told[0]


def test_a_study_that_was_not_run_is_told(write, tmp_path):
    with pytest.raises(SessionError, match="kneeflex retest"):
        own(write(0), retest=tmp_path)
