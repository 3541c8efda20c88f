from __future__ import annotations

from firmware_bridge.timing.arrivals import LiveCount


def test_a_lasting_delay_is_loss_and_a_passing_one_is_not():
    count = LiveCount(0.01)
    skipped = 0
    for n in range(1000):
        held = 0.5 if 300 <= n < 350 else 0.0  # a stall, then a burst
        lost = 0.5 if n >= 600 else 0.0  # fifty samples never come
        skipped += count.skip(n * 0.01 + lost, 0.004 + held + lost - skipped * 0.01)
    assert skipped == count.lost == 50
    count.restart(silence_s=1.0)
    assert count.lost == 149
