"""What must hold of every session, whatever went wrong in it."""

from __future__ import annotations

import numpy as np
from faulty_session import LIMIT_S, RATE_HZ, Outcome, Schedule

from firmware_bridge.drivers.kneeflex import Packet, Scale
from firmware_bridge.errors import DecodeError
from firmware_bridge.link.supervisor import STALLED_AFTER_S
from firmware_bridge.samples import Float, ImuSamples, Int, Segment
from firmware_bridge.session.model import LinkEvent
from firmware_bridge.virtual.faults import Faults

# A stall or a change of link leaves the delay of single packets uncertain by some connection intervals.
_TIME_MARGIN_S = 0.03
# How late a stall or a loss may be noticed beyond the moment that the program states.
_NOTICE_S = 0.1
# What of a recording a failing power supply may cost: twice what the writer syncs by.
_UNSYNCED_S = 0.5
# Mishaps of one link closer together than this are not told apart.
_APART_S = 1.5
_SCALE = Scale()


def violations(schedule: Schedule, outcome: Outcome) -> list[str]:
    """What does not hold of a session, in sentences; empty where everything does."""
    wrong: list[str] = []
    if not outcome.ended:
        wrong.append(f"after {LIMIT_S:.0f} s of a session of about ten nothing had ended")
    if outcome.stranger_connections:
        wrong.append(f"a sensor that nobody asked for was connected {outcome.stranger_connections} times")
    wrong += _of_the_disk(schedule, outcome)
    for segment in Segment:
        found = _of_a_sensor(schedule, outcome, segment)
        wrong += [f"{segment}: {sentence}" for sentence in found]
    return wrong


def _of_the_disk(schedule: Schedule, outcome: Outcome) -> list[str]:
    wrong: list[str] = []
    unwritten = sum(outcome.unwritten.values())
    if schedule.full_disk is None and (outcome.disk_error or outcome.warnings):
        wrong.append(f"a sound disk is called full: {outcome.disk_error} {outcome.warnings}")
    if unwritten:
        if not outcome.disk_error or not outcome.warnings:
            wrong.append(f"{unwritten} samples are not on the disk, and nobody is told")
        for segment, count in outcome.unwritten.items():
            if count and f"{count} samples of the {segment}" not in outcome.recording.info.notes:
                wrong.append(f"session.json does not say that {count} samples of the {segment} are missing")
    killed = outcome.killed
    if killed is None or schedule.kill is None or schedule.full_disk is not None:
        return wrong
    events = sum(isinstance(event, LinkEvent) for event in killed.recording.events)
    if events < killed.events:
        wrong.append(f"{killed.events - events} events were not on the disk when the writer was killed")
    for segment in Segment:
        received, left = killed.received[segment], _samples(killed.recording, segment)
        assert received.arrival_s is not None
        since_s = killed.at_s - outcome.session_t0 - (_UNSYNCED_S if schedule.kill.power else 0.0)
        allowed = int(np.sum(received.arrival_s > since_s)) if schedule.kill.power else 0
        allowed += segment is Segment.THIGH and schedule.kill.torn_bytes > 0
        if len(received) - len(left) > allowed:
            wrong.append(f"{segment}: a kill lost {len(received) - len(left)} samples, {allowed} are allowed")
    return wrong


def _of_a_sensor(schedule: Schedule, outcome: Outcome, segment: Segment) -> list[str]:
    wrong: list[str] = []
    faults, link = schedule.faults(segment), outcome.status[segment]
    recorded, received = _samples(outcome.recording, segment), outcome.received[segment]
    if len(recorded) + outcome.unwritten[segment] != len(received):
        wrong.append(
            f"{len(received)} samples were received, {len(recorded)} recorded, "
            f"{outcome.unwritten[segment]} counted as not on the disk"
        )
    if link.received != len(received):
        wrong.append(f"{len(received)} samples were received, the status says {link.received}")
    for what, samples in (("recorded", recorded), ("live", received)):
        if np.any(np.diff(samples.time_s) <= 0):
            wrong.append(f"{what} time runs back")
    wrong += _of_the_link(schedule, outcome, segment)
    if faults.reboots:
        return wrong  # which sample is which can no longer be told
    index = _index(outcome, segment, received)
    true = _samples(outcome.radio.session.recording, segment)
    played = (index >= 0) & (index < len(true))
    order = index[played]
    if np.any(np.diff(order) <= 0):
        wrong.append("a sample is recorded twice")
    # A damaged packet may decode, and then holds random numbers; no other sample may differ.
    differ = np.abs(received.acc_m_s2[played] - true.acc_m_s2[order]).max(axis=1) > 0.51 * _SCALE.acc_m_s2
    if differ.any() and not faults.garbage:
        wrong.append(f"{int(differ.sum())} samples are not those of this sensor")
    if not faults.garbage:
        wrong += _of_what_was_delivered(outcome, segment, set(order.tolist()), len(true))
    if len(order) < 20:
        return wrong
    missing, due = int(np.sum(np.diff(index) - 1)), 0
    if link.state == "lost":  # then what is due since the last sample counts as well
        due = int((outcome.end_s - outcome.session_t0 - float(received.time_s[-1])) * RATE_HZ)
    if link.lost is None or (abs(link.lost - missing - due) > 1 + link.reconnects and not faults.garbage):
        wrong.append(f"{missing} samples are missing and {due} due, {link.lost} are counted")
    uncertainty_s = 2.0 * (link.clock_uncertainty_s or 0.0) + _TIME_MARGIN_S
    for what, samples in (("live", received), ("recorded", recorded)):
        error_s = float(np.abs(np.median(_time_errors(outcome, segment, samples))))
        if error_s > uncertainty_s:
            wrong.append(f"{what} times are {error_s:.3f} s off, {uncertainty_s:.3f} s are allowed")
    return wrong


