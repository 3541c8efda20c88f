"""Every driver meets its board through the real bleak: scan, connect, start, fault, reconnect, stop."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.capture import Capture
from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers import DRIVERS, kneeflex, movella_dot
from firmware_bridge.errors import DecodeError, LinkError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.search import scan
from firmware_bridge.link.target import Target
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.reader import read_session
from firmware_bridge.virtual.boards import DRIVER_OF, FIRMWARES
from firmware_bridge.virtual.boards.movella_dot import MovellaDotFirmware
from firmware_bridge.virtual.boards.polar import PolarFirmware
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.script import ScriptWriter
from firmware_bridge.virtual.simulation import simulate_session

# Board, rate, and the steps in which its packets hold acceleration and angular rate.
RATES = {
    "kneeflex": 100.0,
    "movella-dot": 60.0,
    "metamotion": 100.0,
    "metamotion-s": 200.0,
    "movesense": 104.0,
    "polar-verity-sense": 52.0,
    "thingy52": 100.0,
    "witmotion": 100.0,
}
STEPS = {
    "kneeflex": (kneeflex.Scale().acc_m_s2, kneeflex.Scale().gyr_rad_s),
    "movella-dot": (1e-5, 1e-5),
    "metamotion": (G_M_S2 / 2048, DEG_RAD / 16.4),
    "metamotion-s": (G_M_S2 / 2048, DEG_RAD / 16.4),
    "movesense": (1e-5, 1e-5),
    "polar-verity-sense": (2.44e-4 * G_M_S2, 0.07 * DEG_RAD),
    "thingy52": (G_M_S2 / 1024, DEG_RAD / 32),
    "witmotion": (G_M_S2 / 2048, DEG_RAD / 16.4),
}
# What a frame or packet holds that is not complete at the end of the script.
UNFINISHED = {"polar-verity-sense": 36, "movesense": 8, "metamotion": 3, "metamotion-s": 3}


# The shank's link is lost for so long, so long after the movement began.
LOST_S, AWAY_S, RETURNED_S = 0.7, 0.5, 2.5


def movement():
    """Bends that begin slowly and at once, so that every sample can be told from rest."""
    writer = ScriptWriter("seated", 15.0)
    writer.wait(0.3)
    for _ in range(2):
        writer.bend_to(90.0, 0.8)
        writer.bend_to(15.0, 0.8)
    writer.wait(0.5)
    return writer.done()


def world(clock, board, **options):
    session = simulate_session(movement(), rate_hz=options.pop("rate_hz", RATES[board]))
    return VirtualRadio(session, driver=board, clock=clock, **options)


def streamed(radio, rate_hz, pause_s=0.0):
    chunks = {segment: [] for segment in Segment}
    events = []
    sinks = [lambda segment, samples: chunks[segment].append(samples)]
    with Bridge(radio.names, radio, rate_hz=rate_hz, sinks=sinks, on_event=events.append) as bridge:
        while not radio.finished:
            radio.clock.sleep(0.02)
            bridge.check()
        radio.clock.sleep(pause_s)
    return {s: ImuSamples.concatenate(parts) for s, parts in chunks.items()}, bridge.status, events


def test_every_driver_has_a_board():
    assert {DRIVER_OF.get(board, board) for board in FIRMWARES} == set(DRIVERS)
    assert set(RATES) == set(FIRMWARES)


@pytest.mark.parametrize("board", FIRMWARES)
def test_a_scan_finds_both_with_their_driver(clock, board):
    radio = world(clock, board)
    found = {device.name: device.driver for device in scan(radio, 0.5)}
    assert found == dict.fromkeys(radio.names.values(), DRIVER_OF.get(board, board))


@pytest.mark.parametrize("board", FIRMWARES)
def test_samples_arrive_as_they_were_measured_also_after_a_lost_link(clock, board, tmp_path, syncs):
    """The thigh streams all the movement without a break; the shank loses its link and comes back."""
    radio = world(clock, board, faults={Segment.SHANK: Faults(disconnects=(LOST_S,), away_s=AWAY_S)})
    chunks = {segment: [] for segment in Segment}
    sinks = [lambda segment, samples: chunks[segment].append(samples)]
    with Capture(radio.names, tmp_path / "s", radio=radio, rate_hz=RATES[board], sinks=sinks) as capture:
        while not radio.finished:
            capture.check()
            clock.sleep(0.05)
        status = capture.status
    recording = read_session(tmp_path / "s")
    told = {segment: [] for segment in Segment}
    for event in recording.events:
        if getattr(event, "state", "") in ("problem", "lost", "stalled", "recovered", "garbage"):
            told[event.segment].append(event.state)
    assert told == {Segment.THIGH: [], Segment.SHANK: ["lost", "recovered"]}
    acc_step, gyr_step = STEPS[board]
    for segment in Segment:
        sent, samples = getattr(radio.session.recording, segment), ImuSamples.concatenate(chunks[segment])
        # The shank is back for the end of the movement.
        first = 0 if segment is Segment.THIGH else int(np.searchsorted(sent.time_s, RETURNED_S))
        sent = sent[first : len(sent) - UNFINISHED.get(board, 0)]
        assert len(sent) > 0.7 * RATES[board]
        # Found again by its values: the end of the movement may not have filled a packet.
        starts = range(len(samples) - len(sent) - UNFINISHED.get(board, 0), len(samples) - len(sent) + 1)
        errors = [np.abs(samples.gyr_rad_s[a : a + len(sent)] - sent.gyr_rad_s).max() for a in starts]
        at = starts[int(np.argmin(errors))]
        assert at >= 0
        found = samples[at : at + len(sent)]
        np.testing.assert_allclose(found.gyr_rad_s, sent.gyr_rad_s, atol=gyr_step)
        np.testing.assert_allclose(found.acc_m_s2, sent.acc_m_s2, atol=acc_step)
        assert np.all(np.diff(samples.time_s) > 0)
        assert len(getattr(recording, segment)) == len(samples) == status[segment].received
        assert np.all(np.diff(getattr(recording, segment).time_s) > 0)
        assert recording.info.sensors[segment].driver == DRIVER_OF.get(board, board)
        assert status[segment].nominal_rate_hz == RATES[board]
        assert status[segment].state == "connected"
        assert status[segment].garbage == 0
        assert status[segment].battery_percent == (None if board == "witmotion" else 90.0)
    thigh, shank = status[Segment.THIGH], status[Segment.SHANK]
    assert radio.sent[Segment.THIGH] == len(radio.session.recording.thigh)
    assert (thigh.lost or 0, thigh.lost_estimate or 0, thigh.reconnects) == (0, 0, 0)
    assert shank.reconnects == 1
    if shank.lost is not None:  # exact where the sensor counts; an estimate is another test's
        silence_s = np.diff(recording.shank.time_s).max()
        assert shank.lost == pytest.approx(silence_s * RATES[board] - 1, abs=1.5)


def test_polar_leaves_sdk_mode_when_it_stops(clock):
    radio = world(clock, "polar-verity-sense", rate_hz=104.0)
    streamed(radio, 104.0)
    assert [firmware.sdk_mode for firmware in radio._firmwares.values()] == [False, False]


def test_a_metamotion_that_was_left_streaming_is_paired_right(clock):
    radio = world(clock, "metamotion")
    for firmware in radio._firmwares.values():
        firmware._subscribed[3].add(4)  # the plain acceleration, by an earlier program
    received, status, events = streamed(radio, 100.0)
    assert [e for e in events if e.state == "problem"] == []
    for segment in Segment:
        assert status[segment].lost_estimate == 0
        assert len(received[segment]) >= radio.sent[segment] - 3


def test_a_witmotion_that_keeps_its_rate_is_told_and_timed(clock):
    radio = world(clock, "witmotion", rate_hz=20.0)
    received, status, events = streamed(radio, 100.0)
    for segment in Segment:
        assert status[segment].nominal_rate_hz == 20.0
        assert status[segment].lost_estimate == 0
        late_s = received[segment].arrival_s - received[segment].time_s
        assert np.abs(late_s).max() < 0.06
    texts = {e.detail["text"] for e in events if e.state == "problem"}
    assert len(texts) == 1
    assert "keeps its rate of 20 Hz instead of 100 Hz" in texts.pop()


def refusal_of(clock, board, rate_hz):
    radio = world(clock, board)
    with pytest.raises(LinkError) as caught, Bridge(radio.names, radio, rate_hz=rate_hz):
        pytest.fail("must not begin")
    return str(caught.value)


def test_a_dot_that_records_says_why_it_does_not_start(clock, monkeypatch):
    obey = MovellaDotFirmware.write

    def busy(self, board, characteristic, payload):
        if characteristic == movella_dot.MEASUREMENT_CONTROL and payload[1]:
            raise DecodeError("The sensor is recording.")
        obey(self, board, characteristic, payload)

    monkeypatch.setattr(MovellaDotFirmware, "write", busy)
    text = refusal_of(clock, "movella-dot", 60.0)
    assert "refuses a command" in text
    assert "It may be recording: stop that in the vendor's app" in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (1, "update its firmware"),
        (3, "does not support"),
        (10, "too small"),
        (12, "sensor mode"),
        (13, "charger"),
    ],
)
def test_a_polar_that_refuses_says_why_it_does_not_start(clock, monkeypatch, status, words):
    monkeypatch.setattr(PolarFirmware, "_start", lambda *_: status)
    text = refusal_of(clock, "polar-verity-sense", 52.0)
    assert "does not start. The sensor refused to start" in text
    assert words in text


def test_targets_by_address_work_too(clock):
    radio = world(clock, "thingy52")
    targets = {s: Target(radio.names[s], address=radio.addresses[s]) for s in Segment}
    with Bridge(targets, radio) as bridge:
        assert {i.driver for i in bridge.infos.values()} == {"thingy52"}
