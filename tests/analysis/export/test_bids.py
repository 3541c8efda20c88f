"""A dataset that the BIDS validator passes, with what was lost, and without what names somebody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.export import export
from analysis.export.bids import rate_and_loss
from firmware_bridge.errors import UsageError
from firmware_bridge.session.model import Recording
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session

VALIDATOR = shutil.which("bids-validator-deno", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")


@pytest.fixture(scope="module")
def dataset(sessions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bids") / "dataset"
    found = export(sessions, "motion-bids", out)
    assert found.left_out == ()
    assert [p.relative_to(out).as_posix() for p in found.places] == [
        "sub-P07/ses-01",
        "sub-Q1/ses-01",
        "sub-P07/ses-02",
    ]
    return out


def _motion(dataset: Path, system: str, kind: str = "motion.tsv") -> Path:
    return next((dataset / "sub-P07/ses-01/motion").glob(f"*_tracksys-{system}_{kind}"))


@pytest.mark.skipif(VALIDATOR is None, reason="bids-validator-deno is not installed")
@pytest.mark.real_time
def test_the_validator_finds_no_error(dataset: Path) -> None:
    run = subprocess.run([str(VALIDATOR), str(dataset), "--format", "json"], capture_output=True, text=True)
    found = json.loads(run.stdout)
    errors = [i for i in found["issues"]["issues"] if i["severity"] == "error"]
    assert errors == []
    assert run.returncode == 0
    assert sorted(found["summary"]["subjects"]) == ["P07", "Q1"]
    assert found["summary"]["modalities"] == ["motion"]


@pytest.mark.skipif(VALIDATOR is None, reason="bids-validator-deno is not installed")
@pytest.mark.real_time
def test_the_validator_sees_what_is_wrong(dataset: Path, tmp_path: Path) -> None:
    """Passing means something: a side file without its required field is an error."""
    broken = tmp_path / "broken"
    shutil.copytree(dataset, broken)
    side = _motion(broken, "thigh", "motion.json")
    content = json.loads(side.read_text())
    del content["SamplingFrequency"]
    side.write_text(json.dumps(content))
    run = subprocess.run([str(VALIDATOR), str(broken), "--format", "json"], capture_output=True, text=True)
    assert "SamplingFrequency" in run.stdout
    assert run.returncode != 0


def test_samples_are_those_of_the_session_with_their_times(dataset: Path, sessions: Path) -> None:
    recording = read_session(sessions / "b")
    for system, samples in (("thigh", recording.thigh), ("shank", recording.shank)):
        values = np.loadtxt(_motion(dataset, system))
        channels = pd.read_csv(_motion(dataset, system, "channels.tsv"), sep="\t")
        assert list(channels["name"]) == ["latency", *(f"{q}_{a}" for q in ("acc", "gyr") for a in "xyz")]
        np.testing.assert_allclose(values[:, 0], samples.time_s, rtol=1e-8)
        np.testing.assert_allclose(values[:, 1:4], samples.acc_m_s2, rtol=1e-7)
        np.testing.assert_allclose(values[:, 4:7], samples.gyr_rad_s, rtol=1e-7)
        assert list(channels["units"]) == ["s", *["m/s^2"] * 3, *["rad/s"] * 3]
        side = json.loads(_motion(dataset, system, "motion.json").read_text())
        assert side["MotionChannelCount"] == 7
        assert (side["ACCELChannelCount"], side["GYROChannelCount"], side["LATENCYChannelCount"]) == (3, 3, 1)
        assert side["SamplingFrequency"] == 100


def test_the_share_of_lost_samples_is_told(dataset: Path) -> None:
    lost = {
        system: json.loads(_motion(dataset, system, "motion.json").read_text())["LostSamplesPercent"]
        for system in ("thigh", "shank")
    }
    assert lost["thigh"] == 0
    assert lost["shank"] == pytest.approx(5 + 95 * 0.5 / 85, abs=0.15)
    regular = np.arange(0, 10, 0.01)
    kept = np.delete(regular, [5, 6, 7, 100])
    assert rate_and_loss(kept) == (pytest.approx(99.6, abs=0.05), pytest.approx(4 / 1000))
    assert rate_and_loss(regular[:1]) == (0.0, 0.0)


def test_the_knee_angle_is_a_tracking_system_with_gaps(dataset: Path) -> None:
    values = pd.read_csv(_motion(dataset, "knee"), sep="\t", header=None, na_values="n/a")
    channels = pd.read_csv(_motion(dataset, "knee", "channels.tsv"), sep="\t", keep_default_na=False)
    assert list(channels["type"]) == ["LATENCY", "JNTANG", "MISC"]
    assert list(channels["tracked_point"]) == ["n/a", "right_knee", "right_knee"]
    gap = values[0].between(40.1, 40.4)
    assert values[1][gap].isna().all()
    assert values[1][~gap].notna().mean() > 0.9


def test_events_have_their_numbers_and_names_stay_out(dataset: Path, recording: Recording) -> None:
    (file,) = (dataset / "sub-P07/ses-01/motion").glob("*_events.tsv")
    events = pd.read_csv(file, sep="\t", na_values="n/a")
    before = events[events["trial_type"] == "before"].iloc[0]
    span = next(p for p in recording.phases if p.name == "before")
    assert (before["onset"], before["test"]) == (pytest.approx(span.start_s), "prone")
    assert before["duration"] == pytest.approx(span.stop_s - span.start_s, rel=1e-4)
    assert set(events["trial_type"]) > {"reference_pose", "pain", "marker", "shank_lost"}
    assert list(events.loc[events["trial_type"] == "pain", "value"]) == [2]
    texts = [p for p in dataset.rglob("*") if p.is_file() and not p.name.endswith("_motion.tsv")]
    everything = "".join(p.read_text() for p in texts)
    assert not [secret for secret in ("Anna", "2026", "tired") if secret in everything]
    rows = pd.read_csv(dataset / "participants.tsv", sep="\t")
    assert list(rows["participant_id"]) == ["sub-P07", "sub-Q1"]


def test_everything_is_for_its_owner_alone(dataset: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such permissions")
    assert all(p.stat().st_mode & 0o077 == 0 for p in [dataset, *dataset.rglob("*")])


def test_a_session_keeps_its_label_and_another_one_is_added(
    dataset: Path, sessions: Path, recording: Recording, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    shutil.copytree(dataset, out)
    people = out / "participants.tsv"
    people.write_text("participant_id\tcode\tage\nsub-P07\tP-07\t41\nsub-Q1\tQ1\tn/a\n")
    (out / "README.md").write_text("My own words.")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert export(sessions / "a", "motion-bids", out).places[0].name == "ses-02"
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    later = tmp_path / "later"
    info = replace(recording.info, client="P-07", id="new", started_at="2026-02-01T10:00:00+00:00")
    write_session(later, replace(recording, info=info))
    assert export(later, "motion-bids", out).places[0].name == "ses-03"
    assert people.read_text().splitlines()[1] == "sub-P07\tP-07\t41"
    assert (out / "README.md").read_text() == "My own words."
    assert len(pd.read_csv(out / "sub-P07/sub-P07_sessions.tsv", sep="\t")) == 3


def test_what_is_not_ours_is_not_touched(sessions: Path, recording: Recording, tmp_path: Path) -> None:
    for name, content in (
        ("x.txt", "mine"),
        ("dataset_description.json", '{"Name": "Mine", "BIDSVersion": "1"}'),
    ):
        out = tmp_path / name.partition(".")[0]
        out.mkdir()
        (out / name).write_text(content)
        with pytest.raises(UsageError, match="did not export"):
            export(sessions / "b", "motion-bids", out)
        assert [p.name for p in out.iterdir()] == [name]
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UsageError):
        export(sessions / "b", "motion-bids", file)


def test_codes_that_bids_cannot_tell_apart_are_refused(
    dataset: Path, recording: Recording, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    shutil.copytree(dataset, out)
    for client, words in (("P07", "same letters"), ("", "no person's code")):
        folder = tmp_path / f"s{client}"
        write_session(folder, replace(recording, info=replace(recording.info, client=client, id="other")))
        with pytest.raises(UsageError, match=words):
            export(folder, "motion-bids", out)
    assert len(pd.read_csv(out / "participants.tsv", sep="\t")) == 2


def test_a_session_without_an_angle_is_exported_without_one(recording: Recording, tmp_path: Path) -> None:
    still = np.arange(len(recording.thigh)) < 900  # before the swings there is no axis to be seen
    folder, out = tmp_path / "s", tmp_path / "out"
    write_session(folder, replace(recording, thigh=recording.thigh[still], shank=recording.shank[:0]))
    found = export(folder, "motion-bids", out)
    assert "without a knee angle" in found.left_out[0][1]
    names = [p.name for p in out.rglob("*_motion.tsv")]
    assert len(names) == 1
    assert "tracksys-thigh" in names[0]
    scans = next(out.rglob("*_scans.tsv")).read_text().split()
    assert scans == ["filename", f"motion/{names[0]}"]
