"""A run over many sessions that is interrupted, killed in part, or repeated gives the same table."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis.answer
from analysis.batch import batch
from analysis.derived import table_text
from analysis.kept.rows import FILE, kept_or_computed
from firmware_bridge.session.model import Recording
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session

NAMES = ("a", "b", "c/1", "c/2")


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate_session(condensed_session(seed=3, gain_deg=6.0), seed=3).recording


@pytest.fixture(scope="module")
def analysed(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sessions, two of which cannot be answered, after a whole run in this process."""
    root = tmp_path_factory.mktemp("cohort") / "root"
    for name in NAMES:
        mine = replace(recording, info=replace(recording.info, client=name[0], id=name))
        write_session(root / name, mine)
    (root / "b/shank.csv").unlink()
    (root / "c/1/session.json").write_text("{")
    batch(root, workers=1)
    return root


@pytest.fixture
def root(analysed: Path, tmp_path: Path) -> Path:
    """A copy that one test may change, with the rows kept."""
    return Path(shutil.copytree(analysed, tmp_path / "root"))


@pytest.fixture(scope="module")
def text(analysed: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The table of a whole run over sessions that were never analysed before."""
    fresh = shutil.copytree(analysed, tmp_path_factory.mktemp("fresh") / "root")
    forget(fresh)
    return table_text(batch(fresh, workers=1))


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """The answer to each session, for whoever only counts how often it is asked for."""
    return {}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, known: dict[str, Any]) -> list[str]:
    """The sessions that were computed in this process."""
    computed: list[str] = []
    answer = analysis.answer.answer

    def counted(recording: Recording, **where: Any) -> Any:
        name = recording.info.id
        computed.append(name)
        if name not in known:
            known[name] = answer(recording, **where)
        return known[name]

    monkeypatch.setattr(analysis.answer, "answer", counted)
    return computed


def forget(root: Path) -> None:
    for file in root.rglob(Path(FILE).name):
        file.unlink()


def test_a_second_run_computes_nothing_and_gives_the_same_table_byte_for_byte(
    root: Path, text: str, answers: list[str]
) -> None:
    assert table_text(batch(root, workers=1)) == text
    assert answers == []
    kept = [name for name in NAMES if (root / name / FILE).is_file()]
    assert kept == ["a", "b", "c/2"], "an error of the data is kept, a damaged folder is looked at again"
    assert (root / "a" / FILE).stat().st_mode & 0o777 == 0o600


def test_an_interrupted_run_goes_on_where_it_stopped(root: Path, text: str, answers: list[str]) -> None:
    forget(root)

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(root, workers=1, progress=interrupt)
    assert answers == ["a", "b"]
    answers.clear()
    assert table_text(batch(root, workers=1)) == text
    assert answers == ["c/2"]


@pytest.mark.parametrize("change", ["events.jsonl", "thigh.csv"])
def test_a_session_that_changed_is_computed_again(root: Path, answers: list[str], change: str) -> None:
    with (root / "a" / change).open("ab") as file:
        file.write(b'{"time_s": 1.0, "type": "marker", "text": "later"}\n')
    batch(root, workers=1)
    assert answers == ["a"]


def test_rows_of_another_program_or_of_no_program_are_computed_again(
    root: Path, text: str, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for damage in ("", "{", "[]", '{"format": 1}', '{"format": 1, "stamp": "0", "rows": []}'):
        (root / "a" / FILE).write_text(damage)
        assert table_text(batch(root, workers=1)) == text
    assert answers == ["a"] * 5
    answers.clear()
    monkeypatch.setattr("analysis.kept.stamp.program_mark", lambda: "of next year")
    assert table_text(batch(root, workers=1)) == text
    assert sorted(answers) == ["a", "b", "c/2"]


def test_rows_that_say_nothing_of_tomorrow_are_not_kept(root: Path) -> None:
    """A disk that was not connected is no property of the session."""
    (root / "a" / FILE).unlink()
    rows = kept_or_computed(root / "a", "other name", lambda: ([{"session": "a", "error": "away"}], False))
    assert rows == [{"session": "other name", "error": "away"}]
    assert not (root / "a" / FILE).exists()


def test_a_session_that_is_still_recorded_is_not_kept(root: Path) -> None:
    info = root / "a/session.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"status": "recording"}))
    (root / "a" / FILE).unlink()
    batch(root, workers=1)
    assert not (root / "a" / FILE).exists()


def test_a_folder_that_cannot_be_written_to_gives_the_same_table(root: Path, text: str) -> None:
    shutil.rmtree(root / "a/derived")
    (root / "a/derived").write_text("a file stands where the folder should be")
    assert table_text(batch(root, workers=1)) == text


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_the_sessions_that_have_not_begun(root: Path) -> None:
    forget(root)
    for k in range(8):
        shutil.copytree(root / "a", root / f"more/{k}")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch(root, workers=2, progress=interrupt)
    done = len(list(root.rglob(Path(FILE).name)))
    assert done < 8, "of eleven that can be kept"


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Dask cluster with two workers that are processes of their own."""
    distributed = pytest.importorskip("dask.distributed", reason="the extra 'cluster' is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as running:
        yield running


@pytest.mark.slow
@pytest.mark.real_time
@pytest.mark.filterwarnings("ignore")  # of Dask, about its own connections to a process that is gone
def test_a_cluster_that_loses_a_worker_gives_the_same_table(root: Path, text: str, cluster: Any) -> None:
    """A worker that is killed amid a session costs that session a second start, and the table nothing."""
    from dask.distributed import Client

    forget(root)
    for name in NAMES:
        shutil.copytree(root / name, root.with_name("many") / "x" / name)
    shutil.copytree(root, root.with_name("many") / "y")
    many = root.with_name("many")
    killed = []
    with Client(cluster) as client:
        pids = client.run(os.getpid)

        def kill_one(done: int, total: int) -> None:
            busy = [worker for worker, tasks in client.processing().items() if tasks]
            if not killed and busy:
                killed.append(busy[0])
                os.kill(pids[busy[0]], signal.SIGKILL)

        table = batch(many, scheduler=cluster.scheduler_address, progress=kill_one)
        assert killed
    parts = [table[table["session"].str.startswith(part)] for part in ("x/", "y/")]
    assert len(table) == sum(map(len, parts))
    for part in parts:
        mine = part.assign(session=part["session"].str[2:]).reset_index(drop=True)
        assert table_text(mine) == text


def test_rows_reach_the_table_as_they_were_computed(root: Path) -> None:
    """Whole numbers, decimals to the last bit, what is not there, and what is no number."""
    computed = {"n": np.int64(4), "x": np.float64(0.1) + 0.2, "none": None, "nan": float("nan"), "flag": True}
    (root / "a" / FILE).unlink()
    for _ in range(2):
        (row,) = kept_or_computed(root / "a", "s", lambda: ([computed], True))
        assert row["x"] == 0.1 + 0.2
        assert (row["n"], row["none"], row["flag"]) == (4, None, True)
        assert pd.isna(row["nan"])
