"""Whatever is wrong with a file: the right numbers, or a refusal in words; never other numbers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from firmware_bridge.samples import ImuSamples, Segment

BASES = ["csv", "movella-dot", "xsens-mt 2022, no rate", "metabase", "plain, g, deg/s, ms", "apdm"]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"import_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def helpers() -> tuple[ModuleType, ModuleType]:
    return _load("dialects"), _load("mutations")


@pytest.mark.parametrize("base", BASES)
def test_a_damaged_file_gives_the_right_numbers_or_a_refusal(
    base: str,
    helpers: tuple[ModuleType, ModuleType],
    leg: dict[Segment, ImuSamples],
    tmp_path: Path,
) -> None:
    dialects, mutations = helpers
    short = {segment: samples[400:600] for segment, samples in leg.items()}
    short = {segment: dialects.grid(samples) for segment, samples in short.items()}
    files = dialects.DIALECTS[base](tmp_path, short)
    damaged = files.thigh
    content = damaged.read_bytes().decode()
    lines = content.replace("\r\n", "\n").split("\n")[:-1]
    first_row = len(lines) - 200
    wrong = {}
    counts = {"right": 0, "refused": 0}
    for seed in range(25):
        damaged.write_bytes(
            "".join(line + "\n" for line in mutations.mutated(lines, first_row, seed)).encode("utf-8")
        )
        result = mutations.outcome(damaged, files.shank, short, files.options, 5.0)
        counts[result] = counts.get(result, 0) + 1
        if result not in ("right", "refused"):
            wrong[seed] = result
    assert not wrong
    assert counts["right"] >= 6
