"""What many people say together: sentence, verdict, what stands beside, and the doubts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from analysis.cohort import Cohort, cohort_of, to_json
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.reading import Table
from analysis.derived import json_text


@pytest.fixture(scope="module")
def table() -> Table:
    return simulate_table(CohortPlan(people=12, gain_deg=(7.0,)), seed=4)


def _kinds(found: Cohort) -> set[str]:
    return {f.kind for f in found.findings}


def test_the_answer_is_net_of_the_rest_where_everybody_rested(table: Table) -> None:
    found = cohort_of(table)
    (answer,) = found.tests
    assert (found.people, found.sessions, answer.counted, answer.verdict) == (12, 12, "net", "gained")
    assert answer.net is not None
    assert answer.net.ci95_deg is not None
    assert answer.net.ci95_deg[0] < 7 < answer.net.ci95_deg[1]
    assert "beyond what the rest alone changed" in answer.sentence
    assert answer.sentence.endswith("this cannot say why.")
    assert "cohort_no_rest" not in _kinds(found)
    one = table.rows.copy()
    one.loc[0, ["net_change_deg", "control_change_deg"]] = np.nan
    without = cohort_of(Table(one))
    assert without.tests[0].counted == "change"
    assert without.tests[0].net is not None
    assert without.tests[0].net.people == 11
    assert "cohort_no_rest" in _kinds(without)
    assert "warm-up and expectation included" in without.tests[0].sentence


def test_slipped_and_withheld_sessions_stand_beside_the_answer(table: Table) -> None:
    rows = table.rows.copy()
    rows.loc[0, "slip_deg"] = 6.0
    rows.loc[1, "verdict"] = "not enough data"
    rows.loc[2, "slip_deg"] = -2.5
    rows.loc[3, "slip_deg"] = np.nan
    (answer,) = cohort_of(Table(rows)).tests
    people = {v.name: 0 if v.change is None else v.change.people for v in answer.variants}
    assert list(people.values()) == [10, 11, 11, 12, 9, 9, 9]
    usual, freed = answer.variants[0], answer.variants[-1]
    assert usual.change == answer.change
    counted = rows.iloc[[2, *range(4, 12)]]
    assert freed.change is not None
    assert freed.change.value_deg == pytest.approx((counted["change_deg"] - counted["slip_deg"]).mean())


def test_straps_that_slip_one_way_are_told(table: Table) -> None:
    assert "cohort_slip" not in _kinds(cohort_of(table))
    slipped = simulate_table(CohortPlan(people=12, gain_deg=(0.0,), slip_mean_deg=2.0), seed=4)
    found = cohort_of(slipped)
    assert "cohort_slip" in _kinds(found)
    unread = Table(table.rows.assign(slip_deg=np.nan))
    assert "cohort_slip_unknown" in _kinds(cohort_of(unread))


def test_two_people_are_not_enough(table: Table) -> None:
    found = cohort_of(Table(table.rows.iloc[:2]))
    assert found.tests[0].verdict == "not enough data"
    assert "cohort_few" in _kinds(found)
    assert found.tests[0].sentence.startswith("2 people are not enough")


def test_no_change_that_counts_is_no_crash(table: Table) -> None:
    found = cohort_of(Table(table.rows.assign(verdict="not enough data")))
    (answer,) = found.tests
    assert (answer.verdict, answer.people, answer.change) == ("not enough data", (), None)
    assert answer.sentence == "No session holds a change that counts."
    assert {"cohort_lost", "cohort_few"} <= _kinds(found)


def test_the_same_value_for_everybody_is_no_measurement(table: Table) -> None:
    rows = table.rows.assign(change_deg=5.0, net_change_deg=5.0, after_extension_deg=np.nan)
    found = cohort_of(Table(rows))
    assert found.tests[0].verdict == "not enough data"
    assert "cohort_same" in _kinds(found)


def test_conditions_give_a_difference_and_no_mean_of_all() -> None:
    groups = simulate_table(CohortPlan(24, ("hold", "move"), gain_deg=(1.0, 8.0), gain_sd_deg=1.0), seed=1)
    found = cohort_of(groups)
    (answer,) = found.tests
    assert (found.by, answer.counted, answer.verdict) == ("condition", "difference", "gained")
    assert answer.differences[0].condition == "move"
    assert answer.sentence.startswith("With move the knee straightens")
    assert "cohort_groups" in _kinds(found)
    turned = cohort_of(groups, reference="move").tests[0]
    assert turned.verdict == "lost"
    assert "less far than with move" in turned.sentence
    assert answer.variants[0].differences == answer.differences
    flat = cohort_of(groups, by="").tests[0]
    assert (flat.counted, flat.differences) == ("net", ())


def test_three_conditions_are_judged_together() -> None:
    crossed = simulate_table(CohortPlan(10, ("a", "b", "c"), True, gain_deg=(2.0, 2.0, 9.0), days=3), seed=1)
    found = cohort_of(crossed)
    (answer,) = found.tests
    assert [d.verdict for d in answer.differences][1] == "gained"
    assert answer.verdict == "gained"
    assert all(d.paired for d in answer.differences)
    assert {"cohort_comparisons"} <= _kinds(found)
    assert "cohort_groups" not in _kinds(found)


def test_attrition_over_the_days_is_counted_and_told() -> None:
    found = cohort_of(simulate_table(CohortPlan(people=16, days=4, drop_out=0.2), seed=2))
    days = dict(found.tests[0].by_day)
    assert days[1] == 16
    assert days[4] < 13
    assert {"cohort_drop_out"} <= _kinds(found)
    assert len(found.tests[0].models) == 2


def test_a_closing_angle_that_was_not_measured_again_is_doubted(table: Table) -> None:
    rows = table.rows
    same = rows.assign(
        closing_deg=rows["reference_deg"],
        closing_read_deg=rows["closing_read_deg"] - rows["closing_deg"] + rows["reference_deg"],
    )
    assert "cohort_same_angle" in _kinds(cohort_of(Table(same)))
    assert "cohort_same_angle" not in _kinds(cohort_of(table))


def test_several_tests_are_several_chances(table: Table) -> None:
    standing = table.rows.assign(test="standing", session=table.rows["session"] + " s")
    both = Table(pd.concat([table.rows, standing], ignore_index=True))
    found = cohort_of(both)
    assert [a.test for a in found.tests] == ["prone", "standing"]
    assert "cohort_tests" in _kinds(found)
    assert "cohort_tests" not in _kinds(cohort_of(both, test="prone"))


def test_json_holds_plain_values_only(table: Table) -> None:
    content = json.loads(json_text(to_json(cohort_of(table))))
    assert content["people"] == 12
    (answer,) = content["tests"]
    assert set(answer["net"]) == {"value_deg", "ci95_deg", "sd_deg", "people", "sessions"}
    assert len(answer["people"]) == 12
    assert content["warnings"] == [f["sentence"] for f in content["findings"]]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_changes_no_answer(table: Table, seed: int) -> None:
    shuffled = table.rows.sample(frac=1, random_state=seed).reset_index(drop=True)
    one, other = cohort_of(table).tests[0], cohort_of(Table(shuffled)).tests[0]
    assert other.sentence == one.sentence
    assert other.people == one.people
    assert other.repeatability[0].sem_deg == pytest.approx(one.repeatability[0].sem_deg)


def test_people_whom_a_comparison_leaves_out_are_counted() -> None:
    crossed = simulate_table(CohortPlan(10, ("a", "b"), True, days=2), seed=1).rows
    some = crossed[~((crossed["client"] == "P01") & (crossed["condition"] == "b"))]
    found = cohort_of(Table(some))
    assert found.tests[0].differences[0].estimate.people == 9
    assert "cohort_left_out" in _kinds(found)
    assert "cohort_left_out" not in _kinds(cohort_of(Table(crossed)))


def test_a_zero_that_was_set_in_several_ways_is_doubted(table: Table) -> None:
    rows = simulate_table(CohortPlan(people=6, days=3), seed=1).rows
    rows.loc[1, "reference_method"] = "jig"
    (told,) = (f for f in cohort_of(Table(rows)).findings if f.kind == "cohort_zeros")
    assert "P01" in told.sentence
    assert "cohort_zeros" not in _kinds(cohort_of(table))


def test_a_sentence_without_a_verdict_keeps_the_sign() -> None:
    rows = simulate_table(CohortPlan(people=6, gain_deg=(-0.4,), rest_gain_deg=0.0), seed=3).rows
    for sign in (1, -1):
        turned = rows.assign(net_change_deg=sign * rows["net_change_deg"])
        (answer,) = cohort_of(Table(turned)).tests
        assert answer.net is not None
        assert answer.verdict == "no detectable change"
        assert f"the mean change is {answer.net.value_deg:+.1f} deg" in answer.sentence
