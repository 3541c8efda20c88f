"""The trials that the angle is judged on: recordings of real people, and simulated sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peers import frame, twist_about_z
from scipy.spatial.transform import Rotation

from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose
from firmware_bridge.virtual.leg import Knee
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

POSTURES = {
    "prone": "prone",
    "supine": "supine",
    "standing": "standing",
    "side_lying": "prone",
    "seated": "ake",
}


@dataclass(frozen=True, eq=False)
class Trial:
    """Two streams and what to compare with.

    Attributes:
        reference_deg: (n,) at the thigh's samples or at `reference_s`, NaN where it is not to be trusted;
            None where only the vendor's orientations are known.
        reference_s: (n,) times of the reference, where they are not those of the thigh.
        optical: whether cameras made the reference.
        vendor: orientations of both sensors by the vendor's nine-axis fusion.
    """

    name: str
    thigh: ImuSamples
    shank: ImuSamples
    reference_deg: Float | None = None
    vendor: tuple[Rotation, Rotation] | None = None
    reference_s: Float | None = None
    optical: bool = False
    phases: tuple[PhaseSpan, ...] = ()
    poses: tuple[ReferencePose, ...] = ()

    def reference_along(self, thigh_axis: Float, shank_axis: Float) -> Callable[[Float], Float]:
        """The reference as a function of time; NaN outside and where it is not to be trusted."""
        at = self.thigh.time_s if self.reference_s is None else self.reference_s
        known = self.reference(thigh_axis, shank_axis)
        return lambda time_s: np.interp(time_s, at, known, left=np.nan, right=np.nan)

    def reference(self, thigh_axis: Float, shank_axis: Float) -> Float:
        """The reference angle; the vendor's orientations need axes to be projected on."""
        if self.reference_deg is not None:
            return self.reference_deg
        assert self.vendor is not None
        frames = [Rotation.from_matrix(frame(j)) for j in (thigh_axis, shank_axis)]
        return twist_about_z(frames[0].inv() * self.vendor[0].inv() * self.vendor[1] * frames[1])


def cutting(data: Path) -> Iterator[Trial]:
    """Fan et al. 2021: cutting movements, optical reference."""
    folder = data / "fan2021_cutting_R"
    if not folder.is_dir():
        return
    rows = [
        np.loadtxt(folder / f"{s}_xsens_mt.txt", delimiter="\t", skiprows=6)[1:] for s in ("thigh", "shank")
    ]
    reference = -np.genfromtxt(folder / "reference_visual3d.txt", skip_header=5)[:-1, 1]
    sensors = [_samples(100.0, r[:, 1:4], r[:, 4:7]) for r in rows]
    yield Trial("cutting", *sensors, reference_deg=reference, optical=True)
    # The vendor's own orientations of the same sensors: the time of the optical reference against theirs.
    one, two = (Rotation.from_quat(r[:, 10:14], scalar_first=True) for r in rows)
    yield Trial("cutting, vendor", *sensors, vendor=(one, two))


def walking(data: Path) -> Iterator[Trial]:
    """biomechZoo: laboratory walk, optical reference."""
    folder = data / "biomechzoo_walk_R"
    if not folder.is_dir():
        return
    rows = [np.loadtxt(folder / f"{s}.csv", delimiter=",", skiprows=1) for s in ("thigh", "shank")]
    reference = np.loadtxt(folder / "reference.csv", delimiter=",", skiprows=1)[:, 1]
    sensors = [_samples(100.0, r[:, 1:4], r[:, 4:7]) for r in rows]
    yield Trial("walk", *sensors, reference_deg=reference, optical=True)


def field(data: Path) -> Iterator[Trial]:
    """Pieces of public recordings: people and jigs, cameras and vendors' fusion."""
    for folder in sorted((data / "field_trials").glob("*/")):
        tables = [
            np.genfromtxt(folder / f"{name}.csv", delimiter=",", skip_header=1)
            for name in ("thigh", "shank", "reference")
        ]
        thigh, shank = (ImuSamples(t[:, 0], t[:, 1:4], t[:, 4:7]) for t in tables[:2])
        reference = tables[2]
        optical = folder.name.startswith("jig") or folder.name.endswith("mocap")
        yield Trial(
            folder.name,
            thigh,
            shank,
            reference_deg=reference[:, 1],
            reference_s=reference[:, 0],
            optical=optical,
        )


def treadmill(data: Path) -> Iterator[Trial]:
    """Treadmill walking, normal and with an imitated stiff knee; the vendor's fusion as second opinion."""
    for path in sorted((data / "walk_stiff_knee").glob("*.npz")):
        with np.load(path) as file:
            z = {key: file[key] for key in file.files}
        sensors = [
            _samples(float(z["rate_hz"]), z[f"{s}_acc_m_s2"], z[f"{s}_gyr_rad_s"]) for s in ("thigh", "shank")
        ]
        one, two = (
            Rotation.from_quat(z[f"{s}_vendor_quat_wxyz"], scalar_first=True) for s in ("thigh", "shank")
        )
        yield Trial(path.stem, sensors[0], sensors[1], vendor=(one, two))


@dataclass(frozen=True, eq=False)
class BoardTrial:
    """One sensor on a board.

    Attributes:
        name: of the trial.
        samples: what it felt.
        rate_hz: of the samples.
        up_in_sensor: (n, 3) from the optical reference; NaN where it was lost or the board rested.
    """

    name: str
    samples: ImuSamples
    rate_hz: float
    up_in_sensor: Float


def boards(data: Path) -> Iterator[BoardTrial]:
    """BROAD (Laidig et al. 2021): one sensor turned and moved by hand, optical reference."""
    for path in sorted((data / "broad").glob("*.npz")):
        with np.load(path) as file:
            z = {key: file[key] for key in file.files}
        rate_hz, acc, gyr = float(z["rate_hz"]), z["acc_m_s2"], z["gyr_rad_s"]
        samples = ImuSamples(np.arange(len(acc)) / rate_hz, acc.astype(float), gyr.astype(float))
        up = np.full(acc.shape, np.nan)
        use = z["movement"] & np.isfinite(z["ref_quat_wxyz"]).all(axis=1)
        world_from_sensor = Rotation.from_quat(z["ref_quat_wxyz"][use], scalar_first=True)
        up[use] = world_from_sensor.inv().apply([0.0, 0.0, 1.0])
        yield BoardTrial(path.stem, samples, rate_hz, up)


def simulated(seeds: int, soft_tissue_deg: float | None) -> Iterator[Trial]:
    """Condensed sessions in all postures; None = ideal sensors on a perfect hinge."""
    for posture, test in POSTURES.items():
        for seed in range(1000, 1000 + seeds):
            rigid = soft_tissue_deg is None
            wearing = (
                Wearing.rigid(seed) if soft_tissue_deg is None else Wearing.realistic(soft_tissue_deg, seed)
            )
            script = condensed_session(posture, test, seed=seed)  # type: ignore[arg-type]
            knee = {"knee": Knee()} if rigid else {}
            session = simulate_session(script, wearing, seed=seed, **knee)
            recording = session.recording
            truth = np.interp(recording.thigh.time_s, session.truth.time_s, session.truth.flexion_deg)
            yield Trial(
                posture,
                recording.thigh,
                recording.shank,
                reference_deg=truth,
                phases=recording.phases,
                poses=recording.reference_poses,
            )


def _samples(rate_hz: float, acc: Float, gyr: Float) -> ImuSamples:
    return ImuSamples(np.arange(len(acc)) / rate_hz, acc, gyr)
