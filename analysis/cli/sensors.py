"""Commands that work with sensors: scan, record, live, doctor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli import console
from firmware_bridge.errors import KneeflexError, UsageError
from firmware_bridge.samples import Segment, Side

if TYPE_CHECKING:
    from firmware_bridge.virtual.radio import VirtualRadio

    from analysis.stream import Cues
    from analysis.views.feed import Feed
    from firmware_bridge.link.radio import Radio
    from firmware_bridge.link.status import LinkStatus
    from firmware_bridge.link.target import Target

Thigh = Annotated[str | None, typer.Option(help="The thigh sensor: name, address or serial number.")]
Shank = Annotated[str | None, typer.Option(help="The shank (shin) sensor.")]
Rate = Annotated[float, typer.Option("--rate", min=1.0, help="Samples a second.")]
Client = Annotated[str, typer.Option(help="A code for the person, never a name.")]
Leg = Annotated[Side, typer.Option(help="The leg that is measured.")]
Virtual = Annotated[bool, typer.Option("--virtual", help="Simulated sensors on a simulated leg.")]
Seconds = Annotated[float | None, typer.Option(min=1.0, help="Stop after so many seconds.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    for command in (scan, record, live, doctor):
        app.command()(command)


def scan(
    seconds: Annotated[float, typer.Option(min=0.5, help="How long to listen.")] = 5.0,
    everything: Annotated[bool, typer.Option("--all", help="Also devices that are no known sensor.")] = False,
) -> None:
    """List the sensors in range."""
    from firmware_bridge.link.search import scan as run

    with console.working(f"Listening for {seconds:g} s"):
        found = run(seconds=seconds)
    shown = [f for f in found if everything or f.driver]
    if not shown:
        console.say(
            f"No known sensor in range ({len(found)} other devices). "
            "Switch the sensors on, bring them near, and disconnect any phone that may hold them."
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "address", "driver", "signal", "battery", box=None)
    for f in shown:
        battery = "" if f.battery_percent is None else f"{f.battery_percent:.0f} %"
        table.add_row(f.name, f.address, f.driver or "-", f"{f.rssi_dbm} dBm", battery)
    Console().print(table)


def record(
    out: Annotated[Path, typer.Option(help="The session folder to make.")],
    thigh: Thigh = None,
    shank: Shank = None,
    rate: Rate = 100.0,
    client: Client = "",
    side: Leg = Side.RIGHT,
    seconds: Seconds = None,
    virtual: Virtual = False,
) -> None:
    """Record both sensors, without guide or plot, until Ctrl-C or --seconds."""
    from firmware_bridge.capture import Capture

    source = _source(thigh, shank, virtual, side, seconds)
    with (
        _stopping_cleanly(),
        Capture(
            source.targets,
            out,
            client=client,
            side=side,
            radio=source.radio,
            rate_hz=rate,
            on_warning=console.note,
        ) as capture,
    ):
        console.note(f"Recording into {out}. Ctrl-C ends it.")
        said_s, cues = 0.0, source.cues(capture.session_t0)
        try:
            while not (source.is_over() or (seconds is not None and capture.now_s() >= seconds)):
                time.sleep(0.05)
                capture.check()
                for event in cues.due(capture.now_s()):
                    capture.event(event)
                if capture.now_s() >= said_s:
                    console.note(_status_line(capture.now_s(), capture.status))
                    said_s += 10.0
        except KeyboardInterrupt:
            console.note("Stopping.")
    for segment, status in capture.status.items():
        sent = source.sent(segment)
        lost = "loss unknown" if status.lost is None else f"{status.lost} lost"
        console.say(
            f"{segment}: {status.received} samples received, {lost}" + (f", {sent} sent" if sent else "")
        )
    console.say(f"{out}: closed. Next: kneeflex angle {out}")


def live(
    thigh: Thigh = None,
    shank: Shank = None,
    out: Annotated[Path | None, typer.Option(help="Record into this session folder.")] = None,
    rate: Rate = 100.0,
    client: Client = "",
    side: Leg = Side.RIGHT,
    seconds: Seconds = None,
    virtual: Virtual = False,
    replay: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Play a recorded session instead.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, help="Of --replay and --virtual.")] = 1.0,
    headless: Annotated[bool, typer.Option("--headless", help="A status line instead of a window.")] = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="A page in the terminal instead of a window.")
    ] = False,
) -> None:
    """Show the knee angle while the person moves, and record it with --out."""
    if replay is not None:
        from analysis.stream import Replay
        from firmware_bridge.session.reader import read_session

        show(Replay(read_session(replay), time.perf_counter, speed), headless=headless, terminal=terminal)
        return
    if out is None:
        console.note("Nothing is recorded: give --out DIR to record.")
    source = _source(thigh, shank, virtual, side, seconds, speed)
    with _stopping_cleanly():
        stream(
            source,
            out,
            rate=rate,
            client=client,
            side=side,
            seconds=seconds,
            headless=headless,
            terminal=terminal,
        )
    if out is not None:
        console.say(f"{out}: closed. Next: kneeflex report {out}")


def doctor() -> None:
    """Tell what works on this machine."""
    from analysis.doctor import examine

    for finding in examine():
        mark = {True: "ok   ", False: "no   ", None: "     "}[finding.works]
        console.say(f"{mark} {finding.what}: {finding.detail}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from: real sensors, or the simulated leg."""

    targets: Mapping[Segment, str | Target]
    radio: Radio | None = None
    simulated: VirtualRadio | None = None

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
class Streamed:
    """What was streamed: how the links did, and the session time of a simulated script's zero."""

    status: Mapping[Segment, LinkStatus]
    script_offset_s: float


