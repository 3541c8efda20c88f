"""The Python examples of the pages run as they stand; the pages hold the only copy."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kneeflex
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "docs" / "reference" / "library.md"


def examples(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run(page: Path, names: dict[str, Any]) -> dict[str, Any]:
    """Runs the examples of a page one after the other, in one namespace."""
    for number, code in enumerate(examples(page), start=1):
        exec(compile(code, f"{page.name}, example {number}", "exec"), names)
    return names


def test_every_example_of_the_pages_is_run_by_a_test() -> None:
    """Those of the driver page in tests/firmware_bridge/drivers/test_sensors_page.py, the others here."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    shown = {page.relative_to(ROOT).as_posix() for page in pages if examples(page)}
    assert shown == {"README.md", "docs/reference/library.md", "docs/how-to/add-a-sensor.md"}


@pytest.fixture(scope="module")
def simulated() -> SimulatedSession:
    return simulate_session(condensed_session(seed=1), seed=1)


@pytest.mark.slow
def test_the_library_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("bumble")
    monkeypatch.chdir(tmp_path)
    run(LIBRARY, {"__name__": "example"})
    shown = capsys.readouterr().out
    assert "gained" in shown
    assert re.search(r"thigh: [45]\d\d samples, 0 lost", shown), "five seconds at 100 Hz of the virtual board"


def test_the_library_page_shows_every_name_of_the_front_door() -> None:
    used = " ".join(examples(LIBRARY))
    table = LIBRARY.read_text(encoding="utf-8").partition("## Something to try")[0]
    for name in kneeflex.__all__:
        assert re.search(rf"`{name}`", table), name
        # A phase is given as a recording holds it.
        assert re.search(rf"\b{name}\b", used) or name == "PhaseSpan", name


def test_the_example_of_the_readme_runs(
    simulated: SimulatedSession, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five lines, with the arrays of the reader."""

    def arrays(samples: ImuSamples) -> tuple[Float, Float, Float]:
        return samples.time_s, samples.acc_m_s2, samples.gyr_rad_s

    recording = simulated.recording
    (code,) = examples(ROOT / "README.md")
    assert len(code.splitlines()) <= 5
    names = SimpleNamespace(thigh=arrays(recording.thigh), shank=arrays(recording.shank))
    ran = run(ROOT / "README.md", vars(names))
    found, true = (
        np.subtract(*np.nanpercentile(a, [99, 1]))
        for a in (ran["track"].flexion_deg, simulated.truth.flexion_deg)
    )
    assert found == pytest.approx(true, abs=3)
    assert "deg" in capsys.readouterr().out
