"""The page of many people: one HTML file that needs nothing else, on the screen and on paper."""

from __future__ import annotations

from typing import Any

from analysis.cohort.result import (
    Agreement,
    Cohort,
    Difference,
    Estimate,
    Interval,
    Model,
    PersonValue,
    Repeatability,
    TestAnswer,
    Variant,
)
from analysis.views import wording
from analysis.views.cohort.figures import agreement_figure, forest_figure
from analysis.views.pictures import data_uri
from analysis.views.report import environment
from analysis.views.tables import UNKNOWN, number

Row = tuple[str, ...]


def render_cohort(found: Cohort, *, name: str = "") -> str:
    """Renders what many people say as one self-contained HTML page.

    Args:
        found: the answers.
        name: of the table, for the footer.
    """
    return (
        environment()
        .get_template("cohort.html.j2")
        .render(
            people=found.people,
            sessions=found.sessions,
            by=found.by,
            tests=[_of_test(answer) for answer in found.tests],
            warnings=[wording.tidy(text) for text in found.warnings],
            software=", ".join(f"{version} ({count} rows)" for version, count in found.software.items()),
            name=name,
            purpose=wording.PURPOSE,
            limits=wording.LIMITS,
            privacy=wording.PRIVACY,
        )
    )


def _of_test(answer: TestAnswer) -> dict[str, Any]:
    title = wording.TEST_TITLES.get(answer.test or None, answer.test)
    return {
        "title": title[0].upper() + title[1:],
        "verdict": answer.verdict,
        "sentence": wording.tidy(answer.sentence),
        "picture": data_uri(forest_figure(answer)) if answer.people else "",
        "changes": change_rows(answer),
        "conditions": [(c.condition, *_estimate(c.change)) for c in answer.conditions],
        "differences": [_difference(d) for d in answer.differences],
        "models": [_model(m) for m in answer.models],
        "repeatability": [_repeatability(r) for r in answer.repeatability],
        "agreements": [
            {"what": a.what, "picture": data_uri(agreement_figure(a)), "rows": agreement_rows(a)}
            for a in answer.agreements
        ],
        "variants": [_variant(v) for v in answer.variants],
        "variant_head": _variant_head(answer),
        "attrition": [(s.name, str(s.people), str(s.sessions), str(s.rows)) for s in answer.attrition],
        "people": [_person(v) for v in sorted(answer.people, key=lambda v: (v.condition, v.client))],
        "with_condition": bool(answer.conditions),
        "by_day": ", ".join(f"day {day}: {count}" for day, count in answer.by_day),
        "several_days": len(answer.by_day) > 1,
    }


def change_rows(answer: TestAnswer) -> list[Row]:
    """The mean change in words: plain, net of the rest, and how truly people differ."""
    rest = ", all conditions" if answer.conditions else ""
    means = ((f"change, before → after{rest}", answer.change), (f"net of the rest{rest}", answer.net))
    rows = [(name, *_estimate(found)) for name, found in means if found is not None]
    if answer.true_spread_deg is not None:
        spread = number(answer.true_spread_deg, "°")
        rows.append(
            ("how much people truly differ", f"± {spread}", "SD beyond the noise of each", "", UNKNOWN)
        )
    return rows


def agreement_rows(found: Agreement) -> list[Row]:
    """Bias and limits with their intervals."""
    low, high = found.limits_deg
    return [
        ("mean difference", wording.signed(found.bias.value_deg), _interval(found.bias.ci95_deg)),
        ("lower limit of agreement", wording.signed(low), _interval(found.limits_ci95_deg[0])),
        ("upper limit of agreement", wording.signed(high), _interval(found.limits_ci95_deg[1])),
        ("pairs", f"{len(found.clients)} of {found.bias.people} people", ""),
    ]


def _estimate(found: Estimate | None) -> Row:
    if found is None:
        return (UNKNOWN, "", "", "0")
    return (
        wording.signed(found.value_deg) if found.value_deg == found.value_deg else UNKNOWN,
        _interval(found.ci95_deg),
        number(found.sd_deg, "°"),
        f"{found.people} ({found.sessions})",
    )


def _interval_of(found: Estimate) -> str:
    return f"{wording.signed(found.value_deg)} ({_interval(found.ci95_deg)})"


def _interval(interval: Interval | None) -> str:
    return (
        "no interval"
        if interval is None
        else f"{wording.signed(interval[0])} to {wording.signed(interval[1])}"
    )


def _variant_head(answer: TestAnswer) -> Row:
    if answer.differences:
        return ("sessions", *(f"{d.condition} less {d.reference}" for d in answer.differences), "people")
    return ("sessions", "change", "95 % interval", "SD", "people (sessions)", "net of the rest")


def _variant(v: Variant) -> Row:
    if v.differences:
        people = max(d.estimate.people for d in v.differences)
        return (v.name, *(_interval_of(d.estimate) for d in v.differences), str(people))
    return (v.name, *_estimate(v.change), "" if v.net is None else _interval_of(v.net))


def _difference(d: Difference) -> Row:
    how = "same people" if d.paired else "two groups"
    return (f"{d.condition} less {d.reference}", *_estimate(d.estimate)[:2], how, _estimate(d.estimate)[3])


def _model(model: Model) -> dict[str, Any]:
    slope = " and slopes that differ between people" if model.random_slope else ""
    spread, left = number(model.person_sd_deg, "°"), number(model.residual_sd_deg, "°")
    return {
        "title": f"{model.outcome[0].upper()}{model.outcome[1:]}",
        "rows": [(t.name, wording.signed(t.value_deg), _interval(t.ci95_deg)) for t in model.terms],
        "note": f"{model.sessions} sessions of {model.people} people. Mixed model with an intercept a person "
        f"(SD {spread}){slope}; what is left has an SD of {left}.",
    }


def _repeatability(r: Repeatability) -> Row:
    icc = UNKNOWN if r.icc is None else f"{r.icc:.2f}"
    ends = "" if r.icc_ci95 is None else f" [{r.icc_ci95[0]:.2f}, {r.icc_ci95[1]:.2f}]"
    low, high = r.sem_ci95_deg
    return (
        r.kind,
        f"{number(r.sem_deg, '°', 2)} [{low:.2f}, {high:.2f}]",
        number(r.mdc95_deg, "°"),
        icc + ends,
        UNKNOWN if r.shift is None else _interval_of(r.shift),
        f"{r.people} ({r.readings})",
    )


def _person(v: PersonValue) -> Row:
    row = (v.client, wording.signed(v.value_deg), _interval(v.ci95_deg), str(v.sessions))
    return (*row, v.condition) if v.condition else row
