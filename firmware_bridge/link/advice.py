"""Errors of Bluetooth as sentences: what went wrong, and what to do next."""

from __future__ import annotations

import sys

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDeviceNotFoundError,
)

from firmware_bridge.errors import LinkError

_REASONS = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: (
        "This computer has no Bluetooth adapter.",
        "Plug in a Bluetooth adapter (4.2 or newer).",
    ),
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "The Bluetooth adapter of this computer cannot connect to Low Energy sensors.",
        "Plug in a Bluetooth adapter (4.2 or newer).",
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: (
        "Bluetooth is switched off.",
        "Switch it on in the settings of this computer.",
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: (
        "This program may not use Bluetooth.",
        "Allow it in the privacy settings of this computer.",
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: (
        "The administrator of this computer does not allow Bluetooth.",
        "Ask the administrator.",
    ),
}
_UNAVAILABLE = (
    "Bluetooth is not available on this computer.",
    "Run `kneeflex doctor` to see why.",
)


def bluetooth_error(error: Exception) -> LinkError:
    """Says why Bluetooth as a whole does not work.

    Args:
        error: what bleak raised while scanning.
    """
    if isinstance(error, BleakBluetoothNotAvailableError):
        return LinkError(*_REASONS.get(error.reason, _UNAVAILABLE))
    if isinstance(error, OSError) and sys.platform == "linux":
        return LinkError(
            "The Bluetooth service of this computer cannot be reached.",
            "Install and start it: the package is called bluez, the service bluetooth.",
        )
    return LinkError(f"Bluetooth does not work: {_words(error)}.", _UNAVAILABLE[1])


def connection_error(sensor: str, error: Exception) -> LinkError:
    """Says why one sensor could not be connected or started.

    Args:
        sensor: how the person calls it.
        error: the last thing that bleak or the driver raised.
    """
    if isinstance(error, LinkError):
        return error
    if isinstance(error, BleakBluetoothNotAvailableError):
        return bluetooth_error(error)
    if isinstance(error, BleakCharacteristicNotFoundError):
        return LinkError(
            f"{sensor} lacks the characteristic {error.char_specifier} that its driver needs.",
            "Update its firmware, or name another driver.",
        )
    if isinstance(error, TimeoutError):
        reason = f"{sensor} does not answer."
    elif isinstance(error, BleakDeviceNotFoundError):
        reason = f"{sensor} went out of range while connecting."
    else:
        reason = f"{sensor} cannot be connected: {_words(error)}."
    return LinkError(
        reason,
        "Bring it near, switch it off and on, and disconnect any phone that may hold it; then try again.",
    )


def _words(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
