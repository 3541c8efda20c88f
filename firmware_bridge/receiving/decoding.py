"""Decodes the notifications of one sensor, and keeps what is wrong with them."""

from __future__ import annotations

from typing import NamedTuple

from firmware_bridge.drivers.seam import Decoded, Decoder
from firmware_bridge.errors import DecodeError
from firmware_bridge.receiving.doubling import DoubledDelivery
from firmware_bridge.receiving.messages import Notification, Opened

_COPIES = (
    "The Bluetooth service of this computer delivers every packet twice since the reconnect; "
    "the copies are left out."
)


class PingAnswer(NamedTuple):
    """The answer to a ping: its token, and the sensor's raw clock when it was read."""

    token: int
    ticks: int


class Decoding:
    """The decoder of one sensor over all its connections.

    Attributes:
        undecodable: notifications that made no sense.
        problem: the latest complaint of the sensor over this connection, in a sentence, or "".
        senseless: why notifications made no sense, in a sentence, or "".
    """

    def __init__(self) -> None:
        self.undecodable = 0
        self.problem = self.senseless = ""
        self._opened: Opened | None = None
        self._decoder: Decoder | None = None
        self._doubled = DoubledDelivery(probe=False)

    def connected(self, opened: Opened) -> None:
        """From here on notifications come over this connection."""
        # Copies happen after a reconnect only; a clock in the packets exposes them by itself.
        self._doubled = DoubledDelivery(probe=self._opened is not None and opened.info.clock is None)
        self._opened, self._decoder = opened, opened.make_decoder()
        self.problem = self.senseless = ""

    def without_copies(self, notification: Notification) -> list[Notification]:
        """The notifications to decode now: without those that the operating system delivered twice."""
        opened = self._opened
        if opened is None or notification.characteristic != opened.data:
            return [notification]
        found_before = self._doubled.found
        ready = self._doubled.pass_on(notification)
        if self._doubled.found and not found_before:
            self.problem = _COPIES
        return ready

    def is_current(self, connection: int) -> bool:
        """Whether this is the number of the open connection."""
        return self._opened is not None and connection == self._opened.connection

    def decode(self, notification: Notification) -> Decoded | PingAnswer | None:
        """Decodes one notification, and has the decoder's replies sent.

        Returns:
            What it carried; None if it came over a connection that was closed meanwhile.

        Raises:
            DecodeError: it makes no sense; it is counted.
        """
        opened, decoder = self._opened, self._decoder
        if opened is None or decoder is None or not self.is_current(notification.connection):
            return None
        ping, characteristic = opened.ping, notification.characteristic
        if ping is not None and characteristic == ping.notify:
            answer = ping.decode(notification.payload)
            if answer is not None:
                return PingAnswer(*answer)
        try:
            decoded = decoder.decode(characteristic, notification.payload)
        except DecodeError as error:
            self.undecodable += 1
            self.senseless = f"its packets make no sense. {error}"
            raise
        if decoded.replies:
            opened.reply(decoded.replies)
        return decoded
