"""Two imported files on one session clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.importers.files.mapping import NAMES
from firmware_bridge.session.importers.seam import Imported
from firmware_bridge.session.repair import in_order

# Nine digits in the file leave 10 us of a time below one day, but only 1 s of a time since 1970.
_LATEST_START_S = 86_400.0
_LONG_LEAD_S = 10.0
# Two clocks that know nothing of each other have stamps so near by chance in 1 case of 100.
_ON_GRID = 0.005
_RADIANS_S = 5.0  # of a quick swing: what a clock error costs


@dataclass(frozen=True, eq=False, slots=True)
class Aligned:
    """Both sensors on the session clock.

    `shift_s` was taken off the times of a "session" clock; `clock` says in words how the clocks are related.
    """

    thigh: ImuSamples
    shank: ImuSamples
    shift_s: float
    findings: tuple[Finding, ...]
    clock: str


def on_session_clock(thigh: Imported, shank: Imported) -> Aligned:
    """Places both files on one clock that begins with the first sample, gaps kept, rows in order.

    Times of a "session" clock are kept as they are, unless they begin more than a day after 0.

    Raises:
        SessionError: the two do not overlap in time.
    """
    findings: list[Finding] = []
    ordered = []
    for segment, imported in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        samples, texts = in_order(imported.samples, f"the {segment} file")
        findings += [Finding("rows_out_of_order", segment, None, text) for text in texts]
        ordered.append(samples)
    first, second = ordered
    start, other = float(first.time_s[0]), float(second.time_s[0])
    shift_s = 0.0
    thigh_zero_s = shank_zero_s = 0.0
    relation = _relation(thigh, shank, first.time_s, second.time_s)
    if relation == "session":
        earliest = min(start, other)
        shift_s = 0.0 if abs(earliest) < _LATEST_START_S else earliest
        thigh_zero_s = shank_zero_s = shift_s
        words = "the times of both files are one clock"
        if _clock_is_supposed(thigh, shank):
            words = "taken as one clock: that of the times in both files"
            text = (
                "The times of both files are taken as one clock. If each counts from its own start, the "
                "angle during movement is wrong."
            )
            findings.append(Finding("clock_supposed", None, None, text))
    elif relation == "own":
        thigh_zero_s, shank_zero_s = start, other
        words = "not synchronised: the first samples are taken as simultaneous"
        text = (
            "The two sensors were not synchronised: their first samples are taken as simultaneous, "
            "so the angle during movement may be wrong."
        )
        findings.append(Finding("not_synchronised", None, None, text, "widen"))
    else:
        lead_s = _shortest_way(other - start, thigh.clock_period_s)
        thigh_zero_s = start + min(lead_s, 0.0)
        shank_zero_s = other - max(lead_s, 0.0)
        words = {
            "shared": "both sensors run by one clock",
            "grid": "one clock: the stamps of both files lie on one grid",
            "overlap": "taken as one clock, since both files overlap in it",
        }[relation]
        if relation == "overlap":
            text = (
                "Both files count time from the same zero, but do not say that the sensors are synchronised; "
                "if they were not, the angle during movement is wrong."
            )
            findings.append(Finding("clock_supposed", None, None, text))
        if abs(lead_s) > _LONG_LEAD_S:
            began = "thigh" if lead_s > 0 else "shank"
            text = (
                f"By the sensors' common clock the {began} began {abs(lead_s):.1f} s before the other. "
                "Check that both files belong to one recording."
            )
            findings.append(Finding("one_began_first", None, None, text))
    error_s = max(thigh.clock_error_s, shank.clock_error_s)
    if relation != "own" and error_s > 0:
        text = (
            f"The times of the two sensors may differ by about {1000 * error_s:.0f} ms, up to "
            f"{np.degrees(_RADIANS_S) * error_s:.1f} deg in quick movement and nothing at rest."
        )
        findings.append(Finding("clock_error", None, None, text, "widen"))
        words += f", to about {1000 * error_s:.0f} ms"
    aligned = Aligned(
        replace(first, time_s=first.time_s - thigh_zero_s),
        replace(second, time_s=second.time_s - shank_zero_s),
        shift_s,
        tuple(findings),
        words,
    )
    _refuse_without_overlap(aligned)
    return aligned


def _clock_is_supposed(thigh: Imported, shank: Imported) -> bool:
    """Whether nothing but the user's columns says that the times of both files are one clock."""
    if not all(one.mapping.guessed or one.mapping.name not in NAMES for one in (thigh, shank)):
        return False
    one, other = thigh.samples.time_s, shank.samples.time_s
    return not (len(one) == len(other) and bool((one == other).all()))


def _relation(thigh: Imported, shank: Imported, thigh_s: Float, shank_s: Float) -> str:
    """How the clocks of both files are related: "session", "shared", "grid", "overlap" or "own"."""
    clocks = {thigh.clock, shank.clock}
    if clocks == {"session"}:
        return "session"
    if clocks == {"shared"}:
        return "shared"
    overlap = min(thigh_s[-1], shank_s[-1]) > max(thigh_s[0], shank_s[0])
    ticking = thigh.samples.device_ticks is not None and shank.samples.device_ticks is not None
    if ticking and thigh.clock_period_s is not None:  # one may have begun before the clock started anew
        turns = np.rint((shank_s[0] - thigh_s[0]) / thigh.clock_period_s)
        shank_s = shank_s - turns * thigh.clock_period_s
        overlap = min(thigh_s[-1], shank_s[-1]) > max(thigh_s[0], shank_s[0])
    if ticking and overlap and _on_one_grid(thigh_s, shank_s):
        return "grid"
    return "overlap" if clocks <= {"overlap", "shared"} and overlap else "own"


def _on_one_grid(one_s: Float, other_s: Float) -> bool:
    """Whether nearly every stamp of one sensor, where both recorded, is also one of the other."""
    inside = one_s[(one_s >= other_s[0]) & (one_s <= other_s[-1])]
    if len(inside) < 50:
        return False
    after = np.clip(np.searchsorted(other_s, inside), 1, len(other_s) - 1)
    apart = np.minimum(np.abs(other_s[after] - inside), np.abs(inside - other_s[after - 1]))
    period_s = float(np.median(np.diff(one_s)))
    return bool((apart < _ON_GRID * period_s).mean() > 0.9)


def _shortest_way(difference_s: float, period_s: float | None) -> float:
    """A difference of two readings of a clock that starts anew after `period_s`."""
    if period_s is None:
        return difference_s
    return (difference_s + period_s / 2) % period_s - period_s / 2


def _refuse_without_overlap(aligned: Aligned) -> None:
    thigh_s, shank_s = aligned.thigh.time_s, aligned.shank.time_s
    if min(thigh_s[-1], shank_s[-1]) <= max(thigh_s[0], shank_s[0]):
        raise SessionError(
            f"The two files do not overlap in time: thigh {thigh_s[0]:.1f} to {thigh_s[-1]:.1f} s, "
            f"shank {shank_s[0]:.1f} to {shank_s[-1]:.1f} s.",
            "Give two files of one recording, with both sensors on one clock.",
        )
