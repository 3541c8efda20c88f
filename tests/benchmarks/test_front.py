"""The one command for all tables names what there is; the plain peer follows a slow knee."""

from __future__ import annotations

import importlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session

HERE = Path(__file__).parent


def test_every_table_names_a_program_its_options_and_its_page() -> None:
    front = runpy.run_path(str(HERE / "__main__.py"), run_name="front")
    for name, table in front["TABLES"].items():
        program = (HERE / table.program).read_text(encoding="utf-8")
        for quick in (False, True):
            words = front["command"](table, Path("recordings"), quick=quick)[2:]
            for word in words:
                assert not word.startswith("--") or f'"{word}"' in program, (name, word)
        assert (HERE.parents[1] / "docs" / table.page).is_file()


def test_a_table_that_there_is_not_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--out", "x", "--only", "abacus"],
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONSAFEPATH": ""},  # the benchmarks are started from the checkout
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "accuracy" in run.stderr


def test_the_plain_filter_follows_a_slow_knee(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)  # as the programs of this folder import one another
    inclination_rad = importlib.import_module("complementary").inclination_rad
    session = simulate_session(condensed_session(seed=3), seed=3)
    recording, truth = session.recording, session.truth
    thigh = inclination_rad(recording.thigh, truth.thigh_axis, 100.0)
    shank = inclination_rad(recording.shank, truth.shank_axis, 100.0)
    true_deg = np.interp(recording.thigh.time_s, truth.time_s, truth.flexion_deg)
    assert np.std(np.degrees(shank - thigh) - true_deg) < 3.0
