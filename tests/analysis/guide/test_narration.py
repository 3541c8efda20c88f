"""What is said and when, against the protocol; the wav of a whole session is silent in measuring blocks."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from analysis.guide.library import load_protocol
from analysis.guide.narration import DONE, STAGE_TEXTS, Narrator, Utterance
from analysis.guide.prompt import Prompt

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def spoken_session() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("spoken_session", BENCHMARKS / "spoken_session.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.fixture(scope="module")
def session(spoken_session: ModuleType):
    return spoken_session.narrated(load_protocol("daily"))


def test_every_part_of_the_exercise_is_said_when_it_begins(session) -> None:
    said = {(round(s.time_s, 3), s.text) for s in session.spoken}
    parts = [
        (time_s, STAGE_TEXTS[kind, stage])
        for time_s, kind, stage in session.stages
        if (kind, stage) in STAGE_TEXTS and kind in ("pandiculate", "press") and stage != "bend"
    ]
    assert len(parts) >= 4 * 3 + 2 * 2
    assert {part for part in parts if (round(part[0], 3), part[1]) not in said} == set()


def test_nothing_is_said_in_a_measuring_block_and_its_instruction_before(session) -> None:
    protocol = load_protocol("daily")
    assert len(session.quiet_s) == 2
    assert not [s for s in session.spoken if s.quiet]
    texts = [s.text for s in session.spoken]
    first = next(step for step in protocol.steps if step.kind == "measure")
    before = [s.text for s in session.spoken if s.time_s < session.quiet_s[0][0]]
    assert any(first.text in text for text in before)
    assert texts[-1] == DONE


def test_the_instruction_of_every_step_that_is_not_measured_is_said(session) -> None:
    texts = " ".join(s.text for s in session.spoken)
    for step in load_protocol("daily").steps:
        assert step.kind == "measure" or step.text in texts, step.title


def test_slower_interrupts_and_a_warning_is_said_once_it_lasts() -> None:
    narrator = Narrator()
    prompt = Prompt("Let down", "Slowly.", step=3, kind="pandiculate", stage="release", count=4)
    narrator.follow(prompt, 0.0)
    assert narrator.follow(prompt, 2.0, ("slower",)).utterances == (Utterance("Slower.", at_once=True),)
    gone = "The shin sensor is silent: wait."
    assert [narrator.follow(prompt, t, alarm=gone).utterances for t in (3.0, 3.5)] == [(), ()]
    assert narrator.follow(prompt, 4.1, alarm=gone).utterances == (Utterance(gone, at_once=True),)
    assert narrator.follow(prompt, 9.0, alarm=gone).utterances == ()


def test_a_measuring_block_silences_what_is_being_said() -> None:
    narrator = Narrator()
    narrator.follow(Prompt("Stand up", "Slowly.", step=1, kind="ready"), 0.0)
    narration = narrator.follow(
        Prompt("Before", "Bend.", step=2, kind="measure", quiet=True), 1.0, ("slower",)
    )
    assert narration.stop
    assert narration.utterances == ()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_the_sound_of_a_whole_session_is_silent_in_its_measuring_blocks(spoken_session, session) -> None:
    sound, rate_hz, transcript = spoken_session.timeline(session)
    for start_s, stop_s in session.quiet_s:
        assert not np.any(sound[round(start_s * rate_hz) : round(stop_s * rate_hz)])
    for start_s, end_s, text in transcript:
        if text in ("Let go.", "Let down slowly.", "Pull, and hold."):
            assert np.abs(sound[round(start_s * rate_hz) : round(end_s * rate_hz)]).max() > 3000
            assert end_s - start_s > 0.5
