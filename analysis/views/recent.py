"""The last seconds of a live track, for the scrolling plot."""

from __future__ import annotations

import numpy as np

from analysis.angle.result import FlexionTrack
from firmware_bridge.samples import Float

# Between samples further apart than this no line is drawn.
_HOLE_S = 0.15


class RecentTrack:
    """Keeps the newest samples of a track in constant memory, thinned to what a screen can show.

    Args:
        span_s: how far back.
        shown_hz: samples kept per second at most. Thinning goes by time, not by chunk, so that the
            curve does not shimmer.
    """

    def __init__(self, span_s: float, shown_hz: float = 30.0) -> None:
        self._capacity = int(span_s * shown_hz * 1.5) + 2
        self._span_s, self._bin_s = span_s, 1.0 / shown_hz
        self._rows = np.full((2 * self._capacity, 3), np.nan)
        self._stop = 0
        self._last_bin = -1

    def add(self, track: FlexionTrack) -> None:
        """Appends samples; what must not be used becomes a hole."""
        if not len(track.time_s):
            return
        bins = np.floor(track.time_s / self._bin_s).astype(np.int64)
        fresh = np.diff(bins, prepend=self._last_bin) > 0
        self._last_bin = int(bins[-1])
        newest_s = self._rows[self._stop - 1, 0] if self._stop else -np.inf
        follows = np.diff(track.time_s, prepend=newest_s) < _HOLE_S
        usable = track.valid & np.isfinite(track.flexion_deg) & follows
        flexion_deg = np.where(usable, track.flexion_deg, np.nan)
        new = np.column_stack((track.time_s, flexion_deg, track.flexion_sd_deg))[fresh][-self._capacity :]
        if self._stop + len(new) > len(self._rows):
            kept = self._rows[max(0, self._stop - self._capacity) : self._stop].copy()
            self._rows[: len(kept)] = kept
            self._stop = len(kept)
        self._rows[self._stop : self._stop + len(new)] = new
        self._stop += len(new)

    def since(self, start_s: float) -> tuple[Float, Float, Float]:
        """Time, flexion and one sigma from `start_s` on; NaN in the holes."""
        rows = self._rows[: self._stop]
        rows = rows[np.searchsorted(rows[:, 0], start_s) :]
        return rows[:, 0], rows[:, 1], rows[:, 2]
