from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.guide.conditions import Observation
from analysis.guide.library import load_protocol
from analysis.guide.motion import MotionState
from analysis.guide.placement import PlacementState
from analysis.guide.protocol import parse_protocol
from analysis.guide.transitions import GuideState, advance, handle_command
from analysis.live.frame import UserCommand
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import Marker, Pain, Phase, ReferencePose

DAILY = load_protocol("daily")
MEASURED = [
    "reference",
    "swings",
    "warmup",
    "before",
    "pandiculation",
    "quad_press",
    "after",
    "closing_reference",
]
# The same without the exercise and the block behind it.
UNTIL_THE_EXERCISE = replace(
    DAILY,
    steps=tuple(
        s for s in DAILY.steps if s.kind not in ("pandiculate", "press", "wait") and s.phase != "after"
    ),
)


def poses(story):
    return [e for e in story.events if isinstance(e, ReferencePose)]


def markers(story):
    return [e.text for e in story.events if isinstance(e, Marker)]


@pytest.fixture(scope="module")
def story(person, lead_through):
    return lead_through(DAILY, person)


def test_a_person_is_led_to_the_end_without_a_key(story):
    assert story.finished_s is not None
    assert story.phases == [*MEASURED, "pause"]
    assert markers(story) == []
    assert story.prompts[-1][1].title == "Done"


def test_every_step_waits_for_what_it_asked(person, story):
    starts = {e.name: e.time_s for e in story.events if isinstance(e, Phase)}
    holds = [h for h in person.script.holds if h.phase == "swings"]
    warmup, before, after = holds[:4], holds[4:8], holds[8:]
    for name, block in (("warmup", warmup), ("before", before), ("after", after)):
        stop = story.phases[story.phases.index(name) + 1]
        assert starts[name] < block[0].start_s
        assert block[-1].start_s + 2.0 <= starts[stop] < block[-1].stop_s + 2.5
    assert starts["quad_press"] - starts["pandiculation"] > 60


def test_the_reference_pose_was_held_still_when_it_is_said_to(person, story):
    first, closing = poses(story)
    assert first.flexion_deg == closing.flexion_deg == 20.0
    for pose in (first, closing):
        true = person.truth.flexion_deg[
            (person.truth.time_s >= pose.time_s) & (person.truth.time_s < pose.time_s + pose.duration_s)
        ]
        assert abs(true - 20.0).max() < 0.5


def test_stages_of_the_exercise_come_in_their_order(story):
    titles = list(dict.fromkeys(p.title for _, p in story.during(8)))
    assert titles[:3] == ["Pull, release, let go", "Bend the knee", "Pull and hold"]
    stages = [cue for t, cue in story.cues if cue in ("hold", "release", "let_go")]
    assert stages[:12] == ["hold", "release", "let_go"] * 4


def test_no_sound_in_a_measuring_block(story):
    quiet = [t for t, p in story.prompts if p.quiet]
    assert len(quiet) > 500
    inside = [cue for t, cue in story.cues if t in set(quiet)]
    # Only the one that opens each of the three blocks.
    assert inside == ["step"] * 3


def test_a_skipped_step_is_written_down_and_the_rest_goes_on(person, lead_through, answering):
    def skip_the_reference(now_s, feed, frame):
        if frame.prompt.ask == "reference_deg":
            yield UserCommand("next")
        else:
            yield from answering(now_s, feed, frame)

    story = lead_through(UNTIL_THE_EXERCISE, person, skip_the_reference)
    assert markers(story) == ["skipped: Reference pose"]
    assert story.finished_s is not None
    # Without a reference there is nothing to check at the end.
    assert poses(story) == []
    assert story.phases == ["reference", "swings", "warmup", "before", "pause"]


def test_a_lost_sensor_stops_the_guide_not_the_session(person, story, lead_through):
    start_s = next(e.time_s for e in story.events if isinstance(e, Phase) and e.name == "before")

    def silent_shin(now_s, segment):
        lost = segment is Segment.SHANK and start_s + 4 <= now_s < start_s + 12
        return None if lost else segment

    lossy = lead_through(DAILY, person, arrives=silent_shin, most_s=start_s + 55)
    during = [p for t, p in lossy.prompts if start_s + 5 < t < start_s + 12]
    assert {p.title for p in during} == {"Before"}
    assert len({p.progress for p in during}) == 1
    phases = {e.name: e.time_s for e in lossy.events if isinstance(e, Phase)}
    intact = {e.name: e.time_s for e in story.events if isinstance(e, Phase)}
    assert phases["pandiculation"] > intact["pandiculation"]


def test_an_angle_that_is_old_counts_nothing_down(person, story, lead_through, answering):
    lost_s = []

    def lose(now_s, feed, frame):
        if frame.prompt.title == "Pull and hold" and frame.prompt.countdown_s < 4.0 and not lost_s:
            lost_s.append(now_s)
        yield from answering(now_s, feed, frame)

    def arrives(now_s, segment):
        return None if lost_s and now_s < lost_s[0] + 4 else segment

    pull_s = next(e.time_s for e in story.events if isinstance(e, Phase) and e.name == "pandiculation")
    lossy = lead_through(DAILY, person, lose, arrives=arrives, most_s=pull_s + 20)
    counted = {t - lost_s[0]: p.countdown_s for t, p in lossy.prompts if t > lost_s[0]}
    assert all(c is None for after_s, c in counted.items() if 1 < after_s < 4)
    assert any(c is not None for after_s, c in counted.items() if after_s < 0.4)


