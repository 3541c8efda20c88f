"""The simulated radio: two sensors worn by a simulated leg, to which the real bleak connects."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from firmware_bridge.clock import Clock, SystemClock
from firmware_bridge.drivers import DRIVERS
from firmware_bridge.errors import LinkError, UsageError
from firmware_bridge.samples import Int, Segment
from firmware_bridge.virtual.boards import DRIVER_OF, FIRMWARES
from firmware_bridge.virtual.faults import Air, Faults
from firmware_bridge.virtual.interactive import InteractiveLeg, InteractivePlayback
from firmware_bridge.virtual.playback import BoardClock, Playback
from firmware_bridge.virtual.simulation import SimulatedSession

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner
    from bumble.link import LocalLink

    from firmware_bridge.virtual.sensor import Sensor

_ADDRESSES = {Segment.THIGH: "F0:0D:00:00:00:01", Segment.SHANK: "F0:0D:00:00:00:02"}
_ADAPTER_ADDRESS = "F0:0D:00:00:00:FF"


class VirtualRadio:
    """Two simulated sensors in one event loop: a `firmware_bridge.link.radio.Radio`.

    Once both have been started and `lead_s` more has passed, the leg carries out the script, once, for both
    in the same time. Before, it rests as at the beginning of the script, so nothing of the script is missed;
    at its end the sensors fall silent and stay connected. An interactive leg has no script and no end.
    Everything may be read from any thread.

    Args:
        session: what they measure.
        clock: on which everything happens; that of this computer by default.
        driver: the kind of sensor, a name in `firmware_bridge.virtual.boards.FIRMWARES`.
        lead_s: host time between the start of the second sensor and the start of the script; the link
            needs about a second until its session begins.
        faults: of each sensor.
        seed: of the noise of the leg at rest, of the faults, and of `random`.
        shared_clock: the sensors run by one clock, as Movella DOTs that the vendor's app has synchronised.

    Attributes:
        session, clock: as given.
        random: the random numbers of the link.
        names: advertised name of each sensor.
        addresses: Bluetooth address of each sensor.

    Raises:
        UsageError: no such kind of sensor, or it does not offer the session's sample rate.
    """

    def __init__(
        self,
        session: SimulatedSession | InteractiveLeg,
        *,
        clock: Clock | None = None,
        driver: str = "kneeflex",
        lead_s: float = 2.0,
        faults: Mapping[Segment, Faults] | None = None,
        seed: int = 0,
        shared_clock: bool = False,
    ) -> None:
        if driver not in FIRMWARES:
            raise UsageError(
                f"There is no simulated sensor of the kind {driver}.",
                f"Choose one of {', '.join(FIRMWARES)}.",
            )
        self.session, self._lead_s, self._seed, self._shared_clock = session, lead_s, seed, shared_clock
        self._faults = dict(faults or {})
        self._firmwares = {segment: FIRMWARES[driver]() for segment in Segment}
        self._rate_hz = _rate_hz(session)
        if self._rate_hz not in DRIVERS[DRIVER_OF.get(driver, driver)].rates_hz():
            raise UsageError(f"A {driver} sensor does not offer the {self._rate_hz:g} Hz of the session.")
        self.clock: Clock = clock or SystemClock()
        self.random = Random(seed)
        self._advertisements = {
            segment: firmware.advertisement(segment) for segment, firmware in self._firmwares.items()
        }
        self.names: Mapping[Segment, str] = {s: a.name for s, a in self._advertisements.items()}
        self.addresses: Mapping[Segment, str] = dict(_ADDRESSES)
        self._sensors: Mapping[Segment, Sensor] = {}
        self._clocks: dict[Segment, BoardClock] = {}
        self._script_start_s: float | None = None
        self._backends: tuple[type[BaseBleakScanner], type[BaseBleakClient]] | None = None

    @property
    def scanner_backend(self) -> type[BaseBleakScanner]:
        """The class that scans for the sensors."""
        return self._entered()[0]

    @property
    def client_backend(self) -> type[BaseBleakClient]:
        """The class that connects to the sensors."""
        return self._entered()[1]

    @property
    def script_start_s(self) -> float | None:
        """Host time of the script's zero; None until both sensors have been started."""
        return self._script_start_s

    @property
    def sent(self) -> Mapping[Segment, int]:
        """How many samples of the script each sensor has sent."""
        return {segment: sensor.sent for segment, sensor in self._sensors.items()} or dict.fromkeys(
            Segment, 0
        )

    @property
    def finished(self) -> bool:
        """Whether nothing of the script is to come from either sensor any more."""
        return bool(self._sensors) and all(sensor.finished for sensor in self._sensors.values())

    def script_index(self, segment: Segment, device_ticks: Int) -> Int:
        """Which sample of `session.recording` each received one is, by the clock of its sensor.

        Args:
            segment: of the sensor.
            device_ticks: (n,) as received.

        Returns:
            (n,) index; negative for samples of the leg at rest before the script. After a reboot only
            samples of the restarted clock are identifiable.
        """
        sensor = self._sensors[segment]
        playback, clock = sensor.playback, sensor.clock
        if playback.script_zero is None:
            return np.full(len(device_ticks), -1, dtype=np.int64)
        first = clock.ticks(playback.host_s(playback.script_zero))
        behind = (np.asarray(device_ticks, dtype=np.int64) - first + 2**31) % 2**32 - 2**31
        return np.rint(behind / (playback.period_s * clock.clock_rate * 1e6)).astype(np.int64)

    async def __aenter__(self) -> Self:
        """Switches the adapter and the radios of both sensors on; a board's clock runs since the first time.

        Raises:
            LinkError: bumble is not installed.
        """
        try:
            import bumble  # noqa: F401
        except ModuleNotFoundError as error:
            raise LinkError(
                "The simulated sensors are not installed.", "Run: pip install 'kneeflex[sim]'"
            ) from error
        from bumble.link import LocalLink

        from firmware_bridge.virtual.backend import Adapter, SimulatedClient, SimulatedScanner
        from firmware_bridge.virtual.traces import spare_searches, spare_traces

        spare_traces()
        spare_searches()
        link = LocalLink()  # type: ignore[no-untyped-call]
        adapter = Adapter(link, _ADAPTER_ADDRESS)
        await adapter.device.power_on()
        self._backends = (
            type("VirtualScanner", (SimulatedScanner,), {"adapter": adapter}),
            type("VirtualClient", (SimulatedClient,), {"adapter": adapter}),
        )
        await self.switch_on(link)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Switches everything off; what was counted stays readable."""
        await self.switch_off()
        self._backends = None

    async def switch_on(self, link: LocalLink) -> None:
        """Switches the radios of both sensors on, without an adapter: another one on the link finds them."""
        self._script_start_s = None
        self._sensors = {segment: self._sensor(link, segment) for segment in Segment}
        for sensor in self._sensors.values():
            await sensor.power_on()

    async def switch_off(self) -> None:
        """Switches both sensors off; what was counted stays readable."""
        for segment, sensor in self._sensors.items():
            await sensor.power_off()
            self._clocks[segment] = sensor.clock

    def _entered(self) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
        if self._backends is None:
            raise RuntimeError("the simulated radio is not switched on")
        return self._backends

    def _sensor(self, link: LocalLink, segment: Segment) -> Sensor:
        from firmware_bridge.virtual.sensor import Identity, Sensor

        worn = self.session.wearing[segment]
        faults = self._faults.get(segment, Faults())
        place = list(Segment).index(segment)
        # The connection events of the two lie at different times, as with any two radios.
        air = Air(faults, (self._seed, place), phase=0.4 * place)
        return Sensor(
            link,
            Identity(
                self.addresses[segment], self._advertisements[segment], self._rate_hz, worn.first_sequence
            ),
            self._firmwares[segment],
            _playback(self.session, segment, 2 * self._seed + place),
            self._clocks.get(segment) or self._board_clock(segment),
            faults,
            air,
            self.clock,
            self._started,
        )

    def _board_clock(self, segment: Segment) -> BoardClock:
        worn = self.session.wearing[Segment.THIGH if self._shared_clock else segment]
        return BoardClock(self.clock.now_s(), worn.first_tick, worn.clock_rate, self._shared_clock)

    def _started(self, sensor: Sensor) -> None:
        """Puts a sensor on its grid; with the second one the time of the script is settled."""
        now_s = self.clock.now_s()
        if sensor.playback.on_grid:
            return
        others = [s for s in self._sensors.values() if s is not sensor]
        if not all(other.playback.on_grid for other in others):
            sensor.playback.start(now_s)
            return
        script_start_s = now_s + self._lead_s
        for other in others:
            script_start_s = other.playback.next_script_start_s(script_start_s)
        sensor.playback.start_with_script(script_start_s, now_s)
        for each in self._sensors.values():
            each.begin_script(script_start_s)
        self._script_start_s = script_start_s


def _playback(session: SimulatedSession | InteractiveLeg, segment: Segment, seed: int) -> Playback:
    worn = session.wearing[segment]
    if isinstance(session, InteractiveLeg):
        return InteractivePlayback(session, segment, worn, seed)
    recording = session.recording
    samples = recording.thigh if segment is Segment.THIGH else recording.shank
    return Playback(samples, worn, _rate_hz(session), seed)


def _rate_hz(session: SimulatedSession | InteractiveLeg) -> float:
    if isinstance(session, InteractiveLeg):
        return session.rate_hz
    rate_hz = session.recording.info.sensors[Segment.THIGH].nominal_rate_hz
    assert rate_hz is not None
    return rate_hz
