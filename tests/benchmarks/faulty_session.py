"""One recording under a schedule of faults, through the whole program on simulated time.

Comes out: what the air delivered, what was handed out, what is on the disk, and what was reported.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from unittest import mock

from firmware_bridge.capture import Capture
from firmware_bridge.drivers.kneeflex import DATA
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.errors import SessionError
from firmware_bridge.link.target import Target
from firmware_bridge.receiving.messages import Message, Notification
from firmware_bridge.receiving.status import LinkStatus
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.files import AppendOnlyFile
from firmware_bridge.session.model import Recording
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import EVENTS_FILE
from firmware_bridge.virtual.boards.kneeflex import KneeflexFirmware
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.peripheral import Peripheral
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulated_clock import SimulatedClock
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session
from firmware_bridge.virtual.wearing import Wearing

RATE_HZ = 25.0
SCRIPT = swings(1, period_s=1.0)
# A session of some ten seconds that has not ended by then never will.
LIMIT_S = 60.0
_LOOK_EVERY_S = 0.1
_NAME = "KF"
_SESSIONS: dict[tuple[int, ...], SimulatedSession] = {}


@dataclass(frozen=True)
class Kill:
    """The end of the writer amid the recording.

    Attributes:
        at_s: when, in script time.
        power: the power fails: only what was synced is left; otherwise the process is killed.
        torn_bytes: that are missing of the thigh's last line.
    """

    at_s: float
    power: bool = False
    torn_bytes: int = 0


@dataclass(frozen=True)
class Schedule:
    """What goes wrong in one session. Times are script times.

    Attributes:
        thigh, shank: faults of each sensor and its link.
        ticks, sequences: where clock and counter of thigh and shank begin; near a wrap or not.
        same_name: both sensors advertise one name, and are meant by their addresses.
        strangers: when further sensors of the thigh's name begin to advertise; below 0 from the start.
        full_disk: (from, until) the disk takes nothing.
        kill: the writer's end.
    """

    thigh: Faults = field(default_factory=Faults)
    shank: Faults = field(default_factory=Faults)
    ticks: tuple[int, int] = (0, 0)
    sequences: tuple[int, int] = (0, 0)
    same_name: bool = False
    strangers: tuple[float, ...] = ()
    full_disk: tuple[float, float] | None = None
    kill: Kill | None = None

    @property
    def kinds(self) -> Counter[str]:
        """How many faults of each kind it holds; a probability that hits many packets counts once."""
        number = Counter(
            {
                "clock wraps": sum(tick > 0 for tick in self.ticks),
                "counter wraps": sum(sequence > 0 for sequence in self.sequences),
                "pairs of one name": int(self.same_name),
                "namesakes of others": len(self.strangers),
                "full disks": int(self.full_disk is not None),
                "kills": int(self.kill is not None),
                "both links at once": len({*self.thigh.disconnects} & {*self.shank.disconnects}),
            }
        )
        for faults in (self.thigh, self.shank):
            number["stalls"] += len(faults.stalls)
            number["lost links"] += len(faults.disconnects)
            number["reboots"] += len(faults.reboots)
            number["refused connections"] += faults.refusals
            for name in ("loss", "duplication", "reordering", "garbage", "retransmission"):
                number[f"links with {name}"] += getattr(faults, name) > 0
        return number

    @property
    def count(self) -> int:
        """How many faults it holds."""
        return self.kinds.total()

    def faults(self, segment: Segment) -> Faults:
        """Of one sensor."""
        return self.thigh if segment is Segment.THIGH else self.shank


@dataclass(frozen=True)
class Killed:
    """What a kill left behind.

    Attributes:
        at_s: host time of the kill.
        recording: as it reads back.
        received: samples that had been handed out, of each sensor.
        events: that had been reported.
    """

    at_s: float
    recording: Recording
    received: Mapping[Segment, ImuSamples]
    events: int


@dataclass(frozen=True)
class Outcome:
    """What came of one session.

    Attributes:
        radio: the sensors, with what they sent.
        ended: the script came to its end in time.
        session_t0: host time of the session's zero.
        end_s: host time of its end.
        status: of the links at the end.
        delivered: (arrival_s, payload) of every packet of samples that reached the program.
        received: the samples that were handed out.
        recording: as it reads back from the disk.
        warnings: of the disk.
        disk_error: what closing the session raised, or "".
        unwritten: samples that are said not to be on the disk.
        stranger_connections: how often a sensor that nobody asked for was connected.
        killed: what a kill would have left.
    """

    radio: VirtualRadio
    ended: bool
    session_t0: float
    end_s: float
    status: Mapping[Segment, LinkStatus]
    delivered: Mapping[Segment, list[tuple[float, bytes]]]
    received: Mapping[Segment, ImuSamples]
    recording: Recording
    warnings: tuple[str, ...]
    disk_error: str
    unwritten: Mapping[Segment, int]
    stranger_connections: int
    killed: Killed | None


def record(schedule: Schedule, folder: Path) -> Outcome:
    """Records one session under a schedule.

    Args:
        schedule: the faults.
        folder: the session folder to make.
    """
    clock = SimulatedClock()
    radio = _CrowdedRadio(schedule, clock)
    targets = {s: Target(radio.advertised(s), address=radio.addresses[s]) for s in Segment}
    chunks: dict[Segment, list[ImuSamples]] = {segment: [] for segment in Segment}
    delivered: dict[Segment, list[tuple[float, bytes]]] = {segment: [] for segment in Segment}
    warnings: list[str] = []
    capture = Capture(
        targets,
        folder,
        radio=radio,
        rate_hz=RATE_HZ,
        sinks=[lambda segment, samples: chunks[segment].append(samples)],
        on_warning=warnings.append,
    )
    dispatcher = capture._bridge._dispatcher
    put = dispatcher.put

    def spy(message: Message) -> None:
        if isinstance(message, Notification) and message.characteristic == DATA:
            delivered[message.segment].append((message.arrival_s, message.payload))
        put(message)

    killed: Killed | None = None
    disk_error, kill = "", schedule.kill
    with _disk(schedule, radio, clock) as files, mock.patch.object(dispatcher, "put", spy):
        try:
            with capture:
                while not radio.finished and clock.now_s() < LIMIT_S:
                    clock.sleep(_LOOK_EVERY_S)
                    capture.check()
                    if kill is not None and killed is None and radio.script_s(clock) >= kill.at_s:
                        killed = _killed(kill, files, folder, chunks, clock.now_s())
        except SessionError as error:
            disk_error = str(error)
    writer = capture._writer
    assert writer is not None
    return Outcome(
        radio,
        radio.finished,
        capture.session_t0,
        capture._bridge._dispatcher._ended_s,
        capture.status,
        delivered,
        {segment: ImuSamples.concatenate(chunks[segment]) for segment in Segment},
        read_session(folder),
        tuple(warnings),
        disk_error,
        dict(writer._lost_rows),
        radio.stranger_connections,
        killed,
    )


class _CrowdedRadio(VirtualRadio):
    """Two sensors that are worn, and others that bear the name of the thigh's."""

    def __init__(self, schedule: Schedule, clock: SimulatedClock) -> None:
        super().__init__(
            _session(*schedule.ticks, *schedule.sequences),
            clock=clock,
            faults={segment: schedule.faults(segment) for segment in Segment},
        )
        if schedule.same_name:
            self._advertisements = {s: replace(a, name=_NAME) for s, a in self._advertisements.items()}
        self._strangers_s = schedule.strangers
        self._strangers: list[_Stranger] = []
        self.stranger_connections = 0

    def advertised(self, segment: Segment) -> str:
        """The name of a sensor."""
        return self._advertisements[segment].name

    def script_s(self, clock: SimulatedClock) -> float:
        """The time in the script; below 0 before it."""
        return -1.0 if self.script_start_s is None else clock.now_s() - self.script_start_s

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        link = self._sensors[Segment.THIGH]._peripheral._device.host.controller.link
        for place, _ in enumerate(self._strangers_s):
            advertisement = self._advertisements[Segment.THIGH]
            stranger = _Stranger(self, f"F0:0D:00:00:01:{place:02X}", advertisement, link)
            await stranger.peripheral.power_on()
            self._strangers.append(stranger)
        for stranger, at_s in zip(self._strangers, self._strangers_s, strict=True):
            if at_s < 0.0:
                await stranger.peripheral.advertise()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        for stranger in self._strangers:
            await stranger.peripheral.power_off()
        await super().__aexit__(kind, error, trace)

    def _started(self, sensor: object) -> None:
        began = self.script_start_s
        super()._started(sensor)  # type: ignore[arg-type]
        if began is None and self.script_start_s is not None:
            worn = self._sensors[Segment.THIGH]
            for stranger, at_s in zip(self._strangers, self._strangers_s, strict=True):
                if at_s >= 0.0:
                    worn._spawn(worn._at(self.script_start_s + at_s, stranger.peripheral.advertise))


