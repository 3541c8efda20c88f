"""What was found wrong with a recording: one type from the importers to the report.

It lives in this wing because importers and the session reader make findings as well; `analysis/check` makes
most of them. Code reads `kind` and `consequence`; only people read `sentence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from firmware_bridge.segments import Segment

Consequence = Literal["refuse", "gap", "correct", "widen", "no_verdict", "tell"]
CONSEQUENCES: tuple[str, ...] = get_args(Consequence)
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth knowing.

    Attributes:
        kind: a short name, for code; every kind is explained in docs/checks.md.
        segment: the sensor concerned, or None.
        span: [start_s, stop_s) on the session clock, or None for the whole recording.
        sentence: one or two plain sentences: what, where, and what to do next.
        consequence: "refuse" there is no answer; "gap" the span counts as missing; "correct" it was
            corrected; "widen" the uncertainty was enlarged; "no_verdict" the angle stands, but no change is
            called gained or lost; "tell" nothing but saying so.
    """

    kind: str
    segment: Segment | None
    span: Span | None
    sentence: str
    consequence: Consequence = "tell"


def sentences(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The sentences of findings, each once, in order."""
    return tuple(dict.fromkeys(f.sentence for f in findings))


def unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, each once, in order."""
    return tuple(dict.fromkeys(findings))


def known_and_found(known: Iterable[Finding], found: Iterable[Finding]) -> tuple[Finding, ...]:
    """What was known of a recording and what was found in it; a fault found again is said once, as found."""
    found = tuple(found)
    again = {(f.kind, f.segment) for f in found if f.segment is not None}
    return unique([*(f for f in known if (f.kind, f.segment) not in again or f in found), *found])


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON values."""
    return {
        "kind": finding.kind,
        "segment": None if finding.segment is None else finding.segment.value,
        "span": None if finding.span is None else [float(t) for t in finding.span],
        "sentence": finding.sentence,
        "consequence": finding.consequence,
    }


def finding_from_json(content: Mapping[str, Any]) -> Finding:
    """What `finding_to_json` was given.

    Raises:
        LookupError, TypeError, ValueError: it is nothing that `finding_to_json` made.
    """
    segment, span = content["segment"], content["span"]
    return Finding(
        content["kind"],
        None if segment is None else Segment(segment),
        None if span is None else (span[0], span[1]),
        content["sentence"],
        content["consequence"],
    )
