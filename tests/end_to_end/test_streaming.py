"""The commands that stream, through real bleak over simulated Bluetooth sensors."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from _thread import interrupt_main
from pathlib import Path

import pytest

from firmware_bridge.capture import Capture
from firmware_bridge.session.model import Event, Phase
from firmware_bridge.session.reader import read_info, read_session
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still
from firmware_bridge.virtual.simulation import simulate_session

pytest.importorskip("bumble", reason="the simulated sensors need the extra 'sim'")


@pytest.fixture(scope="module")
def demo(kneeflex, tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("demo") / "session"
    return kneeflex("demo", "--headless", "--no-open", "--speed", "6", "--out", folder), folder


def test_demo_records_every_sample_that_was_sent(demo) -> None:
    run, folder = demo
    assert run.returncode == 0, run.stderr
    counts = re.findall(r"(\d+) samples of the movement sent, (\d+) recorded", run.stdout)
    assert len(counts) == 2
    for sent, recorded in counts:
        assert int(sent) > 8000
        assert sent == recorded
    assert read_session(folder).info.status == "closed"


def test_demo_finds_the_true_change(demo) -> None:
    run, folder = demo
    result = json.loads((folder / "derived" / "result.json").read_text())
    (comparison,) = result["results"]
    assert comparison["verdict"] == "gained"
    assert abs(comparison["change_deg"] - result["truth"]["prone"]) < 1.0
    rms = re.search(r"off by ([\d.]+) deg RMS", run.stdout)
    assert rms is not None
    assert float(rms[1]) < 1.5


def test_demo_report_shows_true_beside_measured(demo) -> None:
    _, folder = demo
    html = (folder / "derived" / "report.html").read_text(encoding="utf-8")
    assert "true" in html.lower()
    assert "straight" in html


def test_replay_of_the_demo_runs_to_its_end(kneeflex, demo) -> None:
    _, folder = demo
    run = kneeflex("live", "--replay", folder, "--speed", "8", "--headless")
    assert run.returncode == 0, run.stderr
    assert "After" in run.stderr


def test_record_for_some_seconds(kneeflex, tmp_path) -> None:
    folder = tmp_path / "recorded"
    run = kneeflex("record", "--virtual", "--seconds", "4", "--out", folder)
    assert run.returncode == 0, run.stderr
    recording = read_session(folder)
    assert recording.info.status == "closed"
    assert recording.duration_s == pytest.approx(4.0, abs=1.5)
    assert any(isinstance(event, Phase) for event in recording.events)


def test_a_part_of_a_replay(kneeflex, session_folder) -> None:
    run = kneeflex("live", "--replay", session_folder, "--seconds", "3", "--speed", "8", "--headless")
    assert run.returncode == 0, run.stderr
    assert "Before" not in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["record", "--virtual"], 0, "Stopping."),
        (["demo", "--headless", "--no-open"], 1, "stopped before its end"),
    ],
)
def test_a_terminated_recording_is_closed(tmp_path, arguments, code, words) -> None:
    folder = tmp_path / "recorded"
    command = [sys.executable, "-c", "from analysis.cli import main; main()"]
    process = subprocess.Popen(
        [*command, *arguments, "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30.0
    while not (folder / "shank.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert read_session(folder).info.status == "closed"
    assert process.returncode == code
    assert words in told


class Interrupted(Capture):
    """Ctrl-C comes at the first event of the link, which is before all sensors stream."""

    def event(self, event: Event) -> None:
        super().event(event)
        interrupt_main()


def test_a_session_that_is_interrupted_while_it_begins_is_closed(tmp_path) -> None:
    folder = tmp_path / "recorded"
    radio = VirtualRadio(simulate_session(still(20.0), seed=1))
    with pytest.raises(KeyboardInterrupt), Interrupted(radio.names, folder, radio=radio):
        pytest.fail("the interruption came too late to test anything")
    assert read_info(folder).status == "closed"


def test_a_session_is_never_overwritten(kneeflex, session_folder) -> None:
    before = (session_folder / "thigh.csv").read_bytes()
    run = kneeflex("record", "--virtual", "--seconds", "2", "--out", session_folder)
    assert run.returncode == 1
    assert "already" in run.stderr
    assert (session_folder / "thigh.csv").read_bytes() == before
