"""Every kind of fault, put into a sound session at random, is found, named and has its consequence."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from analysis.answer import answer, findings_of
from analysis.check import check_recording
from analysis.check.axes import check_axes
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.leg import Knee
from firmware_bridge.virtual.script import Slip
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

# Fault of the benchmark -> kinds that may be found, and what follows from each.
EXPECTED = {
    "clock offset": {"clock_offset": {"correct"}},
    "clock jump": {"clock_offset": {"correct"}, "clock_doubtful": {"widen"}},
    "clock rate": {"clock_offset": {"correct"}},
    "frozen": {"frozen": {"gap"}, "zeros": {"gap"}},
    "dead axis": {"dead_axis": {"refuse"}},
    "gyro scale": {"gyro_scale": {"refuse", "no_verdict"}},
    "wrong rate": {"gyro_scale": {"refuse", "no_verdict"}},
    "scale changed": {"scale_changed": {"no_verdict"}, "gyro_scale": {"refuse", "no_verdict"}},
    "accelerometer": {"gravity_length": {"refuse", "widen"}, "units": {"refuse"}},
    "frames turned": {"frames_turned": {"refuse", "no_verdict"}},
    "negated": {"negated": {"refuse"}},
    "pose moved": {"pose_moved": {"correct"}},
    "pose mistyped": {
        "pose_value": {"no_verdict"},
        "pose_sense": {"no_verdict"},
        "direction": {"no_verdict"},
    },
    "exchanged": {"order": {"no_verdict"}},
    "phase twice": {"phase_twice": {"no_verdict"}},
    "unmarked": {"exercise_unmarked": {"no_verdict"}},
    "other axes": {
        "gyro_scale": {"refuse"},
        "frames_turned": {"refuse"},
        "negated": {"refuse"},
        "not_together": {"refuse"},
        "no_answer": {"refuse"},
    },
}


@pytest.mark.parametrize("variant", [0, 1])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_is_found_and_named(faults: ModuleType, name: str, variant: int) -> None:
    inject, postures = faults.FAULTS[name]
    rng = np.random.default_rng((variant, sum(map(ord, name))))
    sound = faults.session(postures[variant], 700 + variant, faults.GAIN_DEG * variant)
    found = findings_of(inject(sound.recording, rng))
    kinds = EXPECTED[name]
    named = [f for f in found if f.kind in kinds]
    assert named, [f.kind for f in found]
    assert all(f.consequence in kinds[f.kind] for f in named)
    assert all(
        (f.sentence[0].isupper() or f.sentence[0].isdigit()) and f.sentence.endswith(".") for f in found
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_two_legs_are_refused(faults: ModuleType, seed: int) -> None:
    thigh, shank = faults.session("supine", 700).recording, faults.session("standing", 701).recording
    late = faults.retimed(shank.shank, shank.shank.time_s - 3.0 * seed)
    mixed = replace(thigh, shank=late[late.time_s >= 0.0])
    assert "not_together" in {f.kind for f in check_recording(mixed).findings}
    with pytest.raises(CannotAnswerError, match="same knee"):
        answer(mixed)


@pytest.mark.parametrize("offset_s", [-0.4, 0.12, 0.25])
def test_an_offset_is_corrected_within_twenty_milliseconds_and_raw_times_stay(
    faults: ModuleType, offset_s: float
) -> None:
    recording = faults.session("standing", 702).recording
    late = replace(recording, shank=faults.retimed(recording.shank, recording.shank.time_s + offset_s))
    checked = check_recording(late)
    assert np.abs(checked.shank.time_s - recording.shank.time_s).max() < 0.02
    assert np.array_equal(late.shank.time_s, recording.shank.time_s + offset_s)


@pytest.mark.parametrize("offset_s", [-0.5, 0.1])
def test_soft_tissue_shows_an_offset_where_the_thigh_rests(faults: ModuleType, offset_s: float) -> None:
    recording = faults.session("prone", 702).recording
    late = replace(recording, shank=faults.retimed(recording.shank, recording.shank.time_s + offset_s))
    checked = check_recording(late)
    assert "clock_offset" in {f.kind for f in checked.findings}
    assert np.abs(checked.shank.time_s - recording.shank.time_s).max() < 0.04


def test_a_jump_is_corrected_where_the_thigh_rests(faults: ModuleType) -> None:
    recording = faults.session("prone", 703).recording
    shank = recording.shank
    jumped = replace(
        recording, shank=faults.retimed(shank, shank.time_s + 0.4 * (shank.time_s > 0.5 * shank.time_s[-1]))
    )
    left_s = check_recording(jumped).shank.time_s - shank.time_s
    assert np.quantile(np.abs(left_s), 0.95) < 0.04


def test_clocks_that_nothing_ties_are_told_where_no_movement_shows_them() -> None:
    rigid = simulate_session(condensed_session("prone", "prone", seed=5), Wearing.rigid(5), seed=5).recording
    untied = Finding("clock_supposed", None, None, "Both files count from the same zero.")
    for known, told in (((), False), ((untied,), True)):
        checked = check_recording(replace(rigid, findings=known))
        assert ("clock_unchecked" in {f.kind for f in checked.findings}) is told
        assert (checked.lag_sd_s > 0.05) is told


def test_a_slope_is_corrected_over_the_whole_recording(faults: ModuleType) -> None:
    recording = faults.session("supine", 703).recording
    time_s = recording.shank.time_s
    slow = replace(recording, shank=faults.retimed(recording.shank, time_s[0] + (time_s - time_s[0]) * 1.015))
    assert np.abs(check_recording(slow).shank.time_s - time_s).max() < 0.03


@pytest.mark.parametrize("segment", list(Segment))
def test_the_sensor_with_the_wrong_scale_is_named(faults: ModuleType, segment: Segment) -> None:
    recording = faults.session("supine", 702).recording
    wrong = faults.scaled(recording.thigh if segment is Segment.THIGH else recording.shank, 1.5)
    found = check_recording(replace(recording, **{segment.value: wrong})).findings
    scale = next(f for f in found if f.kind == "gyro_scale")
    assert scale.segment is segment
    assert scale.consequence == "refuse"
    assert "1.5" in scale.sentence or "1.49" in scale.sentence


def test_a_frozen_sensor_leaves_a_gap_and_no_angle(faults: ModuleType) -> None:
    recording = faults.session("standing", 700).recording
    shank = recording.shank
    acc, gyr = shank.acc_m_s2.copy(), shank.gyr_rad_s.copy()
    acc[4000:4300], gyr[4000:4300] = acc[4000], gyr[4000]
    frozen = replace(recording, shank=replace(shank, acc_m_s2=acc, gyr_rad_s=gyr))
    track = answer(frozen).angle.track
    inside = (track.time_s > shank.time_s[4005]) & (track.time_s < shank.time_s[4295])
    assert not track.valid[inside].any()
    assert track.valid.mean() > 0.9


def test_what_an_import_knew_reaches_the_answer(faults: ModuleType) -> None:
    recording = faults.session("standing", 700).recording
    known = Finding("not_synchronised", None, None, "The two sensors were not synchronised.")
    told = answer(replace(recording, findings=(known,)))
    assert known in told.findings


def test_doubtful_direction_withholds_the_signed_change(faults: ModuleType) -> None:
    """Without a pose, the movement of a resting thigh does not tell bending from straightening."""
    recording = faults.session("seated", 700, faults.GAIN_DEG).recording
    no_poses = replace(recording, events=tuple(e for e in recording.events if not hasattr(e, "flexion_deg")))
    found = answer(no_poses)
    direction = next(f for f in found.findings if f.kind == "direction")
    assert direction.consequence == "no_verdict"
    assert all(c.verdict == "not enough data" and c.change_deg is None for c in found.comparisons)
    track = found.angle.track
    assert np.nanpercentile(track.flexion_sd_deg, 90) > 10.0


def test_a_slip_without_a_closing_pose_gives_no_verdict(faults: ModuleType) -> None:
    whole = faults.session("prone", 704, 0.0, 9.0).recording
    found = answer(faults.no_closing(whole))
    assert "both_ends_shifted" in {f.kind for f in found.findings}
    assert all(c.verdict not in ("gained", "lost") for c in found.comparisons)


def test_a_thigh_strap_that_turns_gives_no_verdict(faults: ModuleType) -> None:
    sound = faults.session("prone", 705)
    found = answer(faults.strap_turned(sound.recording, np.random.default_rng(4)))
    assert {"strap_turned", "slip", "two_axes"} & {f.kind for f in found.findings}
    assert all(c.verdict not in ("gained", "lost") for c in found.comparisons)


@pytest.mark.parametrize("posture", ["prone", "standing"])
def test_a_slip_that_was_pushed_back_before_the_closing_pose_is_no_gain(
    faults: ModuleType, posture: str
) -> None:
    whole = faults.session(posture, 706, 0.0, 9.0)
    closing = next(p for p in whole.recording.phases if p.name == "closing_reference")
    back = Slip(closing.start_s - 0.6, -9.0, whole.script.slips[0].segment)
    script = replace(whole.script, slips=(*whole.script.slips, back))
    found = answer(simulate_session(script, whole.wearing, seed=706).recording)
    assert all(c.slip_deg is not None and abs(c.slip_deg) < 2.0 for c in found.comparisons)
    assert all(c.verdict not in ("gained", "lost") for c in found.comparisons)


def test_a_joint_with_two_axes_is_no_knee() -> None:
    script = condensed_session("prone", "prone", seed=61)
    joint = simulate_session(script, Wearing.realistic(2.0, 61), knee=Knee(abduction_deg=25.0), seed=61)
    found = answer(joint.recording)
    no_hinge = next(f for f in found.findings if f.kind == "no_hinge")
    assert no_hinge.consequence == "no_verdict"
    assert all(c.verdict not in ("gained", "lost") for c in found.comparisons)
    assert np.nanmedian(found.angle.track.flexion_sd_deg) > 10.0


def test_a_lever_of_no_leg_gives_no_verdict(faults: ModuleType) -> None:
    """Rates with one wrong sign: what is fitted to them puts a sensor beyond every leg."""
    sound = answer(faults.session("prone", 700).recording).angle
    far = check_axes(replace(sound, diagnostics={**sound.diagnostics, "lever_shank_m": 0.9}))
    assert {f.kind: f.consequence for f in far.findings}["lever"] == "no_verdict"
    assert "lever" not in {f.kind for f in check_axes(sound).findings}


def test_the_doubt_about_the_direction_is_in_the_live_band_once(faults: ModuleType) -> None:
    """The stream widens its band moment by moment; the look back at its result must not do so again."""
    sound = answer(faults.session("prone", 700).recording).angle
    doubtful = replace(sound, diagnostics={**sound.diagnostics, "direction_log_likelihood_ratio": 0.5})
    assert np.nanmax(check_axes(doubtful).track.flexion_sd_deg) > 20.0
    live = check_axes(doubtful, causal=True).track.flexion_sd_deg
    np.testing.assert_array_equal(live, sound.track.flexion_sd_deg)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_rates_about_other_axes_than_the_forces_are_refused(faults: ModuleType, seed: int) -> None:
    recording = faults.other_axes(faults.session("prone", 701).recording, np.random.default_rng(seed))
    with pytest.raises(CannotAnswerError):
        answer(recording)


def test_swapped_sensors_are_not_told_that_the_thigh_tilted(faults: ModuleType) -> None:
    recording = faults.session("prone", 700, faults.GAIN_DEG).recording
    found = answer(replace(recording, thigh=recording.shank, shank=recording.thigh))
    kinds = {f.kind for f in found.findings}
    assert "swapped" in kinds
    assert "thigh_tilt" not in kinds
