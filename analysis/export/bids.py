"""A session as Motion-BIDS: each sensor is a tracking system, the knee angle another one.

The sensors run on clocks of their own, so each has its own files, with the time of every sample in a LATENCY
channel; lost samples are missing rows, and their share stands in the side file. Names of sensors, notes, the
text of markers and dates stay out. Specification: bids-specification.readthedocs.io, motion recordings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analysis.angle.result import AngleResult
from analysis.export.parquet import events_table
from analysis.tablefile import unit_of
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.model import Recording

TASK: Final = "kneeextension"
VERSION: Final = "1.10.0"
_AXES = "xyz"
_PLACEMENT: Final = {
    Segment.THIGH: "outer side of the thigh, lower third",
    Segment.SHANK: "inner side of the shin bone",
}
_NUMBERS = "%.9g"
_KINDS: Final = (
    "ACCEL", "ANGACCEL", "GYRO", "JNTANG", "LATENCY", "MAGN", "MISC", "ORNT", "POS", "VEL",
)  # fmt: skip
_CHANNEL_COLUMNS: Final = (
    "name", "component", "type", "tracked_point", "units", "placement", "reference_frame", "description",
    "sampling_frequency",
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Channel:
    """One column of a motion file, as channels.tsv describes it."""

    name: str
    component: str
    type: str
    units: str
    values: Float
    description: str
    frame: str = "n/a"


def session_files(
    recording: Recording, angle: AngleResult | None, subject: str, session: str
) -> dict[str, str]:
    """The files of a session by their path below the subject's `ses-` folder.

    Args:
        recording: the session.
        angle: its knee angle, where there is one.
        subject, session: the labels, letters and digits only.
    """
    stem = f"sub-{subject}_ses-{session}_task-{TASK}"
    files: dict[str, str] = {}
    for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank)):
        if len(samples):
            files |= _system(
                stem, segment.value, _sensor_channels(samples), segment.value, _PLACEMENT[segment],
                samples.time_s, _sensor_sidecar(recording, segment),
            )  # fmt: skip
    if angle is not None:
        point = f"{recording.info.side.value}_knee"
        files |= _system(
            stem, "knee", _angle_channels(angle), point, "n/a", angle.track.time_s, _angle_sidecar(angle)
        )
    files[f"motion/{stem}_events.tsv"] = _events(recording)
    files[f"motion/{stem}_events.json"] = _json(EVENTS)
    names = [f for f in files if f.endswith("_motion.tsv")]
    files[f"sub-{subject}_ses-{session}_scans.tsv"] = "\n".join(["filename", *names]) + "\n"
    return files


def _system(
    stem: str,
    name: str,
    channels: Sequence[Channel],
    point: str,
    placement: str,
    time_s: Float,
    sidecar: Mapping[str, Any],
) -> dict[str, str]:
    """The motion, side and channel files of one tracking system."""
    base = f"motion/{stem}_tracksys-{name}"
    effective, lost = rate_and_loss(time_s)
    nominal = sidecar["SamplingFrequency"] or round(effective, 3)
    duration = float(time_s[-1] - time_s[0])
    side = {
        "TaskName": TASK,
        "TaskDescription": "Knee extension before and after a voluntary contraction and slow release.",
        **sidecar,
        "SamplingFrequency": nominal,
        "SamplingFrequencyEffective": round(effective, 4),
        "TrackingSystemName": name,
        "TrackedPointsCount": 1,
        "MotionChannelCount": len(channels),
        **_counts(channels),
        "RecordingDuration": round(duration, 4),
        "RecordingType": "continuous",
        "MissingValues": "Lost samples are missing rows: the LATENCY channel has the time of each sample. "
        "n/a: not known.",
        "LostSamplesPercent": round(100 * lost, 4),
    }
    rows = [
        (
            c.name, c.component, c.type, point if c.type != "LATENCY" else "n/a", c.units, placement, c.frame,
            c.description, f"{nominal:g}",
        )
        for c in channels
    ]  # fmt: skip
    frames = {c.frame for c in channels} - {"n/a"}
    files = {
        f"{base}_motion.tsv": _table(np.column_stack([c.values for c in channels])),
        f"{base}_motion.json": _json(side),
        f"{base}_channels.tsv": "\n".join("\t".join(row) for row in (_CHANNEL_COLUMNS, *rows)) + "\n",
    }
    if frames:
        files[f"{base}_channels.json"] = _json({"reference_frame": {"Levels": dict.fromkeys(frames, FRAME)}})
    return files


FRAME: Final = {
    "SpatialAxes": "n/a",
    "RotationRule": "right-hand",
    "RotationOrder": "n/a",
    "Description": "Axes of the sensor's own box, which is strapped on in any position.",
}
EVENTS: Final = {
    "onset": {"Description": "Time on the session's clock, that of the LATENCY channels.", "Units": "s"},
    "duration": {"Description": "Duration; n/a for a moment.", "Units": "s"},
    "trial_type": {
        "Description": "Phase of the session, or reference_pose, pain, marker, or an event of a radio link."
    },
    "test": {"Description": "Named test of a measuring phase: standing, supine, prone or ake."},
    "value": {"Description": "Knee flexion of a reference pose in deg, or the pain score, 0 to 10."},
    "sd": {"Description": "One sigma of the entered angle.", "Units": "deg"},
}


def rate_and_loss(time_s: Float) -> tuple[float, float]:
    """The effective rate in Hz, and the share of samples that are missing between first and last."""
    if len(time_s) < 2:
        return 0.0, 0.0
    steps = np.diff(time_s)
    usual = float(np.median(steps))
    missing = int((np.round(steps / usual) - 1).clip(min=0).sum()) if usual > 0 else 0
    duration = float(time_s[-1] - time_s[0])
    return (len(steps) / duration if duration > 0 else 0.0), missing / (missing + len(time_s))


def _sensor_channels(samples: ImuSamples) -> list[Channel]:
    channels = [_latency(samples.time_s)]
    for name, kind, what, values in (
        ("acc", "ACCEL", "specific force", samples.acc_m_s2),
        ("gyr", "GYRO", "angular rate", samples.gyr_rad_s),
        ("mag", "MAGN", "magnetic field", samples.mag_ut),
    ):
        if values is not None:
            column = {"ACCEL": "m_s2", "GYRO": "rad_s", "MAGN": "ut"}[kind]
            units = unit_of(f"_{column}")
            channels += [
                Channel(f"{name}_{axis}", axis, kind, units, values[:, i], what, "sensor")
                for i, axis in enumerate(_AXES)
            ]
    return channels


def _angle_channels(angle: AngleResult) -> list[Channel]:
    track = angle.track
    zero = "0 straight, + bent" if angle.zero == "reference_pose" else "0 = straightest still posture"
    flexion, sd = (np.where(track.valid, v, np.nan) for v in (track.flexion_deg, track.flexion_sd_deg))
    return [
        _latency(track.time_s),
        Channel("flexion", "n/a", "JNTANG", "deg", flexion, f"knee flexion, {zero}"),
        Channel("flexion_sd", "n/a", "MISC", "deg", sd, "one sigma of the flexion within one strapping"),
    ]


def _latency(time_s: Float) -> Channel:
    return Channel("latency", "n/a", "LATENCY", "s", time_s, "time of the sample on the session's clock")


def _counts(channels: Sequence[Channel]) -> dict[str, int]:
    kinds = [c.type for c in channels]
    return {f"{kind}ChannelCount": kinds.count(kind) for kind in _KINDS}


def _sensor_sidecar(recording: Recording, segment: Segment) -> dict[str, Any]:
    info = recording.info.sensors.get(segment)
    if info is None:
        return {"SamplingFrequency": None}
    side: dict[str, Any] = {"SamplingFrequency": info.nominal_rate_hz, "ManufacturersModelName": info.driver}
    if info.firmware:
        side["SoftwareVersions"] = f"sensor firmware {info.firmware}"
    return side


def _angle_sidecar(angle: AngleResult) -> dict[str, Any]:
    from analysis.table import software_version

    return {
        "SamplingFrequency": angle.rate_hz,
        "Manufacturer": "kneeflex",
        "SoftwareVersions": software_version(),
        "ZeroFrom": angle.zero,
        "ZeroSD": round(angle.zero_sd_deg, 4) if np.isfinite(angle.zero_sd_deg) else "n/a",
    }


def _events(recording: Recording) -> str:
    table = events_table(recording.events)
    spans = {(p.name, p.start_s): p.stop_s - p.start_s for p in recording.phases}
    rows = ["onset\tduration\ttrial_type\ttest\tvalue\tsd"]
    for row in table.to_dict("records"):
        duration = spans.get((row["kind"], row["time_s"]), row["duration_s"])
        cells = (row["time_s"], duration, row["kind"], row["test"], row["value"], row["sd"])
        rows.append("\t".join(_cell(cell) for cell in cells))
    return "\n".join(rows) + "\n"


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "n/a"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(values: Float) -> str:
    """A motion file: no header, tabs, n/a for what is not known."""
    line = "\t".join([_NUMBERS] * values.shape[1]) + "\n"
    return (line * len(values) % tuple(values.ravel().tolist())).replace("nan", "n/a")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
