# ruff: noqa: E501 (header lines as programs write them)
"""One recording as every known program would have written it. The header lines are those of real files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from firmware_bridge.samples import ImuSamples, Segment

G = 9.80665
START_S = 1_665_753_886.0
OWN = "time_s,acc_x_m_s2,acc_y_m_s2,acc_z_m_s2,gyr_x_rad_s,gyr_y_rad_s,gyr_z_rad_s"
Both = dict[Segment, ImuSamples]


@dataclass
class Files:
    """Where the files are, what the person types, and what comes of it: tolerances and words."""

    thigh: Path
    shank: Path
    options: dict[str, Any] = field(default_factory=dict)
    time_s: float = 1e-6
    acc: float = 2e-5
    gyr: float = 1e-6
    says: str = ""


def grid(samples: ImuSamples, count: int | None = None) -> ImuSamples:
    """The same samples at exactly 100 a second from 0 on."""
    chosen = samples[slice(count)]
    return ImuSamples(np.arange(len(chosen)) / 100.0, chosen.acc_m_s2, chosen.gyr_rad_s)


def put(path: Path, lines: Sequence[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def rows(*columns: np.ndarray, forms: Sequence[str], sep: str = ",", decimal: str = ".") -> list[str]:
    values = [column if column.ndim == 2 else column[:, None] for column in columns]
    lists = [
        [form % v for v in part.T[i]]
        for part, form in zip(values, forms, strict=True)
        for i in range(part.shape[1])
    ]
    text = [sep.join(cells) for cells in zip(*lists, strict=True)]
    return [line.replace(".", decimal) for line in text] if decimal != "." else text


def each(write: Callable[[Path, ImuSamples, Segment], Path]) -> Callable[[Path, Both], tuple[Path, Path]]:
    def both(folder: Path, samples: Both) -> tuple[Path, Path]:
        thigh, shank = (write(folder / segment.value, samples[segment], segment) for segment in Segment)
        return thigh, shank

    return both


def csv(folder: Path, both: Both, head: str = OWN, sep: str = ",", decimal: str = ".", encoding: str = "utf-8",
        worth: tuple[float, float, float] = (1, 1, 1), end: str = "\n", **more: Any) -> Files:  # fmt: skip
    def one(path: Path, s: ImuSamples, _: Segment) -> Path:
        body = rows(s.time_s / worth[0], s.acc_m_s2 / worth[1], s.gyr_rad_s / worth[2],
                    forms=("%.6f", "%.9f", "%.9f"), sep=sep, decimal=decimal)  # fmt: skip
        heads = [head.replace(",", sep)] if head else []
        return put(path.with_suffix(".csv"), heads + body, encoding, end)

    return Files(*each(one)(folder, both), **more)


def dot(folder: Path, both: Both, *, sync: str = "SyncStatus:,Synced", pad: str = "", sep: str = ",",
        decimal: str = ".", ticks: str = "%d", start: str = "2024-12-09_17:31:07_886 GMT+1",
        rate: bool = True, delta: bool = False, **more: Any) -> Files:  # fmt: skip
    def one(path: Path, s: ImuSamples, _: Segment) -> Path:
        count = np.arange(1, len(s) + 1)
        stamps = 1_020_235_923 + np.round(s.time_s * 1e6).astype(np.int64)
        head = ["sep=" + sep, "DeviceTag:,A", "FirmwareVersion:,3.0.0", "AppVersion:,2023.6.0"]
        head += [sync] if sync else []
        head += ["OutputRate:,100Hz", "FilterProfile:,General"] if rate else []
        head += ["Measurement Mode:,Inertial data Mode - Rate Quantities"] if rate else []
        head = [
            line + pad for line in [*head, f"StartTime:,{start}", "© Movella Technologies B. V. 2005-2024"]
        ]
        names = "PacketCounter,SampleTimeFine," + (
            "dq_W,dq_X,dq_Y,dq_Z,dv[1],dv[2],dv[3]" if delta else "Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z"
        )
        first, second = s.acc_m_s2, np.degrees(s.gyr_rad_s)
        if delta:
            first = Rotation.from_rotvec(s.gyr_rad_s / 100).as_quat(scalar_first=True)
            second = s.acc_m_s2 / 100
        body = rows(
            count, stamps, first, second, forms=("%d", ticks, "%.9f", "%.9f"), sep=sep, decimal=decimal
        )
        return put(
            path.with_suffix(".csv"), [*(line.replace(",", sep) for line in [*head, "", names]), *body]
        )

    return Files(*each(one)(folder, both), **more)


def turned(gyr_rad_s: np.ndarray) -> np.ndarray:
    """The orientations (w, x, y, z) of a sensor that turns so, at 100 rows a second."""
    steps = Rotation.from_rotvec((gyr_rad_s[1:] + gyr_rad_s[:-1]) / 200).as_quat(scalar_first=True)
    w, x, y, z = 1.0, 0.0, 0.0, 0.0
    found = [(w, x, y, z)]
    for a, b, c, d in steps.tolist():
        w, x, y, z = (
            w * a - x * b - y * c - z * d,
            w * b + x * a + y * d - z * c,
            w * c - x * d + y * a + z * b,
            w * d + x * c - y * b + z * a,
        )
        found.append((w, x, y, z))
    return np.array(found)


def mt(folder: Path, both: Both, *, head: Sequence[str], names: str = "PacketCounter", sep: str = "\t",
       quat: bool = False, fine: bool = False, tail: str = "", **more: Any) -> Files:  # fmt: skip
    def one(path: Path, s: ImuSamples, _: Segment) -> Path:
        axes = [f"{q}_{axis}" for q in ("Acc", "Gyr") for axis in "XYZ"]
        columns = [names, *(["SampleTimeFine"] if fine else []), *axes]
        parts: list[np.ndarray] = [1000 + np.arange(len(s)), s.acc_m_s2, s.gyr_rad_s]
        forms = ["%05d", "%.9f", "%.9f"]
        if fine:
            parts.insert(1, np.zeros(len(s)))
            forms.insert(1, "%d")
        if quat:
            columns += [f"Quat_q{i}" for i in range(4)]
            parts.append(turned(s.gyr_rad_s))
            forms.append("%.6f")
        body = rows(*parts, forms=forms, sep=sep)
        return put(
            path.with_suffix(".txt"),
            [*head, sep.join(columns) + tail, *(line + tail for line in body)],
            end="\r\n",
        )

    return Files(*each(one)(folder, both), **more)


def metabase(folder: Path, both: Both, epoch: str = "epoc (ms),timestamp (+0200)", **more: Any) -> Files:
    def one(path: Path, s: ImuSamples, segment: Segment) -> Path:
        stamps = np.round(1000 * (START_S + s.time_s)).astype(np.int64)
        for kind, unit, values in (
            ("Accelerometer", "g", s.acc_m_s2 / G),
            ("Gyroscope", "deg/s", np.degrees(s.gyr_rad_s)),
        ):
            head = f"{epoch},elapsed (s),x-axis ({unit}),y-axis ({unit}),z-axis ({unit})"
            text = [
                f"{stamp},2022-10-14T15.24.46.362,{t:.3f}" for stamp, t in zip(stamps, s.time_s, strict=True)
            ]
            body = [f"{a},{b}" for a, b in zip(text, rows(values, forms=("%.9f",)), strict=True)]
            file = put(path.parent / f"{segment}_{kind}_100.000Hz_1.5.0.csv", [head, *body])
        return file

    return Files(*each(one)(folder, both), **more)


def two(folder: Path, both: Both, acc: tuple[str, str], gyr: tuple[str, str], line: Callable[[ImuSamples, float, float], list[str]], worth: tuple[float, float], **more: Any) -> Files:  # fmt: skip
    """Two files a sensor, (name, header) each; the lines are made of the samples."""

    def one(path: Path, s: ImuSamples, segment: Segment) -> Path:
        for (name, head), values in ((acc, s.acc_m_s2 / worth[0]), (gyr, s.gyr_rad_s / worth[1])):
            later = ImuSamples(s.time_s, values, values)
            file = put(path / name.format(segment), [head, *line(later, 0.0, 0.0)])
        return file

    return Files(*each(one)(folder, both), **more)


def iso(time_s: np.ndarray, sep: str = "T") -> list[str]:
    moments = (datetime.fromtimestamp(START_S + t, UTC) for t in time_s)
    return [m.strftime(f"%Y-%m-%d{sep}%H:%M:%S.") + f"{m.microsecond // 1000:03d}" for m in moments]


def sensor_logger(s: ImuSamples, *_: float) -> list[str]:
    stamps = np.round(1e9 * START_S).astype(np.int64) + np.round(1e9 * s.time_s).astype(np.int64)
    return rows(stamps, s.time_s, s.acc_m_s2[:, ::-1], forms=("%d", "%.9f", "%.9f"))


def polar(s: ImuSamples, *_: float) -> list[str]:
    stamps = 599_616_065_135_175_104 + np.round(1e9 * s.time_s).astype(np.int64)
    body = rows(stamps, s.acc_m_s2, forms=("%d", "%.9f"), sep=";")
    return [f"{moment};{line}" for moment, line in zip(iso(s.time_s), body, strict=True)]


def phyphox(s: ImuSamples, *_: float) -> list[str]:
    return rows(s.time_s, s.acc_m_s2, forms=("%.9E", "%.9E"))


def blue_trident(folder: Path, both: Both) -> Files:
    def one(path: Path, s: ImuSamples, _: Segment) -> Path:
        head = "unix_timestamp_microsec,time_s,ax_m/s/s,ay_m/s/s,az_m/s/s,gx_deg/s,gy_deg/s,gz_deg/s"
        stamps = np.round(1e6 * (START_S + s.time_s)).astype(np.int64)
        body = rows(
            stamps, s.time_s, s.acc_m_s2, np.degrees(s.gyr_rad_s), forms=("%d", "%.4f", "%.9f", "%.9f")
        )
        return put(path.with_name(f"TS-1_{path.name}_lowg.csv"), [head, *body])

    return Files(*each(one)(folder, both))


def x_imu3(folder: Path, both: Both) -> Files:
    def one(path: Path, s: ImuSamples, _: Segment) -> Path:
        head = "Timestamp (us),Gyroscope X (deg/s),Gyroscope Y (deg/s),Gyroscope Z (deg/s),Accelerometer X (g),Accelerometer Y (g),Accelerometer Z (g)"
        stamps = 5_000_000 + np.round(1e6 * s.time_s).astype(np.int64)
        body = rows(stamps, np.degrees(s.gyr_rad_s), s.acc_m_s2 / G, forms=("%d", "%.9f", "%.9f"))
        return put(path / "Inertial.csv", [head, *body])

    return Files(*each(one)(folder, both), says="do not say that the sensors are synchronised")


WIT = "time\tDeviceName\tChipTime()\tAccX(g)\tAccY(g)\tAccZ(g)\tAsX(°/s)\tAsY(°/s)\tAsZ(°/s)\tAngleX(°)"


def witmotion(folder: Path, both: Both) -> Files:
    """Both sensors in one file, nine samples at one moment of arrival, one sensor's packets later."""
    lines: list[tuple[float, str]] = []
    for segment, late in ((Segment.THIGH, 0.0), (Segment.SHANK, 0.03)):
        s = both[segment]
        packet = np.minimum((np.arange(len(s)) // 9 + 1) * 9 - 1, len(s) - 1)
        arrival = s.time_s[packet] + 0.02
        body = rows(
            s.acc_m_s2 / G, np.degrees(s.gyr_rad_s), s.time_s, forms=("%.9f", "%.9f", "%.1f"), sep="\t"
        )
        lines += [
            (t + late, f"{moment}\tWT901({segment})\tnull\t{line}")
            for t, moment, line in zip(arrival, iso(arrival), body, strict=True)
        ]
    path = put(folder / "record.txt", [WIT, *(line for _, line in sorted(lines, key=lambda one: one[0]))])
    return Files(path, path, time_s=0.012, says="moments of arrival")


def apdm(folder: Path, both: Both) -> Files:
    names, units, parts, forms = ["Time"], ["s"], [both[Segment.THIGH].time_s], ["%.9f"]
    for label, segment in (("Right Lower Leg", Segment.SHANK), ("Right Upper Leg", Segment.THIGH)):
        s = both[segment]
        for quantity, unit, values in (
            ("Acceleration", "m/s^2", s.acc_m_s2),
            ("Angular Velocity", "rad/s", s.gyr_rad_s),
        ):
            names += [f"{label}/{quantity}/{axis}" for axis in "XYZ"]
            units += [unit] * 3
            parts.append(values)
            forms.append("%.9f")
    head = ["Test Name:,Walk,,,", "Sample Rate:,100,Hz,,", ",".join(names), ",".join(units)]
    path = put(folder / "trial.csv", [*head, *rows(*parts, forms=forms)])
    return Files(path, path)


MT_OLD = [
    "// Start Time: Unknown",
    "// Update Rate: 100.0Hz",
    "// Filter Profile: human (46.1)",
    "// Firmware Version: 4.3.5",
]
MT_NEW = ["// General information: ", "//  MT Manager version: 2022.2.0 ", "// Device information: ", "//  DeviceId: 00B43DAA",
          "//  Firmware Version: 4.14.0", "// Device settings: ", "//  Filter Profile: human(46.1)", "// Coordinate system: ENU"]  # fmt: skip
MT_MTI = ["// Start Time: 0", "// Sample rate: 100.0Hz", "// Scenario: 5.9", "// Firmware Version: 2.5.1"]
DEG = float(np.pi / 180)
TOML = """
[[time]]
column = "stamp"
unit = "us"
clock = "session"
[acc]
columns = ["a1", "a2", "a3"]
unit = "g"
[gyr]
columns = ["w1", "w2", "w3"]
unit = "deg/s"
"""


def with_toml(folder: Path, both: Both) -> Files:
    found = csv(folder, both, "stamp,a1,a2,a3,w1,w2,w3", worth=(1e-6, G, DEG))
    found.options = {"columns": str(put(folder / "mine.toml", [TOML]))}
    return found


def bursts(folder: Path, both: Both, spacing_s: float = 0.0005, each_: int = 9) -> Files:
    """Arrivals as loggers with a Bluetooth client write them: packets, then nothing for a while."""

    def one(path: Path, s: ImuSamples, segment: Segment) -> Path:
        count = np.arange(len(s)) + (3 if segment is Segment.SHANK else 0)
        last = (count // each_ + 1) * each_ - 1
        arrival = (last - (3 if segment is Segment.SHANK else 0)) / 100 + spacing_s * (count % each_)
        return put(
            path.with_suffix(".csv"),
            [OWN, *rows(arrival, s.acc_m_s2, s.gyr_rad_s, forms=("%.6f", "%.9f", "%.9f"))],
        )

    return Files(*each(one)(folder, both), time_s=0.012, says="moments of arrival")


DIALECTS: dict[str, Callable[[Path, Both], Files]] = {
    "csv": csv,
    "csv, semicolons, decimal comma, byte order mark": lambda f, b: csv(f, b, sep=";", decimal=",", encoding="utf-8-sig"),
    "csv, UTF-16 and tabs": lambda f, b: csv(f, b, sep="\t", encoding="utf-16"),
    "csv, blanks, Windows line ends": lambda f, b: csv(f, b, sep=" ", end="\r\n"),
    "csv, arrival in packets": bursts,
    "csv, one stamp a packet": lambda f, b: bursts(f, b, spacing_s=0.0),
    "csv, two samples a packet": lambda f, b: bursts(f, b, spacing_s=0.0, each_=2),
    "plain, g, deg/s, ms": lambda f, b: csv(
        f, b, "time_ms,ax_g,ay_g,az_g,gx_dps,gy_dps,gz_dps", worth=(1e-3, G, DEG), says="supposed from their names"
    ),
    "plain, no units, us, mg": lambda f, b: csv(
        f, b, "timestamp,accel_x,accel_y,accel_z,gyro_x,gyro_y,gyro_z", worth=(1e-6, G / 1000, DEG), says="by gravity it is deg/s"
    ),
    "named by --columns": lambda f, b: csv(
        f, b, "T,A,B,C,P,Q,R", worth=(1e-3, G, DEG), options={"columns": "time=T:ms; acc=A,B,C:g; gyr=P,Q,R:deg/s"}
    ),
    "no names, by number": lambda f, b: csv(f, b, "", sep="\t", options={"columns": "time=#1; acc=#2,#3,#4; gyr=#5,#6,#7"}, says="by gravity"),
    "named by a TOML file": with_toml,
    "movella-dot": dot,
    "movella-dot, Android SDK": lambda f, b: dot(f, b, pad="," * 17, start="2024-12-09 17:31:07.886 +0100"),
    "movella-dot, Un-synced on one grid": lambda f, b: dot(f, b, sync="SyncStatus:,Un-synced"),
    "movella-dot, on-board": lambda f, b: dot(f, b, sync="", rate=False, pad="," * 17, start="2024-12-09 17:31:07.886 +0100"),
    "movella-dot, saved by a spreadsheet": lambda f, b: dot(f, b, sep=";", decimal=",", pad="," * 9),
    "movella-dot, stamps rounded by a spreadsheet": lambda f, b: dot(f, b, ticks="%.2E", time_s=0.01, says="1.02E+09"),
    "movella-dot, delta quantities": lambda f, b: dot(f, b, delta=True, acc=1e-6, gyr=2e-7),
    "xsens-mt": lambda f, b: mt(f, b, head=MT_OLD),
    "xsens-mt 2022, no rate": lambda f, b: mt(f, b, head=MT_NEW, quat=True, fine=True, says="does not state its rate"),
    "xsens-mt 2022, rate by hand": lambda f, b: mt(f, b, head=MT_NEW, fine=True, options={"rate_hz": 100.0}, says="given by hand"),
    "xsens-mt, commas": lambda f, b: mt(f, b, head=MT_OLD, sep=","),
    "xsens-mt, semicolons": lambda f, b: mt(f, b, head=MT_OLD, sep=";"),
    "xsens-mt, blanks": lambda f, b: mt(f, b, head=MT_OLD, sep=" "),
    "xsens-mt, MTi firmware 2.5": lambda f, b: mt(f, b, head=MT_MTI, names="Counter", tail="\t"),
    "metabase": lambda f, b: metabase(f, b, acc=2e-4, time_s=2e-4, gyr=1e-4),
    "metabase, Android and MetaHub": lambda f, b: metabase(f, b, "epoch (ms),time (01:00)", acc=2e-4, time_s=2e-4, gyr=1e-4),
    "x-imu3": x_imu3,
    "blue-trident": blue_trident,
    "witmotion, both in one file": witmotion,
    "polar-sensor-logger": lambda f, b: two(
        f, b, ("Polar_{}_ACC.txt", "Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg] "),
        ("Polar_{}_GYRO.txt", "Phone timestamp;sensor timestamp [ns];X [dps];Y [dps];Z [dps] "),
        polar, (G / 1000, DEG), time_s=1e-3, says="moments of arrival",
    ),
    "sensor-logger": lambda f, b: two(
        f, b, ("TotalAcceleration.csv", "time,seconds_elapsed,z,y,x"), ("Gyroscope.csv", "time,seconds_elapsed,z,y,x"),
        sensor_logger, (1.0, 1.0), says="by gravity it is m/s2",
    ),
    "sensor-logger, in g": lambda f, b: two(
        f, b, ("AccelerometerUncalibrated.csv", "time,seconds_elapsed,z,y,x"), ("Gyroscope.csv", "time,seconds_elapsed,z,y,x"),
        sensor_logger, (G, 1.0), says="by gravity it is g",
    ),
    "phyphox": lambda f, b: two(
        f, b, ("Accelerometer.csv", '"Time (s)","X (m/s^2)","Y (m/s^2)","Z (m/s^2)"'),
        ("Gyroscope.csv", '"Time (s)","X (rad/s)","Y (rad/s)","Z (rad/s)"'), phyphox, (1.0, 1.0), says="not synchronised",
    ),
    "apdm": apdm,
}  # fmt: skip
