"""What the angle costs: an hour offline, a sample live, memory, import; beside vqf and qmt in one process.

python tests/benchmarks/speed.py                  one hour of two sensors at 100 Hz, best of 5
python tests/benchmarks/speed.py --minutes 10 --repeats 3

The hour is a simulated session of several minutes, repeated with one continuous clock. Times are those of the
processor, and the smallest of the repeats, taken in turns, because the machine is rarely idle. Commands and
many sessions: `commands.py`.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from analysis.angle import estimate_angle
from analysis.angle.causal.live_angle import LiveAngle
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.virtual.sessions import full_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

RATE_HZ = 100.0


def streams(minutes: float) -> tuple[ImuSamples, ImuSamples]:
    """Both sensors, on one grid."""
    n = int(minutes * 60 * RATE_HZ)
    recording = simulate_session(full_session(seed=1), Wearing.realistic(seed=1), seed=1).recording

    def repeated(samples: ImuSamples) -> ImuSamples:
        rows = np.arange(n) % len(samples)
        return ImuSamples(np.arange(n) / RATE_HZ, samples.acc_m_s2[rows], samples.gyr_rad_s[rows])

    return repeated(recording.thigh), repeated(recording.shank)


def offline_contenders(thigh: ImuSamples, shank: ImuSamples) -> dict[str, Callable[[], object]]:
    """Name -> one run from arrays to an angle, or to orientations alone."""
    runs: dict[str, Callable[[], object]] = {"kneeflex, angle and band": lambda: estimate_angle(thigh, shank)}
    try:
        from vqf import VQF, offlineVQF
    except ImportError:
        return runs
    arrays = [(np.ascontiguousarray(s.gyr_rad_s), np.ascontiguousarray(s.acc_m_s2)) for s in (thigh, shank)]
    runs["vqf offline C++, orientations"] = lambda: [offlineVQF(g, a, None, 1 / RATE_HZ) for g, a in arrays]
    runs["vqf online C++, orientations"] = lambda: [VQF(1 / RATE_HZ).updateBatch(g, a) for g, a in arrays]
    return runs


def best_of(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of the fastest repeat, the contenders taking turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: min(values) for name, values in times.items()}


def live_update_us(thigh: ImuSamples, shank: ImuSamples, repeats: int = 5) -> tuple[float, float, float]:
    """Microseconds per sample pair, pushed one by one: median, 99th percentile, and with samples of 10.

    Every repeat does the same work at the same sample, so the smallest time of each sample is its own; what
    is above that comes from elsewhere on the machine.
    """

    def run(chunk: int) -> list[float]:
        live, costs = LiveAngle(RATE_HZ), []
        for start in range(0, len(thigh), chunk):
            one, two = thigh[start : start + chunk], shank[start : start + chunk]
            began = time.thread_time()
            live.push(Segment.THIGH, one)
            live.push(Segment.SHANK, two)
            live.update()
            if live.status.ready:
                costs.append((time.thread_time() - began) * 1e6 / chunk)
        return costs

    single, packets = (np.min([run(chunk) for _ in range(repeats)], axis=0) for chunk in (1, 10))
    return float(np.median(single)), float(np.percentile(single, 99)), float(np.median(packets))


def peak_mib(run: Callable[[], object]) -> float:
    """Largest memory that Python and numpy held during a run, beyond what was held before."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--qmt-minutes", type=float, default=60.0, help="qmt is slow: it gets this much")
    arguments = parser.parse_args()
    thigh, shank = streams(arguments.minutes)
    runs = offline_contenders(thigh, shank)
    seconds = best_of(runs, arguments.repeats)
    reference = seconds.get("vqf offline C++, orientations")
    print(f"{arguments.minutes:.0f} min of two sensors at {RATE_HZ:.0f} Hz, best of {arguments.repeats}:")
    for name, value in seconds.items():
        ratio = f"{value / reference:6.2f} x offline vqf" if reference else ""
        print(f"  {name:34s} {value:7.3f} s {ratio}")
    print(f"  {'peak memory, kneeflex':34s} {peak_mib(runs['kneeflex, angle and band']):7.0f} MiB")
    try:
        from peers import qmt_pipeline
    except ImportError:
        qmt_pipeline = None
    if qmt_pipeline is not None and _installed("qmt"):
        few = int(arguments.qmt_minutes * 60 * RATE_HZ)
        parts = {
            "qmt pipeline": lambda: qmt_pipeline(thigh[:few], shank[:few], RATE_HZ),
            "kneeflex": lambda: estimate_angle(thigh[:few], shank[:few]),
        }
        spent = best_of(parts, 1)
        spent["kneeflex"] = best_of({"kneeflex": parts["kneeflex"]}, 3)["kneeflex"]
        print(
            f"{arguments.qmt_minutes:.0f} min: qmt {spent['qmt pipeline']:.2f} s, "
            f"kneeflex {spent['kneeflex']:.3f} s, {spent['qmt pipeline'] / spent['kneeflex']:.0f} x faster"
        )
    minute = slice(0, int(120 * RATE_HZ))
    median, late, packets = live_update_us(thigh[minute], shank[minute])
    print(
        f"live, a sample pair: median {median:.0f} us, 99 % {late:.0f} us ({late / median:.1f} x); "
        f"in packets of 10: {packets:.0f} us"
    )


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


if __name__ == "__main__":
    main()
