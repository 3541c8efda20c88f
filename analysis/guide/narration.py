"""What the guide says aloud, and when. Pure: prompts and cues in, utterances out; all spoken texts are here.

Inside a measuring block nothing is said, because no sound may steer what is measured. The instruction for a
measuring block is therefore part of what is said in the step before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.guide.prompt import Cue, Prompt

# English. Another language is another set of these texts and of protocol files.
STAGE_TEXTS: Final[Mapping[tuple[str, str], str]] = {
    ("pandiculate", "bend"): "Bend the knee to a right angle.",
    ("pandiculate", "hold"): "Pull, and hold.",
    ("pandiculate", "release"): "Let down slowly.",
    ("pandiculate", "let_go"): "Let go.",
    ("press", "hold"): "Press.",
    ("press", "let_go"): "Let go.",
    ("swings", "enough"): "Enough. Let the leg lie still.",
    ("swings", "more"): "Go on, and move the whole leg more.",
    ("reference", "hold"): "Hold quite still.",
    ("closing", "hold"): "Hold quite still.",
}
COUNTED: Final = "{counted} of {count}."
NEXT: Final = "Then: {text}"
SLOWER: Final = "Slower."
DONE: Final = "Done. Take the sensors off."
PAUSED: Final = "Paused."
# A part that begins so soon after its step belongs to the beginning.
FIRST_S: Final = 1.0
_ROUNDS: Final = ("pandiculate", "press")
# A warning that goes away by itself sooner is not spoken.
WARNING_LASTS_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing to say.

    Attributes:
        text: plain words.
        at_once: it interrupts what is being said.
    """

    text: str
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Narration:
    """What to do now: stop speaking, and say these, in order."""

    stop: bool = False
    utterances: tuple[Utterance, ...] = ()


class Narrator:
    """Follows the prompts of a session, and decides what is said."""

    def __init__(self) -> None:
        self._step, self._began_s = 0, 0.0
        self._stage = ""
        self._counted = 0
        self._paused = False
        self._over = False
        self._warning, self._since_s, self._spoken = "", 0.0, ""

    def follow(
        self,
        prompt: Prompt | None,
        now_s: float,
        cues: Sequence[Cue] = (),
        *,
        alarm: str = "",
        paused: bool = False,
    ) -> Narration:
        """What is to be said at this moment; every frame has to pass.

        Args:
            prompt: of the guide; None says nothing.
            now_s: session clock.
            cues: that begin now.
            alarm: a sentence that must not be overlooked, or "".
            paused: the session is paused.
        """
        if prompt is None:
            return Narration()
        texts: list[Utterance] = []
        began_pause, self._paused = paused and not self._paused, paused
        if began_pause:
            return Narration(stop=True, utterances=() if prompt.quiet else (Utterance(PAUSED, at_once=True),))
        is_new = prompt.step != self._step
        if is_new:
            self._step, self._stage, self._counted = prompt.step, prompt.stage, prompt.counted
            self._began_s = now_s
            texts += self._step_texts(prompt)
        else:
            texts += self._changes(prompt, now_s)
        if "slower" in cues:
            texts.append(Utterance(SLOWER, at_once=True))
        texts += self._warnings(prompt.warning or alarm, now_s)
        if prompt.quiet:
            return Narration(stop=is_new)
        return Narration(utterances=tuple(texts))

    def _step_texts(self, prompt: Prompt) -> list[Utterance]:
        if prompt.kind is None:
            return [Utterance(DONE)]
        said = [Utterance(f"{prompt.title}. {prompt.instruction}".strip(), at_once=True)]
        if prompt.next_instruction and prompt.kind not in _ROUNDS:
            said.append(Utterance(NEXT.format(text=prompt.next_instruction)))
        return said

    def _changes(self, prompt: Prompt, now_s: float) -> list[Utterance]:
        texts = []
        if prompt.counted > self._counted and prompt.kind in _ROUNDS:
            texts.append(Utterance(COUNTED.format(counted=prompt.counted, count=prompt.count)))
        self._counted = prompt.counted
        if prompt.stage != self._stage:
            self._stage = prompt.stage
            text = STAGE_TEXTS.get((prompt.kind or "", prompt.stage))
            # The instruction of a step that has only just begun is heard to its end; it says how to bend.
            is_first = now_s - self._began_s < FIRST_S
            if text is not None and not (is_first and prompt.stage == "bend"):
                texts.insert(0, Utterance(text, at_once=not is_first))
            last = prompt.count - (prompt.kind == "press")
            if prompt.stage == "let_go" and prompt.counted >= last and prompt.next_instruction:
                texts.append(Utterance(NEXT.format(text=prompt.next_instruction)))
        return texts

    def _warnings(self, warning: str, now_s: float) -> list[Utterance]:
        if warning != self._warning:
            self._warning, self._since_s = warning, now_s
        if not warning:
            self._spoken = ""
        if not warning or warning == self._spoken or now_s - self._since_s < WARNING_LASTS_S:
            return []
        self._spoken = warning
        return [Utterance(warning, at_once=True)]
