"""Sound recordings raise nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from analysis.answer import answer
from analysis.check.channels import check_channels
from analysis.check.clocks import check_clocks
from analysis.check.scale import check_both, check_one
from firmware_bridge.samples import ImuSamples, Segment

POSTURES = ("prone", "supine", "standing", "side_lying", "seated")
# Accelerometers that really are off by 3 to 5 % at rest, and a row that was repeated for 0.1 s.
KNOWN = {
    "tug_fs10_left": {"gravity_length"},
    "tug_fs12_right": {"gravity_length"},
    "tug_fs1_left": {"gravity_length"},
    "jig_2D_01": {"frozen"},
}


@pytest.mark.parametrize("posture", POSTURES)
@pytest.mark.parametrize("seed", [910, 911])
def test_a_sound_session_raises_nothing(faults: ModuleType, posture: str, seed: int) -> None:
    sound = faults.session(posture, seed, faults.GAIN_DEG * (seed % 2))
    found = [f for f in answer(sound.recording).findings if f.kind not in faults.DESIGN]
    assert not found


def _data() -> Path:
    return Path(os.environ.get("KNEEFLEX_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))


def _real() -> Iterator[str]:
    if _data().is_dir():
        yield from sorted(p.name for p in (_data() / "field_trials").iterdir())
    else:
        yield "none"


@pytest.mark.parametrize("name", list(_real()))
def test_a_real_recording_raises_nothing(name: str) -> None:
    folder = _data() / "field_trials" / name
    if not folder.is_dir():
        pytest.skip("the recordings are not here; set KNEEFLEX_DATA to their folder")
    thigh, shank = (_read(folder / f"{s}.csv") for s in ("thigh", "shank"))
    found = [
        *check_channels(thigh, Segment.THIGH).findings,
        *check_channels(shank, Segment.SHANK).findings,
        *check_one(thigh, Segment.THIGH).findings,
        *check_one(shank, Segment.SHANK).findings,
        *check_both(thigh, shank).findings,
        *check_clocks(thigh, shank).findings,
    ]
    assert {f.kind for f in found} <= KNOWN.get(name, set())


def _read(path: Path) -> ImuSamples:
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return ImuSamples(rows[:, 0], rows[:, 1:4], rows[:, 4:7])
