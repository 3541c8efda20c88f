"""The sample rate of a file that has a counter but no stamps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.findings import Consequence
from firmware_bridge.samples import Float, Int
from firmware_bridge.session.importers import physics

# What sensors offer; a rate found from turns is one of them if it is that near.
_OFFERED_HZ = np.array([10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 120, 150, 200, 240, 400], float)
_NEAR = 0.015
_CONTRADICTION = 0.03
# By gravity the rate is known so well only where the sensor rested between its turns.
_NEAR_BY_GRAVITY = 0.06
_CONTRADICTION_BY_GRAVITY = 0.2


class Noting(Protocol):
    """Where findings go."""

    def add(self, kind: str, sentence: str, consequence: Consequence = "tell") -> None:
        """Adds one finding."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Turned:
    """What a sensor measured, row by row; None where the file does not hold it.

    `gyr` is (n, 3) in rad/s, `acc` (n, 3) in any unit, `orientation` (n, 4) as w, x, y, z.
    """

    gyr: Float | None = None
    acc: Float | None = None
    orientation: Float | None = None

    def at(self, rows: Any) -> Turned:
        """The same of some rows."""
        parts = (self.gyr, self.acc, self.orientation)
        return Turned(*(None if part is None else part[rows] for part in parts))


def rate_of_counter(
    path: Path,
    stated_hz: float | None,
    by_hand_hz: float | None,
    count: Int,
    turned: Turned,
    notes: Noting,
) -> tuple[float, str]:
    """The rate, and how it is known; a rate that contradicts the sensor's own turns is rejected.

    Raises:
        SessionError: no source states the rate, or the sources disagree.
    """
    by_orientation = None
    if turned.orientation is not None and turned.gyr is not None and len(count) > 50:
        # Turns over a gap are outliers, which the search leaves out.
        by_orientation = physics.rate_from_orientation(turned.gyr, turned.orientation)
    if stated_hz and by_hand_hz and abs(by_hand_hz / stated_hz - 1) > 0.01:
        raise SessionError(
            f"{path.name} states another rate than the {by_hand_hz:g} Hz given by hand.",
            "Leave --rate out, or take the wrong line out of the file.",
        )
    given = by_hand_hz or stated_hz
    if given:
        _refuse_contradiction(path, given, by_hand_hz is not None, by_orientation, turned)
        if by_hand_hz:
            notes.add(
                "rate_by_hand",
                f"The rate of {path.name}, {by_hand_hz:g} Hz, was given by hand: its times rest on that.",
            )
            return given, "given by hand"
        return given, "stated in the file"
    if by_orientation is not None:
        nearest = _nearest(by_orientation, _NEAR)
        notes.add(
            "rate_inferred",
            f"{path.name} does not state its rate; the turns between its orientations make it "
            f"{nearest or by_orientation:g} Hz.",
        )
        return nearest or by_orientation, "from the angular rate and the exported orientation"
    by_gravity = _by_gravity(turned)
    if by_gravity is not None:
        notes.add(
            "rate_inferred",
            f"{path.name} does not state its rate; the turns of gravity make it {by_gravity:g} Hz.",
            "widen",
        )
        return by_gravity, "from the angular rate and gravity"
    raise SessionError(
        f"{path} does not tell its sample rate, and neither do the turns of the sensor.",
        "Look up at which rate it was recorded and give it with --rate.",
    )


def _by_gravity(turned: Turned) -> float | None:
    if turned.acc is None or turned.gyr is None:
        return None
    found = physics.turning(turned.acc, turned.gyr / 100.0)
    if found is None or not found.sure:
        return None
    return _nearest(100.0 / found.scale, _NEAR_BY_GRAVITY)


def _nearest(rate_hz: float, near: float) -> float | None:
    """The only offered rate so near, or None."""
    close = _OFFERED_HZ[np.abs(_OFFERED_HZ / rate_hz - 1) < near]
    return float(close[0]) if len(close) == 1 else None


def _refuse_contradiction(
    path: Path, rate_hz: float, by_hand: bool, by_orientation: float | None, turned: Turned
) -> None:
    whose = "given by hand" if by_hand else "stated in its first lines"
    if by_orientation is not None and abs(rate_hz / by_orientation - 1) > _CONTRADICTION:
        raise SessionError(
            f"{path.name} cannot have been sampled at {rate_hz:g} Hz, the rate {whose}: the turns of its "
            "orientation contradict that.",
            "Leave --rate out." if by_hand else "Restore the file as it was exported.",
        )
    if turned.acc is None or turned.gyr is None:
        return
    found = physics.turning(turned.acc, turned.gyr / rate_hz)
    if found is None or found.error_deg > 3.0:
        return
    limit = 1 + _CONTRADICTION_BY_GRAVITY if found.sure else 1.65
    if not 1 / limit < found.scale < limit:
        raise SessionError(
            f"{path.name} cannot have been sampled at {rate_hz:g} Hz, the rate {whose}: gravity turns "
            f"{found.scale:.2f} times as far as the angular rate then says.",
            "Look up the true rate, or whether the angular rate is in another unit.",
        )
