"""Columns of acceleration and rate -> m/s2 and rad/s: what their unit is, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Float, Segment
from firmware_bridge.session.importers import physics
from firmware_bridge.session.importers.clocks.rates import Noting
from firmware_bridge.session.importers.files.mapping import Found
from firmware_bridge.session.importers.files.recognise import Opened
from firmware_bridge.session.importers.files.text import Table
from firmware_bridge.session.importers.files.units import ACC, GYR, unit_of

# Over a whole recording a leg feels about gravity; no sensor for people measures 4000 deg/s.
_ACC_RANGE_M_S2 = (5.0, 20.0)
_LARGEST_RATE_RAD_S = 70.0


def in_units(
    values: dict[str, Float],
    chosen: Mapping[str, Sequence[Found]],
    opened: Opened,
    period_s: float,
    notes: Noting,
) -> tuple[dict[str, Float], dict[str, str], dict[str, str]]:
    """Acceleration and rate in our units, the names of their columns, and their units in words.

    Args:
        values: by quantity: acc and gyr, or their increments over one period.
        chosen: the columns that they were read from.
        opened: the file.
        period_s: between two samples.
        notes: where findings go.

    Raises:
        SessionError: a unit is neither stated nor determined by gravity.
    """
    names, units, result = {}, {}, {}
    for key in ("acc", "gyr"):
        source = key if key in values else f"{key}_increment"
        if source not in values:
            continue
        names[key] = ", ".join(found.name for found in chosen[source])
        if source != key:
            result[key] = _rate_of_increments(values[source], key, period_s)
            units[key] = (
                f"{'m/s2' if key == 'acc' else 'rad/s'} (from increments over {period_s * 1000:.2f} ms)"
            )
            continue
        written = opened.mapping.vectors[key].unit
        stated = unit_of(written or chosen[key][0].unit, key)
        how = "" if written else " (its name says so)"
        if not stated:
            stated, how = _found_unit(key, values, units, period_s, opened.table), " (found by gravity)"
            notes.add(
                "units_guessed",
                f"The unit of {names[key]} is not stated; by gravity it is {stated}.",
            )
        result[key] = values[key] * (ACC if key == "acc" else GYR)[stated]
        units[key] = stated + how
    return result, names, units


def _found_unit(
    key: str, values: Mapping[str, Float], units: Mapping[str, str], period_s: float, table: Table
) -> str:
    if key == "acc":
        unit = physics.acc_unit(values["acc"])
        if unit:
            return unit
        raise SessionError(
            f"The acceleration in {table.path.name} is gravity neither in m/s2, nor in g or mg.",
            "Is it without gravity, or raw counts? State the unit, or take the acceleration with gravity.",
        )
    unit = ""
    if "acc" in values:
        unit, _ = physics.gyr_unit(values["acc"], values["gyr"], period_s)
    if unit:
        return unit
    raise SessionError(
        f"The unit of the angular rate in {table.path.name} is not stated, and the sensor turns too little "
        "to tell it by gravity.",
        'State it, for example with --columns "time=t:ms; acc=ax,ay,az:g; gyr=gx,gy,gz:deg/s".',
    )


def _rate_of_increments(values: Float, key: str, period_s: float) -> Float:
    if key == "acc":
        return values / period_s
    from scipy.spatial.transform import Rotation

    norm = np.linalg.norm(values, axis=1, keepdims=True)
    if not (np.abs(norm - 1) < 0.1).all():
        raise SessionError(
            "The increments of orientation are no rotations.", "Export them as dq_W, dq_X, dq_Y, dq_Z."
        )
    return Rotation.from_quat(values, scalar_first=True).as_rotvec() / period_s


def refuse_units(acc: Float, gyr: Float, segment: Segment) -> None:
    """Refuses numbers that are impossible in our units: they must not become an angle.

    Raises:
        SessionError: they are; says which units the file seems to be in.
    """
    usual = float(np.median(np.linalg.norm(acc, axis=1)))
    low, high = _ACC_RANGE_M_S2
    if not low < usual < high:
        raise SessionError(
            f"The acceleration of the {segment} is {usual:.3g} m/s2 most of the time, not near 9.8.",
            "Is the file in g, or without gravity? State its unit with --columns; gravity must be included.",
        )
    fast = float(np.quantile(np.linalg.norm(gyr, axis=1), 0.999))
    if fast > _LARGEST_RATE_RAD_S:
        raise SessionError(
            f"The angular rate of the {segment} reaches {fast:.3g} rad/s, which no sensor measures.",
            "Is the file in deg/s? State its unit with --columns.",
        )
