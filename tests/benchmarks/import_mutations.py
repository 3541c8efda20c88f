"""500 damaged files per kind of file: how many give the right numbers, how many are refused, which neither.

Run: python tests/benchmarks/import_mutations.py [COUNT]
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np

from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session

HELPERS = Path(__file__).parents[1] / "firmware_bridge" / "session" / "importers"
ROWS = 300


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"import_{name}", HELPERS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main(count: int) -> None:
    dialects, mutations = load("dialects"), load("mutations")
    recording = simulate_session(condensed_session(seed=3), seed=3).recording
    leg = {
        segment: ImuSamples(
            np.arange(ROWS) / 100, s.acc_m_s2[400 : 400 + ROWS], s.gyr_rad_s[400 : 400 + ROWS]
        )
        for segment, s in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank))
    }
    for base, write in dialects.DIALECTS.items():
        with tempfile.TemporaryDirectory() as folder:
            files = write(Path(folder), leg)
            if (
                mutations.outcome(files.thigh, files.shank, leg, files.options, 5.0, max(1e-3, files.time_s))
                != "right"
            ):
                print(f"{base:45s} needs a longer recording")
                continue
            if files.thigh == files.shank and base != "apdm":
                continue
            encoding = "utf-16" if "UTF-16" in base else "utf-8"
            lines = files.thigh.read_bytes().decode(encoding).replace("\r\n", "\n").split("\n")[:-1]
            results: Counter[str] = Counter()
            seeds: dict[str, int] = {}
            for seed in range(count):
                text = "".join(
                    line + "\n" for line in mutations.mutated(lines, max(1, len(lines) - ROWS), seed)
                )
                files.thigh.write_bytes(text.encode(encoding))
                result = mutations.outcome(
                    files.thigh, files.shank, leg, files.options, 5.0, max(1e-3, files.time_s)
                )
                results[result] += 1
                seeds.setdefault(result, seed)
            other = {result: seeds[result] for result in results if result not in ("right", "refused")}
            print(f"{base:45s} {dict(results)} {other or ''}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
