"""Colours of the live window, light and dark, for any colour vision; nothing rests on colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one theme.

    Attributes:
        background: of the window.
        ink, muted, faint: text; secondary text; lines and old numbers.
        grid, gap: of the plot.
        track: the angle and the leg.
        target: where to be: lane, band, gauge.
        good: the straightest position, completed parts.
        alarm: what must not be overlooked.
    """

    background: str
    ink: str
    muted: str
    faint: str
    grid: str
    gap: str
    track: str
    target: str
    good: str
    alarm: str


THEMES: Final[Mapping[str, Theme]] = {
    "light": Theme(
        background="#ffffff",
        ink="#222222",
        muted="#555555",
        faint="#b5b5b5",
        grid="#e4e4e4",
        gap="#ececec",
        track="#0072B2",
        target="#56B4E9",
        good="#009E73",
        alarm="#D55E00",
    ),
    "dark": Theme(
        background="#15181c",
        ink="#f2f2f2",
        muted="#c0c4c8",
        faint="#6d7378",
        grid="#33383d",
        gap="#2a2e33",
        track="#56B4E9",
        target="#3d6f8e",
        good="#2fc79a",
        alarm="#ff8a3d",
    ),
}
