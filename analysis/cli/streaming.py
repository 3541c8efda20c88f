"""From a choice of sensors to a running stream in a view: shared by the commands that stream."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli import console
from firmware_bridge.errors import LinkError, UsageError
from firmware_bridge.samples import Segment, Side

if TYPE_CHECKING:
    from analysis.guide.protocol import Protocol
    from analysis.stream import Cues
    from analysis.views.feed import Feed
    from firmware_bridge.clock import Clock
    from firmware_bridge.link.radio import Radio
    from firmware_bridge.link.target import Target
    from firmware_bridge.receiving.status import LinkStatus
    from firmware_bridge.virtual.radio import VirtualRadio

Rate = Annotated[float, typer.Option("--rate", min=1.0, help="Samples a second.")]
Client = Annotated[str, typer.Option(help="A code for the person, never a name.")]
Leg = Annotated[Side, typer.Option(help="The leg that is measured.")]
Headless = Annotated[bool, typer.Option("--headless", help="A status line instead of a window.")]


OWN_BOARD = "kneeflex"


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from: real sensors, or the simulated leg."""

    targets: Mapping[Segment, str | Target]
    radio: Radio
    simulated: VirtualRadio | None = None

    @classmethod
    def virtual(cls, radio: VirtualRadio) -> Source:
        """The simulated sensors of a radio."""
        return cls(radio.names, radio, radio)

    def is_over(self) -> bool:
        """Whether the stream has ended by itself; real sensors never do."""
        return self.simulated is not None and self.simulated.finished

    def cues(self, session_t0: float) -> Cues:
        """The events that a simulated person's script sets; none with real sensors."""
        from analysis.stream import Cues

        if self.simulated is None:
            return Cues(())
        start_s = self.simulated.script_start_s or session_t0
        return Cues(self.simulated.session.script.events, start_s - session_t0)

    def sent(self, segment: Segment) -> int | None:
        """How many samples a simulated sensor has sent."""
        return None if self.simulated is None else self.simulated.sent[segment]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted of a stream.

    Attributes:
        out: the session folder to make; None records nothing.
        rate_hz: of the sensors and of the live angle's grid.
        client, side: whose leg, by a code.
        seconds: when to stop by itself.
        protocol: leads through the session.
        tone: let a tone follow the angle.
        view: "window", "terminal" or "headless".
    """

    out: Path | None
    rate_hz: float = 100.0
    client: str = ""
    side: Side = Side.RIGHT
    seconds: float | None = None
    protocol: Protocol | None = None
    view: str = "window"
    tone: bool = False


@dataclass(frozen=True, slots=True)
class Streamed:
    """What was streamed: how the links did, and the session time of a simulated script's zero."""

    status: Mapping[Segment, LinkStatus]
    script_offset_s: float


def stream(source: Source, plan: Plan) -> Streamed:
    """Streams into a view, and into a session folder if one is given, until the view ends."""
    from analysis.stream import StreamFeed, sensor_states
    from analysis.views.guided import GuidedFeed
    from firmware_bridge.capture import Capture

    def now_s() -> float:
        return capture.now_s()

    feed = StreamFeed(
        now_s,
        plan.rate_hz,
        sensors=lambda: sensor_states(capture.status),
        keep=lambda event: capture.event(event),
        is_over=lambda: source.is_over() or (plan.seconds is not None and now_s() >= plan.seconds),
    )
    shown = feed if plan.protocol is None else GuidedFeed(feed, plan.protocol)
    capture = Capture(
        source.targets,
        plan.out,
        client=plan.client,
        side=plan.side,
        radio=source.radio,
        rate_hz=plan.rate_hz,
        sinks=(shown.push,),
        on_warning=console.note,
    )
    with stopping_cleanly(), capture:
        tell_rates(capture.status, plan.rate_hz)
        cues = source.cues(capture.session_t0)
        if plan.protocol is None:
            feed.cues = cues
        show(shown, plan.view, source.radio.clock, tone=plan.tone)
        capture.check()
    return Streamed(capture.status, cues.offset_s)


def tell_rates(status: Mapping[Segment, LinkStatus], wanted_hz: float) -> None:
    """Says at which rate a sensor runs that does not offer the one wanted."""
    for segment, link in status.items():
        rate_hz = link.nominal_rate_hz
        if rate_hz is not None and abs(rate_hz - wanted_hz) > 0.01 * wanted_hz:
            console.note(f"The {segment} sensor runs at {rate_hz:g} Hz, not at {wanted_hz:g} Hz.")


def show(feed: Feed, view: str, clock: Clock, *, tone: bool = False) -> None:
    """Shows a feed in the view that was asked for; cues sound beside a window or a terminal page."""
    if view == "headless":
        from analysis.views.terminal import run_headless

        run_headless(feed, wait=clock.sleep)
        return
    from analysis.views.sound import Speaker

    with Speaker(follow_angle=tone) as speaker:
        if view == "window":
            from analysis.views.live import show_live

            show_live(feed, speaker=speaker)
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
) -> Source:
    """The sensors that were named, those remembered from `kneeflex pair`, or simulated ones.

    Raises:
        UsageError: it is not known which sensor is meant.
    """
    if virtual is not None:
        return Source.virtual(_simulated(virtual, rate_hz, side, seconds, clock.faster(speed)))
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
    return Source(targets, SystemRadio(clock))


def _simulated(board: str, rate_hz: float, side: Side, seconds: float | None, clock: Clock) -> VirtualRadio:
    """A simulated session on boards of one kind, at least as long as wanted."""
    require_simulation()
    from firmware_bridge.drivers import DRIVERS
    from firmware_bridge.drivers.seam import nearest_rate_hz
    from firmware_bridge.virtual.boards import DRIVER_OF, FIRMWARES
    from firmware_bridge.virtual.radio import VirtualRadio
    from firmware_bridge.virtual.sessions import full_session
    from firmware_bridge.virtual.simulation import simulate_session

    script = full_session(side=side)
    if seconds is not None and script.duration_s < seconds:
        repetitions = int(6 * seconds / script.duration_s) + 1
        script = full_session(side=side, repetitions=repetitions, pandiculations=repetitions)
    if board == OWN_BOARD:
        return VirtualRadio(simulate_session(script), clock=clock)
    if board not in FIRMWARES:
        raise UsageError(
            f"There is no simulated sensor of the kind {board}.", f"Choose one of {', '.join(FIRMWARES)}."
        )
    rate_hz = nearest_rate_hz(DRIVERS[DRIVER_OF.get(board, board)], rate_hz)
    return VirtualRadio(simulate_session(script, rate_hz=rate_hz), clock=clock, driver=board)


def require_simulation() -> None:
    """Says plainly that the simulated sensors need an extra.

    Raises:
        LinkError: bumble is not installed.
    """
    from importlib.util import find_spec

    if find_spec("bumble") is None:
        raise LinkError("The simulated sensors are not installed.", "Run: pip install 'kneeflex[sim]'")


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """Lets SIGTERM end the recording as Ctrl-C does, so that the session is closed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
