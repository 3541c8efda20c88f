"""The voice never makes anybody wait, and without a speech program nothing happens."""

from __future__ import annotations

import shutil
import threading

import pytest

from analysis import doctor
from analysis.guide.narration import Narration, Utterance
from analysis.views.voice import Voice, find_speech, speech_advice


class Spoken:
    """Stands in for a speech program: a text lasts until it is ended."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.over = threading.Event()
        self.started = threading.Semaphore(0)

    def __call__(self, command, text):
        self.texts.append(text)
        self.over.clear()
        self.started.release()
        return self

    def poll(self):
        return 0 if self.over.is_set() else None

    def wait(self, timeout):
        assert self.over.wait(5.0)

    def terminate(self):
        self.over.set()

    kill = terminate


def test_texts_follow_one_another_and_an_urgent_one_interrupts() -> None:
    spoken = Spoken()
    with Voice(("speak",), spoken) as voice:
        # Nobody ends a text yet: whoever waited for one would fail in `Spoken.wait`.
        voice.speak(Narration(utterances=(Utterance("one"), Utterance("two"))))
        assert spoken.started.acquire(timeout=5.0)
        voice.speak(Narration(utterances=(Utterance("stop", at_once=True),)))
        assert spoken.started.acquire(timeout=5.0)
        spoken.over.set()
    assert spoken.texts == ["one", "stop"]


def test_without_a_speech_program_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.views.voice.sys.platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert find_speech() is None
    with Voice() as voice:
        assert voice.is_silent
        voice.speak(Narration(utterances=(Utterance("nobody hears"),)))
    assert "apt install" in speech_advice()
    (probe,) = [p for p in (doctor.voice(),) if p.what == "Voice"]
    assert probe.works is None
    assert "espeak-ng" in probe.detail
