"""A weighted difference of blocks: its value, and how its uncertainty follows from the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

from analysis.change.blocks import pooled_sd
from analysis.change.defaults import REPETITION_CORRELATION, WARMUP_GAIN_DEG, WARMUP_REPETITIONS
from analysis.change.noise import resemblance
from analysis.change.result import Block

WARMUP_ORDER = ("warmup", "before", "before_again", "after")


@dataclass(frozen=True, slots=True)
class Contrast:
    """Coefficients of how straight the knee is in each block; they sum to zero."""

    terms: tuple[tuple[float, Block], ...]

    @property
    def value_deg(self) -> float:
        """The estimate; straighter is positive, so flexion counts negative."""
        return -sum(c * block.extension_deg for c, block in self.terms)

    @property
    def block_factor(self) -> float:
        """How often the variance between blocks enters."""
        return sum(c * c for c, _ in self.terms)

    def repetition_factor(self, included: float | None = None) -> float:
        """How often the variance found between repetitions enters.

        Args:
            included: number of repetitions whose scatter the block's SD holds already; None where it
                holds none, and the resemblance of neighbouring repetitions has to be allowed for.
        """
        if included is None:
            return sum(c * c * resemblance(b.n, REPETITION_CORRELATION) / b.n for c, b in self.terms)
        return sum(c * c * max(0.0, 1 / b.n - 1 / included) for c, b in self.terms)

    @property
    def track_variance_deg2(self) -> float:
        """What the angle estimation adds, its error being common to a block."""
        return sum((c * block.track_sd_deg) ** 2 for c, block in self.terms)

    @property
    def repetition_sd_deg(self) -> float:
        """The SD between repetitions, pooled over the blocks compared; 0 where no block holds two."""
        sd_deg, df = pooled_sd(block for _, block in self.terms)
        return sd_deg if df else 0.0


def change_of(before: Block, after: Block) -> Contrast:
    """After minus before."""
    return Contrast(((1.0, after), (-1.0, before)))


def net_change_of(before: Block, again: Block, after: Block) -> Contrast:
    """(after - before_again) - (before_again - before): the change beyond that of the rest block."""
    return Contrast(((1.0, after), (-2.0, again), (1.0, before)))


def warmup_bias_deg(contrast: Contrast, attempts: Mapping[str, int]) -> float:
    """The largest part of a contrast that unfinished warm-up can explain, with its sign.

    The published gain from repeating a test is modelled as an exponential in the repetitions made so far
    in this session; rest is not credited.

    Args:
        contrast: of the blocks compared.
        attempts: repetitions made of the test in each phase.
    """
    bias_deg = 0.0
    for coefficient, block in contrast.terms:
        phase = "after" if block.phase.startswith("after") else block.phase
        earlier = WARMUP_ORDER[: WARMUP_ORDER.index(phase)] if phase in WARMUP_ORDER else WARMUP_ORDER
        done = sum(attempts.get(name, 0) for name in earlier)
        bias_deg -= coefficient * _warmup_left_deg(done, range(block.attempts))
    return bias_deg


def _warmup_left_deg(done: int, repetitions: Sequence[int]) -> float:
    left = [exp(-(done + i) / WARMUP_REPETITIONS) for i in repetitions]
    return WARMUP_GAIN_DEG * sum(left) / len(left) if left else 0.0
