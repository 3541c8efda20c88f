"""The documentation builds without a warning, without network, and with a page for every command."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

import kneeflex
from analysis.cli.app import app

ROOT = Path(__file__).parent.parent
LACKING = [package for package in ("sphinx", "myst_parser", "furo") if find_spec(package) is None]
# What a browser loads by itself, and not what a reader may click.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](?:https?:)?//[^"']+|<link\b[^>]*\bhref=["'](?:https?:)?//[^"']+"""
)
LOADED_BY_STYLE = re.compile(r"""url\(\s*["']?(?:https?:)?//[^)]+|@import\s+["']?(?:https?:)?//[^;]+""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if LACKING:
        pytest.skip(f"not installed: {', '.join(LACKING)} (extra 'docs')")
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        out / "trees",
        "docs",
        out / "html",
    ]
    run = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return out / "html"


@pytest.mark.slow
def test_the_site_builds_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        assert LOADED.findall(page.read_text(encoding="utf-8")) == [], page
    for sheet in site.rglob("*.css"):
        assert LOADED_BY_STYLE.findall(sheet.read_text(encoding="utf-8")) == [], sheet


@pytest.mark.slow
def test_every_command_and_its_options_have_a_page(site: Path) -> None:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if command.hidden:
            continue
        text = (site / "reference" / "commands" / f"{name}.html").read_text(encoding="utf-8")
        assert all(word in text for parameter in command.params for word in parameter.opts if "-" in word)


def test_the_reference_lists_every_name_of_the_front_door() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\.\. \w+:: kneeflex\.(\w+)$", text, re.MULTILINE))
    assert listed == set(kneeflex.__all__)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_the_pages_outside_the_site_link_to_exists(page: str) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
