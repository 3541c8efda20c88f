"""The unmodified program finds two boards through BlueZ and records them; nothing may be lost on the way.

Runs in the guest of `tests/system/run`, as root, with the message bus and bluetoothd started.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.samples import Segment
from firmware_bridge.session.reader import read_session
from firmware_bridge.virtual.boards import FIRMWARES, nearest_board_rate_hz
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulation import simulate_session
from tests.system.comparison import by_clock, by_values
from tests.system.controller import KernelRadio, bluetoothctl

_PROGRAM = (sys.executable, "-W", "error", "-c", "from analysis.cli import main; main()")
_SWING_S = 1.6
# The script goes on for this long after the recording.
_AFTERWARDS_S = 30.0
# A cut board does not advertise for so long; Bluetooth is off for so long. Then the board must be back soon.
_AWAY_S, _BACK_WITHIN_S = 3.0, 1.0
_OFF_S, _ON_WITHIN_S = 3.0, 5.0
_LIMIT_S = 1800.0


@dataclass(frozen=True)
class Trial:
    """One recording.

    Attributes:
        board: what is worn on both segments.
        seconds: how long.
        switched_off: after a third of it the Bluetooth of the computer is switched off for some seconds; else
            the link of the shin is lost.
    """

    board: str
    seconds: float
    switched_off: bool = False


async def kneeflex(*words: str) -> str:
    """Runs the program, prints what it writes with the time, and returns it.

    Raises:
        SystemExit: it failed.
    """
    print("$ kneeflex", *words, flush=True)
    start_s = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    text = ""
    async for line in process.stdout:
        text += line.decode()
        print(f"{time.monotonic() - start_s:6.1f} s  {line.decode()}", end="", flush=True)
    if code := await process.wait():
        raise SystemExit(f"kneeflex {words[0]} ended with exit code {code}")
    return text


async def switch_off_and_on(radio: VirtualRadio, script_s: float) -> None:
    """Switches the Bluetooth of the computer off at a time of the script, and on again."""
    while radio.script_start_s is None:
        await asyncio.sleep(0.1)
    await asyncio.sleep(radio.script_start_s + script_s - radio.clock.now_s())
    print(await bluetoothctl("power", "off"), end="")
    await asyncio.sleep(_OFF_S)
    print(await bluetoothctl("power", "on"), end="")


async def carry_out(trial: Trial, kernel: KernelRadio, out: Path) -> list[str]:
    """Makes one recording.

    Args:
        trial: which one.
        kernel: its radio.
        out: folder for the session.

    Returns:
        What is not as it must be.
    """
    print(f"\n{trial}")
    cut_s, rate_hz = trial.seconds / 3.0, nearest_board_rate_hz(trial.board, 100.0)
    script = swings(math.ceil((trial.seconds + _AFTERWARDS_S) / _SWING_S))
    cuts = () if trial.switched_off else (cut_s,)
    radio = VirtualRadio(
        simulate_session(script, rate_hz=rate_hz),
        driver=trial.board,
        faults={Segment.SHANK: Faults(disconnects=cuts, away_s=_AWAY_S)},
    )
    async with kernel.within_reach(radio):
        names = [word for segment in Segment for word in (f"--{segment}", radio.names[segment])]
        recording = kneeflex(
            "record", *names, "--out", str(out), "--seconds", f"{trial.seconds:g}", "--rate", f"{rate_hz:g}"
        )
        if trial.switched_off:
            await asyncio.gather(recording, switch_off_and_on(radio, cut_s))
        else:
            await recording
    session = read_session(out)
    for event in session.events:
        print(f"  {event}")
    away = (cut_s, cut_s + (_OFF_S + _ON_WITHIN_S if trial.switched_off else _AWAY_S + _BACK_WITHIN_S))
    if trial.board != "kneeflex":
        return by_values(radio, Segment.THIGH, session.thigh)
    faults = by_clock(radio, Segment.THIGH, session.thigh, away if trial.switched_off else None)
    return faults + by_clock(radio, Segment.SHANK, session.shank, away)


async def main(trials: Sequence[Trial], folder: Path) -> None:
    """Scans, carries the trials out, and compares.

    Args:
        trials: what to record.
        folder: for the recordings and the HCI log.

    Raises:
        SystemExit: something is not as it must be; says what.
    """
    kernel = await KernelRadio.switched_on(folder / "hci.btsnoop")
    radio = VirtualRadio(simulate_session(swings(1)))
    async with kernel.within_reach(radio):
        text = await kneeflex("scan")
    faults = [
        f"The scan did not find {radio.names[segment]}"
        for segment in Segment
        if radio.names[segment] not in text or radio.addresses[segment] not in text
    ]
    for number, trial in enumerate(trials, start=1):
        faults += await carry_out(trial, kernel, folder / f"recording{number}")
    if faults:
        raise SystemExit("\n".join(faults))
    print("everything as it must be")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests/system/run", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="how long to record the own boards; 0: not"
    )
    parser.add_argument("--switched-off", action="store_true", help="also with Bluetooth off amid")
    parser.add_argument("--board", choices=FIRMWARES, action="append", default=[], help="also record these")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    wanted = [Trial("kneeflex", words.seconds)] if words.seconds else []
    wanted += [Trial("kneeflex", 24.0, switched_off=True)] if words.switched_off else []
    wanted += [Trial(board, 12.0) for board in words.board]
    if words.folder is not None:
        asyncio.run(asyncio.wait_for(main(wanted, words.folder), _LIMIT_S))
