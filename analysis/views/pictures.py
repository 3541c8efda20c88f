"""Figures -> files: laid out once, drawn once for each format."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from analysis.views.style import kneeflex_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI: Final = 150


def picture_of(figure: Figure, ending: str = ".png") -> bytes:
    """A figure as the content of a file; its ending names the format."""
    buffer = BytesIO()
    with kneeflex_style():
        canvas = _laid_out(figure)
        if ending.lower() == ".png":
            # `savefig` would draw the figure twice, the first time only for its layout.
            canvas.print_png(buffer)
        else:
            figure.savefig(buffer, dpi=_DPI, format=ending.lower().lstrip("."))
    return buffer.getvalue()


def data_uri(figure: Figure) -> str:
    """A figure as a picture inside a page."""
    buffer = BytesIO()
    with kneeflex_style():
        _laid_out(figure)
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _laid_out(figure: Figure) -> Any:
    """Lays a figure out, unless it was, and keeps the layout; returns its canvas.

    Finding the layout takes as long as drawing a picture. All formats share it.
    """
    # Each format leaves a canvas and a resolution of its own behind.
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(_DPI)
    engine: Any = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    return canvas
