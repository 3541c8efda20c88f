"""What many people say, in the words of the command line's JSON contract."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from analysis.cohort.result import Cohort
from firmware_bridge.findings import finding_to_json


def to_json(found: Cohort) -> dict[str, Any]:
    """The keys of `kneeflex cohort --json`; those of each test are the fields of `TestAnswer`."""
    return {
        "people": found.people,
        "sessions": found.sessions,
        "by": found.by or None,
        "software": dict(found.software),
        "tests": [asdict(answer) | {"by_day": [list(d) for d in answer.by_day]} for answer in found.tests],
        "warnings": list(found.warnings),
        "findings": [finding_to_json(finding) for finding in found.findings],
    }
