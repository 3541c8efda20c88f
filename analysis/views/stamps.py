"""Texts that are drawn once and then stamped: setting a text anew costs more than all the rest of a frame."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform

_MOST_STAMPS: Final = 96
# Pixels around a text, for letters that reach beyond what was measured.
_EDGE: Final = 2


class _Stamp(NamedTuple):
    """A drawn text.

    Attributes:
        left, bottom: of the picture, in pixels from the place of the text.
        pixels: (height, width, 4), the lowest row first.
    """

    left: int
    bottom: int
    pixels: np.ndarray[Any, np.dtype[np.uint8]]


class StampedText(Text):
    """A text whose pixels are kept. It stands on whole pixels, so that they serve at every place.

    Args:
        x, y: its place, in units of its transform.
        words: the text.
        linespacing: distance of the lines, in heights of the letters; None: as the font has it.
        **style: as for a text of matplotlib; it stays upright.
    """

    def __init__(
        self, x: float, y: float, words: str = "", *, linespacing: float | None = None, **style: Any
    ) -> None:
        untyped: Any = {"linespacing": linespacing}
        super().__init__(x, y, words, **untyped, **style)
        self._spacing = linespacing

    def draw(self, renderer: Any) -> None:
        """Draws the text; matplotlib calls it."""
        if not self.get_visible() or not self.get_text().strip():
            return
        stamp = _stamp(
            self.get_text(), self.get_fontsize(), self.get_fontweight(), self.get_color(),
            self.get_horizontalalignment(), self.get_verticalalignment(), self._spacing, renderer.dpi,
        )  # fmt: skip
        x, y = self.get_transform().transform(self.get_position())
        context = renderer.new_gc()
        if self.get_clip_on():
            context.set_clip_rectangle(self.get_clip_box())
        renderer.draw_image(context, round(x) + stamp.left, round(y) + stamp.bottom, stamp.pixels)
        context.restore()
        self.stale = False


@lru_cache(maxsize=_MOST_STAMPS)
def _stamp(
    words: str,
    size: float,
    weight: Any,
    colour: Any,
    across: Any,
    upright: Any,
    spacing: float | None,
    dpi: float,
) -> _Stamp:
    style: Any = {"fontsize": size, "fontweight": weight, "color": colour, "linespacing": spacing}
    text = Text(0, 0, words, ha=across, va=upright, transform=IdentityTransform(), **style)
    text.set_figure(Figure(dpi=dpi))
    # Matplotlib leaves its renderer untyped.
    renderer_of: Any = RendererAgg
    box = text.get_window_extent(renderer_of(1, 1, dpi))
    left, bottom = np.floor(box.min).astype(int) - _EDGE
    width, height = np.ceil(box.max).astype(int) + _EDGE - (left, bottom)
    text.set_position((-left, -bottom))
    renderer = renderer_of(int(width), int(height), dpi)
    text.draw(renderer)
    return _Stamp(int(left), int(bottom), np.asarray(renderer.buffer_rgba())[::-1].copy())
