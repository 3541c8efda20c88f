"""derived/angle.npz and angle_causal.npz: the angle of a session, so that it is computed only once.

What is kept counts only for the very recording it was computed from, as it stands in memory: every sample,
event, finding and word of session.json, the constants of the estimation, the code and the libraries. So it is
never stale, whatever happened to the files, and is the same to the last bit. Deleting it costs time only.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from analysis.angle.parameters import AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack, HingeAxes
from analysis.kept import stamp
from firmware_bridge.findings import Finding, finding_from_json, finding_to_json
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import Recording
from firmware_bridge.session.plain_arrays import load_plain, store_plain

_FORMAT = 1
_PLACE = "derived"
_AXES = ("thigh", "shank")


@dataclass(frozen=True, eq=False, slots=True)
class KeptAngle:
    """What takes longest of an answer.

    Attributes:
        angle: of the recording.
        turned: findings about a strap that turned; none for a causal angle.
    """

    angle: AngleResult
    turned: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the angle of one recording is kept, and under which mark."""

    file: Path
    mark: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, recording: Recording, parameters: AngleParameters, *, causal: bool) -> Place:
        """The place for what these inputs give.

        Args:
            folder: the session.
            recording: as it was read, or with what it shall be read with from now on.
            parameters: constants of the estimation.
            causal: whether only past samples are used.
        """
        name = "angle_causal.npz" if causal else "angle.npz"
        mark = {
            "format": _FORMAT,
            "program": stamp.program_mark(),
            "parameters": repr(parameters),
            "causal": causal,
            "recording": _digest(recording),
        }
        return cls(folder / _PLACE / name, mark)

    def load(self) -> KeptAngle | None:
        """What is kept there, or None where that is nothing, damaged, or of something else."""
        if not self.file.is_file():
            return None
        found = load_plain(self.file, self.mark)
        if found is None:
            return None
        header, arrays = found
        try:
            return _from_plain(header["angle"], header["turned"], arrays)
        except (LookupError, TypeError, ValueError):  # a file of the same mark that somebody else made
            return None

    def store(self, kept: KeptAngle) -> None:
        """Keeps it there, whole or not at all. A folder that cannot be written to is no error."""
        angle = kept.angle
        axes = {name: getattr(angle.axes, name) for name in _AXES}
        arrays = {field.name: getattr(angle.track, field.name) for field in fields(FlexionTrack)}
        arrays |= axes | {"thigh_tilt_deg": angle.thigh_tilt_deg}
        content = {
            "rate_hz": angle.rate_hz,
            "zero": angle.zero,
            "zero_sd_deg": angle.zero_sd_deg,
            "axes": {name: value for name, value in asdict(angle.axes).items() if name not in axes},
            "pose_check_deg": angle.pose_check_deg,
            "diagnostics": dict(angle.diagnostics),
            "findings": [finding_to_json(f) for f in angle.findings],
        }
        turned = [finding_to_json(f) for f in kept.turned]
        store_plain(self.file, self.mark, {"angle": content, "turned": turned}, arrays)


def _from_plain(content: Any, turned: Any, arrays: dict[str, Any]) -> KeptAngle:
    arrays = dict(arrays)
    axes = HingeAxes(**{name: arrays.pop(name) for name in _AXES}, **content.pop("axes"))
    tilt_deg = arrays.pop("thigh_tilt_deg")
    track = FlexionTrack(**arrays)
    if any(getattr(track, f.name).shape != tilt_deg.shape for f in fields(track)):
        raise ValueError("the arrays are of different lengths")
    content["pose_check_deg"] = tuple((time_s, off_deg) for time_s, off_deg in content["pose_check_deg"])
    content["findings"] = tuple(map(finding_from_json, content["findings"]))
    angle = AngleResult(track=track, axes=axes, thigh_tilt_deg=tilt_deg, **content)
    return KeptAngle(angle, tuple(map(finding_from_json, turned)))


def _digest(recording: Recording) -> str:
    """A mark of everything that a recording holds.

    Samples enter bit for bit and in the order in which memory holds them, for sums depend on it. The rest are
    words and numbers in plain records, whose `repr` holds all of them exactly.
    """
    digest = hashlib.sha256()
    for samples in (recording.thigh, recording.shank):
        for field in fields(ImuSamples):
            values = getattr(samples, field.name)
            if values is None:
                digest.update(f"{field.name} -\n".encode())
                continue
            digest.update(f"{field.name} {values.dtype} {values.shape} {values.strides}\n".encode())
            # The transpose of an array by columns is one by rows: neither is copied.
            plain = values.T if values.flags.f_contiguous else values
            digest.update(np.ascontiguousarray(plain).data)
    rest = (recording.info, recording.events, recording.findings)
    digest.update(repr(rest).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