class _Stranger:
    """A sensor of the right name that nobody asked for; only counts who connects to it."""

    def __init__(
        self, radio: _CrowdedRadio, address: str, advertisement: Advertisement, link: object
    ) -> None:
        self._radio = radio
        self.peripheral = Peripheral(link, address, advertisement, KneeflexFirmware.services, 247, self)  # type: ignore[arg-type]

    async def read(self, characteristic: str) -> bytes:
        return b""

    async def write(self, characteristic: str, payload: bytes) -> None: ...

    def subscribed(self, characteristic: str, enabled: bool) -> None: ...

    def connected(self) -> None:
        self._radio.stranger_connections += 1

    def disconnected(self) -> None: ...


def _session(thigh_tick: int, shank_tick: int, thigh_sequence: int, shank_sequence: int) -> SimulatedSession:
    key = (thigh_tick, shank_tick, thigh_sequence, shank_sequence)
    if key not in _SESSIONS:
        wearing = Wearing.realistic(seed=7)
        thigh = replace(wearing.thigh, first_tick=thigh_tick, first_sequence=thigh_sequence)
        shank = replace(wearing.shank, first_tick=shank_tick, first_sequence=shank_sequence)
        worn = replace(wearing, thigh=thigh, shank=shank)
        _SESSIONS[key] = simulate_session(SCRIPT, worn, rate_hz=RATE_HZ, seed=7)
    return _SESSIONS[key]


