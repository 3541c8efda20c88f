"""The numbers of the report as rows of text, ready to be set in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.change.result import Block, Comparison
from analysis.change.sensitivity import Sensitivity
from analysis.views.figures import BLOCK_ORDER
from analysis.views.track import gap_spans
from analysis.views.wording import (
    FIGURE_TITLES,
    METRIC_TITLES,
    PHASE_TITLES,
    TEST_TITLES,
    degrees,
    signed,
    tidy,
)
from firmware_bridge.session.model import LinkEvent, Marker, Pain, ReferencePose

if TYPE_CHECKING:
    from analysis.answer import Answer

Row = tuple[str, ...]

UNKNOWN: Final = "–"
_UNITS: Final = (
    ("_deg_s", "°/s"),
    ("_rad_s", "rad/s"),
    ("_m_s2", "m/s²"),
    ("_percent", "%"),
    ("_deg", "°"),
    ("_hz", "Hz"),
    ("_ms", "ms"),
    ("_nats", ""),
    ("_m", "m"),
    ("_s", "s"),
)
_EXERCISE: Final = ("pandiculation", "quad_press")
_METHODS: Final[Mapping[str, str]] = {
    "goniometer": "goniometer",
    "straightedge": "straightedge along the bony landmarks",
    "jig": "repeatable support of known angle",
    "verified_straight": "verified straight",
}
_USEFUL: Final = (
    ("hold_s", "pull held for", 0),
    ("duration_s", "let down within", 0),
    ("mean_rate_deg_s", "speed of letting down", 0),
    ("peak_rate_deg_s", "fastest moment", 0),
    ("pause_count", "stops on the way", 0),
)
_PAIN_RISE = 2.0


def number(value: float | None, unit: str = "", digits: int = 1) -> str:
    """A value with its unit, or a dash where there is none."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:.{digits}f}{'' if unit in ('', '°') else ' '}{unit}"


def clock(time_s: float) -> str:
    """A time of the session as minutes and seconds."""
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def named_figure(name: str) -> tuple[str, str]:
    """Splits a field name with its unit: "peak_rate_deg_s" -> ("peak rate", "°/s")."""
    for suffix, unit in _UNITS:
        if name.endswith(suffix):
            return name.removesuffix(suffix).replace("_", " "), unit
    return name.replace("_", " "), ""


def change_rows(comparison: Comparison) -> list[Row]:
    """What changed within this strapping; the zero does not enter here."""
    detectable = number(comparison.detectable_change_deg, "°")
    slip = "no closing check" if comparison.slip_deg is None else "+ = the same pose reads straighter"
    rows = [
        ("change, before → after", _signed(comparison.change_deg), _interval(comparison.change_ci95_deg)),
        ("change during the rest alone", _signed(comparison.control_change_deg), ""),
        ("net of the rest", _signed(comparison.net_change_deg), _interval(comparison.net_change_ci95_deg)),
        ("smallest detectable change", detectable, tidy(comparison.detectable_change_source)),
        ("strap slip at the closing check", _signed(comparison.slip_deg), slip),
    ]
    return [row for row in rows if row[1] != UNKNOWN or row[0].startswith(("change, ", "strap"))]


def block_rows(answer: Answer, comparison: Comparison) -> list[Row]:
    """One row per block: name, when, repetitions, position (withheld when relative), spread."""
    blocks = [comparison.blocks[p] for p in BLOCK_ORDER if p in comparison.blocks]
    return [
        (
            PHASE_TITLES[block.phase],
            _when(answer, block),
            str(block.n),
            "withheld" if comparison.relative else number(block.extension_deg, "°"),
            number(block.sd_deg, "°"),
        )
        for block in blocks
    ]


def _when(answer: Answer, block: Block) -> str:
    ends = [p.stop_s for p in answer.recording.phases if p.name in _EXERCISE and p.stop_s <= block.start_s]
    at = f"at {clock(block.start_s)}"
    if not ends:
        return at
    minutes = (block.start_s - max(ends)) / 60
    return f"{at}, {'right' if minutes < 0.5 else f'{minutes:.0f} min'} after the exercise"


def sensitivity_rows(comparison: Comparison, s: Sensitivity | None) -> list[Row]:
    """What would be off, and by how much, if something were wrong; empty when relative."""
    if comparison.relative or s is None:
        return []
    wrong = (
        ("the reference angle", s.reference_deg, s.reference_change_deg, s.reference_absolute_deg),
        ("the hinge axis", s.axis_deg, s.axis_change_deg, s.axis_absolute_deg),
        ("a strap", s.slip_deg, s.slip_change_deg, s.slip_absolute_deg),
    )
    return [(f"{what} by {degrees(by)}", _signed(change), _signed(at)) for what, by, change, at in wrong]


def release_table(answer: Answer) -> tuple[Row, list[Row]]:
    """Head and rows, one row per metric; what no release could measure is left out."""
    releases = answer.releases
    rows: list[Row] = []
    for key in dict.fromkeys(key for release in releases for key in release.metrics):
        values = [release.metrics.get(key, math.nan) for release in releases]
        if any(math.isfinite(value) for value in values):
            digits = 0 if key.endswith("_count") else 2
            rows.append((_metric_title(key), *(number(value, digits=digits) for value in values)))
    return ("release", *(str(n) for n in range(1, len(releases) + 1))), rows


