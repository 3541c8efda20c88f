"""What is left on disk when the recording program is killed, or the disk takes no more."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from firmware_bridge.session.codec import info_to_json
from firmware_bridge.session.model import Marker, SessionInfo
from firmware_bridge.session.reader import read_session

RECORD = """
import itertools, sys, time
from pathlib import Path
import numpy as np
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.codec import info_from_json
from firmware_bridge.session.model import Marker
from firmware_bridge.session.writer import SessionWriter

writer = SessionWriter(sys.argv[1], info_from_json(sys.stdin.read()))
for chunk in itertools.count():
    now = time.monotonic()
    samples = ImuSamples(now + np.arange(4) / 400, np.ones((4, 3)), np.ones((4, 3)))
    for segment in Segment:
        writer.append(segment, samples)
    if chunk % 20 == 0:
        writer.event(Marker(now, "still here"))
    if chunk == 0:
        print("recording", flush=True)
    time.sleep(0.01)
"""

# The limit of a file's size stands in for a full disk: like it, it takes a part of a piece, then nothing.
FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from firmware_bridge.errors import SessionError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.codec import info_from_json
from firmware_bridge.session.writer import SessionWriter

told = []
writer = SessionWriter(sys.argv[1], info_from_json(sys.stdin.read()), on_warning=told.append)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
for i in range(100):
    samples = ImuSamples(i + np.arange(10) / 10, np.full((10, 3), 1 / 3), np.full((10, 3), 1 / 3))
    writer.append(Segment.THIGH, samples)
    if i < 5:
        writer.append(Segment.SHANK, samples)
try:
    writer.close()
except SessionError as error:
    print(error)
writer.close()
print(len(told))
"""


@pytest.mark.real_time
@pytest.mark.parametrize("seed", range(2))
def test_a_kill_at_any_moment_loses_less_than_a_second(tmp_path: Path, info: SessionInfo, seed: int) -> None:
    folder = tmp_path / "s"
    child = subprocess.Popen(
        [sys.executable, "-c", RECORD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(info_to_json(info))
        child.stdin.close()
        assert child.stdout.readline() == "recording\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.6))
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        killed_s = time.monotonic()
    recording = read_session(folder)
    assert recording.info.status == "recovered"
    for samples in (recording.thigh, recording.shank):
        assert killed_s - samples.time_s[-1] < 1.0
        assert len(samples) % 4 == 0
    assert isinstance(recording.events[0], Marker)


@pytest.mark.real_time
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes to try this with")
def test_a_full_disk_costs_only_what_does_not_fit(tmp_path: Path, info: SessionInfo) -> None:
    folder = tmp_path / "s"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder)],
        input=info_to_json(info),
        capture_output=True,
        text=True,
        check=True,
    )
    recording = read_session(folder)
    saved = len(recording.thigh)
    assert 100 <= saved < 200
    assert len(recording.shank) == 50
    assert not any("torn" in warning or "damaged" in warning for warning in recording.warnings)
    assert recording.info.status == "recovered"
    assert f"Missing: {1000 - saved} samples of the thigh." in recording.info.notes
    message, warning_count = done.stdout.splitlines()
    assert f"from {recording.thigh.time_s[-1] + 0.1:.1f} s on" in message
    assert f"Missing: {1000 - saved} samples of the thigh." in message
    assert warning_count == "1"
