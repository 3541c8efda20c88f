"""How the documentation is built: `sphinx-build -W docs docs/_build`, without network.

The pages are Markdown. The commands come from the program, the library's reference from its docstrings.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tools")]

import command_pages  # noqa: E402

command_pages.write(HERE / "reference" / "commands")

project = "kneeflex"
author = "the kneeflex contributors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3
highlight_language = "text"
smartquotes = False  # quotation marks in commands are meant as they are
default_role = "code"  # docstrings name code in single backticks
add_module_names = False
autodoc_typehints = "none"  # the docstrings say shapes and units, which types do not
autodoc_preserve_defaults = True
autodoc_type_aliases = {name: name for name in ("Float", "Int")}
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "kneeflex"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["kneeflex.css"]


def setup(app: Any) -> None:
    """No page is lost: one that the menu does not name stands at the end of the reference."""
    app.connect("source-read", list_every_page)


def list_every_page(app: Any, page: str, source: list[str]) -> None:
    """Puts the pages beside index.md that it does not name in the place of its last line of the reference."""
    if page == "index":
        text = source[0]
        others = sorted(name for name in app.env.found_docs if "/" not in name and name != "index")
        unnamed = [name for name in others if f"<{name}>" not in text and f"\n{name}\n" not in text]
        source[0] = text.replace("(every other page)", "\n".join(unnamed))
