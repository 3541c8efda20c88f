"""Many days of one simulated person: a session a day whose true course is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from firmware_bridge.samples import Side
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session


@dataclass(frozen=True, slots=True)
class DaysPlan:
    """A person who practises every day.

    Attributes:
        days: how many, missing ones included.
        gain_deg: how much straighter the knee truly becomes over them, measured before practice.
        session_gain_deg: how much straighter it becomes within each session.
        day_sd_deg: true variation of the knee from day to day.
        zero_sd_deg: error of setting the zero anew each day.
        support_deg, support_sd_deg: the entered angle of the reference pose, the same every day.
        missing: days without a session, counted from 0.
        slipped: days on which a strap slips by `slip_deg` amid the exercise.
        baseline_days: days before practice; the course is level until then.
        deficit_deg: on the first day.
    """

    days: int = 14
    gain_deg: float = 9.0
    session_gain_deg: float = 5.0
    day_sd_deg: float = 0.8
    zero_sd_deg: float = 0.8
    support_deg: float = 20.0
    support_sd_deg: float = 1.6
    missing: tuple[int, ...] = ()
    slipped: tuple[int, ...] = ()
    slip_deg: float = 6.0
    baseline_days: int = 0
    deficit_deg: float = 16.0
    side: Side = Side.RIGHT

    def level_deg(self, day: int) -> float:
        """The knee before practice on a day, without its variation from day to day."""
        start = max(0, self.baseline_days - 1)
        return self.deficit_deg - self.gain_deg * max(0, day - start) / (self.days - 1 - start)


def simulate_days(
    plan: DaysPlan, client: str, first: datetime, *, seed: int = 0
) -> Iterator[tuple[datetime, SimulatedSession]]:
    """The sessions of the days, each strapped on anew, with when it began.

    Args:
        plan: what truly happens.
        client: the code of the simulated person.
        first: the beginning of the first session, with a time zone.
        seed: of everything.
    """
    for day in range(plan.days):
        if day in plan.missing:
            continue
        rng = np.random.default_rng((seed, day))
        zero_error_deg = plan.zero_sd_deg * float(rng.standard_normal())
        script = condensed_session(
            gain_deg=plan.session_gain_deg,
            deficit_deg=plan.level_deg(day) + plan.day_sd_deg * float(rng.standard_normal()),
            # The leg never lies on its support exactly as it did when its angle was measured.
            reference_deg=plan.support_deg - zero_error_deg,
            reference_error_deg=zero_error_deg,
            reference_sd_deg=plan.support_sd_deg,
            slip_deg=plan.slip_deg if day in plan.slipped else 0.0,
            warmup_repetitions=4,
            swing_s=1.2,
            still_s=2.0,
            reference_s=3.0,
            bend_s=0.8,
            block_sd_deg=0.5,
            side=plan.side,
            seed=1000 * seed + day,
        )
        moment = first + timedelta(days=day, minutes=float(rng.uniform(-40, 40)))
        session = simulate_session(script, seed=1000 * seed + day)
        info = replace(
            session.recording.info,
            id=f"simulated-{client}-{day + 1}",
            client=client,
            started_at=moment.isoformat(timespec="seconds"),
        )
        yield moment, replace(session, recording=replace(session.recording, info=info))
