"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis.angle.result import AngleResult, FlexionTrack
from firmware_bridge.samples import Float
from firmware_bridge.virtual.simulation import SimulatedSession


@pytest.fixture(scope="session")
def truth_error() -> Callable[[SimulatedSession, AngleResult | FlexionTrack], Float]:
    """`truth_error(session, result)`: flexion less the truth (n,), in degrees; NaN where nothing is known."""

    def error(session: SimulatedSession, result: AngleResult | FlexionTrack) -> Float:
        track = result.track if isinstance(result, AngleResult) else result
        return track.flexion_deg - np.interp(track.time_s, session.truth.time_s, session.truth.flexion_deg)

    return error
