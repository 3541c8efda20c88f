"""What an import understood of two files, in words: what every import ends with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.errors import SessionError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.importers import physics
from firmware_bridge.session.importers.clocks import stamps
from firmware_bridge.session.importers.seam import Imported

# Consumer sensors are off by up to 0.3 m/s2, and so is gravity in a few places of the earth by 0.03.
_OFF_M_S2 = 0.45
_SHARE_LOST = 0.05
_SCALE = 1.65
_SURE_DEG = 3.0
_UNIT_SCALE, _PLAIN_DEG = 6.0, 12.0


@dataclass(frozen=True, slots=True)
class SensorUnderstood:
    """What was understood of one sensor's file.

    Attributes:
        segment: whose.
        title: of the kind of file.
        name: of the sensor, where the file states it.
        columns: of time, acc and gyr.
        units: of the same.
        rate_hz: between gaps.
        rate_source: how it is known.
        samples: whole ones.
        duration_s: from the first to the last.
        lost: missing samples.
        rest_m_s2: acceleration felt at rest; None where the sensor never rests.
        gyr_scale: how far the rate turns compared with gravity; None where that is not determined.
    """

    segment: Segment
    title: str
    name: str
    columns: dict[str, str]
    units: dict[str, str]
    rate_hz: float
    rate_source: str
    samples: int
    duration_s: float
    lost: int
    rest_m_s2: float | None
    gyr_scale: float | None

    def sentences(self) -> Iterator[str]:
        """The same in lines for a person."""
        named = f" ({self.name})" if self.name else ""
        yield f"{self.segment}{named}: {self.title}"
        for key, what in (("time", "time"), ("acc", "acceleration"), ("gyr", "angular rate")):
            yield f"  {what}: {self.columns.get(key, '?')} in {self.units.get(key, '?')}"
        yield (
            f"  {self.samples} samples in {self.duration_s:.1f} s, {self.rate_hz:.2f} a second "
            f"({self.rate_source}); {self.lost} lost"
        )
        rest = "never at rest" if self.rest_m_s2 is None else f"{self.rest_m_s2:.2f} m/s2 at rest"
        scale = (
            ""
            if self.gyr_scale is None
            else f"; it turns about {self.gyr_scale:.1f} times as far as gravity does"
        )
        yield f"  {rest}{scale}"


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of both files: the sensors, how their clocks are related, and what is doubted."""

    sensors: tuple[SensorUnderstood, ...]
    clock: str
    doubts: tuple[str, ...]

    def sentences(self) -> Iterator[str]:
        """The same in lines for a person."""
        for sensor in self.sensors:
            yield from sensor.sentences()
        yield f"clocks: {self.clock}"

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        names = SensorUnderstood.__dataclass_fields__
        return {
            "sensors": {
                str(one.segment): {name: getattr(one, name) for name in names if name != "segment"}
                for one in self.sensors
            },
            "clock": self.clock,
            "doubts": list(self.doubts),
        }


def understand(segment: Segment, imported: Imported, samples: ImuSamples) -> SensorUnderstood:
    """Sums up one sensor's file.

    Args:
        segment: whose.
        imported: the file as it was read.
        samples: the same in order, on the session clock.
    """
    rate_hz = stamps.rate_of(samples.time_s)
    found = physics.turning(samples.acc_m_s2, samples.gyr_rad_s / max(rate_hz, 1e-9))
    # A unit mistaken for another is plain even where the limb's own acceleration blurs gravity.
    unlike = found is not None and not 1 / _UNIT_SCALE < found.scale < _UNIT_SCALE
    sure = found is not None and found.error_deg < (_PLAIN_DEG if unlike else _SURE_DEG)
    return SensorUnderstood(
        segment=segment,
        title=imported.mapping.title,
        name=imported.sensor.name,
        columns=dict(imported.columns),
        units=dict(imported.units),
        rate_hz=rate_hz,
        rate_source=imported.rate_source,
        samples=len(samples),
        duration_s=float(samples.time_s[-1] - samples.time_s[0]),
        lost=stamps.lost_samples(samples.time_s),
        rest_m_s2=physics.at_rest_m_s2(samples.time_s, samples.acc_m_s2, samples.gyr_rad_s),
        gyr_scale=1 / found.scale if found is not None and sure else None,
    )


def refuse_other_unit(one: SensorUnderstood) -> None:
    """Refuses an angular rate that turns so unlike gravity that its unit must be another.

    Raises:
        SessionError: it does.
    """
    if one.gyr_scale is not None and not 1 / _UNIT_SCALE < one.gyr_scale < _UNIT_SCALE:
        question = "deg/s" if one.gyr_scale > 1 else "rad/s"
        raise SessionError(
            f"The angular rate of the {one.segment}, taken in {one.units.get('gyr', 'its unit')}, turns "
            f"{one.gyr_scale:.3g} times as far as gravity does, which cannot be.",
            f"Is it in {question}? State the unit with --columns.",
        )


def doubts_of(one: SensorUnderstood, samples: ImuSamples) -> Iterator[Finding]:
    """What the numbers of one sensor make doubtful."""
    segment = one.segment
    if one.rest_m_s2 is not None and abs(one.rest_m_s2 - GRAVITY_M_S2) > _OFF_M_S2:
        text = (
            f"The {segment} sensor feels {one.rest_m_s2:.2f} m/s2 at rest, not 9.81: its accelerometer has "
            "an offset or a wrong scale, and the angle is off by degrees. Calibrate it, or take another."
        )
        yield Finding("acc_at_rest", segment, None, text, "widen")
    if one.gyr_scale is not None and not 1 / _SCALE < one.gyr_scale < _SCALE:
        text = (
            f"The angular rate of the {segment} turns {one.gyr_scale:.2f} times as far as gravity does: its "
            "range or unit is wrong, and so is the angle. Correct the rates, or state their unit."
        )
        yield Finding("gyr_scale", segment, None, text, "refuse")
    if one.lost > _SHARE_LOST * (one.samples + one.lost):
        share = 100 * one.lost / (one.samples + one.lost)
        text = f"{share:.0f} % of the samples of the {segment} sensor are missing in gaps."
        yield Finding("samples_lost", segment, None, text)
    if len(samples) > 100 and not np.ptp(samples.gyr_rad_s, axis=0).all():
        text = f"An axis of the angular rate of the {segment} never changes: check the columns."
        yield Finding("axis_dead", segment, None, text)
