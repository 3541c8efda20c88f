"""The pictures of many people: a row a person with their mean, and two ways of reading against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.cohort.result import Agreement, Estimate, PersonValue, TestAnswer
from analysis.views.style import BLUE, FAINT, INK, ORANGE, VERMILION, kneeflex_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_INCH: Final = 0.19
_TALLEST_INCH: Final = 40.0
_LEAST_SPAN_DEG: Final = 8.0
_BEYOND = 1.5


def forest_figure(answer: TestAnswer) -> Figure:
    """A row a person, each with its own interval; below them the mean with its interval, for each condition.

    The size of a dot is that of the number of sessions it rests on.
    """
    blocks = _blocks(answer)
    count = sum(len(people) + 2 for _, people, _ in blocks)
    with kneeflex_style():
        height = min(_TALLEST_INCH, 1.1 + _ROW_INCH * count)
        figure = Figure(figsize=(9.2, height), layout="constrained")
        axes = figure.subplots()
        size = max(3.0, min(9.0, 9.0 * (height - 1.1) / _ROW_INCH / count))
        place, places, labels = 0.0, [], []
        for title, people, mean in blocks:
            for person in people:
                _draw_person(axes, person, place)
                places.append(place)
                labels.append(person.client)
                place -= 1
            _draw_mean(axes, mean, place)
            places.append(place)
            labels.append(title)
            place -= 1.6
        axes.set_yticks(places, labels, fontsize=size)
        for label in axes.get_yticklabels():
            if label.get_text() in {title for title, _, _ in blocks}:
                label.set_fontweight("bold")
        axes.set_ylim(place + 0.8, 0.8)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.grid(visible=False, axis="y")
        _fit_width(axes, answer.people)
        what = "beyond the rest alone" if _is_net(answer) else "before to after practice"
        axes.set_xlabel(f"change {what} (deg; + = straighter)")
    return figure


def _is_net(answer: TestAnswer) -> bool:
    """Whether the people's values are net of the rest, whatever the verdict is of."""
    if answer.net is None:
        return False
    return answer.counted == "net" or (
        answer.counted == "difference" and answer.net.people == len({v.client for v in answer.people})
    )


def _blocks(answer: TestAnswer) -> list[tuple[str, list[PersonValue], Estimate | None]]:
    """(title of the mean, people sorted by their values, mean) of each condition."""
    ordered = sorted(answer.people, key=lambda v: (-v.value_deg, v.client))
    if answer.conditions:
        return [
            (f"mean, {c.condition}", [v for v in ordered if v.condition == c.condition], c.change)
            for c in answer.conditions
        ]
    return [("mean", ordered, answer.net if answer.counted == "net" else answer.change)]


def _draw_person(axes: Axes, person: PersonValue, place: float) -> None:
    if person.ci95_deg is not None:
        axes.plot(person.ci95_deg, [place, place], color=FAINT, linewidth=1.3, zorder=2)
    size = min(9.0, 3.6 + 1.1 * np.sqrt(person.sessions))
    axes.plot([person.value_deg], [place], "s", color=BLUE, markersize=size, zorder=3)


def _draw_mean(axes: Axes, mean: Estimate | None, place: float) -> None:
    if mean is None:
        return
    if mean.ci95_deg is None:
        axes.plot([mean.value_deg], [place], "D", color=VERMILION, markersize=7, zorder=4)
        return
    low, high = mean.ci95_deg
    corners = [(low, place), (mean.value_deg, place + 0.38), (high, place), (mean.value_deg, place - 0.38)]
    axes.fill(*zip(*corners, strict=True), color=VERMILION, zorder=4)


def _fit_width(axes: Axes, people: Sequence[PersonValue]) -> None:
    """Straight and some degrees are always in sight; one very wide interval does not squeeze all others."""
    values = [v.value_deg for v in people]
    if not values:
        return
    reach = max(_LEAST_SPAN_DEG, max(values) - min(values)) * _BEYOND
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, min(*values, 0.0) - reach), min(high, max(*values, 0.0) + reach))
    axes.xaxis.set_major_locator(MaxNLocator(9))


def agreement_figure(agreement: Agreement) -> Figure:
    """Bland and Altman's picture: difference over mean, the bias, and the limits with their intervals."""
    with kneeflex_style():
        figure = Figure(figsize=(9.2, 3.6), layout="constrained")
        axes = figure.subplots()
        means, apart = np.array(agreement.means_deg), np.array(agreement.differences_deg)
        axes.plot(means, apart, "o", color=BLUE, markersize=4.5, alpha=0.7, zorder=3)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.axhline(agreement.bias.value_deg, color=VERMILION, linewidth=1.6)
        if agreement.bias.ci95_deg is not None:
            axes.axhspan(*agreement.bias.ci95_deg, color=VERMILION, alpha=0.13, linewidth=0)
        for limit, interval in zip(agreement.limits_deg, agreement.limits_ci95_deg, strict=True):
            axes.axhline(limit, color=ORANGE, linewidth=1.6, linestyle=(0, (5, 3)))
            axes.axhspan(*interval, color=ORANGE, alpha=0.16, linewidth=0)
        reach = max(_LEAST_SPAN_DEG / 2, np.abs(axes.get_ylim()).max())
        axes.set_ylim(-reach, reach)
        axes.set_xlabel("mean of both (deg of knee flexion)")
        axes.set_ylabel("difference (deg)")
        handles = [
            Line2D([], [], color=BLUE, marker="o", linestyle="none", label="one pair"),
            Line2D([], [], color=VERMILION, label="mean difference, 95 % interval"),
            Line2D(
                [], [], color=ORANGE, linestyle=(0, (5, 3)), label="95 % limits of agreement, 95 % intervals"
            ),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure
