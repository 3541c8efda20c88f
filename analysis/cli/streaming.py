"""Choice of sensors, recording and view: shared by the commands that stream."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli import console
from firmware_bridge.errors import LinkError, UsageError
from firmware_bridge.segments import Segment, Side

if TYPE_CHECKING:
    from analysis.guide.protocol import Protocol
    from analysis.live.angle_feed import ScheduledEvents
    from analysis.live.frame import LiveFeed
    from analysis.live.person import VirtualPerson
    from firmware_bridge.clock import Clock
    from firmware_bridge.link.radio import Radio
    from firmware_bridge.link.target import Target
    from firmware_bridge.receiving.status import LinkStatus
    from firmware_bridge.virtual.radio import VirtualRadio

Rate = Annotated[float, typer.Option("--rate", min=1.0, help="Samples a second.")]
Client = Annotated[str, typer.Option(help="A code for the person, never a name.")]
Leg = Annotated[Side, typer.Option(help="The leg that is measured.")]
LegToday = Annotated[Side | None, typer.Option("--side", help="The leg that is measured.")]
Root = Annotated[
    Path | None, typer.Option(help="Holds a folder for each person (with --client); remembered.")
]
Headless = Annotated[bool, typer.Option("--headless", help="A status line instead of a window.")]


OWN_BOARD = "kneeflex"
# For so long a simulated script goes on after the seconds that are wanted of it.
_SPARE_S = 10.0


@dataclass(frozen=True, slots=True)
class SensorSource:
    """Real sensors, or the simulated leg."""

    targets: Mapping[Segment, str | Target]
    radio: Radio
    simulated: VirtualRadio | None = None
    person: VirtualPerson | None = None

    @classmethod
    def virtual(cls, radio: VirtualRadio, person: VirtualPerson | None = None) -> SensorSource:
        """The simulated sensors of a radio, on a scripted leg or on a person who follows the guide."""
        return cls(radio.names, radio, radio, person)

    def leg_now_s(self) -> float | None:
        """The time of a simulated leg; None before it begins."""
        if self.simulated is None or self.simulated.script_start_s is None:
            return None
        return self.radio.clock.now_s() - self.simulated.script_start_s

    def is_over(self) -> bool:
        """Whether a simulated script has ended; always False for real sensors."""
        return self.simulated is not None and self.simulated.finished

    def scheduled_events(self, session_t0: float) -> ScheduledEvents:
        """Events of the simulated script; none for real sensors."""
        from analysis.live.angle_feed import ScheduledEvents

        if self.simulated is None:
            return ScheduledEvents(())
        start_s = self.simulated.script_start_s or session_t0
        return ScheduledEvents(self.simulated.session.script.events, start_s - session_t0)

    def sent(self, segment: Segment) -> int | None:
        """Number of samples sent by a simulated sensor; None for a real one."""
        return None if self.simulated is None else self.simulated.sent[segment]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Options of a streaming session.

    Attributes:
        out: the session folder to make; None records nothing.
        rate_hz: of the sensors and of the live angle's grid.
        client, side: whose leg, by a code.
        seconds: stop after this time; None means never.
        protocol: guides the session; None means no guide.
        tone: let a tone follow the angle.
        view: "window", "terminal" or "headless".
        theme: of the window, "light" or "dark".
        voice: speak the instructions of the guide.
    """

    out: Path | None
    rate_hz: float = 100.0
    client: str = ""
    side: Side = Side.RIGHT
    seconds: float | None = None
    protocol: Protocol | None = None
    view: str = "window"
    tone: bool = False
    theme: str = "light"
    voice: bool = True


@dataclass(frozen=True, slots=True)
class StreamOutcome:
    """Link states at the end, and the session time at which a simulated script starts."""

    status: Mapping[Segment, LinkStatus]
    script_offset_s: float


def stream(source: SensorSource, options: StreamOptions) -> StreamOutcome:
    """Streams into a view, and into a session folder if one is given, until the view ends."""
    from analysis.live.angle_feed import AngleFeed, sensor_states
    from analysis.live.guided import GuidedFeed
    from analysis.live.person import PersonFeed
    from firmware_bridge.capture import Capture

    def now_s() -> float:
        return capture.now_s()

    feed = AngleFeed(
        now_s,
        options.rate_hz,
        sensors=lambda: sensor_states(capture.status),
        keep=lambda event: capture.event(event),
        is_over=lambda: source.is_over() or (options.seconds is not None and now_s() >= options.seconds),
    )
    shown: AngleFeed | GuidedFeed | PersonFeed = feed
    if options.protocol is not None:
        shown = GuidedFeed(feed, options.protocol)
        if source.person is not None:
            # In a window the user answers the questions.
            answers = options.view == "headless"
            shown = PersonFeed(shown, source.person, source.leg_now_s, answers=answers)
    capture = Capture(
        source.targets,
        options.out,
        client=options.client,
        side=options.side,
        radio=source.radio,
        rate_hz=options.rate_hz,
        sinks=(shown.push,),
        on_warning=console.note,
    )
    with stopping_cleanly(), capture:
        note_rates(capture.status, options.rate_hz)
        scheduled = source.scheduled_events(capture.session_t0)
        if options.protocol is None:
            feed.scheduled = scheduled
        show(
            shown,
            options.view,
            source.radio.clock,
            tone=options.tone,
            theme=options.theme,
            voice=options.voice and options.protocol is not None,
        )
        capture.check()
    return StreamOutcome(capture.status, scheduled.offset_s)


