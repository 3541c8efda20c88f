"""The live window draws only what changes, and shows what drawing all of it anew would show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.backend_bases import ResizeEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionState
from analysis.guide.prompt import Prompt
from analysis.live.frame import LiveFrame, SensorState
from analysis.movement.result import Plateau
from analysis.views.liveview import LiveView
from analysis.views.pace import SHORTEST_PAUSE_S, Pace
from analysis.views.screen import changed_boxes, joined
from analysis.views.stamps import StampedText
from firmware_bridge.samples import Segment

FRAME_S = 0.04


class WindowCanvas(FigureCanvasAgg):
    """A canvas with the pixels that its window shows."""

    window = np.zeros((0, 0, 4), np.uint8)

    def draw(self) -> None:
        super().draw()
        self.window = np.asarray(self.buffer_rgba()).copy()

    def blit(self, bbox=None) -> None:
        drawn = np.asarray(self.buffer_rgba())
        left, right = round(bbox.x0), round(bbox.x1)
        top, bottom = len(drawn) - round(bbox.y1), len(drawn) - round(bbox.y0)
        self.window[top:bottom, left:right] = drawn[top:bottom, left:right]


def shown(size: tuple[float, float], theme: str) -> LiveView:
    figure = Figure(figsize=size, dpi=100)
    WindowCanvas(figure)
    view = LiveView(figure, theme)
    figure.canvas.draw()
    return view


def assert_window_shows_all(view: LiveView) -> None:
    canvas = view.figure.canvas
    in_parts, drawn = canvas.window.copy(), np.asarray(canvas.buffer_rgba()).copy()
    canvas.draw()
    assert np.array_equal(in_parts, drawn), "the window does not show what was drawn"
    assert np.array_equal(in_parts, canvas.window), "drawn in parts it looks different"


prompts = st.none() | st.builds(
    Prompt,
    title=st.sampled_from(("Pull and hold", "Let down slowly", "")),
    instruction=st.sampled_from(("", "Slowly, all the way.", "Let the leg sink, slowly and evenly. " * 4)),
    progress=st.sampled_from(("", "2 of 5", "10 of 10 swings, hinge known to ±12.3°")),
    step=st.integers(1, 12),
    steps=st.sampled_from((12, 40)),
    countdown_s=st.none() | st.floats(0, 100),
    target_deg=st.sampled_from((None, (10.0, 20.0), (75.0, 115.0))),
    target_rate_deg_s=st.sampled_from((None, None, (5.0, 15.0))),
    page=st.sampled_from(((), (), (), ("Stop if it hurts.", "Nothing here is medical advice. " * 9))),
    kind=st.sampled_from(("pandiculate", "press", "measure", "swings", "strap", "ready", None)),
    stage=st.sampled_from(("bend", "hold", "release", "let_go", "")),
    posture=st.sampled_from(("prone", "standing", "supine", "seated", "ake")),
    counted=st.integers(0, 5),
    count=st.just(5),
    countdown_of_s=st.none() | st.just(100.0),
    left_s=st.none() | st.floats(0, 900),
)  # fmt: skip
angles_deg = st.floats(-20, 140) | st.just(math.nan)
motions = st.builds(
    MotionState,
    flexion_deg=angles_deg,
    rate_deg_s=st.floats(-40, 40),
    extension=st.none() | st.builds(Plateau, st.just(1.0), st.just(2.0), st.floats(-10, 30), st.just(0.3)),
    releasing=st.booleans(),
    release_start_s=st.just(1.0),
    release_from_deg=st.floats(40, 110),
    marks_s=st.sampled_from(((), (0.5,), (0.5, 2.0))),
)
sensors = st.tuples(
    *(
        st.builds(SensorState, st.just(s), st.sampled_from(("connected", "lost")), delay_s=st.floats(0, 1))
        for s in Segment
    )
)
frames = st.builds(
    LiveFrame,
    now_s=st.just(0.0),
    sensors=sensors,
    motion=motions,
    phase=st.sampled_from((None, "before", "pandiculation", "after")),
    prompt=prompts,
    message=st.sampled_from(("", "Both sensors lie still.")),
    before_deg=st.floats(-10, 30) | st.just(math.nan),
    straightest_deg=st.floats(-10, 30) | st.just(math.nan),
    relative=st.booleans(),
    hidden=st.booleans(),
    paused=st.booleans(),
)
entries = st.sampled_from(("", "", "Pain now, from 0 to 10: 3▏"))
# A frame, for how many ticks it stays, whether samples come meanwhile, and what is being typed.
courses = st.lists(st.tuples(frames, st.integers(1, 4), st.booleans(), entries), min_size=1, max_size=5)

# Only the speed of a release, which random frames seldom change alone.
STEADY = LiveFrame(
    0.0,
    sensors=tuple(SensorState(s, "connected", delay_s=0.1) for s in Segment),
    motion=MotionState(flexion_deg=50.0, releasing=True, rate_deg_s=-8.0),
    prompt=Prompt("Let down slowly", kind="pandiculate", stage="release", step=3, steps=12),
)
GAUGED = replace(STEADY, prompt=replace(STEADY.prompt, target_rate_deg_s=(5.0, 15.0)))
SPEEDS = [
    (STEADY, 1, True, ""),
    (GAUGED, 1, True, ""),
    (replace(GAUGED, prompt=replace(GAUGED.prompt, target_rate_deg_s=(8.0, 20.0))), 1, True, ""),
    (GAUGED, 1, True, ""),
    (replace(GAUGED, motion=replace(GAUGED.motion, rate_deg_s=-18.0)), 1, True, ""),
]


def play(view: LiveView, course, start_s: float = 0.0) -> float:
    """Draws a course; returns the time at its end."""
    now_s = start_s
    for frame, ticks, has_samples, entry in course:
        for _ in range(ticks):
            now_s += FRAME_S
            time_s = now_s - np.arange(4)[::-1] * 0.01
            flexion_deg = frame.motion.flexion_deg + 30.0 * np.sin(3.0 * time_s)
            track = FlexionTrack(time_s, flexion_deg, np.full(4, 1.5), np.isfinite(flexion_deg))
            view.update(replace(frame, now_s=now_s, **({"track": track} if has_samples else {})), entry)
    return now_s


@pytest.mark.parametrize(("size", "theme"), [((10.0, 6.5), "dark"), ((19.2, 10.8), "light")])
# Shrinking would take minutes.
@settings(max_examples=3, phases=(Phase.explicit, Phase.generate), deadline=None)
@example(course=SPEEDS, later=SPEEDS[:1])
@given(course=courses, later=courses)
def test_frames_in_any_order_leave_what_drawing_all_anew_shows(size, theme, course, later):
    view = shown(size, theme)
    now_s = play(view, course)
    assert_window_shows_all(view)
    view.figure.set_size_inches(size[1], size[0] - size[1])
    ResizeEvent("resize_event", view.figure.canvas)._process()
    play(view, later, now_s)
    assert_window_shows_all(view)


@given(pictures=arrays.arrays(np.uint32, (2, 37, 71), elements=st.integers(0, 1), fill=st.just(0)))
def test_changed_boxes_hold_every_change_and_strips_without_one_are_left_out(pictures):
    old, new = pictures
    brought = old.copy()
    for left, top, right, bottom in changed_boxes(old, new):
        brought[top:bottom, left:right] = new[top:bottom, left:right]
        differs = (old != new)[:, left:right]
        assert differs[top].any()
        assert differs[bottom - 1].any()
    assert np.array_equal(brought, new)


@settings(max_examples=40)
@given(pictures=arrays.arrays(np.uint32, (2, 300, 130), elements=st.integers(0, 1), fill=st.just(0)))
def test_joined_boxes_hold_the_same_changes_and_share_no_pixel(pictures):
    boxes = changed_boxes(*pictures)
    count = np.zeros(pictures[0].shape, int)
    for left, top, right, bottom in joined(boxes):
        count[top:bottom, left:right] += 1
    assert count.max(initial=0) <= 1
    assert all(count[top:bottom, left:right].all() for left, top, right, bottom in boxes)


def test_boxes_far_apart_stay_apart():
    assert joined([(0, 0, 32, 9), (32, 2, 64, 12), (640, 0, 672, 700)]) == [
        (0, 0, 64, 12),
        (640, 0, 672, 700),
    ]


def test_a_picture_without_pixels_has_no_changes():
    assert changed_boxes(np.zeros((0, 9), np.uint32), np.zeros((0, 9), np.uint32)) == []


def drawn(text_class, words: str, place: tuple[float, float], **style) -> np.ndarray:
    figure = Figure(figsize=(3.0, 2.0), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.add_artist(text_class(*place, words, transform=None, **style))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


@pytest.mark.parametrize("words", ["27°", "pull and hold\nlet go", "●●○   −3.5°"])
@pytest.mark.parametrize(("ha", "va"), [("left", "top"), ("center", "center"), ("right", "baseline")])
def test_a_stamped_text_looks_as_matplotlib_draws_it_on_whole_pixels(words, ha, va):
    style = {"ha": ha, "va": va, "fontsize": 17, "fontweight": "bold", "color": "#0072B2"}
    stamped, plain = (drawn(cls, words, (150.0, 100.0), **style) for cls in (StampedText, Text))
    assert (plain < 255).any()
    assert np.abs(stamped - plain).max() <= 3
    assert np.array_equal(drawn(StampedText, words, (150.3, 99.8), **style), stamped)


def test_frames_start_at_regular_times_however_long_each_takes():
    pace, now_s, starts_s = Pace(FRAME_S), 5.0, []
    for cost_s in [0.001, 0.03, 0.039, 0.01, 0.02] * 20:
        starts_s.append(now_s)
        now_s += cost_s
        now_s += pace.pause_s(now_s)
    assert np.allclose(np.diff(starts_s)[1:], FRAME_S, atol=SHORTEST_PAUSE_S)
    assert (len(starts_s) - 2) / (starts_s[-1] - starts_s[1]) == pytest.approx(25.0, rel=0.01)


def test_missed_frames_are_not_made_up_for():
    pace = Pace(FRAME_S)
    pace.pause_s(0.0)
    assert pace.pause_s(3.0) == pytest.approx(SHORTEST_PAUSE_S)
    assert pace.pause_s(3.01) == pytest.approx(SHORTEST_PAUSE_S + FRAME_S - 0.01)
