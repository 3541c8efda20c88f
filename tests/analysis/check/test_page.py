"""docs/checks.md lists exactly the kinds that the code can find."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def _kinds_in_code() -> Iterator[str]:
    for wing in ("firmware_bridge", "analysis"):
        for path in (ROOT / wing).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                if getattr(node.func, "id", "") == "Finding":
                    kind = node.args[0]
                    if isinstance(kind, ast.Constant):
                        yield str(kind.value)
                    else:
                        # These read back what was written; the importers' notes pass on a kind.
                        passing = ("codec.py", "findings.py", "engine.py")
                        assert path.name in passing, f"{path}: a kind is a literal"
                elif ast.unparse(node.func).endswith("notes.add"):
                    yield str(ast.literal_eval(node.args[0]))


def test_the_page_lists_exactly_the_kinds() -> None:
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(_kinds_in_code())


def test_nobody_reads_a_sentence() -> None:
    """Code decides by kind and consequence; a sentence is only shown."""
    for wing in ("firmware_bridge", "analysis"):
        for path in (ROOT / wing).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(
                r"(sentence|warnings?)\.(replace|removeprefix|startswith|find|split)\(", text
            ), path
            assert not re.search(r'" (not )?in (w|warning|sentence|f\.sentence)\b', text), path