def test_exchanged_sensors_are_noticed_and_strapped_anew(person, lead_through, answering):
    swap = {Segment.THIGH: Segment.SHANK, Segment.SHANK: Segment.THIGH}
    repaired = []

    def exchange(now_s, feed, frame):
        if "exchange them" in frame.prompt.warning and not repaired:
            repaired.append(now_s)
            yield UserCommand("repeat")
        yield from answering(now_s, feed, frame)

    story = lead_through(DAILY, person, exchange, arrives=lambda t, s: s if repaired else swap[s], most_s=80)
    assert len(repaired) == 1
    assert 20 < repaired[0] < 36
    assert story.phases[:3] == ["reference", "swings", "restrap"]
    assert "repeated: Swing the lower leg" in markers(story)


def test_sensors_on_their_places_are_never_called_exchanged(story):
    assert not [p for _, p in story.prompts if "exchange" in p.warning]


def test_rising_pain_brings_the_advice_to_stop_and_it_stays(person, lead_through):
    scores = [2.0, 4.0]

    def hurting(now_s, feed, frame):
        if frame.prompt.ask == "pain" or (now_s > 15 and scores):
            yield UserCommand("pain", value=scores.pop(0))

    story = lead_through(DAILY, person, hurting, most_s=25)
    assert [e.score for e in story.events if isinstance(e, Pain)] == [2.0, 4.0]
    assert "stop" in [cue for _, cue in story.cues]
    assert story.prompts[-1][1].warning == "Pain rose from 2 to 4: stop for today, let the leg rest."


SHORT = parse_protocol(
    """
    name = "short"
    [[step]]
    kind = "still"
    title = "Lie still"
    text = "Do not move."
    seconds = 5
    [[step]]
    kind = "measure"
    title = "Before"
    phase = "before"
    count = 3
    [[step]]
    kind = "wait"
    title = "Rest"
    seconds = 600
    """,
    "short",
)


def entered(index: int) -> GuideState:
    state = advance(SHORT, GuideState(), Observation(10.0)).state
    for _ in range(index):
        state = handle_command(SHORT, state, Observation(10.0), "next").state
    return state


def test_back_and_repeat_begin_a_step_again():
    assert handle_command(SHORT, entered(2), Observation(20.0), "back").state.index == 1
    assert handle_command(SHORT, entered(0), Observation(20.0), "back").state.index == 0
    again = handle_command(SHORT, entered(1), Observation(20.0), "repeat")
    assert again.state.index == 1
    assert [type(e) for e in again.events] == [Marker, Phase]


def test_a_block_ends_with_its_step():
    assert handle_command(SHORT, entered(1), Observation(20.0), "next").events[-1] == Phase(20.0, "pause")


def test_a_pause_waits_for_nothing_and_begins_the_step_again():
    paused = handle_command(SHORT, entered(1), Observation(20.0), "pause")
    assert paused.events == (Phase(20.0, "pause"),)
    done = Observation(30.0, motion=replace(Observation(0.0).motion, repetitions=3), is_fresh=True)
    assert advance(SHORT, paused.state, done).state.index == 1
    resumed = handle_command(SHORT, paused.state, done, "pause")
    assert resumed.events == (Phase(30.0, "before"),)
    assert not resumed.state.paused


def test_a_countdown_counts_and_ends():
    state = entered(2)
    transition = advance(SHORT, state, Observation(70.0))
    assert transition.prompt.countdown_s == pytest.approx(540)
    assert advance(SHORT, transition.state, Observation(610.0)).prompt.title == "Done"


def test_after_a_while_the_way_on_by_hand_is_told():
    state = entered(0)
    assert "n goes on" not in advance(SHORT, state, Observation(20.0)).prompt.instruction
    late = advance(SHORT, state, Observation(60.0))
    assert late.prompt.instruction == "Do not move. Not recognised? n goes on."


def test_a_release_is_called_too_fast_after_three_tenths_of_a_second():
    pull = parse_protocol(
        'name = "pull"\n[[step]]\nkind = "pandiculate"\ntitle = "Pull"\ncount = 1\n', "pull"
    )
    state, titles = GuideState(), []
    for now_s, rate_deg_s in ((9.9, -9.0), (10.0, -90.0), (10.29, -90.0), (10.31, -90.0), (10.4, -9.0)):
        motion = MotionState(time_s=now_s, releasing=True, rate_deg_s=rate_deg_s)
        transition = advance(pull, state, Observation(now_s, motion=motion, is_fresh=True))
        state = transition.state
        titles.append(transition.prompt.title)
    assert titles == ["Pull", "Let down slowly", "Let down slowly", "Slower", "Let down slowly"]


def test_stillness_counts_from_the_beginning_of_the_step():
    still = Observation(12.0, placement=PlacementState(still_s=60.0))
    transition = advance(SHORT, entered(0), still)
    assert transition.state.index == 0
    assert transition.prompt.countdown_s == pytest.approx(3.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_other_people_are_led_to_the_end_too(seed, another_person, lead_through):
    story = lead_through(DAILY, another_person(seed), frame_s=0.2)
    assert story.phases == [*MEASURED, "pause"]
    assert story.finished_s is not None
