"""A simulated person who follows the guide: reads each prompt and moves an interactive leg accordingly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.guide.prompt import Prompt
from analysis.live.frame import LiveFrame, UserCommand
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event

if TYPE_CHECKING:
    from analysis.live.guided import GuidedFeed
    from firmware_bridge.virtual.interactive import InteractiveLeg

REFERENCE_DEG: Final = 20.0
# A prompt that has not changed for so long is acted on again: the guide is waiting for something.
AGAIN_S: Final = 12.0


@dataclass(frozen=True, slots=True)
class Character:
    """How a person follows the guide.

    Attributes:
        reaction_s: shortest and longest time from a prompt to the movement.
        pace: factor on the duration of every movement.
        forgets: probability of not reacting to a prompt until it has stood for a while.
        sloppy: probability that a repetition is not held, or a pull not held long enough.
        early: probability of moving before it is asked for.
        turn_s: additional delay before turning over.
    """

    reaction_s: tuple[float, float] = (0.6, 1.4)
    pace: float = 1.0
    forgets: float = 0.0
    sloppy: float = 0.0
    early: float = 0.0
    turn_s: tuple[float, float] = (0.0, 0.0)


CHARACTERS: Final[Mapping[str, Character]] = {
    "obeying": Character(),
    "slow": Character(reaction_s=(2.0, 5.0), pace=1.7),
    "forgetful": Character(reaction_s=(0.8, 2.5), forgets=0.25, sloppy=0.3),
    "early": Character(reaction_s=(0.3, 0.6), pace=0.8, early=0.35),
    "late": Character(reaction_s=(0.8, 1.6), turn_s=(8.0, 25.0)),
}


class VirtualPerson:
    """Orders the movements that a prompt asks for.

    Args:
        leg: moves and is measured.
        character: how the guide is followed.
        deficit_deg: smallest flexion held before the exercise.
        gain_deg: how much straighter the knee becomes by it.
        seed: of reactions and variation.
    """

    def __init__(
        self,
        leg: InteractiveLeg,
        character: Character = CHARACTERS["obeying"],
        *,
        deficit_deg: float = 14.0,
        gain_deg: float = 8.0,
        seed: int = 0,
    ) -> None:
        self.leg, self._character = leg, character
        self._rng = np.random.default_rng((seed, 9))
        self._extension_deg, self._gain_deg = deficit_deg, gain_deg
        self._asked: tuple[int, str] | None = None
        self._react_s = np.inf
        self._acted_s = -np.inf
        self._knee_deg = REFERENCE_DEG
        self._exercised = False

    def follow(self, prompt: Prompt, now_s: float) -> None:
        """Reacts to the present prompt.

        Args:
            prompt: of the guide.
            now_s: in the time of the leg.
        """
        asked = (prompt.step, prompt.stage)
        if asked != self._asked:
            self._asked = asked
            self._react_s = now_s + self._reaction_s(prompt)
        if now_s < self._react_s:
            return
        # Movements that were ordered are carried through.
        if self.leg.free_s > now_s + 0.3:
            return
        if self._act(prompt, now_s):
            self._react_s = now_s + self._rng.uniform(0.1, 0.4)
        else:
            self._react_s = now_s + AGAIN_S

    def answer(self, prompt: Prompt, now_s: float) -> UserCommand | None:
        """What the person types, or None if nothing is asked."""
        if prompt.page:
            return UserCommand("next")
        if prompt.ask == "pain":
            return UserCommand("pain", value=2.0)
        if prompt.ask == "reference_deg":
            true_deg = float(self.leg.flexion_deg(np.array([now_s]))[0])
            return UserCommand("angle", value=round(true_deg + self._rng.normal(0.0, 1.0), 1))
        return None

    def _reaction_s(self, prompt: Prompt) -> float:
        character = self._character
        reaction_s = self._rng.uniform(*character.reaction_s)
        if self._rng.random() < character.forgets:
            reaction_s += self._rng.uniform(8.0, 20.0)
        if prompt.posture != self.leg.posture:
            reaction_s += self._rng.uniform(*character.turn_s)
        return float(reaction_s)

    def _act(self, prompt: Prompt, now_s: float) -> bool:
        """Does what is asked for once; returns whether it is to be done again."""
        if prompt.posture != self.leg.posture:
            self.leg.turn_to(now_s, prompt.posture, self._lasting(4.0))
            return True
        match prompt.kind:
            case "swings":
                return self._swing(prompt, now_s)
            case "measure":
                return self._repeat(now_s)
            case "pandiculate":
                return self._pandiculate(prompt, now_s)
            case "press":
                self.leg.push_to(now_s, 1.0 if prompt.stage == "hold" else 0.0)
                return False
            case "reference" | "closing" | "still" | "ready":
                return self._rest(prompt, now_s)
        return False

    def _rest(self, prompt: Prompt, now_s: float) -> bool:
        if self._knee_deg != REFERENCE_DEG:
            self._bend(now_s, REFERENCE_DEG, 2.0)
        elif self._rng.random() < self._character.early:
            # Cannot wait for what comes next.
            self._bend(now_s, REFERENCE_DEG + 15.0, 1.0)
            return True
        return False

    def _swing(self, prompt: Prompt, now_s: float) -> bool:
        if prompt.stage == "enough":
            return False
        for target_deg in (80.0 + self._rng.normal(0.0, 5.0), REFERENCE_DEG):
            self._knee_deg = target_deg
            self.leg.swing_to(now_s, target_deg, self._lasting(1.1))
        return True

    def _repeat(self, now_s: float) -> bool:
        bent_deg = 55.0 if self.leg.posture == "standing" else 70.0
        self._bend(now_s, bent_deg + self._rng.normal(0.0, 4.0), 1.3)
        self._bend(now_s, self._extension_deg + self._rng.normal(0.0, 0.7), 1.8)
        held_s = 0.3 if self._rng.random() < self._character.sloppy else self._rng.uniform(2.4, 3.4)
        self.leg.stay(now_s, held_s)
        return True

    def _pandiculate(self, prompt: Prompt, now_s: float) -> bool:
        is_bent = self._knee_deg > 60.0
        if prompt.stage == "bend" and not is_bent:
            self._bend(now_s, 90.0 + self._rng.normal(0.0, 4.0), 2.0)
            self.leg.push_to(now_s, 1.0)
            if self._rng.random() < self._character.early:
                self.leg.stay(now_s, 2.0)
                self._release(now_s)
        elif prompt.stage == "hold" and is_bent and self._rng.random() < self._character.sloppy:
            self.leg.stay(now_s, 2.0)
            self._release(now_s)
        elif prompt.stage == "release" and is_bent:
            self._release(now_s)
        elif prompt.stage == "let_go" and not self._exercised and prompt.counted >= prompt.count:
            self._exercised = True
            self._extension_deg -= self._gain_deg
        elif prompt.stage == "bend" and is_bent:
            # The guide has not recognised the position: find it again.
            self._release(now_s)
        return False

    def _release(self, now_s: float) -> None:
        self.leg.push_to(now_s, 0.3, 0.3)
        # A smooth movement is at its fastest twice as fast as on average.
        self._bend(now_s, self._extension_deg + 1.0, 12.0 + self._rng.uniform(0.0, 3.0))
        self.leg.push_to(now_s, 0.0, 0.5)

    def _bend(self, now_s: float, flexion_deg: float, duration_s: float) -> None:
        self._knee_deg = flexion_deg
        self.leg.bend_to(now_s, flexion_deg, self._lasting(duration_s))

    def _lasting(self, duration_s: float) -> float:
        return duration_s * self._character.pace * float(np.exp(self._rng.normal(0.0, 0.1)))


class PersonFeed:
    """A guided feed whose prompts are followed by a simulated person.

    Args:
        feed: guides the session.
        person: follows it.
        leg_now_s: the time of the leg now; None before its time begins.
        answers: the person also answers questions and turns pages.
    """

    def __init__(
        self,
        feed: GuidedFeed,
        person: VirtualPerson,
        leg_now_s: Callable[[], float | None],
        *,
        answers: bool = True,
    ) -> None:
        self._feed, self._person, self._leg_now_s, self._answers = feed, person, leg_now_s, answers

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Accepts samples as they arrive."""
        self._feed.push(segment, samples)

    def event(self, event: Event) -> None:
        """Records an event and applies it."""
        self._feed.event(event)

    def command(self, command: UserCommand) -> None:
        """Executes a command of the user."""
        self._feed.command(command)

    def poll(self) -> LiveFrame:
        """The next frame, to which the person has reacted."""
        frame = self._feed.poll()
        now_s = self._leg_now_s()
        if now_s is None or frame.prompt is None or frame.paused:
            return frame
        tracks, cues = [frame.track], [*frame.cues]
        for command in self._commands(frame, now_s):
            self._feed.command(command)
            frame = self._feed.poll()
            tracks.append(frame.track)
            cues += frame.cues
        if frame.prompt is not None:
            self._person.follow(frame.prompt, now_s)
        return replace(frame, track=FlexionTrack.concatenate(tracks), cues=tuple(cues))

    def _commands(self, frame: LiveFrame, now_s: float) -> Iterator[UserCommand]:
        if self._answers and frame.prompt is not None:
            command = self._person.answer(frame.prompt, now_s)
            if command is not None:
                yield command
