"""One strapping, from its grid to the angle: axes, read-out, direction, zero, band, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.angle.attitude import find_attitude
from analysis.angle.band import axis_slope, heading_slope, knot_band_deg, off_hinge_rad
from analysis.angle.checks import about_knee, gravity_alone_deg, refuse_incoherent
from analysis.angle.direction import Direction, alike_evidence, judge, lever_evidence, pose_evidence
from analysis.angle.drift import follow_drift, smooth_drift
from analysis.angle.flexion import Hinged, circular_middle_deg, hinge_angle_rad, inclination_rad, near
from analysis.angle.grid import Grid
from analysis.angle.heading import Heading, follow, hinge_information, smooth_heading
from analysis.angle.identify import Knee, find_knee
from analysis.angle.knots import Knots
from analysis.angle.parameters import AngleParameters
from analysis.angle.result import HingeAxes
from analysis.angle.zero import Zeroing, find_zero, pose_rows
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float
from firmware_bridge.session.model import ReferencePose

_MIN_BENDING_DEG = 15.0
_LEAST_RATE_RAD_S = 0.1
# In recorded people 4 of 16 legs were inverted between 2 and 3, none of 7 above: the pieces of evidence of
# one recording are correlated, so their sum promises more than it holds.
_SURE_NATS = 3.0
_CLEAR_MARGIN = 1.5
_MUCH_DOUBT_DEG = 2.0
_MUCH_APART_DEG = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Strapping:
    """What one strapping gave, (n,) on its own slice of the grid; NaN where it is not known.

    Attributes:
        knee: axes, levers and attitudes; axes with the sign of flexion.
        middle_deg: middle of the movement, in the angle about those axes.
        zero: where 0 deg is, in that angle.
        zero_knots: the blocks of the posture that defined it.
        zero_slope: (4,) sensitivity of the angle to the axes there.
        zero_lost: sensitivity to the heading there.
        off_hinge_rad: how far apart the two sensors see the hinge, RMS.
    """

    flexion_deg: Float
    sd_deg: Float
    tilt_deg: Float
    knee: Knee
    middle_deg: float
    zero: Zeroing
    zero_knots: NDArray[np.int64]
    zero_slope: Float
    zero_lost: float
    off_hinge_rad: float
    checks: tuple[tuple[float, float], ...]
    diagnostics: dict[str, float]
    findings: tuple[Finding, ...]

    @property
    def relative(self) -> bool:
        """Whether no reference pose set the zero."""
        return self.zero.pose is None

    @property
    def zero_sd_deg(self) -> float:
        """One sigma of the zero; NaN when relative."""
        if self.zero.pose is None:
            return float("nan")
        return float(np.hypot(self.zero.pose.sd_deg, np.nanmean(self.sd_deg[self.zero.rows])))

    @property
    def axes(self) -> HingeAxes:
        """The axes with the sign of flexion."""
        fit = self.knee.fit
        return HingeAxes(
            thigh=fit.thigh,
            shank=fit.shank,
            sd_deg=self.diagnostics["axes_sd_deg"],
            residual_deg_s=float(np.degrees(fit.residual_rad_s)),
            pairing_margin=self.knee.margin,
        )


def one_strapping(grid: Grid, poses: Sequence[ReferencePose], parameters: AngleParameters) -> Strapping:
    """Estimates one strapping.

    Raises:
        CannotAnswerError: the movement does not show the axes.
    """
    fastest = max(float(np.percentile(np.abs(m.gyr_rad_s), 99)) for m in (grid.thigh, grid.shank))
    if fastest < _LEAST_RATE_RAD_S:
        raise _too_little("hardly moved")
    knots = Knots.of(grid.carried, grid.rate_hz, parameters.knot_s)
    attitudes = [find_attitude(m, grid, knots, parameters) for m in (grid.thigh, grid.shank)]
    refuse_incoherent(attitudes[0], attitudes[1], knots, grid.rate_hz)
    knee = find_knee(attitudes[0], attitudes[1], knots, grid.rate_hz, parameters)
    read = _read(knee, grid, knots, parameters)
    level2 = read.level2
    direction = _direction(read.angle_deg, knee, poses, grid)
    knee = replace(knee, fit=knee.fit.signed(direction.sign))
    flexion = direction.sign * read.angle_deg
    bending = float(np.subtract(*np.percentile(flexion[grid.known], [99, 1])))
    if bending < _MIN_BENDING_DEG:
        raise _too_little(f"bent by only {bending:.0f} deg")
    still_deg = gravity_alone_deg(knee, flexion, grid)
    zero = find_zero(flexion, poses, grid)
    flexion = flexion - zero.zero_deg
    at_zero = np.unique(knots.of_sample[zero.rows])
    bent = flexion[knots.middle] - float(np.median(flexion[zero.rows]))
    band = knot_band_deg(
        knee, level2, read.heading, read.off_hinge_rad, bent, at_zero, knots, grid.rate_hz, parameters
    )
    doubt = _doubt_deg(knee, at_zero)
    band = np.hypot(band, doubt)
    return Strapping(
        flexion_deg=np.where(grid.known, flexion, np.nan),
        sd_deg=np.where(grid.known, knots.to_samples(band), np.nan),
        tilt_deg=np.where(grid.known, knots.to_samples(_tilt_deg(knee, at_zero)), np.nan),
        knee=knee,
        middle_deg=float(np.median(flexion[grid.known])) + zero.zero_deg,
        zero=zero,
        zero_knots=at_zero,
        zero_slope=axis_slope(knee, level2, parameters)[:, at_zero].mean(axis=1),
        zero_lost=float(heading_slope(knee, level2, parameters)[at_zero].mean()),
        off_hinge_rad=read.off_hinge_rad,
        checks=tuple(
            (p.time_s, float(np.median(flexion[rows])) - p.flexion_deg)
            for p in poses
            if p is not zero.pose and len(rows := pose_rows(p, grid))
        ),
        diagnostics=_diagnostics(knee, direction, bending, read, still_deg),
        findings=(*_about(zero, direction, doubt, still_deg), *about_knee(knee, level2)),
    )


def _too_little(what: str) -> CannotAnswerError:
    return CannotAnswerError(
        f"The knee {what}, too little to find its axis.",
        "Record 8 to 10 slow swings of the lower leg, from nearly straight to well bent.",
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Reading:
    """The angle (n,) about the axes, the hinge's level part squared (m,), heading and wobble."""

    angle_deg: Float
    level2: Float
    heading: Heading
    off_hinge_rad: float


