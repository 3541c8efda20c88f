"""The reference of the commands, one page each, from the program itself: python tools/command_pages.py FOLDER

docs/conf.py calls it for every build of the documentation, so the pages cannot differ from `kneeflex --help`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from analysis.cli.app import app

GROUPS = {
    "Try it": ("demo",),
    "Sensors": ("doctor", "scan", "pair", "record", "live"),
    "A recording": ("check", "angle", "compare", "report", "recalibrate", "align", "import", "export"),
    "A person": ("person", "trend", "knees", "retest", "forget"),
    "Many recordings": ("batch", "cohort"),
}


def commands() -> dict[str, Any]:
    """Every command by its name."""
    group: Any = typer.main.get_command(app)
    return {name: command for name, command in group.commands.items() if not command.hidden}


def page(name: str, command: Any) -> str:
    """One command in Markdown: its usage, what it does, its arguments and options."""
    context = typer.Context(command, info_name=f"kneeflex {name}")
    about = inspect.cleandoc(command.help or "").replace("\f", "")
    lines = [f"# kneeflex {name}", "", marked(about), "", "```text", usage(command, context), "```", ""]
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [r for p in command.params if p.param_type_name == kind and (r := p.get_help_record(context))]
        if rows:
            lines += [f"## {title}", "", f"| {title[:-1].lower()} | what it is |", "|---|---|"]
            lines += [f"| {code(left)} | {cell(right)} |" for left, right in rows] + [""]
    return "\n".join(lines)


def usage(command: Any, context: typer.Context) -> str:
    """The line of usage, on one line."""
    return " ".join(command.get_usage(context).removeprefix("Usage: ").split())


def code(text: str) -> str:
    """The words of an option, and what it takes, as code; a bar would end the cell."""
    words, _, takes = text.replace(" range>", ">").replace(" / ", "/").partition(" ")
    parts = [*words.split("/"), takes] if words.startswith("-") else [words, takes]
    return " ".join(f"`{part}`" for part in parts if part).replace("|", "\\|")


def cell(text: str) -> str:
    """Text of a table's cell."""
    return marked(" ".join(text.split()).replace("|", "\\|"))


def marked(text: str) -> str:
    """Text with its options as code."""
    return re.sub(r"(--[a-z][a-z-]*)", r"`\1`", text)


def index(found: dict[str, Any]) -> Iterator[str]:
    """The page that lists all of them, by what they are for; what no group names comes last."""
    yield "# Commands\n"
    yield (
        "These pages come from the program itself: `kneeflex COMMAND --help` says the same. Exit codes:\n"
        "0 done; 1 the data or the sensors cannot answer, with a sentence that says what is missing;\n"
        "2 wrong usage. With `--json` a command prints one JSON object and nothing else.\n"
    )
    named = {name for names in GROUPS.values() for name in names}
    groups = GROUPS | {"Others": tuple(name for name in found if name not in named)}
    for title, names in groups.items():
        there = [name for name in names if name in found]
        if there:
            yield f"## {title}\n\n| command | what it does |\n|---|---|"
            for name in there:
                first = inspect.cleandoc(found[name].help or "").partition("\n\n")[0]
                yield f"| [{name}]({name}.md) | {cell(first)} |"
            yield ""
    yield "```{toctree}\n:hidden:\n"
    yield "\n".join(name for names in groups.values() for name in names if name in found)
    yield "```"


def write(folder: Path) -> None:
    """Writes all pages into a folder; a page that is there and the same stays untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    found = commands()
    pages = {name: page(name, command) for name, command in found.items()}
    pages["index"] = "\n".join(index(found)) + "\n"
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
