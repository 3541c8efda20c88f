"""Every constant that a choice was made about, in one place, with how it was chosen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AngleParameters:
    """Constants of the angle estimation, independent of the sample rate.

    Attributes:
        max_gap_s: gaps up to this length are filled, in longer ones there is no angle.
        max_carried_gap_s: gaps up to this length are filled for the attitude: a leg moves smoothly enough.
        gravity_tau_s: time constant of the gravity filter (cut-off sqrt(2) / (2 pi tau)).
        knot_s: spacing of the slow quantities (gravity, heading).
        gyro_floor_rad_s: standard deviation assumed of any comparison of rates, at rest.
        turn_share, length_share, main_share: what the speed adds to it, for the residuals of those names.
        rise_sd: standard deviation assumed of the difference of the two axes' rise (sine of an angle).
        level_sd: of the rise itself while the leg is upright.
        plan_sd: of the two axes' directions seen from above; a systematic error, hence large.
        upright_hinge_level: the level part of the axis below which it counts as upright.
        axis_information: how many independent looks at the axes a recording is worth: what disturbs them
            (skin, a knee that is no hinge) repeats with every swing.
        wobble_rad, wobble_s: how far the hinge's direction wobbles about the drifting heading, and for how
            long one wobble lasts.
        tilt_rad: how far the two rises of the hinge differ.
        wander_rad: what is left of the gyros' bias turns the heading this far in the first second.
        skin_wander_rad: the same for the heading of the forces, which skin disturbs.
        force_s: for how long one disturbance of the forces lasts.
        follow_s: the momentary direction is averaged over about this long: impacts are shorter, steps longer.
        follow_level: level part of the hinge at which half of its momentary direction is followed.
        skin_rad, skin_share: one sigma of skin and muscle under the sensors, at the zero posture and per
            radian of flexion from it.
        jolt_share: how much of the forces' disagreement at the knee, as an angle, is an error of the angle
            while the leg moves fast.
        least_jolt_rad: what that error is at least.
        max_axis_knots: at most this many instants enter the final search for the axes.
        search_knots: at most this many enter the search from many starts.
    """

    max_gap_s: float = 0.1
    max_carried_gap_s: float = 0.25
    gravity_tau_s: float = 2.0
    knot_s: float = 0.1
    gyro_floor_rad_s: float = 0.1
    turn_share: float = 0.25
    length_share: float = 0.15
    main_share: float = 1.0
    rise_sd: float = 0.05
    level_sd: float = 0.05
    plan_sd: float = 1.0
    upright_hinge_level: float = 0.4
    axis_information: float = 60.0
    wobble_rad: float = 0.087
    wobble_s: float = 1.0
    tilt_rad: float = 0.035
    wander_rad: float = 0.007
    skin_wander_rad: float = 0.017
    force_s: float = 0.3
    follow_s: float = 1.0
    follow_level: float = 0.4
    skin_rad: float = 0.0035
    skin_share: float = 0.0085
    jolt_share: float = 0.8
    least_jolt_rad: float = 0.006
    max_axis_knots: int = 3000
    search_knots: int = 800


DEFAULTS = AngleParameters()
