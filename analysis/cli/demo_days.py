"""`kneeflex demo --days N`: simulated weeks of one person, and what the days say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis.cli import console

CODE = "demo"


def demo_days(days: int, out: Path | None, *, open_page: bool, seed: int) -> None:
    """Makes the sessions of a simulated person who gains slowly, and answers over the days.

    One day is missing, and on one day a strap slips.

    Args:
        days: how many.
        out: the folder that the person's folder is made in; a new one in the current folder by default.
        open_page: show the page in the browser.
        seed: another seed is another person.
    """
    from analysis.cli.show_days import show_days
    from analysis.days import person_trend
    from firmware_bridge.samples import Side
    from firmware_bridge.session.person import Person, Pose, new_session_folder, write_person
    from firmware_bridge.session.writer import write_session
    from firmware_bridge.virtual.days import DaysPlan, simulate_days

    now = datetime.now(UTC)
    root = out or Path(f"kneeflex-demo-{now.astimezone():%Y%m%d-%H%M%S}")
    missing, slipped = ((days // 3,), (2 * days // 3,)) if days >= 6 else ((), ())
    plan = DaysPlan(days=days, missing=missing, slipped=slipped)
    person = Person(CODE, Side.RIGHT, "prone", Pose(20.0, 1.6, "jig"), planned_days=days)
    write_person(root / CODE, person)
    console.note(
        f"A simulated person practises for {days} days and truly becomes {plan.gain_deg:.1f} deg straighter; "
        f"{len(missing) or 'no'} day is missing, {len(slipped) or 'no'} strap slips."
    )
    with console.counting("Simulating and recording") as progress:
        for moment, session in simulate_days(plan, CODE, now - timedelta(days=days - 1, hours=1), seed=seed):
            folder = new_session_folder(root, CODE, moment.astimezone())
            write_session(folder, session.recording)
            progress((moment.date() - (now - timedelta(days=days - 1)).date()).days + 1, days)
    with console.counting("Computing the angle of every session") as progress:
        found = person_trend(root, CODE, progress=progress)
    console.warn(found.warnings)
    page = root / CODE / "trend.html"
    show_days(found, page, truth_deg=plan.gain_deg)
    change = found.trend.total_change_deg
    if change is not None:
        console.say(
            f"Total change: true {plan.gain_deg:+.2f} deg, measured {change:+.2f} deg; "
            f"verdict: {found.trend.verdict}"
        )
    if open_page:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