def _of_what_was_delivered(outcome: Outcome, segment: Segment, recorded: set[int], length: int) -> list[str]:
    """Every sample of an undamaged packet is recorded, or counted as too late."""
    delivered: set[int] = set()
    assert outcome.radio.script_start_s is not None
    for _, payload in outcome.delivered[segment]:
        try:
            packet = Packet.from_bytes(payload, _SCALE)
        except DecodeError:
            continue
        ticks = packet.clock_us + packet.period_us * np.arange(len(packet.acc_m_s2), dtype=np.int64)
        delivered |= set(outcome.radio.script_index(segment, ticks).tolist())
    delivered = {number for number in delivered if 0 <= number < length}
    wrong = []
    dropped = len(delivered - recorded) - outcome.status[segment].late
    if dropped > 0:
        wrong.append(f"{dropped} samples that arrived are neither recorded nor counted as late")
    if recorded - delivered:
        wrong.append(f"{len(recorded - delivered)} samples are recorded that never arrived")
    return wrong


def _of_the_link(schedule: Schedule, outcome: Outcome, segment: Segment) -> list[str]:
    """Whatever befell the link is among the events, at its time."""
    wrong: list[str] = []
    faults, link = schedule.faults(segment), outcome.status[segment]
    if schedule.full_disk is not None:
        return wrong  # the events of that time are not on the disk
    assert outcome.radio.script_start_s is not None
    zero_s = outcome.radio.script_start_s - outcome.session_t0
    events = [e for e in outcome.recording.events if isinstance(e, LinkEvent) and e.segment is segment]
    lost_s = [e.time_s - zero_s for e in events if e.state == "lost"]
    stalled_s = [e.time_s - zero_s for e in events if e.state == "stalled"]
    recovered = sum(e.state == "recovered" for e in events)
    if len(lost_s) < link.reconnects:
        wrong.append(f"{link.reconnects} reconnects, but {len(lost_s)} losses among the events")
    if recovered < link.reconnects or recovered > len(lost_s) + len(stalled_s):
        wrong.append(f"{len(lost_s)} losses and {len(stalled_s)} stalls, but {recovered} recoveries")
    wrong += [
        f"the link broke at {at_s:.2f} s, and no event says so: {lost_s}"
        for at_s in _alone(faults.disconnects, faults)
        if not any(-1e-6 <= event_s - at_s <= _NOTICE_S for event_s in lost_s)
    ]
    packet_s = 1.0 / RATE_HZ
    for at_s, duration_s in faults.stalls:
        whole = at_s + duration_s < outcome.radio.session.recording.duration_s - 1.0
        if duration_s < STALLED_AFTER_S + 0.3 or not whole or not _alone((at_s,), faults, duration_s):
            continue
        latest_s = at_s + faults.interval_s + STALLED_AFTER_S + _NOTICE_S + packet_s
        if not any(at_s - STALLED_AFTER_S < event_s <= latest_s for event_s in stalled_s + lost_s):
            wrong.append(f"nothing arrived from {at_s:.2f} s for {duration_s:.2f} s, and no event says so")
    return wrong


def _alone(times_s: tuple[float, ...], faults: Faults, duration_s: float = 0.0) -> list[float]:
    """The times that no other mishap of the same link is close to."""
    others = [*faults.disconnects, *faults.reboots, *(at_s for at_s, _ in faults.stalls)]
    others += [at_s + stall_s for at_s, stall_s in faults.stalls]
    if faults.refusals and faults.disconnects:
        return []
    kept = []
    for at_s in times_s:
        near = [o for o in others if at_s - _APART_S - faults.away_s < o < at_s + duration_s + _APART_S]
        if len(near) <= 1 + (duration_s > 0.0):
            kept.append(at_s)
    return kept


def _samples(recording: object, segment: Segment) -> ImuSamples:
    samples: ImuSamples = getattr(recording, segment.value)
    return samples


def _index(outcome: Outcome, segment: Segment, samples: ImuSamples) -> Int:
    return outcome.radio.script_index(segment, np.asarray(samples.device_ticks))


def _time_errors(outcome: Outcome, segment: Segment, samples: ImuSamples) -> Float:
    """The time of every sample of the script less the true one."""
    true = _samples(outcome.radio.session.recording, segment)
    index = _index(outcome, segment, samples)
    played = (index >= 0) & (index < len(true))
    assert outcome.radio.script_start_s is not None
    truth_s = outcome.radio.script_start_s + true.time_s[index[played]] - outcome.session_t0
    return samples.time_s[played] - truth_s
