"""Listens to a spoken session: which of the protocol's texts is heard, and when it begins.

    python tests/benchmarks/heard_session.py daily

Needs espeak-ng, and pocketsphinx in the environment of whoever runs it; the program itself needs neither. The
recogniser chooses among all texts of the session, one stretch at a time. A text that was silenced before its
end is left out of the count, because half a text is another text.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module

import numpy as np
from scipy.signal import resample_poly
from spoken_session import narrated, sound_of, timeline

from analysis.guide.library import load_protocol

HEARING_HZ = 16000
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
# Digital silence is a sound that no microphone delivers, and the recogniser fails on it.
ROOM_NOISE = 20.0
MARGIN_S = 0.4
LOUD = 150


def words(text: str) -> str:
    """The text as it is spoken: small letters, numbers in words."""
    spoken = re.sub(r"\d+", lambda found: NUMBERS[int(found[0])], text.lower())
    return " ".join(re.findall(r"[a-z']+", spoken))


def main() -> None:
    """Prints what was heard where it was not what was said, and the count."""
    session = narrated(load_protocol(sys.argv[1]))
    sound, rate_hz, transcript = timeline(session)
    texts = sorted({words(text) for _, _, text in transcript})
    recogniser = import_module("pocketsphinx").Decoder(samprate=HEARING_HZ, loglevel="FATAL", lm=None)
    recogniser.add_jsgf_string("texts", f"#JSGF V1.0; grammar texts; public <text> = {' | '.join(texts)};")
    recogniser.activate_search("texts")
    rng = np.random.default_rng(0)
    margin = np.zeros(round(MARGIN_S * HEARING_HZ))
    whole = right = 0
    late_s = []
    for (start_s, stop_s, text), asked in zip(transcript, session.spoken, strict=True):
        said = sound[round(start_s * rate_hz) : round(stop_s * rate_hz)]
        if len(said) < len(sound_of(text)[0]) - 1:
            continue
        whole += 1
        late_s.append(start_s - asked.time_s + np.flatnonzero(np.abs(said) > LOUD)[0] / rate_hz)
        padded = np.concatenate((margin, resample_poly(said.astype(float), HEARING_HZ, rate_hz), margin))
        noisy = padded + rng.normal(0.0, ROOM_NOISE, len(padded))
        recogniser.start_utt()
        recogniser.process_raw(np.clip(noisy, -32768, 32767).astype(np.int16).tobytes(), full_utt=True)
        recogniser.end_utt()
        found = recogniser.hyp()
        heard = found.hypstr if found else ""
        right += heard == words(text)
        if heard != words(text):
            print(f"{start_s:7.1f} s  said: {words(text)}\n           heard: {heard}")
    silenced = len(transcript) - whole
    print(f"{right} of {whole} texts heard as said, among {len(texts)}; {silenced} were silenced")
    print(f"after its moment in the protocol a text begins: median {np.median(late_s):.2f} s, ", end="")
    print(f"at most {max(late_s):.1f} s, where it waits for the one before")


if __name__ == "__main__":
    main()
