"""From a contrast and what is known of the noise to an interval and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from analysis.change.checks import SLIP_REFUSE_DEG, SLIP_WARN_DEG
from analysis.change.contrast import Contrast
from analysis.change.defaults import (
    BLOCK_SD_RANGE_DEG,
    BLOCK_SD_SOURCE,
    BLOCK_SD_WORST_DEG,
    REDON_SEM_DEG,
    REDON_SOURCE,
)
from analysis.change.noise import Spread, estimated, fixed, half_width_deg, uniform
from analysis.change.reliability import LEAST_DF, Reliability
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

    - The person's own repeats, where there are at least 5: Student's t on their degrees of freedom. The
      interval and the verdict then hold their 95 % for any block SD.
    - Else the published range. The *interval* takes every block SD from 0.5 to 2 deg as equally likely
      and so covers 95 % on the average over that range: more for a steadier person, less for a more
      variable one. No fixed width could do better without knowing the SD. The *detectable change* does
      not average: it takes the upper confidence limit of the worst published SD, so that at most 5 %
      are called gained or lost when nothing changed, however variable the person is within the range.

    The scatter between repetitions is estimated within the blocks compared (pooled, fiducial), and the
    one-sigma of the angle itself is added where the person's own repeats do not hold it already.

    Args:
        contrast: the blocks and their coefficients.
        reliability: from the person's own repeats.
        restrapped: the blocks come from different strappings.
        zero_sd_deg: one sigma of the entered reference angles, where strappings are compared.
    """
    repetition = contrast.repetition_spread()
    extra: list[tuple[float, Spread]] = []
    sources: list[str] = []
    if restrapped:
        extra.append((contrast.block_factor, _redon(reliability, zero_sd_deg)))
        own = reliability is not None and reliability.redon_df >= LEAST_DF - 1
        sources.append("this person's own re-strapping study" if own else REDON_SOURCE)
    if reliability is not None and reliability.df >= LEAST_DF:
        parts = [
            (contrast.block_factor, estimated(reliability.sem_deg, reliability.df)),
            (contrast.repetition_factor(reliability.repetitions), repetition),
            *extra,
        ]
        width_deg = half_width_deg(parts)
        return Noise(width_deg, width_deg, "; ".join([reliability.source, *sources]))
    shared = [
        (contrast.repetition_factor(), repetition),
        (1.0, fixed(contrast.track_variance_deg2**0.5)),
        *extra,
    ]
    return Noise(
        half_width_deg([(contrast.block_factor, uniform(*BLOCK_SD_RANGE_DEG)), *shared]),
        half_width_deg([(contrast.block_factor, fixed(BLOCK_SD_WORST_DEG)), *shared]),
        "; ".join([BLOCK_SD_SOURCE, *sources]),
    )


def _redon(reliability: Reliability | None, zero_sd_deg: float) -> Spread:
    if reliability is not None and reliability.redon_df >= LEAST_DF - 1:
        return estimated(reliability.redon_sem_deg, reliability.redon_df)
    return fixed(max(REDON_SEM_DEG, zero_sd_deg if isfinite(zero_sd_deg) else 0.0))


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


def interval(contrast: Contrast, noise: Noise, wider: Interval) -> Interval:
    """The 95 % interval of a contrast."""
    value = contrast.value_deg
    return value - noise.interval_deg - wider[0], value + noise.interval_deg + wider[1]


def judge(
    value_deg: float,
    ci95_deg: Interval,
    detectable_deg: float,
    slip_deg: float | None,
    plain_change_deg: float,
) -> tuple[Verdict, str]:
    """The verdict on a change and the sentence that says why.

    Args:
        value_deg: the change that is judged (net of the rest block where there was one).
        ci95_deg: its interval.
        detectable_deg: no verdict below.
        slip_deg: from the closing reference.
        plain_change_deg: after minus before, which a verdict must not contradict.
    """
    beyond = ci95_deg[0] > 0 or ci95_deg[1] < 0
    size = f"{abs(value_deg):.1f} deg"
    if abs(value_deg) <= detectable_deg or not beyond:
        return "no detectable change", (
            f"A change of {size} is not beyond the {detectable_deg:.1f} deg that can be told from noise here."
        )
    if value_deg * plain_change_deg <= 0:
        return "no detectable change", (
            "Beside the rest block the change has one sign, beside the first block the other: which way the "
            "knee went is not clear."
        )
    faked = slip_deg is not None and abs(slip_deg) > SLIP_REFUSE_DEG
    if faked and slip_deg is not None and (slip_deg * value_deg > 0 or value_deg != plain_change_deg):
        return "no detectable change", (
            f"The straps slipped by {abs(slip_deg):.1f} deg, which looks exactly like a change of that size."
        )
    verdict: Verdict = "gained" if value_deg > 0 else "lost"
    how = "further" if value_deg > 0 else "less far"
    return verdict, (
        f"The knee straightens {size} {how}, beyond the {detectable_deg:.1f} deg that can be told from noise "
        "here; the measurement cannot say why."
    )
