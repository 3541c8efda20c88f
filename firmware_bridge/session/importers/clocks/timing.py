"""The time of every row of a file: from its stamps, or from a counter and a rate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Float, Int
from firmware_bridge.session.importers.clocks import stamps
from firmware_bridge.session.importers.clocks.moments import moment_of
from firmware_bridge.session.importers.clocks.rates import Noting, Turned, rate_of_counter
from firmware_bridge.session.importers.files.mapping import Clock, FileMapping, Found, TimeColumn, find
from firmware_bridge.session.importers.files.text import Table
from firmware_bridge.session.importers.files.units import ISO, TIME, unit_of
from firmware_bridge.session.importers.seam import Wanted
from firmware_bridge.timing.counters import unwrap

_HOST_ERROR_S = 0.02  # by which the ways of two sensors to one phone usually differ
_ARRIVAL_ERROR_S = 0.005
_RATE_TOLERANCE = 0.05
_LARGEST = 2.0**62  # of a stamp or a counter; NaN is not below it either


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns hold the time; `texts` are the places of those that are written as dates."""

    mapping: FileMapping
    column: TimeColumn
    stamps: Found | None
    counter: Found | None
    host: Found | None
    texts: frozenset[int]

    @property
    def numbers(self) -> set[int]:
        """The places of the columns to be read as numbers."""
        found = (self.stamps, self.counter, self.host)
        return {one.place for one in found if one is not None and one.place not in self.texts}

    @property
    def name(self) -> str:
        """Of the column that holds the time."""
        found = self.stamps or self.counter
        return found.name if found else ""


@dataclass(frozen=True, eq=False, slots=True)
class Times:
    """The times of the rows that are kept.

    Attributes:
        rows: which rows these are.
        time_s: of each.
        unit: of the stamps, with how it is known.
        clock, clock_period_s, clock_error_s, started_at, rate_source: see `seam.Imported`.
        ticks: the sensor's own clock as received, of `tick_s` each, anew after `wrap`.
        sequence: its counter as received.
        nominal_rate_hz: that the file states.
        period_s: between two samples.
        host_shift_s: by which the sensor's clock was shifted onto that of the computer it sent to.
    """

    rows: Int
    time_s: Float
    unit: str = ""
    clock: Clock = "own"
    clock_period_s: float | None = None
    clock_error_s: float = 0.0
    started_at: datetime | None = None
    rate_source: str = "from the stamps"
    ticks: Int | None = None
    tick_s: float = 1.0
    wrap: float | None = None
    sequence: Int | None = None
    nominal_rate_hz: float | None = None
    period_s: float = 0.01
    host_shift_s: float = 0.0


def plan(table: Table, mapping: FileMapping) -> Plan:
    """Chooses the columns of time: the first of the mapping's that are there."""
    for column in mapping.time:
        named = find(column.column, table.names, table.units)
        counter = find(column.counter, table.names)
        host = find(column.host, table.names)
        if len(named) > 1 or (not named and len(counter) > 1):
            twice = (named or counter)[0].name
            raise SessionError(f"{table.path.name} has the column {twice} twice.", "Remove one of them.")
        if named or (not column.column and counter):
            found = [one[0] if one else None for one in (named, counter, host)]
            texts = frozenset(one.place for one in found if one and _is_moment(table, one.place))
            return Plan(mapping, column, found[0], found[1], found[2], texts)
    raise SessionError(f"{table.path} has no column of time.", mapping.advice)


