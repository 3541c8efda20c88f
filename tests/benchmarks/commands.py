"""What the commands cost, each as a ratio, in one run: help, an hour, the second command, many sessions.

python tests/benchmarks/commands.py               an hour; 30 sessions of 10 minutes; takes 10 minutes or so
python tests/benchmarks/commands.py --minutes 10 --sessions 6 --repeats 3

| ratio | of | to |
|---|---|---|
| help | `kneeflex --help` | `import numpy` |
| angle | `kneeflex angle`, first and second time | pandas reading the files and offline VQF, one process |
| reading again | the first reading | a second one |
| second command | `angle`, `compare` on a session without anything kept | the same once more |
| batch, two workers | twice the time of one worker | the time of two |
| batch, again | the first run | a second one |

Times are those of the processor (user and system, with children) unless "wall" is said, where other programs
count. The speed-up of two workers is given by both; by the processor it is what two free cores give. Every
command runs once before it is measured, with compiled modules, as it does for a user after the first time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from speed import RATE_HZ, streams

from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import full_session
from firmware_bridge.virtual.simulation import simulate_session

KNEEFLEX = (sys.executable, "-c", "import kneeflex; kneeflex.main()")
REFERENCE = """
import sys
import numpy as np
import pandas as pd
from vqf import offlineVQF
for name in ("thigh", "shank"):
    table = pd.read_csv(f"{sys.argv[1]}/{name}.csv")
    parts = (("gyr", "rad_s"), ("acc", "m_s2"))
    arrays = [np.ascontiguousarray(table[[f"{q}_{a}_{u}" for a in "xyz"]].to_numpy()) for q, u in parts]
    offlineVQF(*arrays, None, 1 / float(sys.argv[2]))
"""
READ = """
import sys, time, pandas
from firmware_bridge.session.reader import read_session
start = time.process_time()
read_session(sys.argv[1], keep_parsed=True)
print(time.process_time() - start)
"""


def as_a_user() -> dict[str, str]:
    """The environment of the commands: that of this process, but modules are kept compiled.

    Libraries come compiled from their installation. Where Python is told not to write compiled modules, those
    of this program alone would be compiled again by every command, which no user's are.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def spent(*command: str) -> tuple[float, float]:
    """Processor and wall seconds of a command with its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=as_a_user())
    after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s, wall_s


def medians(runs: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """The median of each, taken in turns, after one run of each that does not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(run())
    return {name: statistics.median(values) for name, values in times.items()}


def hour(folder: Path, minutes: float) -> Path:
    """A simulated session of so many minutes."""
    recording = simulate_session(full_session(seed=1), seed=1).recording
    thigh, shank = streams(minutes)
    write_session(folder, replace(recording, thigh=thigh, shank=shank))
    return folder


def many(root: Path, count: int) -> Path:
    """So many sessions of nearly 10 minutes: three simulated ones under many names, their CSV linked."""
    for seed in range(3):
        script = full_session(seed=seed, rest_s=220.0)
        write_session(root / f"base/{seed}", simulate_session(script, seed=seed, raw_clock=True).recording)
    for k in range(count):
        base, place = root / f"base/{k % 3}", root / f"all/P{k // 10:03d}/{k % 10}"
        place.mkdir(parents=True)
        for name in ("thigh.csv", "shank.csv"):
            os.link(base / name, place / name)
        info = json.loads((base / "session.json").read_text()) | {"id": f"s{k}", "client": f"P{k // 10:03d}"}
        (place / "session.json").write_text(json.dumps(info))
        (place / "events.jsonl").write_bytes((base / "events.jsonl").read_bytes())
    return root / "all"


def forget(root: Path) -> None:
    """Deletes everything that is kept to save time."""
    for name in ("*.npz", "rows.json"):
        for file in root.rglob(f"derived/{name}"):
            file.unlink()


def commands(folder: Path, repeats: int) -> None:
    """Prints the ratios of single commands."""
    numpy, kneeflex_help = (sys.executable, "-c", "import numpy"), (*KNEEFLEX, "--help")
    cost = medians({"numpy": lambda: spent(*numpy)[0], "help": lambda: spent(*kneeflex_help)[0]}, 3 * repeats)
    print(f"help    {cost['help']:6.2f} s  {cost['help'] / cost['numpy']:5.2f} x import numpy")

    def first(command: str) -> float:
        forget(folder)
        return second(command)

    def second(command: str) -> float:
        return spent(*KNEEFLEX, command, str(folder))[0]

    def read() -> float:
        command = (sys.executable, "-c", READ, folder)
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=as_a_user())
        return float(run.stdout)

    def read_first() -> float:
        forget(folder)
        return read()

    reference = (sys.executable, "-c", REFERENCE, str(folder), str(RATE_HZ))
    runs = {"first": lambda: first("angle"), "second": lambda: second("angle")}
    runs |= {"pandas and vqf": lambda: spent(*reference)[0]}
    runs |= {"compare first": lambda: first("compare"), "compare second": lambda: second("compare")}
    runs |= {"reading first": read_first, "reading again": read}
    cost = medians(runs, repeats)
    for name in ("first", "second"):
        ratio = cost[name] / cost["pandas and vqf"]
        print(f"angle, {name:8s} {cost[name]:6.2f} s  {ratio:5.2f} x pandas and offline vqf")
    print(
        f"reading again    {cost['reading first'] / cost['reading again']:6.2f} x faster than the first time"
    )
    print(f"second angle     {cost['first'] / cost['second']:6.2f} x faster than the first")
    print(f"second compare   {cost['compare first'] / cost['compare second']:6.2f} x faster than the first")


def sessions(root: Path, count: int) -> None:
    """Prints what a table of many sessions costs."""
    table = str(root.parent / "table.csv")

    def run(workers: int) -> tuple[float, float]:
        return spent(*KNEEFLEX, "batch", str(root), "--out", table, "--workers", str(workers))

    one = run(1)
    again = run(1)
    forget(root)
    two = run(2)
    print(
        f"batch, {count} sessions: {one[0] / count:.2f} s each with one worker, wall {one[1] / count:.2f} s"
    )
    print(f"batch, two workers {2 * one[0] / two[0]:5.2f} x by the processor, {one[1] / two[1]:.2f} x wall")
    print(f"batch, again       {one[0] / again[0]:5.0f} x faster")
    print(f"largest memory of a process {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        commands(hour(Path(place) / "hour", arguments.minutes), arguments.repeats)
        sessions(many(Path(place) / "many", arguments.sessions), arguments.sessions)


if __name__ == "__main__":
    main()
