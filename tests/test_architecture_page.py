"""The architecture page names only what there is, and every room of the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(
    set(re.findall(r"`((?:firmware_bridge|analysis|tests|docs|tools)/[^`\s]+|[a-z]+\.(?:py|md))`", PAGE))
)


def test_what_the_page_names_exists() -> None:
    assert len(PATHS) > 100
    there = {
        path: (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file() for path in PATHS
    }
    assert [path for path, exists in there.items() if not exists] == []


@pytest.mark.parametrize("wing", ["firmware_bridge", "analysis"])
def test_the_page_names_every_room(wing: str) -> None:
    rooms = {f"{wing}/{p.parent.name}/" for p in (ROOT / wing).glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}`" not in PAGE} == set()


def test_the_page_says_where_the_three_sought_things_are() -> None:
    for sought in ("counts lost samples", "the band", "makes the verdict's sentence"):
        assert re.search(rf"\*\*[^*]*{re.escape(sought)}", PAGE), sought
