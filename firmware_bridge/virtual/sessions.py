"""Scripts of whole sessions: from a minute for a demonstration to many minutes for accuracy studies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.model import PhaseName, TestName
from firmware_bridge.virtual.script import Posture, Script, ScriptWriter, Slip

_TEST_POSTURE: dict[TestName, Posture] = {
    "standing": "standing", "supine": "supine", "prone": "prone", "ake": "ake",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a session consists of and what really changes in it.

    Attributes:
        posture: of everything that is no named test.
        tests: measured in each measuring phase, one after the other, in their own postures.
        side: the leg.
        deficit_deg: smallest flexion the person holds before (0 = straight).
        gain_deg: how much straighter the knee becomes by pandiculation; the truth to be found.
        control_gain_deg: how much straighter it becomes by mere rest and repetition.
        repetition_sd_deg, block_sd_deg: true variation between repetitions, and between whole blocks.
        warmup_deg: how much stiffer the first warm-up repetition is; fades with the repetitions.
        rest_s: length of the rest before a second "before" block; None leaves both out.
        bent_deg: where repetitions start from.
        reference_deg: the true angle of the reference pose; `reference_error_deg` is its misreading.
        slip_deg, slip_time_s, slip_segment: a sensor slides; a time of None means amid the pandiculations.
        pace_spread: relative spread of the durations of the movements.
        tremor_deg: RMS knee tremor at full effort.
    """

    posture: Posture = "prone"
    tests: tuple[TestName, ...] = ("prone",)
    side: Side = Side.RIGHT
    deficit_deg: float = 12.0
    gain_deg: float = 5.0
    control_gain_deg: float = 0.0
    repetition_sd_deg: float = 0.5
    block_sd_deg: float = 0.0
    warmup_deg: float = 0.0
    rest_s: float | None = None
    bent_deg: float = 60.0
    reference_deg: float = 20.0
    reference_error_deg: float = 0.0
    reference_sd_deg: float = 1.0
    slip_deg: float = 0.0
    slip_time_s: float | None = None
    slip_segment: Segment = Segment.SHANK
    swings: int = 8
    swing_s: float = 1.4
    warmup_repetitions: int = 2
    repetitions: int = 4
    bend_s: float = 0.9
    extend_s: float = 1.3
    hold_s: float = 2.0
    pandiculations: int = 3
    contract_s: float = 1.5
    release_s: float = 3.0
    relax_s: float = 0.7
    still_s: float = 3.0
    reference_s: float = 4.0
    pace_spread: float = 0.0
    tremor_deg: float = 0.05


def condensed_session(
    posture: Posture = "prone",
    test: TestName = "prone",
    gain_deg: float = 5.0,
    deficit_deg: float = 12.0,
    rest_block: bool = False,
    side: Side = Side.RIGHT,
    seed: int = 0,
    **plan: object,
) -> Script:
    """A whole session in about 85 s (about 115 s with the rest block): the demonstration.

    Args:
        posture: of the calibration and the pandiculations.
        test: the named test, done in its own posture.
        gain_deg: true gain.
        deficit_deg: true smallest flexion before.
        rest_block: adds a rest of 10 s and a second "before" block.
        side: the leg.
        seed: of the variation and the wandering.
        **plan: any other field of `SessionPlan`.
    """
    base = SessionPlan(
        posture=posture,
        tests=(test,),
        gain_deg=gain_deg,
        deficit_deg=deficit_deg,
        rest_s=10.0 if rest_block else None,
        side=side,
    )
    return session(replace(base, **plan), seed)  # type: ignore[arg-type]


def full_session(
    tests: tuple[TestName, ...] = ("prone",), gain_deg: float = 5.0, seed: int = 0, **plan: object
) -> Script:
    """A session of several minutes as people do it: slower, more of everything, varying speeds.

    Args:
        tests: named tests of each measuring phase; a change of posture between them costs 4 s.
        gain_deg: true gain.
        seed: of the variation and the wandering.
        **plan: any other field of `SessionPlan`.
    """
    base = SessionPlan(
        tests=tests,
        gain_deg=gain_deg,
        rest_s=60.0,
        swings=10,
        swing_s=2.0,
        warmup_repetitions=3,
        repetitions=6,
        bend_s=1.5,
        extend_s=2.5,
        hold_s=3.0,
        pandiculations=8,
        contract_s=5.0,
        release_s=8.0,
        relax_s=4.0,
        still_s=10.0,
        reference_s=6.0,
        pace_spread=0.2,
        repetition_sd_deg=1.0,
        block_sd_deg=0.5,
        warmup_deg=3.0,
    )
    return session(replace(base, **plan), seed)  # type: ignore[arg-type]


