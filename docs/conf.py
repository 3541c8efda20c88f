"""How the documentation is built: `sphinx-build -W docs docs/_build`, without network.

The pages are Markdown. The commands come from the program, the library's reference from its docstrings.
"""

from __future__ import annotations

import sys
from pathlib import Path

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
