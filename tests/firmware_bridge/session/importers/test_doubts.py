"""What is wrong with a file is refused or told by its true cause; nothing is supposed in silence."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from firmware_bridge.errors import KneeflexError, UsageError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.importers import read_import
from firmware_bridge.session.importers.clocks import stamps
from firmware_bridge.session.importers.files.mapping import from_line, from_toml, mappings

Both = dict[Segment, ImuSamples]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "import_dialects_doubts", Path(__file__).with_name("dialects.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


D = _load()
DEG = np.pi / 180


def edited(path: Path, change: Callable[[list[str]], list[str]]) -> Path:
    path.write_text(
        "\n".join(change(path.read_text(encoding="utf-8").split("\n")[:-1])) + "\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"worth": (1e-3, 1, 1)}, "0.1 samples a second.*milliseconds"),
        ({"worth": (1, 9.80665, 1)}, "not near 9.8.*in g"),
        ({"worth": (1, 1, DEG)}, "deg/s"),
        ({"worth": (1, 1, 1 / DEG)}, "turns 0.0.* times as far as gravity.*rad/s"),
    ],
)
def test_other_units_under_our_names_are_refused(
    leg: Both, tmp_path: Path, options: dict, words: str
) -> None:
    files = D.csv(tmp_path, leg, **options)
    with pytest.raises(KneeflexError, match=words):
        read_import("csv", files.thigh, files.shank)


@pytest.mark.parametrize(
    ("dialect", "format_", "words"),
    [
        ("movella-dot", "csv", "is an export of the Movella DOT app.*movella-dot"),
        ("xsens-mt", "movella-dot", "is a text export of Xsens MT Manager.*xsens-mt"),
        ("metabase", "xsens-mt", "is an export of the MetaBase app.*metabase"),
        ("csv", "metabase", "is a csv with the columns of a session"),
    ],
)
def test_a_wrong_format_says_what_the_file_is(
    leg: Both, tmp_path: Path, dialect: str, format_: str, words: str
) -> None:
    files = D.DIALECTS[dialect](tmp_path, leg)
    with pytest.raises(KneeflexError, match=words):
        read_import(format_, files.thigh, files.shank)


def test_first_lines_that_were_lost_are_asked_for(leg: Both, tmp_path: Path) -> None:
    """Without them nobody knows whether the rates are in deg/s or rad/s; a format that is named tells."""
    files = D.dot(tmp_path, leg)
    for path in (files.thigh, files.shank):
        edited(path, lambda lines: lines[10:])
    with pytest.raises(KneeflexError, match=r"movella-dot or xsens-mt"):
        read_import("auto", files.thigh, files.shank)
    assert read_import("movella-dot", files.thigh, files.shank).recording.findings


@pytest.mark.parametrize("whose", ["by hand", "stated"])
def test_a_rate_that_the_turns_contradict_is_not_believed(leg: Both, tmp_path: Path, whose: str) -> None:
    head = D.MT_NEW if whose == "by hand" else [line.replace("100.0", "60.0") for line in D.MT_OLD]
    files = D.mt(tmp_path, leg, head=head, quat=True)
    with pytest.raises(KneeflexError, match=f"cannot have been sampled at 60 Hz.*{whose}"):
        read_import("auto", files.thigh, files.shank, rate_hz=60.0 if whose == "by hand" else None)


def test_half_the_rates_and_an_offset_are_told_at_import(leg: Both, tmp_path: Path) -> None:
    files = D.csv(tmp_path / "half", leg, worth=(1, 1, 2))
    kinds = {f.kind: f for f in read_import("auto", files.thigh, files.shank).recording.findings}
    assert kinds["gyro_scale"].consequence == "refuse"
    moved = {
        segment: ImuSamples(
            s.time_s, s.acc_m_s2 + np.array([0, 0, 3.9 * (segment is Segment.THIGH)]), s.gyr_rad_s
        )
        for segment, s in leg.items()
    }
    files = D.csv(tmp_path / "offset", moved)
    (doubt,) = [
        f
        for f in read_import("auto", files.thigh, files.shank).recording.findings
        if f.kind == "gravity_length"
    ]
    assert doubt.segment is Segment.THIGH
    sound = D.csv(tmp_path / "sound", leg)
    assert not {"gyro_scale", "gravity_length"} & {
        f.kind for f in read_import("auto", sound.thigh, sound.shank).recording.findings
    }


def test_no_rate_is_ever_printed_to_be_copied(leg: Both, tmp_path: Path) -> None:
    still = {segment: samples[:200] for segment, samples in leg.items()}
    files = D.mt(tmp_path, still, head=D.MT_NEW)
    with pytest.raises(KneeflexError, match="--rate") as told:
        read_import("auto", files.thigh, files.shank)
    assert not any(character.isdigit() for character in str(told.value).replace(str(tmp_path), ""))


def test_two_recordings_in_one_file_are_not_mixed(leg: Both, tmp_path: Path) -> None:
    files = D.csv(tmp_path, leg)
    edited(files.thigh, lambda lines: lines + lines[:1500])
    with pytest.raises(KneeflexError, match="two recordings"):
        read_import("auto", files.thigh, files.shank)


def test_a_copy_and_a_mixture_are_noticed(leg: Both, tmp_path: Path) -> None:
    files = D.csv(tmp_path, leg)
    with pytest.raises(UsageError, match="copy"):
        read_import(
            "auto", files.thigh, D.csv(tmp_path / "2", {**leg, Segment.SHANK: leg[Segment.THIGH]}).shank
        )
    other = D.dot(tmp_path / "3", leg)
    assert "not synchronised" in " ".join(read_import("auto", files.thigh, other.shank).understood.doubts)


def test_wide_files_need_to_be_told_which_sensor_is_where(leg: Both, tmp_path: Path) -> None:
    thigh, shank = leg[Segment.THIGH], leg[Segment.SHANK]
    names = ["t_ms", *(f"{s}_{q}{axis}" for s in ("imu1", "imu2") for q in ("a", "g") for axis in "xyz")]
    parts = (
        thigh.time_s * 1000,
        thigh.acc_m_s2,
        thigh.gyr_rad_s / DEG,
        shank.acc_m_s2,
        shank.gyr_rad_s / DEG,
    )
    path = D.put(tmp_path / "wide.csv", [",".join(names), *D.rows(*parts, forms=["%.7f"] * 5)])
    with pytest.raises(UsageError, match=r"imu1, imu2.*--thigh-sensor"):
        read_import("auto", path, path)
    read = read_import("auto", path, path, sensors=("imu1", "imu2")).recording
    np.testing.assert_allclose(read.shank.acc_m_s2, shank.acc_m_s2, atol=1e-5)
    np.testing.assert_allclose(read.thigh.gyr_rad_s, thigh.gyr_rad_s, atol=1e-5)
    with pytest.raises(UsageError, match="same file"):
        read_import("auto", path, path, sensors=("imu1", "imu1"))


def test_a_sensor_that_rows_name_can_be_named_by_hand(leg: Both, tmp_path: Path) -> None:
    files = D.witmotion(tmp_path, leg)
    edited(
        files.thigh, lambda lines: [line.replace("(thigh)", "A").replace("(shank)", "B") for line in lines]
    )
    with pytest.raises(UsageError, match="WT901A, WT901B"):
        read_import("auto", files.thigh, files.shank)
    read = read_import("auto", files.thigh, files.shank, sensors=("WT901B", "WT901A")).recording
    np.testing.assert_allclose(read.thigh.acc_m_s2, leg[Segment.SHANK].acc_m_s2, atol=1e-5)


@pytest.mark.parametrize(
    "line", ["time=t", "acc=a,b,c; gyr=d,e,f", "time=t; acc=a,b; gyr=c,d,e", "nonsense", "time=a;time=b"]
)
def test_columns_that_say_too_little_are_refused_with_an_example(line: str) -> None:
    with pytest.raises(UsageError, match="time=t:ms"):
        from_line(line)


@pytest.mark.parametrize(
    "text",
    ["[[time]\n", "x = 1\n", '[[time]]\ncolumn = "t"\n[acc]\ncolumns = ["a"]\n', "[[time]]\nspeed = 3\n"],
)
def test_a_mapping_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="mapping"):
        from_toml(text, "mine")


def test_every_mapping_says_where_it_is_known_from() -> None:
    page = (Path(__file__).parents[4] / "docs" / "import.md").read_text(encoding="utf-8")
    for name, mapping in mappings().items():
        assert name == "plain" or f"`{name}`" in page
        assert "Source:" in mapping.text or name in ("csv", "plain")
    for dialect in D.DIALECTS:
        assert dialect in page, "every dialect that is tested stands in the table of docs/import.md"


def test_losses_are_no_packets_and_jitter_is_no_loss() -> None:
    dice = np.random.default_rng(4)
    even = np.arange(4000) / 100
    assert stamps.spread_packets(even[dice.random(4000) > 0.2]) is None
    assert stamps.spread_jitter(even[dice.random(4000) > 0.01]) is None
    late = np.sort(even + np.abs(dice.normal(0, 0.004, 4000)))
    spread = stamps.spread_jitter(late)
    assert spread is not None
    np.testing.assert_allclose(np.diff(spread.time_s), 0.01, atol=1e-5)
    assert stamps.spread_jitter(np.delete(late, np.s_[1000:1100:5])) is None


def test_rounded_stamps_are_found_again_where_they_change() -> None:
    exact = 1.020e9 + 1e4 * np.arange(6000)
    rounded = np.array([float(f"{value:.2E}") for value in exact])
    found = stamps.unrounded(rounded, np.arange(6000), 1e4)
    assert found is not None
    assert np.abs(found[0] - exact).max() < 1e4
