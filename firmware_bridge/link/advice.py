"""Errors of Bluetooth as sentences: what went wrong, and what to do next."""

from __future__ import annotations

import sys
from typing import Final

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
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
_NEEDS_PAIRING: Final = {
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
}
_DBUS_NEEDS_PAIRING: Final = {
    "org.bluez.Error.NotPermitted",
    "org.bluez.Error.NotAuthorized",
    "org.bluez.Error.AuthenticationFailed",
    "org.bluez.Error.AuthenticationCanceled",
    "org.bluez.Error.AuthenticationRejected",
    "org.bluez.Error.AuthenticationTimeout",
}
_HOW_TO_PAIR: Final = {
    "linux": "Pair it once: run `bluetoothctl pair ADDRESS` with its address from `kneeflex scan`.",
    "win32": "Pair it once: Settings, Bluetooth & devices, Add device. Then try again.",
    "darwin": "Confirm the pairing request that macOS shows, and try again.",
}
_HOW_TO_FORGET: Final = {
    "linux": "run `bluetoothctl remove ADDRESS` with its address from `kneeflex scan`",
    "win32": "remove it in Settings, Bluetooth & devices",
    "darwin": "forget it in System Settings, Bluetooth, or switch Bluetooth off and on",
}


def bluetooth_error(error: Exception) -> LinkError:
    """Says why Bluetooth as a whole does not work.

    Args:
        error: what bleak raised while scanning.
    """
    if isinstance(error, BleakBluetoothNotAvailableError):
        return LinkError(*_REASONS.get(error.reason, _UNAVAILABLE))
    if _is_off(error):
        return LinkError(*_REASONS[BleakBluetoothNotAvailableReason.POWERED_OFF])
    if is_busy(error):
        return LinkError(
            "The Bluetooth adapter is busy: another program is scanning or connecting.",
            "Close Bluetooth settings and other programs that use Bluetooth, and try again.",
        )
    if isinstance(error, OSError) and sys.platform == "linux":
        return LinkError(
            "The Bluetooth service of this computer cannot be reached.",
            "Install and start it: the package is called bluez, the service bluetooth.",
        )
    return LinkError(f"Bluetooth does not work: {_words(error)}.", _UNAVAILABLE[1])


def connection_error(sensor: str, error: Exception) -> LinkError:
    """Says why one sensor could not be connected or started.

    Args:
        sensor: what messages call it.
        error: the last thing that bleak or the driver raised; its notes say what the driver knows of it.
    """
    if isinstance(error, LinkError):
        return error
    if isinstance(error, BleakBluetoothNotAvailableError) or _is_off(error):
        return bluetooth_error(error)
    if isinstance(error, BleakCharacteristicNotFoundError):
        forget = _HOW_TO_FORGET.get(sys.platform, "remove it in the Bluetooth settings")
        return LinkError(
            f"{sensor} lacks the characteristic {error.char_specifier} that its driver needs.",
            f"This computer may remember an older firmware: forget the device ({forget}) and try again. "
            "If that does not help, update its firmware, or name another driver.",
        )
    if needs_pairing(error):
        return LinkError(
            f"{sensor} must be paired with this computer: {_words(error)}.",
            _HOW_TO_PAIR.get(sys.platform, "Pair it once in the Bluetooth settings of this computer."),
        )
    known = " ".join(getattr(error, "__notes__", ()))
    if isinstance(error, BleakGATTProtocolError):
        return LinkError(
            f"{sensor} refuses a command: {_words(error)}.", known or "Switch it off and on, and try again."
        )
    if isinstance(error, TimeoutError):
        reason = f"{sensor} does not answer."
    elif isinstance(error, BleakDeviceNotFoundError):
        reason = f"{sensor} went out of range while connecting."
    else:
        reason = f"{sensor} cannot be connected: {_words(error)}."
    return LinkError(
        reason,
        known
        or "Bring it near, switch it off and on, and disconnect any phone that may hold it; then try again.",
    )


def needs_pairing(error: Exception) -> bool:
    """Whether the sensor answers only computers that it is paired with."""
    if isinstance(error, BleakGATTProtocolError):
        return error.code in _NEEDS_PAIRING
    if isinstance(error, BleakDBusError):
        details = error.dbus_error_details or ""
        codes = tuple(f"ATT error: 0x{code:02x}" for code in _NEEDS_PAIRING)
        return error.dbus_error in _DBUS_NEEDS_PAIRING or any(code in details for code in codes)
    return False


def is_busy(error: Exception) -> bool:
    """Whether the adapter is busy for the moment, so that the same request may work later."""
    return isinstance(error, BleakDBusError) and error.dbus_error == "org.bluez.Error.InProgress"


def _is_off(error: Exception) -> bool:
    """Whether BlueZ refuses because Bluetooth is off; for a moment the adapter still counts as powered."""
    return isinstance(error, BleakDBusError) and error.dbus_error == "org.bluez.Error.NotReady"


def _words(error: Exception) -> str:
    if isinstance(error, BleakGATTProtocolError):
        return str(error.args[-1])
    return str(error).strip().rstrip(".") or type(error).__name__