def note_rates(status: Mapping[Segment, LinkStatus], wanted_hz: float) -> None:
    """Prints the actual rate of a sensor that does not offer the requested one."""
    for segment, link in status.items():
        rate_hz = link.nominal_rate_hz
        if rate_hz is not None and abs(rate_hz - wanted_hz) > 0.01 * wanted_hz:
            console.note(f"The {segment} sensor runs at {rate_hz:g} Hz, not at {wanted_hz:g} Hz.")


def show(
    feed: LiveFeed,
    view: str,
    clock: Clock,
    *,
    tone: bool = False,
    theme: str = "light",
    voice: bool = False,
) -> None:
    """Shows a feed in a view; windows and terminal pages also play its cues."""
    if view == "headless":
        from analysis.views.terminal import run_headless

        run_headless(feed, wait=clock.sleep)
        return
    from analysis.views.sound import Speaker
    from analysis.views.voice import Voice, speech_advice

    with Voice() if voice else nullcontext() as speech, Speaker(follow_angle=tone, voice=speech) as speaker:
        if speech is not None and speech.is_silent:
            console.note(speech_advice())
        if speaker.is_silent:
            console.note("There is no loudspeaker to play tones on; `kneeflex doctor` says what is missing.")
        if view == "window":
            from analysis.views.window import show_live

            show_live(feed, speaker=speaker, theme=theme)
        else:
            from analysis.views.terminal import show_terminal

            show_terminal(feed, speaker=speaker, wait=clock.sleep)


def choose_source(
    clock: Clock,
    thigh: str | None,
    shank: str | None,
    *,
    virtual: str | None,
    side: Side,
    seconds: float | None,
    rate_hz: float = 100.0,
    speed: float = 1.0,
    character: str | None = None,
) -> SensorSource:
    """The sensors that were named, those remembered from `kneeflex pair`, or simulated ones.

    Args:
        clock: on which everything waits.
        thigh, shank: names of real sensors.
        virtual: the kind of simulated sensors to use instead.
        side: of the simulated leg.
        seconds: least length of a simulated script.
        speed: of simulated time.
        character: of a simulated person who follows the guide; None plays a script.
        rate_hz: wanted of simulated sensors; they run at the nearest rate that they offer.

    Raises:
        UsageError: it is not known which sensor is meant.
    """
    if virtual is not None and character is not None:
        return _person(virtual, side, clock.faster(speed), character, rate_hz)
    if virtual is not None:
        return SensorSource.virtual(_simulated(virtual, rate_hz, side, seconds, clock.faster(speed)))
    from firmware_bridge.link.pairing import remembered
    from firmware_bridge.link.radio import SystemRadio

    known = remembered() if thigh is None or shank is None else {}
    targets: dict[Segment, str | Target] = {}
    for segment, name in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        if name is None and segment not in known:
            raise UsageError(
                f"Which sensor is on the {segment}?",
                f"Give --{segment} NAME (`kneeflex scan` lists names), or --virtual for simulated sensors.",
            )
        targets[segment] = name or known[segment]
    return SensorSource(targets, SystemRadio(clock))


def _simulated(board: str, rate_hz: float, side: Side, seconds: float | None, clock: Clock) -> VirtualRadio:
    """A simulated session on boards of one kind, not much longer than wanted."""
    require_simulation()
    from firmware_bridge.virtual.boards import nearest_board_rate_hz
    from firmware_bridge.virtual.radio import VirtualRadio
    from firmware_bridge.virtual.sessions import full_session
    from firmware_bridge.virtual.simulation import simulate_session

    script = full_session(side=side)
    if seconds is not None and script.duration_s < seconds:
        repetitions = int(6 * seconds / script.duration_s) + 1
        script = full_session(side=side, repetitions=repetitions, pandiculations=repetitions)
    if seconds is not None:  # simulating the rest takes longer than starting the sensors
        script = script.first(seconds + _SPARE_S)
    if board == OWN_BOARD:
        return VirtualRadio(simulate_session(script), clock=clock)
    rate_hz = nearest_board_rate_hz(board, rate_hz)
    return VirtualRadio(simulate_session(script, rate_hz=rate_hz), clock=clock, driver=board)


def _person(board: str, side: Side, clock: Clock, character: str, rate_hz: float) -> SensorSource:
    """A simulated person who follows the guide."""
    require_simulation()
    from analysis.live.person import CHARACTERS, VirtualPerson
    from firmware_bridge.virtual.boards import nearest_board_rate_hz
    from firmware_bridge.virtual.interactive import InteractiveLeg
    from firmware_bridge.virtual.radio import VirtualRadio

    if character not in CHARACTERS:
        raise UsageError(
            f"There is no simulated person of the kind {character}.", f"Choose: {', '.join(CHARACTERS)}."
        )
    leg = InteractiveLeg(
        side=side, rate_hz=rate_hz if board == OWN_BOARD else nearest_board_rate_hz(board, rate_hz)
    )
    radio = VirtualRadio(leg, clock=clock, driver=board)
    return SensorSource.virtual(radio, VirtualPerson(leg, CHARACTERS[character]))


def require_simulation() -> None:
    """Checks that the simulated sensors are installed.

    Raises:
        LinkError: bumble is not installed.
    """
    from importlib.util import find_spec

    if find_spec("bumble") is None:
        raise LinkError("The simulated sensors are not installed.", "Run: pip install 'kneeflex[sim]'")


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """Makes SIGTERM raise KeyboardInterrupt, so that the session is closed properly."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
