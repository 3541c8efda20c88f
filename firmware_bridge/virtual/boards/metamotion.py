"""An MbientLab MetaMotion R (BMI160) and S (BMI270), from the tests of the vendor's MetaWear-SDK-Cpp.

Modules answer what they are; a stream flows once its register is subscribed and its module runs. Logging,
other modules and other ranges are left out.
"""

from __future__ import annotations

from typing import ClassVar

from firmware_bridge.drivers import metamotion as mm
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.drivers.standard import BATTERY_LEVEL, BATTERY_SERVICE, FIRMWARE_REVISION, bluetooth_uuid
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.wire import Board, Burst, Services

_POWER, _INFO = 0x01, 0x80


class MetaMotionFirmware:
    """The board with the BMI160; streams three samples a packet where the packed register is subscribed."""

    services: ClassVar[Services] = {
        mm.SERVICE: {mm.COMMAND: ("write", "write-without-response"), mm.DATA: ("notify",)},
        BATTERY_SERVICE: {BATTERY_LEVEL: ("read", "notify")},
        bluetooth_uuid(0x180A): {FIRMWARE_REVISION: ("read",)},
    }
    data: ClassVar = mm.DATA
    chip: ClassVar = mm.BMI160
    answers: ClassVar = {mm.ACC_MODULE: bytes((3, 0x80, 1, 1)), mm.GYR_MODULE: bytes((0x13, 0x80, 0, 1))}

    def __init__(self) -> None:
        self._subscribed: dict[int, set[int]] = {module: set() for module in self.answers}
        self._powered: set[int] = set()

    def advertisement(self, segment: Segment) -> Advertisement:
        """By the vendor's service; the owner has named the two."""
        return Advertisement(f"MM-{segment}", (mm.SERVICE,))

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """Three in a packed packet, which needs 20 bytes."""
        return 3

    def read(self, board: Board, characteristic: str) -> bytes:
        """The battery level or the firmware revision."""
        return bytes([board.battery_percent]) if characteristic == BATTERY_LEVEL else b"1.7.3"

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Answers questions, subscribes registers, and runs modules; ignores everything else."""
        if len(payload) < 2 or payload[0] not in self._subscribed:
            return
        module, register = payload[0], payload[1]
        if register == _INFO:
            board.notify(mm.DATA, self.answers[module])
        elif register == _POWER and len(payload) == 3:
            (self._powered.add if payload[2] else self._powered.discard)(module)
            if len(self._powered) == len(self._subscribed):
                board.start()
            elif not self._powered:
                board.stop()
        elif register in self.chip.registers(module) and len(payload) == 3:
            (self._subscribed[module].add if payload[2] else self._subscribed[module].discard)(register)

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """The packets of every subscribed register of both modules."""
        packets: list[bytes] = []
        for module, values in ((mm.ACC_MODULE, burst.acc_m_s2), (mm.GYR_MODULE, burst.gyr_rad_s)):
            for register in sorted(self._subscribed[module]):
                packed = register in (self.chip.acc_packed, self.chip.gyr_packed) and len(values) == 3
                step = len(values) if packed else 1
                rows = (values[at : at + step] for at in range(0, len(values), step))
                packets += [bytes(mm.VectorPacket(module, register, row)) for row in rows]
        return tuple(packets)

    def battery(self, percent: int) -> tuple[str, bytes] | None:
        """The standard Battery Level."""
        return BATTERY_LEVEL, bytes([percent])

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Nothing: the stream is started by commands."""

    def disconnected(self) -> None:
        """The board tears its settings down."""
        self._powered.clear()
        for registers in self._subscribed.values():
            registers.clear()


class MetaMotionSFirmware(MetaMotionFirmware):
    """The board with the BMI270, which knows packed registers of another number."""

    chip: ClassVar = mm.BMI270
    answers: ClassVar = {mm.ACC_MODULE: bytes((3, 0x80, 4, 0)), mm.GYR_MODULE: bytes((0x13, 0x80, 1, 0))}
