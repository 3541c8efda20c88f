"""Arrays of numbers and a header of plain JSON in one file, for what is kept to save time.

The file is an .npz without compression. Whatever lies in its place is harmless: nothing but arrays of numbers
is ever read from it, no Python object, and an archive that would unfold to more than its own size is ignored.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.session.files import make_private_folder, replace_file

_HEADER = "header"

Arrays = Mapping[str, NDArray[Any]]
Plain = tuple[dict[str, Any], dict[str, NDArray[Any]]]


def load_plain(path: Path, mark: Mapping[str, Any]) -> Plain | None:
    """The header and the arrays of a file, or None where it is not there, damaged, or of another mark.

    Args:
        path: the file.
        mark: what `store_plain` was given; what was computed from anything else is not loaded.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # Without compression an archive never unfolds to more than the size of its file.
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                return None
        with np.load(path, allow_pickle=False) as content:
            header = json.loads(content[_HEADER].tobytes())
            if header["mark"] != mark:
                return None
            return header, {name: content[name] for name in header["arrays"]}
    # A file that anything may have written can fail in many ways; each means that there is nothing to use.
    except Exception:
        return None


def store_plain(path: Path, mark: Mapping[str, Any], header: Mapping[str, Any], arrays: Arrays) -> None:
    """Writes such a file, whole or not at all. A place that cannot be written to is no error.

    Args:
        path: the file.
        mark: everything that its content was computed from, as plain values.
        header: further plain values.
        arrays: the arrays by their names.
    """
    if path.is_symlink():  # it may lead to what was recorded
        return
    text = json.dumps({**header, "mark": mark, "arrays": list(arrays)}, default=_as_python)
    content = io.BytesIO()
    every: dict[str, Any] = {_HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    np.savez(content, **every)
    try:
        make_private_folder(path.parent)
        replace_file(path, content.getbuffer(), durable=False)  # no copy of what may be 50 MB
    except OSError:
        pass  # a read-only or a full disk: everything is computed each time


def _as_python(value: Any) -> Any:
    """A number of numpy as one of Python."""
    return value.item()
