"""The notebooks run from top to bottom, and are stored without the results of a run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nbclient import NotebookClient

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


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookClient]:
    """One kernel for all notebooks, which spares its start and the imports; each finds it without a name."""
    import nbformat
    from nbclient import NotebookClient

    # The kernel finds the packages where this process does, whether they are installed or not.
    search = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    folder = str(tmp_path_factory.mktemp("notebooks"))
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=240, resources={"metadata": {"path": folder}})
    with client.setup_kernel(env=os.environ | {"PYTHONPATH": search, "TMPDIR": folder}):
        yield client


@pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)} (extra 'notebooks')")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_every_cell_shows_something(path: Path, client: NotebookClient) -> None:
    import nbformat

    client.nb = nbformat.read(path, as_version=4)
    client.nb.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    for number, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, number)
    for cell in client.nb.cells[1:]:
        if cell.cell_type == "code":
            assert cell.outputs, f"this cell shows nothing:\n{cell.source}"
            assert not any(output.get("name") == "stderr" for output in cell.outputs), cell.outputs
