"""Does the verdict keep its promise? Simulated sessions in which nothing, or a known amount, changed.

    python tests/benchmarks/null_sessions.py                      the tables, 10,000 sessions a stratum
    python tests/benchmarks/null_sessions.py --sessions 2000

A session is drawn as repetition values: each block has a level of its own (block SD), each repetition
scatters around it and may resemble its neighbour, repeating the test straightens the knee by itself
(warm-up), a strap may slip, and the closing reference reads that slip with an error. All sessions of a
stratum are drawn as arrays and judged by the code of `analysis.change`, which takes arrays as it takes
numbers; `test_null_sessions.py` shows that `compare_blocks` says the same of each of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.change.checks import SLIP_REFUSE_DEG
from analysis.change.contrast import Contrast, change_of, net_change_of, warmup_bias_deg
from analysis.change.defaults import NET_LEVEL
from analysis.change.noise import half_width_deg
from analysis.change.reliability import Reliability, Repeats
from analysis.change.result import Block
from analysis.change.verdict import Conditions, noise_of

BLOCK_SDS_DEG = (0.5, 1.0, 1.5, 2.0)
REPETITION_SDS_DEG = (1.0, 2.0, 3.0)
COUNTS = (3, 5, 8)
DAYS = (0, 3, 5, 10)
GAINS_DEG = (3.0, 5.0, 8.0, 12.0)
WARMUP_GAIN_DEG, WARMUP_TAU = 6.5, 1.5
POSE_SD_DEG = 1.0


@dataclass(frozen=True)
class Design:
    """How sessions are drawn.

    Attributes:
        block_sd_deg: None draws it anew for each session, uniform over 0.5 to 2.
        correlation: of neighbouring repetitions.
        drift_deg: a linear trend, straighter by so much from each block to the next.
        days: of the person's own repeats.
        heavy: block and repetition scatter of the same SD from Student's t with 4 degrees of freedom.
        slip_deg, slip_sd_deg: of the strap during the exercise, fixed and random part.
        reference: the closing reference is "held" with an error of 1 deg, "exact", or "none".
    """

    block_sd_deg: float | None = 1.0
    repetition_sd_deg: float = 1.5
    count: int = 5
    rest: bool = False
    warmups: int = 6
    gain_deg: float = 0.0
    drift_deg: float = 0.0
    days: int = 0
    heavy: bool = False
    correlation: float = 0.0
    slip_deg: float = 0.0
    slip_sd_deg: float = 0.0
    reference: str = "held"
    test: str = "prone"


@dataclass(frozen=True)
class Drawn:
    """Sessions as arrays: values (n, count) of each phase, the slip as read (n,), the own repeats."""

    values: dict[str, np.ndarray]
    slip_deg: np.ndarray | None
    repeats: Repeats | None


def draw(design: Design, n: int, rng: np.random.Generator) -> Drawn:
    """So many sessions of one design, each with its own person."""
    block_sd = design.block_sd_deg if design.block_sd_deg is not None else rng.uniform(0.5, 2.0, n)
    person = np.broadcast_to(block_sd, (n,)).astype(float)
    slip_deg = design.slip_deg + design.slip_sd_deg * rng.standard_normal(n)
    phases = ["before", "before_again", "after"] if design.rest else ["before", "after"]
    values = {}
    for order, phase in enumerate(phases):
        made = design.warmups + order * design.count
        fade = WARMUP_GAIN_DEG * np.exp(-np.arange(made, made + design.count) / WARMUP_TAU)
        level = 15.0 - design.drift_deg * order - (design.gain_deg + slip_deg) * (phase == "after")
        values[phase] = np.asarray(level).reshape(-1, 1) + fade + _block(design, person, rng)
    read = {"held": POSE_SD_DEG, "exact": 0.0}.get(design.reference)
    slip_read = None if read is None else slip_deg + read * rng.standard_normal(n)
    return Drawn(values, slip_read, _own_repeats(design, person, rng))


def _block(design: Design, person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, count, rho = len(person), design.count, design.correlation
    shape = (n, count + 1)
    noise = rng.standard_t(4, shape) / np.sqrt(2) if design.heavy else rng.standard_normal(shape)
    scatter = noise[:, 1:]
    for i in range(1, count if rho else 0):
        scatter[:, i] = rho * scatter[:, i - 1] + np.sqrt(1 - rho * rho) * scatter[:, i]
    return person[:, None] * noise[:, :1] + design.repetition_sd_deg * scatter


def _own_repeats(design: Design, person: np.ndarray, rng: np.random.Generator) -> Repeats | None:
    if not design.days:
        return None
    squares = np.zeros(len(person))
    for _ in range(design.days):
        first, second = (_block(design, person, rng).mean(axis=1) for _ in range(2))
        squares += (first - second) ** 2
    return Repeats(np.sqrt(squares / 2 / design.days), design.days, design.count)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Judged:
    """What the analysis says of each session: arrays (n,). `called` is +1 gained, -1 lost, 0 neither."""

    called: np.ndarray
    low_deg: np.ndarray
    high_deg: np.ndarray
    net_low_deg: np.ndarray | None
    net_high_deg: np.ndarray | None
    detectable_deg: np.ndarray


def judge(design: Design, drawn: Drawn) -> Judged:
    """The rule of `compare_blocks`, for arrays."""
    blocks = {
        phase: Block(phase, v.mean(axis=1), v.std(axis=1, ddof=1), v.shape[1], 0.0, 1.0, v.shape[1])  # type: ignore[arg-type]
        for phase, v in drawn.values.items()
    }
    attempts = {"warmup": design.warmups} | {phase: b.n for phase, b in blocks.items()}
    slip = drawn.slip_deg
    conditions = Conditions(test=design.test, slip_deg=None if slip is None else 0.0)  # type: ignore[arg-type]
    reliability = Reliability(drawn.repeats)

    def spread(contrast: Contrast) -> tuple[np.ndarray, object, np.ndarray, np.ndarray]:
        bias = warmup_bias_deg(contrast, attempts)
        read = np.zeros(1) if slip is None else slip
        either = len(contrast.terms) > 2
        down = max(0.0, bias) + np.where((read > 0) | either, np.abs(read), 0.0)
        up = max(0.0, -bias) + np.where((read < 0) | either, np.abs(read), 0.0)
        value = np.asarray(contrast.value_deg)
        return value, noise_of(contrast, reliability, conditions).variance, down, up

    value, variance, down, up = spread(change_of(blocks["before"], blocks["after"]))
    half = np.asarray(half_width_deg(variance))  # type: ignore[arg-type]
    low, high = value - half - down, value + half + up
    called = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    net_low = net_high = None
    if design.rest:
        net, net_variance, net_down, net_up = spread(
            net_change_of(blocks["before"], blocks["before_again"], blocks["after"])
        )
        wide = np.asarray(half_width_deg(net_variance))  # type: ignore[arg-type]
        narrow = np.asarray(half_width_deg(net_variance, 2 * NET_LEVEL - 1))  # type: ignore[arg-type]
        net_low, net_high = net - wide - net_down, net + wide + net_up
        allowed = np.where(called > 0, net - narrow - net_down > 0, net + narrow + net_up < 0)
        called = np.where(allowed, called, 0)
    if slip is not None:
        called = np.where((np.abs(slip) > SLIP_REFUSE_DEG) & (slip * called > 0), 0, called)
    return Judged(called, low, high, net_low, net_high, half + np.where(value > 0, down, up))


@dataclass(frozen=True)
class Row:
    """What came out for one stratum, in percent; degrees for the widths (median)."""

    called: float
    covered: float
    covered_net: float
    half_width_deg: float
    detectable_deg: float
    sessions: int

    @property
    def error(self) -> float:
        """Standard error of `called`."""
        share = self.called / 100
        return 100 * float(np.sqrt(share * (1 - share) / self.sessions))


def measure(design: Design, sessions: int, seed: int = 1) -> Row:
    """Share of sessions called gained or lost, and coverage of the intervals."""
    judged = judge(design, draw(design, sessions, np.random.default_rng(seed)))
    drift = design.drift_deg * (2 if design.rest else 1)
    covered_net = float("nan")
    if judged.net_low_deg is not None and judged.net_high_deg is not None:
        covered_net = _coverage(judged.net_low_deg, judged.net_high_deg, design.gain_deg)
    return Row(
        100 * float(np.mean(judged.called != 0)),
        _coverage(judged.low_deg, judged.high_deg, design.gain_deg + drift),
        covered_net,
        float(np.median(judged.high_deg - judged.low_deg)) / 2,
        float(np.median(judged.detectable_deg)),
        sessions,
    )


def _coverage(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    return 100 * float(np.mean((low <= truth) & (truth <= high)))


def strata(**fixed: object) -> Iterator[tuple[str, Design]]:
    """Every combination of block SD, repetition SD and count; then the block SD drawn anew."""
    for block_sd in (*BLOCK_SDS_DEG, None):
        for repetition_sd in REPETITION_SDS_DEG:
            for count in COUNTS:
                name = f"block {block_sd or '0.5-2'}, repetition {repetition_sd:g}, n {count}"
                yield name, replace(Design(block_sd, repetition_sd, count), **fixed)  # type: ignore[arg-type]


def worst(sessions: int, **fixed: object) -> tuple[str, Row]:
    """The stratum with the most false verdicts, of the 45."""
    rows = [(name, measure(design, sessions, seed)) for seed, (name, design) in enumerate(strata(**fixed))]
    return max(rows, key=lambda row: row[1].called)


def show_worst(title: str, sessions: int, **fixed: object) -> None:
    """Prints one line: the worst of 45 strata for each number of own days."""
    cells = []
    for days in DAYS:
        name, row = worst(sessions, days=days, **fixed)
        cells.append(f"{row.called:4.1f} +- {row.error:.1f} ({name})")
    print(f"{title:58} " + " | ".join(cells), flush=True)


def show(title: str, rows: Sequence[tuple[str, Design]], sessions: int) -> None:
    """Prints one table: called for own days 0, 3, 5, 10, and coverage and width for none."""
    print(f"\n{title} ({sessions} sessions a cell; called, % for {DAYS} own days)")
    for seed, (name, design) in enumerate(rows):
        found = [measure(replace(design, days=days), sessions, 100 + seed) for days in DAYS]
        called = "  ".join(f"{row.called:5.1f}" for row in found)
        print(
            f"{name:50} {called}   covers {found[0].covered:5.1f}  half width {found[0].half_width_deg:4.1f}"
        )


def tables(sessions: int) -> None:
    """Null sessions by stratum, what is outside the assumptions, trends, and power."""
    print("Nothing changed: the worst of 45 strata, % called, for", DAYS, "own days")
    for rest in (False, True):
        for reference in ("held", "exact", "none"):
            where = f"{'rest block' if rest else 'no rest block'}, closing reference {reference}"
            show_worst(where, sessions, rest=rest, reference=reference)
    show_worst("neighbouring repetitions correlated 0.3", sessions, correlation=0.3)
    show_worst("unknown slip of SD 1.5", sessions, slip_sd_deg=1.5, reference="none")
    show_worst("slip of SD 1.5, read", sessions, slip_sd_deg=1.5)
    show_worst("heavy tails (t4)", sessions, heavy=True)
    for warmups in (0, 2, 4):
        show_worst(f"{warmups} warm-up repetitions", sessions, warmups=warmups)
    outside = [(f"block SD {sd}", Design(sd)) for sd in (2.5, 3.0, 4.0)]
    outside += [
        (f"correlation 0.6, block SD {sd}, n 3, repetition {r}", Design(sd, r, 3, correlation=0.6))
        for sd in (1.0, 2.0)
        for r in (1.5, 3.0)
    ]
    outside += [
        (f"slip {s} deg, {'unknown' if ref == 'none' else 'read'}, block SD {sd}",
         Design(sd, slip_deg=s, reference=ref))
        for s in (1.9, 3.0) for ref in ("none", "held") for sd in (0.5, 1.0, 2.0)
    ]  # fmt: skip
    outside += [(f"ake, block SD {sd}", Design(sd, test="ake")) for sd in (2.0, 2.5, 3.0)]
    show("Nothing changed, at the border of the assumptions and beyond", outside, sessions)
    drifts = [
        (f"drift {d:g} deg a block, block SD {sd}", Design(sd, rest=True, drift_deg=d))
        for d in (1.0, 2.0, 3.0, 6.0)
        for sd in (0.5, 1.0, 2.0)
    ]
    show("A linear trend through all blocks, with rest block", drifts, sessions)
    for rest in (False, True):
        for reference in ("held", "exact", "none"):
            gains = [
                (f"+{g:g} deg, block SD {sd}", Design(sd, rest=rest, gain_deg=g, reference=reference))
                for g in GAINS_DEG
                for sd in (0.5, 1.0, 2.0)
            ]
            title = f"Power, {'with' if rest else 'no'} rest block, closing reference {reference}"
            show(title, gains, sessions)
    two_sessions(sessions)


def two_sessions(sessions: int) -> None:
    """Two sessions of other days: false verdicts by strapping SD, day SD and the person's own study."""
    print("\nTwo sessions, nothing changed: called, % (own study of 0, 5, 10 strappings on one day)")
    for strap in (1.0, 2.0, 3.0, 4.0):
        for day in (1.0, 2.0, 3.0):
            found = [two_called(strap, day, study, sessions) for study in (0, 5, 10)]
            cells = [f"{called:5.1f} ({half_width:4.1f})" for called, half_width in found]
            print(f"strapping SD {strap}, day SD {day}: " + "  ".join(cells) + "   (half width, deg)")


