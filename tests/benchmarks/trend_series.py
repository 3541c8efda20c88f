"""Does the trend keep its promise? Simulated series of days, looked at every day.

    python tests/benchmarks/trend_series.py                    the tables, 10,000 series a stratum
    python tests/benchmarks/trend_series.py --series 2000

The series of a stratum are arrays; statistic, bounds and the check for one deciding day are those of
`analysis.change.trend`. `test_trend_series.py` shows that `trend_of_days` says the same of each series.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from analysis.change.trend.least_squares import LEAST_SD_DEG, filled_columns, whitened
from analysis.change.trend.looks import SpendingPlan, bounds
from analysis.change.trend.of_days import _WITHOUT_ONE_LEVEL, LEAST_DAYS

COURSES = ("linear", "saturating")


@dataclass(frozen=True)
class Design:
    """How the days of a person are drawn.

    Attributes:
        sd_deg: from day to day.
        correlation: of neighbouring days, falling as a power of the days apart.
        planned: days; `missing` is the share of them without a session, drawn anew for each of 20 patterns.
        baseline: days before practice, part of the plan.
        gain_deg: over the days of practice, "linear" or "saturating" with a time constant of a quarter.
        outliers: share of days at four times the SD.
        regroup: day from which the zero is set another way, by an offset of SD 3 deg; `declared` or not.
        worse_first_deg: the first day reads so much more bent, half of it on the next, and so on.
    """

    sd_deg: float = 2.0
    correlation: float = 0.25
    planned: int = 14
    missing: float = 0.0
    baseline: int = 0
    gain_deg: float = 0.0
    course: str = "linear"
    outliers: float = 0.0
    regroup: int | None = None
    declared: bool = True
    worse_first_deg: float = 0.0

    def level_deg(self, day: np.ndarray) -> np.ndarray:
        """The knee on each day, without noise."""
        x = np.maximum(day - max(0, self.baseline - 1), 0.0)
        last = self.planned - 1 - max(0, self.baseline - 1)
        share = x / last
        if self.course == "saturating":
            share = (1 - np.exp(-4 * x / last)) / (1 - np.exp(-4))
        return 15.0 - self.gain_deg * share + self.worse_first_deg * 0.5**day

    @property
    def practice_from(self) -> float:
        """The last day of the baseline, or the first day."""
        return float(max(0, self.baseline - 1))


@dataclass(frozen=True)
class Row:
    """What came out, in percent; degrees for the half width (median of the last look)."""

    ever: float
    last: float
    covered: float
    half_width_deg: float
    series: int

    @property
    def error(self) -> float:
        """Standard error of `ever`."""
        return 100 * float(np.sqrt(self.ever / 100 * (1 - self.ever / 100) / self.series))


def draw(design: Design, day: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Readings (days, n)."""
    noise = rng.standard_normal((len(day), n))
    for i in range(1, len(day)):
        share = design.correlation ** (day[i] - day[i - 1]) if design.correlation else 0.0
        noise[i] = share * noise[i - 1] + np.sqrt(1 - share**2) * noise[i]
    if design.outliers:
        noise *= np.where(rng.random(noise.shape) < design.outliers, 4.0, 1.0)
    readings = design.level_deg(day)[:, None] + design.sd_deg * noise
    if design.regroup is not None:
        readings[day >= design.regroup] += 3.0 * rng.standard_normal(n)
    return readings


def groups(design: Design, day: np.ndarray) -> list[str] | None:
    """The zero of each day, where a change of it is declared."""
    if design.regroup is None or not design.declared:
        return None
    return ["b" if d >= design.regroup else "a" for d in day]


def judge(design: Design, day: np.ndarray, readings: np.ndarray) -> dict[str, np.ndarray]:
    """Each look's verdict (looks, n): +1 gained, -1 lost, 0 neither; and the last estimate and half width."""
    plan = SpendingPlan(design.planned, float(day[0]), "late", LEAST_DAYS, 0.5)
    labels = groups(design, day) or [""] * len(day)
    columns = [np.maximum(day - design.practice_from, 0.0)]
    columns += [np.array([float(z == g) for z in labels]) for g in dict.fromkeys(labels)]
    matrix = np.stack(columns, axis=1)
    limits = bounds(tuple(day.tolist()), tuple(map(tuple, matrix.tolist())), 0, plan)
    looks = []
    value = half = np.full(readings.shape[1], np.nan)
    for k, limit in enumerate(limits):
        if not np.isfinite(limit):
            continue
        t, b, error = _statistic(day[: k + 1], matrix[: k + 1], readings[: k + 1])
        called = np.where(np.abs(t) > limit, -np.sign(t), 0.0)
        hit = np.flatnonzero(called)
        for i in range(k + 1) if len(hit) else ():
            keep = np.arange(k + 1) != i
            one, _, _ = _statistic(day[: k + 1][keep], matrix[: k + 1][keep], readings[: k + 1][keep][:, hit])
            df = k - len(filled_columns(matrix[: k + 1][keep]))
            called[hit[-np.sign(t[hit]) * -one < stdtrit(df, _WITHOUT_ONE_LEVEL)]] = 0.0
        looks.append(called)
        value, half = -b * matrix[k, 0], limit * error * matrix[k, 0]
    return {"called": np.array(looks), "value": value, "half": half}


