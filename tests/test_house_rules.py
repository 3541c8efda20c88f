"""The import rules of the house, read from the syntax trees: imports run the way the data runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(p for wing in ("firmware_bridge", "analysis") for p in (ROOT / wing).rglob("*.py"))


PURE = (
    "firmware_bridge/drivers",
    "analysis/angle",
    "analysis/check",
    "analysis/movement",
    "analysis/change",
)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def room(path: Path) -> str:
    return "/".join(path.relative_to(ROOT).parts[:2])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_house_rules(path: Path) -> None:
    used = packages(path)
    if path.is_relative_to(ROOT / "firmware_bridge"):
        assert "analysis" not in used, "the arrow runs from the bridge to the analysis, never back"
    if room(path) not in ("firmware_bridge/link", "firmware_bridge/virtual"):
        assert not used & {"bleak", "bumble"}, "only the link and the virtual sensors touch Bluetooth"
    if room(path) != "analysis/views":
        assert "matplotlib" not in used, "only the views draw"
    if room(path) in PURE:
        impure = {"os", "io", "pathlib", "time", "datetime", "asyncio", "threading", "random", "subprocess"}
        assert not used & impure, "pure rooms know no files, clocks or threads"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_one_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("module", ["analysis.angle", "analysis.cli", "firmware_bridge.drivers"])
def test_light_modules_load_nothing_heavy(module: str) -> None:
    heavy = ("scipy.signal", "matplotlib", "bleak", "bumble", "pandas")
    code = f"import sys, {module}; print(*[m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
