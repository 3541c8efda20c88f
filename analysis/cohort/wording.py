"""The answer of many people as one sentence."""

from __future__ import annotations

from analysis.cohort.result import Difference, Estimate, TestAnswer


def sentence_of(answer: TestAnswer) -> str:
    """The answer in one sentence."""
    if answer.counted == "difference":
        return " ".join(_of_difference(d) for d in answer.differences) or "There is nothing to compare."
    found = answer.net if answer.counted == "net" else answer.change
    if found is None:
        return "No session holds a change that counts."
    beyond = ", beyond what the rest alone changed" if answer.counted == "net" else ""
    if answer.verdict == "not enough data":
        mean = f"the mean change is {found.value_deg:+.1f} deg{beyond}"
        return f"{found.people} people are not enough for an answer; {mean}."
    if answer.verdict == "no detectable change":
        ends = "" if found.ci95_deg is None else f" [{found.ci95_deg[0]:+.1f}, {found.ci95_deg[1]:+.1f}]"
        mean = f"the mean change is {found.value_deg:+.1f} deg{ends}{beyond}"
        return f"In {found.people} people {mean}: not beyond chance."
    way = "further" if answer.verdict == "gained" else "less far"
    rest = "" if answer.counted == "net" else ", warm-up and expectation included"
    return (
        f"In {found.people} people the knee straightens {_size(found)} {way} after practice{beyond}{rest}; "
        "this cannot say why."
    )


def _of_difference(d: Difference) -> str:
    found = d.estimate
    if d.verdict == "not enough data":
        return f"{d.condition} against {d.reference}: not enough people for an answer."
    who = "the same people" if d.paired else "two groups"
    way = "further than" if found.value_deg > 0 else "less far than"
    end = "" if d.verdict in ("gained", "lost") else ": not beyond chance"
    return (
        f"With {d.condition} the knee straightens {_size(found)} {way} with {d.reference} "
        f"({found.people} people, {who}){end}."
    )


def _size(found: Estimate) -> str:
    """The size with its interval, both seen in the direction of the change."""
    if found.ci95_deg is None:
        return f"{abs(found.value_deg):.1f} deg"
    ends = found.ci95_deg if found.value_deg >= 0 else (-found.ci95_deg[1], -found.ci95_deg[0])
    return f"{abs(found.value_deg):.1f} deg [{ends[0]:.1f}, {ends[1]:.1f}]"
