"""The two weeks through the whole chain, and what they cost.

    python tests/benchmarks/two_weeks.py                 two people of 14 days; then 14 sessions of 15 minutes
    python tests/benchmarks/two_weeks.py --minutes 5

The first part simulates the sensors of every day, writes the sessions, and asks `kneeflex trend`. The
second measures time and memory of `kneeflex trend` over long sessions, and of a second call.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from analysis.change import trend_of_days
from firmware_bridge.session.person import Person, Pose, new_session_folder, write_person
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.days import DaysPlan, simulate_days
from firmware_bridge.virtual.sessions import full_session
from firmware_bridge.virtual.simulation import simulate_session

FIRST = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PEOPLE = {
    "P01": DaysPlan(gain_deg=8.0, missing=(5,), slipped=(9,)),
    "P02": DaysPlan(gain_deg=0.0),
}


def kneeflex(*arguments: str | Path) -> tuple[str, float, float]:
    """Runs the command; returns its output, seconds and MB of this and all earlier runs."""
    start = time.perf_counter()
    command = [sys.executable, "-c", "from analysis.cli import main; main()", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    took = time.perf_counter() - start
    return run.stdout, took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def person_of(root: Path, code: str, plan: DaysPlan, seed: int) -> dict[str, Any]:
    """Two weeks of a simulated person: what the command says, and the truth."""
    write_person(root / code, Person(code, pose=Pose(20.0, 1.6, "jig"), planned_days=plan.days))
    day, held, read = [], [], []
    for moment, session in simulate_days(plan, code, FIRST, seed=seed):
        write_session(new_session_folder(root, code, moment.astimezone()), session.recording)
        pose = session.recording.reference_poses[0]
        index = int(np.searchsorted(session.truth.time_s, pose.time_s + 1.0))
        error = pose.flexion_deg - float(session.truth.flexion_deg[index])
        day.append(float(moment.toordinal()))
        held.append(float(np.mean(session.truth.extension_deg["before", "prone"])))
        read.append(held[-1] + error)
    output, _, _ = kneeflex("trend", root, "--client", code, "--json")
    found: dict[str, Any] = json.loads(output)
    found["held_deg"] = trend_of_days(day, held, planned_days=plan.days).total_change_deg
    found["read_deg"] = trend_of_days(day, read, planned_days=plan.days).total_change_deg
    return found


def chain(seeds: Sequence[int]) -> None:
    """The error of the total change through sensors, angle and command line."""
    print("person  seed  true gain  held  with the error of the zero  measured  error of the chain  verdict")
    for seed in seeds:
        with TemporaryDirectory() as folder:
            for code, plan in PEOPLE.items():
                found = person_of(Path(folder), code, plan, seed)
                total, held, read = (found[k] for k in ("total_change_deg", "held_deg", "read_deg"))
                print(
                    f"{code:6} {seed:5} {plan.gain_deg:+10.2f} {held:+6.2f} {read:+10.2f}"
                    f" {total:+25.2f} {total - read:+12.2f}  {found['verdict']}",
                    flush=True,
                )


def cost(minutes: float) -> None:
    """Time and memory over 14 long sessions, and of a second call."""
    repetitions = max(4, round(10 * minutes / 15))
    script = full_session(repetitions=repetitions, pandiculations=3 * repetitions, rest_s=60.0, seed=1)
    simulated = simulate_session(script, seed=1).recording
    print(f"\n14 sessions of {script.duration_s / 60:.1f} minutes")
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for day in range(14):
            moment = FIRST + timedelta(days=day)
            info = replace(simulated.info, id=f"s{day}", client="P01", started_at=moment.isoformat())
            write_session(new_session_folder(root, "P01", moment), replace(simulated, info=info))
        for name in ("first call", "second call", "second call, --json"):
            _, took, memory = kneeflex(
                "trend", root, "--client", "P01", *(["--json"] if "json" in name else [])
            )
            print(f"{name:20} {took:6.2f} s, at most {memory:.0f} MB", flush=True)


def main() -> None:
    """Reads the options and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    chain(range(options.seeds))
    cost(options.minutes)


if __name__ == "__main__":
    main()
