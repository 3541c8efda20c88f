"""The same recording through any program's file gives the same angle."""

from __future__ import annotations

import importlib.util
import json
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
        segment: ImuSamples(np.arange(5000) / 100, s.acc_m_s2[:5000], s.gyr_rad_s[:5000])
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


@pytest.fixture
def files(dialects, simulated, tmp_path):
    recording = simulated.recording
    both = {
        segment: ImuSamples(np.arange(3000) / 100, s.acc_m_s2[:3000], s.gyr_rad_s[:3000])
        for segment, s in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank))
    }
    return dialects.DIALECTS["plain, g, deg/s, ms"](tmp_path / "files", both)


def test_an_import_ends_with_what_it_understood_and_a_dry_run_writes_nothing(
    command, files, tmp_path
) -> None:
    arguments = ["import", "auto", "--thigh", files.thigh, "--shank", files.shank]
    dry = command(*arguments, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    for words in (
        "time_ms in ms",
        "ax_g, ay_g, az_g in g",
        "100.00 a second",
        "0 lost",
        "m/s2 at rest",
        "clocks:",
    ):
        assert words in dry.stdout
    assert "supposed from their names" in dry.stderr
    assert "Nothing was written" in dry.stdout
    out = tmp_path / "session"
    assert not out.exists()
    assert command(*arguments).returncode == 2
    done = command(*arguments, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["sensors"]["thigh"]["units"]["gyr"] == "deg/s (its name says so)"
    assert told["sensors"]["shank"]["lost"] == 0
    later = command("angle", out, "--json")
    assert any("supposed from their names" in text for text in json.loads(later.stdout)["warnings"])
