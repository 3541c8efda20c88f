"""From a contrast and what is known of the noise to an interval and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, isfinite, sqrt

from analysis.change.checks import SLIP_REFUSE_DEG
from analysis.change.contrast import Contrast
from analysis.change.defaults import (
    ASSUMED_DF,
    ASSUMED_WEIGHT,
    BLOCK_SD_DEG,
    BLOCK_SD_OF_TEST_DEG,
    BLOCK_SD_SOURCE,
    DAY_SD_DEG,
    KNEE_EXTENSION_SOURCE,
    NET_LEVEL,
    POSE_SD_DEG,
    SLIP_SD_DEG,
    STRAPPING_SD_DEG,
    STRAPPING_SOURCE,
)
from analysis.change.noise import Variance, half_width_deg, known, pooled, summed
from analysis.change.reliability import Reliability
from analysis.change.result import Verdict
from firmware_bridge.session.model import TestName

Interval = tuple[float, float]

# A slip that was read at the closing reference is known as well as the pose can be held again.
_READ_SLIP_SD_DEG = SLIP_SD_DEG * POSE_SD_DEG / hypot(SLIP_SD_DEG, POSE_SD_DEG)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How two readings came about, as far as it decides their noise.

    Attributes:
        test: the named test; some repeat worse than others.
        restrapped: they come from different strappings.
        other_day: they come from different days.
        zero_sd_deg: one sigma of the entered reference angles, where strappings are compared.
        slip_deg: as read at the closing reference; None where it was not read.
    """

    test: TestName | None = None
    restrapped: bool = False
    other_day: bool = False
    zero_sd_deg: float = 0.0
    slip_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """The variance of one contrast, and in words what it rests on."""

    variance: Variance
    source: str

    @property
    def se_deg(self) -> float:
        """The standard error."""
        return sqrt(float(self.variance.deg2))

    def half_width_deg(self, level: float = 0.95) -> float:
        """Half width of the two-sided interval of that level."""
        return float(half_width_deg(self.variance, level))


def noise_of(contrast: Contrast, reliability: Reliability | None, conditions: Conditions) -> Noise:
    """How large a contrast has to be before it says anything.

    One session cannot show how much blocks differ by themselves: with one block before and one after,
    that SD is not identifiable. An assumed figure stands for it, and is pooled with however many days of
    the person's own repeats there are (`noise.pooled`): none is no error, and each one counts.

    - The assumed share of the variance holds the scatter between repetitions of the blocks compared,
      widened because neighbouring repetitions resemble each other. The person's own repeats hold it
      already, but for blocks of fewer repetitions than they had.
    - Own repeats come from quiet rest and hold no slip that an exercise causes. The error of a slip that
      was read, or the whole of one that was not, is added in either case.
    - Between strappings there is no slip to read; the error of strapping on anew takes its place, from
      the person's own study where there is one, and between days the knee's own variation.

    Args:
        contrast: the blocks and their coefficients.
        reliability: from the person's own repeats of this test.
        conditions: how the blocks came about.
    """
    within, source = _within(contrast, reliability, conditions.test)
    parts = [within, Variance(contrast.track_variance_deg2)]
    if conditions.restrapped:
        across, said = _across(reliability, conditions.zero_sd_deg)
        parts.append(summed(across, factor=contrast.block_factor))
        source = f"{source}; {said}"
    else:
        parts.append(known(SLIP_SD_DEG if conditions.slip_deg is None else _READ_SLIP_SD_DEG))
    if conditions.other_day:
        parts.append(Variance(contrast.block_factor * DAY_SD_DEG**2))
    return Noise(summed(*parts), source)


