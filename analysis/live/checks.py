"""The checks of `analysis/check` while a session runs: over the newest samples, again and again.

What needs seconds (a sensor that freezes, a dead axis, another unit) is checked every two seconds; what needs
movement (scales, clocks, two sensors on one leg) in turn every ten, over the last minute. Findings go away by
themselves once the fault is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from analysis.check.channels import check_channels
from analysis.check.clocks import check_clocks
from analysis.check.scale import check_both, check_one
from firmware_bridge.findings import CONSEQUENCES, Finding, unique
from firmware_bridge.samples import ImuSamples, Segment

QUICK_S: Final = 2.0
QUICK_WINDOW_S: Final = 12.0
SLOW_S: Final = 10.0
SLOW_WINDOW_S: Final = 60.0
_LEAST_WINDOW_S: Final = 20.0
_LEAST_SAMPLES: Final = 50
_REPEATS_S: Final = 0.1
# Kinds that a minute may show by chance; they are left to the analysis of the whole recording.
_LATER: Final = ("scale_changed", "clock_doubtful", "negated")


@dataclass(slots=True)
class _Stream:
    """The newest samples of one sensor, and the row that it may be repeating."""

    chunks: list[ImuSamples] = field(default_factory=list)
    row: tuple[float, ...] = ()
    since_s: float = 0.0

    def keep(self, samples: ImuSamples) -> None:
        self.chunks.append(samples)
        oldest_s = float(samples.time_s[-1]) - SLOW_WINDOW_S
        while len(self.chunks) > 1 and float(self.chunks[0].time_s[-1]) < oldest_s:
            self.chunks.pop(0)

    def window(self, seconds: float) -> ImuSamples | None:
        """The last so many seconds; None where there are too few samples."""
        if not self.chunks:
            return None
        from_s = float(self.chunks[-1].time_s[-1]) - seconds
        samples = ImuSamples.concatenate([c for c in self.chunks if float(c.time_s[-1]) >= from_s])
        return samples if len(samples) >= _LEAST_SAMPLES else None


@dataclass(slots=True)
class _Twice:
    """Findings of a check that may be wrong about one minute: reported once two checks in a row agree."""

    newest: tuple[Finding, ...] = ()
    reported: tuple[Finding, ...] = ()

    def take(self, findings: Iterable[Finding]) -> None:
        before = {f.kind for f in self.newest}
        self.newest = tuple(f for f in findings if f.kind not in _LATER)
        self.reported = tuple(f for f in self.newest if f.kind in before)


class LiveChecks:
    """The findings about the newest samples of both sensors.

    Attributes:
        findings: of the newest checks, those that matter most first.
    """

    def __init__(self) -> None:
        self._streams = {segment: _Stream() for segment in Segment}
        self._quick: tuple[Finding, ...] = ()
        self._clocks, self._scales = _Twice(), _Twice()
        self._clocks_next = True
        self._quick_s = self._slow_s = 0.0
        self.findings: tuple[Finding, ...] = ()

    def restart(self) -> None:
        """Drops all samples and what was found in both sensors together, as after strapping on anew."""
        self._clocks, self._scales = _Twice(), _Twice()
        self._streams = {segment: _Stream() for segment in Segment}

    def pass_on(self, segment: Segment, samples: ImuSamples) -> ImuSamples:
        """Keeps the samples for the checks, and returns those that are measurements.

        A row that repeats the one before for more than 0.1 s, or holds nothing but zeros, is none.
        """
        if not len(samples):
            return samples
        stream = self._streams[segment]
        stream.keep(samples)
        values = np.column_stack((samples.acc_m_s2, samples.gyr_rad_s))
        repeats = np.zeros(len(values), dtype=bool)
        repeats[1:] = (values[1:] == values[:-1]).all(axis=1)
        repeats[0] = tuple(values[0].tolist()) == stream.row
        begun_s = np.where(repeats, -np.inf, samples.time_s)
        begun_s[0] = stream.since_s if repeats[0] else begun_s[0]
        begun_s = np.maximum.accumulate(begun_s)
        stream.row, stream.since_s = tuple(values[-1].tolist()), float(begun_s[-1])
        measured = ~(repeats & (samples.time_s - begun_s > _REPEATS_S)) & values.any(axis=1)
        return samples if measured.all() else samples[measured]

    def check(self, now_s: float) -> tuple[Finding, ...]:
        """The findings at `now_s` of the session clock; computes only what is due."""
        if now_s - self._quick_s >= QUICK_S:
            self._quick_s = now_s
            self._quick = tuple(self._of_each())
        if now_s - self._slow_s >= SLOW_S:
            self._slow_s = now_s
            self._of_both()
        self.findings = worst_first([*self._quick, *self._clocks.reported, *self._scales.reported])
        return self.findings

    def _of_each(self) -> Iterable[Finding]:
        for segment, stream in self._streams.items():
            samples = stream.window(QUICK_WINDOW_S)
            if samples is None:
                continue
            channels = check_channels(samples, segment)
            yield from channels.findings
            if len(channels.samples) >= _LEAST_SAMPLES:
                yield from check_one(channels.samples, segment).findings

    def _of_both(self) -> None:
        windows = [stream.window(SLOW_WINDOW_S) for stream in self._streams.values()]
        if any(w is None or w.time_s[-1] - w.time_s[0] < _LEAST_WINDOW_S for w in windows):
            return
        thigh, shank = (
            check_channels(w, segment).samples
            for segment, w in zip(self._streams, windows, strict=True)
            if w is not None
        )
        # One of the two at a time, so that no poll takes longer than it must.
        if self._clocks_next:
            clocks = check_clocks(thigh, shank)
            self._clocks.take(_of_clocks(f, clocks.shank, shank) for f in clocks.findings)
        elif not self._clocks.newest:
            # Clocks apart look like wrong scales.
            self._scales.take(check_both(thigh, shank).findings)
        self._clocks_next = not self._clocks_next


def _of_clocks(finding: Finding, corrected: ImuSamples, shank: ImuSamples) -> Finding:
    """The same with a sentence for the live angle, which is not corrected as the recording is."""
    if finding.kind != "clock_offset":
        return finding
    late_s = float(shank.time_s[-1] - corrected.time_s[-1])
    text = (
        f"The shin's samples come {abs(late_s):.2f} s too {'late' if late_s > 0 else 'early'}: the live "
        "angle is wrong while the knee moves. The analysis afterwards corrects that."
    )
    return replace(finding, sentence=text, consequence="widen")


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, those with the gravest consequence first."""
    return tuple(sorted(unique(findings), key=lambda f: CONSEQUENCES.index(f.consequence)))
