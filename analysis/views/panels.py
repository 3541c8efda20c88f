"""Panels of the live window: each redraws only its own area, and only when its content has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.transforms import Bbox, TransformedBbox

from analysis.views.screen import Box, Pixels, Screen

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Panel:
    """A rectangle of the figure with the artists that change inside it; nothing of them is drawn outside.

    Args:
        figure: where it is.
        corners: (left, bottom, right, top) as shares of the figure.
        artists: drawn in this order, and only by the panel. What is clipped to its axes needs a margin of a
            pixel around them: Agg draws on both edges of the rectangle that it clips to.
    """

    def __init__(
        self, figure: Figure, corners: tuple[float, float, float, float], artists: Sequence[Artist]
    ) -> None:
        left, bottom, right, top = corners
        self._bbox = TransformedBbox(Bbox.from_extents(left, bottom, right, top), figure.transSubfigure)
        self._clip = Bbox.unit()
        self._artists = tuple(artists)
        for artist in artists:
            artist.set_animated(True)
            if not artist.get_clip_on():
                artist.set_clip_on(True)
                artist.set_clip_box(self._clip)
        self._box: Box = (0, 0, 0, 0)
        self._background: Pixels | None = None
        self._shown: object = None
        self.is_due = True

    def shows(self, content: object) -> bool:
        """Sets the content; returns whether the panel must be repainted."""
        if content != self._shown:
            self._shown, self.is_due = content, True
        return self.is_due

    def capture(self, screen: Screen) -> None:
        """Saves the background, after the figure was drawn without the panel."""
        left, top, right, bottom = self._box = screen.box(self._bbox)
        drawn = screen.drawn
        self._background = drawn[top:bottom, left:right].copy()
        height = len(drawn)
        self._clip.set_points(np.array([(left, height - bottom + 1), (right - 1, height - top)], float))
        self.is_due = True

    def paint(self, screen: Screen) -> None:
        """Draws the panel into the canvas."""
        if self._background is None:
            return
        left, top, right, bottom = self._box
        screen.drawn[top:bottom, left:right] = self._background
        renderer = screen.canvas.get_renderer()
        for artist in self._artists:
            artist.draw(renderer)
        self.is_due = False

    def show(self, screen: Screen) -> None:
        """Brings to the window what the panel has changed."""
        screen.take(self._box)
