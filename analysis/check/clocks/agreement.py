"""Do both sensors keep one clock, and are they on one leg? Asked of the force at the knee.

Both sensors feel the knee's force; its length, seen over time, agrees best where the clocks agree. The lag of
the best agreement is the offset of the clocks, also where it jumps or grows during the session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.check.clocks.course import LEAST_OFFSET_S, ClockCourse, line_through, step_between
from analysis.check.clocks.tissue import LEAST_TISSUE_OFFSET_S, TISSUE_SD_S, tissue_course
from analysis.check.excerpt import RATE_HZ, excerpt
from analysis.check.force import Sides, agreement, at_knee, fit_levers, lengths
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float, ImuSamples

_WINDOWS = 12
_WINDOW_S = 8.0
_SHORT_WINDOW_S = 4.0
_MARGIN_S = 1.2
_STRIDE = 4
_LAGS = (0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 37, 44, 51, 58)  # samples at 50 Hz: up to 1.16 s
# What is left after a correction, and what the best agreement cannot tell.
LAG_SD_S = 0.01
UNSYNCHRONISED_SD_S = 0.1
# Sound recordings agree by 0.84 or more; recordings of two movements by less than 0.5.
_BELONGS = 0.6
_CLEAR = 0.8
# Three windows in a row that agree this well on another lag are looked into.
_HINT = 0.5
_LEAST_FORCE_M_S2 = 0.06
_LITTLE_FORCE_M_S2 = 0.02
# A resting thigh feels less than 0.04 m/s^2 of the swinging shank, and still some window agrees.
_STRANGE_FORCE_M_S2 = 0.055
_STRANGE = 0.55
# A shorter recording is not refused by what two or three windows say.
_MANY_S = 30.0
_MUCH_FORCE_M_S2 = 0.1
# Independent looks in a second of movement, and how much likelier (in log units) a lag must be.
_LOOKS_HZ = 2.0
_CLEAR_GAIN = 8.0
_SLOPES = tuple(sign * k * 0.005 for k in range(1, 7) for sign in (1, -1))
_LONG_ENOUGH_S = 30.0
# By how much a slope or a jump has to agree better than the simpler explanation.
_BETTER = 0.02
_SEARCH_S = 12.0
_FEW = 3


@dataclass(frozen=True, eq=False, slots=True)
class Clocks:
    """What was found about the clocks.

    Attributes:
        shank: with the times corrected, where that was clear; else as it was.
        findings: what was found.
        lag_sd_s: one sigma of the offset that may be left between the sensors.
        checked: whether the movement could tell at all.
    """

    shank: ImuSamples
    findings: tuple[Finding, ...]
    lag_sd_s: float
    checked: bool


def check_clocks(thigh: ImuSamples, shank: ImuSamples) -> Clocks:
    """Finds and corrects an offset, a jump or a slope between the clocks of both sensors.

    Args:
        thigh, shank: finite samples in order of time, of one strapping.
    """
    found = _best_constant(thigh, shank)
    if found is None:
        return _by_tissue(thigh, shank)
    if found.is_sound:
        return Clocks(shank, (), LAG_SD_S, checked=True)
    course = ClockCourse.constant(found.lag_s)
    if found.strangers:
        return Clocks(shank, (_apart(found),), LAG_SD_S, checked=True)
    if found.force_m_s2 < _MUCH_FORCE_M_S2 and found.rho < _CLEAR:
        by_tissue = _by_tissue(thigh, shank)
        if by_tissue.checked or found.force_m_s2 < _LEAST_FORCE_M_S2:
            return by_tissue
    if not found.constant or found.rho < _CLEAR:
        # The pooled agreement rests on the strongest windows; a jump may show in the weaker ones alone.
        course, found = _varying(thigh, shank, found)
    if found.rho < _BELONGS and found.force_m_s2 > _MUCH_FORCE_M_S2 and found.seconds >= _MANY_S:
        return Clocks(shank, (_apart(found),), LAG_SD_S, checked=True)
    if not found.clear or course.largest_s < LEAST_OFFSET_S:
        if found.rho < _CLEAR and found.quick_m_s2 > _MUCH_FORCE_M_S2:
            return Clocks(shank, (_doubtful(found),), UNSYNCHRONISED_SD_S, checked=True)
        return Clocks(shank, (), LAG_SD_S, checked=found.rho >= _CLEAR)
    return Clocks(course.corrected(shank), (course.finding(),), LAG_SD_S, checked=True)


def _by_tissue(thigh: ImuSamples, shank: ImuSamples) -> Clocks:
    """Where the thigh feels too little of the knee's force."""
    course = tissue_course(thigh, shank)
    if course is None:
        return Clocks(shank, (), LAG_SD_S, checked=False)
    if course.largest_s < LEAST_TISSUE_OFFSET_S:
        return Clocks(shank, (), TISSUE_SD_S, checked=True)
    return Clocks(course.corrected(shank), (course.finding(),), TISSUE_SD_S, checked=True)


