"""A constant offset between the sensors' clocks, found by a movement that both made as one."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.delays import CLOCK_EVENT
from firmware_bridge.session.model import LinkEvent
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulation import simulate_session

OFFSET_S = 0.032
SHAKEN_S = (1.0, 7.0)


def shaken_together(samples: ImuSamples, seed: int) -> ImuSamples:
    """The same samples, but at the beginning the sensor is held against the other one and shaken."""
    fine_s = np.arange(0, 10, 0.001)
    movement = gaussian_filter1d(np.random.default_rng(1).standard_normal((len(fine_s), 3)), 60, axis=0)
    movement *= 4.0 / movement.std()
    at_s = samples.time_s[samples.time_s < 8.0]
    together = np.column_stack([np.interp(at_s, fine_s, axis) for axis in movement.T])
    noise = np.random.default_rng(seed).normal(0.0, 0.01, together.shape)
    turned = Rotation.random(random_state=seed).apply(together) + noise
    return replace(samples, gyr_rad_s=np.concatenate([turned, samples.gyr_rad_s[len(at_s) :]]))


def late(samples: ImuSamples) -> ImuSamples:
    arrival_s = None if samples.arrival_s is None else samples.arrival_s + OFFSET_S
    return replace(samples, time_s=samples.time_s + OFFSET_S, arrival_s=arrival_s)


@pytest.fixture
def session(tmp_path):
    """A session with the offset on disk, and the true times of its shank samples less the thigh's delay."""

    def make(streamed, events=()):
        recording = simulate_session(swings(8), raw_clock=streamed).recording
        thigh, shank = shaken_together(recording.thigh, 1), shaken_together(recording.shank, 2)
        status = "closed" if streamed else "imported"
        write_session(
            tmp_path / "s",
            replace(
                recording,
                thigh=thigh,
                shank=late(shank),
                info=replace(recording.info, status=status),
                events=(*recording.events, *events),
            ),
        )

        def offset_s():
            found = read_session(tmp_path / "s")
            errors = [found.thigh.time_s - thigh.time_s, found.shank.time_s - shank.time_s]
            return float(np.median(errors[1]) - np.median(errors[0]))

        return tmp_path / "s", offset_s

    return make


def clock_event(segment, delay_s, uncertainty_s):
    return LinkEvent(1.0, segment, CLOCK_EVENT, {"delay_s": delay_s, "uncertainty_s": uncertainty_s})


@pytest.mark.parametrize("streamed", [True, False])
def test_the_offset_is_taken_off(command, session, streamed) -> None:
    folder, offset_s = session(streamed)
    assert offset_s() == pytest.approx(OFFSET_S, abs=0.001)
    run = command("align", folder, "--from", SHAKEN_S[0], "--to", SHAKEN_S[1])
    assert run.returncode == 0, run.stderr
    told = re.search(r"was ([\d.]+) ms late.*remains is about ±([\d.]+) ms", run.stdout, re.DOTALL)
    assert told is not None
    assert float(told[1]) == pytest.approx(OFFSET_S * 1000, abs=1.0)
    assert abs(offset_s()) < 0.0005
    again = command("align", folder, "--from", SHAKEN_S[0], "--to", SHAKEN_S[1])
    assert re.search(r"was 0\.\d ms", again.stdout)
    assert abs(offset_s()) < 0.0005


def test_rough_round_trips_give_way_and_good_ones_stay(command, session) -> None:
    rough = [clock_event(segment, 0.002, 0.004) for segment in Segment]
    folder, offset_s = session(True, rough)
    assert command("align", folder, "--from", 1, "--to", 7).returncode == 0
    assert abs(offset_s()) < 0.0005


def test_a_movement_that_tells_less_than_is_known_changes_nothing(command, session) -> None:
    good = [clock_event(segment, 0.002, 1e-7) for segment in Segment]
    folder, _ = session(True, good)
    before = (folder / "events.jsonl").read_bytes()
    run = command("align", folder, "--from", 1, "--to", 7)
    assert run.returncode == 1
    assert "Nothing was changed" in run.stderr
    assert (folder / "events.jsonl").read_bytes() == before


def test_a_time_without_movement_is_refused(command, session) -> None:
    folder, _ = session(False)
    for span, words in ((("8.5", "11"), "did not move as one|hardly moved"), (("2", "900"), "not samples")):
        run = command("align", folder, "--from", span[0], "--to", span[1])
        assert run.returncode == 1
        assert re.search(words, run.stderr)
