"""One sensor, streamed for a while: what a report about hardware needs, and nothing of a person.

Names and addresses are masked: names are given by people, and an address follows its owner.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from firmware_bridge.drivers import DRIVERS
from firmware_bridge.drivers.seam import Advertisement, Driver
from firmware_bridge.errors import KneeflexError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.discovery import DiscoveredDevice, candidates
from firmware_bridge.link.radio import Radio, SystemRadio
from firmware_bridge.link.search import discover
from firmware_bridge.link.target import Target
from firmware_bridge.receiving.status import LinkStatus
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import LinkEvent, SensorInfo

_HARDWARE_ADDRESS = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Advertised:
    """What a sensor advertised.

    Attributes:
        name: the part of its name by which its driver recognises it; the rest is masked.
        service_uuids, manufacturer_ids: as advertised.
        driver: the driver that recognises it, or "".
        rssi_dbm: signal strength.
        battery_percent: where it is advertised.
    """

    name: str
    service_uuids: tuple[str, ...]
    manufacturer_ids: tuple[int, ...]
    driver: str
    rssi_dbm: int
    battery_percent: float | None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How the samples came, and what they weigh.

    Attributes:
        packets: number of different times of arrival.
        samples_per_packet: median.
        interval_ms: median time between packets.
        longest_interval_ms: the longest.
        acc_m_s2: median length of the specific force; 9.81 of a sensor that lies still.
        gyr_rad_s: median length of the angular rate; near 0 of a sensor that lies still.
    """

    packets: int
    samples_per_packet: float
    interval_ms: float
    longest_interval_ms: float
    acc_m_s2: float
    gyr_rad_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one sensor in a trial.

    Attributes:
        wanted_rate_hz: the sample rate that was asked for.
        seconds: how long it streamed, at most as long as asked for.
        others: how many other devices were in range.
        advertised: None where the sensor did not show up.
        info: the sensor as its driver describes it, without its name; None where it was never connected.
        status: the link at the end; None where it was never connected.
        arrivals: None where fewer than two packets came.
        events: what happened to the link, with its time in seconds.
        log: refused commands, repeated attempts.
        failure: why it ended early, with what to do; "" if it did not.
    """

    wanted_rate_hz: float
    seconds: float
    others: int
    advertised: Advertised | None = None
    info: SensorInfo | None = None
    status: LinkStatus | None = None
    arrivals: Arrivals | None = None
    events: tuple[tuple[float, str], ...] = ()
    log: tuple[str, ...] = ()
    failure: str = ""


class _Mask:
    """Takes the names and addresses of all devices in range out of sentences."""

    def __init__(self, devices: Sequence[DiscoveredDevice]) -> None:
        named = [(device.address, "(address)") for device in devices]
        named += [(device.name, "(name)") for device in devices if device.name]
        self._masks = sorted(named, key=lambda pair: -len(pair[0]))

    def __call__(self, text: str) -> str:
        for known, instead in self._masks:
            text = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", instead, text, flags=re.IGNORECASE)
        return _HARDWARE_ADDRESS.sub("(address)", text)


def try_sensor(
    identifier: str,
    radio: Radio | None = None,
    *,
    seconds: float = 20.0,
    rate_hz: float = 100.0,
    scan_s: float = 5.0,
) -> Trial:
    """Scans for a sensor, streams from it, and notes how that went, whatever errors came.

    Args:
        identifier: its name, address or serial number.
        radio: the Bluetooth to use; that of this computer by default.
        seconds: how long to stream.
        rate_hz: the sample rate wanted.
        scan_s: how long to look for it.
    """
    used = radio or SystemRadio()
    try:
        devices = discover(used, scan_s)
    except KneeflexError as error:
        return Trial(rate_hz, 0.0, 0, failure=str(error))
    found = candidates(Target(identifier), devices)
    begun = Trial(rate_hz, 0.0, len(devices) - (len(found) == 1))
    if not found:
        return replace(begun, failure="It does not show up. Switch it on, and disconnect whatever holds it.")
    if len(found) > 1:
        return replace(begun, failure=f"{len(found)} devices may be meant. Give the address (kneeflex scan).")
    begun = replace(begun, advertised=advertised_by(found[0]))
    if found[0].driver() is None:
        return replace(begun, failure=f"No driver knows it. There are drivers for {', '.join(DRIVERS)}.")
    return _stream(found[0], used, seconds, begun, _Mask(devices))


def _stream(device: DiscoveredDevice, radio: Radio, seconds: float, begun: Trial, mask: _Mask) -> Trial:
    chunks: list[ImuSamples] = []
    events: list[LinkEvent] = []
    failures: list[str] = []
    streamed_s = 0.0
    bridge = Bridge(
        {Segment.THIGH: Target(device.name or device.address, address=device.address)},
        radio,
        rate_hz=begun.wanted_rate_hz,
        sinks=(lambda _, samples: chunks.append(samples),),
        on_event=events.append,
    )

    def stream() -> None:
        nonlocal streamed_s
        with bridge:
            while (streamed_s := bridge.now_s()) < seconds:
                radio.clock.sleep(_LOOK_EVERY_S)
                bridge.check()

    with _logged() as lines:
        # A fault of the driver may keep the stream from beginning; it is kept behind the error that says so.
        for step in (stream, bridge.check):
            try:
                step()
            except Exception as error:
                failures.append(_in_words(error))
    info, status = bridge.infos.get(Segment.THIGH), bridge.status[Segment.THIGH]
    return replace(
        begun,
        seconds=min(streamed_s, seconds),
        info=None if info is None else replace(info, name=""),
        status=None if info is None else replace(status, problem=mask(status.problem)),
        arrivals=arrivals_of(chunks),
        events=tuple((event.time_s, mask(_words(event))) for event in events),
        log=tuple(mask(line) for line in lines),
        failure=mask(" ".join(failures)),
    )


def advertised_by(device: DiscoveredDevice) -> Advertised:
    """What a device advertises, masked."""
    driver, advertisement = device.driver(), device.advertisement
    return Advertised(
        needed_name(advertisement.name, driver),
        tuple(sorted(advertisement.service_uuids)),
        tuple(sorted(advertisement.manufacturer_ids)),
        "" if driver is None else driver.name,
        device.rssi_dbm,
        device.battery_percent,
    )


def needed_name(name: str, driver: Driver | None) -> str:
    """The shortest beginning of a name by which its driver recognises it; the rest is counted, not shown."""
    for length in range(1, len(name) + 1):
        if driver is not None and driver.recognises(Advertisement(name[:length])):
            return name[:length] + (f"... ({len(name) - length} more)" if length < len(name) else "")
    return f"not needed ({len(name)} characters)" if name else "none"


def arrivals_of(chunks: Iterable[ImuSamples]) -> Arrivals | None:
    """How samples arrived; None with fewer than two packets."""
    parts = list(chunks)
    samples = ImuSamples.concatenate(parts) if parts else None
    if samples is None or samples.arrival_s is None:
        return None
    times_s, counts = np.unique(samples.arrival_s, return_counts=True)
    if len(times_s) < 2:
        return None
    steps_ms = 1e3 * np.diff(times_s)
    return Arrivals(
        len(times_s),
        float(np.median(counts)),
        float(np.median(steps_ms)),
        float(np.max(steps_ms)),
        float(np.median(np.linalg.norm(samples.acc_m_s2, axis=1))),
        float(np.median(np.linalg.norm(samples.gyr_rad_s, axis=1))),
    )


def _in_words(error: Exception) -> str:
    """An error for people as it is; a fault of the program with its place."""
    if isinstance(error, KneeflexError):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}: {error}."


def _words(event: LinkEvent) -> str:
    detail = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in event.detail.items()
    )
    return f"{event.state}: {detail}" if detail else event.state


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What the link writes to its log meanwhile: refused commands, repeated attempts."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    log, handler = logging.getLogger("firmware_bridge.link"), Lines()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
