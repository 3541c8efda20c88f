"""The reference pose: was the leg still, and can the angle that was typed in be true?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.angle.result import AngleResult
from analysis.check.excerpt import resting_rate
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import ReferencePose

# Holding a leg still, people sway by one or two degrees.
_STILL_DEG = 6.0
# A strap that slips farther falls off: such a difference is another angle, or a slip of the pen.
OTHER_POSE_DEG = 20.0
# Knees hyperextend by up to 15 deg, rarely by more than 8, and bend to about 160.
_RARELY_BEYOND_DEG = 8.0
_NEVER_BEYOND_DEG = 15.0
_MOST_BENT_DEG = 165.0


@dataclass(frozen=True, slots=True)
class Poses:
    """The poses that can be used, and what was found."""

    poses: tuple[ReferencePose, ...]
    findings: tuple[Finding, ...]


def check_stillness(thigh: ImuSamples, shank: ImuSamples, poses: Sequence[ReferencePose]) -> Poses:
    """Leaves out reference poses during which the leg moved."""
    if not poses:
        return Poses((), ())
    kept, findings = [], []
    biases = [resting_rate(s) for s in (thigh, shank)]
    for pose in poses:
        turned = [_turned_deg(s, pose, bias) for s, bias in zip((thigh, shank), biases, strict=True)]
        if max(turned) <= _STILL_DEG:
            kept.append(pose)
            continue
        text = (
            f"During the reference pose at {pose.time_s:.0f} s the leg turned by {max(turned):.0f} deg: it "
            "is not used. Hold the leg still while the pose is taken."
        )
        span = (pose.time_s, pose.time_s + pose.duration_s)
        findings.append(Finding("pose_moved", None, span, text, "correct"))
    return Poses(tuple(kept), tuple(findings))


def _turned_deg(samples: ImuSamples, pose: ReferencePose, bias: Float) -> float:
    """How far the sensor got from its mean direction, by its gyro; 0 without samples."""
    first, last = np.searchsorted(samples.time_s, (pose.time_s, pose.time_s + pose.duration_s))
    if last - first < 3:
        return 0.0
    steps = np.diff(samples.time_s[first:last])[:, None]
    angle = np.cumsum((samples.gyr_rad_s[first + 1 : last] - bias) * steps, axis=0)
    away = np.linalg.norm(angle - np.median(angle, axis=0), axis=1)
    return float(np.degrees(np.quantile(away, 0.9)))


def check_values(result: AngleResult) -> AngleResult:
    """Whether the angles typed in for the poses go together, and with what a knee can do."""
    findings, checks = [], []
    for time_s, off_deg in result.pose_check_deg:
        if abs(off_deg) <= OTHER_POSE_DEG:
            checks.append((time_s, off_deg))
            continue
        text = (
            f"The reference pose at {time_s:.0f} s reads {abs(off_deg):.0f} deg "
            f"{'more' if off_deg > 0 else 'less'} bent than was typed in: one of the poses was another one, "
            "or its angle is mistyped. Correct it in events.jsonl."
        )
        findings.append(Finding("pose_value", None, (time_s, time_s), text, "no_verdict"))
    zero_sd_deg, track = result.zero_sd_deg, result.track
    known = result.track.flexion_deg[result.track.valid]
    if result.zero == "reference_pose" and len(known):
        straightest, most = (float(v) for v in np.percentile(known, [0.5, 99.5]))
        beyond = max(-straightest - _NEVER_BEYOND_DEG, most - _MOST_BENT_DEG)
        if beyond > 0:
            text = (
                f"By the reference pose the knee would move from {straightest:.0f} to {most:.0f} deg, which "
                "no knee does: its angle is mistyped or has the wrong sign (bent is positive). Correct it in "
                "events.jsonl."
            )
            findings.append(Finding("pose_sense", None, None, text, "no_verdict"))
            wrong_deg = beyond + 2 * _NEVER_BEYOND_DEG
            zero_sd_deg = float(np.hypot(zero_sd_deg, wrong_deg))
            track = replace(track, flexion_sd_deg=np.hypot(track.flexion_sd_deg, wrong_deg))
        elif straightest < -_RARELY_BEYOND_DEG:
            text = (
                f"The knee reads {-straightest:.0f} deg beyond straight. Few knees do that: check the angle "
                "and the sign of the reference pose (bent is positive)."
            )
            findings.append(Finding("pose_sense", None, None, text))
    if not findings:
        return result
    return replace(
        result,
        track=track,
        pose_check_deg=tuple(checks),
        zero_sd_deg=zero_sd_deg,
        findings=(*findings, *result.findings),
    )
