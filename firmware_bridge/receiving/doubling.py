"""Removes the copies where the operating system delivers every notification twice.

BlueZ and bleak may do so after a reconnect (github.com/hbldh/bleak/issues/2002). A clock or counter in the
packets exposes the copies; without one, twice the sample rate would be recorded.
"""

from __future__ import annotations

from firmware_bridge.receiving.messages import Notification

_PROBED = 6


class DoubledDelivery:
    """The filter of one connection.

    Attributes:
        found: whether every notification comes twice.
    """

    def __init__(self, probe: bool) -> None:
        self.found = False
        self._probed: list[bytes] | None = [] if probe else None
        self._kept: bytes | None = None
        self._copies: list[Notification] = []

    def pass_on(self, notification: Notification) -> list[Notification]:
        """The notifications to process now, in order.

        The first ones of a connection are probed: copies are held back until it is clear whether all of them
        come in equal pairs. Equal neighbours that are not copies are passed on then.
        """
        if self._probed is None and not self.found:
            return [notification]
        copy = notification.payload == self._kept
        self._kept = None if copy else notification.payload
        ready = [] if copy else [notification]
        if self._probed is None:
            return ready
        self._probed.append(notification.payload)
        if copy:
            self._copies.append(notification)
        if len(self._probed) < _PROBED:
            return ready
        self.found = _in_pairs(self._probed)
        self._probed = None
        return ready if self.found else [*self._copies, *ready]


def _in_pairs(payloads: list[bytes]) -> bool:
    """Whether they come in equal pairs, and neighbouring pairs differ."""
    first, second = payloads[::2], payloads[1::2]
    return first == second and all(a != b for a, b in zip(second, first[1:], strict=False))
