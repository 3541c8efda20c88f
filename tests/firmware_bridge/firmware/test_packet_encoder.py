"""The C encoder that boards use, byte for byte against the Python codec that reads them."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

import firmware_bridge
from firmware_bridge.drivers import kneeflex
from firmware_bridge.drivers.kneeflex import Command, Configuration, Echo, Packet, Scale
from firmware_bridge.errors import DecodeError

SKETCH = Path(firmware_bridge.__file__).parent / "firmware" / "kneeflex_xiao"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"]

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler on this machine")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Puts questions to the compiled encoder, all in one run; answers in their order."""
    program = tmp_path_factory.mktemp("encoder") / "host"
    source = Path(__file__).parent / "host.c"
    sanitize = ["-fsanitize=undefined", "-fno-sanitize-recover"] if _links_sanitizer(program) else []
    command = [
        COMPILER,
        "-std=c99",
        "-O1",
        *STRICT,
        *sanitize,
        f"-I{SKETCH}",
        str(source),
        "-o",
        str(program),
    ]
    subprocess.run(command, check=True)

    def ask(questions):
        done = subprocess.run(
            [program], input="\n".join(questions), text=True, capture_output=True, check=True
        )
        return [line.strip() for line in done.stdout.splitlines()]

    return ask


def _links_sanitizer(program):
    command = [COMPILER, "-fsanitize=undefined", "-x", "c", "-", "-o", str(program)]
    return subprocess.run(command, input=b"int main(void){return 0;}", capture_output=True).returncode == 0


@needs_compiler
def test_packets_of_random_samples_are_the_codec_s_bytes(ask):
    rng = np.random.default_rng(1)
    unit = Scale(1.0, 1.0)
    questions, expected = [], []
    for _ in range(400):
        limit, k = int(rng.integers(1, 20)), int(rng.integers(1, 60))
        first, clock_us = int(rng.integers(0, 1 << 16)), int(rng.integers(0, 1 << 32))
        period_us = int(rng.integers(1, 1 << 16))
        counts = rng.integers(-32768, 32768, (k, 6))
        counts[rng.random((k, 6)) < 0.1] = rng.choice([-32768, -1, 0, 32767])
        lost_before = int(rng.integers(0, k)) if rng.random() < 0.5 else None
        index = np.arange(k) + (np.arange(k) >= (k if lost_before is None else lost_before))
        sequence, clock = (first + index) % (1 << 16), (clock_us + index * period_us) % (1 << 32)
        rows = np.column_stack((sequence, clock, np.full(k, period_us), counts))
        questions.append(f"packets {limit} {k} " + " ".join(map(str, rows.ravel().tolist())))
        cuts = sorted({0, k} | ({lost_before} if lost_before else set()))
        packets = []
        for start, stop in pairwise(cuts):
            for i in range(start, stop, limit):
                part = slice(i, min(i + limit, stop))
                args = (int(sequence[i]), int(clock[i]), period_us, counts[part, :3], counts[part, 3:])
                packets.append(bytes(Packet(*args, unit)).hex())
        expected.append(" ".join(packets))
    assert ask(questions) == expected


@needs_compiler
def test_configurations_are_the_codec_s_bytes(ask):
    rng = np.random.default_rng(2)
    questions, expected = [], []
    for _ in range(200):
        firmware = tuple(rng.integers(0, 256, 3).tolist())
        acc, gyr = (float(np.float32(10.0 ** rng.uniform(-5, 1))) for _ in range(2))
        rate, offered = (
            int(rng.integers(0, 1 << 16)),
            sorted(rng.integers(160, 1 << 16, rng.integers(0, 9)).tolist()),
        )
        numbers = (*firmware, f"{acc:.9g}", f"{gyr:.9g}", rate, len(offered), *offered)
        questions.append("configuration " + " ".join(map(str, numbers)))
        rates = tuple(r / 10 for r in offered)
        expected.append(bytes(Configuration(firmware, Scale(acc, gyr), rate / 10, rates)).hex())
    assert ask(questions) == expected


@needs_compiler
def test_commands_are_understood_as_the_codec_does(ask):
    rng = np.random.default_rng(3)
    payloads = [bytes(Command(rate)) for rate in (None, 25.0, 100.0, 6553.5)]
    payloads += [rng.bytes(int(rng.integers(1, 5))) for _ in range(100)]
    payloads += [bytes((1, *rng.bytes(2))) for _ in range(100)] + [b"\x01\x00\x00", b"\x00\x00", b"\x02"]

    def meaning(payload):
        try:
            rate_hz = Command.from_bytes(payload).rate_hz
        except DecodeError:
            return "unknown"
        return "stop" if rate_hz is None else f"start {round(rate_hz * 10)}"

    assert ask([f"command {p.hex()}" for p in payloads]) == [meaning(p) for p in payloads]


@needs_compiler
def test_the_board_chooses_the_rate_that_the_program_expects(ask):
    rng = np.random.default_rng(4)
    questions, expected = [], []
    for _ in range(200):
        offered = sorted(set(rng.integers(160, 5000, rng.integers(1, 6)).tolist()))
        wanted = int(rng.integers(100, 6000))
        questions.append(f"choice {wanted} {len(offered)} " + " ".join(map(str, offered)))
        configuration = Configuration((1, 0, 0), Scale(), 0.0, tuple(r / 10 for r in offered))
        expected.append(str(round(configuration.chosen_rate_hz(wanted / 10) * 10)))
    assert ask(questions) == expected


@needs_compiler
def test_pings_and_uuids(ask):
    echo, uuids, reversed_bytes = ask(["echo 78563412 4294967295", "uuids", "reversed"])
    assert echo == bytes(Echo(0x12345678, 0xFFFFFFFF)).hex()
    expected = (kneeflex.SERVICE, kneeflex.DATA, kneeflex.CONFIGURATION, kneeflex.CONTROL, kneeflex.PING)
    assert uuids.split() == list(expected)
    assert bytes.fromhex(reversed_bytes)[::-1] == UUID(kneeflex.CONFIGURATION).bytes


@needs_compiler
@pytest.mark.parametrize("mtu", [0, 22, 23, 24, 34, 35, 100, 185, 247, 248, 517])
def test_a_packet_is_as_long_as_the_mtu_and_40_ms_allow(ask, mtu):
    rates = [160, 260, 1040, 4160, 65535]
    fitting = max(min(Packet.samples_fitting(min(mtu, 247)), 19), 0)
    assert ask([f"fit {mtu} {r}" for r in rates]) == [str(max(min(fitting, r // 250), 1)) for r in rates]


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler on this machine")
@pytest.mark.parametrize("standard", ["c++11", "c++17"])
def test_the_header_is_cplusplus_too(tmp_path, standard):
    source = tmp_path / "twice.cpp"
    source.write_text(
        '#include "kneeflex_packet.h"\n#include "kneeflex_packet.h"\nint main() { return 0; }\n'
    )
    subprocess.run(
        ["c++", f"-std={standard}", *STRICT, f"-I{SKETCH}", "-fsyntax-only", str(source)], check=True
    )
