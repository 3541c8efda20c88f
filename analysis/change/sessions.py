"""Two sessions of other days, hence of other strappings, compared by their absolute angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt

from analysis.change.blocks import AFTER_PHASES, blocks_of, choose, tests_of
from analysis.change.checks import LEAST_REPETITIONS, missing_warnings, tilt_warnings
from analysis.change.compare import not_enough
from analysis.change.contrast import change_of
from analysis.change.reliability import Reliability
from analysis.change.result import Block, Comparison
from analysis.change.verdict import interval, judge, noise_of
from analysis.movement.result import Repetition
from firmware_bridge.session.model import TestName


@dataclass(frozen=True, slots=True)
class Measured:
    """What one session measured: its repetitions, and where its zero came from."""

    repetitions: Sequence[Repetition]
    relative: bool
    zero_sd_deg: float = nan


def compare_sessions(
    before: Measured, after: Measured, *, reliability: Reliability | None = None
) -> tuple[Comparison, ...]:
    """Says for every test that both sessions hold how much further the knee straightens in the later one.

    Compared is the baseline of each day, the `before` block, so that a session's own exercise does not
    count; the after block of a session that has no baseline. The change is one of absolute angles and
    carries the error of a new strapping and a new zero on either side, which is larger than that of a
    change within one strapping.

    Args:
        before, after: the earlier and the later session, of the same knee.
        reliability: the person's own repeats; published defaults without.
    """
    common = [t for t in tests_of(before.repetitions) if t in tests_of(after.repetitions)]
    return tuple(_compare_test(before, after, test, reliability) for test in common)


def _compare_test(
    first: Measured, second: Measured, test: TestName | None, reliability: Reliability | None
) -> Comparison:
    before, after = (_baseline(choose(blocks_of(s.repetitions, test))) for s in (first, second))
    relative = first.relative or second.relative
    blocks = {name: b for name, b in (("before", before), ("after", after)) if b is not None}
    if before is None or after is None:
        return not_enough(
            test, before, after, relative, "A session holds no repetition with a value.", blocks, ()
        )
    warnings = [*missing_warnings(blocks.values()), *tilt_warnings(before, after)]
    if before.phase.startswith("after") != after.phase.startswith("after"):
        warnings.append(
            f"The earlier session's {before.phase} block is compared with the later session's {after.phase} "
            "block: a session's own exercise is part of the difference."
        )
    if relative or min(before.n, after.n) < LEAST_REPETITIONS:
        reason = (
            "Days can only be compared by absolute angles: both sessions need a reference pose."
            if relative
            else f"Both blocks need at least {LEAST_REPETITIONS} repetitions with a value."
        )
        shown = not_enough(test, before, after, relative, reason, blocks, tuple(warnings))
        # Without a common zero even the difference means nothing.
        return shown if not relative else not_enough(test, None, None, True, reason, {}, tuple(warnings))
    warnings.append(
        "The sessions differ in strapping and calibration: the interval carries the error of both, which is "
        "larger than within one session."
    )
    change = change_of(before, after)
    zeros = [s.zero_sd_deg for s in (first, second) if isfinite(s.zero_sd_deg)]
    zero_sd_deg = sqrt(sum(z * z for z in zeros) / len(zeros)) if zeros else 0.0
    noise = noise_of(change, reliability, restrapped=True, zero_sd_deg=zero_sd_deg)
    ci95_deg = interval(change, noise, (0.0, 0.0))
    verdict, reason = judge(change.value_deg, ci95_deg, noise.detectable_deg, None, change.value_deg)
    return Comparison(
        test=test,
        before=before,
        after=after,
        relative=False,
        change_deg=change.value_deg,
        change_ci95_deg=ci95_deg,
        control_change_deg=None,
        net_change_deg=None,
        net_change_ci95_deg=None,
        detectable_change_deg=noise.detectable_deg,
        detectable_change_source=noise.source,
        slip_deg=None,
        verdict=verdict,
        reason=reason,
        blocks=blocks,
        warnings=tuple(warnings),
        zero_sd_deg=zero_sd_deg or None,
    )


def _baseline(blocks: dict[str, Block]) -> Block | None:
    return next((blocks[p] for p in ("before", "before_again", *AFTER_PHASES) if p in blocks), None)
