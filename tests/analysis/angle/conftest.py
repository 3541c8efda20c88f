"""Simulated sessions with a known truth, and the recordings of real people where they are at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analysis.angle import estimate_angle
from analysis.angle.result import AngleResult
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.virtual.leg import Knee
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session
from firmware_bridge.virtual.wearing import Wearing

HINGE = Knee()
TESTS = {"prone": "prone", "supine": "supine", "standing": "standing", "side_lying": "prone", "seated": "ake"}


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated session and how far an estimate is from its truth."""

    session: SimulatedSession

    def until(self, stop_s: float) -> Case:
        """The beginning of the session, where its end would only cost time."""
        recording = self.session.recording
        thigh, shank = (s[s.time_s < stop_s] for s in (recording.thigh, recording.shank))
        return Case(replace(self.session, recording=replace(recording, thigh=thigh, shank=shank)))

    @property
    def thigh(self) -> ImuSamples:
        return self.session.recording.thigh

    @property
    def shank(self) -> ImuSamples:
        return self.session.recording.shank

    def estimate(self, **options: object) -> AngleResult:
        """Estimated once for the same options."""
        return _estimated(self, **options)

    def error_deg(self, result: AngleResult) -> Float:
        """(k,) of the valid samples."""
        return self.errors(result)[result.track.valid]

    def errors(self, result: AngleResult) -> Float:
        """(n,), NaN where nothing is known."""
        truth = self.session.truth
        return result.track.flexion_deg - np.interp(result.track.time_s, truth.time_s, truth.flexion_deg)

    def hold_errors_deg(self, result: AngleResult, phase: str) -> Float:
        """The median error in every held position of a phase."""
        error, time_s = self.errors(result), result.track.time_s
        holds = [h for h in self.session.script.holds if h.phase == phase]
        return np.array([np.nanmedian(error[(time_s >= h.start_s) & (time_s < h.stop_s)]) for h in holds])


@cache
def _estimated(case: Case, **options: object) -> AngleResult:
    recording = case.session.recording
    known = {"phases": recording.phases, "poses": recording.reference_poses, **options}
    return estimate_angle(case.thigh, case.shank, **known)  # type: ignore[arg-type]


@cache
def _simulated(posture: str, soft_tissue_deg: float | None, human: bool, seed: int) -> Case:
    wearing = Wearing.rigid(seed) if soft_tissue_deg is None else Wearing.realistic(soft_tissue_deg, seed)
    script = condensed_session(posture, TESTS[posture], seed=seed)  # type: ignore[arg-type]
    knee = {} if human else {"knee": HINGE}
    return Case(simulate_session(script, wearing, seed=seed, **knee))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def simulated() -> Callable[..., Case]:
    """`simulated(posture, soft_tissue_deg=2.0, human=True, seed=1)`; None = ideal sensors on the bone."""

    def make(
        posture: str = "standing", soft_tissue_deg: float | None = 2.0, human: bool = True, seed: int = 1
    ) -> Case:
        return _simulated(posture, soft_tissue_deg, human, seed)

    return make


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings, which is not part of the repository."""
    folder = Path(
        os.environ.get("KNEEFLEX_DATA") or Path(__file__).resolve().parents[3].parent / "shared" / "data"
    )
    if not folder.is_dir():
        pytest.skip("the recordings are not here; set KNEEFLEX_DATA to their folder")
    return folder