@contextmanager
def _disk(
    schedule: Schedule, radio: _CrowdedRadio, clock: SimulatedClock
) -> Iterator[dict[str, AppendOnlyFile]]:
    """A disk that is full for a while, and whose syncing costs no real time; the open files by name."""
    append, files = AppendOnlyFile.append, dict[str, AppendOnlyFile]()

    def limited(self: AppendOnlyFile, piece: bytes) -> None:
        files[Path(self._file.name).name] = self
        full = schedule.full_disk
        if full is not None and full[0] <= radio.script_s(clock) < full[1]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, piece)

    with (
        mock.patch("firmware_bridge.session.files._sync", return_value=None),
        mock.patch("firmware_bridge.session.files.sync_folder", return_value=None),
        mock.patch("firmware_bridge.session.writer.sync_folder", return_value=None),
        mock.patch.object(AppendOnlyFile, "append", limited),
    ):
        yield files


def _killed(
    kill: Kill,
    files: Mapping[str, AppendOnlyFile],
    folder: Path,
    chunks: Mapping[Segment, list[ImuSamples]],
    now_s: float,
) -> Killed:
    """Copies what would be left if the writer ended now, and reads it."""
    left = folder.with_name("killed")
    shutil.copytree(folder, left)
    for name, file in files.items():
        kept = file._synced_length if kill.power else file._length
        os.truncate(left / name, kept)
    thigh = left / "thigh.csv"
    if kill.torn_bytes and thigh.exists():
        lines = thigh.read_bytes()
        last = len(lines) - (lines[:-1].rfind(b"\n") + 1)
        os.truncate(thigh, len(lines) - min(kill.torn_bytes, last - 1))
    received = {segment: ImuSamples.concatenate(chunks[segment]) for segment in Segment}
    events = (folder / EVENTS_FILE).read_bytes().count(b"\n")
    return Killed(now_s, read_session(left), received, events)
