"""Many sessions -> one tidy table, one row per session and named test; a broken session is a row too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_bridge.errors import KneeflexError, SessionError, UsageError
from firmware_bridge.findings import sentences

if TYPE_CHECKING:
    import pandas as pd

    from analysis.answer import Answer

Row = dict[str, Any]
Progress = Callable[[int, int], None]

COLUMNS: tuple[str, ...] = (
    "session", "id", "client", "side", "started_at", "status", "test",
    "before_extension_deg", "before_sd_deg", "before_n", "after_extension_deg", "after_sd_deg", "after_n",
    "change_deg", "change_ci95_low_deg", "change_ci95_high_deg", "control_change_deg",
    "net_change_deg", "net_change_ci95_low_deg", "net_change_ci95_high_deg",
    "detectable_change_deg", "slip_deg", "verdict", "zero", "zero_sd_deg",
    "duration_s", "valid_percent", "flexion_sd_median_deg", "axes_sd_deg", "axes_residual_deg_s",
    "warnings", "error",
)  # fmt: skip

# Every process computes one session at a time; several BLAS threads in each would fight for the cores.
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def batch(
    root: Path | str,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Analyses every session folder at or below a folder.

    Args:
        root: the folder.
        workers: processes on this machine; 1 computes in this process, None takes one per core.
        scheduler: address of a Dask scheduler (tcp://HOST:PORT) whose workers see the same paths; instead
            of processes on this machine.
        progress: called with (sessions done, sessions in all).

    Returns:
        A table with `COLUMNS`, sorted by the path of the session below `root`, then in the order of the
        session's tests. `error` is empty or the reason, in plain words, why a session gave no answer.

    Raises:
        SessionError: there is no such folder, or no session in it.
        UsageError: Dask is not installed, or there is no scheduler at the address.
    """
    import pandas as pd

    from firmware_bridge.session.reader import find_sessions

    root = Path(root)
    folders = find_sessions(root)
    if not folders:
        raise SessionError(
            f"There is no session in {root}.", "Choose a folder that holds session folders (session.json)."
        )
    jobs = [(str(folder.absolute()), _name(folder, root)) for folder in folders]
    if scheduler is not None:
        done = _on_cluster(jobs, scheduler)
    elif (workers := min(workers or _cores(), len(jobs))) == 1:
        done = ((i, session_rows(*job)) for i, job in enumerate(jobs))
    else:
        done = _in_processes(jobs, workers)
    rows: dict[int, list[Row]] = {}
    for index, found in done:
        rows[index] = found
        if progress is not None:
            progress(len(rows), len(jobs))
    table = pd.DataFrame([row for index in sorted(rows) for row in rows[index]], columns=list(COLUMNS))
    # Whole numbers stay whole beside rows that have none.
    return table.astype({"before_n": "Int64", "after_n": "Int64"})


def session_rows(folder: str, name: str) -> list[Row]:
    """The rows of one session: one per named test, or a single one with the reason why there is none.

    Args:
        folder: the session folder.
        name: how the table calls it.
    """
    from analysis.answer import answer
    from firmware_bridge.session.reader import read_info, read_session

    row: Row = {"session": name, "warnings": "", "error": ""}
    try:
        info = read_info(folder)
        row |= {"id": info.id, "client": info.client, "side": info.side.value}
        row |= {"started_at": info.started_at, "status": info.status}
        recording = read_session(folder)
        row |= {"status": recording.info.status, "warnings": " ".join(recording.warnings)}
        return [row | found for found in _answer_rows(answer(recording))]
    except KneeflexError as error:
        return [row | {"error": str(error).removeprefix(f"{folder}: ").replace(folder, name)}]
    except ImportError:  # that is a broken installation, not a broken session
        raise
    except Exception as error:  # one session must never cost the others their row
        return [row | {"error": f"This session cannot be analysed ({type(error).__name__}: {error})."}]


def _answer_rows(found: Answer) -> list[Row]:
    from analysis.change import to_json
    from analysis.derived import angle_summary

    summary = angle_summary(found.angle)
    figures = ("zero", "zero_sd_deg", "duration_s", "valid_percent", "flexion_sd_median_deg")
    common: Row = {name: summary[name] for name in figures}
    common |= {"axes_sd_deg": found.angle.axes.sd_deg, "axes_residual_deg_s": found.angle.axes.residual_deg_s}
    data = found.data_findings
    if not found.comparisons:
        return [common | {"verdict": "not enough data", "warnings": " ".join(sentences(data))}]
    return [
        common | _flat(to_json(comparison)) | {"warnings": " ".join(sentences((*data, *comparison.findings)))}
        for comparison in found.comparisons
    ]


def _flat(comparison: Mapping[str, Any]) -> Row:
    """before: {n: 4} -> before_n: 4, and intervals as low and high."""
    row: Row = {}
    for key, value in comparison.items():
        if key.endswith("_ci95_deg"):
            stem = key.removesuffix("_deg")
            row[f"{stem}_low_deg"], row[f"{stem}_high_deg"] = value or (None, None)
        elif isinstance(value, Mapping):
            row |= {f"{key}_{inner}": inner_value for inner, inner_value in value.items()}
        else:
            row[key] = value
    return row


def _in_processes(jobs: Sequence[tuple[str, str]], workers: int) -> Iterator[tuple[int, list[Row]]]:
    # Fresh processes on every system alike: forking a process that has threads can hang the child.
    context = get_context("spawn")
    crashed: list[int] = []
    with _one_thread_per_process():
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            futures = {pool.submit(session_rows, *job): index for index, job in enumerate(jobs)}
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    crashed.append(futures[future])
        # One dying process takes the whole pool with it, so each of the rest gets a process of its own.
        for index in sorted(crashed):
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                try:
                    yield index, pool.submit(session_rows, *jobs[index]).result()
                except BrokenProcessPool:
                    reason = "The process that analysed this session ended abruptly; perhaps memory ran out."
                    yield index, [{"session": jobs[index][1], "error": reason}]


def _on_cluster(jobs: Sequence[tuple[str, str]], scheduler: str) -> Iterator[tuple[int, list[Row]]]:
    try:
        distributed = import_module("dask.distributed")
    except ImportError as error:
        raise UsageError(
            "Dask is not installed, so no cluster can be used.",
            "Install it with: pip install 'kneeflex[cluster]', or leave --scheduler out.",
        ) from error
    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"There is no Dask scheduler at {scheduler}.", "Start one with `dask scheduler`, or leave it out."
        ) from error
    with client:
        futures = {
            client.submit(session_rows, *job, key=f"kneeflex {job[1]}", pure=False): index
            for index, job in enumerate(jobs)
        }
        for future in distributed.as_completed(futures):
            index = futures[future]
            try:
                yield index, future.result()
            except Exception as error:  # a worker that died, or one without kneeflex
                reason = f"No worker could analyse this session ({type(error).__name__}: {error})."
                yield index, [{"session": jobs[index][1], "error": reason}]


def _name(folder: Path, root: Path) -> str:
    name = folder.resolve().name if folder == root else folder.relative_to(root).as_posix()
    # Bytes of a name that are no text are escaped, so that no table is lost for them.
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _one_thread_per_process() -> Iterator[None]:
    """Processes started inside inherit a limit of one BLAS thread, unless the user set another."""
    ours = [name for name in _THREAD_LIMITS if name not in os.environ]
    os.environ |= dict.fromkeys(ours, "1")
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
