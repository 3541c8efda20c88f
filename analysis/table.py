"""An answer -> its rows in the table of many sessions. docs/table.md says what every column means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.angle.result import AngleResult
from analysis.answer import Answer
from analysis.change import to_json
from analysis.change.blocks import AFTER_PHASES, blocks_of
from analysis.change.result import Block, Comparison
from firmware_bridge.findings import Finding, sentences
from firmware_bridge.samples import Float
from firmware_bridge.session.model import ReferencePose

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

BLOCKS: tuple[str, ...] = ("before", "before_again", *AFTER_PHASES)
EXERCISES = ("pandiculation", "quad_press")

COLUMNS: tuple[str, ...] = (
    "session", "id", "client", "side", "started_at", "day", "status", "test", "strapping",
    "before_extension_deg", "before_sd_deg", "before_n",
    "before_again_extension_deg", "before_again_sd_deg", "before_again_n",
    "after_extension_deg", "after_sd_deg", "after_n",
    "after_5min_extension_deg", "after_5min_sd_deg", "after_5min_n",
    "after_10min_extension_deg", "after_10min_sd_deg", "after_10min_n",
    "after_30min_extension_deg", "after_30min_sd_deg", "after_30min_n",
    "practised", "after_phase", "after_strapping",
    "change_deg", "change_se_deg", "change_ci95_low_deg", "change_ci95_high_deg", "control_change_deg",
    "net_change_deg", "net_change_se_deg", "net_change_ci95_low_deg", "net_change_ci95_high_deg",
    "detectable_change_deg", "slip_deg", "verdict", "reason", "zero", "zero_sd_deg",
    "reference_method", "reference_deg", "reference_sd_deg",
    "closing_method", "closing_deg", "closing_sd_deg", "closing_read_deg",
    "duration_s", "valid_percent", "flexion_sd_median_deg", "relative_sd_median_deg",
    "axes_sd_deg", "axes_residual_deg_s",
    "recorded_with", "software_version", "findings", "warnings", "error",
)  # fmt: skip
WHOLE: tuple[str, ...] = ("day", "strapping", "after_strapping", *(f"{phase}_n" for phase in BLOCKS))
TRUTH: tuple[str, ...] = ("practised",)
NUMBERS: tuple[str, ...] = (
    *WHOLE,
    *(name for name in COLUMNS if name.endswith(("_deg", "_s", "_percent"))),
)
TEXTS: tuple[str, ...] = tuple(name for name in COLUMNS if name not in (*NUMBERS, *TRUTH))


def rows_of(found: Answer) -> list[Row]:
    """The rows of a session with an angle: one a named test and strapping, or one without a test."""
    common = _common(found)
    if not found.comparisons:
        data = found.data_findings
        return [common | {"verdict": "not enough data", **_said(data)}]
    return [common | row for comparison in found.comparisons for row in _rows_of_test(found, comparison)]


def _common(found: Answer) -> Row:
    row = angle_figures(found.angle)
    row |= {"axes_sd_deg": found.angle.axes.sd_deg, "axes_residual_deg_s": found.angle.axes.residual_deg_s}
    row["practised"] = any(p.name in EXERCISES for p in found.recording.phases)
    return row


def angle_figures(angle: AngleResult) -> Row:
    """What the table and the summaries of a session say of its angle."""
    track = angle.track
    known = len(track.time_s) > 0
    return {
        "zero": angle.zero,
        "zero_sd_deg": angle.zero_sd_deg,
        "duration_s": float(track.time_s[-1] - track.time_s[0]) if known else 0.0,
        "valid_percent": 100.0 * float(track.valid.mean()) if known else 0.0,
        "flexion_sd_median_deg": _median(track.flexion_sd_deg[track.valid]),
        "relative_sd_median_deg": _median(track.relative_sd_deg[track.valid]),
    }


def _median(values: Float) -> float | None:
    return float(np.median(values)) if len(values) else None


def _rows_of_test(found: Answer, comparison: Comparison) -> Iterator[Row]:
    """The row of a comparison, then one for every other strapping with a reading before practice."""
    said = _said((*found.data_findings, *comparison.findings))
    first = comparison.before or comparison.after
    strapping = 0 if first is None else first.strapping
    values = {key: value for key, value in to_json(comparison).items() if key != "warnings"}
    row: Row = _flat(values) | {"strapping": strapping, "reason": comparison.reason}
    row |= {"change_se_deg": comparison.change_se_deg, "net_change_se_deg": comparison.net_change_se_deg}
    for phase in BLOCKS:
        if phase not in ("before", "after"):
            row |= _block(comparison.blocks.get(phase), phase, comparison.relative)
    if comparison.after is not None:
        row |= {"after_phase": comparison.after.phase, "after_strapping": comparison.after.strapping}
    closing_after_s = max((b.stop_s for b in comparison.blocks.values()), default=0.0)
    yield row | _poses(found, strapping, closing_after_s) | said
    blocks = blocks_of(found.repetitions, comparison.test)
    for other in sorted({s for phase, s in blocks if phase == "before"} - {strapping}):
        row = {"test": comparison.test, "strapping": other, "verdict": "not enough data"}
        row["reason"] = "This strapping holds a reading before practice and no change."
        for phase in BLOCKS[:2]:
            row |= _block(blocks.get((phase, other)), phase, comparison.relative)
        yield row | _poses(found, other, blocks["before", other].stop_s) | said


def _said(findings: Iterable[Finding]) -> Row:
    findings = tuple(findings)
    kinds = dict.fromkeys(f.kind for f in findings)
    return {"findings": " ".join(kinds), "warnings": " ".join(sentences(findings))}


def _block(block: Block | None, phase: str, relative: bool) -> Row:
    if block is None:
        return {f"{phase}_n": 0}
    sd_deg = block.sd_deg if block.sd_deg == block.sd_deg else None
    extension_deg = None if relative else block.extension_deg
    return {f"{phase}_extension_deg": extension_deg, f"{phase}_sd_deg": sd_deg, f"{phase}_n": block.n}


def _poses(found: Answer, strapping: int, closing_after_s: float) -> Row:
    """The reference pose that set the zero of a strapping, and the last one that checked it afterwards."""
    restraps = [p.start_s for p in found.recording.phases if p.name == "restrap"]

    def strapping_of(pose: ReferencePose) -> int:
        return sum(start_s <= pose.time_s for start_s in restraps)

    poses = [p for p in found.recording.reference_poses if strapping_of(p) == strapping]
    if not poses or found.angle.zero == "relative":
        return {}
    zero, checks = poses[0], dict(found.angle.pose_check_deg)
    row: Row = {
        "reference_method": zero.method,
        "reference_deg": zero.flexion_deg,
        "reference_sd_deg": zero.sd_deg,
    }
    closing = [p for p in poses[1:] if p.time_s >= closing_after_s and p.time_s in checks]
    if closing:
        last = closing[-1]
        row |= {
            "closing_method": last.method,
            "closing_deg": last.flexion_deg,
            "closing_sd_deg": last.sd_deg,
            "closing_read_deg": last.flexion_deg + checks[last.time_s],
        }
    return row


def _flat(comparison: Mapping[str, Any]) -> Row:
    """before: {n: 4} -> before_n: 4, and intervals as low and high."""
    row: Row = {}
    for key, value in comparison.items():
        if key.endswith("_ci95_deg"):
            stem = key.removesuffix("_deg")
            row[f"{stem}_low_deg"], row[f"{stem}_high_deg"] = value or (None, None)
        elif isinstance(value, Mapping):
            row |= {f"{key}_{inner}": inner_value for inner, inner_value in value.items()}
        else:
            row[key] = value
    return row


def recorded_with(software: Mapping[str, str]) -> str:
    """The versions of session.json as one text."""
    return "; ".join(f"{name} {number}" for name, number in software.items())


def software_version() -> str:
    """The version of this program, which computed the row."""
    try:
        return version("kneeflex")
    except PackageNotFoundError:
        return "not installed"


def table_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a table with `COLUMNS`, the days of each person numbered.

    Day 1 is the local date of the person's first session in the table; both knees share one calendar.
    """
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    days = [_local_day(moment) for moment in table["started_at"]]
    first: dict[str, int] = {}
    for client, day in zip(table["client"], days, strict=True):
        if isinstance(client, str) and client and day is not None:
            first[client] = min(day, first.get(client, day))
    table["day"] = pd.array(
        [
            None if day is None or client not in first else day - first[client] + 1
            for client, day in zip(table["client"], days, strict=True)
        ],
        dtype="Int64",
    )
    # Every column has one kind, whatever the rows hold: whole numbers stay whole beside rows that have none.
    for name in TEXTS:
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    numbers = {name: "float64" for name in NUMBERS if name not in WHOLE}
    return table.astype(numbers | dict.fromkeys(WHOLE, "Int64") | dict.fromkeys(TRUTH, "boolean"))


def _local_day(started_at: Any) -> int | None:
    try:
        return datetime.fromisoformat(started_at).astimezone().date().toordinal()
    except (TypeError, ValueError):
        return None
