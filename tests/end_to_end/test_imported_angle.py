"""The same recording through any program's file gives the same angle."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.answer import angle_of
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.importers import read_import

HELPER = Path(__file__).parents[1] / "firmware_bridge" / "session" / "importers" / "dialects.py"


@pytest.fixture(scope="module")
def dialects():
    spec = importlib.util.spec_from_file_location("import_dialects_for_angles", HELPER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_angle_does_not_depend_on_the_program(dialects, simulated, tmp_path) -> None:
    recording = simulated.recording
    both = {
        segment: ImuSamples(np.arange(7000) / 100, s.acc_m_s2[:7000], s.gyr_rad_s[:7000])
        for segment, s in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank))
    }
    angles = {}
    for name in ("csv", "movella-dot", "xsens-mt", "metabase", "x-imu3", "blue-trident", "apdm"):
        files = dialects.DIALECTS[name](tmp_path / name, both)
        found = read_import("auto", files.thigh, files.shank, **files.options)
        track = angle_of(found.recording).track
        angles[name] = track.flexion_deg[track.valid]
    for name, angle in angles.items():
        assert len(angle) == len(angles["csv"]), name
        assert np.abs(angle - angles["csv"]).max() < 0.05, name