def _read(knee: Knee, grid: Grid, knots: Knots, parameters: AngleParameters) -> _Reading:
    thigh, shank = (
        Hinged.of(s.strapdown.inertial_from_sensor, s.level_from_inertial, axis, knots)
        for s, axis in zip((knee.thigh, knee.shank), knee.axes, strict=True)
    )
    phasor = thigh.direction[knots.middle] * shank.direction[knots.middle].conj()
    level2 = np.abs(phasor)
    rise = (thigh.rise[knots.middle] + shank.rise[knots.middle]) / 2

    def drifting(p: AngleParameters) -> Heading:
        course = follow_drift(phasor, rise, knee.hinge_bias_rad2_s2, knots, grid.rate_hz, p)
        return smooth_drift(course, knots)

    information = hinge_information(level2, parameters)
    wandering = smooth_heading(phasor, information, parameters.skin_wander_rad, knots, grid.rate_hz)
    apart = off_hinge_rad(thigh, shank, wandering, knots, parameters)
    # The heading of a steady hinge is better known than the filter, which must suit every knee, assumes.
    axes_rad = float(np.sqrt(np.trace(knee.fit.covariance_rad2) / 2))
    heading, known = drifting(parameters), drifting(parameters.for_hinge(apart, axes_rad))
    heading = replace(heading, sd_rad=known.sd_rad, bias_sd_rad_s=known.bias_sd_rad_s)
    turned = follow(phasor, heading, knots, grid.rate_hz, parameters)
    angle = np.degrees(hinge_angle_rad(thigh, shank, knots.to_samples(turned)))
    angle = near(angle, circular_middle_deg(angle[grid.known]))
    return _Reading(angle, level2, heading, apart)


