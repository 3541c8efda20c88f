"""The notebooks run from top to bottom, and are stored without the results of a run."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LACKING = [package for package in ("nbclient", "nbformat", "ipykernel") if find_spec(package) is None]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_results(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[0]["cell_type"] == "markdown"
    for cell in cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)} (extra 'notebooks')")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_every_cell_shows_something(path: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    # The kernel finds the packages where this process does, whether they are installed or not.
    search = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    client.execute(env=os.environ | {"PYTHONPATH": search, "TMPDIR": str(tmp_path)})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs, f"this cell shows nothing:\n{cell.source}"
            assert not any(output.get("name") == "stderr" for output in cell.outputs), cell.outputs
