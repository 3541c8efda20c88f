"""The page of many people: everything on it, nothing outside it, and words that are never medical."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analysis.cohort import Cohort, cohort_of
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.reading import Table
from analysis.views.cohort import render_cohort
from analysis.views.cohort.figures import agreement_figure, forest_figure


@pytest.fixture(scope="module")
def found() -> Cohort:
    plan = CohortPlan(8, ("hold", "move"), True, gain_deg=(2.0, 6.0), baseline_days=2, days=4)
    return cohort_of(simulate_table(plan, seed=1))


@pytest.fixture(scope="module")
def page(found: Cohort) -> str:
    return render_cohort(found, name="table.csv")


def test_the_page_says_everything_and_needs_nothing_else(found: Cohort, page: str) -> None:
    (answer,) = found.tests
    for word in ("MDC95", "less hold", "each day later", "limit of agreement", "less the slip", "P08"):
        assert word in page, word
    assert page.count("data:image/svg+xml") == 3
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert all(text.split(":")[0].split(" deg")[0] in page for text in found.warnings)
    assert answer.sentence.split(" deg")[0] in page
    assert not re.search(r"nan|None|inf\b", re.sub(r"base64,[^\"]*", "", page))


def test_nothing_medical_is_claimed(page: str) -> None:
    words = re.sub(r"(?s)<section class=\"small\">.*", "", re.sub(r"base64,[^\"]*", "", page)).lower()
    assert not re.search(r"diagnos|treatment|patient|therap|clinical|deficit", words)


def test_the_forest_holds_a_row_a_person_and_condition(found: Cohort) -> None:
    axes = forest_figure(found.tests[0]).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels.count("P01") == 2
    assert [text for text in labels if text.startswith("mean")] == ["mean, hold", "mean, move"]
    assert axes.get_xlim()[0] < 0 < axes.get_xlim()[1]


def test_hundreds_of_people_still_make_one_picture() -> None:
    table = simulate_table(CohortPlan(people=250), seed=1)
    figure = forest_figure(cohort_of(table).tests[0])
    assert 20 < figure.get_figheight() <= 40


def test_people_without_an_interval_are_drawn(found: Cohort) -> None:
    answer = found.tests[0]
    bare = replace(answer, people=tuple(replace(v, ci95_deg=None) for v in answer.people))
    assert forest_figure(bare).axes
    assert agreement_figure(answer.agreements[0]).axes


def test_a_table_without_an_answer_is_a_page_too() -> None:
    rows = simulate_table(CohortPlan(people=3, rest_gain_deg=None), seed=1).rows
    page = render_cohort(cohort_of(Table(rows.assign(verdict="not enough data"))))
    assert "No session holds a change that counts." in page
    assert "Not known" in page
