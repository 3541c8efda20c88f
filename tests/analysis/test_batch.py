from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.answer import answer
from analysis.batch import batch
from analysis.cli.recordings import batch as command
from analysis.table import COLUMNS
from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.session.model import Recording
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate_session(condensed_session(seed=3, gain_deg=6.0), seed=3).recording


@pytest.fixture(scope="module")
def cohort(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good sessions at different depths, and three broken in different ways."""
    root = tmp_path_factory.mktemp("cohort")
    for name in ("b", "a/day 1", "c/no shank", "c/no info", "c/no numbers"):
        client = replace(recording.info, client=name[0], id=name)
        write_session(root / name, replace(recording, info=client))
    (root / "c/no shank/shank.csv").unlink()
    (root / "c/no info/session.json").write_text("{")
    (root / "c/no numbers/thigh.csv").write_text("time,x\n1,2\n")
    return root


@pytest.fixture(scope="module")
def table(cohort: Path) -> pd.DataFrame:
    return batch(cohort, workers=1)


def test_one_row_per_session_and_test_in_the_order_of_the_folders(table: pd.DataFrame) -> None:
    assert list(table.columns) == list(COLUMNS)
    assert list(table["session"]) == ["a/day 1", "b", "c/no info", "c/no numbers", "c/no shank"]
    assert list(table["test"][:2]) == ["prone", "prone"]


def test_a_row_says_what_the_answer_says(table: pd.DataFrame, cohort: Path) -> None:
    found = answer(read_session(cohort / "b"))
    comparison = found.comparisons[0]
    row = table.iloc[1]
    assert (row["client"], row["side"], row["status"], row["error"]) == ("b", "right", "closed", "")
    assert comparison.before is not None
    assert comparison.change_deg is not None
    assert comparison.change_ci95_deg is not None
    assert row["before_extension_deg"] == comparison.before.extension_deg
    assert row["before_n"] == comparison.before.n
    assert row["change_deg"] == comparison.change_deg == pytest.approx(6.0, abs=1.0)
    assert (row["change_ci95_low_deg"], row["change_ci95_high_deg"]) == comparison.change_ci95_deg
    assert row["verdict"] == comparison.verdict
    assert row["zero"] == found.angle.zero
    assert row["axes_sd_deg"] == found.angle.axes.sd_deg
    assert all(warning in row["warnings"] for warning in found.warnings)


def test_a_broken_session_is_a_row_with_its_reason(table: pd.DataFrame) -> None:
    broken = table.set_index("session")["error"][2:]
    assert "session.json" in broken["c/no info"]
    assert "thigh.csv has no column time_s" in broken["c/no numbers"]
    assert "shin sensor" in broken["c/no shank"]
    assert table["client"][4] == "c"
    assert "not one sample of the shank" in table["warnings"][4]
    assert table["change_deg"][2:].isna().all()


def test_processes_give_the_same_table_and_tell_their_progress(table: pd.DataFrame, cohort: Path) -> None:
    told: list[tuple[int, int]] = []
    parallel = batch(cohort, workers=2, progress=lambda done, total: told.append((done, total)))
    pd.testing.assert_frame_equal(parallel, table)
    assert told == [(done, 5) for done in range(1, 6)]


def test_a_session_that_takes_its_process_down_costs_only_its_own_row(
    recording: Recording, tmp_path: Path
) -> None:
    for name in ("fatal", "fine"):
        write_session(
            tmp_path / "cohort" / name, replace(recording, info=replace(recording.info, client=name))
        )
    script = tmp_path / "fragile.py"
    script.write_text(
        "import os, sys\n"
        "if __name__ == '__main__':\n"
        "    from analysis.batch import batch\n"
        "    batch(sys.argv[1], workers=2).to_csv(sys.argv[2], index=False)\n"
        "else:\n"
        "    import analysis.answer\n"
        "    whole = analysis.answer.answer\n"
        "    def fragile(recording, **where):\n"
        "        return os._exit(1) if recording.info.client == 'fatal' else whole(recording, **where)\n"
        "    analysis.answer.answer = fragile\n"
    )
    out = tmp_path / "table.csv"
    subprocess.run([sys.executable, str(script), str(tmp_path / "cohort"), str(out)], check=True, env=_here())
    errors = pd.read_csv(out, keep_default_na=False).set_index("session")["error"]
    assert errors["fine"] == ""
    assert "ended abruptly" in errors["fatal"]


def test_a_session_without_phases_is_not_enough_data(recording: Recording, tmp_path: Path) -> None:
    write_session(tmp_path / "s", replace(recording, events=()))
    row = batch(tmp_path, workers=1).iloc[0]
    assert (row["verdict"], row["zero"], row["error"]) == ("not enough data", "relative", "")
    assert np.isnan(row["before_extension_deg"])


def test_a_session_folder_itself_is_a_table_of_one(table: pd.DataFrame, cohort: Path) -> None:
    alone = batch(cohort / "b")
    assert list(alone["session"]) == ["b"]
    assert alone["change_deg"][0] == table["change_deg"][1]


def test_a_folder_without_sessions_is_told(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no session in"):
        batch(tmp_path)
    with pytest.raises(SessionError, match="no folder"):
        batch(tmp_path / "nowhere")


def test_the_command_writes_what_the_name_promises(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.batch.batch", lambda *args, **options: table)
    for name, magic in (("t.csv", b"session,"), ("t.xlsx", b""), ("t.parquet", b"PAR1")):
        if name == "t.parquet":
            pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
        out = tmp_path / name
        if magic:
            command(tmp_path, out)
            assert out.read_bytes().startswith(magic)
        else:
            with pytest.raises(UsageError):
                command(tmp_path, out)
            assert not out.exists()


def test_a_cluster_without_dask_is_one_plain_sentence(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(UsageError, match=r"kneeflex\[cluster\]"):
        batch(cohort, scheduler="tcp://127.0.0.1:8786")


def test_a_cluster_gives_the_same_table(table: pd.DataFrame, cohort: Path) -> None:
    distributed = pytest.importorskip("dask.distributed", reason="the extra 'cluster' is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as c:
        pd.testing.assert_frame_equal(batch(cohort, scheduler=c.scheduler_address), table)


def _here() -> dict[str, str]:
    """The environment of a child that finds the packages where this process does."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
