"""How a sensor is worn, and its errors: mounting, soft tissue, noise, bias, clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from firmware_bridge.samples import Float, Segment

_IDENTITY = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Worn:
    """One sensor on one segment.

    Attributes:
        bone_from_sensor: unit quaternion (w, x, y, z), the mounting.
        lever_m: from the segment's proximal joint centre to the sensor, in the frame of a right leg's
            segment; a left leg wears it mirrored.
        soft_tissue_deg: how far the sensor rocks on the bone, at most, about `rocking_axis`: one part
            follows the flexion, one the muscle effort, one the jolts of the shank.
        rocking_axis: (3,) unit vector in the frame of the bone.
        gyr_noise_rad_s, acc_noise_m_s2: standard deviation of a sample.
        gyr_bias_rad_s, acc_bias_m_s2: constant offsets (3,).
        gyr_bias_walk_rad_s: standard deviation that the bias gains in each minute.
        gyr_scale: relative error of the gyroscope's scale.
        clock_ppm: how much faster than true time the sensor's clock runs.
        rate_error: relative error of the sample rate by the sensor's own clock.
        phase_s: true time of the first sample.
        first_tick: of the sensor's microsecond clock at true time 0.
        first_sequence: of the sensor's sample counter.
    """

    lever_m: tuple[float, float, float]
    bone_from_sensor: tuple[float, float, float, float] = _IDENTITY
    soft_tissue_deg: float = 0.0
    rocking_axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    gyr_noise_rad_s: float = 0.0
    acc_noise_m_s2: float = 0.0
    gyr_bias_rad_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    acc_bias_m_s2: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gyr_bias_walk_rad_s: float = 0.0
    gyr_scale: float = 0.0
    clock_ppm: float = 0.0
    rate_error: float = 0.0
    phase_s: float = 0.0
    first_tick: int = 0
    first_sequence: int = 0

    @property
    def clock_rate(self) -> float:
        """Seconds of the sensor's clock in a true second."""
        return 1.0 + self.clock_ppm * 1e-6

    def period_s(self, nominal_hz: float) -> float:
        """The true time from one sample to the next."""
        return 1.0 / (nominal_hz * (1.0 + self.rate_error) * self.clock_rate)


# Lateral, in the distal third of the thigh; on the flat inner side of the shin bone.
THIGH_LEVER_M = (0.02, -0.30, 0.07)
SHANK_LEVER_M = (0.035, -0.16, -0.025)


@dataclass(frozen=True, slots=True)
class Wearing:
    """Both sensors as strapped on."""

    thigh: Worn = field(default_factory=lambda: Worn(THIGH_LEVER_M))
    shank: Worn = field(default_factory=lambda: Worn(SHANK_LEVER_M))

    def __getitem__(self, segment: Segment) -> Worn:
        return self.thigh if segment is Segment.THIGH else self.shank

    @classmethod
    def rigid(cls, seed: int = 0) -> Wearing:
        """Ideal sensors, turned at random, bolted to the bone."""
        rng = np.random.default_rng((seed, 2))
        plain = cls()
        return cls(*(replace(w, bone_from_sensor=_random_rotation(rng)) for w in (plain.thigh, plain.shank)))

    @classmethod
    def realistic(cls, soft_tissue_deg: float = 2.0, seed: int = 0) -> Wearing:
        """Consumer sensors under a strap: noise, bias, drifting clocks, and skin between sensor and bone.

        Noise and bias are those of common consumer parts (0.1 deg/s, 0.05 m/s^2, 0.3 deg/s).
        """
        rng = np.random.default_rng((seed, 3))

        def soften(worn: Worn) -> Worn:
            axis = rng.normal(size=3) * (0.5, 0.5, 1.0)
            return replace(
                worn,
                soft_tissue_deg=soft_tissue_deg,
                rocking_axis=_triple(axis / np.linalg.norm(axis)),
                gyr_noise_rad_s=float(np.deg2rad(0.1)),
                acc_noise_m_s2=0.05,
                gyr_bias_rad_s=_triple(np.deg2rad(rng.normal(0.0, 0.3, 3))),
                acc_bias_m_s2=_triple(rng.normal(0.0, 0.03, 3)),
                gyr_bias_walk_rad_s=float(np.deg2rad(0.01)),
                gyr_scale=float(rng.normal(0.0, 0.002)),
                clock_ppm=float(rng.uniform(-40.0, 40.0)),
                phase_s=float(rng.uniform(0.0, 0.01)),
            )

        rigid = cls.rigid(seed)
        return cls(soften(rigid.thigh), soften(rigid.shank))


def _triple(values: Float) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _random_rotation(rng: np.random.Generator) -> tuple[float, float, float, float]:
    w, x, y, z = (float(v) for v in _unit(rng.normal(size=4)))
    return w, x, y, z


def _unit(vector: Float) -> Float:
    unit: Float = vector / np.linalg.norm(vector)
    return unit
