from __future__ import annotations

import io
import json
import math
import os
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

from analysis.angle.result import FlexionTrack
from analysis.guide.prompt import Prompt
from analysis.live.frame import LiveFrame, SensorState, UserCommand, empty_track
from analysis.views.keys import Keys
from analysis.views.livetext import LiveWording, audible_angle
from analysis.views.liveview import LiveView
from analysis.views.recent import RecentTrack
from analysis.views.terminal import run_headless, show_terminal
from firmware_bridge.samples import Segment


class Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def playing(make_answer, make_feed):
    """A feed 40 s into a session, and its clock."""
    clock = Clock(39.0)
    feed = make_feed(make_answer("gain"), clock)
    feed.poll()
    return feed, clock


def view_of(size=(8.0, 4.5)):
    figure = Figure(figsize=size, dpi=50)
    FigureCanvasAgg(figure)
    view = LiveView(figure)
    figure.canvas.draw()
    return view


def pixels(view):
    return np.asarray(view.figure.canvas.buffer_rgba()).astype(int)


def test_a_fresh_number_is_shown_and_an_old_one_greyed_and_said_so(playing):
    feed, clock = playing
    teller = LiveWording()
    clock.wait(0.1)
    fresh = teller.texts(feed.poll())
    assert fresh.is_fresh
    assert fresh.number.endswith("°")
    frozen = replace(feed.poll(), track=empty_track())
    stale = teller.texts(replace(frozen, now_s=clock.now_s + 0.7))
    assert not stale.is_fresh
    assert stale.note.startswith("old: no angle for 0.")
    assert stale.alarm == "No new angle: the number is old."
    forgotten = teller.texts(replace(frozen, now_s=clock.now_s + 4))
    assert forgotten.number == "–"


def test_samples_that_must_not_be_used_do_not_refresh_the_number(playing):
    feed, clock = playing
    teller = LiveWording()
    clock.wait(0.1)
    teller.texts(feed.poll())
    clock.wait(0.8)
    frame = feed.poll()
    unusable = replace(frame, track=replace(frame.track, valid=np.zeros(len(frame.track.valid), bool)))
    assert not teller.texts(unusable).is_fresh


def test_before_the_first_angle_there_is_no_number_and_no_alarm(playing):
    feed, _ = playing
    words = LiveWording().texts(replace(feed.poll(), track=empty_track()))
    assert (words.number, words.note, words.alarm) == ("–", "no angle yet", "")


def test_a_hidden_number_is_nowhere(playing):
    feed, clock = playing
    clock.wait(8)
    words = LiveWording().texts(replace(feed.poll(), hidden=True))
    assert words.number == "hidden"
    assert not any(c.isdigit() for line in words.block if "straightest" in line for c in line)


def test_a_relative_number_says_so(playing):
    feed, clock = playing
    clock.wait(0.1)
    assert (
        LiveWording().texts(replace(feed.poll(), relative=True)).note == "relative angle: 0 is not straight"
    )


def test_a_lost_sensor_is_named(playing):
    feed, _ = playing
    feed.sensors = (SensorState(Segment.THIGH), SensorState(Segment.SHANK, "lost"))
    assert LiveWording().texts(feed.poll()).alarm == "The shin sensor is lost."


def test_the_number_does_not_flicker_between_neighbours():
    teller, shown = LiveWording(), set()
    for n, flexion_deg in enumerate([20.4, 20.55, 20.45, 20.58, 20.4]):
        time_s = np.array([n * 0.1])
        track = FlexionTrack(time_s, np.array([flexion_deg]), np.ones(1), np.ones(1, bool))
        motion = replace(LiveFrame(0).motion, flexion_deg=flexion_deg)
        shown.add(teller.texts(LiveFrame(n * 0.1, track, motion=motion)).number)
    assert shown == {"20°"}


@pytest.mark.parametrize("size", [(12.8, 7.2), (6.0, 4.5)])
def test_redrawing_parts_gives_the_picture_of_redrawing_everything(playing, size):
    feed, clock = playing
    feed.prompt = Prompt("Let go", "Slowly, all the way.", "2 of 5", 3, 9, 12.0, (10, 20), (5, 15))
    view = view_of(size)
    for _ in range(30):
        clock.wait(0.21)
        view.update(feed.poll())
    in_parts = pixels(view)
    view.figure.canvas.draw()
    assert np.abs(in_parts - pixels(view)).max() <= 2


def test_a_frame_changes_only_what_it_must(playing):
    feed, clock = playing
    view = view_of()
    clock.wait(1)
    view.update(feed.poll())
    before = pixels(view)
    clock.wait(0.02)
    view.update(feed.poll())
    changed = np.argwhere((pixels(view) != before).any(axis=2))
    height = len(before)
    assert changed[:, 0].max() < 0.8 * height
    assert changed[:, 0].min() > 0.24 * height