def _within(
    contrast: Contrast, reliability: Reliability | None, test: TestName | None
) -> tuple[Variance, str]:
    """What the blocks of one strapping differ by, repetitions included, and its source."""
    sd_deg = BLOCK_SD_OF_TEST_DEG.get(test, BLOCK_SD_DEG)
    source = BLOCK_SD_SOURCE.get(test, KNEE_EXTENSION_SOURCE)
    scatter_deg2 = contrast.repetition_sd_deg**2
    assumed = contrast.block_factor * sd_deg**2 + contrast.repetition_factor() * scatter_deg2
    own = None if reliability is None else reliability.within
    if own is None:
        return Variance(assumed, ASSUMED_DF), source
    measured = (
        contrast.block_factor * own.sem_deg**2 + contrast.repetition_factor(own.repetitions) * scatter_deg2
    )
    found = pooled(Variance(assumed, ASSUMED_DF), ASSUMED_WEIGHT, Variance(measured, own.df))
    return found, f"{own.source}, pooled with {source}"


def _across(reliability: Reliability | None, zero_sd_deg: float) -> tuple[Variance, str]:
    """What strapping on anew adds to each of two readings, and its source."""
    own = None if reliability is None else reliability.across
    if own is None:
        sd_deg = max(STRAPPING_SD_DEG, zero_sd_deg if isfinite(zero_sd_deg) else 0.0)
        return Variance(sd_deg**2, ASSUMED_DF), STRAPPING_SOURCE
    assumed = Variance(STRAPPING_SD_DEG**2, ASSUMED_DF)
    return pooled(assumed, ASSUMED_WEIGHT, Variance(own.sem_deg**2, own.df)), own.source


def widening(contrast: Contrast, slip_deg: float | None, warmup_bias_deg: float) -> Interval:
    """How far the interval reaches further down and up, both >= 0, for what may have faked the change.

    In a net change slip can act either way, depending on which block it fell behind.
    """
    down, up = max(0.0, warmup_bias_deg), max(0.0, -warmup_bias_deg)
    if slip_deg is not None:
        either_way = len(contrast.terms) > 2
        down += abs(slip_deg) if slip_deg > 0 or either_way else 0.0
        up += abs(slip_deg) if slip_deg < 0 or either_way else 0.0
    return down, up


def interval_of(value_deg: float, noise: Noise, wider: Interval, level: float = 0.95) -> Interval:
    """The interval of a contrast."""
    half_deg = noise.half_width_deg(level)
    return value_deg - half_deg - wider[0], value_deg + half_deg + wider[1]


def detectable_deg(value_deg: float, noise: Noise, wider: Interval) -> float:
    """The smallest change, in the direction of this one, whose interval would exclude zero."""
    return noise.half_width_deg() + wider[0 if value_deg > 0 else 1]


def net_allows(value_deg: float, noise: Noise, wider: Interval, side: int) -> bool:
    """Whether a net change lies on the side of the change, one-sided at `NET_LEVEL`."""
    interval = interval_of(value_deg, noise, wider, 2 * NET_LEVEL - 1)
    return _beyond_zero(interval, side)


def judge(
    change_deg: float,
    ci95_deg: Interval,
    detectable_deg: float,
    net_allows: bool = True,
    slip_deg: float | None = None,
) -> tuple[Verdict, str]:
    """The verdict and the sentence that says why.

    The interval decides: a verdict needs it to exclude zero, which is to say that the change is beyond
    what can be detected. With a rest block the net change has to lie on the same side of zero: straighter
    than before, and by more than the rest alone accounts for. Asking for both also protects against a
    rest block that shifted the knee for good, which the net change by itself would book with the wrong
    sign. What a steady drift through all blocks does to the verdict is in docs/verdict.md.

    Args:
        change_deg, ci95_deg: after minus before.
        detectable_deg: the smallest change that could have been told.
        net_allows: whether the change is beyond that of the rest block; True where there was none.
        slip_deg: from the closing reference.
    """
    size = f"{abs(change_deg):.1f} deg"
    side = 1 if change_deg > 0 else -1
    if not _beyond_zero(ci95_deg, side):
        return "no detectable change", (
            f"A change of {size} is not beyond the {detectable_deg:.1f} deg that can be told from noise here."
        )
    if not net_allows:
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
