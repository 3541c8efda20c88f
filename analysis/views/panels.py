"""Panels of the live window: each redraws only its own area, and only when its content has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.transforms import Bbox, TransformedBbox

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Panel:
    """A rectangle of the figure with the artists that change inside it.

    Args:
        figure: where it is.
        corners: (left, bottom, right, top) as shares of the figure.
        artists: drawn in this order, and only by the panel.
    """

    def __init__(
        self, figure: Figure, corners: tuple[float, float, float, float], artists: Sequence[Artist]
    ) -> None:
        left, bottom, right, top = corners
        self._bbox = TransformedBbox(Bbox.from_extents(left, bottom, right, top), figure.transSubfigure)
        self._artists = tuple(artists)
        for artist in artists:
            artist.set_animated(True)
        self._background: Any = None
        self._shown: object = None
        self.is_due = True

    def shows(self, content: object) -> bool:
        """Sets the content; returns whether the panel must be repainted."""
        if content != self._shown:
            self._shown, self.is_due = content, True
        return self.is_due

    def capture(self, canvas: Any) -> None:
        """Saves the background, after the figure was drawn without the panel."""
        self._background = canvas.copy_from_bbox(self._bbox)
        self.is_due = True

    def paint(self, canvas: Any) -> None:
        """Draws the panel and blits it to the screen."""
        if self._background is None:
            return
        canvas.restore_region(self._background)
        renderer = canvas.get_renderer()
        for artist in self._artists:
            artist.draw(renderer)
        canvas.blit(self._bbox)
        self.is_due = False
