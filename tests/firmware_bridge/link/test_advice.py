from __future__ import annotations

import sys

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)

from firmware_bridge.errors import LinkError
from firmware_bridge.link.advice import bluetooth_error, connection_error


@pytest.mark.parametrize("reason", list(BleakBluetoothNotAvailableReason))
def test_every_reason_has_words_and_advice(reason):
    error = bluetooth_error(BleakBluetoothNotAvailableError("technical", reason))
    assert "Bluetooth" in str(error)
    assert "technical" not in str(error)
    assert error.advice.endswith(".")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "The thigh sensor X does not answer."),
        (BleakDeviceNotFoundError("id", "gone"), "went out of range"),
        (BleakCharacteristicNotFoundError("1234"), "lacks the characteristic 1234"),
        (
            BleakError("Software caused connection abort."),
            "cannot be connected: Software caused connection abort.",
        ),
        (BleakError(), "cannot be connected: BleakError."),
        (BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.POWERED_OFF), "switched off"),
        (LinkError("As it was.", "Said."), "As it was. Said."),
    ],
)
def test_what_went_wrong_with_a_sensor(error, words):
    told = connection_error("The thigh sensor X", error)
    assert words in str(told)
    assert told.advice.endswith(".")


def test_bluez_that_is_off_but_still_counts_as_powered():
    off = bluetooth_error(BleakBluetoothNotAvailableError("", BleakBluetoothNotAvailableReason.POWERED_OFF))
    refusal = BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"])
    assert str(bluetooth_error(refusal)) == str(off)
    assert str(connection_error("The thigh sensor X", refusal)) == str(off)


def test_other_troubles_of_bluetooth():
    assert "odd thing" in bluetooth_error(BleakError("odd thing")).problem
    expected = "service" if sys.platform == "linux" else "No such file"
    assert expected in bluetooth_error(FileNotFoundError(2, "No such file")).problem