def times(
    plan: Plan,
    table: Table,
    columns: Mapping[int, NDArray[Any]],
    wanted: Wanted,
    notes: Noting,
    turned: Turned,
) -> Times:
    """The times of all rows that have one.

    Args:
        plan: which columns hold the time.
        table: for the description of the file, and for messages.
        columns: the whole rows.
        wanted: may hold a rate given by hand.
        notes: where findings go.
        turned: what the sensor measured, where that is needed to find its rate.

    Raises:
        SessionError: the times are impossible, or the rate is not known.
    """
    about = plan.mapping.about
    stated = _leading_number(table.about(about.get("rate_hz")))
    if plan.stamps is None:
        found = _by_counter(plan, table, columns, wanted, notes, turned, stated)
    else:
        found = _by_stamps(plan, table, columns, wanted, notes, stated)
    started_at, zone = moment_of(table.about(about.get("started_at")))
    if started_at is not None:
        if zone:
            notes.add("time_zone_unknown", zone)
        found["started_at"] = started_at
    if table.about(about.get("synced")).lower() == "synced":
        found["clock"] = "shared"
    time_s = found["time_s"]
    rate_hz = stamps.rate_of(np.sort(time_s))
    _refuse_impossible(rate_hz, len(time_s), table)
    return Times(**found, nominal_rate_hz=stated, period_s=1 / rate_hz if rate_hz > 0 else 0.01)


def rate_in_name(name: str) -> float | None:
    """The rate that some programs write into the names of files: ..._100.000Hz_..."""
    found = re.search(r"_(\d+(?:\.\d+)?)Hz", name, re.IGNORECASE)
    return float(found.group(1)) if found else None


def _by_counter(
    plan: Plan,
    table: Table,
    columns: Mapping[int, NDArray[Any]],
    wanted: Wanted,
    notes: Noting,
    turned: Turned,
    stated: float | None,
) -> dict[str, Any]:
    assert plan.counter is not None
    raw = columns[plan.counter.place].astype(np.float64)
    rows = np.flatnonzero((np.abs(raw) < _LARGEST) & (raw == np.rint(raw)))
    sequence = raw[rows].astype(np.int64)
    modulo = plan.column.counter_wrap
    count = unwrap(sequence, int(modulo)) if modulo else sequence
    rate_hz, source = rate_of_counter(table.path, stated, wanted.rate_hz, count, turned.at(rows), notes)
    keep = stamps.believable(count / rate_hz)
    _note_wild(keep, table, notes)
    restart = stamps.restarted_at(count[keep] / rate_hz)
    if restart is not None:
        raise SessionError(
            f"The counter of {table.path.name} begins anew after {restart} samples: it holds two recordings.",
            "Split it, and import one of them.",
        )
    return {
        "rows": rows[keep],
        "time_s": count[keep] / rate_hz,
        "unit": "samples",
        "clock": plan.column.clock,
        "clock_period_s": modulo / rate_hz if modulo else None,
        "rate_source": source,
        "sequence": sequence[keep],
    }