def _statistic(
    day: np.ndarray, matrix: np.ndarray, readings: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    white, seen = whitened(day, matrix), whitened(day, readings)
    inside = white[:, filled_columns(white)]
    inverse = np.linalg.inv(inside.T @ inside)
    found = inverse @ (inside.T @ seen)
    rest = seen - inside @ found
    sd = np.sqrt((rest**2).sum(axis=0) / (len(day) - inside.shape[1]))
    error = np.maximum(sd, LEAST_SD_DEG) * np.sqrt(inverse[0, 0])
    return found[0] / error, found[0], error


def measure(design: Design, series: int, seed: int = 1) -> Row:
    """How often a look calls a change, the last one too, and how often the last interval holds."""
    rng = np.random.default_rng(seed)
    patterns = 20 if design.missing else 1
    ever, last, covered, half = [], [], [], []
    for _ in range(patterns):
        day = np.arange(design.planned, dtype=float)
        if design.missing:
            inner = rng.random(design.planned - 2) >= design.missing
            day = day[np.concatenate(([True], inner, [True]))]
        readings = draw(design, day, series // patterns, rng)
        judged = judge(design, day, readings)
        ever.append((judged["called"] != 0).any(axis=0))
        last.append(judged["called"][-1] != 0)
        truth = -(design.level_deg(day)[-1] - design.level_deg(np.array([design.practice_from]))[0])
        covered.append(np.abs(judged["value"] - truth) <= judged["half"])
        half.append(judged["half"])
    return Row(
        *(100 * float(np.concatenate(x).mean()) for x in (ever, last, covered)),
        float(np.median(np.concatenate(half))),
        series,
    )


def show(title: str, rows: Sequence[tuple[str, Design]], series: int) -> list[Row]:
    """Prints one table and returns its rows."""
    print(f"\n{title} ({series} series a row)")
    print(f"{'stratum':50}  ever called %   last look %   covers %  half width")
    found = []
    for seed, (name, design) in enumerate(rows):
        row = measure(design, series, seed)
        found.append(row)
        print(
            f"{name:50}  {row.ever:6.1f} +- {row.error:.1f}  {row.last:11.1f}  {row.covered:9.1f}  "
            f"{row.half_width_deg:9.1f}",
            flush=True,
        )
    return found


NULLS = (
    ("independent days", Design(correlation=0.0)),
    *((f"correlation 0.25, {n} planned days", Design(planned=n)) for n in (5, 7, 10, 14, 20, 28)),
    ("SD 1", Design(1.0)),
    ("SD 4", Design(4.0)),
    ("20 % of the days missing", Design(missing=0.2)),
    ("40 % of the days missing", Design(missing=0.4)),
    ("five baseline days first", Design(baseline=5)),
    ("10 % of the days at four times the SD", Design(outliers=0.1)),
    ("zero set another way from day 7 on, declared", Design(regroup=6)),
    ("first day 3 deg worse, halving daily", Design(worse_first_deg=3.0)),
)
BEYOND = (
    ("zero set another way, not declared", Design(regroup=6, declared=False)),
    ("correlation 0.3", Design(correlation=0.3)),
    ("correlation 0.4", Design(correlation=0.4)),
    ("correlation 0.6", Design(correlation=0.6)),
)


def tables(series: int) -> None:
    """Null series by stratum, beyond the assumptions, and power."""
    show("Nothing changed", NULLS, series)
    show("Nothing changed, beyond the assumptions", BEYOND, series)
    for baseline in (0, 5):
        for course in COURSES:
            rows = [
                (f"+{gain:g} deg, SD {sd:g}", Design(sd, gain_deg=gain, course=course, baseline=baseline))
                for sd in (1.0, 2.0, 3.0, 4.0)
                for gain in (3.0, 5.0, 8.0, 10.0, 12.0, 15.0)
            ]
            show(f"Power, {course}, {baseline} baseline days of 14", rows, series)
    two = [
        (f"+{g:g} deg, strap part of SD 3 halved in variance", replace(Design(3.0 / np.sqrt(2)), gain_deg=g))
        for g in (5.0, 8.0)
    ]
    show("Power with two strappings a day", two, series)


def main() -> None:
    """Reads the options and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, default=10_000)
    tables(parser.parse_args().series)


if __name__ == "__main__":
    main()
