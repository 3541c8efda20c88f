"""Every step of a led session on the screen, at two window sizes: nothing overlaps, nothing is cut off."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.path import Path as MplPath
from matplotlib.text import Text

from analysis.angle.result import FlexionTrack
from analysis.guide.library import load_protocol, protocol_names
from analysis.guide.motion import MotionState
from analysis.guide.prompt import Prompt
from analysis.guide.protocol import ProtocolStep
from analysis.live.frame import LiveFrame, SensorState
from analysis.movement.result import Plateau
from analysis.views.keys import Keys
from analysis.views.liveshapes import lane
from analysis.views.liveview import LiveView
from analysis.views.stamps import StampedText
from firmware_bridge.samples import Segment

SENSORS = (
    SensorState(Segment.THIGH, "connected", 100, 10.0, 0.4),
    SensorState(Segment.SHANK, "connecting", 100, 10.0, 0.4),
)


SIZES = [(10.0, 6.5), (19.2, 10.8), (8.0, 6.0)]


class MeasuringCanvas(FigureCanvasAgg):
    """Places everything as a canvas does that draws, and draws nothing: only places are asked for here."""

    def draw(self) -> None:
        self.figure.draw_without_rendering()


@pytest.fixture(autouse=True)
def _no_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StampedText, "draw", lambda text, renderer: None)


def shown(size: tuple[float, float], theme: str = "light") -> LiveView:
    figure = Figure(figsize=size, dpi=50)
    MeasuringCanvas(figure)
    figure.canvas.draw()
    return LiveView(figure, theme)


def faults(view: LiveView) -> list[str]:
    """What overlaps or leaves the window."""
    renderer = view.figure.canvas.get_renderer()
    window = view.figure.bbox
    plot = view.figure.axes[0]
    texts = [t for t in view.figure.texts if t.get_text() and t.get_visible()]
    if plot.get_visible():
        texts += plot.findobj(lambda a: isinstance(a, Text) and a.get_text().startswith("knee flexion"))
    for axes in view.figure.axes[2:]:
        texts += [t for t in axes.texts if axes.get_visible() and t.get_visible() and t.get_text()]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    found = [f"cut off: {a}" for a, box in boxes if box.x1 > window.x1 or box.y1 > window.y1 + 1]
    return found + [f"{a} | {b}" for (a, one), (b, two) in combinations(boxes, 2) if one.overlaps(two)]


def steps() -> list[tuple[int, int, ProtocolStep]]:
    """Every step of the protocols with its number and how many there are; once where protocols share it."""
    found: dict[object, tuple[int, int, ProtocolStep]] = {}
    for name in protocol_names():
        protocol = load_protocol(name)
        for number, step in enumerate(protocol.steps, 1):
            shown_of_it = (step.title, step.text, step.page, step.kind, step.posture, step.count)
            found.setdefault(shown_of_it, (number, len(protocol.steps), step))
    return list(found.values())


@pytest.mark.parametrize("size", SIZES)
def test_the_texts_of_every_step_fit(size):
    view = shown(size, "dark")
    for number, count, step in steps():
        prompt = Prompt(
            step.title, step.text, f"10 of {step.count} repetitions", number, count,
            countdown_s=754.0, page=step.page, kind=step.kind, stage="let_go", posture=step.posture,
            counted=min(1, step.count), count=step.count, left_s=4000.0,
        )  # fmt: skip
        frame = LiveFrame(
            float(number), sensors=SENSORS, prompt=prompt, before_deg=-10.4, straightest_deg=-12.0,
            motion=MotionState(flexion_deg=-11.0),
        )  # fmt: skip
        view.update(frame)
        assert faults(view) == [], step.title
        if step.page:
            reading = next(t for t in view.figure.texts if t.get_text().startswith(step.page[0][:20]))
            assert (
                reading.get_window_extent(view.figure.canvas.get_renderer()).y0 > 0.14 * view.figure.bbox.y1
            )


STAGES = (
    ("Bend the knee", "Knee to a right angle, heel toward the ceiling, a hand against the heel."),
    ("Pull and hold", "Pull the heel toward the buttock against the hand, firmly and without pain."),
    ("Let down slowly", "Keep a little pull and let the leg sink, slowly and evenly, until it lies."),
    ("Swing the lower leg", "Go on, and move the whole leg more: the hinge is not known well enough yet."),
)


@pytest.mark.parametrize("size", SIZES)
def test_the_stages_of_the_exercise_fit(person, size):
    view = shown(size)
    truth = person.truth
    keys = Keys()
    keys.ask("angle")
    for key in ("1", "2", ".", "5"):
        keys.press(key)
    for number, (title, instruction) in enumerate(STAGES):
        rows = slice(500 * number, 500 * (number + 1))
        n = 500
        track = FlexionTrack(truth.time_s[rows], truth.flexion_deg[rows], np.ones(n), np.ones(n, bool))
        motion = MotionState(
            flexion_deg=104.0, repetitions=10, extension=Plateau(1.0, 2.0, -10.4, 0.3), marks_s=(1.0, 3.0)
        )
        prompt = Prompt(
            title, instruction, "10 of 10 swings, hinge known to ±12.3°", 11, 24, countdown_s=12.0,
            target_deg=(75, 115), target_rate_deg_s=(5, 15), warning="The shin sensor is out of reach.",
            kind="pandiculate", stage="release", counted=10, count=10, left_s=4000.0,
        )  # fmt: skip
        frame = LiveFrame(float(track.time_s[-1]), track, SENSORS, motion, prompt=prompt)
        view.update(
            frame, "Measured knee angle in degrees (0 straight, + bent): 12.5▏  Enter saves, Esc cancels"
        )
        assert faults(view) == []


def test_the_leg_is_drawn_in_the_posture_of_the_step_and_bends_with_the_angle():
    view = shown((10.0, 6.5))
    shins = {}
    for posture in ("prone", "standing", "supine", "ake", "seated"):
        for flexion_deg in (0.0, 90.0):
            prompt = Prompt("Now", step=1, steps=1, kind="measure", posture=posture)
            view.update(LiveFrame(1.0, motion=MotionState(flexion_deg=flexion_deg), prompt=prompt))
            x, y = (np.asarray(v) for v in view.leg.limb)
            bent = np.cross([x[1] - x[0], y[1] - y[0], 0.0], [x[2] - x[1], y[2] - y[1], 0.0])[2]
            along = (x[1] - x[0]) * (x[2] - x[1]) + (y[1] - y[0]) * (y[2] - y[1])
            shins[posture, flexion_deg] = np.degrees(np.arctan2(bent, along)), y[2] - y[1]
    # Lying face down the heel rises; in every other posture it sinks or stays as low as the knee.
    assert shins["prone", 90.0][1] > 0.9
    assert all(abs(abs(angle) - flexion) < 1e-6 for (_, flexion), (angle, _) in shins.items())
    assert all(rise < 0.1 for (posture, f), (_, rise) in shins.items() if posture != "prone" and f == 90.0)


def test_the_lane_of_a_release_starts_where_the_hold_was_and_holds_the_wanted_speeds():
    prompt = Prompt("Let down", kind="pandiculate", stage="release", target_rate_deg_s=(5.0, 15.0))
    motion = MotionState(flexion_deg=70.0, releasing=True, release_start_s=8.0, release_from_deg=90.0)
    (outline,) = lane(LiveFrame(10.0, motion=motion, prompt=prompt))
    right_speed, too_fast, too_slow = (90.0 - rate * 2.0 for rate in (10.0, 22.0, 1.0))
    inside = MplPath(outline).contains_points([(0.0, right_speed), (0.0, too_fast), (0.0, too_slow)])
    assert inside.tolist() == [True, False, False]
    assert lane(LiveFrame(10.0, motion=motion)) == []
