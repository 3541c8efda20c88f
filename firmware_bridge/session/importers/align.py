"""Two imported files on one session clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware_bridge.errors import SessionError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.importers.seam import Imported
from firmware_bridge.session.repair import in_order

# Nine digits in the file leave 10 us of a time below one day, but only 1 s of a time since 1970.
_LATEST_START_S = 86_400.0
_LONG_LEAD_S = 10.0


@dataclass(frozen=True, eq=False, slots=True)
class Aligned:
    """Both sensors on the session clock; `shift_s` was taken off the times of a "session" clock."""

    thigh: ImuSamples
    shank: ImuSamples
    shift_s: float
    findings: tuple[Finding, ...]


def on_session_clock(thigh: Imported, shank: Imported) -> Aligned:
    """Places both files on one clock that begins with the first sample, gaps kept, rows in order.

    Times of a "session" clock are kept as they are, unless they begin more than a day after 0.

    Raises:
        SessionError: the two do not overlap in time.
    """
    thigh_samples, thigh_warnings = in_order(thigh.samples, "the thigh file")
    shank_samples, shank_warnings = in_order(shank.samples, "the shank file")
    findings = [
        *(Finding("rows_out_of_order", Segment.THIGH, None, text) for text in thigh_warnings),
        *(Finding("rows_out_of_order", Segment.SHANK, None, text) for text in shank_warnings),
    ]
    thigh_start_s, shank_start_s = float(thigh_samples.time_s[0]), float(shank_samples.time_s[0])
    thigh_zero_s = shank_zero_s = min(thigh_start_s, shank_start_s)
    shift_s = 0.0
    if thigh.clock == "session":
        thigh_zero_s = shank_zero_s = shift_s = (
            shift_s if abs(thigh_zero_s) < _LATEST_START_S else thigh_zero_s
        )
    elif thigh.clock == shank.clock == "shared":
        lead_s = _shortest_way(shank_start_s - thigh_start_s, thigh.clock_period_s)
        thigh_zero_s = thigh_start_s + min(lead_s, 0.0)
        shank_zero_s = shank_start_s - max(lead_s, 0.0)
        if abs(lead_s) > _LONG_LEAD_S:
            first = "thigh" if lead_s > 0 else "shank"
            text = (
                f"By the sensors' common clock the {first} began {abs(lead_s):.1f} s before the other. "
                "Check that both files belong to one recording."
            )
            findings.append(Finding("one_began_first", None, None, text))
    else:
        thigh_zero_s, shank_zero_s = thigh_start_s, shank_start_s
        text = (
            "The two sensors were not synchronised: their first samples are taken as simultaneous, "
            "so the angle during movement may be wrong."
        )
        findings.append(Finding("not_synchronised", None, None, text))
    aligned = Aligned(
        replace(thigh_samples, time_s=thigh_samples.time_s - thigh_zero_s),
        replace(shank_samples, time_s=shank_samples.time_s - shank_zero_s),
        shift_s,
        tuple(findings),
    )
    _refuse_without_overlap(aligned)
    return aligned


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
