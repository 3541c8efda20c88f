"""The trial of a sensor -> the text that its owner sends in; CONTRIBUTING.md says where to."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from firmware_bridge.session.provenance import software_versions
from firmware_bridge.trial import Trial


def sensor_report(trial: Trial, *, simulated: bool = False) -> str:
    """The report as Markdown. It names no person, and no sensor by its address.

    Args:
        trial: what became of the sensor.
        simulated: whether it was a simulated one.
    """
    driver = "" if trial.advertised is None else trial.advertised.driver
    lines = [f"# A sensor tried: {driver or 'no driver'}", ""]
    if simulated:
        lines += ["**A simulated sensor: this says nothing about hardware.**", ""]
    lines += [
        "Model and firmware, as written on it or in its app: ...",
        "",
        "What you did, and what you saw: ...",
        "",
    ]
    for title, rows in (
        ("This computer", _computer()),
        ("Advertised", _advertised(trial)),
        ("Streamed", _streamed(trial)),
        ("Arrivals", _arrivals(trial)),
        ("What happened", (f"{time_s:.1f} s: {text}" for time_s, text in trial.events)),
        ("Refused and repeated", iter(trial.log)),
    ):
        found = list(rows)
        lines += [f"## {title}", "", *(f"- {row}" for row in found or ["nothing"]), ""]
    lines += [f"**It ended early.** {trial.failure}" if trial.failure else "It ran to its end.", ""]
    return "\n".join(lines)


def _computer() -> Iterator[str]:
    versions = software_versions()
    yield from (f"{name} {versions[name]}" for name in ("kneeflex", "bleak", "python") if name in versions)
    yield f"{versions['system']}, {platform.machine()}"


def _advertised(trial: Trial) -> Iterator[str]:
    yield f"other devices in range: {trial.others}"
    seen = trial.advertised
    if seen is None:
        return
    yield f"driver: {seen.driver or 'none knows it'}"
    yield f"name, as far as its driver needs it: {seen.name}"
    yield f"services: {', '.join(seen.service_uuids) or 'none'}"
    yield f"manufacturers: {', '.join(f'{number:#06x}' for number in seen.manufacturer_ids) or 'none'}"
    yield f"signal: {seen.rssi_dbm} dBm"
    if seen.battery_percent is not None:
        yield f"battery: {seen.battery_percent:.0f} %"


def _streamed(trial: Trial) -> Iterator[str]:
    info, status = trial.info, trial.status
    if info is None or status is None:
        return
    yield f"{trial.seconds:.0f} s; the link is {status.state} at the end"
    yield f"firmware, as it says itself: {info.firmware or 'not told'}"
    set_hz, came_hz = _figure(info.nominal_rate_hz), _figure(status.rate_hz)
    yield f"rate: wanted {trial.wanted_rate_hz:g} Hz, set {set_hz} Hz, came {came_hz} Hz"
    yield f"samples: {status.received}; lost {_lost(status.lost, status.lost_estimate)}"
    yield (
        f"twice {status.duplicates}, late {status.late}, not understood {status.garbage}, "
        f"connected again {status.reconnects} times"
    )
    if info.clock is None:
        yield "clock: the sensor sends none"
    else:
        uncertainty_s = status.clock_uncertainty_s
        remains = "unknown" if uncertainty_s is None else f"{1e3 * uncertainty_s:.2f} ms"
        drift_ppm = _figure(status.drift_ppm)
        yield f"clock: {drift_ppm} ppm against this computer, offset that may remain: {remains}"
        counter = "yes" if info.clock.sequence_modulo else "none"
        yield f"counter: {counter}; clock shared with others: {'yes' if info.clock.shared else 'no'}"
    yield f"battery: {'not told' if status.battery_percent is None else f'{status.battery_percent:.0f} %'}"
    if status.problem:
        yield f"its last complaint: {status.problem}"


def _arrivals(trial: Trial) -> Iterator[str]:
    came = trial.arrivals
    if came is None:
        return
    yield f"{came.packets} packets, {came.samples_per_packet:g} samples each (median)"
    yield f"one every {came.interval_ms:.1f} ms (median), the longest pause {came.longest_interval_ms:.0f} ms"
    yield f"force {came.acc_m_s2:.2f} m/s2 (9.81 of a sensor that lies still), median"
    yield f"angular rate {came.gyr_rad_s:.3f} rad/s (near 0 of a sensor that lies still), median"


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"


def _lost(lost: int | None, estimate: int | None) -> str:
    if lost is not None:
        return str(lost)
    return "unknown" if estimate is None else f"about {estimate}, by the rate of arrivals"
