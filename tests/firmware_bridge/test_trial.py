"""A trial of one sensor: what its report holds, for every kind of board, and what it must not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.sensor_report import sensor_report
from firmware_bridge.drivers import DRIVERS
from firmware_bridge.drivers.kneeflex import KneeflexDecoder
from firmware_bridge.samples import Segment
from firmware_bridge.trial import needed_name, try_sensor
from firmware_bridge.virtual.boards import DRIVER_OF, FIRMWARES, nearest_board_rate_hz
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still
from firmware_bridge.virtual.simulation import simulate_session


def radio_of(clock, board="kneeflex", **faults):
    session = simulate_session(still(1.0), rate_hz=nearest_board_rate_hz(board, 100.0))
    return VirtualRadio(session, driver=board, clock=clock, faults={Segment.THIGH: Faults(**faults)})


def tried(radio, seconds=3.0, **options):
    return try_sensor(radio.names[Segment.THIGH], radio, seconds=seconds, scan_s=0.5, **options)


@pytest.mark.parametrize("board", FIRMWARES)
def test_every_board_is_reported_without_its_name_and_address(clock, board):
    radio = radio_of(clock, board)
    trial = tried(radio)
    assert trial.failure == ""
    assert trial.others == 1
    assert trial.advertised.driver == DRIVER_OF.get(board, board)
    assert trial.status.received == pytest.approx(3 * trial.info.nominal_rate_hz, rel=0.15)
    assert not trial.status.lost
    assert trial.arrivals.acc_m_s2 == pytest.approx(9.81, abs=0.1)
    report = sensor_report(trial, simulated=True)
    for private in (*radio.names.values(), *radio.addresses.values()):
        assert private not in report
        assert private not in repr(trial)
    for word in ("bleak", "rate: wanted 100 Hz", "lost", "clock", "battery", "nothing about hardware"):
        assert word in report


def test_a_connection_that_breaks_off_is_in_the_report(clock):
    trial = tried(radio_of(clock, refusals=1))
    assert trial.failure == ""
    assert trial.log
    assert all("KF-" not in line for line in trial.log)
    assert trial.log[0] in sensor_report(trial)


def test_losses_and_complaints_are_in_the_report(clock):
    trial = tried(radio_of(clock, "thingy52"), seconds=1.0)
    status = replace(trial.status, lost_estimate=7, garbage=3, problem="The battery is at 4 %.")
    report = sensor_report(replace(trial, status=status, events=((2.5, "lost: why silent"),)))
    for words in ("lost about 7", "not understood 3", "The battery is at 4 %", "2.5 s: lost: why silent"):
        assert words in report
    assert "lost 7\n" in sensor_report(replace(trial, status=replace(status, lost=7)))


def test_a_fault_of_the_driver_is_in_the_report(clock, monkeypatch):
    def decode(self, characteristic, payload):
        raise ZeroDivisionError("for KF-thigh")

    monkeypatch.setattr(KneeflexDecoder, "decode", decode)
    trial = tried(radio_of(clock))
    assert "ZeroDivisionError in test_trial.py" in trial.failure
    assert "for (name)" in trial.failure
    assert trial.advertised is not None


def test_a_sensor_that_is_not_there_is_a_report_too(clock):
    trial = tried(radio_of(clock, absent=True))
    assert trial.advertised is None
    assert "does not show up" in trial.failure
    assert "ended early" in sensor_report(trial)


def test_a_name_that_fits_both_is_refused(clock):
    trial = try_sensor("KF-", radio_of(clock), seconds=1.0, scan_s=0.5)
    assert "Give the address" in trial.failure


def test_of_a_name_only_what_the_driver_needs_is_kept():
    assert needed_name("Xsens DOT of Ann", DRIVERS["movella-dot"]) == "Xsens DOT... (7 more)"
    assert "Ann" not in needed_name("Ann's board", DRIVERS["kneeflex"])
    assert needed_name("Ann's watch", None) == "not needed (11 characters)"
    assert needed_name("", None) == "none"
