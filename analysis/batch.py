"""Many sessions -> one tidy table, one row per session, test and strapping; a broken session is a row too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_bridge.errors import CannotAnswerError, KneeflexError, SessionError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.table import Row

Progress = Callable[[int, int], None]

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

    Sessions whose rows were kept by an earlier run, also one that was interrupted, are not computed again
    (`analysis.kept.rows`).

    Args:
        root: the folder.
        workers: processes on this machine; 1 computes in this process, None takes one per core.
        scheduler: address of a Dask scheduler (tcp://HOST:PORT) whose workers see the same paths; instead
            of processes on this machine.
        progress: called with (sessions done, sessions in all).

    Returns:
        A table with `analysis.table.COLUMNS`, sorted by the path of the session below `root`, then in the
        order of the session's tests. `error` is empty or the reason, in plain words, why there is no answer.

    Raises:
        SessionError: there is no such folder, or no session in it.
        UsageError: Dask is not installed, or there is no scheduler at the address.
    """
    from analysis.table import table_of
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
    return table_of(row for index in sorted(rows) for row in rows[index])


def session_rows(folder: str, name: str) -> list[Row]:
    """The rows of one session: one per named test and strapping, or one with the reason why there is none.

    Args:
        folder: the session folder.
        name: how the table calls it.
    """
    from analysis.kept.rows import kept_or_computed

    return kept_or_computed(Path(folder), name, partial(_computed_rows, folder, name))


def _computed_rows(folder: str, name: str) -> tuple[list[Row], bool]:
    """The rows, and whether they follow from the files of the session alone."""
    from analysis.answer import answer
    from analysis.table import recorded_with, rows_of, software_version
    from firmware_bridge.session.reader import read_info, read_session

    row: Row = {"session": name, "findings": "", "warnings": "", "error": ""}
    row["software_version"] = software_version()
    try:
        info = read_info(folder)
        row |= {"id": info.id, "client": info.client, "side": info.side.value}
        row |= {"started_at": info.started_at, "status": info.status}
        row["recorded_with"] = recorded_with(info.software)
        recording = read_session(folder)
        row |= {"status": recording.info.status, "warnings": " ".join(recording.warnings)}
        return [row | found for found in rows_of(answer(recording, folder=Path(folder)))], True
    except KneeflexError as error:
        text = str(error).removeprefix(f"{folder}: ").replace(folder, name)
        return [row | {"error": text}], isinstance(error, CannotAnswerError)
    except ImportError:  # that is a broken installation, not a broken session
        raise
    except Exception as error:  # one session must never cost the others their row
        text = f"This session cannot be analysed ({type(error).__name__}: {error})."
        return [row | {"error": text}], False


def _in_processes(jobs: Sequence[tuple[str, str]], workers: int) -> Iterator[tuple[int, list[Row]]]:
    # Fresh processes on every system alike: forking a process that has threads can hang the child.
    context = get_context("spawn")
    crashed: list[int] = []
    with _one_thread_per_process():
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            futures = {pool.submit(session_rows, *job): index for index, job in enumerate(jobs)}
            try:
                for future in as_completed(futures):
                    try:
                        yield futures[future], future.result()
                    except BrokenProcessPool:
                        crashed.append(futures[future])
            except BaseException:  # Ctrl-C: without this, everything that still waits would be computed first
                pool.shutdown(cancel_futures=True)
                raise
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