def _by_stamps(
    plan: Plan,
    table: Table,
    columns: Mapping[int, NDArray[Any]],
    wanted: Wanted,
    notes: Noting,
    stated: float | None,
) -> dict[str, Any]:
    assert plan.stamps is not None
    column = plan.column
    found: dict[str, Any] = {"clock": column.clock}
    if plan.stamps.place in plan.texts:
        time_s, dated = stamps.seconds_of_moments(columns[plan.stamps.place])
        worth, found["unit"] = 1.0, "dates" if dated else "times of day"
        found["clock"] = "shared" if column.clock == "session" else column.clock
        rows = np.flatnonzero(np.isfinite(time_s))
        time_s = time_s[rows]
    else:
        raw = columns[plan.stamps.place].astype(np.float64)
        rows = np.flatnonzero(np.abs(raw) < _LARGEST)
        if not len(rows):
            raise SessionError(f"The column {plan.name} of {table.path.name} holds no times.", _ADVICE)
        unit, found["unit"] = _unit(plan, table, raw[rows], notes)
        worth = TIME[unit]
        if column.wrap is None:
            time_s = np.asarray(raw[rows] * worth, dtype=np.float64)
        else:
            ticks = raw[rows].astype(np.int64)
            found |= {"ticks": ticks, "tick_s": worth, "wrap": column.wrap}
            found["clock_period_s"] = column.wrap * worth
            time_s = np.asarray(unwrap(ticks, int(column.wrap)) * worth, dtype=np.float64)
    time_s, coarse = _finer(plan, table, columns, rows, time_s, stated, notes)
    if coarse:
        found.pop("ticks", None)
        found["clock_error_s"] = coarse
    if plan.host is not None:
        found |= _on_host_clock(plan, columns, rows, time_s, notes, table)
        time_s = found.pop("time_s")
    keep = stamps.believable(time_s)
    _note_wild(keep, table, notes)
    rows, time_s = rows[keep], time_s[keep]
    if "ticks" in found:
        found["ticks"] = found["ticks"][keep]
    restart = stamps.restarted_at(time_s)
    if restart is not None:
        raise SessionError(
            f"The times of {table.path.name} begin anew after {restart} samples: it holds two recordings.",
            "Split it, and import one of them.",
        )
    evened = _evened(column, time_s, table, notes)
    if evened is not None:
        order, time_s, found["rate_source"], error_s = evened
        rows = rows[order]
        found["clock_error_s"] = found.get("clock_error_s", 0.0) + error_s
        if "ticks" in found:
            found["ticks"] = found["ticks"][order]
    if wanted.rate_hz is not None:
        _compare_with_hand(wanted.rate_hz, stamps.rate_of(np.sort(time_s)), table)
    return {**found, "rows": rows, "time_s": time_s}


_ADVICE = "Name the column of time with --columns, or export the recording again."


def _unit(plan: Plan, table: Table, raw: Float, notes: Noting) -> tuple[str, str]:
    """The unit of the stamps, and how it is known."""
    assert plan.stamps is not None
    if plan.column.unit and plan.column.unit != ISO:
        return unit_of(plan.column.unit, "time"), plan.column.unit
    named = unit_of(plan.stamps.unit, "time")
    if named and named != ISO:
        return named, f"{named} (its name says so)"
    unit = stamps.plausible_unit(raw)
    if not unit:
        raise SessionError(
            f"The unit of the times in {plan.name} of {table.path.name} is not stated, and none gives them "
            "the steps of a sensor.",
            'State it: --columns "time=t:ms; acc=ax,ay,az:g; gyr=gx,gy,gz:deg/s".',
        )
    notes.add("units_guessed", f"The unit of {plan.name} is not stated; by the steps it is {unit}.")
    return unit, f"{unit} (found by the steps)"


def _finer(
    plan: Plan,
    table: Table,
    columns: Mapping[int, NDArray[Any]],
    rows: Int,
    time_s: Float,
    stated: float | None,
    notes: Noting,
) -> tuple[Float, float]:
    """Stamps that a spreadsheet rounded, made exact again by the counter beside them; and how exact."""
    if plan.counter is None or len(rows) < 10:
        return time_s, 0.0
    raw = columns[plan.counter.place].astype(np.float64)[rows]
    if not (np.abs(raw) < _LARGEST).all() or (np.diff(time_s) == 0).mean() < 0.3:
        return time_s, 0.0
    count = raw.astype(np.int64)
    exact = stamps.unrounded(time_s, count, 1 / stated if stated else None)
    if exact is None:
        raise SessionError(
            f"The stamps of {table.path.name} are rounded so far that most samples have the same time.",
            "A spreadsheet did this (1.02E+09): import the file as it was before that.",
        )
    notes.add(
        "stamps_rounded",
        f"The stamps of {table.path.name} were rounded, as spreadsheets do (1.02E+09); they were found again "
        f"from the counter, to about {1000 * exact[1]:.0f} ms.",
        "correct",
    )
    return exact


