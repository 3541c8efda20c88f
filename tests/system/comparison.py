"""What was recorded of a board against what it sent."""

from __future__ import annotations

import numpy as np

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.simulation import SimulatedSession

_RATE_HZ = 100.0
# No board measures in larger steps, and no two samples of a swing that follow each other are closer.
_STEP_RAD_S = 0.01


def by_clock(
    radio: VirtualRadio, segment: Segment, samples: ImuSamples, away: tuple[float, float] | None
) -> list[str]:
    """Compares by the clock of a board with kneeflex's own profile, which says which sample each one is.

    Args:
        radio: the boards.
        segment: of the board.
        samples: that were recorded.
        away: the time of the script of its cut, and by when it must be back; None if it was not cut.

    Returns:
        What is wrong.
    """
    assert samples.device_ticks is not None
    index = radio.script_index(segment, samples.device_ticks)
    index = index[index >= 0]
    received = np.unique(index)
    missing_s = np.setdiff1d(np.arange(received[-1] + 1), received) / _RATE_HZ
    # A packet of some samples was under way at the cut.
    injected = np.zeros(len(missing_s), dtype=bool)
    if away is not None:
        injected = (missing_s > away[0] - 0.1) & (missing_s < away[1])
    print(
        f"{segment}: {len(received)} samples of the movement received, "
        f"{np.count_nonzero(injected)} missing while the link was cut, {np.count_nonzero(~injected)} else"
    )
    faults = []
    if len(received) < len(index):
        faults.append(f"{segment}: {len(index) - len(received)} samples were recorded twice")
    if away is not None and not injected.any():
        faults.append(f"{segment}: the link was not cut")
    if not injected.all():
        faults.append(f"{segment}: samples are missing from {missing_s[~injected][0]} s on")
    return faults


def by_values(radio: VirtualRadio, segment: Segment, samples: ImuSamples) -> list[str]:
    """Compares angular rates with the movement: from its first sample on, all must be there, each once.

    Args:
        radio: the boards.
        segment: of a board whose link was not cut.
        samples: that were recorded.

    Returns:
        What is wrong.
    """
    assert isinstance(radio.session, SimulatedSession)
    sent = getattr(radio.session.recording, segment).gyr_rad_s
    received = samples.gyr_rad_s
    begins = range(max(len(received) - len(sent), 0), len(received) - 200)
    errors = [np.abs(received[at:] - sent[: len(received) - at]).max() for at in begins]
    at = begins[int(np.argmin(errors))]
    print(f"{segment}: {len(received) - at} samples of the movement received, within {min(errors):.4f} rad/s")
    return [] if min(errors) < _STEP_RAD_S else [f"{segment}: what was recorded is not what was sent"]
