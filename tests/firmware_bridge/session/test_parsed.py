"""The parsed form of a CSV file: the same bit for bit, never stale, harmless whatever lies in its place."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.samples import ImuSamples
from firmware_bridge.session import parsed, table
from firmware_bridge.session.model import Recording, SessionInfo
from firmware_bridge.session.parsed import kept_file, parse_kept
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session

MakeSamples = Callable[..., ImuSamples]


@pytest.fixture
def session(tmp_path: Path, info: SessionInfo, make_samples: MakeSamples) -> Path:
    recording = Recording(replace(info, status="closed"), make_samples(300), make_samples(300, start=5), ())
    write_session(tmp_path / "session", recording)
    return tmp_path / "session"


@pytest.fixture
def raw(session: Path) -> Path:
    return session / "thigh.csv"


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were parsed as text."""
    names: list[str] = []
    parse = table.parse

    def counted(text: bytes, name: str) -> tuple[ImuSamples, tuple[str, ...]]:
        names.append(name)
        return parse(text, name)

    monkeypatch.setattr(table, "parse", counted)
    return names


def same_bits(one: ImuSamples, other: ImuSamples) -> bool:
    """Whether all columns agree in every bit, and in the order in which memory holds them."""
    pairs = [(getattr(one, f.name), getattr(other, f.name)) for f in fields(ImuSamples)]
    return all(
        a is b is None
        or (
            a is not None
            and b is not None
            and (a.dtype, a.shape, a.strides, a.tobytes("A")) == (b.dtype, b.shape, b.strides, b.tobytes("A"))
        )
        for a, b in pairs
    )


NUMBER = st.one_of(
    st.floats(-1e6, 1e6).map("{:.9g}".format),
    st.floats().map(repr),
    st.integers(-(2**63), 2**63).map(str),
    st.sampled_from(["", "nan", "x", "1e400", " 5 ", '"7"']),
)
COLUMNS = st.sampled_from(
    [table.REQUIRED, table.KNOWN, (*table.REQUIRED, "arrival_s", "other"), table.KNOWN[::-1]]
)


@given(data=st.data(), columns=COLUMNS, torn=st.integers(0, 30))
@settings(max_examples=40)
def test_a_file_reads_the_same_parsed_or_kept(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, columns: tuple[str, ...], torn: int
) -> None:
    plain = st.integers(-9999, 9999).map(lambda v: str(v / 128))
    row = st.lists(st.one_of(plain, plain, NUMBER), min_size=len(columns), max_size=len(columns) + 1)
    rows = data.draw(st.lists(row, max_size=8))
    text = "\n".join([",".join(columns), *map(",".join, rows)])
    raw = tmp_path_factory.mktemp("any") / "thigh.csv"
    raw.write_bytes(text.encode()[: len(text) - torn] if torn else text.encode() + b"\n")
    expected, warnings = table.parse(raw.read_bytes(), raw.name)
    for _ in range(2):
        samples, told = parse_kept(raw, keep=True)
        assert same_bits(samples, expected)
        assert told == warnings
    assert kept_file(raw).is_file()


def test_a_session_reads_the_same_and_is_parsed_once(session: Path, parses: list[str]) -> None:
    (session / "shank.csv").write_bytes((session / "shank.csv").read_bytes() + b"1,2,3\ntorn")
    plain = read_session(session)
    first = read_session(session, keep_parsed=True)
    parses.clear()
    second = read_session(session)
    assert parses == []
    for other in (first, second):
        assert same_bits(other.thigh, plain.thigh)
        assert same_bits(other.shank, plain.shank)
        assert (other.info, other.events, other.findings) == (plain.info, plain.events, plain.findings)
    assert len(plain.findings) > 1


def test_nothing_is_written_unless_it_is_asked_for(session: Path) -> None:
    read_session(session)
    assert not (session / "derived").exists()
    read_session(session, keep_parsed=True)
    assert sorted(one.name for one in (session / "derived").iterdir()) == ["shank.npz", "thigh.npz"]
    assert (session / "derived/thigh.npz").stat().st_mode & 0o777 == 0o600


def test_a_session_that_is_still_recorded_neither_uses_nor_makes_it(session: Path, parses: list[str]) -> None:
    read_session(session, keep_parsed=True)
    kept = (session / "derived/thigh.npz").read_bytes()
    text = (session / "session.json").read_text()
    (session / "session.json").write_text(text.replace('"closed"', '"recording"'))
    (session / "derived/shank.npz").unlink()
    parses.clear()
    read_session(session, keep_parsed=True)
    assert parses == ["thigh.csv", "shank.csv"]
    assert (session / "derived/thigh.npz").read_bytes() == kept
    assert not (session / "derived/shank.npz").exists()


