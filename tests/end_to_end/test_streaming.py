"""The commands that stream, through real bleak over simulated Bluetooth sensors, in simulated time."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from _thread import interrupt_main
from functools import partial
from pathlib import Path

import pytest

from firmware_bridge.capture import Capture
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import Event, Phase
from firmware_bridge.session.reader import read_info, read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import condensed_session, still
from firmware_bridge.virtual.simulated_clock import SimulatedClock
from firmware_bridge.virtual.simulation import simulate_session

pytest.importorskip("bumble", reason="the simulated sensors need the extra 'sim'")


@pytest.fixture
def run(command, clock: SimulatedClock):
    return partial(command, clock=clock)


@pytest.fixture(scope="module")
def demo(command, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("demo") / "session"
    clock = SimulatedClock()
    return command("demo", "--headless", "--no-open", "--out", folder, clock=clock), folder


def test_demo_records_every_sample_that_was_sent(demo) -> None:
    done, folder = demo
    assert done.returncode == 0, done.stderr
    counts = re.findall(r"(\d+) samples of the movement sent, (\d+) recorded", done.stdout)
    assert counts == [("8949", "8949")] * 2
    assert read_session(folder).info.status == "closed"


def test_demo_finds_the_true_change(demo) -> None:
    done, folder = demo
    result = json.loads((folder / "derived" / "result.json").read_text())
    (comparison,) = result["results"]
    assert comparison["verdict"] == "gained"
    assert abs(comparison["change_deg"] - result["truth"]["prone"]) < 0.1
    rms = re.search(r"off by ([\d.]+) deg RMS", done.stdout)
    assert rms is not None
    assert float(rms[1]) < 0.8


def test_demo_report_shows_true_beside_measured(demo) -> None:
    _, folder = demo
    html = (folder / "derived" / "report.html").read_text(encoding="utf-8")
    assert "true" in html.lower()
    assert "straight" in html


def test_a_replay_runs_to_its_end(run, tmp_path) -> None:
    short = {"swings": 5, "warmup_repetitions": 0, "repetitions": 1, "pandiculations": 1, "still_s": 1.0}
    session = simulate_session(condensed_session(**short), raw_clock=True)
    write_session(tmp_path / "session", session.recording)
    done = run("live", "--replay", tmp_path / "session", "--headless")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if re.match(r"\d:\d\d  ", line)]
    titles = list(dict.fromkeys(line.split("  ")[1] for line in lines))
    assert titles == ["Swings", "Reference pose", "Before", "Pandiculation", "After", "Closing check"]
    minutes, seconds = lines[-1].split("  ")[0].split(":")
    assert 60 * int(minutes) + int(seconds) == int(session.recording.duration_s + 1.0)


def test_record_for_some_seconds(run, tmp_path) -> None:
    folder = tmp_path / "recorded"
    done = run("record", "--virtual", "--seconds", "4", "--out", folder)
    assert done.returncode == 0, done.stderr
    recording = read_session(folder)
    assert recording.info.status == "closed"
    assert recording.duration_s == pytest.approx(4.0, abs=0.1)
    assert any(isinstance(event, Phase) for event in recording.events)


@pytest.mark.parametrize(("kind", "rate_hz"), [("polar-verity-sense", 104.0), ("thingy52", 100.0)])
def test_record_shows_a_sensor_that_a_person_thinks_of_buying(run, tmp_path, kind, rate_hz) -> None:
    done = run("record", "--virtual", kind, "--seconds", "4", "--out", tmp_path / "s")
    assert done.returncode == 0, done.stderr
    sensors = read_session(tmp_path / "s").info.sensors.values()
    assert {(sensor.driver, sensor.nominal_rate_hz) for sensor in sensors} == {(kind, rate_hz)}


def test_an_unknown_simulated_sensor_is_refused(run, tmp_path) -> None:
    done = run("record", "--virtual", "abacus", "--out", tmp_path / "s")
    assert done.returncode == 2
    assert "polar-verity-sense" in done.stderr


def test_the_same_seed_leaves_the_same_folder_byte_for_byte(tmp_path) -> None:
    def record(name: str, seed: int) -> dict[str, bytes]:
        radio = VirtualRadio(simulate_session(still(3.0), seed=seed), clock=SimulatedClock(), seed=seed)
        with Capture(radio.names, tmp_path / name, radio=radio) as capture:
            while not radio.finished:
                radio.clock.sleep(0.5)
                capture.check()
        return {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}

    first = record("first", 1)
    assert sorted(first) == ["events.jsonl", "session.json", "shank.csv", "thigh.csv"]
    assert record("again", 1) == first
    other = record("other", 2)
    assert all(other[name] != first[name] for name in first)


def test_live_records_what_the_simulated_sensors_send(run, tmp_path) -> None:
    folder = tmp_path / "recorded"
    done = run("live", "--virtual", "--headless", "--seconds", "8", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert read_session(folder).duration_s == pytest.approx(8.0, abs=0.2)


def test_a_part_of_a_replay(run, session_folder) -> None:
    done = run("live", "--replay", session_folder, "--seconds", "3", "--headless")
    assert done.returncode == 0, done.stderr
    assert "Before" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["record", "--virtual", "--seconds", "60"], 0, "Stopping."),
        (["demo", "--headless", "--no-open"], 1, "stopped before its end"),
    ],
)
def test_a_terminated_recording_is_closed(clock, run, tmp_path, arguments, code, words) -> None:
    def terminate() -> None:
        clock.sleep(6.0)
        signal.raise_signal(signal.SIGTERM)

    clock.worker(terminate, "who terminates").start()
    done = run(*arguments, "--out", tmp_path / "recorded")
    recording = read_session(tmp_path / "recorded")
    assert recording.info.status == "closed"
    assert len(recording.thigh) > 100
    assert done.returncode == code
    assert words in done.stderr


@pytest.mark.real_time
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_terminated_process_has_closed_its_recording(tmp_path) -> None:
    folder = tmp_path / "recorded"
    command = [sys.executable, "-c", "from analysis.cli import main; main()", "record", "--virtual"]
    command += ["--seconds", "60"]
    process = subprocess.Popen(
        [*command, "--out", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Recording into"):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert read_info(folder).status == "closed"
    assert process.returncode == 0
    assert "Stopping." in told


class Interrupted(Capture):
    """Ctrl-C comes at the first event of the link, which is before all sensors stream."""

    def event(self, event: Event) -> None:
        super().event(event)
        interrupt_main()


def test_a_session_that_is_interrupted_while_it_begins_is_closed(clock, syncs, tmp_path) -> None:
    folder = tmp_path / "recorded"
    radio = VirtualRadio(simulate_session(still(20.0), seed=1), clock=clock)
    with pytest.raises(KeyboardInterrupt), Interrupted(radio.names, folder, radio=radio):
        pytest.fail("the interruption came too late to test anything")
    assert read_info(folder).status == "closed"


def test_a_session_is_never_overwritten(run, session_folder) -> None:
    before = (session_folder / "thigh.csv").read_bytes()
    done = run("record", "--virtual", "--seconds", "2", "--out", session_folder)
    assert done.returncode == 1
    assert "already" in done.stderr
    assert (session_folder / "thigh.csv").read_bytes() == before


def test_both_segments_are_reported_with_what_was_sent(run, tmp_path) -> None:
    done = run("record", "--virtual", "--seconds", "3", "--out", tmp_path / "recorded")
    for segment in Segment:
        assert re.search(rf"{segment}: \d+ samples received, 0 lost, \d+ of the movement sent", done.stdout)


GUIDED = """
name = "guided"
[[step]]
kind = "strap"
title = "Strap on"
[[step]]
kind = "ready"
title = "Lie face down"
[[step]]
kind = "reference"
title = "Reference"
seconds = 3
[[step]]
kind = "swings"
title = "Swing"
count = 6
[[step]]
kind = "measure"
title = "Before"
phase = "before"
test = "prone"
count = 3
[[step]]
kind = "pandiculate"
title = "Pull"
count = 1
hold_s = 3
rest_s = 3
[[step]]
kind = "measure"
title = "After"
phase = "after"
test = "prone"
count = 3
[[step]]
kind = "closing"
title = "Closing"
seconds = 3
"""


@pytest.mark.slow
def test_a_simulated_person_follows_the_guide_to_the_answer(run, clock, tmp_path: Path) -> None:
    file, folder = tmp_path / "guided.toml", tmp_path / "session"
    file.write_text(GUIDED, encoding="utf-8")
    done = run("live", "--virtual", "--headless", "--protocol", file, "--out", folder, "--seconds", "400")
    assert done.returncode == 0, done.stderr
    assert clock.now_s() < 300.0
    recording = read_session(folder)
    phases = [e.name for e in recording.events if isinstance(e, Phase)]
    assert phases == [
        "reference", "swings", "before", "pandiculation", "after", "closing_reference", "pause",
    ]  # fmt: skip
    assert len(recording.reference_poses) == 2
    found = re.search(r"(\d+\.\d)° straighter", done.stdout)
    assert found is not None
    assert float(found[1]) == pytest.approx(8.0, abs=2.0)


def test_an_unknown_kind_of_person_is_refused(run) -> None:
    done = run("live", "--virtual", "--headless", "--protocol", "daily", "--person", "angry")
    assert done.returncode == 2
    assert "obeying" in done.stderr


def test_the_doctor_writes_the_report_of_a_sensor(run, tmp_path) -> None:
    report = tmp_path / "report.md"
    done = run("doctor", "--report", "shank", "--virtual", "movesense", "--seconds", "3", "--out", report)
    assert done.returncode == 0, done.stderr
    text = report.read_text(encoding="utf-8")
    assert text.startswith("# A sensor tried: movesense")
    assert "174630" not in text
    missing = run("doctor", "--report", "no-such", "--virtual", "movesense", "--seconds", "3")
    assert missing.returncode == 1
    assert "does not show up" in missing.stdout
    assert run("doctor", "--virtual").returncode == 2
