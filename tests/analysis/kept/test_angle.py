"""The kept angle: the same to the last bit, never of another recording, harmless when it is damaged."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import analysis.answer
from analysis.angle.parameters import DEFAULTS
from analysis.angle.result import AngleResult
from analysis.answer import angle_of, answer, findings_of
from analysis.batch import batch
from analysis.cli.app import app
from analysis.derived import angle_text, json_text, result, table_text
from analysis.kept.angle import KeptAngle, Place
from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment, Side
from firmware_bridge.session.model import (
    LinkEvent,
    Marker,
    Pain,
    Phase,
    Recording,
    ReferencePose,
    SensorInfo,
    SessionInfo,
)
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.timing.device_clock import DeviceClock
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session

KEPT = "derived/angle.npz"


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session that says something of itself, with a kept angle."""
    script = condensed_session(warmup_repetitions=2, repetitions=3, pandiculations=1, seed=4)
    recording = simulate_session(script, seed=4, raw_clock=True).recording
    folder = tmp_path_factory.mktemp("kept") / "session"
    cut = replace(recording, shank=recording.shank[np.abs(recording.shank.time_s - 30.0) > 0.4])
    write_session(folder, cut)
    with (folder / "thigh.csv").open("ab") as file:
        file.write(b"1,2,3\ntorn")
    answer(read_session(folder, keep_parsed=True), folder=folder, keep=True)
    return folder


@pytest.fixture
def folder(analysed: Path, tmp_path: Path) -> Path:
    """A copy that one test may change."""
    return Path(shutil.copytree(analysed, tmp_path / "session"))


