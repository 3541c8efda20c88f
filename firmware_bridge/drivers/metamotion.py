"""MbientLab MetaMotion (MMR, MMRL, MMC with the BMI160 chip; MMS with the BMI270).

Source: the commands, answers and packets that the tests of the vendor's MetaWear-SDK-Cpp assert. The board
is asked which chip it has, and configured by the answer. Acceleration and angular rate come in packets of
their own without time or counter, so they are paired in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import (
    BATTERY_LEVEL,
    FIRMWARE_REVISION,
    SERIAL_NUMBER,
    counts,
    decode_battery_level,
    read_battery_level,
    read_firmware_revision,
    read_serial_number,
    vectors,
)
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float
from firmware_bridge.session.model import SensorInfo

SERVICE: Final = "326a9000-85cb-9195-d9dd-464cfbbae75a"
COMMAND: Final = "326a9001-85cb-9195-d9dd-464cfbbae75a"
DATA: Final = "326a9006-85cb-9195-d9dd-464cfbbae75a"

ACC_MODULE: Final = 0x03
GYR_MODULE: Final = 0x13
ACC_RANGE_M_S2: Final = 16 * G_M_S2
GYR_RANGE_RAD_S: Final = 2000 * DEG_RAD
ACC_PER_LSB_M_S2: Final = G_M_S2 / 2048
GYR_PER_LSB_RAD_S: Final = DEG_RAD / 16.4
RATE_CODES: Final = {25.0: 6, 50.0: 7, 100.0: 8, 200.0: 9}

_POWER, _SAMPLING, _CONFIGURE, _INFO = 0x01, 0x02, 0x03, 0x80
# Settings module: connection interval 7.5 to 7.5 ms in steps of 1.25 ms, latency 0, time-out 6 s in steps
# of 10 ms. Without it the board keeps the slow interval that the operating system chooses.
FAST_CONNECTION: Final = bytes.fromhex("1109 0600 0600 0000 5802")
_PACKED_SAMPLES = 3
_OUT_OF_STEP = 8  # packets after which a surplus in one stream counts as loss in the other


@dataclass(frozen=True, slots=True)
class Chip:
    """The registers and codes in which the two chips differ."""

    name: str
    acc_plain: int
    acc_packed: int
    gyr_plain: int
    gyr_packed: int
    acc_filter: int
    acc_16_g: int
    gyr_filter: int = 0x20
    gyr_2000_deg_s: int = 0x00

    def registers(self, module: int) -> set[int]:
        """The data registers of a module."""
        if module == ACC_MODULE:
            return {self.acc_plain, self.acc_packed}
        return {self.gyr_plain, self.gyr_packed}


BMI160: Final = Chip("BMI160", 0x04, 0x1C, 0x05, 0x07, acc_filter=0x20, acc_16_g=0x0C)
BMI270: Final = Chip("BMI270", 0x04, 0x05, 0x04, 0x05, acc_filter=0xA0, acc_16_g=0x03)
_CHIPS: Final = {(1, 0): BMI160, (4, 1): BMI270}  # by implementation of the acc and the gyr module
_STREAMS: Final = {
    ACC_MODULE: (frozenset((0x04, 0x05, 0x1C)), ACC_PER_LSB_M_S2),
    GYR_MODULE: (frozenset((0x04, 0x05, 0x07)), GYR_PER_LSB_RAD_S),
}


@dataclass(frozen=True, eq=False, slots=True)
class VectorPacket:
    """A packet of one stream: `values` (k, 3) in m/s2 or rad/s, k = 1 plain and 3 packed."""

    module: int
    register: int
    values: Float

    @classmethod
    def from_bytes(cls, payload: bytes) -> VectorPacket | None:
        """Reads a data packet at 16 g and 2000 deg/s; None for an answer of another kind."""
        if len(payload) < 2:
            raise DecodeError(f"A notification of {len(payload)} bytes says nothing.")
        registers, per_lsb = _STREAMS.get(payload[0], (frozenset(), 0.0))
        if payload[1] not in registers:
            return None
        if len(payload) not in (8, 2 + 6 * _PACKED_SAMPLES):
            raise DecodeError(f"A data packet cannot be {len(payload)} bytes long.")
        return cls(payload[0], payload[1], vectors(payload[2:], "<i2") * per_lsb)

    def __bytes__(self) -> bytes:
        return bytes((self.module, self.register)) + counts(self.values, _STREAMS[self.module][1])


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """The answer of a module to `_INFO`; implementation and revision are None where it is absent."""

    module: int
    implementation: int | None = None
    revision: int | None = None

    @classmethod
    def from_bytes(cls, payload: bytes) -> ModuleInfo:
        """Reads an answer of 2 or at least 4 bytes."""
        if len(payload) == 2:
            return cls(payload[0])
        if len(payload) < 4:
            raise DecodeError(f"The answer {payload.hex()} of a module is cut off.")
        return cls(payload[0], payload[2], payload[3])

    def __bytes__(self) -> bytes:
        head = bytes((self.module, _INFO))
        if self.implementation is None or self.revision is None:
            return head
        return head + bytes((self.implementation, self.revision))


def configuration(chip: Chip, packed: bool, rate_hz: float) -> tuple[bytes, ...]:
    """The commands that set both streams to one rate, 16 g and 2000 deg/s, and start them.

    Streams that an earlier program left subscribed are unsubscribed.
    """
    code = RATE_CODES[rate_hz]
    acc = chip.acc_packed if packed else chip.acc_plain
    gyr = chip.gyr_packed if packed else chip.gyr_plain
    others = (
        bytes((module, register, 0))
        for module, ours in ((ACC_MODULE, acc), (GYR_MODULE, gyr))
        for register in sorted(chip.registers(module) - {ours})
    )
    return (
        FAST_CONNECTION,
        *others,
        bytes((ACC_MODULE, _CONFIGURE, chip.acc_filter | code, chip.acc_16_g)),
        bytes((GYR_MODULE, _CONFIGURE, chip.gyr_filter | code, chip.gyr_2000_deg_s)),
        bytes((ACC_MODULE, acc, 1)),
        bytes((GYR_MODULE, gyr, 1)),
        bytes((ACC_MODULE, _SAMPLING, 1, 0)),
        bytes((GYR_MODULE, _SAMPLING, 1, 0)),
        bytes((ACC_MODULE, _POWER, 1)),
        bytes((GYR_MODULE, _POWER, 1)),
    )


class Pairing:
    """Joins two streams of the same rate that carry neither time nor counter, in order of arrival."""

    def __init__(self) -> None:
        self._waiting = {ACC_MODULE: np.empty((0, 3)), GYR_MODULE: np.empty((0, 3))}
        self._seen: set[int] = set()
        self._since_level = 0

    def add(self, packet: VectorPacket) -> tuple[Float, Float, int]:
        """Adds a packet; returns acc (k, 3), gyr (k, 3) and how many samples were dropped as unpaired."""
        if len(self._seen) < len(self._waiting):  # one stream starts earlier: keep its newest packet
            self._waiting[packet.module] = packet.values
            self._seen.add(packet.module)
        else:
            self._waiting[packet.module] = np.concatenate((self._waiting[packet.module], packet.values))
        acc, gyr = self._waiting[ACC_MODULE], self._waiting[GYR_MODULE]
        k = min(len(acc), len(gyr))
        rest = {ACC_MODULE: acc[k:], GYR_MODULE: gyr[k:]}
        surplus = len(acc) + len(gyr) - 2 * k
        self._since_level = self._since_level + 1 if surplus and len(self._seen) == len(rest) else 0
        lost = surplus if self._since_level > _OUT_OF_STEP else 0
        if lost:
            rest = {module: values[:0] for module, values in rest.items()}
            self._since_level = 0
        self._waiting = rest
        return acc[:k], gyr[:k], lost


class MetaMotionDecoder:
    """Answers the board's description of its modules with the configuration, then pairs the streams."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._modules: dict[int, ModuleInfo] = {}
        self._pairing: Pairing | None = None
        self._configured: set[tuple[int, int]] = set()

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into the samples that it completes."""
        if characteristic == BATTERY_LEVEL:
            return Decoded.nothing(battery_percent=decode_battery_level(payload))
        if characteristic != DATA:
            return Decoded.nothing()
        packet = VectorPacket.from_bytes(payload)
        if packet is not None:
            # Other registers are left over from an earlier connection, with unknown ranges.
            if self._pairing is None or (packet.module, packet.register) not in self._configured:
                return Decoded.nothing()
            acc, gyr, lost = self._pairing.add(packet)
            problem = f"The sensor lost about {lost} samples of one of its two streams." if lost else ""
            return Decoded(acc, gyr, problem=problem)
        if payload[1] == _INFO and payload[0] in _STREAMS:
            return self._described(ModuleInfo.from_bytes(payload))
        return Decoded.nothing()

    def _described(self, module: ModuleInfo) -> Decoded:
        self._modules[module.module] = module
        if len(self._modules) < len(_STREAMS):
            return Decoded.nothing()
        acc, gyr = self._modules.pop(ACC_MODULE), self._modules.pop(GYR_MODULE)
        if acc.implementation is None or gyr.implementation is None:
            return Decoded.nothing(problem="This MetaWear board has no gyroscope; take a MetaMotion.")
        chip = _CHIPS.get((acc.implementation, gyr.implementation))
        if chip is None:
            return Decoded.nothing(
                problem=f"This MetaWear board has an unknown motion chip "
                f"({acc.implementation}, {gyr.implementation})."
            )
        self._pairing = Pairing()
        packed = chip is BMI270 or bool(acc.revision and gyr.revision)
        self._configured = {
            (ACC_MODULE, chip.acc_packed if packed else chip.acc_plain),
            (GYR_MODULE, chip.gyr_packed if packed else chip.gyr_plain),
        }
        commands = configuration(chip, packed, self._rate_hz)
        return Decoded.nothing(replies=tuple(Write(COMMAND, command) for command in commands))


class MetaMotion:
    """The driver: packed streams where the firmware has them."""

    name = "metamotion"
    notify = (DATA, BATTERY_LEVEL)
    reads = (FIRMWARE_REVISION, BATTERY_LEVEL, SERIAL_NUMBER)
    ping = None
    quiet_s = 0.0

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the vendor's service; the name can be changed."""
        return SERVICE in advertisement.service_uuids or advertisement.name == "MetaWear"

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges are set at the start; there is no clock."""
        firmware = read_firmware_revision(reads)
        return SensorInfo(self.name, name, firmware, rate_hz, ACC_RANGE_M_S2, GYR_RANGE_RAD_S)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The standard Battery Level."""
        return read_battery_level(reads)

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The standard Serial Number String."""
        return read_serial_number(reads)

    def rates_hz(self) -> tuple[float, ...]:
        """The rates that both chips offer and the radio can carry."""
        return tuple(RATE_CODES)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """Asks both modules what they are; the decoder replies to the answers with the configuration."""
        require_rate(self, rate_hz)
        return tuple(Write(COMMAND, bytes((module, _INFO))) for module in _STREAMS)

    def stop(self) -> tuple[Write, ...]:
        """Stops both streams and puts the chip to sleep."""
        commands = (
            command
            for module in (GYR_MODULE, ACC_MODULE)
            for command in (bytes((module, _POWER, 0)), bytes((module, _SAMPLING, 0, 1)))
        )
        return tuple(Write(COMMAND, command) for command in commands)

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """Holds the rate for the configuration that it will send."""
        return MetaMotionDecoder(rate_hz)
