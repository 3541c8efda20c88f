"""Measured sessions of one person, written as they are kept: no samples have to be computed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analysis import measured
from analysis.measured import Measurement
from analysis.movement.result import Plateau, Repetition
from firmware_bridge.samples import Side
from firmware_bridge.session.codec import info_to_json
from firmware_bridge.session.model import ReferencePose, SessionInfo

FIRST = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORDER = ("warmup", "before", "before_again", "after")


def repetitions(phases: dict[str, Sequence[float]], test: str = "prone") -> tuple[Repetition, ...]:
    """Repetitions of one test with these values."""
    found = []
    for phase, values in phases.items():
        for i, value in enumerate(values):
            start = 1000.0 * ORDER.index(phase) + 10.0 * i
            held = Plateau(start + 5, start + 8, value, 0.2)
            found.append(Repetition(start, start + 10.0, phase, test, 90.0, held))  # type: ignore[arg-type]
    return tuple(found)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a session as it is kept after it was measured: `write(day, before, after, ...)`."""

    def make(
        day: float,
        before: float | None = 15.0,
        after: float | None = 10.0,
        *,
        again: float | None = None,
        client: str = "P07",
        side: Side = Side.RIGHT,
        test: str = "prone",
        pose: tuple[str, float] | None = ("jig", 20.0),
        slip_deg: float = 0.0,
        restrapped: bool = False,
        practised: bool = True,
        status: str = "closed",
        problem: str = "",
        name: str | None = None,
    ) -> Path:
        moment = FIRST + timedelta(days=day)
        folder = tmp_path / client / (name or f"{moment:%Y-%m-%d-%H%M%S}-{side}")
        folder.mkdir(parents=True)
        info = SessionInfo(f"{client}-{side}-{day}-{name}", client, side, moment.isoformat(), status, {})  # type: ignore[arg-type]
        (folder / "session.json").write_text(info_to_json(info))
        values = {"warmup": [16.0] * 6}
        for phase, level in (("before", before), ("before_again", again), ("after", after)):
            if level is not None:
                values[phase] = [level - 0.2, level, level + 0.2]
        found = Measurement(
            session=folder,
            id=info.id,
            client=client,
            side=side,
            started_at=info.started_at,
            status=status,
            problem=problem,
            relative=pose is None,
            zero_sd_deg=float("nan") if pose is None else 1.6,
            poses=() if pose is None else (ReferencePose(1.0, 5.0, pose[1], 1.6, pose[0]),),  # type: ignore[arg-type]
            pose_checks=((9000.0, -slip_deg),),
            repetitions=()
            if problem
            else tuple(
                replace(r, strapping=int(restrapped and r.phase == "after"))
                for r in repetitions(values, test)
            ),
            practised=practised,
        )
        measured._keep(folder, measured.stamp(folder), found)
        assert json.loads((folder / measured.FILE).read_text())["stamp"]
        return folder

    return make
