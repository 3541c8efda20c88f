"""Draws a flexion track: the line, its one-sigma band, and its gaps as gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.angle.result import FlexionTrack, Zero
from analysis.views.style import GAP, TRACK, flexion_label, kneeflex_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from firmware_bridge.samples import Float, Int

_MOST_POINTS = 4000
_LONG_S = 240.0


def shown_rows(values: Float, most: int = _MOST_POINTS) -> Int:
    """Picks rows to draw so that no extreme and no gap disappears.

    Args:
        values: (n,) with NaN where nothing is to be drawn.
        most: about how many rows to keep.

    Returns:
        Ascending row numbers: per bin the smallest, the largest and one missing value, if there is one.
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    bins = max(1, most // 3)
    longest = -(-n // bins)
    # (bins, longest): the rows of a bin; a shorter bin holds its last row twice.
    starts = np.arange(bins) * n // bins
    stops = np.append(starts[1:], n)
    rows = np.minimum(starts[:, None] + np.arange(longest), stops[:, None] - 1)
    part = values[rows]
    missing = np.isnan(part)
    every, gapped = np.arange(bins), np.flatnonzero(missing.any(axis=1))
    smallest = rows[every, np.where(missing, np.inf, part).argmin(axis=1)]
    largest = rows[every, np.where(missing, -np.inf, part).argmax(axis=1)]
    absent = rows[gapped, missing[gapped].argmax(axis=1)]
    return np.unique(np.concatenate([[0, n - 1], smallest, largest, absent]))


def gap_spans(track: FlexionTrack) -> list[tuple[float, float]]:
    """The stretches [start_s, stop_s) in which the angle must not be used."""
    if not len(track.time_s):
        return []
    bad = np.concatenate(([False], ~(track.valid & np.isfinite(track.flexion_deg)), [False]))
    edges = np.flatnonzero(np.diff(bad.astype(np.int8)))
    step_s = float(track.time_s[1] - track.time_s[0]) if len(track.time_s) > 1 else 0.0
    ends = np.append(track.time_s, track.time_s[-1] + step_s)
    return [(float(ends[a]), float(ends[b])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def draw_track(axes: Axes, track: FlexionTrack) -> None:
    """Draws the track into `axes`, with legend labels."""
    flexion = np.where(track.valid, track.flexion_deg, np.nan)
    rows = shown_rows(flexion)
    time, middle = track.time_s[rows], flexion[rows]
    for number, (start_s, stop_s) in enumerate(gap_spans(track)):
        axes.axvspan(
            start_s,
            stop_s,
            facecolor="none",
            edgecolor=GAP,
            hatch="////",
            linewidth=0.5,
            zorder=0.5,
            label="no usable angle" if number == 0 else None,
        )
    bands = [(track.relative_sd_deg, 0.25, "one-sigma band")]
    if not np.array_equal(track.relative_sd_deg, track.flexion_sd_deg, equal_nan=True):
        bands = [(track.flexion_sd_deg, 0.12, "the same, with the zero"), *bands]
    for sigma, alpha, label in bands:
        sd = sigma[rows]
        axes.fill_between(time, middle - sd, middle + sd, color=TRACK, alpha=alpha, linewidth=0, label=label)
    axes.plot(time, middle, color=TRACK, linewidth=1.1, label="knee flexion")


def label_time(axes: Axes, track: FlexionTrack) -> None:
    """Names the time axis: seconds, or minutes and seconds where the track is long."""
    if len(track.time_s) and track.time_s[-1] > _LONG_S:
        axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 1.2, 1.5, 2, 3, 6, 10]))
        axes.xaxis.set_major_formatter(lambda time_s, _: f"{time_s // 60:.0f}:{time_s % 60:02.0f}")
        axes.set_xlabel("time (min:s)")
    else:
        axes.set_xlabel("time (s)")


def plot_track(track: FlexionTrack, *, zero: Zero = "reference_pose", title: str = "") -> Figure:
    """The angle over time on its own.

    Args:
        track: what to draw.
        zero: where 0 deg comes from; the axis says so.
        title: a heading, for example the session's id.
    """
    with kneeflex_style():
        figure = Figure(figsize=(9.2, 4), layout="constrained")
        axes = figure.add_subplot()
        draw_track(axes, track)
        axes.axhline(0, color=GAP, linewidth=0.8)
        label_time(axes, track)
        axes.set_ylabel(flexion_label(zero))
        axes.set_title(title)
        axes.margins(x=0.01)
        figure.legend(loc="outside lower right", ncols=3)
    return figure
