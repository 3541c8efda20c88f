"""Every fault through the whole bridge: what is on disk afterwards reads back sane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.capture import Capture
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import LinkEvent
from firmware_bridge.session.reader import read_session
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

SCRIPT_S = 5.0
ACC_STEP = 16 * 9.80665 / 32768
# What the live clock fit errs by in its first seconds; nothing else is between true and recorded time.
LATE_S = 0.00013


@pytest.fixture
def recorded(clock, tmp_path, syncs):
    """Records a script while the shank sensor has its troubles: the session, and how the link did."""

    def record(faults, wearing=None):
        session = simulate_session(still(SCRIPT_S), wearing)
        radio = VirtualRadio(session, clock=clock, faults={Segment.SHANK: faults}, seed=5)
        with Capture(radio.names, tmp_path / "s", radio=radio) as capture:
            while (
                not radio.finished or capture.now_s() < radio.script_start_s + SCRIPT_S - capture.session_t0
            ):
                capture.check()
                clock.sleep(0.02)
            offset_s = radio.script_start_s - capture.session_t0
        return radio, read_session(tmp_path / "s"), capture.status, offset_s

    return record


def check(radio, recording, segment, offset_s):
    """Times ascend and are true, every sample is there once and as it was sent; returns the missing ones."""
    samples, sent = getattr(recording, segment), getattr(radio.session.recording, segment)
    assert np.all(np.diff(samples.time_s) > 0)
    index = radio.script_index(segment, samples.device_ticks)
    steps = np.diff(index)
    assert np.all(steps > 0)
    played = (index >= 0) & (index < len(sent))
    np.testing.assert_allclose(samples.acc_m_s2[played], sent.acc_m_s2[index[played]], atol=0.51 * ACC_STEP)
    late_s = samples.time_s[played] - sent.time_s[index[played]] - offset_s
    assert np.abs(late_s).max() < LATE_S
    return int((steps - 1).sum())


def states(recording, segment):
    """What befell the link, without the reports of every link."""
    events = [e for e in recording.events if isinstance(e, LinkEvent) and e.segment == segment]
    return [e.state for e in events if e.state not in ("battery", "clock")]


NOISY = Faults(interval_s=0.03, retransmission=0.1, duplication=0.2, reordering=0.2)
NEAR_THE_WRAP = {"first_tick": 2**32 - 3_000_000, "first_sequence": 2**16 - 200}


@pytest.mark.parametrize(
    ("faults", "worn", "told", "lost"),
    [
        (NOISY, NEAR_THE_WRAP, [], 0),
        (Faults(loss=0.1), {}, [], 68),
        (Faults(stalls=((1.5, 1.5),)), {}, ["stalled", "recovered"], 0),
        (Faults(disconnects=(2.0,)), {}, ["lost", "recovered"], 35),
        (Faults(refusals=2, mtu=23, battery_percent_min=60.0), {}, [], 0),
    ],
    ids=["noisy air and a wrap", "loss", "stall", "disconnect", "refusals and the smallest MTU"],
)
def test_a_session_with_faults_reads_back_sane(recorded, faults, worn, told, lost):
    wearing = Wearing()
    wearing = replace(wearing, shank=replace(wearing.shank, **worn))
    radio, recording, status, offset_s = recorded(faults, wearing)
    assert recording.info.status == "closed"
    assert recording.warnings == ()
    assert check(radio, recording, Segment.THIGH, offset_s) == status[Segment.THIGH].lost == 0
    assert check(radio, recording, Segment.SHANK, offset_s) == status[Segment.SHANK].lost == lost
    assert status[Segment.SHANK].received == len(recording.shank)
    assert states(recording, Segment.SHANK) == told
    used_percent = faults.battery_percent_min * SCRIPT_S / 60
    assert status[Segment.SHANK].battery_percent == 90 - used_percent
    assert states(recording, Segment.THIGH) == []


def test_garbage_is_told_and_costs_only_itself(recorded):
    radio, recording, status, offset_s = recorded(Faults(garbage=0.1))
    assert "garbage" in states(recording, Segment.SHANK)
    assert np.all(np.diff(recording.shank.time_s) > 0)
    assert check(radio, recording, Segment.THIGH, offset_s) == 0
    assert (status[Segment.SHANK].garbage, status[Segment.SHANK].lost) == (20, 32)


def test_a_reboot_goes_on_in_time(recorded):
    radio, recording, status, offset_s = recorded(Faults(reboots=(2.0,), away_s=0.5))
    assert [s for s in states(recording, Segment.SHANK) if s in ("lost", "recovered")] == [
        "lost",
        "recovered",
    ]
    times_s = recording.shank.time_s
    assert np.all(np.diff(times_s) > 0)
    assert check(radio, recording, Segment.THIGH, offset_s) == 0
    # By the sensor's rate, what is there and what is counted as lost make up the whole time.
    assert len(times_s) + status[Segment.SHANK].lost == pytest.approx(np.ptp(times_s) * 100 + 1, abs=1)
    assert times_s[-1] == pytest.approx(recording.thigh.time_s[-1], abs=0.005)


def test_a_dead_sensor_leaves_what_it_had_sent(recorded):
    radio, recording, status, offset_s = recorded(Faults(dies_s=1.5))
    assert "lost" in states(recording, Segment.SHANK)
    assert status[Segment.SHANK].state == "lost"
    assert check(radio, recording, Segment.SHANK, offset_s) == 0
    # The packet that was being filled when it died is gone; it is missed until the recording ends.
    assert 0 <= offset_s + 1.5 - recording.shank.time_s[-1] < 0.04
    assert status[Segment.SHANK].lost == pytest.approx((SCRIPT_S - 1.5) * 100, abs=4)
    assert check(radio, recording, Segment.THIGH, offset_s) == 0
