"""The import rules of the house, read from the syntax trees: imports run the way the data runs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WINGS = ("firmware_bridge", "analysis")
FRONT_DOOR = ROOT / "kneeflex.py"
FILES = [FRONT_DOOR, *sorted(p for wing in WINGS for p in (ROOT / wing).rglob("*.py"))]

# What every room may use: data types, errors and constants that import nothing but one another.
SHARED = {"firmware_bridge.samples", "firmware_bridge.segments", "firmware_bridge.errors",
          "firmware_bridge.constants", "firmware_bridge.findings", "firmware_bridge.plausible",
          "firmware_bridge.vectors", "analysis.constants"}  # fmt: skip
SESSION = {"firmware_bridge.session"}
MEASURED = {"analysis.angle", "analysis.movement", "analysis.change"}
ANSWERS = {"analysis.check", "analysis.answer", "analysis.measured", "analysis.history", "analysis.days",
           "analysis.cohort"}  # fmt: skip
# A room (a folder or a file below a wing) -> the rooms that it may import, beside SHARED.
ARROWS: Mapping[str, set[str]] = {
    "firmware_bridge.samples": set(),
    "firmware_bridge.segments": set(),
    "firmware_bridge.errors": set(),
    "firmware_bridge.constants": set(),
    "firmware_bridge.findings": set(),
    "firmware_bridge.plausible": set(),
    "firmware_bridge.vectors": set(),
    "firmware_bridge.settings": {"firmware_bridge.session"},
    "firmware_bridge.clock": set(),
    "firmware_bridge.timing": set(),
    "firmware_bridge.session": {"firmware_bridge.clock", "firmware_bridge.timing"},
    "firmware_bridge.drivers": {*SESSION, "firmware_bridge.timing"},
    "firmware_bridge.receiving": {
        *SESSION, "firmware_bridge.clock", "firmware_bridge.timing", "firmware_bridge.drivers",
    },
    "firmware_bridge.link": {
        *SESSION, "firmware_bridge.clock", "firmware_bridge.timing", "firmware_bridge.drivers",
        "firmware_bridge.receiving", "firmware_bridge.settings",
    },
    "firmware_bridge.capture": {
        *SESSION, "firmware_bridge.clock", "firmware_bridge.link", "firmware_bridge.receiving",
    },
    "firmware_bridge.trial": {
        *SESSION, "firmware_bridge.drivers", "firmware_bridge.link", "firmware_bridge.receiving",
    },
    "firmware_bridge.virtual": {
        *SESSION, "firmware_bridge.clock", "firmware_bridge.timing", "firmware_bridge.drivers",
    },
    "analysis.constants": set(),
    "analysis.decimals": set(),
    "analysis.angle": SESSION,
    "analysis.movement": {*SESSION, "analysis.angle"},
    "analysis.change": {*SESSION, "analysis.movement"},
    "analysis.check": {*SESSION, "analysis.angle", "analysis.movement"},
    "analysis.guide": {*SESSION, "analysis.angle", "analysis.movement", "analysis.check"},
    "analysis.live": {
        *SESSION, "analysis.angle", "analysis.movement", "analysis.check", "analysis.guide",
        "firmware_bridge.link", "firmware_bridge.receiving", "firmware_bridge.clock",
        "firmware_bridge.virtual",
    },
    "analysis.answer": {*SESSION, *MEASURED, "analysis.check", "analysis.kept"},
    "analysis.measured": {*SESSION, *MEASURED, "analysis.answer", "analysis.kept"},
    "analysis.kept": {*SESSION, "analysis.angle"},
    "analysis.history": {*SESSION, *MEASURED, "analysis.answer", "analysis.measured"},
    "analysis.days": {*SESSION, *MEASURED, "analysis.answer", "analysis.measured", "analysis.history"},
    "analysis.cohort": {*SESSION, *MEASURED, "analysis.table"},
    "analysis.views": {*SESSION, *MEASURED, *ANSWERS, "analysis.guide", "analysis.live"},
    "analysis.derived": {
        *SESSION, *MEASURED, *ANSWERS, "analysis.decimals", "analysis.views", "analysis.table",
    },
    "analysis.table": {*SESSION, *MEASURED, "analysis.answer"},
    "analysis.tablefile": {*SESSION, *MEASURED, *ANSWERS, "analysis.derived"},
    "analysis.batch": {
        *SESSION, *MEASURED, *ANSWERS, "analysis.derived", "analysis.kept", "analysis.table",
    },
    "analysis.export": {
        *SESSION, *MEASURED, *ANSWERS, "analysis.derived", "analysis.table", "analysis.tablefile",
    },
    "analysis.doctor": {"analysis.views", "firmware_bridge.link"},
    "analysis.sensor_report": {*SESSION, "firmware_bridge.trial"},
    "analysis.cli": {
        *SESSION, *MEASURED, *ANSWERS, "analysis.guide", "analysis.live", "analysis.views",
        "analysis.derived", "analysis.batch", "analysis.tablefile", "analysis.doctor", "analysis.export",
        "analysis.kept",
        "analysis.sensor_report", "firmware_bridge.capture", "firmware_bridge.trial",
        "firmware_bridge.clock", "firmware_bridge.link", "firmware_bridge.receiving",
        "firmware_bridge.settings", "firmware_bridge.virtual",
    },
    "kneeflex": {
        *SESSION, "analysis", "analysis.angle", "analysis.answer", "analysis.change", "analysis.cli",
        "firmware_bridge.drivers", "firmware_bridge.link", "firmware_bridge.virtual",
    },
}  # fmt: skip
# Within the angle: what one sensor needs, then the knee of two, then the live form of both.
BELOW: Mapping[str, set[str]] = {
    "analysis.angle.orientation": {"analysis.angle.knee", "analysis.angle.causal"},
    "analysis.angle.knee": {"analysis.angle.causal"},
}
# A circle that is on its way out; nothing may be added here.
TOLERATED_CIRCLES: set[frozenset[str]] = set()

IMPURE = {"os", "io", "pathlib", "time", "datetime", "asyncio", "threading", "random", "subprocess"}
PURE_ROOMS = {
    "firmware_bridge.drivers", "firmware_bridge.timing", "analysis.check", "analysis.angle",
    "analysis.movement", "analysis.change", "analysis.guide",
}  # fmt: skip
READS_PROTOCOL_FILES = "analysis.guide.library"


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in FILES}


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports: at its top, inside functions, by relative names."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                submodule = f"{module}.{alias.name}"
                yield submodule if submodule in NAMES else module
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant))


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def own(module: str) -> bool:
    return module.partition(".")[0] in (*WINGS, "kneeflex")


def in_files(wrong: Callable[[Path], object]) -> dict[str, object]:
    """What is wrong in each file, by its path; a rule holds where this is empty."""
    found = {str(path.relative_to(ROOT)): wrong(path) for path in FILES}
    return {name: what for name, what in found.items() if what}


def test_imports_follow_the_arrows_between_rooms() -> None:
    def wrong(path: Path) -> set[str]:
        here = room(name_of(path))
        used = {room(module) for module in imported(path) if own(module)}
        if here in WINGS:
            return used  # a wing's own file imports nothing
        return used - {here} - SHARED - ARROWS[here]

    assert {room(name_of(path)) for path in FILES} - set(WINGS) <= set(ARROWS), "a room that ARROWS lacks"
    assert in_files(wrong) == {}, "these arrows between rooms are not allowed: see ARROWS"


def test_the_arrows_between_rooms_hold_no_circle() -> None:
    assert circles(ARROWS) == []


def test_files_do_not_import_one_another_in_circles() -> None:
    graph = {name_of(p): {m for m in imported(p) if m in NAMES and m != name_of(p)} for p in FILES}
    assert [c for c in circles(graph) if c not in TOLERATED_CIRCLES] == []


def test_inside_the_angle_imports_run_one_way() -> None:
    def part(module: str) -> str:
        return ".".join(module.split(".")[:3])

    assert in_files(lambda p: {part(m) for m in imported(p)} & BELOW.get(part(name_of(p)), set())) == {}


def test_packages_of_others_stay_in_their_rooms() -> None:
    """Only the link and the virtual sensors touch Bluetooth, only the views draw, pure rooms do no more."""

    def wrong(path: Path) -> set[str]:
        here = room(name_of(path))
        barred = set() if here in ("firmware_bridge.link", "firmware_bridge.virtual") else {"bleak", "bumble"}
        if here != "analysis.views":
            barred.add("matplotlib")
        if here in PURE_ROOMS and name_of(path) != READS_PROTOCOL_FILES:
            barred |= IMPURE
        return barred & {module.partition(".")[0] for module in imported(path)}

    assert in_files(wrong) == {}


# Here files are opened for writing, beside and then in place; a program for radio boards has its own ways.
WRITERS = {"firmware_bridge/session/files.py"}
WRITING = re.compile(
    r"""(?<!derived)\.write_(?:text|bytes)\(|\bopen\([^)]*["'][rb]*[wax+]|\.to_(?:csv|parquet|json)\(\s*(?!index|orient|\))\w"""
    r"""|savefig\((?!buffer|picture)"""
)


def test_files_are_written_in_one_place() -> None:
    def writing(path: Path) -> list[str]:
        if str(path.relative_to(ROOT)) in WRITERS or path.name == "console.py":
            return []
        return [line for line in path.read_text(encoding="utf-8").splitlines() if WRITING.search(line)]

    assert in_files(writing) == {}, "use session/files.py: whole, or not at all"


def test_one_file_holds_one_idea() -> None:
    assert in_files(lambda path: len(path.read_text(encoding="utf-8").splitlines()) > 500) == {}


def test_light_modules_load_nothing_heavy() -> None:
    light = "kneeflex, analysis.angle, analysis.cli, firmware_bridge.drivers"
    heavy = ("scipy.signal", "matplotlib", "bleak", "bumble", "pandas")
    code = f"import sys, {light}; print(*[m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_help_and_version_load_only_what_they_print_with() -> None:
    """Their time is that of imports: numpy alone is a third of it."""
    heavy = ("numpy", "asyncio", "firmware_bridge.session", "analysis.angle", "analysis.answer", "pydantic")
    code = (
        "import sys, kneeflex; sys.argv = ['kneeflex', sys.argv[1]]\n"
        "try: kneeflex.main()\n"
        f"except SystemExit: print(*[m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    for option in ("--help", "--version"):
        run = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, check=True)
        assert run.stdout
        assert run.stderr.split() == []


def test_relative_and_lazy_imports_and_circles_are_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rules above are only as good as what they see."""
    folder = tmp_path / "analysis" / "views"
    folder.mkdir(parents=True)
    file = folder / "window.py"
    lines = (
        "from . import sound",
        "from ..guide import prompt",
        "def f():",
        "    import analysis.live.frame",
    )
    file.write_text("\n".join(lines))
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert imported(file) == ("analysis.views.sound", "analysis.guide.prompt", "analysis.live.frame")
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [frozenset("abc")]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def circles(graph: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """The groups of nodes that reach one another, two nodes at least."""
    reach = {node: _reachable(graph, node) for node in graph}
    groups: dict[frozenset[str], None] = defaultdict()
    for node, far in reach.items():
        group = frozenset(other for other in far if node in reach.get(other, set())) | {node}
        if len(group) > 1:
            groups[group] = None
    return list(groups)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [*graph.get(start, set())]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph.get(node, set())
    return found
