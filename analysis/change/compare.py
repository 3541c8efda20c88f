"""The blocks of one session, before against after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, nan

from analysis.change.blocks import AFTER_PHASES, blocks_of, choose, tests_of
from analysis.change.checks import (
    LEAST_REPETITIONS,
    checks_of_strapping,
    design_warnings,
    missing_warnings,
    slip_of,
    slip_warnings,
    tilt_warnings,
    trend_warnings,
)
from analysis.change.contrast import Contrast, change_of, net_change_of, warmup_bias_deg
from analysis.change.reliability import OwnNoise, Reliability, noise_of_test
from analysis.change.result import Block, Comparison
from analysis.change.steps import bent_end_warnings, step_warnings
from analysis.change.verdict import (
    Conditions,
    Interval,
    Noise,
    detectable_deg,
    interval_of,
    judge,
    net_allows,
    noise_of,
    widening,
)
from analysis.movement.result import Repetition
from firmware_bridge.session.model import TestName


def compare_blocks(
    repetitions: Sequence[Repetition],
    *,
    relative: bool,
    zero_sd_deg: float = nan,
    pose_checks: Sequence[tuple[float, float]] = (),
    reliability: OwnNoise = None,
) -> tuple[Comparison, ...]:
    """Says for every named test how much further the knee straightens after than before.

    The after block is the first of `after`, `after_5min`, `after_10min`, `after_30min` that was
    recorded; all are in `Comparison.blocks`. With a `before_again` block there is also the net change,
    (after - before_again) - (before_again - before), and a verdict needs both. See `verdict.noise_of` for
    what the interval rests on, `verdict.judge` for the rule, and docs/verdict.md for what both promise.

    Args:
        repetitions: of one session, from `find_repetitions`.
        relative: no reference pose fixed the zero.
        zero_sd_deg: one sigma of the absolute angle, for the report and across strappings.
        pose_checks: `AngleResult.pose_check_deg`, for the strap slip.
        reliability: the person's own repeats, by test where there are several; published figures without.

    Returns:
        One comparison a test, in the order in which the tests were first done.
    """
    zero_sd = None if relative or not isfinite(zero_sd_deg) else zero_sd_deg
    return tuple(
        _compare_test(
            [r for r in repetitions if r.test == test or (r.phase == "warmup" and r.test is None)],
            _unanswered(repetitions, test, relative, zero_sd),
            pose_checks,
            noise_of_test(reliability, test),
        )
        for test in tests_of(repetitions)
    )


def _unanswered(
    repetitions: Sequence[Repetition], test: TestName | None, relative: bool, zero_sd_deg: float | None
) -> Comparison:
    blocks = choose(blocks_of(repetitions, test))
    after = next((blocks[phase] for phase in AFTER_PHASES if phase in blocks), None)
    return unanswered(test, blocks.get("before"), after, relative, blocks, zero_sd_deg)


def _compare_test(
    repetitions: Sequence[Repetition],
    open_question: Comparison,
    pose_checks: Sequence[tuple[float, float]],
    reliability: Reliability | None,
) -> Comparison:
    """Answers one test.

    Args:
        repetitions: of this test, and the warm-up.
        open_question: the blocks, with no answer yet.
        pose_checks, reliability: as for `compare_blocks`.
    """
    before, after = open_question.before, open_question.after
    missing = missing_warnings(repetitions)
    if before is None or after is None:
        absent = " and no ".join(name for name, b in (("before", before), ("after", after)) if b is None)
        reason = f"There is no {absent} block with a repetition that was held for a second."
        return replace(open_question, reason=reason, findings=tuple(missing))
    blocks = open_question.blocks
    again = blocks.get("before_again")
    attempts = _attempts(repetitions)
    slip_deg = slip_of(checks_of_strapping(pose_checks, repetitions, after.strapping), before, after)
    findings = (
        *slip_warnings(slip_deg, restrapped=before.strapping != after.strapping),
        *bent_end_warnings(repetitions, before, after, slip_deg),
        *step_warnings(repetitions, blocks.values()),
        *tilt_warnings(before, after),
        *missing,
        *trend_warnings(b for b in (before, again, after) if b is not None),
        *design_warnings(before, after, "before_again" in attempts, attempts.get("warmup", 0)),
    )
    prepared = replace(open_question, slip_deg=slip_deg, findings=findings)
    needed = {"before": before.n, "after": after.n}
    if "before_again" in attempts:
        needed["before_again"] = again.n if again is not None else 0
    few = [phase for phase, n in needed.items() if n < LEAST_REPETITIONS]
    if few:
        held = f"{needed[few[0]]} repetition{'' if needed[few[0]] == 1 else 's'} with a value"
        name = few[0].replace("_", " ")
        return replace(prepared, reason=f"The {name} block holds {held}; {LEAST_REPETITIONS} are needed.")
    if before.strapping != after.strapping and open_question.relative:
        reason = "The sensors were strapped on again, and no reference pose ties the two strappings together."
        return replace(prepared, change_deg=None, reason=reason)
    return _answer(prepared, before, again, after, attempts, reliability)


def _answer(
    prepared: Comparison,
    before: Block,
    again: Block | None,
    after: Block,
    attempts: Mapping[str, int],
    reliability: Reliability | None,
) -> Comparison:
    """Adds interval, detectable change and verdict, once nothing stands in the way."""

    conditions = Conditions(
        test=prepared.test,
        restrapped=before.strapping != after.strapping,
        zero_sd_deg=prepared.zero_sd_deg or 0.0,
        slip_deg=prepared.slip_deg,
    )

    def spread(contrast: Contrast) -> tuple[Noise, Interval]:
        wider = widening(contrast, prepared.slip_deg, warmup_bias_deg(contrast, attempts))
        return noise_of(contrast, reliability, conditions), wider

    change = change_of(before, after)
    noise, wider = spread(change)
    ci95_deg = interval_of(change.value_deg, noise, wider)
    smallest_deg = detectable_deg(change.value_deg, noise, wider)
    net = None if again is None else net_change_of(before, again, after)
    net_ci95_deg, net_se_deg, allowed = None, None, True
    if net is not None:
        net_noise, net_wider = spread(net)
        net_ci95_deg, net_se_deg = interval_of(net.value_deg, net_noise, net_wider), net_noise.se_deg
        allowed = net_allows(net.value_deg, net_noise, net_wider, 1 if change.value_deg > 0 else -1)
    verdict, reason = judge(change.value_deg, ci95_deg, smallest_deg, allowed, prepared.slip_deg)
    if verdict in ("gained", "lost"):
        against = [f for f in prepared.findings if f.kind == "both_ends_shifted"]
        if against and against[0].consequence == "no_verdict":
            verdict, reason = "no detectable change", against[0].sentence
    return replace(
        prepared,
        change_ci95_deg=ci95_deg,
        control_change_deg=None if again is None else change_of(before, again).value_deg,
        net_change_deg=None if net is None else net.value_deg,
        net_change_ci95_deg=net_ci95_deg,
        detectable_change_deg=smallest_deg,
        detectable_change_source=noise.source,
        verdict=verdict,
        reason=reason,
        change_se_deg=noise.se_deg,
        net_change_se_deg=net_se_deg,
    )


def unanswered(
    test: TestName | None,
    before: Block | None,
    after: Block | None,
    relative: bool,
    blocks: Mapping[str, Block],
    zero_sd_deg: float | None = None,
) -> Comparison:
    """A comparison with nothing in it but the blocks and, where both have a value, their plain difference."""
    return Comparison(
        test=test,
        before=before,
        after=after,
        relative=relative,
        change_deg=None if before is None or after is None else change_of(before, after).value_deg,
        change_ci95_deg=None,
        control_change_deg=None,
        net_change_deg=None,
        net_change_ci95_deg=None,
        detectable_change_deg=None,
        detectable_change_source="",
        slip_deg=None,
        verdict="not enough data",
        reason="",
        blocks=blocks,
        zero_sd_deg=zero_sd_deg,
    )


def _attempts(repetitions: Sequence[Repetition]) -> dict[str, int]:
    """Repetitions made in each phase, all after phases counted as one."""
    counts: dict[str, int] = {}
    for repetition in repetitions:
        phase = "after" if repetition.phase in AFTER_PHASES else repetition.phase
        counts[phase] = counts.get(phase, 0) + 1
    return counts