def virtual_source(simulated: VirtualRadio) -> Source:
    """The simulated sensors of a radio."""
    return Source(simulated.names, simulated, simulated)


def stream(
    source: Source,
    out: Path | None,
    *,
    rate: float,
    client: str,
    side: Side,
    seconds: float | None,
    headless: bool,
    terminal: bool = False,
) -> Streamed:
    """Streams into a view, and into a session folder if one is given, until the view ends."""
    from analysis.stream import StreamFeed, sensor_states
    from firmware_bridge.capture import Capture

    def now_s() -> float:
        return capture.now_s()

    feed = StreamFeed(
        now_s,
        rate,
        sensors=lambda: sensor_states(capture.status),
        keep=lambda event: capture.event(event),
        is_over=lambda: source.is_over() or (seconds is not None and now_s() >= seconds),
    )
    capture = Capture(
        source.targets,
        out,
        client=client,
        side=side,
        radio=source.radio,
        rate_hz=rate,
        sinks=(feed.push,),
        on_warning=console.note,
    )
    with capture:
        feed.cues = source.cues(capture.session_t0)
        show(feed, headless=headless, terminal=terminal)
        capture.check()
    return Streamed(capture.status, feed.cues.offset_s)


def show(feed: Feed, *, headless: bool, terminal: bool = False) -> None:
    """Shows a feed in the view that was asked for."""
    if headless or terminal:
        from analysis.views.terminal import run_headless, show_terminal

        (run_headless if headless else show_terminal)(feed)
        return
    from analysis.views.live import show_live

    show_live(feed)


def _source(
    thigh: str | None, shank: str | None, virtual: bool, side: Side, seconds: float | None, speed: float = 1.0
) -> Source:
    if virtual:
        return virtual_source(_simulated(side, seconds, speed))
    targets: dict[Segment, Any] = {}
    from firmware_bridge.link.pairing import remembered

    known = remembered() if thigh is None or shank is None else {}
    for segment, name in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        if name is None and segment not in known:
            raise UsageError(
                f"Which sensor is on the {segment}?",
                f"Give --{segment} NAME (`kneeflex scan` lists names), or --virtual for simulated sensors.",
            )
        targets[segment] = name or known[segment]
    return Source(targets)


def _simulated(side: Side, seconds: float | None, speed: float) -> VirtualRadio:
    """A simulated session, at least as long as wanted."""
    from firmware_bridge.virtual.radio import VirtualRadio

    from firmware_bridge.virtual.sessions import full_session
    from firmware_bridge.virtual.simulation import simulate_session

    script = full_session(side=side)
    if seconds is not None and script.duration_s < seconds:
        repetitions = int(6 * seconds / script.duration_s) + 1
        script = full_session(side=side, repetitions=repetitions, pandiculations=repetitions)
    return VirtualRadio(simulate_session(script), speed=speed)


def _status_line(now_s: float, status: Mapping[Segment, LinkStatus]) -> str:
    parts = []
    for segment, link in status.items():
        lost = "?" if link.lost is None else str(link.lost)
        battery = "" if link.battery_percent is None else f", battery {link.battery_percent:.0f} %"
        parts.append(f"{segment} {link.state}: {link.received} received, {lost} lost{battery}")
    return f"{now_s:6.1f} s   " + "   ".join(parts)


@contextmanager
def _stopping_cleanly() -> Iterator[None]:
    """Lets SIGTERM end the recording as Ctrl-C does, so that the session is closed."""
    import signal
    from types import FrameType

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def require_simulation() -> None:
    """Says plainly that the simulated sensors need an extra.

    Raises:
        KneeflexError: bumble is not installed.
    """
    from importlib.util import find_spec

    if find_spec("bumble") is None:
        raise KneeflexError("The simulated sensors are not installed.", "Run: pip install 'kneeflex[sim]'")
