"""Does the verdict keep its promise? Simulated sessions in which nothing, or a known amount, changed.

    python tests/benchmarks/null_sessions.py                      the tables, 1,000 sessions a stratum
    python tests/benchmarks/null_sessions.py --sessions 4000

A session is drawn as repetition values: each block has a level of its own (block SD), each repetition
scatters around it (repetition SD), and repeating the test straightens the knee by itself (warm-up). All
of them go through `compare_blocks`, as a recording would.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.change import Comparison, Reliability, compare_blocks, repeats_of
from analysis.movement.result import Plateau, Repetition

BLOCK_SDS_DEG = (0.5, 1.0, 1.5, 2.0)
REPETITION_SDS_DEG = (1.0, 2.0, 3.0)
COUNTS = (3, 5, 8)
GAINS_DEG = (3.0, 5.0, 8.0, 12.0)
WARMUP_GAIN_DEG, WARMUP_TAU = 6.5, 1.5


@dataclass(frozen=True)
class Design:
    """How sessions are drawn. `block_sd_deg` None draws it anew for each, uniform over 0.5 to 2.

    `drift_deg` is a linear trend, straighter by so much from each block to the next. `heavy` draws block
    and repetition scatter of the same SD from Student's t with 4 degrees of freedom.
    """

    block_sd_deg: float | None = None
    repetition_sd_deg: float | None = None
    count: int | None = None
    rest: bool = False
    warmups: int = 6
    warmup_trend: bool = True
    gain_deg: float = 0.0
    drift_deg: float = 0.0
    days: int = 0
    heavy: bool = False


def draw(design: Design, rng: np.random.Generator) -> tuple[list[Repetition], Reliability | None]:
    """One session, and the same person's own repeats where `design.days` asks for them."""
    block_sd = design.block_sd_deg if design.block_sd_deg is not None else rng.uniform(0.5, 2.0)
    fixed = replace(
        design,
        block_sd_deg=block_sd,
        repetition_sd_deg=design.repetition_sd_deg or rng.uniform(1.0, 3.0),
        count=design.count or int(rng.integers(3, 9)),
    )
    reliability = None
    if design.days:
        baseline = replace(fixed, rest=True, gain_deg=0.0, drift_deg=0.0)
        reliability = Reliability(repeats_of([_session(baseline, rng) for _ in range(design.days)]))
    return _session(fixed, rng), reliability


def _session(design: Design, rng: np.random.Generator) -> list[Repetition]:
    assert design.block_sd_deg is not None
    assert design.repetition_sd_deg is not None
    assert design.count is not None
    phases = ["before", "before_again", "after"] if design.rest else ["before", "after"]
    counts = [design.warmups, *[design.count] * len(phases)]
    made, repetitions = 0, []
    for order, (phase, count) in enumerate(zip(["warmup", *phases], counts, strict=True)):
        level = 15.0 - design.drift_deg * max(0, order - 1) - design.gain_deg * (phase == "after")
        spread = rng.standard_t(4, count + 1) / np.sqrt(2) if design.heavy else rng.standard_normal(count + 1)
        values = level + design.block_sd_deg * spread[0] + design.repetition_sd_deg * spread[1:]
        if design.warmup_trend:
            values += WARMUP_GAIN_DEG * np.exp(-np.arange(made, made + count) / WARMUP_TAU)
        for i, value in enumerate(values.tolist()):
            start = 600.0 * order + 8.0 * i
            held = Plateau(start + 4.0, start + 7.0, value, 0.0)
            repetitions.append(Repetition(start, start + 8.0, phase, "prone", 90.0, held))  # type: ignore[arg-type]
        made += count
    return repetitions


def compared(design: Design, sessions: int, seed: int) -> Iterator[Comparison]:
    """The comparisons of so many sessions of one design."""
    rng = np.random.default_rng(seed)
    for _ in range(sessions):
        repetitions, reliability = draw(design, rng)
        yield compare_blocks(repetitions, relative=False, reliability=reliability)[0]


@dataclass(frozen=True)
class Row:
    """What came out for one stratum, in percent; degrees for the widths (median)."""

    called: float
    covered: float
    covered_net: float
    half_width_deg: float
    detectable_deg: float


