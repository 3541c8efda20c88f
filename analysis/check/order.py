"""The order of things: phases that are exchanged, named twice, or missing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from firmware_bridge.findings import Finding
from firmware_bridge.session.model import PhaseSpan

_AFTER = ("after", "after_5min", "after_10min", "after_30min")
_EXERCISE = ("pandiculation", "quad_press")
_MEASURED = ("before", "before_again", *_AFTER)
# What may lie between two parts of one block without making two of it.
# Without a pause between them, and with the one so many times longer than the other.
_AT_ONCE_S, _LONGER = 1.0, 1.4
_HARMLESS = ("pause", "reference", "closing_reference")


def check_order(phases: Sequence[PhaseSpan]) -> tuple[Finding, ...]:
    """Looks at the phases of one session, in order of time."""
    findings: list[Finding] = []
    for test in dict.fromkeys(p.test for p in phases if p.name in _MEASURED):
        findings += _of_test([p for p in phases if p.test == test or p.name not in _MEASURED])
    return tuple(dict.fromkeys(findings))


def _holds_more(before: PhaseSpan, after: PhaseSpan) -> bool:
    """Whether a block that runs straight into the next one lasts so long that more than the test is in it."""
    lasts_s = before.stop_s - before.start_s
    return after.start_s - before.stop_s < _AT_ONCE_S and lasts_s > _LONGER * (after.stop_s - after.start_s)


def _of_test(phases: list[PhaseSpan]) -> list[Finding]:
    findings = []
    before = [p for p in phases if p.name == "before"]
    after = [p for p in phases if p.name in _AFTER]
    exercise = [p for p in phases if p.name in _EXERCISE]
    if before and after and after[0].start_s < before[0].start_s:
        text = (
            f"The phase {after[0].name.replace('_', ' ')} at {after[0].start_s:.0f} s comes before the phase "
            f"before at {before[0].start_s:.0f} s: they seem to be exchanged. Correct events.jsonl."
        )
        findings.append(Finding("order", None, (after[0].start_s, before[0].stop_s), text, "no_verdict"))
    elif before and after and not any(before[0].start_s < p.start_s < after[0].start_s for p in exercise):
        text = (
            "No exercise is marked between before and after: if it was done meanwhile, its movements count "
            "as repetitions of the block before it. Mark it as pandiculation in events.jsonl."
        )
        span = (before[0].start_s, after[0].start_s)
        consequence = "no_verdict" if _holds_more(before[-1], after[0]) else "tell"
        findings.append(Finding("exercise_unmarked", None, span, text, consequence))  # type: ignore[arg-type]
    for name in _MEASURED:
        named = [p for p in phases if p.name == name]
        for first, second in pairwise(named):
            between = [p.name for p in phases if first.start_s < p.start_s < second.start_s]
            if not [n for n in between if n not in _HARMLESS and n != name]:
                continue
            exercised = any(n in _EXERCISE or n in _AFTER for n in between)
            text = (
                f"The phase {name.replace('_', ' ')} is named twice, at {first.start_s:.0f} s and at "
                f"{second.start_s:.0f} s"
            )
            text += (
                ", with exercise between: its repetitions belong to no one block. Correct events.jsonl."
                if exercised
                else ": its repetitions are taken together."
            )
            consequence = "no_verdict" if exercised else "tell"
            findings.append(
                Finding("phase_twice", None, (first.start_s, second.stop_s), text, consequence)  # type: ignore[arg-type]
            )
    return findings
