"""What many people say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analysis.change.result import Verdict
from firmware_bridge.findings import Finding, sentences

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over people. Positive changes are straighter.

    Attributes:
        value_deg: the mean of one value a person.
        ci95_deg: its interval by Student's t; None below two people, or where all values are the same.
        sd_deg: between people; None below two.
        people, sessions: that it rests on.
    """

    value_deg: float
    ci95_deg: Interval | None
    sd_deg: float | None
    people: int
    sessions: int


@dataclass(frozen=True, slots=True)
class PersonValue:
    """One person's own mean change.

    Attributes:
        ci95_deg: that of the session, or of the mean of several; by the noise model, not by their scatter.
        se_deg: the standard error in it, without what widens an interval for a slip; None where unknown.
    """

    client: str
    condition: str
    value_deg: float
    ci95_deg: Interval | None
    sessions: int
    se_deg: float | None = None


@dataclass(frozen=True, slots=True)
class ConditionMean:
    """The mean change under one condition."""

    condition: str
    change: Estimate


@dataclass(frozen=True, slots=True)
class Difference:
    """One condition less the reference condition.

    Attributes:
        paired: by the people who were measured under both; else two groups of people (Welch).
        estimate: the interval allows for the number of comparisons (Bonferroni), so that all hold together.
        verdict: whether it excludes zero.
    """

    condition: str
    reference: str
    paired: bool
    estimate: Estimate
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Term:
    """One coefficient of a model."""

    name: str
    value_deg: float
    ci95_deg: Interval


@dataclass(frozen=True, slots=True)
class Model:
    """A mixed model with an intercept a person.

    Attributes:
        outcome: "change" of a session, or "straightness before practice" (flexion counted negative).
        terms: the coefficients that were asked for.
        person_sd_deg: SD of the people; with a random slope, on the middle day.
        residual_sd_deg: SD of what is left.
        random_slope: the people's slopes vary in it as well.
    """

    outcome: str
    terms: tuple[Term, ...]
    people: int
    sessions: int
    person_sd_deg: float
    residual_sd_deg: float
    random_slope: bool


RepeatKind = Literal["within a strapping", "between strappings"]


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How well readings repeat when nothing was done in between.

    Attributes:
        sem_deg: standard error of measurement of one block.
        mdc95_deg: 1.96 sqrt(2) SEM: the difference of two readings that is beyond noise.
        icc: share of the variance of readings that lies between people (one-way, absolute agreement,
            ICC(1)); None without absolute angles of at least three people.
        shift: the mean change between both readings; None where they have no order.
    """

    kind: RepeatKind
    sem_deg: float
    sem_ci95_deg: Interval
    mdc95_deg: float
    icc: float | None
    icc_ci95: Interval | None
    shift: Estimate | None
    people: int
    readings: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bland and Altman's limits for two ways of reading one angle, with several pairs a person.

    Attributes:
        what: in words, which is subtracted from which.
        bias: the mean difference, one value a person.
        limits_deg: within which 95 % of single differences lie.
        limits_ci95_deg: outer and inner ends of the lower limit, and of the upper.
        means_deg, differences_deg, clients: the pairs.
    """

    what: str
    bias: Estimate
    limits_deg: Interval
    limits_ci95_deg: tuple[Interval, Interval]
    means_deg: tuple[float, ...]
    differences_deg: tuple[float, ...]
    clients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """The same question with other sessions: what the answer owes to the choice."""

    name: str
    change: Estimate | None
    net: Estimate | None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """What is left of rows, sessions and people after one reason to leave rows out."""

    name: str
    rows: int
    sessions: int
    people: int


@dataclass(frozen=True, slots=True)
class TestAnswer:
    """What the people say in one named test; tests are never pooled.

    Attributes:
        test: its name; "" where the phases name none.
        change: before to after practice.
        net: beyond the change of the rest alone, of those who had a rest block.
        counted: which of both the verdict is of: "net", "change", or "difference" between conditions.
        verdict, sentence: the answer, and the same in words.
        overturned_by: leaving out this person would overturn the verdict.
        true_spread_deg: SD of the people's true changes, what the noise model does not explain.
        attrition: from the rows of the table to the sessions that count.
        by_day: (day, people with a session that counts).
    """

    test: str
    change: Estimate | None
    net: Estimate | None
    counted: Literal["net", "change", "difference"]
    verdict: Verdict
    sentence: str
    overturned_by: str
    true_spread_deg: float | None
    people: tuple[PersonValue, ...]
    conditions: tuple[ConditionMean, ...]
    differences: tuple[Difference, ...]
    models: tuple[Model, ...]
    repeatability: tuple[Repeatability, ...]
    agreements: tuple[Agreement, ...]
    variants: tuple[Variant, ...]
    attrition: tuple[Stage, ...]
    by_day: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Cohort:
    """Everything that a table of many people says.

    Attributes:
        tests: one answer a named test, the one with most people first.
        by: the column that holds the condition; "" without one.
        people, sessions: in the table.
        software: versions that computed the rows, with the number of rows of each.
        findings: what was left out, or speaks against the answers.
    """

    tests: tuple[TestAnswer, ...]
    by: str
    people: int
    sessions: int
    software: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings, each once."""
        return sentences(self.findings)
