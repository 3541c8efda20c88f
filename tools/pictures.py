"""Makes the pictures of the README anew, from a simulated person: python tools/pictures.py

docs/images/live.png and live.gif show the live window, report.png the top of a report (needs chromium).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from obeying import run  # noqa: E402

from analysis.answer import answer  # noqa: E402
from analysis.guide.library import load_protocol  # noqa: E402
from analysis.live.frame import LiveFrame, SensorState  # noqa: E402
from analysis.views.liveview import LiveView  # noqa: E402
from analysis.views.report import render_report  # noqa: E402
from firmware_bridge.samples import Segment  # noqa: E402
from firmware_bridge.virtual.sessions import full_session  # noqa: E402
from firmware_bridge.virtual.simulation import simulate_session  # noqa: E402

SENSORS = tuple(SensorState(s, "connected", 92 - 4 * i, 0.0, 0.06) for i, s in enumerate(Segment))
# Every so many frames of 0.2 s one picture; the film shows the second release.
EVERY, RELEASE = 5, 1
SIZE_INCH, DPI = (10.0, 6.5), 100


class Camera:
    """Draws the frames of one release."""

    def __init__(self) -> None:
        figure = Figure(figsize=SIZE_INCH, dpi=DPI)
        self._canvas = FigureCanvasAgg(figure)
        self._view = LiveView(figure)
        self._canvas.draw()
        self._seen = 0
        self.pictures: list[Image.Image] = []
        self.best: Image.Image | None = None

    def see(self, frame: LiveFrame) -> None:
        """Takes every frame in order."""
        self._view.update(replace(frame, sensors=SENSORS, before_deg=16.0, straightest_deg=13.0))
        prompt = frame.prompt
        if prompt is None or prompt.kind != "pandiculate":
            return
        releasing = prompt.stage == "release" and frame.motion.releasing
        in_film = prompt.counted == RELEASE or (prompt.counted == RELEASE + 1 and prompt.stage == "let_go")
        if not in_film:
            return
        self._seen += 1
        if self._seen % EVERY == 0:
            self.pictures.append(self._picture())
        if releasing and 35.0 < frame.motion.flexion_deg < 45.0:
            self.best = self._picture()

    def _picture(self) -> Image.Image:
        self._canvas.draw()
        return Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")


def live() -> None:
    """The live window, as a picture and as a short film."""
    camera = Camera()
    run(load_protocol("daily"), "obeying", 2, most_s=180.0, on_frame=camera.see)
    assert camera.best is not None
    camera.best.quantize(128).save(IMAGES / "live.png", optimize=True)
    small = [p.resize((640, 416), Image.Resampling.LANCZOS).quantize(32) for p in camera.pictures]
    small[0].save(
        IMAGES / "live.gif", save_all=True, append_images=small[1:], duration=400, loop=0, optimize=True
    )


def report() -> None:
    """The top of a report."""
    script = full_session(seed=1, warmup_repetitions=6, gain_deg=9.0, pandiculations=6)
    page = render_report(answer(simulate_session(script, seed=1).recording))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        browser = shutil.which("chromium") or "chromium"
        shot = f"--screenshot={IMAGES / 'report.png'}"
        options = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--window-size=1000,760",
        )
        subprocess.run([browser, *options, shot, file.as_uri()], check=True, capture_output=True)
    Image.open(IMAGES / "report.png").convert("RGB").quantize(128).save(IMAGES / "report.png", optimize=True)


if __name__ == "__main__":
    live()
    report()
