"""The pictures of an answer: the session over time, before against after, and the releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.change.result import Comparison
from analysis.constants import RELEASE_RATE_DEG_S
from analysis.movement.result import Plateau, Repetition
from analysis.views.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    flexion_label,
    kneeflex_style,
    phase_colour,
)
from analysis.views.track import draw_track, label_time
from analysis.views.wording import PHASE_TITLES, TEST_TITLES, signed
from firmware_bridge.session.model import PhaseSpan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.answer import Answer

# Figures by the name of their file without ending.
Figures = Mapping[str, Figure]

BLOCK_ORDER: Final = ("warmup", "before", "before_again", "after", "after_5min", "after_10min", "after_30min")

_STRIP_LEVELS = 4
# With more blocks than these, names of two words take two lines.
_MOST_ON_A_LINE = 3
_CHARACTER_INCH = 0.085


def session_figure(answer: Answer) -> Figure:
    """The angle over the whole session: phases named above, repetitions and plateaus marked."""
    track = answer.angle.track
    with kneeflex_style():
        figure = Figure(figsize=(9.2, 4.4), layout="constrained")
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 5], gridspec_kw={"hspace": 0.0})
        draw_track(axes, track)
        _draw_phases(strip, axes, answer.recording.phases, figure.get_figwidth() * 0.86)
        _draw_repetitions(axes, answer.repetitions)
        _draw_releases(axes, answer)
        axes.axhline(0, color=FAINT, linewidth=0.8)
        label_time(axes, track)
        axes.set_ylabel(flexion_label(answer.angle.zero))
        if len(track.time_s):
            axes.set_xlim(track.time_s[0], track.time_s[-1])
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_phases(strip: Axes, axes: Axes, phases: Sequence[PhaseSpan], width_inch: float) -> None:
    strip.set_axis_off()
    strip.set_ylim(_STRIP_LEVELS, 0)
    total_s = phases[-1].stop_s if phases else 0.0
    free_s = [0.0] * _STRIP_LEVELS
    for phase in phases:
        if phase.stop_s <= phase.start_s:
            continue
        colour = phase_colour(phase.name)
        axes.axvspan(phase.start_s, phase.stop_s, color=colour, alpha=0.10, linewidth=0, zorder=0)
        strip.axvspan(phase.start_s, phase.stop_s, 0, 0.08, color=colour, alpha=0.7, linewidth=0)
        title = PHASE_TITLES.get(phase.name, phase.name)
        needed_s = (len(title) + 1.5) * _CHARACTER_INCH / width_inch * total_s
        fits_right = phase.start_s + needed_s <= total_s
        left_s = phase.start_s if fits_right else phase.start_s - needed_s
        level = next((k for k in reversed(range(_STRIP_LEVELS)) if free_s[k] <= left_s), None)
        if level is None:
            continue
        free_s[level] = left_s + needed_s
        strip.plot([phase.start_s, phase.start_s], [level + 0.1, _STRIP_LEVELS], color=colour, linewidth=1.0)
        strip.annotate(
            title,
            (phase.start_s, level + 0.35),
            (3 if fits_right else -3, 0),
            textcoords="offset points",
            ha="left" if fits_right else "right",
            va="baseline",
            fontsize=8.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )


def _draw_repetitions(axes: Axes, repetitions: Sequence[Repetition]) -> None:
    for number, repetition in enumerate(repetitions):
        axes.plot(
            [repetition.start_s],
            [0.02],
            marker="|",
            markersize=9,
            color=INK,
            linestyle="none",
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            label="start of a repetition" if number == 0 else None,
        )
    held = [r.extension for r in repetitions if r.extension is not None]
    for number, plateau in enumerate(held):
        axes.plot(
            [plateau.start_s, plateau.stop_s],
            [plateau.flexion_deg, plateau.flexion_deg],
            color=VERMILION,
            linewidth=3.2,
            solid_capstyle="butt",
            label="straightest position held" if number == 0 else None,
        )


def _draw_releases(axes: Axes, answer: Answer) -> None:
    for number, release in enumerate(answer.releases):
        axes.plot(
            [release.start_s, release.stop_s],
            [0.02, 0.02],
            color=GREEN,
            linewidth=3.2,
            solid_capstyle="butt",
            transform=axes.get_xaxis_transform(),
            label="slow release" if number == 0 else None,
        )


def change_figure(answer: Answer) -> Figure:
    """Before and after, one row per named test.

    On the left every repetition's held position with the block means, on the right the change with its
    95 % interval against the smallest change that this set-up can tell from noise. Without a reference
    pose the left axis counts from the mean of "before": no absolute angle is shown.
    """
    comparisons = answer.comparisons
    with kneeflex_style():
        rows = max(1, len(comparisons))
        figure = Figure(figsize=(9.2, 0.7 + 3.2 * rows), layout="constrained")
        if not comparisons:
            figure.text(0.5, 0.5, "No measuring block was recorded.", ha="center", va="center", fontsize=13)
            return figure
        grid = figure.subplots(rows, 2, squeeze=False, width_ratios=[1.45, 1])
        for (left, right), comparison in zip(grid, comparisons, strict=True):
            tests = (comparison.test, None) if rows == 1 else (comparison.test,)
            shown = [r for r in answer.repetitions if r.test in tests and r.extension]
            _draw_blocks(left, comparison, shown)
            _draw_change(right, comparison)
    return figure


def pair_figure(answers: Sequence[Answer], names: Sequence[str]) -> Figure:
    """The held positions of every measuring block of several sessions, side by side on one scale."""
    with kneeflex_style():
        figure = Figure(figsize=(9.2, 4.2), layout="constrained")
        panels = figure.subplots(1, len(answers), sharey=True, squeeze=False)[0]
        relative = any(answer.angle.zero == "relative" for answer in answers)
        for axes, answer, name in zip(panels, answers, names, strict=True):
            phases = [p for p in BLOCK_ORDER if any(r.phase == p for r in answer.repetitions)]
            for position, phase in enumerate(phases):
                plateaus = [r.extension for r in answer.repetitions if r.phase == phase and r.extension]
                _draw_plateaus(axes, position, plateaus, 0.0, counted=phase != "warmup")
                if plateaus and phase != "warmup":
                    mean = float(np.mean([p.flexion_deg for p in plateaus]))
                    reach = (position - 0.3, position + 0.3)
                    axes.hlines(mean, *reach, color=phase_colour(phase), linewidth=4, zorder=3)
            axes.set_xticks(range(len(phases)), [PHASE_TITLES[p] for p in phases])
            axes.set_xlim(-0.6, max(len(phases), 2) - 0.4)
            axes.grid(visible=False, axis="x")
            axes.set_title(name)
        panels[0].set_ylabel(
            flexion_label("relative" if relative else "reference_pose") + "\nlower = straighter"
        )
    return figure


def _draw_blocks(axes: Axes, comparison: Comparison, repetitions: Sequence[Repetition]) -> None:
    origin = _origin_deg(comparison)
    phases = [p for p in BLOCK_ORDER if p in comparison.blocks or any(r.phase == p for r in repetitions)]
    if comparison.before is not None:
        axes.axhline(comparison.before.extension_deg - origin, color=ORANGE, linewidth=1.0, linestyle=":")
    for position, phase in enumerate(phases):
        plateaus = [r.extension for r in repetitions if r.phase == phase and r.extension]
        _draw_plateaus(axes, position, plateaus, origin, counted=phase != "warmup")
        block = comparison.blocks.get(phase)
        if block is None or phase == "warmup":
            continue
        mean = block.extension_deg - origin
        axes.hlines(mean, position - 0.3, position + 0.3, color=phase_colour(phase), linewidth=4, zorder=3)
        if not comparison.relative:
            axes.annotate(
                f"{mean:.1f}°",
                (position + 0.33, mean),
                fontweight="bold",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )
    counts = [sum(r.phase == p for r in repetitions) for p in phases]
    names = [PHASE_TITLES[p] + ("\n(not counted)" if p == "warmup" else "") for p in phases]
    if len(names) > _MOST_ON_A_LINE:
        names = [name.replace(", ", ",\n") for name in names]
    axes.set_xticks(range(len(phases)), [f"{n}\nn = {k}" for n, k in zip(names, counts, strict=True)])
    axes.set_xlim(-0.6, max(len(phases), 2) - 0.3)
    axes.grid(visible=False, axis="x")
    low, high = axes.get_ylim()
    if high - low < 6:
        axes.set_ylim((low + high) / 2 - 3, (low + high) / 2 + 3)
    axes.set_title(f"Straightest position held, {TEST_TITLES[comparison.test]}")
    axes.set_ylabel(
        "knee angle against the mean of “before”\n(deg; lower = straighter)"
        if comparison.relative
        else flexion_label() + "\nlower = straighter"
    )


def _origin_deg(comparison: Comparison) -> float:
    if not comparison.relative:
        return 0.0
    known = comparison.before or comparison.after
    return known.extension_deg if known is not None else 0.0


def _draw_plateaus(
    axes: Axes, position: int, plateaus: Sequence[Plateau], origin: float, *, counted: bool
) -> None:
    n = len(plateaus)
    if not n:
        return
    places = position + (np.arange(n) - (n - 1) / 2) * min(0.12, 0.5 / n)
    axes.errorbar(
        places,
        [p.flexion_deg - origin for p in plateaus],
        yerr=[p.sd_deg for p in plateaus],
        fmt="o",
        markersize=5,
        color=INK if counted else FAINT,
        markerfacecolor=INK if counted else "white",
        elinewidth=0.8,
        alpha=0.75,
        zorder=2,
    )


def _draw_change(axes: Axes, comparison: Comparison) -> None:
    rows = _change_rows(comparison)
    detectable = comparison.detectable_change_deg
    if detectable is not None:
        axes.axvspan(-detectable, detectable, color=FAINT, alpha=0.18, linewidth=0)
        axes.annotate(
            f"cannot be told from noise: within ±{detectable:.1f}°",
            (0, 0.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=8.5,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    for height, (_, value, interval, colour) in enumerate(rows):
        if interval is not None:
            axes.plot(interval, [height, height], color=colour, linewidth=2.6, solid_capstyle="butt")
        axes.plot([value], [height], "o", color=colour, markersize=9)
        axes.annotate(
            signed(value), (value, height), (0, 9), textcoords="offset points", ha="center", weight="bold"
        )
    if not rows:
        axes.text(0.5, 0.5, "not enough data", transform=axes.transAxes, ha="center", fontsize=12)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.1 if rows else 1, -0.8)
    reach = max(3.5, detectable or 0.0, *(abs(x) for _, v, i, _ in rows for x in (v, *(i or ()))), 0.0)
    axes.set_xlim(-1.15 * reach, 1.15 * reach)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("change (deg; + straighter)")
    axes.set_title(f"Verdict: {comparison.verdict}")


def _change_rows(
    comparison: Comparison,
) -> list[tuple[str, float, tuple[float, float] | None, str]]:
    rows: list[tuple[str, float, tuple[float, float] | None, str]] = []
    if comparison.change_deg is not None:
        rows.append(("change\nbefore → after", comparison.change_deg, comparison.change_ci95_deg, BLUE))
    if comparison.control_change_deg is not None:
        rows.append(("change during\nrest alone", comparison.control_change_deg, None, ORANGE))
    if comparison.net_change_deg is not None:
        rows.append(("net of rest", comparison.net_change_deg, comparison.net_change_ci95_deg, GREEN))
    return rows


def release_figure(answer: Answer) -> Figure:
    """Every slow release laid over the others, from its start, against an even lengthening."""
    track = answer.angle.track
    with kneeflex_style():
        figure = Figure(figsize=(9.2, 3.4), layout="constrained")
        if not answer.releases:
            figure.text(0.5, 0.5, "No slow release was found.", ha="center", va="center", fontsize=13)
            return figure
        left, right = figure.subplots(1, 2, width_ratios=[1.45, 1])
        shades = np.linspace(0.25, 1.0, len(answer.releases))
        for number, (release, shade) in enumerate(zip(answer.releases, shades, strict=True), start=1):
            rows = (track.time_s >= release.start_s - 2) & (track.time_s < release.stop_s + 1)
            left.plot(
                track.time_s[rows] - release.start_s,
                np.where(track.valid, track.flexion_deg, np.nan)[rows],
                color=BLUE,
                alpha=float(shade),
                linewidth=1.4,
                label=f"{number}",
            )
        left.axvline(0, color=FAINT, linewidth=0.8)
        left.set_xlabel("time from the start of the release (s)")
        left.set_ylabel(flexion_label(answer.angle.zero))
        left.set_title("The releases (pale = first, dark = last)")
        _draw_rates(right, [r.metrics for r in answer.releases])
    return figure


def _draw_rates(axes: Axes, releases: Sequence[Mapping[str, float]]) -> None:
    numbers = np.arange(1, len(releases) + 1)
    mean = np.abs([m.get("mean_rate_deg_s", np.nan) for m in releases])
    peak = np.abs([m.get("peak_rate_deg_s", np.nan) for m in releases])
    axes.plot(numbers, mean, "o", color=BLUE, markersize=7, label="mean")
    axes.plot(numbers, peak, "^", color=BLUE, markersize=7, fillstyle="none", label="peak")
    axes.axhspan(*RELEASE_RATE_DEG_S, color=SKY, alpha=0.25, linewidth=0, label="slow and even")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.set_xlim(0.5, len(releases) + 0.5)
    axes.set_xlabel("release")
    axes.set_ylabel("speed (deg/s)")
    axes.set_title("How fast")
    axes.legend(loc="best", ncols=3)


def session_figures(answer: Answer) -> Figures:
    """Every figure of an answer."""
    return {
        "session": session_figure(answer),
        "change": change_figure(answer),
        "releases": release_figure(answer),
    }
