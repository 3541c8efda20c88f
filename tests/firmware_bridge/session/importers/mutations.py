"""Files as they come back from people: header lines and rows with something wrong in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from firmware_bridge.errors import KneeflexError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.importers import read_import

Lines = list[str]
Both = dict[Segment, ImuSamples]
_WORDS = [
    "",
    "nan",
    "inf",
    "-",
    "1e999",
    "NULL",
    "#REF!",
    "1,5",
    "x",
    "0x10",
    "1.2.3",
    "\0",
    '"',
    "1e",
    "--1",
]


def mutated(lines: Lines, first_row: int, seed: int) -> Lines:
    """One to three changes of the lines; numbers are dropped, doubled, torn or replaced by no numbers.

    A digit that becomes another digit is not among them: nobody can know of that.
    """
    dice = random.Random(seed)
    lines = list(lines)
    for _ in range(dice.choice([1, 1, 2, 3])):
        header = dice.random() < 0.4
        at = dice.randrange(first_row) if header else dice.randrange(first_row, len(lines))
        change = dice.choice(_HEADER if header else _ROW)
        change(lines, at, dice)
    return lines


def _separator(line: str) -> str:
    # With decimal commas, commas are the most frequent.
    return next((mark for mark in "\t;" if mark in line), "," if "," in line else " ")


def _swap_case(lines: Lines, at: int, dice: random.Random) -> None:
    lines[at] = lines[at].swapcase()


def _char(lines: Lines, at: int, dice: random.Random) -> None:
    line = lines[at]
    places = [i for i, c in enumerate(line) if not c.isdigit() and c not in ".-+"]
    if places:
        i = dice.choice(places)
        lines[at] = (
            line[:i] + dice.choice(["", line[i] * 2, dice.choice("abxyzAXYZ_ ;,\t()")]) + line[i + 1 :]
        )


def _blanks(lines: Lines, at: int, dice: random.Random) -> None:
    mark = _separator(lines[at])
    lines[at] = (" " + mark + " ").join(lines[at].split(mark)) if mark != " " else lines[at]


def _quotes(lines: Lines, at: int, dice: random.Random) -> None:
    mark = _separator(lines[at])
    lines[at] = mark.join(f'"{cell}"' for cell in lines[at].split(mark))


def _drop(lines: Lines, at: int, dice: random.Random) -> None:
    if len(lines) > 20:
        del lines[at]


def _double(lines: Lines, at: int, dice: random.Random) -> None:
    lines.insert(at, lines[at])


def _exchange(lines: Lines, at: int, dice: random.Random) -> None:
    if at + 1 < len(lines):
        lines[at], lines[at + 1] = lines[at + 1], lines[at]


def _tear(lines: Lines, at: int, dice: random.Random) -> None:
    mark = _separator(lines[at])
    cells = lines[at].split(mark)
    lines[at] = mark.join(cells[: dice.randrange(1, len(cells) + 1)])


def _rename(lines: Lines, at: int, dice: random.Random) -> None:
    mark = _separator(lines[at])
    cells = lines[at].split(mark)
    i, j = dice.randrange(len(cells)), dice.randrange(len(cells))
    cells[i] = dice.choice([cells[j], cells[i] + "_2", ""])
    lines[at] = mark.join(cells)


def _cell(lines: Lines, at: int, dice: random.Random) -> None:
    mark = _separator(lines[at])
    cells = lines[at].split(mark)
    i = dice.randrange(len(cells))
    # Beside decimal commas 1,5 is a number like any other.
    words = [word for word in _WORDS if word != "1,5" or mark == "," or "," not in lines[at]]
    lines[at] = mark.join(
        [*cells[:i], *dice.choice([[], [dice.choice(words)], [cells[i]] * 2]), *cells[i + 1 :]]
    )


def _comma(lines: Lines, at: int, dice: random.Random) -> None:
    lines[at] = lines[at].replace(".", ",", dice.randrange(1, 4))


def _other_separator(lines: Lines, at: int, dice: random.Random) -> None:
    lines[at] = lines[at].replace(_separator(lines[at]), dice.choice(";\t|,"))


def _note(lines: Lines, at: int, dice: random.Random) -> None:
    lines.insert(at, dice.choice(["", "# restarted", ",,,,", "0", lines[0], "\ufeff"]))


def _cut(lines: Lines, at: int, dice: random.Random) -> None:
    del lines[max(at, len(lines) // 2) :]


Change = Callable[[Lines, int, random.Random], None]
_HEADER: list[Change] = [_swap_case, _char, _char, _blanks, _quotes, _drop, _double, _rename, _note]
_ROW: list[Change] = [
    _drop,
    _double,
    _exchange,
    _tear,
    _cell,
    _cell,
    _comma,
    _other_separator,
    _note,
    _quotes,
    _cut,
]


def outcome(
    thigh: Path, shank: Path, true: Both, options: dict[str, object], scale: float, time_s: float = 1e-3
) -> str:
    """ "right", "refused", or what is wrong with the numbers that came out.

    Args:
        thigh: the file with something wrong in it.
        shank: the sound one.
        true: what was measured.
        options: what the person types.
        scale: of the tolerances.
        time_s: tolerance of the times.
    """
    try:
        found = read_import("auto", thigh, shank, **options)  # type: ignore[arg-type]
    except KneeflexError:
        return "refused"
    samples, whole = found.recording.thigh, true[Segment.THIGH]
    rows = _rows(samples, whole)
    if not (np.diff(rows) > 0).all():
        return "rows out of order or twice"
    if np.abs(samples.gyr_rad_s - whole.gyr_rad_s[rows]).max() > scale * 1e-4:
        return "other rates"
    if np.abs(samples.acc_m_s2 - whole.acc_m_s2[rows]).max() > scale * 2e-4:
        return "other accelerations"
    shank_samples, shank_whole = found.recording.shank[:1], true[Segment.SHANK]
    lead_s = float(shank_samples.time_s[0] - shank_whole.time_s[_rows(shank_samples, shank_whole)[0]])
    alone = any(f.kind in ("not_synchronised", "clock_error") for f in found.recording.findings)
    offset_s = samples.time_s - whole.time_s[rows]
    if np.ptp(offset_s) > scale * time_s or (abs(offset_s[0] - lead_s) > scale * time_s and not alone):
        return "other times"
    return "right"


def _rows(samples: ImuSamples, whole: ImuSamples) -> np.ndarray:
    """Which of the true samples each one is."""
    return np.array([int(np.argmin(np.abs(whole.gyr_rad_s - g).sum(axis=1))) for g in samples.gyr_rad_s])