def release_summary(answer: Answer) -> list[Row]:
    """The few figures of the releases that a person can use: typical value and range."""
    rows: list[Row] = []
    for key, title, digits in _USEFUL:
        values = [r.metrics.get(key, math.nan) for r in answer.releases]
        known = [value for value in values if math.isfinite(value)]
        if known:
            _, unit = named_figure(key)
            low, high = number(min(known), unit, digits), number(max(known), unit, digits)
            spread = f"from {low} to {high}" if low != high else "the same each time"
            rows.append((title, number(float(np.median(known)), unit, digits), spread))
    return rows


def _metric_title(key: str) -> str:
    name, unit = named_figure(key)
    name = METRIC_TITLES.get(key, name)
    return f"{name} ({unit})" if unit else name


def truth_rows(answer: Answer, truth: Mapping[str, float]) -> list[Row]:
    """True against measured change, for each test that the simulation knows."""
    rows: list[Row] = []
    for comparison in answer.comparisons:
        true_deg = truth.get(comparison.test or "")
        if true_deg is None:
            continue
        measured = comparison.change_deg
        error = None if measured is None else measured - true_deg
        rows.append((TEST_TITLES[comparison.test], _signed(true_deg), _signed(measured), _signed(error, 2)))
    return rows


def calibration_rows(answer: Answer) -> list[Row]:
    """Where the zero comes from, how well the hinge is known, and how the poses repeated."""
    angle = answer.angle
    poses = answer.recording.reference_poses
    rows: list[Row] = []
    if angle.zero == "relative":
        rows.append(("zero", "none: relative to the straightest still posture; absolute angles withheld"))
    else:
        rows.append(("zero", f"reference pose; absolute angles ± {degrees(angle.zero_sd_deg)} (one sigma)"))
    rows += [(f"reference pose at {clock(p.time_s)}", _pose(p)) for p in poses]
    rows += [
        (f"the same pose at {clock(t)}", f"read {abs(d):.1f}° {'more bent' if d > 0 else 'straighter'}")
        for t, d in angle.pose_check_deg
    ]
    rows.append(("hinge axis", f"known to {degrees(angle.axes.sd_deg)} (one sigma)"))
    rows.append(("hinge fit", f"residual {angle.axes.residual_deg_s:.1f} °/s"))
    tilt = angle.thigh_tilt_deg[np.isfinite(angle.thigh_tilt_deg)]
    if len(tilt):
        reach = f"{signed(tilt.min())} to {signed(tilt.max())}"
        rows.append(("thigh tilt", f"{reach} against the first still posture"))
    for key, value in angle.diagnostics.items():
        name, unit = named_figure(key)
        rows.append((FIGURE_TITLES.get(key, name), number(value, unit, 2)))
    return rows


def recording_rows(answer: Answer) -> list[Row]:
    """The sensors, the samples and what the link lost."""
    recording = answer.recording
    rows: list[Row] = []
    for segment, samples in (("thigh", recording.thigh), ("shank", recording.shank)):
        info = next((s for key, s in recording.info.sensors.items() if key == segment), None)
        parts = [f"{len(samples)} samples"]
        if info is not None:
            rate = [] if info.nominal_rate_hz is None else [f"{info.nominal_rate_hz:.0f} Hz"]
            parts = [text for text in (info.name, info.driver) if text] + rate + parts
        rows.append((f"{'shin' if segment == 'shank' else segment} sensor", ", ".join(parts)))
    track = answer.angle.track
    gaps = gap_spans(track)
    share = float(np.mean(track.valid)) * 100 if len(track.valid) else 0.0
    longest = max((stop - start for start, stop in gaps), default=0.0)
    rows.append(("usable angle", f"{share:.1f} % of the time; {len(gaps)} gaps, the longest {longest:.1f} s"))
    losses = [e for e in recording.events if isinstance(e, LinkEvent) and e.state in ("lost", "stalled")]
    if losses:
        rows.append(("link lost", ", ".join(f"{_shin(e.segment)} at {clock(e.time_s)}" for e in losses)))
    return rows


def remark_rows(answer: Answer) -> list[Row]:
    """Markers and pain scores as they were entered."""
    events = [e for e in answer.recording.events if isinstance(e, Marker | Pain)]
    return [
        (clock(e.time_s), f"pain {e.score:g} of 10" if isinstance(e, Pain) else e.text)
        for e in sorted(events, key=lambda e: e.time_s)
    ]


def pain_advice(answer: Answer) -> str:
    """The advice to stop, where the last pain score is at least 2 above the first; else empty."""
    scores = sorted((e for e in answer.recording.events if isinstance(e, Pain)), key=lambda e: e.time_s)
    if len(scores) > 1 and scores[-1].score - scores[0].score >= _PAIN_RISE:
        rise = f"{scores[0].score:g} to {scores[-1].score:g}"
        return f"Pain rose from {rise}: stop here, and do not repeat the exercise today."
    return ""


def _pose(pose: ReferencePose) -> str:
    return f"{pose.flexion_deg:.1f}° entered, ± {degrees(pose.sd_deg)}, {_METHODS[pose.method]}"


def _shin(segment: str) -> str:
    return "shin" if segment == "shank" else segment


def _signed(value: float | None, digits: int = 1) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else signed(value, digits)


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"95 % interval {signed(interval[0])} to {signed(interval[1])}"
