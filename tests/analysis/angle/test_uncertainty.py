"""The standard deviation of the angle, against its errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

POSTURES = ["prone", "supine", "standing", "side_lying", "seated"]


def test_uncertainty_grows_in_side_lying_with_a_warning(simulated: Callable) -> None:
    result = simulated("side_lying").estimate()
    assert any("upright" in w for w in result.warnings)
    flat = simulated("supine").estimate()
    upright = result.track.valid & (result.track.time_s > 16.0) & (result.track.time_s < 30.0)
    away = np.nanmax(result.track.flexion_sd_deg[~upright])
    assert away > 1.2 * np.nanmedian(flat.track.flexion_sd_deg)


def test_uncertainty_is_smaller_on_a_machine_than_on_a_leg(simulated: Callable) -> None:
    """What is seen across the hinge is expected along it too: 0 deg on a machine, degrees on a leg."""
    bands, apart = [], []
    for soft_tissue_deg, human in ((None, False), (2.0, True)):
        result = simulated("supine", soft_tissue_deg, human).estimate()
        bands.append(float(np.nanmedian(result.track.flexion_sd_deg)))
        apart.append(result.diagnostics["hinge_misalignment_deg"])
    assert bands[0] < 0.25 < 0.3 < bands[1]
    assert apart[0] < 0.1 < 0.7 < apart[1]


def test_uncertainty_holds_the_error_over_postures_and_soft_tissue(simulated: Callable) -> None:
    inside = []
    for posture in POSTURES:
        for soft_tissue_deg in (2.0, 4.0):
            case = simulated(posture, soft_tissue_deg)
            result = case.estimate()
            error = case.error_deg(result)
            band = 2 * result.track.flexion_sd_deg[result.track.valid]
            inside.append(np.mean(np.abs(error - np.median(error)) < band))
    assert 0.9 < np.mean(inside) < 0.99
    assert min(inside) > 0.75
