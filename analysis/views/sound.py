"""Sound cues for a person who cannot see the screen: short tones, and a tone that follows the angle.

Without a sound device the program runs silently.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from analysis.guide.narration import Narrator
from analysis.guide.prompt import Cue
from analysis.live.frame import LiveFrame
from analysis.views.voice import Voice

Sound = NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 44100
# The tone that follows the angle: one octave from 20 to 110 deg, in a range that laptops can play.
_PITCH_HZ: Final = (330.0, 660.0)
_PITCH_DEG: Final = (20.0, 110.0)
_PITCH_VOLUME: Final = 0.12
_VOLUME: Final = 0.5
_FADE_S: Final = 0.012

# (frequency in Hz, seconds); 0 Hz is silence. Rising = begin, falling = let down, low = stop.
_MELODIES: Final[Mapping[Cue, Sequence[tuple[float, float]]]] = {
    "step": ((523.0, 0.12), (659.0, 0.16)),
    "hold": ((784.0, 0.35),),
    "release": ((659.0, 0.18), (523.0, 0.18), (392.0, 0.30)),
    "slower": ((440.0, 0.09), (0.0, 0.06), (440.0, 0.09)),
    "let_go": ((330.0, 0.55),),
    "done": ((523.0, 0.14), (659.0, 0.14), (784.0, 0.40)),
    "stop": ((262.0, 0.30), (0.0, 0.10), (262.0, 0.30), (0.0, 0.10), (262.0, 0.30)),
}


def tone(frequency_hz: float, seconds: float, sample_rate_hz: int = SAMPLE_RATE_HZ) -> Sound:
    """A soft tone without clicks, as (n,) samples from -1 to 1; 0 Hz is silence."""
    time_s = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    fade = np.clip(np.minimum(time_s, seconds - time_s) / _FADE_S, 0.0, 1.0)
    phase = 2 * np.pi * frequency_hz * time_s
    return (_VOLUME * fade * (np.sin(phase) + 0.2 * np.sin(2 * phase)) / 1.2).astype(np.float32)


def melody(cue: Cue, sample_rate_hz: int = SAMPLE_RATE_HZ) -> Sound:
    """The tones of a cue, one after the other."""
    return np.concatenate([tone(hz, seconds, sample_rate_hz) for hz, seconds in _MELODIES[cue]])


class Mixer:
    """Mixes the samples to be played; `play` and `follow` may be called from any thread."""

    def __init__(self, sample_rate_hz: int = SAMPLE_RATE_HZ) -> None:
        self._rate_hz = sample_rate_hz
        self._lock = threading.Lock()
        self._waiting: Sound = np.zeros(0, dtype=np.float32)
        self._pitch_hz: float | None = None
        self._phase = 0.0
        self._volume = 0.0

    def play(self, cue: Cue) -> None:
        """Queues a cue; "stop" and "slower" replace the queue."""
        sound = melody(cue, self._rate_hz)
        with self._lock:
            self._waiting = sound if cue in ("stop", "slower") else np.concatenate((self._waiting, sound))

    def follow(self, flexion_deg: float | None) -> None:
        """Sets the tone to an angle, higher = more bent; None ends it."""
        hz = None
        if flexion_deg is not None and np.isfinite(flexion_deg):
            share = np.interp(flexion_deg, _PITCH_DEG, (0.0, 1.0))
            hz = float(_PITCH_HZ[0] * (_PITCH_HZ[1] / _PITCH_HZ[0]) ** share)
        with self._lock:
            self._pitch_hz = hz

    def silence(self) -> None:
        """Ends all sounds."""
        with self._lock:
            self._waiting = np.zeros(0, dtype=np.float32)
            self._pitch_hz = None

    def next(self, count: int) -> Sound:
        """The next `count` samples, (count,)."""
        with self._lock:
            played, self._waiting = self._waiting[:count], self._waiting[count:]
            pitch_hz = self._pitch_hz
        mixed: Sound = self._tone(count, pitch_hz)
        mixed[: len(played)] += played
        return mixed

    def _tone(self, count: int, pitch_hz: float | None) -> Sound:
        """The tone; volume and phase are continuous, so changes of pitch do not click."""
        wanted = 0.0 if pitch_hz is None else _PITCH_VOLUME
        volume = np.linspace(self._volume, wanted, count, endpoint=False)
        self._volume = wanted
        step = 2 * np.pi * (pitch_hz or _PITCH_HZ[0]) / self._rate_hz
        phase = self._phase + step * np.arange(count)
        self._phase = (self._phase + step * count) % (2 * np.pi)
        sound: Sound = (volume * np.sin(phase)).astype(np.float32)
        return sound


class Speaker:
    """Plays cues on the default sound device, as a context manager; silent without one.

    Args:
        follow_angle: let a quiet tone follow the angle.
        voice: speaks; None only plays tones.

    Attributes:
        is_silent: no sound device is available.
    """

    def __init__(self, *, follow_angle: bool = False, voice: Voice | None = None) -> None:
        self._voice, self._narrator = voice, Narrator()
        self.follow_angle = follow_angle
        self.is_silent = True
        self._mixer = Mixer()
        self._stream: Any = None

    def __enter__(self) -> Self:
        # A missing package, library or device all mean: no sound.
        try:
            device = importlib.import_module("sounddevice")
            self._stream = device.OutputStream(
                samplerate=SAMPLE_RATE_HZ, channels=1, dtype="float32", callback=self._fill
            )
            self._stream.start()
            self.is_silent = False
        except Exception:
            self._stream = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def narrate(self, frame: LiveFrame, alarm: str) -> None:
        """Lets the voice say what a frame calls for."""
        if self._voice is not None:
            self._voice.speak(
                self._narrator.follow(frame.prompt, frame.now_s, frame.cues, alarm=alarm, paused=frame.paused)
            )

    def sound(self, cues: Sequence[Cue], flexion_deg: float | None) -> None:
        """Plays cues, and sets the tone to the angle if `follow_angle`; None means no tone."""
        for cue in cues:
            self._mixer.play(cue)
        self._mixer.follow(flexion_deg if self.follow_angle else None)

    def _fill(self, out: Any, count: int, time: object, status: object) -> None:
        out[:, 0] = self._mixer.next(count)
