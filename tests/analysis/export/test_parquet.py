"""Parquet gives every sample back, with units, and without free text."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.export import export
from analysis.export.parquet import events_table, samples_table
from firmware_bridge.errors import UsageError
from firmware_bridge.session.model import Recording
from firmware_bridge.session.reader import read_session


def test_samples_angle_and_events_come_back_with_units(sessions: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    export(sessions / "b", "parquet", tmp_path / "out")
    recording = read_session(sessions / "b")
    for name, samples in (("thigh", recording.thigh), ("shank", recording.shank)):
        file = tmp_path / f"out/{name}.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(file), samples_table(samples))
        schema = parquet.read_schema(file)
        units = {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in schema}
        assert (units["time_s"], units["acc_x_m_s2"], units["gyr_z_rad_s"]) == ("s", "m/s^2", "rad/s")
        assert schema.metadata[b"kneeflex_session"] == b"P-071"
    angle = pd.read_parquet(tmp_path / "out/angle.parquet")
    assert list(angle.columns) == ["time_s", "flexion_deg", "flexion_sd_deg", "valid"]
    assert angle["flexion_deg"].notna().mean() > 0.9
    events = pd.read_parquet(tmp_path / "out/events.parquet")
    assert "Anna" not in events.to_string()


def test_every_column_of_a_sensor_is_in_the_table(recording: Recording) -> None:
    table = samples_table(recording.thigh)
    np.testing.assert_array_equal(table["acc_y_m_s2"], recording.thigh.acc_m_s2[:, 1])
    assert len(table) == len(recording.thigh)
    events = events_table(recording.events)
    assert list(events["time_s"]) == sorted(e.time_s for e in recording.events)
    assert events.loc[events["kind"] == "reference_pose", "value"].notna().all()
    assert events_table(()).empty


def test_without_pyarrow_it_is_refused_before_anything_is_read(
    sessions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"kneeflex\[parquet\]"):
        export(sessions, "parquet", tmp_path / "out")
    assert not (tmp_path / "out").exists()
