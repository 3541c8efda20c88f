"""Sessions as lists of repetitions with chosen values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from analysis.movement.result import Plateau, Repetition

ORDER = ("warmup", "before", "before_again", "after", "after_5min", "after_10min", "after_30min")


def make_block(
    phase: str,
    values: Sequence[float | None],
    *,
    test: str | None = "prone",
    strapping: int = 0,
    sd_deg: float = 0.0,
    peaks: Sequence[float] | float = 90.0,
    tilt_deg: float = float("nan"),
) -> list[Repetition]:
    start_s = 1000.0 * ORDER.index(phase) + 100_000.0 * strapping
    bent = [peaks] * len(values) if isinstance(peaks, float) else list(peaks)
    return [
        Repetition(
            start_s + 10 * i,
            start_s + 10 * i + 10,
            phase,  # type: ignore[arg-type]
            test,  # type: ignore[arg-type]
            bent[i],
            None if v is None else Plateau(start_s + 10 * i + 5, start_s + 10 * i + 8, v, sd_deg),
            strapping,
            tilt_deg,
        )
        for i, v in enumerate(values)
    ]


@pytest.fixture
def block() -> Callable[..., list[Repetition]]:
    """One block of repetitions: `block(phase, values, ...)`; None is a repetition without a value."""
    return make_block


@pytest.fixture
def session() -> Callable[..., list[Repetition]]:
    """A session of one test with six warm-up repetitions: `session(before=[...], after=[...])`."""

    def make(warmups: int = 6, **phases: Sequence[float | None]) -> list[Repetition]:
        found = make_block("warmup", [14.0] * warmups)
        for phase, values in phases.items():
            found += make_block(phase, values)
        return found

    return make
