"""Every dialect gives the numbers that were written, and says what had to be supposed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.importers import import_session, read_import
from firmware_bridge.session.reader import read_session

Both = dict[Segment, ImuSamples]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        metafunc.parametrize("dialect", sorted(DIALECT_NAMES))


def _load() -> ModuleType:
    import importlib.util
    import sys

    spec = importlib.util.spec_from_file_location("import_dialects", Path(__file__).with_name("dialects.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


DIALECT_NAMES = _load().DIALECTS


def test_the_numbers_are_those_that_were_written(dialect: str, leg: Both, tmp_path: Path) -> None:
    files = DIALECT_NAMES[dialect](tmp_path, leg)
    found = read_import("auto", files.thigh, files.shank, **files.options)
    read = {Segment.THIGH: found.recording.thigh, Segment.SHANK: found.recording.shank}
    zero_s = None
    for segment, samples in read.items():
        true = leg[segment]
        assert abs(len(samples) - len(true)) <= 2
        # Rows at the ends of the second of two files may drop out.
        first = int(np.argmin(np.abs(true.gyr_rad_s - samples.gyr_rad_s[0]).sum(axis=1)))
        rows = slice(first, first + len(samples))
        np.testing.assert_allclose(samples.acc_m_s2, true.acc_m_s2[rows], atol=files.acc)
        np.testing.assert_allclose(samples.gyr_rad_s, true.gyr_rad_s[rows], atol=files.gyr)
        # One constant may separate the two clocks, the same for both sensors.
        offset_s = samples.time_s - true.time_s[rows]
        zero_s = float(np.median(offset_s)) if zero_s is None else zero_s
        np.testing.assert_allclose(offset_s, zero_s, atol=3 * files.time_s)
    assert files.says in " ".join(found.understood.doubts)
    assert all(one.lost == 0 for one in found.understood.sensors)
    if not files.says:
        assert not any(word in " ".join(found.understood.doubts) for word in ("synchron", "damaged", "rate"))


def test_what_is_known_at_import_reaches_whoever_reads_the_session(leg: Both, tmp_path: Path) -> None:
    files = DIALECT_NAMES["xsens-mt 2022, rate by hand"](tmp_path, leg)
    import_session("auto", files.thigh, files.shank, tmp_path / "s", rate_hz=100.0)
    kinds = {finding.kind for finding in read_session(tmp_path / "s").findings}
    assert "rate_by_hand" in kinds
    files = DIALECT_NAMES["named by --columns"](tmp_path / "2", leg)
    import_session("auto", files.thigh, files.shank, tmp_path / "s2", **files.options)
    assert 'columns = ["A", "B", "C"]' in read_session(tmp_path / "s2").info.notes
