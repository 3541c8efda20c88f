"""What speaks against an answer of many people, or has to be known with it."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.cohort.estimates import LEAST_PEOPLE, mean_of, person_values, verdict_of
from analysis.cohort.repeats import goniometer_rows
from analysis.cohort.result import TestAnswer
from analysis.cohort.table.reading import names
from analysis.cohort.table.tidy import Tidy
from firmware_bridge.findings import Finding


def doubts_of(answer: TestAnswer, part: Tidy) -> list[Finding]:
    """What speaks against the answer in one test, or has to be known with it."""
    findings = []
    where = f" in {answer.test}" if answer.test else ""
    values = answer.people
    if answer.counted == "change" and values:
        text = (
            f"Not everybody{where} has a rest block: warm-up, repetition and expectation are in the change. "
            "A second block before practice, after a rest, shows how much comes by itself."
        )
        findings.append(Finding("cohort_no_rest", None, None, text))
    people = len({v.client for v in values})
    if people < LEAST_PEOPLE:
        text = f"{people} {'person has' if people == 1 else 'people have'} a change that counts{where}."
        findings.append(Finding("cohort_few", None, None, f"{text} {LEAST_PEOPLE} are needed.", "no_verdict"))
    elif answer.change is not None and answer.change.ci95_deg is None:
        text = f"The changes{where} are all the same, which measured ones never are: there is no interval."
        findings.append(Finding("cohort_same", None, None, text, "no_verdict"))
    if answer.overturned_by:
        text = f"Without {answer.overturned_by} the verdict{where} would be another: it hangs on one person."
        findings.append(Finding("cohort_one_person", None, None, text))
    findings += _of_slip(part, where)
    findings += _of_drop_out(part, where)
    findings += _of_readings(answer, part, where)
    if len(answer.differences) > 1:
        text = (
            f"{len(answer.differences)} comparisons{where}: each interval is wider for it, so that they hold "
            "together."
        )
        findings.append(Finding("cohort_comparisons", None, None, text, "widen"))
    findings += _of_comparisons(answer, where)
    if answer.differences and not any(d.paired for d in answer.differences):
        text = (
            f"The conditions{where} were measured on different people: unless chance decided who got which, "
            "the difference may be one of the people."
        )
        findings.append(Finding("cohort_groups", None, None, text))
    return findings


def _of_comparisons(answer: TestAnswer, where: str) -> list[Finding]:
    """People whom a comparison leaves out: with one condition of a pair, or with both of two groups."""
    findings = []
    for d in answer.differences:
        pair = {v.client for v in answer.people if v.condition in (d.condition, d.reference)}
        left = len(pair) - d.estimate.people
        if left > 0:
            kind = "one of both conditions only" if d.paired else "both conditions, not one"
            text = f"{left} of {len(pair)} people{where} did {kind}: the difference is without them."
            findings.append(Finding("cohort_left_out", None, None, text, "gap"))
    return findings


def _of_slip(part: Tidy, where: str) -> list[Finding]:
    """Straps that slip one way look like a change of everybody."""
    read = part.counted[part.counted["slip_deg"].notna()]
    findings = []
    missing = len(part.counted) - len(read)
    if missing and len(part.counted):
        text = f"{missing} of {len(part.counted)} sessions that count{where} have no closing reference."
        findings.append(
            Finding("cohort_slip_unknown", None, None, f"{text} A slip would look like a change.")
        )
    slip = mean_of(person_values(read, "slip_deg"))
    if slip is not None and slip.ci95_deg is not None and verdict_of(slip) in ("gained", "lost"):
        text = (
            f"The straps slipped one way{where}: by {slip.value_deg:+.1f} deg "
            f"[{slip.ci95_deg[0]:.1f}, {slip.ci95_deg[1]:.1f}] on the average, which looks like a change. "
            "See the change less the slip that was read."
        )
        findings.append(Finding("cohort_slip", None, None, text))
    return findings


def _of_drop_out(part: Tidy, where: str) -> list[Finding]:
    """People of whom no session counts, and days on which many are missing."""
    findings = []
    lost = sorted(set(part.sessions["client"]) - set(part.counted["client"]))
    if lost:
        people = part.sessions["client"].nunique()
        text = f"No session of {names(lost)} counts{where}: {len(lost)} of {people} people."
        findings.append(Finding("cohort_lost", None, None, text, "gap"))
    days = part.sessions.groupby("day")["client"].nunique()
    if len(days) > 1 and days.iloc[-1] < 0.8 * days.iloc[0]:
        text = (
            f"{int(days.iloc[0])} people began{where}, {int(days.iloc[-1])} were there on day "
            f"{int(days.index[-1])}: those who stayed may differ from those who left."
        )
        findings.append(Finding("cohort_drop_out", None, None, text))
    return findings


def _of_readings(answer: TestAnswer, part: Tidy, where: str) -> list[Finding]:
    findings = []
    measured = goniometer_rows(part.sessions)
    same = measured["closing_deg"] == measured["reference_deg"]
    if len(measured) > 2 and same.mean() > 0.5:
        text = (
            f"The closing angle{where} is the opening one in {int(same.sum())} of {len(measured)} sessions: "
            "if it was entered again rather than measured again, agreement with the goniometer is not known."
        )
        findings.append(Finding("cohort_same_angle", None, None, text))
    known = part.sessions[part.sessions["reference_method"] != ""]
    ways = known.groupby("client")["reference_method"].nunique()
    if (ways > 1).any():
        text = (
            f"The zero was set in several ways{where} in {names(sorted(ways[ways > 1].index))}: their "
            "readings before practice count from different zeros, so their course over the days is in doubt."
        )
        findings.append(Finding("cohort_zeros", None, None, text))
    for repeat in answer.repeatability:
        moved = verdict_of(repeat.shift)
        if moved in ("gained", "lost") and repeat.shift is not None:
            text = (
                f"The rest alone changed the reading{where} by {repeat.shift.value_deg:+.1f} deg on the "
                "average: repetition and warm-up are at work, and the SEM holds them."
            )
            findings.append(Finding("cohort_shift", None, None, text))
    return findings


def of_tests(answers: Sequence[TestAnswer]) -> list[Finding]:
    """That several tests have several chances of a false verdict."""
    judged = [a for a in answers if a.verdict != "not enough data"]
    if len(judged) < 2:
        return []
    text = (
        f"{len(judged)} tests are answered, each with 5 % of false verdicts of its own: name the one that "
        "counts before looking (--test)."
    )
    return [Finding("cohort_tests", None, None, text)]