def _apart(found: _Agreement) -> Finding:
    text = (
        f"The two sensors do not feel the same knee (agreement {found.rho:.2f}, where one leg gives 0.85 and "
        "more): these seem to be recordings of two movements or two legs. Check that both belong together."
    )
    return Finding("not_together", None, None, text, "refuse")


def _doubtful(found: _Agreement) -> Finding:
    text = (
        f"How well the clocks of the two sensors agree could not be told (agreement {found.rho:.2f}): "
        "the band of the angle is widened during movement."
    )
    return Finding("clock_doubtful", None, None, text, "widen")


@dataclass(frozen=True, eq=False, slots=True)
class _Agreement:
    """The best lag of a set of windows.

    Attributes:
        lag_s: the best constant lag; positive = the shank's times are late.
        rho, rho_zero: agreement there and without any lag.
        seconds: of movement looked at.
        force_m_s2: standard deviation of the force's length, of the sensor that feels more.
        quick_m_s2: of the sensor that feels less, without what changes slowly: an accelerometer that is out
            of calibration feels another length in every posture.
        start_s: (m,) of the windows.
        local_s, local_rho, local_force: (m,) the best lag of each window, its agreement, the lesser force.
        levers: (6,) that go with the best lag.
    """

    lag_s: float
    rho: float
    rho_zero: float
    seconds: float
    force_m_s2: float
    quick_m_s2: float
    start_s: Float
    local_s: Float
    local_rho: Float
    local_force: Float
    levers: Float

    @property
    def informative(self) -> Float:
        """(m,) windows whose own lag can be believed."""
        return np.asarray((self.local_rho > _CLEAR) & (self.local_force > _LEAST_FORCE_M_S2))

    @property
    def strangers(self) -> bool:
        """Whether no window at any lag shows a common force, though there was some."""
        some = self.force_m_s2 > _STRANGE_FORCE_M_S2 and self.seconds >= _MANY_S
        return some and bool((self.local_rho < _STRANGE).all())

    @property
    def constant(self) -> bool:
        """Whether all windows agree on one lag, also those that by themselves would say little."""
        if (np.abs(self.local_s - self.lag_s)[self.informative] >= LEAST_OFFSET_S).any():
            return False
        lags = self.local_s[self.local_rho > _HINT] - self.lag_s
        in_a_row = (
            np.lib.stride_tricks.sliding_window_view(lags, _FEW) if len(lags) >= _FEW else np.zeros((0, 1))
        )
        elsewhere = np.abs(in_a_row).min(axis=1) > 2 * LEAST_OFFSET_S
        return not bool((elsewhere & (np.ptp(in_a_row, axis=1) < 2 * LEAST_OFFSET_S)).any())

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing to correct."""
        return self.rho >= _CLEAR and abs(self.lag_s) < LEAST_OFFSET_S and self.constant

    @property
    def clear(self) -> bool:
        """Whether the lag is beyond doubt."""
        gain = np.log((1 - self.rho_zero**2) / max(1 - self.rho**2, 1e-6)) / 2
        return bool(gain * self.seconds * _LOOKS_HZ > _CLEAR_GAIN)


def _windows(thigh: ImuSamples, shank: ImuSamples) -> Sides | None:
    for length_s in (_WINDOW_S, _SHORT_WINDOW_S):
        windows = excerpt(thigh, shank, _WINDOWS, length_s, _MARGIN_S)
        if len(windows.start_s) >= 2:
            return Sides.of(windows)
    return None


def _best_constant(thigh: ImuSamples, shank: ImuSamples) -> _Agreement | None:
    sides = _windows(thigh, shank)
    return None if sides is None else _scan(sides)


def _scan(sides: Sides) -> _Agreement:
    """The levers are fitted anew at every lag, else those of a wrong lag would speak for it."""
    m = len(sides.start_s)
    start = fit_levers(sides, np.zeros(m), np.zeros(6), 6, _STRIDE)
    best: tuple[float, int, Float] = (-2.0, 0, start)
    zero = 0.0
    for sign in (1, -1):
        levers = start
        for lag in _LAGS:
            if lag == 0 and sign < 0:
                continue
            shift = sign * lag
            levers = fit_levers(sides, np.full(m, shift), levers, 2, _STRIDE)
            rho = _pooled(sides, levers, shift)
            zero = rho if lag == 0 else zero
            if rho > best[0]:
                best = (rho, shift, levers)
    levers = fit_levers(sides, np.full(m, best[1]), best[2], 4)
    curve, thigh_sd, shank_sd = agreement(sides, levers)
    force = np.minimum(np.maximum(thigh_sd, shank_sd), 1.0)
    weight = force**2
    pooled = (curve * weight[:, None]).sum(axis=0) / max(float(weight.sum()), 1e-9)
    around = slice(max(best[1] + sides.margin - 3, 0), best[1] + sides.margin + 4)
    peak = around.start + int(np.argmax(pooled[around]))
    local = curve.argmax(axis=1)
    window = np.arange(m)
    return _Agreement(
        lag_s=(_vertex(pooled, peak) - sides.margin) / RATE_HZ,
        rho=float(pooled[peak]),
        rho_zero=zero,
        seconds=m * sides.thigh.shape[1] / RATE_HZ,
        force_m_s2=float(np.sqrt(np.mean(np.maximum(thigh_sd, shank_sd) ** 2))),
        quick_m_s2=_quick(sides, levers, best[1]),
        start_s=sides.start_s + sides.thigh.shape[1] / RATE_HZ / 2,
        local_s=_tops_s(curve, sides.margin),
        local_rho=curve[window, local],
        local_force=np.minimum(thigh_sd, shank_sd),
        levers=levers,
    )


def _pooled(sides: Sides, levers: Float, lag: int) -> float:
    """Correlation of the lengths over all windows; a window of impacts does not outweigh the others."""
    rows = sides.rows(lag)
    shank, gain = sides.shank[:, rows][:, ::_STRIDE], sides.shank_gain[:, rows][:, ::_STRIDE]
    n1 = lengths(at_knee(sides.thigh[:, ::_STRIDE], sides.thigh_gain[:, ::_STRIDE], levers[:3]))
    n2 = lengths(at_knee(shank, gain, levers[3:]))
    n1, n2 = n1 - n1.mean(axis=1, keepdims=True), n2 - n2.mean(axis=1, keepdims=True)
    s1, s2 = (n1**2).mean(axis=1), (n2**2).mean(axis=1)
    weight = np.minimum(np.maximum(s1, s2), 1.0)
    rho = (n1 * n2).mean(axis=1) / np.sqrt(s1 * s2 + 1e-9)
    return float((rho * weight).sum() / max(float(weight.sum()), 1e-9))


def _quick(sides: Sides, levers: Float, lag: int) -> float:
    """The lesser standard deviation of the two lengths about their moving mean over a second."""
    rows, size = sides.rows(lag), round(RATE_HZ)
    spreads = []
    for force, gain, lever in (
        (sides.thigh, sides.thigh_gain, levers[:3]),
        (sides.shank[:, rows], sides.shank_gain[:, rows], levers[3:]),
    ):
        length = lengths(at_knee(force, gain, lever))
        total = np.cumsum(np.pad(length, ((0, 0), (1, 0))), axis=1)
        slow = (total[:, size:] - total[:, :-size]) / size
        spreads.append(float((length[:, size // 2 : size // 2 + slow.shape[1]] - slow).std()))
    return min(spreads)


def _tops_s(curves: Float, margin: int) -> Float:
    """(m,) the lag of the best agreement of each curve (m, 2 margin + 1)."""
    return np.array([_vertex(c, int(c.argmax())) - margin for c in curves]) / RATE_HZ


def _vertex(curve: Float, peak: int) -> float:
    """The top of the parabola through a peak and its neighbours."""
    if not 0 < peak < len(curve) - 1:
        return float(peak)
    low, top, high = curve[peak - 1 : peak + 2]
    bend = low - 2 * top + high
    return peak + (0.5 * float(np.clip((low - high) / bend, -1.0, 1.0)) if bend < 0 else 0.0)


def _varying(thigh: ImuSamples, shank: ImuSamples, first: _Agreement) -> tuple[ClockCourse, _Agreement]:
    """The best of a slope and a jump, where no constant lag fits; each is judged by what is left after it."""
    best: tuple[ClockCourse, _Agreement] = (ClockCourse.constant(first.lag_s), first)
    for propose in (_with_jump, _with_slope):
        course = propose(thigh, shank, best[1])
        if course is None:
            continue
        left = _best_constant(thigh, course.corrected(shank))
        steadier = left is not None and left.constant and not best[1].constant
        if left is not None and left.rho > best[1].rho + (0.0 if steadier else _BETTER):
            if abs(left.lag_s) < _MARGIN_S / 2:
                course = replace(course, first_s=course.first_s + left.lag_s)
            best = (course, replace(left, rho_zero=first.rho_zero))
    return best


def _with_slope(thigh: ImuSamples, shank: ImuSamples, first: _Agreement) -> ClockCourse | None:
    """A clock that runs fast or slow; the windows' own lags then tell how much exactly."""
    start_s, stop_s = float(thigh.time_s[0]), float(thigh.time_s[-1])
    if stop_s - start_s < _LONG_ENOUGH_S:
        return None
    best: tuple[ClockCourse, _Agreement] | None = None
    for slope in _SLOPES:
        course = ClockCourse(0.0, slope, start_s, stop_s)
        found = _best_constant(thigh, course.corrected(shank))
        if found is not None and found.rho > (first.rho if best is None else best[1].rho):
            best = (replace(course, first_s=found.lag_s), found)
    if best is None:
        return None
    course, found = best
    use = found.informative
    if np.count_nonzero(use) >= _FEW:
        slope, offset_s = line_through(found.start_s[use] - start_s, found.local_s[use])
        course = replace(course, first_s=offset_s, slope=course.slope + slope)
    return course


