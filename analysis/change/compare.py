"""The blocks of one session, before against after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan

from analysis.change.blocks import AFTER_PHASES, blocks_of, choose, tests_of
from analysis.change.checks import (
    LEAST_REPETITIONS,
    design_warnings,
    missing_warnings,
    slip_of,
    slip_warnings,
    tilt_warnings,
)
from analysis.change.contrast import Contrast, change_of, net_change_of, warmup_bias_deg
from analysis.change.reliability import Reliability
from analysis.change.result import Block, Comparison
from analysis.change.verdict import interval, judge, noise_of, widening
from analysis.movement.result import Repetition
from firmware_bridge.session.model import TestName


def compare_blocks(
    repetitions: Sequence[Repetition],
    *,
    relative: bool,
    zero_sd_deg: float = nan,
    pose_checks: Sequence[tuple[float, float]] = (),
    reliability: Reliability | None = None,
) -> tuple[Comparison, ...]:
    """Says for every named test how much further the knee straightens after than before.

    The after block is the first of `after`, `after_5min`, `after_10min`, `after_30min` that was
    recorded; all are in `Comparison.blocks`. With a `before_again` block the verdict rests on the net
    change, (after - before_again) - (before_again - before). See `verdict.noise_of` for what the
    interval and the detectable change promise.

    Args:
        repetitions: of one session, from `find_repetitions`.
        relative: no reference pose fixed the zero.
        zero_sd_deg: one sigma of the absolute angle, for the report and across strappings.
        pose_checks: `AngleResult.pose_check_deg`, for the strap slip.
        reliability: the person's own repeats; published defaults without.

    Returns:
        One comparison a test, in the order in which the tests were first done.
    """
    zero_sd = None if relative or not isfinite(zero_sd_deg) else zero_sd_deg
    return tuple(
        _compare_test(repetitions, test, relative, zero_sd, pose_checks, reliability)
        for test in tests_of(repetitions)
    )


def _compare_test(
    repetitions: Sequence[Repetition],
    test: TestName | None,
    relative: bool,
    zero_sd_deg: float | None,
    pose_checks: Sequence[tuple[float, float]],
    reliability: Reliability | None,
) -> Comparison:
    blocks = choose(blocks_of(repetitions, test))
    before = blocks.get("before")
    after = next((blocks[p] for p in AFTER_PHASES if p in blocks), None)
    missing = missing_warnings(blocks.values())
    if before is None or after is None:
        absent = " and ".join(name for name, b in (("before", before), ("after", after)) if b is None)
        reason = f"There is no block {absent} with a repetition that was held for a second."
        return not_enough(test, before, after, relative, reason, blocks, tuple(missing), zero_sd_deg)
    again = blocks.get("before_again")
    change = change_of(before, after)
    net = net_change_of(before, again, after) if again is not None else None
    attempts = _attempts(repetitions, test)
    restrapped = before.strapping != after.strapping
    slip_deg = slip_of(pose_checks, before, after)
    warnings = [
        *slip_warnings(slip_deg, restrapped),
        *tilt_warnings(before, after),
        *missing,
        *design_warnings(before, after, again, attempts.get("warmup", 0)),
    ]
    few = [b for b in (before, again, after) if b is not None and b.n < LEAST_REPETITIONS]
    if few or (restrapped and relative):
        reason = (
            f"The block {few[0].phase.replace('_', ' ')} holds {few[0].n} repetitions with a value; "
            f"at least {LEAST_REPETITIONS} are needed."
            if few
            else "The sensors were strapped on again, and no reference pose ties the two strappings together."
        )
        return not_enough(
            test, before, after, relative, reason, blocks, tuple(warnings), zero_sd_deg, slip_deg
        )

    def spread(contrast: Contrast) -> tuple[tuple[float, float], float, str]:
        noise = noise_of(contrast, reliability, restrapped=restrapped, zero_sd_deg=zero_sd_deg or 0.0)
        wider = widening(contrast, slip_deg, warmup_bias_deg(contrast, attempts))
        return interval(contrast, noise, wider), noise.detectable_deg + max(wider), noise.source

    change_ci, detectable_deg, source = spread(change)
    net_ci = None
    judged, judged_ci = change, change_ci
    if net is not None:
        net_ci, detectable_deg, source = spread(net)
        judged, judged_ci = net, net_ci
    verdict, reason = judge(judged.value_deg, judged_ci, detectable_deg, slip_deg, change.value_deg)
    return Comparison(
        test=test,
        before=before,
        after=after,
        relative=relative,
        change_deg=change.value_deg,
        change_ci95_deg=change_ci,
        control_change_deg=change_of(before, again).value_deg if again is not None else None,
        net_change_deg=net.value_deg if net is not None else None,
        net_change_ci95_deg=net_ci,
        detectable_change_deg=detectable_deg,
        detectable_change_source=source,
        slip_deg=slip_deg,
        verdict=verdict,
        reason=reason,
        blocks=blocks,
        warnings=tuple(warnings),
        zero_sd_deg=zero_sd_deg,
    )


def not_enough(
    test: TestName | None,
    before: Block | None,
    after: Block | None,
    relative: bool,
    reason: str,
    blocks: Mapping[str, Block],
    warnings: tuple[str, ...],
    zero_sd_deg: float | None = None,
    slip_deg: float | None = None,
) -> Comparison:
    """A comparison that says what is missing; the plain change is shown where both blocks have a value."""
    both = before is not None and after is not None
    return Comparison(
        test=test,
        before=before,
        after=after,
        relative=relative,
        change_deg=change_of(before, after).value_deg if before and after and both else None,
        change_ci95_deg=None,
        control_change_deg=None,
        net_change_deg=None,
        net_change_ci95_deg=None,
        detectable_change_deg=None,
        detectable_change_source="",
        slip_deg=slip_deg,
        verdict="not enough data",
        reason=reason,
        blocks=blocks,
        warnings=warnings,
        zero_sd_deg=zero_sd_deg,
    )


def _attempts(repetitions: Sequence[Repetition], test: TestName | None) -> dict[str, int]:
    """Repetitions made in each phase; warm-up without a named test counts for every test."""
    counts: dict[str, int] = {}
    for r in repetitions:
        if r.test == test or (r.phase == "warmup" and r.test is None):
            phase = "after" if r.phase in AFTER_PHASES else r.phase
            counts[phase] = counts.get(phase, 0) + 1
    return counts
