"""Every constant that a choice was made about, in one place, with how it was chosen.

Three ways, said below for each:
- physics: from sensors, anatomy or the movement, before any error was looked at;
- crossed: from several values, one that two of three independent sources prefer, and the third does not
  mind: cutting movements and a walk with optical references, treadmill walks of four people with the
  vendor's fusion. No value was kept because one recording gained by it. Most are flat: halving or doubling
  them changes no error by more than 0.05 deg;
- simulated: on simulated sessions with seeds that no test and no benchmark uses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot


@dataclass(frozen=True, slots=True)
class AngleParameters:
    """Constants of the angle estimation, independent of the sample rate.

    Attributes:
        max_gap_s: in longer gaps there is no angle. The contract of the session format.
        max_carried_gap_s: gaps up to this length are filled for the attitude. Physics: a cubic through a
            quarter of a second of leg movement (below 3 Hz) errs by hundredths of a degree.
        gravity_tau_s: time constant of the gravity filter, cut-off sqrt(2) / (2 pi tau). Crossed: with the
            force taken at the knee, 1 to 10 s differ by less than 0.05 deg; 2 s forgives bias and lag.
        knot_s: spacing of the slow quantities. Crossed: 0.05 to 0.1 s do not differ; the cheapest.
        gyro_floor_rad_s: standard deviation assumed of any comparison of rates, at rest; slower than this
            a posture counts as held. Physics: limbs sway and skin moves by some degrees a second.
            Simulated: drawing that line anywhere from 0.05 to 1 rad/s changes errors by less than 0.1 deg.
        turn_share, length_share: what the speed adds to it, for the residuals of those names. Physics: the
            knee turns off its hinge by 15 to 25 % of its rate; crossed between 0.15 and 0.4: no matter.
        main_share: the same for the residual `main`, so weak that it only decides where all else is blind.
        rise_sd: standard deviation assumed of the difference of the two axes' rise (sine of an angle).
            Physics: about 3 deg of ab- and adduction; crossed between 0.03 and 0.08: no matter.
        level_sd: of the rise itself while the leg is upright. Physics: the joint line is level within
            3 deg; crossed: leaving it out costs 0.2 and 0.1 deg on the two optical references and 0.4 deg
            on the worst treadmill leg, and gains nothing.
        plan_sd: of the two axes' directions seen from above. Physics: a systematic error, hence large.
            Simulated: helps in slow swings of a resting thigh; crossed: 0.6 to 2 do not differ elsewhere.
        upright_hinge_level: the level part of the axis below which it counts as upright. Physics: there
            3 deg of rise become 7 deg of direction.
        axis_information: how many independent looks at the axes a recording is worth, because what
            disturbs them (skin, a knee that is no hinge) repeats with every swing. Simulated: 130 makes the
            errors of the axes agree with their covariance; halved for people.
        wobble_rad, wobble_s: how far the hinge's direction wobbles about the drifting heading, and for how
            long one wobble lasts. Physics: 5 deg of knee rotation within a step.
        tilt_rad: how far the two rises of the hinge differ. It stays so while a posture lasts, so on a nearly
            upright hinge it is a wrong heading that no patience mends. Physics: 2 deg.
        wander_rad: how far the heading wanders in one second, by the noise of the gyros. Physics: 0.03 deg.
        bias_walk_rad_s: how far their bias wanders in one second. Physics: 0.01 deg/s in a minute.
        skin_wander_rad: how far a direction that skin disturbs wanders in one second. Physics: a degree.
        force_s: for how long one disturbance of the forces lasts. Physics: a third of a step.
        follow_s: the momentary direction of the hinge is averaged over about this long. Crossed: 0.1 to
            3 s; from 1 s on nothing is gained.
        follow_level: level part of the hinge at which half of its momentary direction is followed.
            Simulated: 0.3 to 0.5 do not differ.
        off_hinge_share: one sigma of the angle for each radian that the two sensors' views of the hinge lie
            apart (RMS), and once more for each radian of flexion from the zero posture: what moves off the
            hinge, by skin or in the knee, moves about it too, unseen. Crossed: 0.2 was the median on recorded
            people, 0.2 to 0.3 on simulated legs with 2 deg of soft tissue.
        sensor_rad: one sigma that the sensors alone add. Physics: accelerometers are off by 0.03 m/s^2,
            gyros' scales by 0.2 %.
        least_off_hinge_rad: no two sensors are believed to agree better. Physics: 0.1 deg, noise and scale
            of consumer sensors.
        max_axis_knots: at most this many instants enter the final search for the axes. Physics: more
            instants of the same swings tell nothing new.
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
    wander_rad: float = 0.0005
    bias_walk_rad_s: float = 2.4e-5
    skin_wander_rad: float = 0.017
    force_s: float = 0.3
    follow_s: float = 1.0
    follow_level: float = 0.4
    off_hinge_share: float = 0.25
    sensor_rad: float = 0.003
    least_off_hinge_rad: float = 0.0017
    max_axis_knots: int = 3000
    search_knots: int = 800

    def for_hinge(self, off_hinge_rad: float, axes_rad: float) -> AngleParameters:
        """The same for a hinge that was seen to wobble and tilt less than assumed.

        Args:
            off_hinge_rad: how far apart the two sensors see it, RMS.
            axes_rad: one sigma of the direction of one axis against the other. It turns every look at the
                hinge the same way, as a tilt does.
        """
        scale = min(off_hinge_rad / hypot(self.wobble_rad, self.tilt_rad), 1.0)
        tilt_rad = hypot(scale * self.tilt_rad, axes_rad)
        return replace(self, wobble_rad=scale * self.wobble_rad, tilt_rad=tilt_rad)


DEFAULTS = AngleParameters()
