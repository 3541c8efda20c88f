import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import movella_sync as sync
from firmware_bridge.drivers.movella_sync import Message, SyncId
from firmware_bridge.errors import DecodeError

# The examples of the vendor's specification, and the two status answers.
REAL = {
    "0201 08 f5": sync.get_status(),
    "0207 01 ccbbaacd22d4 02": Message(sync.SYNC, bytes.fromhex("01ccbbaacd22d4")),
    "0207 01 3d69f16ecad4 53": Message(sync.SYNC, bytes.fromhex("013d69f16ecad4")),
    "0201 02 fb": Message(sync.SYNC, b"\x02"),
    "0202 5104 a7": Message(sync.SYNC, bytes((SyncId.STATUS, 4))),
    "0202 5109 a2": Message(sync.SYNC, bytes((SyncId.STATUS, 9))),
    "0202 0300 f9": Message(sync.SYNC, bytes((0x03, 0))),
    "0202 5000 ac": Message(sync.SYNC, bytes((0x50, 0))),
    "0101 02 fc": Message(1, b"\x02"),
}


@pytest.mark.parametrize("text", REAL)
def test_the_messages_of_the_specification(text):
    payload = bytes.fromhex(text)
    assert bytes(REAL[text]) == payload
    assert Message.from_bytes(payload) == REAL[text]
    assert Message.from_bytes(payload.ljust(160, b"\x00")) == REAL[text]


def test_a_wrong_checksum_is_refused():
    with pytest.raises(DecodeError, match="checksum"):
        Message.from_bytes(bytes.fromhex("020108f4"))


def test_only_a_status_answer_says_whether_it_is_synchronised():
    assert sync.is_synchronised(bytes.fromhex("02025104a7")) is True
    assert sync.is_synchronised(bytes.fromhex("02025109a2")) is False
    assert sync.is_synchronised(bytes.fromhex("02025000ac")) is None


@settings(max_examples=50)
@given(st.integers(0, 255), st.binary(max_size=157))
def test_messages_round_trip(group, content):
    message = Message(group, content)
    assert sum(bytes(message)) % 256 == 0
    assert Message.from_bytes(bytes(message)) == message
