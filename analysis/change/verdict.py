"""From a contrast and what is known of the noise to an interval and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from analysis.change.checks import SLIP_REFUSE_DEG, SLIP_WARN_DEG
from analysis.change.contrast import Contrast
from analysis.change.defaults import (
    BLOCK_SD_RANGE_DEG,
    BLOCK_SD_SOURCE,
    DETECTABLE_LEVEL,
    REDON_SEM_DEG,
    REDON_SOURCE,
)
from analysis.change.noise import Spread, estimated, fixed, half_width_deg, uniform
from analysis.change.reliability import LEAST_DAYS, LEAST_STRAPPING_DF, Reliability, Repeats
from analysis.change.result import Verdict

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Noise:
    """Half widths for one contrast: of the interval, and of what no verdict is given within."""

    interval_deg: float
    detectable_deg: float
    source: str


def noise_of(
    contrast: Contrast,
    reliability: Reliability | None = None,
    *,
    restrapped: bool = False,
    zero_sd_deg: float = 0.0,
) -> Noise:
    """How large a contrast has to be before it says anything.

    One session cannot show how much blocks differ by themselves: with one block before and one after,
    that SD is not identifiable. So it comes from outside, in one of two ways.

    - The person's own repeats, from 5 days (or 5 strappings) on: Student's t on their degrees of
      freedom. The interval and the verdict then hold their 95 % whatever the block SD.
    - Else the published range. The *interval* takes every block SD from 0.5 to 2 deg as equally likely
      and so covers 95 % on the average over that range: more for a steadier person, less for a more
      variable one. No fixed width could do better without knowing the SD. The *detectable change* does
      not average: it takes the worst SD of the range, so that at most 5 % are called gained or lost when
      nothing changed, however variable the person is within it.

    The scatter between repetitions is estimated within the blocks compared (pooled, fiducial), and the
    one-sigma of the angle itself is added where the person's own repeats do not hold it already.

    Args:
        contrast: the blocks and their coefficients.
        reliability: from the person's own repeats.
        restrapped: the blocks come from different strappings.
        zero_sd_deg: one sigma of the entered reference angles, where strappings are compared.
    """
    own = _own_repeats(reliability, restrapped)
    repetition = contrast.repetition_spread()
    if own is not None:
        known = [
            (contrast.block_factor, estimated(own.sem_deg, own.df)),
            (contrast.repetition_factor(own.repetitions), repetition),
        ]
        return Noise(half_width_deg(known), half_width_deg(known, DETECTABLE_LEVEL), own.source)
    shared: list[tuple[float, Spread]] = [
        (contrast.repetition_factor(), repetition),
        (1.0, fixed(contrast.track_variance_deg2**0.5)),
    ]
    source = BLOCK_SD_SOURCE
    if restrapped:
        zero_deg = max(REDON_SEM_DEG, zero_sd_deg if isfinite(zero_sd_deg) else 0.0)
        shared.append((contrast.block_factor, fixed(zero_deg)))
        source = f"{source}; {REDON_SOURCE}"
    anyone = uniform(*BLOCK_SD_RANGE_DEG)
    worst = fixed(BLOCK_SD_RANGE_DEG[1])
    return Noise(
        half_width_deg([(contrast.block_factor, anyone), *shared]),
        half_width_deg([(contrast.block_factor, worst), *shared], DETECTABLE_LEVEL),
        source,
    )


def _own_repeats(reliability: Reliability | None, restrapped: bool) -> Repeats | None:
    if reliability is None:
        return None
    own, least = (reliability.across, LEAST_STRAPPING_DF) if restrapped else (reliability.within, LEAST_DAYS)
    return own if own is not None and own.df >= least else None


def widening(contrast: Contrast, slip_deg: float | None, warmup_bias_deg: float) -> Interval:
    """How far the interval reaches further down and up, both >= 0, for what may have faked the change.

    In a net change slip can act either way, depending on which block it fell behind.
    """
    down, up = max(0.0, warmup_bias_deg), max(0.0, -warmup_bias_deg)
    if slip_deg is not None and abs(slip_deg) > SLIP_WARN_DEG:
        either_way = len(contrast.terms) > 2
        down += abs(slip_deg) if slip_deg > 0 or either_way else 0.0
        up += abs(slip_deg) if slip_deg < 0 or either_way else 0.0
    return down, up


def interval_of(value_deg: float, noise: Noise, wider: Interval) -> Interval:
    """The 95 % interval of a contrast."""
    return value_deg - noise.interval_deg - wider[0], value_deg + noise.interval_deg + wider[1]


def judge(
    change_deg: float,
    ci95_deg: Interval,
    detectable_deg: float,
    net_ci95_deg: Interval | None = None,
    slip_deg: float | None = None,
) -> tuple[Verdict, str]:
    """The verdict and the sentence that says why.

    A verdict needs the change to be beyond what can be detected, its interval to exclude zero, and, with
    a rest block, the interval of the net change to lie on the same side of zero: straighter than before,
    and by more than the rest alone accounts for. Asking for both also protects against a rest block that
    shifted the knee for good, which the net change by itself would book with the wrong sign. A steady
    drift through all blocks is called in at most 5 % up to 3 deg a block, whoever drifts; above that, in
    up to 7 % for the most variable person (`tests/benchmarks/null_sessions.py`).

    Args:
        change_deg, ci95_deg: after minus before.
        detectable_deg: no verdict within.
        net_ci95_deg: of the change beyond that of the rest block, where there was one.
        slip_deg: from the closing reference.
    """
    size = f"{abs(change_deg):.1f} deg"
    side = 1 if change_deg > 0 else -1
    if abs(change_deg) <= detectable_deg or not _beyond_zero(ci95_deg, side):
        return "no detectable change", (
            f"A change of {size} is not beyond the {detectable_deg:.1f} deg that can be told from noise here."
        )
    if net_ci95_deg is not None and not _beyond_zero(net_ci95_deg, side):
        return "no detectable change", (
            f"The reading changed by {size}, but not clearly by more than the rest block accounts for."
        )
    if slip_deg is not None and abs(slip_deg) > SLIP_REFUSE_DEG and slip_deg * side > 0:
        return "no detectable change", (
            f"The straps slipped by {abs(slip_deg):.1f} deg, which looks exactly like such a change."
        )
    how = "further" if side > 0 else "less far"
    return "gained" if side > 0 else "lost", (
        f"The knee straightens {size} {how}, beyond the {detectable_deg:.1f} deg that can be told from noise "
        "here; the measurement cannot say why."
    )


def _beyond_zero(interval: Interval, side: int) -> bool:
    return interval[0] > 0 if side > 0 else interval[1] < 0
