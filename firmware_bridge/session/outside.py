"""Events that lie where there are no samples: a sign of two clocks."""

from __future__ import annotations

from firmware_bridge.findings import Finding
from firmware_bridge.session.model import Recording


def events_outside(recording: Recording) -> tuple[Finding, ...]:
    """A finding if reference poses or measuring phases miss the samples altogether, else none."""
    sampled = [samples for samples in (recording.thigh, recording.shank) if len(samples)]
    first_s = min(float(samples.time_s[0]) for samples in sampled)
    last_s = max(float(samples.time_s[-1]) for samples in sampled)
    spans = [(f"the phase {p.name}", p.start_s, p.stop_s) for p in recording.phases if p.test is not None]
    spans += [("a reference pose", p.time_s, p.time_s + p.duration_s) for p in recording.reference_poses]
    outside = [
        f"{what} at {start_s:.1f} s"
        for what, start_s, stop_s in spans
        if stop_s < first_s or start_s > last_s
    ]
    if not outside:
        return ()
    text = (
        f"The samples run from {first_s:.1f} to {last_s:.1f} s, but there is {', '.join(outside)}. "
        "Check that samples and events are on one clock."
    )
    return (Finding("events_outside", None, None, text),)