def _on_host_clock(
    plan: Plan,
    columns: Mapping[int, NDArray[Any]],
    rows: Int,
    time_s: Float,
    notes: Noting,
    table: Table,
) -> dict[str, Any]:
    """Times by the sensor's clock, shifted onto the clock of the phone that both sensors sent to."""
    assert plan.host is not None
    if plan.host.place not in plan.texts:
        return {"time_s": time_s}
    host_s, dated = stamps.seconds_of_moments(columns[plan.host.place][rows])
    if not dated or not np.isfinite(host_s).any():
        return {"time_s": time_s}
    shift_s = float(np.nanmedian(host_s - time_s))
    notes.add(
        "clock_by_arrival",
        f"{table.path.name} was placed on the clock of the phone by the moments of arrival: against the "
        f"other sensor that may be wrong by about {1000 * _HOST_ERROR_S:.0f} ms.",
    )
    return {
        "time_s": time_s + shift_s,
        "clock": "shared",
        "clock_error_s": _HOST_ERROR_S,
        "host_shift_s": shift_s,
    }


def _evened(
    column: TimeColumn, time_s: Float, table: Table, notes: Noting
) -> tuple[Int, Float, str, float] | None:
    """Order, times, source of the rate and error, where the stamps were evened out; else None."""
    order = np.argsort(time_s, kind="stable")
    sorted_s = time_s[order]
    if column.even == "line":
        first = np.diff(sorted_s, prepend=-np.inf) > 0
        return order[first], stamps.even_out(sorted_s[first]), "from the stamps, evened out", 0.0
    if (np.diff(time_s) < 0).any() and column.wrap is not None:
        return None
    spread = stamps.spread_packets(sorted_s) or stamps.spread_jitter(sorted_s)
    if spread is None:
        return None
    notes.add(
        "stamps_evened_out",
        f"The stamps of {table.path.name} are moments of arrival, {_at_a_time(spread.a_packet)}; they were "
        f"evened out to {spread.rate_hz:.2f} samples a second.",
        "correct",
    )
    return order, spread.time_s, "from moments of arrival, evened out", _ARRIVAL_ERROR_S


def _at_a_time(count: float) -> str:
    return f"about {count:.0f} samples at a time" if count >= 1.5 else "early and late"


def _compare_with_hand(by_hand_hz: float, found_hz: float, table: Table) -> None:
    if abs(by_hand_hz / max(found_hz, 1e-9) - 1) > _RATE_TOLERANCE:
        raise SessionError(
            f"{table.path.name} has stamps that say another rate than the {by_hand_hz:g} Hz given by hand.",
            "Leave --rate out; it is for files without stamps.",
        )


def _note_wild(keep: NDArray[np.bool_], table: Table, notes: Noting) -> None:
    wild = int((~keep).sum())
    if wild:
        rows = "row" if wild == 1 else "rows"
        notes.add("damaged_rows", f"{wild} {rows} of {table.path.name} with an impossible time left out.")


def _refuse_impossible(rate_hz: float, count: int, table: Table) -> None:
    if count < 2:
        raise SessionError(f"{table.path} holds only one sample.", "Export the recording again.")
    if stamps.SLOWEST_HZ <= rate_hz <= stamps.FASTEST_HZ:
        return
    worth = {"milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9, "seconds": 1e-3}
    fitting = [unit for unit, factor in worth.items() if stamps.SLOWEST_HZ <= rate_hz * factor <= 2000]
    question = f"Are they in {fitting[0]}? State the unit with --columns." if fitting else _ADVICE
    raise SessionError(
        f"By its times {table.path.name} holds {rate_hz:.3g} samples a second, which cannot be.", question
    )


def _is_moment(table: Table, place: int) -> bool:
    cells = table.first_cells(place)
    return sum(bool(re.search(r"\d:\d|\d{4}-\d", cell)) for cell in cells) > len(cells) / 2


def _leading_number(text: str) -> float | None:
    found = re.match(r"\s*(\d+(?:[.,]\d+)?)", text)
    return float(found.group(1).replace(",", ".")) if found else None