def two_called(strap: float, day: float, study: int, sessions: int, seed: int = 7) -> tuple[float, float]:
    """Share called and median half width, for two sessions of a person with block SD 1.

    Args:
        strap, day: SDs.
        study: strappings of the person's own re-strapping study of one day; 0 for none.
        sessions: pairs of them.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    design = Design(1.0)
    person = np.ones(sessions)

    def reading() -> np.ndarray:
        level = strap * rng.standard_normal(sessions) + day * rng.standard_normal(sessions)
        return 15.0 + level[:, None] + _block(design, person, rng)

    blocks = [
        Block("before", v.mean(axis=1), v.std(axis=1, ddof=1), v.shape[1], 0.0, 1.0, v.shape[1])  # type: ignore[arg-type]
        for v in (reading(), reading())
    ]
    across = None
    if study:
        straps = strap * rng.standard_normal((study, sessions))
        means = straps + np.array([_block(design, person, rng).mean(axis=1) for _ in range(study)])
        across = Repeats(means.std(axis=0, ddof=1), study - 1, design.count)  # type: ignore[arg-type]
    contrast = change_of(blocks[0], blocks[1])
    conditions = Conditions("prone", restrapped=True, other_day=True)
    variance = noise_of(contrast, Reliability(across=across), conditions).variance
    half = np.asarray(half_width_deg(variance))
    called = np.abs(np.asarray(contrast.value_deg)) > half
    return 100 * float(called.mean()), float(np.median(half))


def main() -> None:
    """Reads the options and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10_000)
    tables(parser.parse_args().sessions)


if __name__ == "__main__":
    main()