def test_the_tone_is_off_wherever_it_could_steer_or_mislead(playing):
    feed, clock = playing
    clock.wait(0.1)
    frame = feed.poll()
    assert audible_angle(frame, is_fresh=True) == frame.motion.flexion_deg
    assert audible_angle(frame, is_fresh=False) is None
    assert audible_angle(replace(frame, hidden=True), is_fresh=True) is None
    assert audible_angle(replace(frame, paused=True), is_fresh=True) is None
    assert audible_angle(replace(frame, prompt=Prompt("Before", quiet=True)), is_fresh=True) is None


def test_history_is_the_same_however_the_track_arrives(make_answer):
    track = make_answer("lost").angle.track
    whole, pieces = RecentTrack(20.0), RecentTrack(20.0)
    whole.add(track)
    cuts = np.random.default_rng(5).choice(len(track.time_s), 900, replace=False)
    for part in np.split(np.arange(len(track.time_s)), np.sort(cuts)):
        rows = slice(part[0], part[-1] + 1) if len(part) else slice(0, 0)
        pieces.add(
            FlexionTrack(
                track.time_s[rows], track.flexion_deg[rows], track.flexion_sd_deg[rows], track.valid[rows]
            )
        )
    since_s = float(track.time_s[-1]) - 20
    for a, b in zip(whole.since(since_s), pieces.since(since_s), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(whole.since(since_s)[0]) == pytest.approx(600, abs=2)


def test_history_breaks_the_line_where_no_samples_came():
    history = RecentTrack(20.0)
    for start_s in (0.0, 2.0):
        time_s = start_s + np.arange(50) * 0.02
        history.add(FlexionTrack(time_s, np.full(50, 30.0), np.ones(50), np.ones(50, bool)))
    time_s, flexion_deg, _ = history.since(0.0)
    assert np.isnan(flexion_deg[np.searchsorted(time_s, 2.0)])


def typed(keys: Keys, *presses: str) -> list[UserCommand]:
    return [command for press in presses if (command := keys.press(press))]


def test_keys_act_at_once_or_ask_first():
    keys = Keys()
    assert typed(keys, "m", "right", "b", " ", "x") == [
        UserCommand("marker"), UserCommand("next"), UserCommand("back"), UserCommand("pause"),
    ]  # fmt: skip
    assert typed(keys, "p", "1", "2", "enter") == []
    assert "from 0 to 10" in keys.line
    assert typed(keys, "3", "enter") == [UserCommand("pain", value=3.0)]
    assert keys.line == ""
    assert typed(keys, "a", "1", "2", ",", "5", "backspace", "4", "enter") == [
        UserCommand("angle", value=12.4)
    ]
    assert typed(keys, "t", "c", "r", "a", "m", "p", "enter") == [UserCommand("marker", text="cramp")]


def test_a_number_that_is_asked_for_can_be_passed_over():
    keys = Keys()
    keys.ask("angle")
    assert typed(keys, "1", "x", "h", "n") == [UserCommand("next")]
    assert keys.line == ""


def test_the_question_of_a_step_opens_once_and_goes_with_the_step():
    keys = Keys()
    pain = Prompt("Pain", ask="pain", step=1, steps=2)
    keys.follow(pain)
    assert keys.line.startswith("Pain now")
    keys.press("escape")
    keys.follow(pain)
    assert keys.line == ""
    keys.follow(Prompt("Reference", ask="reference_deg", step=2, steps=2))
    assert keys.line.startswith("Measured knee angle")
    keys.follow(Prompt("Reference", step=2, steps=2))
    assert keys.line == ""


def test_stopping_asks_once_more():
    keys = Keys()
    assert typed(keys, "q", "escape") == []
    assert typed(keys, "q", "enter") == [UserCommand("stop")]


def test_headless_prints_lines_and_ends_with_the_feed(playing):
    feed, clock = playing
    out = io.StringIO()
    clock.now_s = 325.0
    run_headless(feed, Console(file=out, width=300), every_s=5, wait=clock.wait)
    lines = out.getvalue().splitlines()
    assert 2 <= len(lines) <= 5
    assert lines[0].startswith("5:25  5 min after")
    assert "shin: ● connected" in lines[0]


def test_without_keys_pages_are_printed_and_questions_passed_over(playing):
    feed, clock = playing
    feed.prompt = Prompt("Before you start", page=("Stop if it hurts.",), step=1, steps=2)
    out = io.StringIO()

    def wait(seconds: float) -> None:
        feed.prompt = Prompt("Pain", ask="pain", step=2, steps=2) if len(feed.commands) < 2 else None
        clock.wait(seconds * 20)

    run_headless(feed, Console(file=out, width=200), every_s=60, wait=wait)
    assert out.getvalue().count("Stop if it hurts.") == 1
    assert feed.commands == [UserCommand("next"), UserCommand("next")]


def test_interrupting_stops_the_session_in_the_ordinary_way(playing):
    feed, _ = playing

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    run_headless(feed, Console(file=io.StringIO()), wait=interrupt)
    assert feed.commands == [UserCommand("stop")]


def test_the_terminal_page_shows_step_number_and_sensors(playing):
    feed, clock = playing
    feed.prompt = Prompt("Straighten", "As far as it goes by itself.", "1 of 5", 4, 9)
    clock.now_s = 336.5
    out = io.StringIO()
    show_terminal(feed, Console(file=out, width=100), wait=clock.wait)
    for words in ("4/9  Straighten", "As far as it goes by itself.", "knee flexion", "battery 64 %"):
        assert words in out.getvalue()


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """A virtual screen, as the environment for a child process."""
    pytest.importorskip("tkinter", reason="Tk is not installed")
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    number = tmp_path_factory.mktemp("screen") / "display"
    with number.open("w") as file:
        process = subprocess.Popen(
            [server, "-displayfd", str(file.fileno()), "-screen", "0", "1400x900x24"],
            pass_fds=[file.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(200):
                if number.read_text().strip():
                    break
                time.sleep(0.05)
            yield f":{number.read_text().strip()}"
        finally:
            process.terminate()
            process.wait()


WINDOWS = """
    import dataclasses, importlib.util, json, sys
    import numpy as np
    from matplotlib import pyplot as plt
    spec = importlib.util.spec_from_file_location("helpers", sys.argv[1])
    helpers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helpers)
    from analysis.views import window

    tick = window.LiveWindow._tick

    def shows_all(canvas):
        widget = canvas.get_tk_widget()
        has = widget.tk.call(widget.itemcget("all", "image"), "data", "-format", "ppm")
        drawn = np.asarray(canvas.buffer_rgba())[..., :3]
        return bool(drawn.min() < drawn.max()) and has.endswith(drawn.tobytes())

    def run(mode):
        frames, same = 0, None
        feed = helpers.PlayedFeed(helpers.build_answer("gain"), lambda: 40 + frames * 0.05)
        poll = feed.poll

        def counted():
            nonlocal frames
            frames += 1
            if mode == "broken" and frames == 5:
                raise RuntimeError("the feed broke")
            return dataclasses.replace(poll(), finished=frames == 20)

        def closing(self):
            nonlocal same
            tick(self)
            if mode == "finished" and frames == 15:
                same = shows_all(self._figure.canvas)
            if mode == "closed" and frames == 10:
                shown = self._figure.canvas.manager.window
                shown.tk.eval(shown.protocol("WM_DELETE_WINDOW"))

        feed.poll, window.LiveWindow._tick = counted, closing
        try:
            window.show_live(feed, size_inch=(6.4, 3.6))
        except RuntimeError as error:
            return {"error": str(error)}
        commands = [c.name for c in feed.commands]
        return {"frames": frames, "commands": commands, "open": plt.get_fignums(), "same": same}

    print(json.dumps({mode: run(mode) for mode in ("finished", "closed", "broken")}))
"""


@pytest.fixture(scope="module")
def windows(screen):
    """What became of three windows, one after the other in one process."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WINDOWS), str(Path(__file__).with_name("conftest.py"))],
        env={**os.environ, "DISPLAY": screen},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_the_window_runs_until_the_feed_is_finished_and_is_gone(windows):
    assert [windows["finished"][key] for key in ("frames", "commands", "open")] == [20, [], []]


def test_the_toolkit_has_every_pixel_that_was_drawn(windows):
    assert windows["finished"]["same"]


def test_closing_the_window_stops_the_session(windows):
    assert windows["closed"]["commands"] == ["stop"]
    assert math.isclose(windows["closed"]["frames"], 10, abs_tol=1)


def test_an_error_of_the_feed_is_not_swallowed_by_the_toolkit(windows):
    assert windows["broken"] == {"error": "the feed broke"}


def test_no_screen_is_a_plain_error(monkeypatch, playing):
    from analysis.views.window import show_live
    from firmware_bridge.errors import UsageError

    pytest.importorskip("tkinter", reason="Tk is not installed")
    if sys.platform != "linux":
        pytest.skip("only Linux can take the screen away by an environment variable")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    feed, _ = playing
    with pytest.raises(UsageError, match="--headless"):
        show_live(feed)
