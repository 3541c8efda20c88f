"""Every command that writes, killed at random moments and run on a full disk: each file whole, old or new.

Run: python tests/benchmarks/kills.py [COUNT]
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from analysis.cli import main
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session

Files = dict[str, bytes]


def files_of(folder: Path) -> Files:
    """The content of every file that is no leftover."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def start(arguments: list[str], prepare: Callable[[], None] | None = None) -> int:
    """The command in a process of its own, silent."""
    child = os.fork()
    if child:
        return child
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    sys.argv = ["kneeflex", *arguments]
    code = 0
    try:
        if prepare is not None:
            prepare()
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:  # an accident: told apart from an error in words
        code = 99
    os._exit(code)


def full_after(count: int) -> Callable[[], None]:
    """No file may be longer than this: what a full disk does in the middle of a piece."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (count, resource.RLIM_INFINITY))

    return prepare


def whole(now: Files, old: Files, new: Files) -> bool:
    """Whether every file is the old or the new one; a random id makes imports differ, so those are read."""
    return all(content in (old.get(name), new.get(name)) for name, content in now.items()) and all(
        name in now for name in old
    )


def trial(name: str, arguments: list[str], template: Path, count: int, dice: random.Random) -> None:
    place = template.parent / "trial"

    def fresh() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place)

    fresh()
    old = files_of(place)
    begun = time.monotonic()
    status = os.waitpid(start(arguments), 0)[1]
    lasts_s = time.monotonic() - begun
    new = files_of(place)
    longest = max(map(len, new.values()))
    results: Counter[str] = Counter({f"exit {os.waitstatus_to_exitcode(status)}": 1})
    for turn in range(2 * count):
        fresh()
        if turn < count:
            child = start(arguments)
            time.sleep(dice.uniform(0.2, 1.05) * lasts_s)
            os.kill(child, signal.SIGKILL)
        else:
            child = start(arguments, full_after(dice.randrange(longest)))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        now = files_of(place)
        if name == "import":
            there = (place / "out" / "session.json").exists()
            sound = not (place / "out" / "thigh.csv").exists() or (
                there and len(read_session(place / "out").thigh) == len(read_session(template / "s").thigh)
            )
        else:
            sound = whole(now, old, new)
        results["whole" if sound else "TORN"] += 1
        results["killed" if code == -9 else f"exit {code}"] += 1
    print(f"{name:12s} {lasts_s:5.2f} s  {dict(results)}", flush=True)


def run(count: int) -> None:
    dice = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        template, place = Path(folder) / "template", Path(folder) / "trial"
        recording = simulate_session(condensed_session(gain_deg=9.0, seed=3), seed=3).recording
        write_session(template / "s", recording)
        os.waitpid(start(["report", str(template / "s")]), 0)  # older results, to be replaced
        shutil.copy(template / "s" / "thigh.csv", template / "thigh_file.csv")
        shutil.copy(template / "s" / "shank.csv", template / "shank_file.csv")
        session, table = str(place / "s"), str(place / "table.csv")
        two = ["--thigh", str(place / "thigh_file.csv"), "--shank", str(place / "shank_file.csv")]
        commands = {
            "import": ["import", "auto", *two, "--out", str(place / "out")],
            "angle": ["angle", session, "--plot", str(place / "p.png")],
            "report": ["report", session],
            "batch": ["batch", str(place), "--out", table, "--workers", "1"],
            "recalibrate": ["recalibrate", session, "--flexion", "25"],
        }
        for name, arguments in commands.items():
            trial(name, arguments, template, count, dice)


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
