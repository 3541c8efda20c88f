"""The constants of the angle estimation, each with the way it was chosen.

There are three ways; each attribute names its own:
- physics: from the sensors, anatomy or the movement, before any error was looked at;
- crossed: chosen on two of three independent data sets, and no worse on the third. The three are cutting
  movements and a walk, both with optical references, and treadmill walks of four people with the vendor's
  fusion. No value was kept because it improved one recording. Most are flat: halving or doubling them
  changes no error by more than 0.05 deg;
- simulated: on simulated sessions with seeds that no test and no benchmark uses.

Limits of a single check, priors of a single model and constants of a numerical method (iterations and
tolerances) stay in the file that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import hypot, radians


@dataclass(frozen=True, slots=True)
class BiasParameters:
    """Constants of the gyro bias. Physics, where nothing else is said: noise and drift of consumer gyros.

    Attributes:
        node_s: spacing of the nodes between which the bias is linear in time.
        start_sd_rad_s: standard deviation of the bias before anything is known.
        walk_sd_rad_s: standard deviation of its change from one node to the next.
        rest_s: length of a window of rest.
        rest_sd_rad_s: standard deviation of the mean rate over a window of rest.
        rest_largest_rad_s: largest rate that can be a bias.
        rest_ripple_rad_s, rest_force_m_s2: largest standard deviation of rate and force in a window of rest.
        rest_tilt_rad: largest change of the direction of gravity over such a window.
        held_factor: a limb that is held in the air, not put down, trembles and sways up to this many times
            more.
        held_sd_rad_s: standard deviation of the mean rate over a window of a held limb. Simulated: holds
            differ from the bias by 0.2 deg/s, rounded up here.
        contradiction: a window this many sigma from the present estimate was a slow movement, not rest.
        drift_step_s: length of the steps over which the drift of up in motion is compared.
        correlation: factor on the sigma of such a step. The errors of smoothed steps are correlated, so each
            carries less information than its scatter suggests.
    """

    node_s: float = 120.0
    start_sd_rad_s: float = radians(0.6)
    walk_sd_rad_s: float = radians(0.03)
    rest_s: float = 2.0
    rest_sd_rad_s: float = radians(0.03)
    rest_largest_rad_s: float = radians(3.0)
    rest_ripple_rad_s: float = radians(0.6)
    rest_force_m_s2: float = 0.3
    rest_tilt_rad: float = radians(0.5)
    held_factor: float = 5.0
    held_sd_rad_s: float = radians(0.25)
    contradiction: float = 3.0
    drift_step_s: float = 1.0
    correlation: float = 3.0


@dataclass(frozen=True, slots=True)
class AngleParameters:
    """Constants of the angle estimation, independent of the sample rate.

    Attributes:
        max_gap_s: there is no angle in longer gaps. Fixed by the session format.
        max_carried_gap_s: gaps up to this length are interpolated for the orientation. Physics: a cubic
            through a quarter of a second of leg movement (below 3 Hz) errs by hundredths of a degree.
        gravity_tau_s: time constant of the gravity filter; its cut-off is sqrt(2) / (2 pi tau). Crossed:
            with the force taken at the knee, 1 to 10 s differ by less than 0.05 deg; 2 s tolerates bias
            and clock lag.
        rest_weight: largest weight of the force at rest in that filter, against 1 in motion. Simulated: from
            30 on little changes, because gyro noise and bias limit the weight.
        rest_rate_rad_s, rest_force_m_s2: angular rate, and change of the force within two blocks, at which
            the weight has fallen to 1. Simulated: 0.025 to 0.05 rad/s change the drift of held postures by
            less than 0.01 deg; from 0.1 on they drift more.
        block_s: length of the blocks on which slow quantities are computed. Crossed: 0.05 to 0.1 s do not
            differ; the longest is the cheapest.
        gyro_floor_rad_s: standard deviation assumed of any comparison of rates, at rest; a posture that
            moves more slowly counts as held. Physics: limbs sway and skin moves by some degrees a second.
            Simulated: any value from 0.05 to 1 rad/s changes errors by less than 0.1 deg.
        turn_share, length_share: share of the angular rate that adds to this standard deviation, for the
            residuals of those names. Physics: the knee turns off its hinge by 15 to 25 % of its rate.
            Crossed: 0.15 to 0.4 do not differ.
        main_share: the same for the residual `main`. The weight is so low that this residual only decides
            where all others are blind.
        inclination_sd: standard deviation assumed of the difference between the two axes' inclinations
            (as sines). Physics: about 3 deg of ab- and adduction. Crossed: 0.03 to 0.08 do not differ.
        level_sd: standard deviation of the inclination itself while the leg is upright. Physics: the joint
            line is level within 3 deg. Crossed: without this residual the two optical references lose 0.2
            and 0.1 deg and the worst treadmill leg 0.4 deg; nothing gains.
        plan_sd: standard deviation of the difference between the two axes' directions seen from above.
            Physics: a systematic error, hence large. Simulated: helps in slow swings of a resting thigh.
            Crossed: 0.6 to 2 do not differ elsewhere.
        upright_hinge_level: the hinge counts as upright where the level part of its axis is below this.
            Physics: there, 3 deg of inclination become 7 deg of direction.
        axis_information: number of independent observations of the axes that a recording is worth. It is
            far below the number of samples, because skin and knee disturb every swing in the same way.
            Simulated: 130 makes the errors of the axes agree with their covariance; halved for people.
        wobble_rad, wobble_s: standard deviation and correlation time of the hinge's direction about the
            heading. Physics: 5 deg of knee rotation within a step.
        tilt_rad: standard deviation of the difference between the two inclinations of the hinge. It is
            systematic while a posture lasts, so on a nearly upright hinge it biases the heading, and
            averaging does not reduce it. Physics: 2 deg.
        posture_share: one sigma of the heading of a level hinge, once the body has turned so that the hinge
            stands upright, for each radian of hinge misalignment: what the two sensors see apart has a
            constant part, which this heading holds. Simulated: at 0.9 error and band agree over turns onto
            the side (24 sessions, seeds below 10).
        heading_process_noise_rad: random walk of the heading in one second, from the noise of the gyros.
            Physics: 0.03 deg.
        bias_process_noise_rad_s: random walk of the gyro bias in one second. Physics: 0.01 deg/s a minute.
        skin_process_noise_rad: random walk in one second of a direction that skin disturbs. Physics: 1 deg.
        force_s: correlation time of a disturbance of the forces. Physics: a third of a step.
        follow_s: the momentary direction of the hinge is averaged over about this long. Crossed: 0.1 to
            3 s; from 1 s on nothing is gained.
        follow_level: level part of the hinge at which half of its momentary direction is followed.
            Simulated: 0.3 to 0.5 do not differ.
        misalignment_share: one sigma of the angle for each radian of hinge misalignment (RMS), and once
            more for each radian of flexion from the zero posture. What moves across the hinge, by skin or
            in the knee, also moves about it, where nothing shows it. Crossed: the median was 0.2 on
            recorded people, and 0.2 to 0.3 on simulated legs with 2 deg of soft tissue.
        still_tissue_rad: one sigma of what a muscle that tightens without a movement, or a strap that
            settles, turns a sensor about the hinge, where nothing shows it. Physics: 0.7 deg, a third of the
            2 deg that soft tissue adds to such an angle (Teufl et al. 2018).
        bent_tissue: the same for each radian of flexion from the zero posture. The thigh's skin turns about
            the medio-lateral axis mostly in proportion to flexion (Barre et al. 2017), by some degrees in a
            knee bend (Akbarshahi et al. 2010). Physics: 1 deg, which together with the share of the
            misalignment makes the 2.2 to 2.9 deg that Teufl et al. found in walking.
        effort_tissue_rad: the same for each g by which the force at the knee differs from gravity, up to one.
            Physics: 2 deg. Skin markers against bone pins err by up to 4.4 deg in walking and 13 deg in
            cutting (Benoit et al. 2006).
        machine_misalignment_rad, leg_misalignment_rad: hinge misalignment below which the sensors sit on a
            machine, where nothing yields, and above which all of this is expected. Physics: simulated
            machines show 0.1 deg, jigs moved by hand 0.5, people 2 to 10. A muscle that turns a sensor about
            a perfect hinge shows 0.3 to 0.8 only.
        sample_time_steps: one sigma of the time of a sample, in steps: filters in sensors are late by an
            unknown part of a step. Physics: even within one step, 1 / sqrt(12).
        sensor_rad: one sigma of the angle from the sensors alone. Physics: accelerometers err by
            0.03 m/s^2, the scale of gyros by 0.2 %.
        least_misalignment_rad: smallest hinge misalignment assumed. Physics: 0.1 deg, from the noise and
            scale errors of consumer sensors.
        max_axis_blocks: largest number of blocks in the final search for the axes. Physics: more samples
            of the same swings add no information.
        search_blocks: largest number of blocks in the search from many starts.
        moving_rad_s: half of these blocks are taken from those with a faster movement (sum of both rates).
        candidates: largest number of minima of that search whose knee centre is computed.
        close_misfit: candidates within this factor of the smallest misfit are refined.
        mounting_weight: weight of the tie-break that both sensors are mounted in similar orientation.
        force_bias_m_s2: systematic level force from tilt and bias of the accelerometers. Physics: just
            under 1 deg of tilt.
        bias: of the gyro bias.
    """

    max_gap_s: float = 0.1
    max_carried_gap_s: float = 0.25
    gravity_tau_s: float = 2.0
    rest_weight: float = 100.0
    rest_rate_rad_s: float = 0.035
    rest_force_m_s2: float = 0.3
    block_s: float = 0.1
    gyro_floor_rad_s: float = 0.1
    turn_share: float = 0.25
    length_share: float = 0.15
    main_share: float = 1.0
    inclination_sd: float = 0.05
    level_sd: float = 0.05
    plan_sd: float = 1.0
    upright_hinge_level: float = 0.4
    axis_information: float = 60.0
    wobble_rad: float = 0.087
    wobble_s: float = 1.0
    tilt_rad: float = 0.035
    posture_share: float = 0.9
    heading_process_noise_rad: float = 0.0005
    bias_process_noise_rad_s: float = 2.4e-5
    skin_process_noise_rad: float = 0.017
    force_s: float = 0.3
    follow_s: float = 1.0
    follow_level: float = 0.4
    misalignment_share: float = 0.25
    still_tissue_rad: float = radians(0.7)
    bent_tissue: float = radians(1.0)
    effort_tissue_rad: float = radians(2.0)
    machine_misalignment_rad: float = radians(0.15)
    leg_misalignment_rad: float = radians(0.35)
    sample_time_steps: float = 0.29
    sensor_rad: float = 0.003
    least_misalignment_rad: float = 0.0017
    max_axis_blocks: int = 3000
    search_blocks: int = 800
    moving_rad_s: float = 0.5
    candidates: int = 6
    close_misfit: float = 2.0
    mounting_weight: float = 0.25
    force_bias_m_s2: float = 0.15
    bias: BiasParameters = field(default_factory=BiasParameters)

    def for_hinge(self, misalignment_rad: float, axes_rad: float) -> AngleParameters:
        """The same parameters with wobble and tilt reduced to what this hinge shows.

        Args:
            misalignment_rad: RMS hinge misalignment between the two sensors.
            axes_rad: one sigma of the direction of one axis against the other. It turns every observation
                of the hinge the same way, as a tilt does.
        """
        scale = min(misalignment_rad / hypot(self.wobble_rad, self.tilt_rad), 1.0)
        tilt_rad = hypot(scale * self.tilt_rad, axes_rad)
        return replace(self, wobble_rad=scale * self.wobble_rad, tilt_rad=tilt_rad)


DEFAULTS = AngleParameters()
