"""The files of a BIDS dataset beside its sessions: what it is, whose sessions, under which labels.

A session keeps its label when it is exported again, and columns that somebody added to participants.tsv stay.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from analysis.export.bids import VERSION
from analysis.table import software_version
from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.session.model import SessionInfo

DESCRIPTION: Final = "dataset_description.json"
PARTICIPANTS: Final = "participants.tsv"
README: Final = "README.md"
_README = """# Knee extension before and after

Two inertial sensors, on the thigh and on the shin, recorded and exported by kneeflex: each sensor is a
tracking system, and the knee flexion computed from both is another one (`tracksys-knee`). Codes stand for
people; dates, notes and the names of sensors were left out. For movement education and research; not a
medical device.
"""
_SIDES: Final = {
    "session_id": {"Description": "Label of the session."},
    "kneeflex_session": {"Description": "A digest of the session's own random id, to find it again."},
    "side": {"Description": "The leg that was measured."},
}

Rows = list[dict[str, str]]


@dataclass(slots=True)
class Dataset:
    """A BIDS dataset on the disk with what is added to it.

    Attributes:
        root: its folder.
        participants: rows of participants.tsv.
        sessions: rows of each subject's sessions.tsv.
    """

    root: Path
    participants: Rows = field(default_factory=list)
    sessions: dict[str, Rows] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> Dataset:
        """Opens a dataset of this program, or begins one.

        Raises:
            UsageError: the folder holds something else.
        """
        if not root.exists() or (root.is_dir() and not any(root.iterdir())):
            return cls(root)
        if not root.is_dir() or not _is_ours(root / DESCRIPTION):
            raise UsageError(
                f"{root} holds something that kneeflex did not export.", "Give another --out for the dataset."
            )
        return cls(root, _read(root / PARTICIPANTS))

    def subject(self, client: str) -> str:
        """The label of a person: the letters and digits of the code.

        Raises:
            UsageError: the session has no code, or two codes have the same letters and digits.
        """
        label = "".join(c for c in client if c.isascii() and c.isalnum())
        if not label:
            raise UsageError(
                "This session has no person's code.", "Write a code into `client` of its session.json."
            )
        known = {row["participant_id"]: row.get("code", "n/a") for row in self.participants}
        if known.get(f"sub-{label}", client) not in (client, "n/a"):
            raise UsageError(
                f"The codes {client} and {known[f'sub-{label}']} have the same letters and digits, and BIDS "
                "allows no others.",
                "Change one of them in session.json.",
            )
        if f"sub-{label}" not in known:
            columns = list(self.participants[0]) if self.participants else ["participant_id", "code"]
            self.participants.append(
                dict.fromkeys(columns, "n/a") | {"participant_id": f"sub-{label}", "code": client}
            )
        return label

    def session(self, subject: str, info: SessionInfo) -> str:
        """The label of a session: that of an earlier export, else the next number."""
        rows = self.sessions.setdefault(subject, _read(self._sessions_file(subject)))
        digest = hashlib.blake2b(info.id.encode(), digest_size=8).hexdigest()
        for row in rows:
            if row.get("kneeflex_session") == digest:
                return row["session_id"].removeprefix("ses-")
        numbers = [int(n) for row in rows if (n := row["session_id"].removeprefix("ses-")).isdigit()]
        label = f"{max(numbers, default=0) + 1:02d}"
        columns = list(rows[0]) if rows else list(_SIDES)
        found = {"session_id": f"ses-{label}", "kneeflex_session": digest, "side": info.side.value}
        rows.append(dict.fromkeys(columns, "n/a") | found)
        return label

    def common_files(self) -> dict[Path, str]:
        """The files that belong to no session; what describes the dataset in words is written only once."""
        files = {
            self.root / PARTICIPANTS: _text(self.participants),
            self.root / "participants.json": _json(
                {"code": {"Description": "The person's code in kneeflex."}}
            ),
        }
        for subject, rows in self.sessions.items():
            file = self._sessions_file(subject)
            files[file] = _text(rows)
            files[file.with_suffix(".json")] = _json(_SIDES)
        about = {
            "Name": "Knee extension before and after",
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "kneeflex", "Version": software_version()}],
        }
        once = {self.root / DESCRIPTION: _json(about), self.root / README: _README}
        return files | {path: text for path, text in once.items() if not path.exists()}

    def _sessions_file(self, subject: str) -> Path:
        return self.root / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"


def _is_ours(file: Path) -> bool:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return any(by.get("Name") == "kneeflex" for by in content["GeneratedBy"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _read(file: Path) -> Rows:
    """The rows of a table of the dataset; none where it is not there.

    Raises:
        SessionError: it cannot be read as one.
    """
    if not file.exists():
        return []
    try:
        rows = [
            dict(r) for r in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")), delimiter="\t")
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SessionError(
            f"{file} cannot be read ({error}).", "Mend it, or export into a new folder."
        ) from error
    first = "participant_id" if file.name == PARTICIPANTS else "session_id"
    if any(None in row or None in row.values() or first not in row for row in rows):
        raise SessionError(
            f"{file} is no table with tabs and a column {first}.", "Mend it, or export into a new folder."
        )
    return rows


def _text(rows: Rows) -> str:
    head = list(rows[0])
    lines = ["\t".join(head), *("\t".join(row[name] or "n/a" for name in head) for row in rows)]
    return "\n".join(lines) + "\n"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