def measure(design: Design, sessions: int, seed: int = 1) -> Row:
    """Share of sessions called gained or lost, and coverage of the intervals."""
    results = list(compared(design, sessions, seed))
    called = np.mean([c.verdict in ("gained", "lost") for c in results])
    drift = design.drift_deg * (2 if design.rest else 1)
    change, net = ([_ci(c, k) for c in results] for k in ("change_ci95_deg", "net_change_ci95_deg"))
    return Row(
        100 * float(called),
        _coverage(change, design.gain_deg + drift),
        _coverage(net, design.gain_deg),
        float(np.median([(hi - lo) / 2 for lo, hi in change])),
        float(np.median([c.detectable_change_deg for c in results])),
    )


def _ci(comparison: Comparison, name: str) -> tuple[float, float]:
    return getattr(comparison, name) or (np.nan, np.nan)


def _coverage(intervals: Sequence[tuple[float, float]], truth: float) -> float:
    low, high = np.array(intervals).T
    return float("nan") if np.isnan(low).all() else 100 * float(np.mean((low <= truth) & (truth <= high)))


def strata(rest: bool, days: int = 0) -> Iterator[tuple[str, Design]]:
    """Every combination of block SD, repetition SD and count; then the block SD drawn anew."""
    for block_sd in (*BLOCK_SDS_DEG, None):
        for repetition_sd in REPETITION_SDS_DEG:
            for count in COUNTS:
                name = f"block {block_sd or '0.5-2'}, repetition {repetition_sd:g}, n {count}"
                yield name, Design(block_sd, repetition_sd, count, rest, days=days)


def show(title: str, rows: Sequence[tuple[str, Design]], sessions: int) -> list[Row]:
    """Prints one table and returns its rows."""
    print(f"\n{title} ({sessions} sessions a row)")
    print(f"{'stratum':44}  called %  covers %  net covers %  half width  detectable")
    found = []
    for seed, (name, design) in enumerate(rows):
        row = measure(design, sessions, seed)
        found.append(row)
        print(
            f"{name:44}  {row.called:8.1f}  {row.covered:8.1f}  {row.covered_net:12.1f}  "
            f"{row.half_width_deg:10.1f}  {row.detectable_deg:10.1f}"
        )
    return found


def tables(sessions: int) -> None:
    """Null sessions by stratum, trends, and power."""
    for rest in (False, True):
        where = "with rest block" if rest else "no rest block"
        for days in (0, 10):
            source = f"own repeats over {days} days" if days else "published defaults"
            rows = show(f"Nothing changed, {where}, {source}", list(strata(rest, days)), sessions)
            print(f"worst: {max(r.called for r in rows):.1f} % called")
    trends = [
        (f"{w} warm-up, {'rest' if rest else 'no rest'}, block SD {sd}", Design(sd, 1.5, 3, rest, w))
        for w in (0, 2, 4, 6)
        for rest in (False, True)
        for sd in (0.5, 2.0)
    ]
    show("Nothing changed but warm-up, 3 repetitions", trends, sessions)
    drifts = [
        (f"drift {d:g} deg a block, block SD {sd}", Design(sd, 1.5, 5, True, drift_deg=d))
        for d in (1.0, 2.0, 3.0, 6.0)
        for sd in (0.5, 2.0)
    ]
    show("A linear trend through all blocks, with rest block", drifts, sessions)
    heavy = [
        (f"{'rest' if rest else 'no rest'}, block SD {sd}, {days or 'no'} days of own repeats",
         Design(sd, 2.0, 4, rest, days=days, heavy=True))
        for rest in (False, True)
        for days in (0, 10)
        for sd in (0.5, 2.0)
    ]  # fmt: skip
    show("Nothing changed, heavy tails", heavy, sessions)
    for rest in (False, True):
        for days in (0, 10):
            gains = [
                (f"+{g:g} deg, block SD {sd or '0.5-2'}", Design(sd, 1.5, 5, rest, gain_deg=g, days=days))
                for g in GAINS_DEG
                for sd in (0.5, 1.0, 2.0, None)
            ]
            source = f"own repeats over {days} days" if days else "published defaults"
            show(f"Power, {'with' if rest else 'no'} rest block, {source}", gains, sessions)


def main() -> None:
    """Reads the options and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000)
    tables(parser.parse_args().sessions)


if __name__ == "__main__":
    main()
