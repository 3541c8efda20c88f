"""The pixels of a canvas, and what of them the window shows.

A toolkit needs far longer to take a picture over than Agg to draw it: Tk copies pixel by pixel, and where a
picture may be transparent it searches all of it again after every part. So each part is compared with what
the window shows, strip by strip, and only what differs is handed over, as opaque.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.transforms import Bbox, BboxBase

# Width of the strips in pixels: narrow ones follow a curve more closely, but each costs a call.
_STRIP: Final = 32
# Tk takes so many pixels over in the time of one more call.
_CALL_PIXELS: Final = 8000
# Offsets of red, green and blue within a pixel; the fourth lies outside of the pixel: no transparency.
_OPAQUE: Final = (0, 1, 2, 4)

Pixels = np.ndarray[Any, np.dtype[np.uint32]]
# (left, top, right, bottom) in pixels from the upper left corner; the last two are exclusive.
Box = tuple[int, int, int, int]


class Screen:
    """A canvas that draws with Agg, and what its window shows of it."""

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self._shown: Pixels = np.zeros((0, 0), np.uint32)

    @property
    def drawn(self) -> Pixels:
        """(height, width): the pixels of the canvas; writing to them changes the picture."""
        pixels: Pixels = np.asarray(self.canvas.get_renderer().buffer_rgba()).view(np.uint32)[..., 0]
        return pixels

    @property
    def is_current(self) -> bool:
        """Whether the window shows a picture of this size; False after a resize until all is drawn anew."""
        return bool(self.drawn.shape == self._shown.shape)

    def box(self, bbox: BboxBase) -> Box:
        """The pixels in a rectangle of the canvas. Rectangles that touch share none."""
        height, width = self.drawn.shape
        left, right = (min(max(round(x), 0), width) for x in (bbox.x0, bbox.x1))
        top, bottom = (min(max(height - round(y), 0), height) for y in (bbox.y1, bbox.y0))
        return left, top, right, bottom

    def took_all(self) -> None:
        """To be called where the toolkit takes the whole picture, as it does after `canvas.draw()`."""
        self._shown = self.drawn.copy()

    def take(self, box: Box) -> None:
        """Hands over to the window what has changed within a box."""
        left, top, right, bottom = box
        drawn = self.drawn
        height = len(drawn)
        new, old = drawn[top:bottom, left:right], self._shown[top:bottom, left:right]
        boxes = joined(changed_boxes(old, new))
        for x0, y0, x1, y1 in boxes:
            old[y0:y1, x0:x1] = new[y0:y1, x0:x1]
        bboxes = [
            Bbox.from_extents(left + x0, height - top - y1, left + x1, height - top - y0)
            for x0, y0, x1, y1 in boxes
        ]
        if bboxes:
            self._hand_over(bboxes)

    def _hand_over(self, bboxes: list[Bbox]) -> None:
        photo = getattr(self.canvas, "_tkphoto", None)
        if photo is None:
            # Qt paints after each call, and cuts off fractions of a pixel.
            around = Bbox.union(bboxes).padded(2.0)
            self.canvas.blit(Bbox.intersection(around, self.canvas.figure.bbox))
            return
        # As `canvas.blit`, which leaves no choice about transparency.
        backend: Any = importlib.import_module("matplotlib.backends._backend_tk")
        for bbox in bboxes:
            backend.blit(photo, self.canvas.buffer_rgba(), _OPAQUE, bbox)


def changed_boxes(old: Pixels, new: Pixels) -> list[Box]:
    """Boxes that hold every pixel in which two pictures of one size differ, one a strip."""
    height, width = old.shape
    if not old.size:
        return []
    strips = -(-width // _STRIP)
    differs = np.zeros((height, strips * _STRIP), np.bool_)
    np.not_equal(old, new, out=differs[:, :width])
    # Eight pixels at a time.
    eights = differs.view(np.uint64).reshape(height, strips, _STRIP // 8)
    rows = eights[..., 0] != 0
    for n in range(1, _STRIP // 8):
        rows |= eights[..., n] != 0
    first, stop = rows.argmax(axis=0), height - rows[::-1].argmax(axis=0)
    return [
        (int(n) * _STRIP, int(first[n]), min((int(n) + 1) * _STRIP, width), int(stop[n]))
        for n in np.flatnonzero(rows.any(axis=0))
    ]


def joined(boxes: Sequence[Box]) -> list[Box]:
    """Neighbours as one box, where the pixels that this adds take less time than another call.

    Args:
        boxes: from left to right.
    """
    result: list[Box] = []
    for box in boxes:
        if result:
            last = result[-1]
            both = (last[0], min(last[1], box[1]), box[2], max(last[3], box[3]))
            if _area(both) - _area(last) - _area(box) < _CALL_PIXELS:
                result[-1] = both
                continue
        result.append(box)
    return result


def _area(box: Box) -> int:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)
