"""Commands for sensors: scan, pair, record, live, doctor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli import console
from analysis.cli.streaming import (
    Client,
    Headless,
    LegToday,
    Rate,
    Root,
    StreamOptions,
    choose_source,
    note_rates,
    require_simulation,
    show,
    stopping_cleanly,
    stream,
)
from firmware_bridge.errors import UsageError
from firmware_bridge.segments import Segment, Side

if TYPE_CHECKING:
    from analysis.answer import Answer
    from analysis.days import PersonTrend
    from firmware_bridge.clock import Clock
    from firmware_bridge.link.radio import Radio
    from firmware_bridge.link.target import Target
    from firmware_bridge.receiving.status import LinkStatus

Thigh = Annotated[str | None, typer.Option(help="The thigh sensor: name, address or serial number.")]
Shank = Annotated[str | None, typer.Option(help="The shank (shin) sensor.")]
Virtual = Annotated[
    str | None,
    typer.Option(
        metavar="[KIND]",
        help="Simulated sensors on a simulated leg: of the project's own profile, or of a driver such as "
        "polar-verity-sense.",
    ),
]
Seconds = Annotated[float | None, typer.Option(min=1.0, help="Stop after so many seconds.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    for command in (scan, pair, record, live, doctor):
        app.command()(command)


def scan(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long to listen.")] = 5.0,
    everything: Annotated[bool, typer.Option("--all", help="Also devices that are no known sensor.")] = False,
) -> None:
    """List the sensors in range."""
    from firmware_bridge.link.radio import SystemRadio
    from firmware_bridge.link.search import scan as run

    with console.working(f"Listening for {seconds:g} s"):
        found = run(SystemRadio(context.obj), seconds)
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


def pair(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SENSOR SENSOR]", help="Names, addresses or serial numbers."),
    ] = None,
) -> None:
    """Find out which sensor is on the thigh, by moving it, and remember both.

    Without names: the only two sensors in range.
    """
    from firmware_bridge.link.identify import identify
    from firmware_bridge.link.pairing import remember
    from firmware_bridge.link.radio import SystemRadio

    with stopping_cleanly():
        targets = identify(names or (), SystemRadio(context.obj), tell=console.note)
    file = remember(targets)
    thigh, shank = (
        f"{target.identifier} ({target.address})" if target.address else target.identifier
        for target in (targets[Segment.THIGH], targets[Segment.SHANK])
    )
    console.say(
        f"Thigh: {thigh}. Shin: {shank}. Remembered in {file}; --thigh and --shank may now be left out."
    )


def record(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="The session folder to make; in the person's folder by default.")
    ] = None,
    thigh: Thigh = None,
    shank: Shank = None,
    rate: Rate = 100.0,
    client: Client = "",
    side: LegToday = None,
    seconds: Seconds = None,
    virtual: Virtual = None,
    root: Root = None,
) -> None:
    """Record both sensors, without guide or plot, until Ctrl-C or --seconds.

    With --client CODE and without --out: into the person's folder, sessions/CODE/DATE-TIME.
    """
    from firmware_bridge.capture import Capture

    if out is None:
        if not client:
            raise UsageError("Where to?", "Give --out DIR, or --client CODE for the person's own folder.")
        from analysis.cli.person import begin_visit

        visit = begin_visit(client, root, side=side, thigh=thigh, shank=shank)
        out, side = visit.session, visit.person.side
        thigh, shank = visit.person.thigh, visit.person.shank
    side = side or Side.RIGHT
    source = choose_source(
        context.obj, thigh, shank, virtual=virtual, side=side, seconds=seconds, rate_hz=rate
    )
    capture = Capture(
        source.targets,
        out,
        client=client,
        side=side,
        radio=source.radio,
        rate_hz=rate,
        on_warning=console.note,
    )
    with stopping_cleanly(), capture:
        try:
            console.note(f"Recording into {out}. Ctrl-C ends it.")
            note_rates(capture.status, rate)
            said_s, scheduled = 0.0, source.scheduled_events(capture.session_t0)
            while not (source.is_over() or (seconds is not None and capture.now_s() >= seconds)):
                source.radio.clock.sleep(0.05)
                capture.check()
                for event in scheduled.due(capture.now_s()):
                    capture.event(event)
                if capture.now_s() >= said_s:
                    console.note(_status_line(capture.now_s(), capture.status))
                    said_s += 10.0
        except KeyboardInterrupt:
            console.note("Stopping.")
    for segment, status in capture.status.items():
        sent = source.sent(segment)
        lost = "loss unknown" if status.lost is None else f"{status.lost} lost"
        if status.lost is None and status.lost_estimate is not None:
            lost = f"about {status.lost_estimate} lost"
        simulated = "" if sent is None else f", {sent} of the movement sent"
        console.say(f"{segment}: {status.received} samples received, {lost}{simulated}")
    console.say(f"{out}: closed. Next: kneeflex angle {out}")


def live(
    context: typer.Context,
    thigh: Thigh = None,
    shank: Shank = None,
    out: Annotated[
        Path | None, typer.Option(help="Record into this session folder; with --client, the person's own.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Who leads: pandiculation, daily, research, a TOML file, or none.")
    ] = None,
    rate: Rate = 100.0,
    client: Client = "",
    side: LegToday = None,
    seconds: Seconds = None,
    virtual: Virtual = None,
    root: Root = None,
    replay: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Play a recorded session instead.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, help="Of --replay and --virtual.")] = 1.0,
    person: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="With --virtual and --protocol, who follows: obeying, slow, forgetful, early or late.",
        ),
    ] = "obeying",
    headless: Headless = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="A page in the terminal instead of a window.")
    ] = False,
    voice: Annotated[bool, typer.Option(help="Speak the instructions of the guide.")] = True,
    dark: Annotated[bool, typer.Option("--dark", help="A dark window.")] = False,
    tone: Annotated[bool, typer.Option("--tone", help="Let a quiet tone follow the angle.")] = False,
) -> None:
    """Lead through a session and show the knee angle while the person moves.

    --out DIR records it, --client CODE into the person's own folder, sessions/CODE/DATE-TIME.
    """
    theme = "dark" if dark else "light"
    view = "headless" if headless else "terminal" if terminal else "window"
    if replay is not None:
        if out is not None or virtual:
            raise UsageError("--replay goes with neither --out nor --virtual.", "Leave one of them out.")
        from analysis.live.replay import ReplayFeed
        from firmware_bridge.session.reader import read_session

        with stopping_cleanly():
            clock: Clock = context.obj
            show(
                ReplayFeed(read_session(replay), clock.now_s, speed, seconds),
                view,
                clock,
                tone=tone,
                theme=theme,
            )
        return
    from analysis.guide.library import DEFAULT, load_protocol

    visit, usual = None, DEFAULT
    if out is None and client:
        from analysis.cli.person import begin_visit

        visit = begin_visit(client, root, side=side, thigh=thigh, shank=shank, protocol=protocol)
        out, side, usual = visit.session, visit.person.side, visit.person.protocol
        thigh, shank = visit.person.thigh, visit.person.shank
    side = side or Side.RIGHT
    # Without a protocol the simulated leg plays a script; with one a simulated person follows the guide.
    name = protocol or ("none" if virtual else usual)
    led = None if name == "none" else load_protocol(name)
    if led is not None and visit is not None:
        from analysis.guide.personal import personal

        led = personal(led, pose=visit.person.pose, is_baseline=visit.is_baseline)
    options = StreamOptions(out, rate, client, side, seconds, led, view, tone, theme, voice)
    source = choose_source(
        context.obj,
        thigh,
        shank,
        virtual=virtual,
        side=side,
        seconds=seconds,
        speed=speed,
        character=None if led is None else person,
        rate_hz=rate,
    )
    if out is None:
        console.note("Nothing is recorded: give --out DIR or --client CODE to record.")
    stream(source, options)
    if out is not None:
        from analysis.cli.recordings import print_and_report

        done = print_and_report(out)
        if done is not None and view == "window":
            _show_result(*done, theme=theme, voice=voice)


def _show_result(answer: Answer, report: Path, among: PersonTrend | None, *, theme: str, voice: bool) -> None:
    """The end of a session in the window, spoken too, with today among the days of the person."""
    from analysis.views.resultwindow import show_result
    from analysis.views.voice import Voice
    from analysis.views.wording import headline

    with Voice() if voice else nullcontext() as speech:
        if speech is not None:
            for comparison in answer.comparisons:
                speech.say(headline(comparison))
        show_result(answer, report, theme=theme, among=among)


def doctor(
    context: typer.Context,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="SENSOR",
            help="Instead: try one sensor (name or address; thigh or shank as paired), and write what a "
            "report about hardware needs.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long --report streams.")] = 20.0,
    rate: Rate = 100.0,
    virtual: Virtual = None,
    out: Annotated[Path | None, typer.Option(help="Write the report into this file.")] = None,
) -> None:
    """Tell what works on this machine; with --report, how one sensor does.

    Lay the sensor still on a table. The report holds no name, no address and nothing of a person.
    """
    if report is not None:
        _report_sensor(context.obj, report, seconds, rate, virtual, out)
        return
    if virtual is not None or out is not None:
        raise UsageError("--virtual and --out go with --report.", "Name a sensor: --report SENSOR.")
    from analysis.doctor import examine

    for finding in examine():
        mark = {True: "ok   ", False: "no   ", None: "     "}[finding.works]
        console.say(f"{mark} {finding.what}: {finding.detail}")


def _report_sensor(
    clock: Clock, sensor: str, seconds: float, rate_hz: float, virtual: str | None, out: Path | None
) -> None:
    """Tries one sensor, and prints or writes its report; thigh and shank stand for the paired sensors."""
    from analysis import derived
    from analysis.sensor_report import sensor_report
    from firmware_bridge.trial import try_sensor

    if out is not None:
        derived.refuse_raw(out)
    radio: Radio
    paired: Mapping[Segment, str | Target] = {}
    if virtual is None:
        from firmware_bridge.link.pairing import remembered
        from firmware_bridge.link.radio import SystemRadio

        radio = SystemRadio(clock)
        if sensor in set(Segment):
            paired = remembered()
    else:
        require_simulation()
        from firmware_bridge.virtual.boards import nearest_board_rate_hz
        from firmware_bridge.virtual.radio import VirtualRadio
        from firmware_bridge.virtual.sessions import still
        from firmware_bridge.virtual.simulation import simulate_session

        # A leg at rest: one sensor alone never starts a script.
        resting = simulate_session(still(1.0), rate_hz=nearest_board_rate_hz(virtual, rate_hz))
        radio = simulated = VirtualRadio(resting, driver=virtual, clock=clock)
        paired = simulated.names
    meant = paired.get(Segment(sensor), sensor) if sensor in set(Segment) else sensor
    name = meant if isinstance(meant, str) else meant.address or meant.identifier
    console.note(f"Lay the sensor still on a table: it is tried for {seconds:g} s.")
    with stopping_cleanly(), console.working("Trying the sensor"):
        trial = try_sensor(name, radio, seconds=seconds, rate_hz=rate_hz)
    text = sensor_report(trial, simulated=virtual is not None)
    if out is None:
        console.say(text)
    else:
        derived.write_text(out, text)
        console.say(f"{out}: written. CONTRIBUTING.md says where it goes.")
    if trial.failure:
        raise typer.Exit(1)


def _status_line(now_s: float, status: Mapping[Segment, LinkStatus]) -> str:
    parts = []
    for segment, link in status.items():
        estimate = "?" if link.lost_estimate is None else f"about {link.lost_estimate}"
        lost = estimate if link.lost is None else str(link.lost)
        battery = "" if link.battery_percent is None else f", battery {link.battery_percent:.0f} %"
        problem = f" ({link.problem})" if link.problem else ""
        parts.append(f"{segment} {link.state}: {link.received} received, {lost} lost{battery}{problem}")
    return f"{now_s:6.1f} s   " + "   ".join(parts)
