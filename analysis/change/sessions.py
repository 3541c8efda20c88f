"""Two sessions of other days, hence of other strappings, compared by their absolute angles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan, sqrt

from analysis.change.blocks import AFTER_PHASES, blocks_of, choose, tests_of
from analysis.change.checks import LEAST_REPETITIONS, missing_warnings, tilt_warnings
from analysis.change.compare import unanswered
from analysis.change.contrast import change_of
from analysis.change.reliability import OwnNoise, Reliability, noise_of_test
from analysis.change.result import Block, Comparison
from analysis.change.verdict import Conditions, interval_of, judge, noise_of
from analysis.movement.result import Repetition
from firmware_bridge.findings import Finding
from firmware_bridge.session.model import TestName


@dataclass(frozen=True, slots=True)
class Measured:
    """What one session measured: its repetitions, and how well its zero is known."""

    repetitions: Sequence[Repetition]
    relative: bool
    zero_sd_deg: float = nan


def compare_sessions(
    before: Measured, after: Measured, *, reliability: OwnNoise = None
) -> tuple[Comparison, ...]:
    """Says for every test that both sessions hold how much further the knee straightens in the later one.

    Compared is the baseline of each day, the `before` block, so that a session's own exercise does not
    count; the after block of a session that has no baseline. The change is one of absolute angles and
    carries the error of a new strapping and a new zero on either side, which is larger than that of a
    change within one strapping.

    Args:
        before, after: the earlier and the later session, of the same knee.
        reliability: the person's own repeats, by test where there are several; published figures without.
    """
    later = tests_of(after.repetitions)
    common = [test for test in tests_of(before.repetitions) if test in later]
    return tuple(_compare_test(before, after, test, noise_of_test(reliability, test)) for test in common)


def _compare_test(
    first: Measured, second: Measured, test: TestName | None, reliability: Reliability | None
) -> Comparison:
    before, after = (_baseline(choose(blocks_of(s.repetitions, test))) for s in (first, second))
    relative = first.relative or second.relative
    blocks = {name: b for name, b in (("before", before), ("after", after)) if b is not None}
    zeros_deg = [s.zero_sd_deg for s in (first, second) if isfinite(s.zero_sd_deg)]
    zero_sd_deg = sqrt(sum(z * z for z in zeros_deg) / len(zeros_deg)) if zeros_deg and not relative else None
    prepared = unanswered(test, before, after, relative, blocks, zero_sd_deg)
    if before is None or after is None:
        return replace(prepared, reason="A session holds no repetition that was held for a second.")
    counted = [
        [r for r in s.repetitions if r.test == test and r.phase == block.phase]
        for s, block in ((first, before), (second, after))
    ]
    missing = [found for group in counted for found in missing_warnings(group)]
    prepared = replace(prepared, findings=(*_findings(before, after), *missing))
    if relative:
        reason = "Days can only be compared by absolute angles: both sessions need a reference pose."
        return replace(prepared, change_deg=None, reason=reason)
    if min(before.n, after.n) < LEAST_REPETITIONS:
        reason = f"Both blocks need at least {LEAST_REPETITIONS} repetitions with a value."
        return replace(prepared, reason=reason)
    change = change_of(before, after)
    conditions = Conditions(test, restrapped=True, other_day=True, zero_sd_deg=zero_sd_deg or 0.0)
    noise = noise_of(change, reliability, conditions)
    ci95_deg = interval_of(change.value_deg, noise, (0.0, 0.0))
    verdict, reason = judge(change.value_deg, ci95_deg, noise.half_width_deg())
    return replace(
        prepared,
        change_ci95_deg=ci95_deg,
        detectable_change_deg=noise.half_width_deg(),
        detectable_change_source=noise.source,
        verdict=verdict,
        reason=reason,
    )


def _findings(before: Block, after: Block) -> list[Finding]:
    findings = tilt_warnings(before, after)
    if before.phase.startswith("after") != after.phase.startswith("after"):
        text = (
            f"The earlier session's {before.phase} block is compared with the later session's {after.phase} "
            "block: a session's own exercise is part of the difference."
        )
        findings.append(Finding("other_block", None, None, text))
    text = (
        "The sessions differ in strapping and calibration: the interval carries the error of both, which is "
        "larger than within one session."
    )
    findings.append(Finding("other_strapping", None, None, text, "widen"))
    return findings


def _baseline(blocks: Mapping[str, Block]) -> Block | None:
    return next((blocks[p] for p in ("before", "before_again", *AFTER_PHASES) if p in blocks), None)
