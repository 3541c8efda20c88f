"""The unmodified program finds two boards through BlueZ and records them; nothing may be lost on the way.

Runs in the guest of `tests/system/run`, as root, with the message bus and bluetoothd started.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from pathlib import Path

import numpy as np

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.reader import read_session
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulation import simulate_session
from tests.system.boards import kernel_link

_PROGRAM = (sys.executable, "-W", "error", "-c", "from analysis.cli import main; main()")
_SWING_S = 1.6
_RATE_HZ = 100.0
# The script goes on for this long after the recording.
_AFTERWARDS_S = 30.0
# The shin's board does not advertise for this long after its link was cut; then it must be back soon.
_AWAY_S, _BACK_WITHIN_S = 3.0, 1.0
_LIMIT_S = 1800.0


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


def compare(radio: VirtualRadio, segment: Segment, samples: ImuSamples, cut_s: float | None) -> list[str]:
    """Compares what was recorded of one board with what it sent.

    Args:
        radio: the boards.
        segment: of the board.
        samples: that were recorded.
        cut_s: when its link was cut, in the time of the script; None if it was not.

    Returns:
        What is wrong.
    """
    assert samples.device_ticks is not None
    index = radio.script_index(segment, samples.device_ticks)
    index = index[index >= 0]
    received = np.unique(index)
    missing_s = np.setdiff1d(np.arange(received[-1] + 1), received) / _RATE_HZ
    faults = []
    if len(received) < len(index):
        faults.append(f"{segment}: {len(index) - len(received)} samples were recorded twice")
    injected = np.zeros(len(missing_s), dtype=bool)
    if cut_s is not None:
        # A packet of some samples was under way at the cut.
        injected = (missing_s > cut_s - 0.1) & (missing_s < cut_s + _AWAY_S + _BACK_WITHIN_S)
        if np.count_nonzero(injected) < _AWAY_S * _RATE_HZ:
            faults.append(f"{segment}: the link was not cut")
    print(
        f"{segment}: {len(received)} samples of the movement received, "
        f"{np.count_nonzero(injected)} missing while the link was cut, {np.count_nonzero(~injected)} else"
    )
    if not injected.all():
        faults.append(f"{segment}: samples are missing from {missing_s[~injected][0]} s on")
    return faults


async def main(seconds: float, folder: Path) -> None:
    """Scans, records with a lost link amid, and compares.

    Args:
        seconds: how long to record.
        folder: for the recording and the HCI log.

    Raises:
        SystemExit: something is not as it must be; says what.
    """
    cut_s = seconds / 3.0
    script = swings(math.ceil((seconds + _AFTERWARDS_S) / _SWING_S))
    radio = VirtualRadio(
        simulate_session(script), faults={Segment.SHANK: Faults(disconnects=(cut_s,), away_s=_AWAY_S)}
    )
    await radio.switch_on(await kernel_link(folder / "hci.btsnoop"))
    text = await kneeflex("scan")
    if not all(radio.names[segment] in text and radio.addresses[segment] in text for segment in Segment):
        raise SystemExit("The scan did not find both boards.")

    names = [word for segment in Segment for word in (f"--{segment}", radio.names[segment])]
    await kneeflex("record", *names, "--out", str(folder / "recording"), "--seconds", f"{seconds:g}")
    recording = read_session(folder / "recording")
    for event in recording.events:
        print(event)
    faults = compare(radio, Segment.THIGH, recording.thigh, None)
    faults += compare(radio, Segment.SHANK, recording.shank, cut_s)
    if faults:
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests/system/run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to record")
    parser.add_argument("--folder", type=Path, required=True, help=argparse.SUPPRESS)
    words = parser.parse_args()
    asyncio.run(asyncio.wait_for(main(words.seconds, words.folder), _LIMIT_S))
