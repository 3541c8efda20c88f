"""What the live window costs, and how old a sample is when it is drawn.

    python tests/benchmarks/window.py --seconds 90 --size 1920x1080
    xvfb-run -s "-screen 0 1920x1080x24" python tests/benchmarks/window.py     on a machine without a screen

Simulated sensors, real bleak, real window; a simulated person follows the daily protocol. The age of a sample
counts from the moment at which it was measured until the toolkit has the picture that shows it. CPU time of a
frame is that of the drawing thread alone. Measure on an idle machine: where others take the processors,
frames become few, each has more samples to process, and samples wait.
"""

from __future__ import annotations

import argparse
import functools
import os
import time

import numpy as np

from analysis.cli.streaming import StreamOptions, choose_source, stream
from analysis.guide.library import load_protocol
from analysis.live.frame import LiveFrame, UserCommand
from analysis.views import window
from firmware_bridge.clock import SystemClock
from firmware_bridge.samples import Side

TICKS_S: list[float] = []
FRAME_CPU_S: list[float] = []
AGE_S: list[float] = []


class MeasuredWindow(window.LiveWindow):
    """A live window that answers the questions of the guide and keeps the time of every frame."""

    def _tick(self) -> None:
        start_s, cpu_s = time.perf_counter(), time.thread_time()
        poll, frames = self._feed.poll, []

        def kept() -> LiveFrame:
            frames.append((poll(), time.perf_counter()))
            return frames[-1][0]

        self._feed.poll = kept  # type: ignore[method-assign]
        super()._tick()
        self._feed.poll = poll  # type: ignore[method-assign]
        TICKS_S.append(start_s)
        FRAME_CPU_S.append(time.thread_time() - cpu_s)
        for frame, polled_s in frames:
            if len(frame.track.time_s):
                AGE_S.append(frame.now_s - frame.track.time_s[-1] + time.perf_counter() - polled_s)
            self._answer(frame)

    def _answer(self, frame: LiveFrame) -> None:
        if frame.prompt is None or frame.finished:
            return
        if frame.prompt.page:
            self._feed.command(UserCommand("next"))
        elif frame.prompt.ask == "pain":
            self._feed.command(UserCommand("pain", value=2.0))
        elif frame.prompt.ask == "reference_deg":
            self._feed.command(UserCommand("angle", value=20.0))


def main() -> None:
    """Runs a session in a window and prints what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--size", default="1280x720", help="of the window, in pixels")
    options = parser.parse_args()
    width, height = (int(part) / 100.0 for part in options.size.split("x"))
    window.show_live = functools.partial(window.show_live, size_inch=(width, height))
    window.LiveWindow = MeasuredWindow  # type: ignore[misc]
    source = choose_source(
        SystemClock(), None, None, virtual="kneeflex", side=Side.RIGHT, seconds=None, character="obeying"
    )
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    stream(source, StreamOptions(None, seconds=options.seconds, protocol=load_protocol("daily"), voice=False))
    cpu_s, lasted_s = time.process_time() - cpu_s, time.perf_counter() - begun_s
    ticks_s, frame_s, age_s = np.array(TICKS_S), np.array(FRAME_CPU_S), np.array(AGE_S)
    per_second = (len(ticks_s) - 1) / (ticks_s[-1] - ticks_s[0])
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{len(ticks_s)} frames, {per_second:.1f} a second")
    print(
        f"CPU of a frame: median {1e3 * np.median(frame_s):.1f} ms, mean {1e3 * frame_s.mean():.1f} ms: "
        f"{100 * 25 * frame_s.mean():.0f} % of a core at 25 frames a second"
    )
    print(f"whole process, simulated sensors and radio too: {100 * cpu_s / lasted_s:.0f} % of a core")
    print(
        f"sample to picture: median {1e3 * np.median(age_s):.0f} ms, "
        f"95 % within {1e3 * np.percentile(age_s, 95):.0f} ms"
    )


if __name__ == "__main__":
    main()
