"""Writes what a whole session says: a transcript with times, and a wav file made by espeak-ng.

python tests/benchmarks/spoken_session.py daily session.wav
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from obeying import run

from analysis.guide.library import load_protocol
from analysis.guide.narration import Narrator
from analysis.guide.protocol import Protocol
from analysis.live.frame import LiveFrame

COMMAND = ("espeak-ng", "-s", "165")


@dataclass(frozen=True)
class Spoken:
    """One text, when it was said, and whether that was inside a measuring block."""

    time_s: float
    text: str
    quiet: bool


@dataclass
class Session:
    """What was said, when speech was silenced, and the measuring blocks [start, stop)."""

    spoken: list[Spoken]
    stops_s: list[float]
    quiet_s: list[tuple[float, float]]
    stages: list[tuple[float, str, str]]


def narrated(protocol: Protocol, character: str = "obeying", seed: int = 0) -> Session:
    """Lets a simulated person follow a protocol, and keeps what is said."""
    session, narrator = Session([], [], [], []), Narrator()
    was_quiet = False

    def hear(frame: LiveFrame) -> None:
        nonlocal was_quiet
        prompt, now_s = frame.prompt, frame.now_s
        narration = narrator.follow(prompt, now_s, frame.cues, paused=frame.paused)
        if narration.stop or any(u.at_once for u in narration.utterances):
            session.stops_s.append(now_s)
        is_quiet = bool(prompt and prompt.quiet)
        session.spoken += [Spoken(now_s, u.text, is_quiet) for u in narration.utterances]
        if is_quiet:
            start_s = session.quiet_s.pop()[0] if was_quiet else now_s
            session.quiet_s.append((start_s, now_s))
        was_quiet = is_quiet
        here = (prompt.kind or "", prompt.stage) if prompt else ("", "")
        if not session.stages or session.stages[-1][1:] != here:
            session.stages.append((now_s, *here))

    run(protocol, character, seed, on_frame=hear)
    return session


def sound_of(text: str) -> tuple[np.ndarray, int]:
    """The samples of a spoken text, and their rate."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.wav"
        subprocess.run([*COMMAND, "-w", str(file), text], check=True)
        with wave.open(str(file)) as sound:
            return np.frombuffer(sound.readframes(sound.getnframes()), np.int16), sound.getframerate()


def timeline(session: Session) -> tuple[np.ndarray, int, list[tuple[float, float, str]]]:
    """The whole session as one sound: texts follow one another, and stop where they are silenced."""
    pieces, end_s, rate_hz = [], 0.0, 22050
    for spoken in session.spoken:
        samples, rate_hz = sound_of(spoken.text)
        stopped = spoken.time_s in session.stops_s and (not pieces or pieces[-1][0] < spoken.time_s)
        start_s = spoken.time_s if stopped or end_s < spoken.time_s else end_s
        end_s = start_s + len(samples) / rate_hz
        cut_s = min((t for t in session.stops_s if t > spoken.time_s), default=np.inf)
        end_s = min(end_s, max(cut_s, start_s))
        pieces.append((start_s, end_s, samples[: round((end_s - start_s) * rate_hz)], spoken.text))
    sound = np.zeros(round((pieces[-1][1] + 1.0) * rate_hz) + 1, np.int16)
    for start_s, _, samples, _ in pieces:
        first = round(start_s * rate_hz)
        sound[first : first + len(samples)] = samples[: len(sound) - first]
    return sound, rate_hz, [(start_s, end_s, text) for start_s, end_s, _, text in pieces]


def main() -> None:
    """Writes the wav and prints the transcript."""
    name, out = sys.argv[1], Path(sys.argv[2])
    session = narrated(load_protocol(name))
    sound, rate_hz, transcript = timeline(session)
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(sound.tobytes())
    for start_s, end_s, text in transcript:
        print(f"{start_s:7.1f} to {end_s:7.1f} s  {text}")
    loud = [np.abs(sound[round(a * rate_hz) : round(b * rate_hz)]).max(initial=0) for a, b in session.quiet_s]
    print(f"measuring blocks: {len(loud)}, loudest sample inside: {max(loud, default=0)} of 32767")


if __name__ == "__main__":
    main()