def swings(
    n: int = 10,
    low_deg: float = 15.0,
    high_deg: float = 90.0,
    period_s: float = 1.6,
    posture: Posture = "seated",
    side: Side = Side.RIGHT,
    restlessness: float = 1.0,
    seed: int = 0,
) -> Script:
    """Three still seconds, n bends from `low_deg` to `high_deg` and back, two still seconds."""
    writer = ScriptWriter(posture, low_deg, side)
    writer.phase("swings")
    writer.wait(3.0)
    with writer.restless(restlessness):
        _swing(writer, n, low_deg, high_deg, period_s)
    writer.wait(2.0)
    return writer.done(seed=seed)


def still(
    duration_s: float,
    flexion_deg: float = 20.0,
    posture: Posture = "prone",
    side: Side = Side.RIGHT,
    seed: int = 0,
) -> Script:
    """Nothing but keeping still."""
    writer = ScriptWriter(posture, flexion_deg, side)
    writer.phase("swings")
    writer.wait(duration_s)
    return writer.done(seed=seed)


def session(plan: SessionPlan, seed: int = 0) -> Script:
    """The script of a plan: swings, reference, warm-up, before, pandiculation, after, closing reference."""
    rng = np.random.default_rng(seed)
    writer = ScriptWriter(plan.posture, plan.reference_deg, plan.side)

    def paced(duration_s: float) -> float:
        return duration_s * float(np.exp(rng.normal(0.0, plan.pace_spread)))

    writer.phase("swings")
    writer.wait(plan.still_s)
    with writer.restless():
        _swing(writer, plan.swings, plan.reference_deg, 85.0, plan.swing_s)
    writer.wait(1.0)

    _reference(writer, plan, "reference")

    writer.phase("warmup")
    for i in range(plan.warmup_repetitions):
        stiffer_deg = plan.warmup_deg * float(np.exp(-i / 1.5))
        _repetition(writer, plan, plan.deficit_deg + stiffer_deg, paced)

    def measure(name: PhaseName, extension_deg: float) -> None:
        for test in plan.tests:
            _turn(writer, _TEST_POSTURE[test])
            writer.phase(name, test)
            level_deg = extension_deg + rng.normal(0.0, plan.block_sd_deg)
            for _ in range(plan.repetitions):
                _repetition(writer, plan, level_deg + rng.normal(0.0, plan.repetition_sd_deg), paced)

    measure("before", plan.deficit_deg)
    if plan.rest_s is not None:
        writer.phase("rest")
        writer.bend_to(plan.reference_deg, plan.bend_s)
        writer.wait(plan.rest_s)
        measure("before_again", plan.deficit_deg - plan.control_gain_deg)

    _turn(writer, plan.posture)
    pandiculation_start_s = writer.time_s
    writer.phase("pandiculation")
    after_deg = plan.deficit_deg - plan.control_gain_deg - plan.gain_deg
    for i in range(plan.pandiculations):
        progress = (i + 1) / plan.pandiculations
        extension_deg = plan.deficit_deg - progress * (plan.deficit_deg - after_deg)
        _pandiculate(writer, plan, extension_deg, paced)
    slip_time_s = 0.5 * (pandiculation_start_s + writer.time_s)

    measure("after", after_deg)
    _turn(writer, plan.posture)
    _reference(writer, plan, "closing_reference")
    writer.wait(0.5)

    slips: tuple[Slip, ...] = ()
    if plan.slip_deg:
        time_s = slip_time_s if plan.slip_time_s is None else plan.slip_time_s
        slips = (Slip(time_s, plan.slip_deg, plan.slip_segment),)
    return writer.done(slips, plan.tremor_deg, seed)


def _swing(writer: ScriptWriter, n: int, low_deg: float, high_deg: float, period_s: float) -> None:
    writer.bend_to(low_deg, period_s / 2.0)
    for _ in range(n):
        writer.bend_to(high_deg, period_s / 2.0)
        writer.bend_to(low_deg, period_s / 2.0)


def _turn(writer: ScriptWriter, posture: Posture) -> None:
    if posture != writer.posture:
        writer.phase("pause")
        writer.turn_to(posture)
        writer.wait(1.0)


def _reference(writer: ScriptWriter, plan: SessionPlan, name: PhaseName) -> None:
    writer.phase(name)
    writer.bend_to(plan.reference_deg, plan.bend_s)
    writer.wait(0.5)
    writer.reference_pose(plan.reference_s, plan.reference_error_deg, plan.reference_sd_deg)


def _repetition(
    writer: ScriptWriter, plan: SessionPlan, extension_deg: float, paced: Callable[[float], float]
) -> None:
    writer.bend_to(plan.bent_deg, paced(plan.bend_s))
    writer.bend_to(extension_deg, paced(plan.extend_s))
    writer.hold(plan.hold_s)


def _pandiculate(
    writer: ScriptWriter, plan: SessionPlan, extension_deg: float, paced: Callable[[float], float]
) -> None:
    writer.bend_to(90.0, paced(plan.bend_s))
    writer.push_to(1.0, plan.contract_s / 3.0)
    writer.wait(plan.contract_s * 2.0 / 3.0)
    release_s = paced(plan.release_s)
    writer.effort_during(0.0, release_s)
    writer.bend_to(extension_deg, release_s)
    writer.wait(plan.relax_s)
