from __future__ import annotations

import _thread
import asyncio

import pytest

from firmware_bridge.clock import SystemClock
from firmware_bridge.link.search import in_own_loop


def test_the_result_and_the_error_come_through_even_inside_a_loop(clock):
    async def work(fails):
        await asyncio.sleep(0)
        if fails:
            raise LookupError("no")
        return 7

    async def inside():
        return in_own_loop(work(False), SystemClock())

    assert asyncio.run(inside()) == 7
    with pytest.raises(LookupError):
        in_own_loop(work(True), clock)


def test_ctrl_c_cancels_what_runs(clock):
    ended = []

    async def work():
        asyncio.get_running_loop().call_later(0.1, _thread.interrupt_main)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("tidied")

    with pytest.raises(KeyboardInterrupt):
        in_own_loop(work(), clock)
    assert ended == ["tidied"]
