"""What was checked of a recording, in words with a mark each, and what would make a change easier to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from analysis.angle.doubts import SURE_RATIO
from analysis.change.result import Comparison
from analysis.views.track import gap_spans
from analysis.views.wording import TEST_TITLES, degrees, signed, tidy
from firmware_bridge.session.model import LinkEvent

if TYPE_CHECKING:
    from analysis.answer import Answer

Mark = Literal["good", "doubtful", "open"]
MARKS: Final[dict[Mark, str]] = {"good": "✓", "doubtful": "!", "open": "–"}

# Beyond these the analysis itself warns; here they decide which mark stands beside the sentence.
_USABLE_SHARE = 0.98
_AXIS_DEG = 4.0
_BENDING_DEG = 20.0
_CLEAR_MARGIN = 1.5
_STILL_DEG = 2.0
_SLIP_DEG, _MUCH_SLIP_DEG = 2.0, 4.0
_WARMUPS = 4


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One thing that was checked.

    Attributes:
        mark: "good", "doubtful", or "open" where it was not or could not be checked.
        sentence: what was found, in plain words.
    """

    mark: Mark
    sentence: str

    @property
    def sign(self) -> str:
        """The mark as one character."""
        return MARKS[self.mark]


def quality_checks(answer: Answer) -> tuple[QualityCheck, ...]:
    """Everything that was checked of a recording, in the order of processing."""
    return (*_sensors(answer), *_hinge(answer), *_zero(answer), *_straps(answer))


def _judged(is_good: bool, good: str, doubtful: str) -> QualityCheck:
    return QualityCheck("good", good) if is_good else QualityCheck("doubtful", doubtful)


def _sensors(answer: Answer) -> Iterator[QualityCheck]:
    track = answer.angle.track
    share = float(np.mean(track.valid)) if len(track.valid) else 0.0
    longest_s = max((stop - start for start, stop in gap_spans(track)), default=0.0)
    yield _judged(
        share >= _USABLE_SHARE,
        f"Both sensors sent: there is a usable angle {100 * share:.1f} % of the time.",
        f"A usable angle only {100 * share:.1f} % of the time; the longest gap is {longest_s:.1f} s.",
    )
    losses = [e for e in answer.recording.events if isinstance(e, LinkEvent) and e.state == "lost"]
    if losses:
        yield QualityCheck("doubtful", f"The connection to a sensor was lost {len(losses)} times.")


def _hinge(answer: Answer) -> Iterator[QualityCheck]:
    angle, figures = answer.angle, answer.angle.diagnostics
    yield _judged(
        angle.axes.sd_deg <= _AXIS_DEG,
        f"The swings showed well where the knee's hinge lies (to {degrees(angle.axes.sd_deg)}).",
        f"The knee's hinge is known only to {degrees(angle.axes.sd_deg)}: swing more, moving the thigh too.",
    )
    if "bending_deg" in figures:
        bent = degrees(figures["bending_deg"])
        yield _judged(
            figures["bending_deg"] >= _BENDING_DEG,
            f"The knee bent far enough to find it ({bent}).",
            f"The knee bent only by {bent} while its hinge was sought: bend further in the swings.",
        )
    if "direction_log_likelihood_ratio" in figures and "pairing_margin" in figures:
        yield _judged(
            figures["direction_log_likelihood_ratio"] >= SURE_RATIO
            and figures["pairing_margin"] >= _CLEAR_MARGIN,
            "Which way is bending and which straightening is clear.",
            "Which way is bending is not quite clear: look whether bending reads as a larger angle.",
        )
    if "gravity_alone_deg" in figures:
        apart = degrees(figures["gravity_alone_deg"])
        yield _judged(
            figures["gravity_alone_deg"] <= _STILL_DEG,
            f"In rest the angle agrees with gravity alone (within {apart}).",
            f"In rest the angle and gravity alone differ by {apart}: the angle may have drifted.",
        )


def _zero(answer: Answer) -> Iterator[QualityCheck]:
    if answer.angle.zero == "relative":
        yield QualityCheck("open", "No reference pose says where straight is: only changes are known.")
    else:
        sd = degrees(answer.angle.zero_sd_deg)
        yield QualityCheck("good", f"A reference pose says where straight is (to {sd}).")


def _straps(answer: Answer) -> Iterator[QualityCheck]:
    slips = [c.slip_deg for c in answer.comparisons if c.slip_deg is not None]
    if not slips:
        yield QualityCheck("open", "Whether a strap slipped was not checked: no closing pose was recorded.")
        return
    worst = max(slips, key=abs)
    size = degrees(worst)
    if abs(worst) <= _SLIP_DEG:
        yield QualityCheck(
            "good", f"The straps held: the closing pose reads the same as the opening one (within {size})."
        )
    elif abs(worst) <= _MUCH_SLIP_DEG:
        yield QualityCheck(
            "doubtful", f"A strap may have moved: the same pose reads {signed(worst)} at the end."
        )
    else:
        yield QualityCheck(
            "doubtful", f"A strap has slipped: the same pose reads {signed(worst)} at the end."
        )


def what_it_takes_between(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """The same for an earlier and a later session of one knee."""
    reaches = [_reach(c, is_one_of_many=len(comparisons) > 1) for c in comparisons]
    known = [text for text in reaches if text]
    if not known:
        return ()
    texts = [
        " ".join(known),
        "More days: two readings differ as readings do from day to day, while kneeflex trend lays a line "
        "through all of them.",
        "The same support as reference pose on every day: then both sessions count from the same zero.",
    ]
    if any("published" in c.detectable_change_source for c in comparisons):
        texts.append(
            "A re-strapping study (kneeflex retest) measures what putting the sensors on anew does to your "
            "own readings, and takes the place of published figures."
        )
    return tuple(texts)


def _reach(comparison: Comparison, *, is_one_of_many: bool) -> str:
    """How large a change can be seen, and on what that rests; "" without a comparison."""
    if comparison.detectable_change_deg is None:
        return ""
    where = f" ({TEST_TITLES[comparison.test]})" if is_one_of_many else ""
    return (
        f"A change of more than {degrees(comparison.detectable_change_deg)} can be told from noise{where}. "
        f"This rests on {tidy(comparison.detectable_change_source)}."
    )


def what_it_takes(answer: Answer, comparison: Comparison) -> tuple[str, ...]:
    """How large a change this set-up can see, and what would make it smaller. Empty without a comparison."""
    reach = _reach(comparison, is_one_of_many=len(answer.comparisons) > 1)
    if not reach:
        return ()
    texts = [reach]
    if "published" in comparison.detectable_change_source:
        texts.append(
            "Measure on several days with a rest block: how well your own readings repeat then takes the "
            "place of published figures, which are cautious."
        )
    if comparison.control_change_deg is None:
        texts.append(
            "A rest block before the exercise shows what warm-up and repeating the test do by themselves."
        )
    if comparison.slip_deg is None:
        texts.append(
            "A closing pose at the end shows whether a strap slipped, which otherwise stays possible."
        )
    blocks = [b for b in (comparison.before, comparison.after) if b is not None]
    fewest = min((b.n for b in blocks), default=0)
    if 0 < fewest < 5:
        texts.append(f"More repetitions: one block holds only {fewest}. Five or more make its mean steadier.")
    warmups = sum(r.phase == "warmup" for r in answer.repetitions)
    if warmups < _WARMUPS:
        texts.append(
            f"At least {_WARMUPS} warm-up repetitions: the first ones straighten the knee by themselves."
        )
    if comparison.relative:
        texts.append("A reference pose: with it the report can also say how far the knee is from straight.")
    return tuple(texts)
