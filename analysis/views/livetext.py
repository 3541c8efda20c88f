"""Texts of a live frame, the same in the window and in the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.guide.prompt import Prompt
from analysis.live.frame import STALE_S, LiveFrame, SensorState
from analysis.views.wording import PHASE_TITLES
from firmware_bridge.samples import Segment

# After this time an old number is no longer shown.
FORGOTTEN_S: Final = 3.0
_MOST_DOTS: Final = 12


@dataclass(frozen=True, slots=True)
class LiveWords:
    """Texts of a live view.

    Attributes:
        title, instruction, progress, countdown: of the step.
        number: the angle, or what stands in its place.
        note: meaning or age of the number.
        is_fresh: False if the number must be greyed out.
        block: lines about the current block.
        alarm: a sentence that must not be overlooked, or "".
        sensors: one line per sensor.
    """

    title: str
    instruction: str
    progress: str
    countdown: str
    number: str
    note: str
    is_fresh: bool
    block: tuple[str, ...]
    alarm: str
    sensors: tuple[str, ...]


class LiveWording:
    """Live frames -> texts. Keeps the time of the last usable angle."""

    def __init__(self) -> None:
        self._newest_s = -math.inf
        self._whole_deg: int | None = None

    def texts(self, frame: LiveFrame) -> LiveWords:
        """The texts of a frame. Needs every frame, in order."""
        usable = frame.track.valid & np.isfinite(frame.track.flexion_deg)
        if usable.any():
            self._newest_s = float(frame.track.time_s[usable][-1])
        age_s = frame.now_s - self._newest_s
        number, note = self._number(frame, age_s)
        prompt = frame.prompt
        title = prompt.title if prompt else PHASE_TITLES.get(frame.phase or "", "").capitalize()
        if prompt and prompt.steps:
            title = f"{prompt.step}/{prompt.steps}  {title}"
        left_s = prompt.countdown_s if prompt and not frame.paused else None
        return LiveWords(
            title="Paused" if frame.paused else title,
            instruction=prompt.instruction if prompt else frame.message,
            progress=_progress(prompt) if prompt else "",
            countdown="" if left_s is None else _countdown(left_s),
            number=number,
            note=note,
            # Before the first angle no number is shown that could be old.
            is_fresh=age_s <= STALE_S or math.isinf(age_s),
            block=_block(frame),
            alarm=_alarm(frame, age_s),
            sensors=tuple(_sensor(s) for s in frame.sensors),
        )

    def _number(self, frame: LiveFrame, age_s: float) -> tuple[str, str]:
        flexion_deg = frame.motion.flexion_deg
        if frame.hidden:
            return "hidden", "measuring without looking (key h)"
        if math.isinf(age_s) or not math.isfinite(flexion_deg):
            return "–", "no angle yet"
        if age_s > FORGOTTEN_S:
            return "–", f"no angle for {age_s:.0f} s"
        number = f"{self._steady(flexion_deg)}°".replace("-", "−")
        if age_s > STALE_S:
            return number, f"old: no angle for {age_s:.1f} s"
        return number, "relative angle: 0 is not straight" if frame.relative else "knee flexion, 0 = straight"

    def _steady(self, flexion_deg: float) -> int:
        """Whole degrees with hysteresis, so that the number does not flicker."""
        if self._whole_deg is None or abs(flexion_deg - self._whole_deg) > 0.6:
            self._whole_deg = round(flexion_deg)
        return self._whole_deg


def audible_angle(frame: LiveFrame, *, is_fresh: bool) -> float | None:
    """The angle for the tone; None while measuring, hidden, paused or without connection."""
    quiet = frame.hidden or frame.paused or (frame.prompt is not None and frame.prompt.quiet)
    return frame.motion.flexion_deg if is_fresh and not quiet else None


def _block(frame: LiveFrame) -> tuple[str, ...]:
    motion = frame.motion
    lines = []
    if motion.extension is not None and not frame.hidden:
        lines.append(f"straightest held: {motion.extension.flexion_deg:.1f}°".replace("-", "−"))
    if motion.releases:
        lines.append(f"slow releases: {len(motion.releases)}")
    elif motion.repetitions:
        lines.append(f"repetitions: {motion.repetitions}")
    return tuple(lines)


def _progress(prompt: Prompt) -> str:
    """How far the step is, with a dot for each repetition that is wanted."""
    if not 0 < prompt.count <= _MOST_DOTS:
        return prompt.progress
    return f"{'●' * prompt.counted}{'○' * (prompt.count - prompt.counted)}   {prompt.progress}".rstrip()


def _countdown(seconds: float) -> str:
    whole = max(0, math.ceil(seconds))
    return f"{whole // 60}:{whole % 60:02d}" if whole >= 60 else f"{whole} s"


def _alarm(frame: LiveFrame, age_s: float) -> str:
    if frame.prompt and frame.prompt.warning:
        return frame.prompt.warning
    for sensor in frame.sensors:
        if not sensor.is_well:
            return sensor.problem or f"The {_place(sensor.segment)} sensor is {sensor.state}."
    grave = [f.sentence for f in frame.findings if f.consequence in ("refuse", "gap")]
    if grave:
        return grave[0]
    if math.isfinite(age_s) and age_s > STALE_S and not frame.paused:
        return "No new angle: the number is old."
    if frame.prompt and frame.message:
        return frame.message
    return frame.findings[0].sentence if frame.findings else ""


def _sensor(sensor: SensorState) -> str:
    parts = [f"{_place(sensor.segment)}: {'●' if sensor.is_well else '○'} {sensor.state}"]
    if sensor.battery_percent is not None:
        parts.append(f"battery {sensor.battery_percent:.0f} %")
    if sensor.loss_percent is not None:
        parts.append(f"lost {sensor.loss_percent:.1f} %")
    if sensor.delay_s is not None:
        # Rounded up to 50 ms, so that the figure does not flicker.
        parts.append(f"delay {math.ceil(sensor.delay_s * 20) * 50} ms")
    return "   ".join(parts)


def _place(segment: Segment) -> str:
    return "shin" if segment is Segment.SHANK else "thigh"
