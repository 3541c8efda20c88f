"""What else could have made the change: slip, a moved hip, unfinished warm-up, missing repetitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isfinite

from analysis.change.result import Block
from analysis.movement.result import Repetition
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Segment

SLIP_WARN_DEG = 2.0
SLIP_REFUSE_DEG = 4.0
TILT_WARN_DEG = 5.0
TREND_WARN_DEG = 3.0
LEAST_REPETITIONS = 3
WARMUP_ENOUGH = 4


def slip_of(pose_checks: Sequence[tuple[float, float]], before: Block, after: Block) -> float | None:
    """How much straighter the reference pose reads after the last block than before the first one.

    Args:
        pose_checks: (time_s, read minus entered flexion) of the later reference poses of the strapping.
        before, after: the blocks compared.

    Returns:
        Degrees, positive = as if improved; None without a check after the after block, or where the
        sensors were strapped on again in between.
    """
    if before.strapping != after.strapping:
        return None
    opening = [deg for time_s, deg in pose_checks if time_s <= before.start_s]
    closing = [deg for time_s, deg in pose_checks if time_s >= after.stop_s]
    if not closing:
        return None
    return (opening[-1] if opening else 0.0) - closing[-1]


def checks_of_strapping(
    pose_checks: Sequence[tuple[float, float]], repetitions: Iterable[Repetition], strapping: int
) -> list[tuple[float, float]]:
    """The checks of one strapping: those that no repetition of another strapping parts from it."""
    start_s, stop_s = -inf, inf
    for repetition in repetitions:
        if repetition.strapping < strapping:
            start_s = max(start_s, repetition.stop_s)
        elif repetition.strapping > strapping:
            stop_s = min(stop_s, repetition.start_s)
    return [check for check in pose_checks if start_s < check[0] < stop_s]


def slip_warnings(slip_deg: float | None, restrapped: bool) -> list[Finding]:
    """What the closing reference says, or that there was none."""
    if restrapped:
        text = "The sensors were strapped on again between the blocks: the change carries that error too."
        return [Finding("restrapped", None, None, text, "widen")]
    if slip_deg is None:
        text = (
            "There was no closing reference pose: strap slip is unknown, and it looks exactly like a change."
        )
        return [Finding("no_closing_pose", None, None, text)]
    if abs(slip_deg) <= SLIP_WARN_DEG:
        return []
    direction = "straighter" if slip_deg > 0 else "more bent"
    text = f"The closing reference pose reads {abs(slip_deg):.1f} deg {direction} than the opening one"
    if abs(slip_deg) > SLIP_REFUSE_DEG:
        text = f"{text}: the straps have slipped, and a change in that direction cannot be believed."
        return [Finding("slip", None, None, text, "no_verdict")]
    text = f"{text}: part of the change may be strap slip, and the interval is widened by it."
    return [Finding("slip", None, None, text, "widen")]


def design_warnings(before: Block, after: Block, rested: bool, warmups: int) -> list[Finding]:
    """What the protocol leaves open."""
    findings = []
    if not rested:
        text = (
            "There was no rest block: the change includes the effects of warm-up, of repeating the test and "
            "of expectation."
        )
        findings.append(Finding("no_rest", None, None, text))
    if warmups < WARMUP_ENOUGH:
        text = (
            f"{warmups or 'No'} warm-up repetition{'' if warmups == 1 else 's'} came first: repeating a test "
            f"straightens the knee by itself, so record at least {WARMUP_ENOUGH} of them."
        )
        findings.append(Finding("few_warmups", None, None, text))
    if before.n != after.n:
        text = f"The blocks hold {before.n} and {after.n} repetitions; comparing means favours neither."
        findings.append(Finding("uneven_blocks", None, None, text))
    return findings


def missing_warnings(repetitions: Iterable[Repetition]) -> list[Finding]:
    """Repetitions that were begun but have no value, by phase."""
    held: dict[str, list[bool]] = {}
    for repetition in repetitions:
        if repetition.phase != "warmup":
            name = repetition.phase.replace("_", " ")
            held.setdefault(name, []).append(repetition.extension is not None)
    findings = []
    for name, values in held.items():
        if not all(values):
            text = (
                f"{len(values) - sum(values)} of {len(values)} repetitions in {name} have no value (not held "
                "for a second, half done, or samples lost) and are not counted."
            )
            findings.append(Finding("no_value", None, None, text))
    return findings


def tilt_warnings(before: Block, after: Block) -> list[Finding]:
    """Whether the thigh lay differently, which changes what the hamstrings allow."""
    change_deg = after.thigh_tilt_deg - before.thigh_tilt_deg
    if not isfinite(change_deg) or abs(change_deg) <= TILT_WARN_DEG:
        return []
    text = (
        f"The thigh was inclined {abs(change_deg):.0f} deg differently after than before: the hip angle has "
        "changed, or the thigh sensor has turned, and either changes the reading."
    )
    return [Finding("thigh_tilt", Segment.THIGH, None, text)]


def trend_warnings(blocks: Iterable[Block]) -> list[Finding]:
    """Blocks whose repetitions still grow straighter, or less straight, one after the other."""
    findings = []
    for b in blocks:
        if isfinite(b.trend_deg) and abs(b.trend_deg) >= TREND_WARN_DEG:
            text = (
                f"The repetitions of the {b.phase.replace('_', ' ')} block still grow "
                f"{'straighter' if b.trend_deg > 0 else 'less straight'}, by {abs(b.trend_deg):.1f} deg in "
                "all: their mean is not a settled value."
            )
            findings.append(Finding("block_trend", None, (b.start_s, b.stop_s), text))
    return findings
