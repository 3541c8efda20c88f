"""What the report says in sentences. Plain words for the person; nothing medical is claimed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from analysis.change.result import Comparison
from analysis.change.sides import SideDifference

PHASE_TITLES: Final[Mapping[str, str]] = {
    "swings": "swings",
    "reference": "reference pose",
    "warmup": "warm-up",
    "before": "before",
    "rest": "rest",
    "before_again": "before, again",
    "pandiculation": "pandiculation",
    "quad_press": "thigh press",
    "after": "after",
    "after_5min": "5 min after",
    "after_10min": "10 min after",
    "after_30min": "30 min after",
    "closing_reference": "closing check",
    "restrap": "strapped anew",
    "pause": "pause",
}

TEST_TITLES: Final[Mapping[str | None, str]] = {
    "standing": "standing",
    "supine": "lying on the back",
    "prone": "lying face down",
    "ake": "active knee extension, hip at 90°",
    None: "unnamed test",
}

METRIC_TITLES: Final[Mapping[str, str]] = {
    "mean_rate_deg_s": "mean speed",
    "peak_rate_deg_s": "peak speed",
    "rate_cv": "unevenness, CV of the speed",
    "pause_count": "pauses",
    "pause_s": "time paused",
    "reversal_count": "reversals",
    "submovement_count": "sub-movements",
    "sparc": "smoothness, SPARC",
    "tremor_deg": "tremor, 4 to 12 Hz",
    "hold_s": "hold before",
    "hold_sd_deg": "unsteadiness of the hold, SD",
    "hold_rate_deg_s": "speed during the hold, RMS",
    "relaxation_drift_deg": "drift in the 3 s after",
    "relaxation_rate_deg_s": "speed in the 3 s after, RMS",
}

# The figures of the angle's estimation, as the fold of the report names them.
FIGURE_TITLES: Final[Mapping[str, str]] = {
    "bending_deg": "bending while the hinge was sought",
    "axes_sd_deg": "uncertainty of the hinge's direction",
    "direction_log_likelihood_ratio": "evidence for the direction of bending (natural log)",
    "pairing_margin": "how much worse the opposite pairing of the axes fits (ratio)",
    "lever_thigh_m": "thigh sensor to the knee's centre",
    "lever_shank_m": "shin sensor to the knee's centre",
    "knee_force_residual_m_s2": "disagreement of both sensors about the knee's acceleration",
    "gravity_alone_deg": "angle against gravity alone, in rest",
    "hinge_level_share": "share of the time with the hinge level enough to see the heading",
    "hinge_misalignment_deg": "movement that is no bending of the hinge",
}

PURPOSE: Final = (
    "This is open-source software for movement education and research. It is not a medical device, has not "
    "been assessed or cleared by any authority, and must not be used to diagnose, to decide on or to monitor "
    "treatment of an injury or disease."
)
LIMITS: Final = (
    "Angles come from strapped-on sensors. Expect errors of a few degrees; absolute values depend on how "
    "the sensors were calibrated. Small changes (below the figure printed here) cannot be told from "
    "measurement noise.",
    "A change after a session does not show what caused it. Warm-up, repetition, expectation and strap "
    "movement also change the reading.",
    "We know of no controlled trial of pandiculation for knee extension; related contract-relax stretching "
    "shows short-lived gains in healthy people.",
)
STOP_RULE: Final = (
    "Stop if there is sharp, new or increasing pain, giving way, numbness or swelling. Never push a knee to "
    "reach a number on the screen."
)
RED_FLAGS: Final = (
    "See a clinician promptly, and do not use this tool, if the knee is suddenly stuck and will not "
    "straighten, is hot, red or very swollen, you have fever, cannot put weight on it, there was a recent "
    "fall or twist, or the calf is painful and swollen; and ask your surgeon or physiotherapist first after "
    "any knee, hip or back operation."
)
STRAPS: Final = (
    "Straps: intact skin only, not over wounds, varicose veins or external parts of implants; remove if "
    "tingling. Sensors are consumer radio devices; follow the maker's instructions."
)
PRIVACY: Final = (
    "All data stay on this computer. The program makes no network connection except Bluetooth to the "
    "sensors, has no account, telemetry, update check or cloud.",
    "Recordings of a named person's movement and pain are health data (GDPR Art. 9). If you use this with "
    "clients you are the controller: you need a legal basis or explicit consent, a retention period, access "
    "control and disk encryption, and must be able to give, correct and delete the data. Use a code, not a "
    "name.",
)
SAFETY: Final = (STOP_RULE, RED_FLAGS, STRAPS)

SOURCES: Final = (
    "Repetition without any exercise already made active knee extension 6.5° straighter in people with "
    "tight hamstrings, levelling off after 3 to 4 repetitions (Lim and colleagues, n = 19). Hence the "
    "warm-up that is not counted, and the rest block.",
    "Short-lived gains after contract-relax stretching: Spernoga 2001, J Athl Train 36:44 (gone after 6 "
    "min); Youdas 2010, doi:10.3109/09593980903015292.",
    "A reference pose with an entered goniometer angle as the zero: the Outwalk protocol, "
    "doi:10.1007/s11517-009-0545-x.",
    "Hinge axes from gyroscopes and accelerometers: Seel 2014, doi:10.3390/s140406891; Olsson 2020, "
    "doi:10.3390/s20123534. Orientation without magnetometer: Laidig and Seel 2023, "
    "doi:10.1016/j.inffus.2022.10.014.",
    "Smoothness (SPARC): Balasubramanian 2015, doi:10.1186/s12984-015-0090-9; directly on gyroscope rates: "
    "Melendez-Calderon 2021, doi:10.3389/fbioe.2020.558771.",
)


def degrees(value_deg: float) -> str:
    """A size in degrees, for example "6.1°"."""
    return f"{abs(value_deg):.1f}°" if math.isfinite(value_deg) else "an unknown size"


def signed(value_deg: float, digits: int = 1) -> str:
    """A change with its sign, for example "+6.1°"; the minus is typographic."""
    text = f"{value_deg:+.{digits}f}"
    return ("0" + text[2:] if not float(text) else text.replace("-", "−")) + "°"


def position(flexion_deg: float) -> str:
    """Where a knee is, in words: "11.2° short of straight", "straight", "2.0° beyond straight"."""
    if abs(flexion_deg) < 0.05:
        return "straight"
    return f"{degrees(flexion_deg)} {'short of' if flexion_deg > 0 else 'beyond'} straight"


def direction(change_deg: float) -> str:
    """A change in words, positive being straighter."""
    if abs(change_deg) < 0.05:
        return "as straight as before"
    return f"{degrees(change_deg)} {'straighter' if change_deg > 0 else 'less straight'}"


def headline(comparison: Comparison, when: str = "after the session") -> str:
    """The first line of the report: the verdict as one plain sentence.

    Args:
        comparison: of one session, or of two.
        when: the later reading was taken.
    """
    where = "" if comparison.test is None else f", {TEST_TITLES[comparison.test]}"
    if comparison.verdict == "not enough data" or comparison.change_deg is None:
        return f"This recording cannot tell whether the knee straightens further{where}."
    if comparison.verdict == "no detectable change":
        return _undetected(comparison, where, when)
    how = "further" if comparison.verdict == "gained" else "less far"
    size = degrees(comparison.change_deg)
    return f"{when.capitalize()} the knee straightened {size} {how}{where}{_from_to(comparison)}."


def _undetected(comparison: Comparison, where: str, when: str) -> str:
    reading = f"the reading {when} was {direction(comparison.change_deg or 0.0)}"
    doubt = "No detectable change" if _is_small(comparison) else "No change that can be relied on"
    return f"{doubt}{where}: {reading}{_from_to(comparison)}."


def _is_small(comparison: Comparison) -> bool:
    return abs(comparison.change_deg or 0.0) <= (comparison.detectable_change_deg or 0.0)


def _from_to(comparison: Comparison) -> str:
    if comparison.relative or comparison.before is None or comparison.after is None:
        return ""
    before, after = comparison.before.extension_deg, comparison.after.extension_deg
    return f" ({position(before)} before, {position(after)} after)"


def explanation(comparison: Comparison) -> tuple[str, ...]:
    """The sentences after the headline: what stands against it, what can be detected, the rest block."""
    if comparison.verdict == "not enough data":
        return (tidy(comparison.reason),) if comparison.reason else ()
    texts = []
    if comparison.verdict == "no detectable change" and not _is_small(comparison):
        texts.append(tidy(comparison.reason))
    if comparison.detectable_change_deg is not None:
        texts.append(f"This set-up detects changes above {degrees(comparison.detectable_change_deg)}.")
    if comparison.control_change_deg is not None:
        now = direction(comparison.control_change_deg)
        texts.append(f"After the rest beforehand, without exercise, it was {now}.")
        if comparison.net_change_deg is not None:
            texts.append(f"Net of that rest: {direction(comparison.net_change_deg)}.")
    if comparison.verdict in ("gained", "lost"):
        texts.append("The measurement cannot say why it changed.")
    if comparison.relative:
        texts.append("No reference pose was recorded: only the change is known, not how far from straight.")
    return tuple(texts)


def side_sentence(this: str, other: str, found: SideDifference) -> str:
    """Says which of two knees straightens further, or that the data cannot tell, as one plain sentence."""
    low, high = found.ci95_deg
    interval = f"(95 % interval of the difference {signed(low)} to {signed(high)})"
    block = f"{PHASE_TITLES[found.phase].capitalize()}, {TEST_TITLES[found.test]}"
    if low <= 0.0 <= high:
        return (
            f"{block}: no difference between the knees can be told from noise; the {this} one reads "
            f"{signed(found.difference_deg)} against the {other} {interval}."
        )
    how = f"{degrees(abs(found.difference_deg))} {'less' if found.difference_deg > 0 else 'further'}"
    return f"{block}: the {this} knee straightens {how} than the {other} {interval}."


def tidy(text: str) -> str:
    """A sentence of the analysis in the report's spelling: "4.2 deg" becomes "4.2°"."""
    return re.sub(r"(?<=\d) deg\b(?!/)", "°", text)