def test_a_changed_file_of_the_same_size_and_time_is_parsed_again(raw: Path, parses: list[str]) -> None:
    parse_kept(raw, keep=True)
    before = raw.stat()
    content = raw.read_bytes()
    middle = content.index(b"\n", len(content) // 2) + 1
    raw.write_bytes(content[:middle] + b"9" + content[middle + 1 :])
    os.utime(raw, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert raw.stat().st_size == before.st_size
    parses.clear()
    samples, _ = parse_kept(raw, keep=True)
    assert parses == ["thigh.csv"]
    assert same_bits(samples, table.parse(raw.read_bytes(), raw.name)[0])
    parses.clear()
    parse_kept(raw, keep=False)
    assert parses == []


def test_a_file_of_another_time_or_another_program_version_is_parsed_again(
    raw: Path, parses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parse_kept(raw, keep=True)
    os.utime(raw, ns=(0, 0))
    parse_kept(raw, keep=True)
    monkeypatch.setattr(parsed, "_software", lambda: "of next year")
    parse_kept(raw, keep=False)
    assert parses == ["thigh.csv"] * 3


def test_a_kept_form_torn_at_any_place_or_with_a_flipped_bit_is_ignored(raw: Path) -> None:
    expected, _ = parse_kept(raw, keep=True)
    kept = kept_file(raw)
    whole = kept.read_bytes()
    places = np.linspace(0, len(whole) - 1, 40).astype(int)
    damaged = [whole[:k] for k in places]
    damaged += [whole[:k] + bytes([whole[k] ^ 16]) + whole[k + 1 :] for k in places]
    for content in [*damaged, b"", b"PK\x03\x04", raw.read_bytes(), os.urandom(500)]:
        kept.write_bytes(content)
        samples, warnings = parse_kept(raw, keep=False)
        assert same_bits(samples, expected)
        assert warnings == ()


class Trap:
    """An object that leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_no_object_in_a_kept_form_is_ever_unpickled(raw: Path, tmp_path: Path) -> None:
    expected, _ = parse_kept(raw, keep=True)
    kept = kept_file(raw)
    with np.load(kept) as arrays:
        header = arrays["header"]
    for name in ("header", "time_s"):
        content = io.BytesIO()
        trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
        np.savez(content, allow_pickle=True, **({"header": header} | {name: trap}))
        kept.write_bytes(content.getvalue())
        assert same_bits(parse_kept(raw, keep=False)[0], expected)
    assert not (tmp_path / "sprung").exists()


def test_a_compressed_form_is_not_unfolded(raw: Path) -> None:
    """A file of some kilobytes could unfold to more than the memory holds."""
    expected, _ = parse_kept(raw, keep=True)
    kept = kept_file(raw)
    with np.load(kept) as arrays:
        columns = {name: arrays[name] for name in arrays.files} | {"time_s": np.zeros(300)}
    content = io.BytesIO()
    np.savez_compressed(content, **columns)
    kept.write_bytes(content.getvalue())
    assert same_bits(parse_kept(raw, keep=False)[0], expected)


def test_the_kept_form_of_another_file_is_ignored(session: Path, raw: Path) -> None:
    read_session(session, keep_parsed=True)
    expected, _ = table.parse(raw.read_bytes(), raw.name)
    shutil.copy(session / "derived/shank.npz", session / "derived/thigh.npz")
    assert same_bits(parse_kept(raw, keep=True)[0], expected)
    assert same_bits(parse_kept(raw, keep=False)[0], expected)


def test_a_folder_that_cannot_be_written_to_is_read_without_it(raw: Path) -> None:
    (raw.parent / "derived").write_text("a file stands where the folder should be")
    samples, _ = parse_kept(raw, keep=True)
    assert len(samples) == 300
    assert sorted(one.name for one in raw.parent.iterdir()) == [
        "derived", "events.jsonl", "session.json", "shank.csv", "thigh.csv",
    ]  # fmt: skip


def test_a_link_in_its_place_never_leads_to_what_was_recorded(session: Path, raw: Path) -> None:
    (session / "derived").mkdir()
    kept_file(raw).symlink_to(session / "shank.csv")
    before = (session / "shank.csv").read_bytes()
    parse_kept(raw, keep=True)
    assert (session / "shank.csv").read_bytes() == before


def test_a_file_that_changes_while_it_is_read_is_not_kept(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = table.parse

    def meanwhile(text: bytes, name: str) -> tuple[ImuSamples, tuple[str, ...]]:
        with raw.open("ab") as growing:
            growing.write(b"\n")
        return parse(text, name)

    monkeypatch.setattr(table, "parse", meanwhile)
    parse_kept(raw, keep=True)
    assert not kept_file(raw).exists()