def _doubt_deg(knee: Knee, at_zero: NDArray[np.int64]) -> Float:
    """(m,) one sigma from not knowing which of two pairings of the axes is right."""
    doubt = min(max((_CLEAR_MARGIN - knee.margin) / (_CLEAR_MARGIN - 1.0), 0.0), 1.0)
    if knee.rival is None or doubt == 0.0:
        return np.zeros(knee.thigh.up.shape[1])
    angles = [
        inclination_rad(knee.thigh.up_in_sensor, fit.thigh)
        - inclination_rad(knee.shank.up_in_sensor, fit.shank)
        for fit in (knee.fit, knee.rival)
    ]
    # The common sign of a pairing is free: the one that agrees better is meant.
    apart = [np.exp(1j * (angles[0] - sign * angles[1])) for sign in (1, -1)]
    apart = [a * np.exp(-1j * np.angle(a[at_zero].mean())) for a in apart]
    smaller = min((np.abs(np.angle(a)) for a in apart), key=lambda a: float(a.mean()))
    return np.asarray(np.degrees(0.5 * doubt * smaller))


def _direction(angle: Float, knee: Knee, poses: Sequence[ReferencePose], grid: Grid) -> Direction:
    evidence = [lever_evidence(knee.centre, knee.axes)]
    if (alike := alike_evidence(knee.axes)) is not None:
        evidence.append(alike)
    evidence.extend(
        pose_evidence(float(np.median(angle[rows])), pose.flexion_deg)
        for pose in poses
        if len(rows := pose_rows(pose, grid))
    )
    return judge(angle[grid.known], evidence)


def _tilt_deg(knee: Knee, at_zero: NDArray[np.int64]) -> Float:
    """(m,) how far the thigh has tilted since the zero posture."""
    up = knee.thigh.up_in_sensor
    first = up[:, at_zero].mean(axis=1)
    cosine = first @ up / np.linalg.norm(first)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _diagnostics(
    knee: Knee, direction: Direction, bending_deg: float, read: _Reading, still_deg: float
) -> dict[str, float]:
    """Named figures; those that do not exist for this recording are left out."""
    worse = max(np.trace(knee.fit.covariance_rad2[:2, :2]), np.trace(knee.fit.covariance_rad2[2:, 2:]))
    figures = {
        "bending_deg": bending_deg,
        "axes_sd_deg": float(np.degrees(np.sqrt(worse))),
        "direction_nats": direction.certainty_nats,
        "pairing_margin": knee.margin,
        "lever_thigh_m": float(np.linalg.norm(knee.centre.thigh_m)),
        "lever_shank_m": float(np.linalg.norm(knee.centre.shank_m)),
        "knee_force_residual_m_s2": knee.centre.residual_m_s2,
        "gravity_alone_deg": still_deg,
        "hinge_level_share": float(np.sqrt(np.median(read.level2))),
        "off_hinge_deg": float(np.degrees(read.off_hinge_rad)),
    }
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def _about(zero: Zeroing, direction: Direction, doubt_deg: Float, still_deg: float) -> list[Finding]:
    findings = []
    if still_deg > _MUCH_APART_DEG:
        text = (
            f"While the leg was still, gravity alone tells an angle {still_deg:.1f} deg away from this one: "
            "a sensor may have been jolted, or its gyroscope may drift."
        )
        findings.append(Finding("gravity_disagrees", None, None, text))
    if float(doubt_deg.max()) > _MUCH_DOUBT_DEG:
        text = (
            f"The movement allows two different knee axes, whose angles differ by up to "
            f"{2 * float(doubt_deg.max()):.0f} deg: record 8 to 10 swings of the lower leg while the thigh "
            "moves a little too."
        )
        findings.append(Finding("two_axes", None, None, text, "widen"))
    if direction.certainty_nats < _SURE_NATS:
        text = (
            "Which way the knee bends could not be told for sure: if bending lowers the number, "
            "record a reference pose before and some bending after it."
        )
        findings.append(Finding("direction", None, None, text, "no_verdict"))
    if zero.pose is None:
        text = (
            "The angle is relative: it counts from the straightest still posture, "
            "because no reference pose with a known angle was recorded."
        )
        findings.append(Finding("relative", None, None, text))
    return findings
