"""A Polar Verity Sense, from the vendor's measurement data specification and SdkModeExplained.md.

Other rates than 52 Hz need SDK mode, which ends running streams; both quantities come in compressed frames of
their own. Optical measurements are left out.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers import polar
from firmware_bridge.drivers.polar_frame import Frame, Quantity
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.drivers.standard import BATTERY_LEVEL, BATTERY_SERVICE, FIRMWARE_REVISION, bluetooth_uuid
from firmware_bridge.samples import Float, Segment
from firmware_bridge.virtual.wire import Board, Burst, Services

_FACTORS = {Quantity.ACC: 2.44e-4, Quantity.GYRO: 0.07}
_UNITS = {Quantity.ACC: G_M_S2, Quantity.GYRO: DEG_RAD}
_EPOCH_NS = 600_000_000 * 10**9  # the sensor's idea of the date: 2019
_OK, _INVALID_OP, _NOT_SUPPORTED, _ALREADY, _INVALID_RATE = 0, 1, 3, 6, 8


class PolarFirmware:
    """One sensor with firmware 1.1.5, which supports SDK mode."""

    services: ClassVar[Services] = {
        polar.SERVICE: {polar.CONTROL: ("read", "write", "notify"), polar.DATA: ("notify",)},
        BATTERY_SERVICE: {BATTERY_LEVEL: ("read", "notify")},
        bluetooth_uuid(0x180A): {FIRMWARE_REVISION: ("read",)},
    }
    data: ClassVar = polar.DATA

    def __init__(self) -> None:
        self.sdk_mode = False
        self._running: set[int] = set()

    def advertisement(self, segment: Segment) -> Advertisement:
        """By its name, which ends in its number."""
        return Advertisement(f"Polar Sense A1B2C3{10 + list(Segment).index(segment):02X}")

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """As many as a compressed frame of full width holds, 0.7 s at 52 Hz."""
        return max(min((mtu - 3 - 18) * 8 // 48, 36), 1)

    def read(self, board: Board, characteristic: str) -> bytes:
        """The battery level, the firmware revision, or the features of the control point."""
        if characteristic == BATTERY_LEVEL:
            return bytes([board.battery_percent])
        return b"1.1.5" if characteristic == FIRMWARE_REVISION else bytes.fromhex("0f2402") + bytes(14)

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Answers a command of the control point."""
        op, kind = (*payload[:2], 0, 0)[:2]
        if op == polar.Op.START:
            status = self._start(board, kind, payload[2:])
        elif op == polar.Op.STOP:
            status = self._stop(board, kind)
        else:
            status = _INVALID_OP
        factor = _FACTORS.get(Quantity(kind), 1.0) if kind in list(Quantity) else 1.0
        board.notify(polar.CONTROL, bytes(polar.Response(op, kind, status, factor)))
        if op == polar.Op.START and not status and self._running == {Quantity.ACC, Quantity.GYRO}:
            board.start()

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """One frame of each quantity, dated at its last sample."""
        last_us = burst.clock_us + (len(burst.acc_m_s2) - 1) * burst.period_us
        last_ns = _EPOCH_NS + round(last_us * 1000)
        values: dict[Quantity, Float] = {Quantity.ACC: burst.acc_m_s2, Quantity.GYRO: burst.gyr_rad_s}
        return tuple(
            bytes(Frame(quantity, last_ns, 0, True, self._counts(quantity, numbers)))
            for quantity, numbers in values.items()
        )

    def battery(self, percent: int) -> tuple[str, bytes] | None:
        """The standard Battery Level."""
        return BATTERY_LEVEL, bytes([percent])

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Nothing: the streams are started by commands."""

    def disconnected(self) -> None:
        """Streams end; SDK mode stays until it is left or the sensor is switched off."""
        self._running.clear()

    def _start(self, board: Board, kind: int, settings: bytes) -> int:
        if kind == Quantity.SDK_MODE:
            if self.sdk_mode:
                return _ALREADY
            self.sdk_mode = True
            self._running.clear()
            board.stop()
            return _OK
        if kind not in _FACTORS:
            return _NOT_SUPPORTED
        rate_hz = int.from_bytes(settings[2:4], "little")
        if rate_hz != board.rate_hz or (rate_hz != polar.NORMAL_RATE_HZ and not self.sdk_mode):
            return _INVALID_RATE
        if kind in self._running:
            return _ALREADY
        self._running.add(kind)
        return _OK

    def _stop(self, board: Board, kind: int) -> int:
        if kind == Quantity.SDK_MODE:
            was, self.sdk_mode = self.sdk_mode, False
            return _OK if was else _ALREADY
        if kind not in self._running:
            return _ALREADY
        self._running.discard(kind)
        if not self._running:
            board.stop()
        return _OK

    @staticmethod
    def _counts(quantity: Quantity, values: Float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.rint(values / (_UNITS[quantity] * _FACTORS[quantity])).astype(np.int64)
