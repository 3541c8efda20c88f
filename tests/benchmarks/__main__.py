"""Every table of the documentation anew, in one command. Nothing is fetched.

python -m tests.benchmarks --out tables                   simulated sessions only
python -m tests.benchmarks --out tables --data FOLDER     and public recordings, where the folder holds them
python -m tests.benchmarks --out tables --only accuracy,speed --quick

Each table is one file in `--out`, with the versions it was made with. The angle is measured beside a plain
complementary filter, and beside vqf and qmt where they are installed (`pip install vqf qmt`), in the same
run. Whole tables take hours; `--quick` makes small ones, for a look. tests/benchmarks/trials.py names the
folders that are looked for, and whose recordings they hold.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("kneeflex", "numpy", "scipy", "vqf", "qmt")


@dataclass(frozen=True)
class Table:
    """A table: its program, the page that shows it, and the words that make it small."""

    program: str
    page: str
    words: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    takes_data: bool = False


TABLES = {
    "accuracy": Table("accuracy.py", "angle.md", ("--seeds", "8"), ("--seeds", "1"), takes_data=True),
    "band": Table("band.py", "angle.md", ("--seeds", "6"), ("--seeds", "1")),
    "band_live": Table("band.py", "angle.md", ("--causal", "--seeds", "6"), ("--causal", "--seeds", "1")),
    "hard_cases": Table("hard_cases.py", "angle.md", (), ("--seeds", "1")),
    "lag": Table("lag.py", "angle.md", takes_data=True),
    "speed": Table("speed.py", "angle.md", (), ("--minutes", "5", "--qmt-minutes", "1", "--repeats", "2")),
    "verdict": Table("null_sessions.py", "verdict.md", (), ("--sessions", "500")),
    "trend": Table("trend_series.py", "verdict.md", (), ("--series", "300")),
    "faults": Table("faults.py", "checks.md", (), ("--variants", "1")),
}


def command(table: Table, data: Path | None, *, quick: bool) -> list[str]:
    """The words that make a table."""
    given = ["--data", str(data)] if table.takes_data and data is not None else []
    return [sys.executable, str(HERE / table.program), *(table.quick if quick else table.words), *given]


def made_with(words: Sequence[str]) -> str:
    """What a table was made with."""
    found = [f"{package} {_version(package)}" for package in PACKAGES]
    program = " ".join(["tests/benchmarks/" + Path(words[1]).name, *words[2:]])
    found += [f"Python {platform.python_version()}", platform.machine()]
    return f"Made by `{program}` with {', '.join(found)}.\n"


def make(name: str, words: Sequence[str], out: Path) -> bool:
    """Runs one program, shows what it prints, and writes it into a file; whether it ended well."""
    path = out / f"{name}.md"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"# {name}\n\n{made_with(words)}\n")
        file.flush()
        with subprocess.Popen(words, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for line in running.stdout:
                print(line, end="", flush=True)
                file.write(line)
                file.flush()
    print(f"{path}: {'written' if running.returncode == 0 else 'not whole'}", file=sys.stderr)
    return running.returncode == 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--data", type=Path, help="folder of public recordings")
    parser.add_argument("--only", default=",".join(TABLES), help=f"of {', '.join(TABLES)}")
    parser.add_argument("--quick", action="store_true", help="small tables, for a look")
    given = parser.parse_args(arguments)
    names = given.only.split(",")
    if unknown := [name for name in names if name not in TABLES]:
        parser.error(f"there is no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    if given.data is not None and not given.data.is_dir():
        parser.error(f"there is no folder {given.data}")
    given.out.mkdir(parents=True, exist_ok=True)
    made = [make(name, command(TABLES[name], given.data, quick=given.quick), given.out) for name in names]
    return 0 if all(made) else 1


if __name__ == "__main__":
    sys.exit(main())