@pytest.fixture
def estimates(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each angle that was computed: whether it was causal."""
    computed: list[bool] = []
    estimate = analysis.answer.estimate_angle

    def counted(*samples: Any, **options: Any) -> AngleResult:
        computed.append(options["causal"])
        return estimate(*samples, **options)

    monkeypatch.setattr(analysis.answer, "estimate_angle", counted)
    return computed


def same(one: Any, other: Any) -> bool:
    """Whether two results agree in every bit of every array and number, NaN included."""
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


@pytest.mark.parametrize("causal", [False, True])
def test_a_kept_angle_is_the_computed_one_to_the_last_bit(
    folder: Path, estimates: list[bool], causal: bool
) -> None:
    for name in ("thigh.csv", "shank.csv") if causal else ():  # sample by sample takes its time
        rows = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(rows[:3000]))
    recording = read_session(folder)
    (folder / KEPT).unlink()
    fresh = angle_of(recording, causal=causal, folder=folder, keep=True)
    assert estimates == [causal]
    estimates.clear()
    kept = angle_of(read_session(folder), causal=causal, folder=folder)
    assert estimates == []
    assert same(kept, fresh)
    assert angle_text(kept.track) == angle_text(fresh.track)
    assert fresh.findings
    assert sorted(path.name for path in (folder / "derived").glob("angle*")) == [
        "angle_causal.npz" if causal else "angle.npz"
    ]


def test_an_answer_from_a_kept_angle_says_the_same(folder: Path, estimates: list[bool]) -> None:
    recording = read_session(folder)
    fresh, found = answer(recording), findings_of(recording)
    estimates.clear()
    kept = answer(recording, folder=folder)
    assert findings_of(recording, folder=folder) == found
    assert estimates == []
    assert json_text(result(kept)) == json_text(result(fresh))
    assert (kept.findings, kept.warnings) == (fresh.findings, fresh.warnings)
    assert len(kept.findings) > 1


def test_what_is_found_about_straps_is_kept_with_the_angle(folder: Path) -> None:
    """It needs the samples, which are not looked at again."""
    recording = read_session(folder)
    place = Place.of(folder, recording, DEFAULTS, causal=False)
    kept = place.load()
    assert kept is not None
    turned = Finding("strap_turned", Segment.SHANK, (1.0, 2.5), "It turned.", "no_verdict")
    place.store(KeptAngle(kept.angle, (turned,)))
    found = answer(recording, folder=folder)
    assert found.findings.count(turned) == 1
    assert all(c.verdict == "not enough data" for c in found.comparisons)
    assert turned not in angle_of(recording, folder=folder).findings


def small_recording() -> Recording:
    """Every kind of field holds something."""
    rng = np.random.default_rng(1)
    n = 12

    def samples() -> ImuSamples:
        return ImuSamples(
            np.arange(n) / 100, rng.normal(0, 9, (n, 3)), rng.normal(0, 1, (n, 3)), rng.normal(0, 30, (n, 3)),
            np.arange(n) / 99, np.arange(n) * 7, np.arange(n),
        )  # fmt: skip

    clock = DeviceClock(1e-6, 2**32, 2**16)
    sensors = {s: SensorInfo("kneeflex", "a", "1.0", 100.0, 156.9, 17.4, clock, 0.5) for s in Segment}
    doubt = Finding("damaged_file", Segment.THIGH, (1.0, 2.0), "A row is torn.", "tell")
    info = SessionInfo(
        "id", "K17", Side.LEFT, "2025-03-01T10:00:00+00:00", "closed", sensors, {"kneeflex": "1"}, "größer",
        (doubt,),
    )  # fmt: skip
    events = (
        Phase(0.0, "before", "prone"),
        ReferencePose(1.0, 5.0, 12.0, 2.0, "jig"),
        Marker(2.0, "a remark"),
        Pain(3.0, 4.0),
        LinkEvent(4.0, Segment.SHANK, "battery", {"percent": 40.0, "note": "low"}),
    )
    return Recording(info, samples(), samples(), events, (doubt,))


RECORDING = small_recording()
OTHERS = {
    Side.LEFT: Side.RIGHT, Segment.THIGH: Segment.SHANK, Segment.SHANK: Segment.THIGH, "closed": "imported",
    "before": "after", "prone": "supine", "jig": "goniometer", "tell": "widen",
}  # fmt: skip


def variants(value: Any) -> Iterator[Any]:
    """The value with one thing in it changed, for everything that is in it, but for samples."""
    if isinstance(value, ImuSamples):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for other in variants(getattr(value, field.name)):
                yield replace(value, **{field.name: other})
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield {k: v for k, v in value.items() if k != key}
            yield from (value | {key: other} for other in variants(inner))
    elif isinstance(value, tuple):
        for k, inner in enumerate(value):
            yield value[:k] + value[k + 1 :]
            yield from ((*value[:k], other, *value[k + 1 :]) for other in variants(inner))
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, Enum) or value in OTHERS:
        yield OTHERS[value]
    elif isinstance(value, str):
        yield f"{value}x"
    elif isinstance(value, float):
        yield float(np.nextafter(value, np.inf))
    elif isinstance(value, int):
        yield value + 1
    else:
        assert value is None, f"{type(value)} is no plain value; is all of it in the mark?"


def mark_of(recording: Recording, parameters: Any = DEFAULTS, *, causal: bool = False) -> str:
    place = Place.of(Path(), recording, parameters, causal=causal)
    return json.dumps(place.mark)


def test_any_change_of_an_event_a_finding_or_a_word_of_the_session_is_another_mark() -> None:
    marks = [mark_of(RECORDING), *map(mark_of, variants(RECORDING))]
    assert len(marks) > 70
    assert len(set(marks)) == len(marks)


def test_any_change_of_a_constant_or_an_option_is_another_mark() -> None:
    marks = [mark_of(RECORDING, other) for other in (DEFAULTS, *variants(DEFAULTS))]
    marks.append(mark_of(RECORDING, causal=True))
    assert len(marks) > 40
    assert len(set(marks)) == len(marks)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_of_any_sample_is_another_mark(data: st.DataObject) -> None:
    segment = data.draw(st.sampled_from(["thigh", "shank"]))
    samples = getattr(RECORDING, segment)
    name = data.draw(st.sampled_from([f.name for f in fields(ImuSamples)]))
    values = getattr(samples, name).copy()
    flat = values.reshape(-1).view(np.uint64)
    flat[data.draw(st.integers(0, len(flat) - 1))] ^= np.uint64(1 << data.draw(st.integers(0, 51)))
    changed = replace(RECORDING, **{segment: replace(samples, **{name: values})})
    assert mark_of(changed) != mark_of(RECORDING)


@pytest.mark.parametrize("name", ["mag_ut", "arrival_s", "device_ticks", "sequence"])
def test_a_column_that_is_missing_is_another_mark(name: str) -> None:
    changed = replace(RECORDING, thigh=replace(RECORDING.thigh, **{name: None}))
    assert mark_of(changed) != mark_of(RECORDING)


def test_samples_that_changed_places_are_another_mark() -> None:
    exchanged = replace(RECORDING, thigh=RECORDING.shank, shank=RECORDING.thigh)
    shorter = replace(RECORDING, thigh=RECORDING.thigh[:-1])
    assert len({mark_of(r) for r in (RECORDING, exchanged, shorter)}) == 3


def one_digit(content: bytes, before: bytes) -> bytes:
    """The content with one digit changed, the one behind a pattern."""
    found = re.search(before, content)
    assert found is not None
    k = found.end()
    return content[:k] + (b"8" if content[k : k + 1] != b"8" else b"7") + content[k + 1 :]


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("thigh.csv", rb"\n10\.0\d*,-?(?=\d)"),
        ("shank.csv", rb"\n10\.0\d*,-?(?=\d)"),
        ("events.jsonl", rb'"flexion_deg": ?(?=\d)'),
        ("session.json", rb'"started_at": ?"...(?=\d)'),
    ],
)
def test_one_byte_of_any_raw_file_is_computed_anew(
    folder: Path, estimates: list[bool], name: str, before: bytes
) -> None:
    file = folder / name
    status, content = file.stat(), file.read_bytes()
    file.write_bytes(one_digit(content, before))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_size == len(content)
    recording = read_session(folder, keep_parsed=True)
    found = angle_of(recording, folder=folder, keep=True)
    assert estimates == [False]
    assert same(found, angle_of(recording))
    estimates.clear()
    assert same(angle_of(read_session(folder), folder=folder), found)
    assert estimates == []


def test_another_program_computes_anew(
    folder: Path, estimates: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.kept.stamp.program_mark", lambda: "of next year")
    angle_of(read_session(folder), folder=folder)
    assert estimates == [False]


def test_a_form_that_is_torn_flipped_or_foreign_is_ignored(folder: Path) -> None:
    recording, kept = read_session(folder), folder / KEPT
    place = Place.of(folder, recording, DEFAULTS, causal=False)
    whole, expected = kept.read_bytes(), place.load()
    places = np.linspace(0, len(whole) - 1, 40).astype(int)
    damaged = [whole[:k] for k in places]
    damaged += [whole[:k] + bytes([whole[k] ^ 16]) + whole[k + 1 :] for k in places]
    damaged += [b"", b"PK\x03\x04", (folder / "derived/thigh.npz").read_bytes(), os.urandom(500)]
    ignored = 0
    for content in damaged:
        kept.write_bytes(content)
        found = place.load()
        ignored += found is None
        assert found is None or same(found, expected)
    assert ignored > 70
    kept.write_bytes(damaged[20])
    assert same(angle_of(recording, folder=folder, keep=True), angle_of(recording))
    assert same(place.load(), expected)


@pytest.mark.parametrize("change", ["flexion_deg", "pose_check_deg", "findings"])
def test_a_form_that_does_not_fit_together_is_ignored(folder: Path, change: str) -> None:
    """Somebody else's file under the right mark."""
    place = Place.of(folder, read_session(folder), DEFAULTS, causal=False)
    kept = place.load()
    assert kept is not None
    angle = kept.angle
    wrong: dict[str, Callable[[], AngleResult]] = {
        "flexion_deg": lambda: replace(angle, track=replace(angle.track, flexion_deg=np.zeros(3))),
        "pose_check_deg": lambda: replace(angle, pose_check_deg=(1.0,)),  # type: ignore[arg-type]
        "findings": lambda: replace(angle, findings=(Finding("x", None, (1.0,), "s"),)),  # type: ignore[arg-type]
    }
    place.store(KeptAngle(wrong[change]()))
    assert place.load() is None


def test_writing_that_fails_or_is_interrupted_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, before = read_session(folder), (folder / KEPT).read_bytes()
    monkeypatch.setattr("analysis.kept.stamp.program_mark", lambda: "of next year")
    names = sorted(path.name for path in (folder / "derived").iterdir())
    for error in (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()):

        def fail(self: Path, target: Path, error: BaseException = error) -> None:
            raise error

        with monkeypatch.context() as during:
            during.setattr(Path, "replace", fail)
            if isinstance(error, OSError):
                assert angle_of(recording, folder=folder, keep=True).findings
            else:
                with pytest.raises(KeyboardInterrupt):
                    angle_of(recording, folder=folder, keep=True)
        assert (folder / KEPT).read_bytes() == before
        assert sorted(path.name for path in (folder / "derived").iterdir()) == names


def test_a_folder_that_cannot_be_written_to_is_answered_without_it(folder: Path) -> None:
    shutil.rmtree(folder / "derived")
    (folder / "derived").write_text("a file stands where the folder should be")
    recording = read_session(folder)
    assert same(angle_of(recording, folder=folder, keep=True), angle_of(recording))
    assert (folder / "derived").read_text().startswith("a file")


def test_a_link_in_its_place_never_leads_to_what_was_recorded(folder: Path) -> None:
    (folder / KEPT).unlink()
    (folder / KEPT).symlink_to(folder / "shank.csv")
    before = (folder / "shank.csv").read_bytes()
    angle_of(read_session(folder), folder=folder, keep=True)
    assert (folder / "shank.csv").read_bytes() == before


def test_a_session_that_may_be_growing_and_a_causal_angle_leave_it_alone(folder: Path) -> None:
    before = (folder / KEPT).read_bytes()
    text = (folder / "session.json").read_text()
    (folder / "session.json").write_text(text.replace('"closed"', '"recording"'))
    angle_of(read_session(folder), folder=folder, keep=True)
    assert (folder / KEPT).read_bytes() == before


def test_no_command_computes_an_angle_again_and_all_say_what_they_said(
    folder: Path, tmp_path: Path, estimates: list[bool]
) -> None:
    commands = (["angle"], ["compare", "--json"], ["check", "--json"], ["angle", "--json"], ["check"])

    def run() -> list[tuple[int, str]]:
        said = [CliRunner().invoke(app, [c[0], str(folder), *c[1:]]) for c in commands]
        return [(s.exit_code, s.stdout) for s in said]

    (folder / KEPT).unlink()
    first = run()
    assert estimates == [False]
    assert run() == first
    (folder / "derived/rows.json").unlink(missing_ok=True)
    table = batch(tmp_path, workers=1)
    assert estimates == [False]
    shutil.rmtree(folder / "derived")
    assert table_text(batch(tmp_path, workers=1)) == table_text(table)
    assert estimates == [False, False]
    assert sorted(path.name for path in (folder / "derived").iterdir()) == ["rows.json"]


def test_only_one_place_estimates_the_angle_of_a_recording() -> None:
    home = Path(analysis.answer.__file__).parent
    callers = [p for p in home.rglob("*.py") if "estimate_angle(" in p.read_text(encoding="utf-8")]
    assert {p.relative_to(home).as_posix() for p in callers} == {"answer.py", "angle/__init__.py"}