def _with_jump(thigh: ImuSamples, shank: ImuSamples, first: _Agreement) -> ClockCourse | None:
    """A clock that jumped once: one lag before, another one after.

    The windows of the beginning and of the end are looked at by themselves, since levers fitted over a jump
    fit neither side.
    """
    sides = _windows(thigh, shank)
    if sides is None or len(sides.start_s) < 2 * _FEW:
        return None
    m = len(sides.start_s)
    size = max(2, m // 4)
    parts = [_scan(sides.part(slice(k, k + size))) for k in range(0, m - size + 1, size)]
    sharp = [p for p in parts if p.rho > _CLEAR]
    if not sharp:
        return None
    levers = max(sharp, key=lambda p: p.rho).levers
    curve, thigh_sd, shank_sd = agreement(sides, levers)
    local_s = _tops_s(curve, sides.margin)
    use = (curve.max(axis=1) > _HINT) & (np.maximum(thigh_sd, shank_sd) > _LITTLE_FORCE_M_S2)
    if np.count_nonzero(use) < _FEW + 2:
        return None
    middle_s = sides.start_s + sides.thigh.shape[1] / RATE_HZ / 2
    split_s, before_s, after_s = step_between(middle_s[use], local_s[use])
    if abs(after_s - before_s) < LEAST_OFFSET_S:
        return None
    course = ClockCourse(before_s, jump_at_s=split_s, jump_s=after_s - before_s)
    return _placed(course, thigh, shank, levers)


def _placed(course: ClockCourse, thigh: ImuSamples, shank: ImuSamples, levers: Float) -> ClockCourse:
    """Puts the jump where the shank's own times jump, or else where the agreement changes sides."""
    near = np.flatnonzero(np.abs(shank.time_s - course.jump_at_s) < _SEARCH_S)
    if len(near) < 3:
        return course
    steps = np.diff(shank.time_s[near])
    odd = int(np.argmax(np.abs(steps - np.median(steps))))
    usual = float(np.median(steps))
    if abs(steps[odd] - usual) > max(2.0 * usual, 0.5 * abs(course.jump_s)):
        return replace(course, jump_at_s=float(shank.time_s[near[odd + 1]]) - usual / 2)
    # A jump back leaves no gap but times that repeat; reading the session has put them in order. The windows
    # on both sides are then the best there is.
    start_s = course.jump_at_s - _SEARCH_S
    part = excerpt(
        _between(thigh, start_s, start_s + 2 * _SEARCH_S), shank, 1, 2 * _SEARCH_S - 3.0, _MARGIN_S
    )
    if not len(part.start_s):
        return course
    sides = Sides.of(part)
    lags = np.rint(np.array([course.first_s, course.first_s + course.jump_s]) * RATE_HZ).astype(int)
    if np.abs(lags).max() > sides.margin:
        return course
    n1 = lengths(at_knee(sides.thigh, sides.thigh_gain, levers[:3]))[0]
    n2 = lengths(at_knee(sides.shank, sides.shank_gain, levers[3:]))[0]
    wrong = [np.abs(n1 - n2[sides.rows(int(lag))]) for lag in lags]
    cost = np.cumsum(wrong[0] - wrong[1])
    return replace(course, jump_at_s=float(part.start_s[0]) + int(np.argmin(cost)) / RATE_HZ)


def _between(samples: ImuSamples, start_s: float, stop_s: float) -> ImuSamples:
    first, last = np.searchsorted(samples.time_s, (start_s, stop_s))
    return samples[int(first) : int(last)]
