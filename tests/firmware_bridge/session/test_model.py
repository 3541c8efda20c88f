from __future__ import annotations

from collections.abc import Callable

from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import Marker, Phase, PhaseSpan, Recording, ReferencePose, SessionInfo

MakeSamples = Callable[..., ImuSamples]


def test_a_phase_lasts_until_the_next_and_the_last_one_to_the_end(
    info: SessionInfo, make_samples: MakeSamples
) -> None:
    events = (Phase(1.0, "before", "prone"), Marker(1.2, "x"), Phase(0.25, "swings"))
    recording = Recording(info, make_samples(151), make_samples(201), events)
    assert recording.phases == (PhaseSpan(0.25, 1.0, "swings"), PhaseSpan(1.0, 2.0, "before", "prone"))


def test_a_phase_marked_after_the_last_sample_is_empty(info: SessionInfo, make_samples: MakeSamples) -> None:
    recording = Recording(info, make_samples(101), make_samples(0), (Phase(3.0, "after"),))
    assert recording.phases == (PhaseSpan(3.0, 3.0, "after"),)


def test_a_recording_without_events_has_no_phases(info: SessionInfo, make_samples: MakeSamples) -> None:
    recording = Recording(info, make_samples(10), make_samples(10))
    assert recording.phases == ()
    assert recording.reference_poses == ()


def test_reference_poses_come_in_order_of_time(info: SessionInfo, make_samples: MakeSamples) -> None:
    late, early = (ReferencePose(t, 1.0, 5.0, 1.0, "jig") for t in (9.0, 2.0))
    assert Recording(info, make_samples(1), make_samples(1), (late, early)).reference_poses == (early, late)
