"""The stage between reading and the angle, and the look back after the angle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from analysis.angle.result import AngleResult
from analysis.check.axes import check_axes, widened
from analysis.check.channels import check_channels
from analysis.check.clocks import (
    LAG_SD_S,
    UNSYNCHRONISED_SD_S,
    Clocks,
    check_clocks,
    clocks_are_untied,
    unchecked,
)
from analysis.check.order import check_order
from analysis.check.poses import check_stillness, check_values
from analysis.check.scale import check_both, check_one
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding, known_and_found, unique
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import PhaseSpan, Recording, ReferencePose

_LEAST_SAMPLES = 100


@dataclass(frozen=True, eq=False, slots=True)
class Checked:
    """What the angle is estimated from.

    Attributes:
        thigh, shank: without what is no measurement, on one clock.
        poses: those that can be used.
        findings: all that was found, what import and reading knew first.
        lag_sd_s: one sigma of an offset that may be left between the sensors' clocks.
        tilt_deg: one sigma of the vertical, from accelerometers that are off.
        scale_doubt: by what share a gyro may be wrong.
    """

    thigh: ImuSamples
    shank: ImuSamples
    poses: tuple[ReferencePose, ...]
    findings: tuple[Finding, ...]
    lag_sd_s: float = LAG_SD_S
    tilt_deg: float = 0.0
    scale_doubt: float = 0.0


def check_recording(recording: Recording) -> Checked:
    """Looks for everything that can be wrong, corrects what is clear, and never raises."""
    found: list[Finding] = [*recording.findings, *check_order(recording.phases)]
    thigh, shank = (
        check_channels(samples, segment)
        for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank))
    )
    found += [*thigh.findings, *shank.findings]
    checked = Checked(thigh.samples, shank.samples, recording.reference_poses, _each_once(recording, found))
    if min(len(checked.thigh), len(checked.shank)) < _LEAST_SAMPLES or _refused(found):
        return checked
    scales = [check_one(checked.thigh, Segment.THIGH), check_one(checked.shank, Segment.SHANK)]
    found += [f for s in scales for f in s.findings]
    checked = replace(
        checked, findings=_each_once(recording, found), tilt_deg=max(s.tilt_deg for s in scales)
    )
    if _refused(found):
        return checked
    first_thigh, first_shank = (_first_strapping(s, recording.phases) for s in (checked.thigh, checked.shank))
    # Clocks first: an offset between the sensors looks like a wrong scale, but not the other way round.
    clocks = check_clocks(first_thigh, first_shank)
    both = check_both(first_thigh, clocks.shank)
    if _refused(both.findings) and _refused(clocks.findings):
        clocks = Clocks(first_shank, (), LAG_SD_S, checked=False)  # the scale is the cause
    shank_samples = checked.shank
    if clocks.shank is not first_shank:
        shank_samples = _whole(checked.shank, first_shank, clocks.shank)
    found += [*both.findings, *clocks.findings]
    lag_sd_s = clocks.lag_sd_s
    untied = clocks_are_untied(recording)
    if untied and not clocks.checked:
        lag_sd_s = UNSYNCHRONISED_SD_S
        found.append(unchecked())
    elif not untied and not clocks.findings:
        lag_sd_s = LAG_SD_S
    poses = check_stillness(checked.thigh, shank_samples, recording.reference_poses)
    return replace(
        checked,
        shank=shank_samples,
        poses=poses.poses,
        findings=_each_once(recording, [*found, *poses.findings]),
        lag_sd_s=lag_sd_s,
        scale_doubt=both.doubt,
    )


def _each_once(recording: Recording, found: Iterable[Finding]) -> tuple[Finding, ...]:
    """What was known, and what was found; what was found again only as it was found now."""
    return known_and_found(recording.findings, [f for f in found if f not in recording.findings])


def _first_strapping(samples: ImuSamples, phases: Iterable[PhaseSpan]) -> ImuSamples:
    """Levers are those of one strapping only."""
    ends = [p.start_s for p in phases if p.name == "restrap"]
    if not ends:
        return samples
    return samples[: int(np.searchsorted(samples.time_s, min(ends)))]


def _whole(shank: ImuSamples, first: ImuSamples, corrected: ImuSamples) -> ImuSamples:
    """The correction that was found in the first strapping, for all of the recording."""
    if len(first) == len(shank):
        return corrected
    rest = shank[len(first) :]
    lag_s = float(first.time_s[-1] - corrected.time_s[-1])
    rest = replace(rest, time_s=rest.time_s - lag_s)
    rest = rest[rest.time_s > corrected.time_s[-1]]
    return ImuSamples.concatenate((corrected, rest))


def _refused(findings: Iterable[Finding]) -> bool:
    return any(f.consequence == "refuse" for f in findings)


def refuse_wrong(findings: Iterable[Finding]) -> None:
    """Raises CannotAnswerError with the first finding that allows no answer."""
    for finding in findings:
        if finding.consequence == "refuse":
            raise CannotAnswerError(finding.sentence)


def no_verdict_of(findings: Iterable[Finding]) -> Finding | None:
    """The first finding that allows no verdict."""
    return next((f for f in findings if f.consequence == "no_verdict"), None)


def check_result(
    result: AngleResult, checked: Checked, known: Iterable[Finding] = (), *, causal: bool = False
) -> AngleResult:
    """The angle with everything that was found before and after it, and with a band that shows it.

    Args:
        result: as estimated from `checked`.
        checked: the recording.
        known: findings that are reported elsewhere already.
        causal: the angle comes from the stream.
    """
    result = check_values(check_axes(result, causal=causal))
    rate_deg_s = np.zeros(0)
    flexion = result.track.flexion_deg
    if len(flexion) > 2:
        rate_deg_s = np.abs(np.nan_to_num(np.gradient(flexion))) * result.rate_hz
        away = np.abs(np.nan_to_num(flexion) - float(np.nanmedian(flexion)))
        result = widened(
            result,
            np.sqrt(
                (rate_deg_s * (checked.lag_sd_s if checked.lag_sd_s > LAG_SD_S else 0.0)) ** 2
                + checked.tilt_deg**2
                + (checked.scale_doubt * away) ** 2
            ),
        )
    told = set(known)
    before = [f for f in checked.findings if f not in told]
    return replace(result, findings=unique([*before, *result.findings]))
