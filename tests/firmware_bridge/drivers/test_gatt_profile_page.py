"""The page that firmware authors follow says what the codec does."""

import re
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.drivers import kneeflex
from firmware_bridge.drivers.kneeflex import DATA, Command, Configuration, Echo, Kneeflex, Packet, Scale

PAGE = (Path(__file__).parents[3] / "docs" / "gatt-profile.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example():
    (block,) = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    return {line[:15].strip(): bytes.fromhex(line[15:]) for line in block.splitlines()}


def test_the_example_configuration(example):
    configuration = Configuration.from_bytes(example["configuration"])
    assert configuration.firmware == (1, 0, 0)
    assert configuration.scale.acc_m_s2 == pytest.approx(Scale().acc_m_s2, rel=1e-6)
    assert configuration.scale.gyr_rad_s == pytest.approx(Scale().gyr_rad_s, rel=1e-6)
    assert configuration.rate_hz == 104
    assert configuration.offered_rates_hz == (26, 52, 104, 208, 416)
    assert bytes(configuration) == example["configuration"]


def test_the_example_packet_decodes_to_the_table_on_the_page(example):
    reads = {kneeflex.CONFIGURATION: example["configuration"]}
    decoded = Kneeflex().decoder(reads, 100).decode(DATA, example["packet"])
    rows = [
        row.strip("| ").split(" | ") for row in PAGE.splitlines() if re.match(r"\| [01] \| \d+ \| \d{7}", row)
    ]
    assert len(rows) == len(decoded) == 2
    for i, (_, sequence, clock, acc, gyr) in enumerate(rows):
        assert (decoded.sequence[i], decoded.device_ticks[i]) == (int(sequence), int(clock))
        np.testing.assert_allclose(decoded.acc_m_s2[i], np.fromstring(acc, sep=","), rtol=1e-5)
        np.testing.assert_allclose(decoded.gyr_rad_s[i], np.fromstring(gyr, sep=","), rtol=1e-5)
    packet = Packet.from_bytes(example["packet"], Scale())
    assert packet.period_us == 9615
    assert bytes(packet) == example["packet"]


def test_the_example_commands(example):
    assert example["start 100 Hz"] == bytes(Command(100.0))
    assert example["stop"] == bytes(Command(None))
    assert example["ping"] == kneeflex.encode_ping(7)
    assert example["echo"] == bytes(Echo(7, 3_000_120))


def test_the_table_of_mtus():
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 3
    for mtu, room, samples, used in (map(int, row) for row in rows):
        zeros = np.zeros((samples, 3))
        assert room == mtu - 3
        assert samples == Packet.samples_fitting(mtu)
        assert used == len(bytes(Packet(0, 0, 1, zeros, zeros, Scale())))


def test_the_uuids():
    base = re.search(r"`047cXXXX(-[0-9a-f-]+)`", PAGE)[1]
    listed = {"047c" + short + base for short in re.findall(r"^\| `(\d{4})` \|", PAGE, re.MULTILINE)}
    driver = kneeflex
    assert listed == {driver.SERVICE, driver.DATA, driver.CONFIGURATION, driver.CONTROL, driver.PING}
