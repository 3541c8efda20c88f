"""Change by day and condition with an intercept a person: a mixed model that holds with few people."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from analysis.change.checks import LEAST_REPETITIONS
from analysis.cohort.estimates import LEAST_PEOPLE
from analysis.cohort.repeats import one_knee
from analysis.cohort.result import Model, Term
from firmware_bridge.samples import Float

_LEAST_PEOPLE = 5
_LEAST_PER_PERSON = 3


@dataclass(frozen=True, eq=False, slots=True)
class _Design:
    columns: tuple[str, ...]
    matrix: Float


def change_model(counted: pd.DataFrame, column: str, reference: str = "") -> Model | None:
    """The change of a session by day and condition."""
    rows = counted[counted[column].notna()]
    return _fitted("change of a session", rows, rows[column].to_numpy(dtype=float), reference)


def level_model(sessions: pd.DataFrame, reference: str = "") -> Model | None:
    """How straight the knee is before practice, by day and condition; needs absolute angles."""
    known = sessions["before_extension_deg"].notna() & (sessions["before_n"] >= LEAST_REPETITIONS)
    ordered = one_knee(sessions[known]).sort_values(["client", "day", "started_at", "strapping"])
    # Later on the same day the knee has practised already.
    rows = ordered.drop_duplicates(["client", "day", "condition"])
    straight = -rows["before_extension_deg"].to_numpy(dtype=float)
    return _fitted("straightness before practice", rows, straight, reference)


def _fitted(outcome: str, rows: pd.DataFrame, value_deg: Float, reference: str) -> Model | None:
    """Fits a model; None where there are too few people, or no day and no condition varies within them.

    The coefficients are those of the mixed model (REML). Its own standard errors are too small where a
    variance comes out as zero or days resemble their neighbours; so each is the larger one of those and of a
    sandwich estimate over people (GEE, corrected for few of them), with Student's t on people less the
    parameters that differ between people.
    """
    known = rows["day"].notna().to_numpy() & np.isfinite(value_deg)
    rows, value_deg = rows[known], value_deg[known]
    people = rows["client"].nunique()
    if people < _LEAST_PEOPLE or len(rows) < people + _LEAST_PEOPLE:
        return None
    design = _design(rows, reference)
    if design is None or np.linalg.matrix_rank(design.matrix) < design.matrix.shape[1]:
        return None
    groups = rows["client"].to_numpy(dtype=object)
    several = int((rows.groupby("client")["day"].nunique() >= _LEAST_PER_PERSON).sum())
    found = _mixed(value_deg, design, groups, random_slope=several > people / 2)
    if found is None:
        return None
    fit = found.result
    names = design.columns
    own = _model_errors(found, design.matrix, groups)
    sandwich = _sandwich(value_deg, design.matrix, groups)
    errors = np.fmax(own, sandwich)
    if not np.isfinite(errors).all():
        return None
    constant = _constant_within(design.matrix, groups)
    df = people - constant
    if df < LEAST_PEOPLE - 1:
        return None
    terms = _terms(names, np.asarray(fit.fe_params, dtype=float), errors, df)
    return Model(
        outcome=outcome,
        terms=terms,
        people=people,
        sessions=len(rows),
        person_sd_deg=sqrt(max(0.0, float(np.asarray(fit.cov_re)[0, 0]))),
        residual_sd_deg=sqrt(max(0.0, float(fit.scale))),
        random_slope=found.vary.shape[1] > 1,
    )


def _design(rows: pd.DataFrame, reference: str) -> _Design | None:
    """Columns: an intercept on day 1, a day, and what every condition but the reference adds to them.

    Where people change conditions, a condition adds to the intercept only: a course over the days is that of
    a group of people.
    """
    day = rows["day"].to_numpy(dtype=float) - 1
    moves = bool((rows.groupby("client")["day"].nunique() > 1).sum() >= LEAST_PEOPLE)
    columns = {"on day 1": np.ones(len(rows))}
    if moves:
        columns["each day later"] = day
    grouped = bool((rows.groupby("client")["condition"].nunique() == 1).all())
    others = [c for c in sorted(set(rows["condition"])) if c != reference] if reference else []
    for condition in others:
        here = (rows["condition"] == condition).to_numpy(dtype=float)
        courses = moves and grouped and float(np.ptp(day[here > 0])) > 0
        columns[f"{condition} less {reference}" + (", on day 1" if courses else "")] = here
        if courses:
            columns[f"{condition} less {reference}, each day later"] = here * day
    return None if len(columns) == 1 else _Design(tuple(columns), np.column_stack(list(columns.values())))


@dataclass(frozen=True, eq=False, slots=True)
class _Fit:
    """A mixed model and what varies in it between people: the intercept, or the slope of the day too."""

    result: Any
    vary: Float


def _mixed(value_deg: Float, design: _Design, groups: Any, *, random_slope: bool) -> _Fit | None:
    """The mixed model, with a random slope of the day where that describes the data better."""
    intercept = design.matrix[:, :1]
    best = _fit(value_deg, design.matrix, groups, intercept)
    if random_slope and "each day later" in design.columns:
        day = design.matrix[:, 1]
        # About the middle day and in its own spread; elsewhere the search often ends at a wrong place, and
        # calls that converged. A model with more freedom that describes the data less well has failed.
        both = np.column_stack((intercept, (day - day.mean()) / day.std()))
        sloped = _fit(value_deg, design.matrix, groups, both)
        if sloped is not None and (best is None or sloped.result.llf > best.result.llf):
            return sloped
    return best


def _fit(value_deg: Float, matrix: Float, groups: Any, vary: Float) -> _Fit | None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    with warnings.catch_warnings():
        # A variance at zero is warned of by many sentences; what it does to the errors is seen to elsewhere.
        warnings.simplefilter("ignore")
        try:
            result = MixedLM(value_deg, matrix, groups, exog_re=vary).fit(reml=True)
        except (ValueError, np.linalg.LinAlgError):
            return None
    usable = result.converged and np.isfinite(result.llf) and np.isfinite(np.asarray(result.fe_params)).all()
    return _Fit(result, vary) if usable else None


def _model_errors(fit: _Fit, matrix: Float, groups: Any) -> Float:
    """Standard errors of the coefficients, the variances taken as estimated: (sum X' V^-1 X)^-1.

    Those of the fit come from the curvature of the likelihood, which is flat where a variance is zero.
    """
    between, scale = np.asarray(fit.result.cov_re, dtype=float), float(fit.result.scale)
    information = np.zeros((matrix.shape[1], matrix.shape[1]))
    for group in pd.unique(groups):
        here = groups == group
        x, z = matrix[here], fit.vary[here]
        information += x.T @ np.linalg.solve(scale * np.eye(len(x)) + z @ between @ z.T, x)
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))))


def _sandwich(value_deg: Float, matrix: Float, groups: Any) -> Float:
    from statsmodels.genmod.cov_struct import Exchangeable
    from statsmodels.genmod.generalized_estimating_equations import GEE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = GEE(value_deg, matrix, groups=groups, cov_struct=Exchangeable()).fit(
                cov_type="bias_reduced"
            )
            return np.asarray(fit.bse, dtype=float)
        except (ValueError, np.linalg.LinAlgError):
            return np.full(matrix.shape[1], np.nan)


def _constant_within(matrix: Float, groups: Any) -> int:
    """How many columns of a design do not vary within any person."""
    codes = pd.factorize(groups)[0]
    frame = pd.DataFrame(matrix).groupby(codes)
    return max(1, int((frame.max() - frame.min()).abs().max().lt(1e-12).sum()))


def _terms(names: Sequence[str], values: Float, errors: Float, df: int) -> tuple[Term, ...]:
    from scipy.stats import t

    reach = float(t.ppf(0.975, df)) * errors
    return tuple(
        Term(name, float(v), (float(v - r), float(v + r)))
        for name, v, r in zip(names, values, reach, strict=True)
    )
