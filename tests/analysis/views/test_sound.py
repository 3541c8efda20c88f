from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

from analysis.guide.prompt import Cue
from analysis.views.sound import SAMPLE_RATE_HZ, Mixer, Speaker, melody, tone


def pitch_hz(sound) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 17))
    return float(spectrum.argmax() * SAMPLE_RATE_HZ / (1 << 17))


def test_a_tone_has_its_pitch_and_no_click():
    sound = tone(440.0, 0.3)
    assert pitch_hz(sound) == pytest.approx(440, abs=2)
    assert sound[0] == 0
    assert abs(sound[-1]) < 0.01
    assert np.abs(sound).max() <= 0.5
    assert np.abs(np.diff(sound)).max() < 0.1


@pytest.mark.parametrize("cue", get_args(Cue))
def test_every_cue_can_be_heard_and_told_apart(cue):
    sound = melody(cue)
    assert 0.2 < len(sound) / SAMPLE_RATE_HZ < 1.5
    assert np.abs(sound).max() > 0.3
    others = [melody(other) for other in get_args(Cue) if other != cue]
    assert not any(len(other) == len(sound) and np.allclose(other, sound) for other in others)


def test_cues_are_played_in_pieces_without_a_seam():
    mixer = Mixer()
    mixer.play("hold")
    mixer.play("let_go")
    played = np.concatenate([mixer.next(441) for _ in range(100)])
    expected = np.concatenate((melody("hold"), melody("let_go")))
    np.testing.assert_allclose(played[: len(expected)], expected, atol=1e-6)
    assert not played[len(expected) :].any()


def test_slower_is_heard_at_once():
    mixer = Mixer()
    mixer.play("release")
    mixer.next(100)
    mixer.play("slower")
    np.testing.assert_allclose(mixer.next(2000), melody("slower")[:2000], atol=1e-6)


def test_the_tone_follows_the_angle_without_clicks_and_ends():
    mixer = Mixer()
    pieces = []
    for flexion_deg in np.linspace(110, 20, 60):
        mixer.follow(float(flexion_deg))
        pieces.append(mixer.next(1024))
    assert pitch_hz(pieces[1]) == pytest.approx(655, abs=25)
    assert pitch_hz(pieces[-1]) == pytest.approx(330, abs=25)
    assert np.abs(np.diff(np.concatenate(pieces))).max() < 0.12 * 2 * np.pi * 700 / SAMPLE_RATE_HZ * 1.5
    mixer.follow(None)
    mixer.next(1024)
    assert not mixer.next(1024).any()
    mixer.follow(float("nan"))
    mixer.next(1024)
    assert not mixer.next(1024).any()


def test_without_a_loudspeaker_everything_is_silent(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with Speaker() as speaker:
        assert speaker.is_silent
        speaker.sound(("hold",), 20.0)


def test_with_a_loudspeaker_the_cues_reach_it(monkeypatch):
    class OutputStream:
        def __init__(self, samplerate, channels, dtype, callback):
            self.callback, self.closed = callback, False
            streams.append(self)

        def start(self):
            pass

        def close(self):
            self.closed = True

    streams: list[OutputStream] = []
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(OutputStream=OutputStream))
    with Speaker() as speaker:
        assert not speaker.is_silent
        speaker.sound(("hold",), 20.0)
        out = np.zeros((2000, 1), dtype=np.float32)
        streams[0].callback(out, 2000, None, None)
        np.testing.assert_allclose(out[:, 0], melody("hold")[:2000], atol=1e-6)
    assert streams[0].closed
