"""Simulated tables of many people: the truth is known, so that every answer can be held against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from analysis.cohort.table.reading import Table, typed
from analysis.table import table_of
from firmware_bridge.session.model import TestName

_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_T = 2.36  # Student's t on 7 degrees of freedom, on which a single session's interval rests


@dataclass(frozen=True, slots=True)
class CohortPlan:
    """What is true of simulated people. Angles in degrees; changes are positive when straighter.

    Attributes:
        people: how many; codes P01, P02, ...
        conditions: of which everybody does one (`crossover` False) or all, a day each in turn.
        gain_deg: true mean gain of a session, under each condition.
        gain_sd_deg: SD of the people's true gains.
        rest_gain_deg: what the rest alone changes; None without a rest block.
        level_deg, level_sd_deg: mean and SD of how bent the people's knees stay before any practice.
        baseline_days, days: of measuring alone, then of practice.
        kept_deg: how much straighter each day of practice leaves the knee for the next.
        block_sd_deg: SD of a block around the truth, repetitions included.
        strapping_sd_deg: SD of a strapping's zero; cancels in changes.
        day_sd_deg, day_correlation: of the knee from day to day, and how much neighbouring days resemble.
        slip_sd_deg, slip_mean_deg: of what a strap slips during practice; it is read with 1 deg (one sigma).
        goniometer_sd_deg: of the angle entered at the closing pose.
        drop_out: share of the people who are gone each day.
        error_share: share of sessions without an answer.
    """

    people: int = 20
    conditions: Sequence[str] = ("",)
    crossover: bool = False
    gain_deg: Sequence[float] = (5.0,)
    gain_sd_deg: float = 2.0
    rest_gain_deg: float | None = 1.0
    level_deg: float = 14.0
    level_sd_deg: float = 5.0
    baseline_days: int = 0
    days: int = 1
    kept_deg: float = 0.0
    block_sd_deg: float = 1.3
    strapping_sd_deg: float = 2.0
    day_sd_deg: float = 1.5
    day_correlation: float = 0.25
    slip_sd_deg: float = 0.7
    slip_mean_deg: float = 0.0
    goniometer_sd_deg: float = 1.6
    drop_out: float = 0.0
    error_share: float = 0.0
    test: TestName = "prone"


def simulate_table(plan: CohortPlan, seed: int = 0) -> Table:
    """The table that `kneeflex batch` would write of these people, with `condition` where they have one."""
    rows = simulate_rows(plan, seed)
    table = table_of(rows)
    if any(plan.conditions):
        table["condition"] = [row["condition"] for row in rows]
    return typed(table)


def simulate_rows(plan: CohortPlan, seed: int = 0) -> list[dict[str, Any]]:
    """The same as rows."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(plan.people):
        rows += _person(plan, f"P{number + 1:02d}", number, random)
    return rows


def _person(plan: CohortPlan, client: str, number: int, random: np.random.Generator) -> list[dict[str, Any]]:
    level = plan.level_deg + plan.level_sd_deg * random.normal()
    personal = plan.gain_sd_deg * random.normal()
    days = plan.baseline_days + plan.days
    knee = _autoregression(days, plan.day_sd_deg, plan.day_correlation, random)
    rows = []
    for day in range(days):
        if day and random.random() < plan.drop_out:
            break
        practised = day >= plan.baseline_days
        index = (number + day) % len(plan.conditions) if plan.crossover else number % len(plan.conditions)
        gains = plan.gain_deg[index] if len(plan.gain_deg) > 1 else plan.gain_deg[0]
        kept = plan.kept_deg * max(0, day - plan.baseline_days)
        truth = level + knee[day] - kept
        row = _session(plan, truth, gains + personal if practised else None, random)
        row |= {
            "session": f"{client}/day {day + 1}",
            "id": f"{random.integers(2**62):016x}",
            "client": client,
            "side": "left" if number % 2 else "right",
            "started_at": (_START + timedelta(days=day, minutes=20 * number)).isoformat(),
            "condition": plan.conditions[index],
            "status": "closed",
            "test": plan.test,
            "practised": practised,
            "software_version": "0.1.0",
            "error": "",
        }
        if random.random() < plan.error_share:
            row = {k: row[k] for k in ("session", "id", "client", "side", "started_at", "condition")}
            row |= {"error": "The recording holds not one sample of the shank."}
        rows.append(row)
    return rows


def _session(
    plan: CohortPlan, truth: float, gain: float | None, random: np.random.Generator
) -> dict[str, Any]:
    """One session: blocks around the truth, a slip between before and after, a closing pose."""
    zero = plan.strapping_sd_deg * random.normal()
    slip = plan.slip_mean_deg + plan.slip_sd_deg * random.normal() if gain is not None else 0.0
    rest = plan.rest_gain_deg

    def block(level: float) -> float:
        return level + zero + plan.block_sd_deg * random.normal()

    before = block(truth)
    again = None if rest is None else block(truth - rest)
    after = None if gain is None else block(truth - (rest or 0.0) - gain) - slip
    row: dict[str, Any] = {"zero": "reference_pose", "zero_sd_deg": 2.0, "strapping": 0}
    for phase, value in (("before", before), ("before_again", again), ("after", after)):
        row |= {
            f"{phase}_extension_deg": value,
            f"{phase}_sd_deg": 1.0,
            f"{phase}_n": 0 if value is None else 5,
        }
    entered = round(20 + 3 * random.normal(), 1)
    error = plan.goniometer_sd_deg * random.normal()
    row |= {"reference_method": "goniometer", "reference_deg": entered, "reference_sd_deg": 1.6}
    row |= {"closing_method": "goniometer", "closing_deg": entered + 0.5, "closing_sd_deg": 1.6}
    row["closing_read_deg"] = entered + 0.5 - slip + error
    control = None if again is None else before - again
    row["control_change_deg"] = control
    if after is None:
        return row | {"verdict": "not enough data"}
    row |= {"after_phase": "after", "after_strapping": 0, "slip_deg": slip + random.normal()}
    row |= _judged("change", before - after, np.hypot(np.sqrt(2) * plan.block_sd_deg, plan.slip_sd_deg))
    if again is not None and control is not None:
        error = np.hypot(np.sqrt(6) * plan.block_sd_deg, plan.slip_sd_deg)
        row |= _judged("net_change", again - after - control, float(error))
    low, high = row["change_ci95_low_deg"], row["change_ci95_high_deg"]
    row["verdict"] = "gained" if low > 0 else "lost" if high < 0 else "no detectable change"
    return row


def _judged(stem: str, value: float, error: float) -> dict[str, float]:
    half = _T * error
    return {
        f"{stem}_deg": value,
        f"{stem}_se_deg": error,
        f"{stem}_ci95_low_deg": value - half,
        f"{stem}_ci95_high_deg": value + half,
    }


def _autoregression(n: int, sd: float, correlation: float, random: np.random.Generator) -> list[float]:
    values = [sd * random.normal()]
    for _ in range(n - 1):
        values.append(correlation * values[-1] + sd * np.sqrt(1 - correlation**2) * random.normal())
    return values
