from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.codec import info_from_json
from firmware_bridge.session.model import Marker, Phase, Recording, SensorInfo, SessionInfo
from firmware_bridge.session.reader import read_info, read_session
from firmware_bridge.session.writer import SessionWriter, write_session
from firmware_bridge.virtual.simulated_clock import SimulatedClock

MakeSamples = Callable[..., ImuSamples]


def test_what_is_appended_in_pieces_is_read_back_whole(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    with SessionWriter(tmp_path / "s", info) as writer:
        writer.event(Phase(0.0, "before", "prone"))
        for start in range(0, 200, 8):
            for segment in Segment:
                writer.append(segment, make_samples(8, start=start))
        writer.event(Marker(1.5, "a strap\nslipped"))
    recording = read_session(tmp_path / "s")
    expected = ImuSamples.concatenate([make_samples(8, start=start) for start in range(0, 200, 8)])
    assert recording.info == replace(info, status="closed")
    assert recording.warnings == ()
    assert recording.events == (Phase(0.0, "before", "prone"), Marker(1.5, "a strap\nslipped"))
    for samples in (recording.thigh, recording.shank):
        for name in ("time_s", "acc_m_s2", "gyr_rad_s", "mag_ut", "arrival_s"):
            np.testing.assert_allclose(getattr(samples, name), getattr(expected, name), rtol=1e-8, atol=1e-12)
        np.testing.assert_array_equal(samples.device_ticks, expected.device_ticks)
        np.testing.assert_array_equal(samples.sequence, expected.sequence)


def test_the_files_are_those_of_the_contract(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    samples = ImuSamples([0.5], [[1 / 3, -2e-7, 9.80665]], [[0, 1, 2]], sequence=[7])
    with SessionWriter(tmp_path / "s", info) as writer:
        writer.append(Segment.THIGH, samples)
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["events.jsonl", "session.json", "thigh.csv"]
    assert (tmp_path / "s" / "thigh.csv").read_bytes() == (
        b"time_s,acc_x_m_s2,acc_y_m_s2,acc_z_m_s2,gyr_x_rad_s,gyr_y_rad_s,gyr_z_rad_s,sequence\n"
        b"0.5,0.333333333,-2e-07,9.80665,0,1,2,7\n"
    )


def test_a_float32_survives_the_file_exactly(tmp_path: Path, info: SessionInfo) -> None:
    values = np.random.default_rng(1).normal(0, 50, (500, 3)).astype(np.float32).astype(np.float64)
    write_session(tmp_path / "s", Recording(info, *[ImuSamples(np.arange(500.0), values, values)] * 2))
    read = read_session(tmp_path / "s").thigh.acc_m_s2
    np.testing.assert_array_equal(read.astype(np.float32), values.astype(np.float32))


def test_everything_is_readable_at_any_moment_without_closing(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    writer = SessionWriter(tmp_path / "s", info)
    for segment in Segment:
        writer.append(segment, make_samples(50))
    writer.event(Marker(0.2, "here"))
    recording = read_session(tmp_path / "s")
    writer.close()
    assert recording.info.status == "recovered"
    assert "not closed" in recording.warnings[0]
    assert (len(recording.thigh), len(recording.shank)) == (50, 50)
    assert recording.events == (Marker(0.2, "here"),)


def test_what_is_appended_is_on_the_disk_a_quarter_of_a_second_later(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples, clock: SimulatedClock, syncs: list[float]
) -> None:
    with SessionWriter(tmp_path / "s", info, clock=clock) as writer:
        syncs.clear()  # what creating the session synced
        clock.sleep(0.6)
        assert syncs == []  # nothing was appended
        writer.append(Segment.THIGH, make_samples(1))
        clock.sleep(10.0)
        assert syncs == [0.75]  # and once is enough, though no more is appended
        for _ in range(100):
            writer.append(Segment.THIGH, make_samples(1))
            writer.append(Segment.SHANK, make_samples(1))
            clock.sleep(0.01)
        assert syncs == [0.75, 10.75, 10.75, 11.0, 11.0, 11.25, 11.25, 11.5, 11.5]


def test_an_event_is_on_the_disk_at_once(
    tmp_path: Path, info: SessionInfo, clock: SimulatedClock, syncs: list[float]
) -> None:
    with SessionWriter(tmp_path / "s", info, clock=clock) as writer:
        clock.sleep(0.1)
        syncs.clear()
        writer.event(Marker(0.1, "now"))
        assert syncs == [0.1]


def test_the_disk_is_looked_at_every_ten_seconds(
    tmp_path: Path, info: SessionInfo, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {0.0: 10**9, 30.0: 10**7}
    seen: list[float] = []

    def disk_usage(folder: Path) -> SimpleNamespace:
        seen.append(clock.now_s())
        return SimpleNamespace(free=free[max(t for t in free if t <= clock.now_s())])

    monkeypatch.setattr("firmware_bridge.session.writer.shutil.disk_usage", disk_usage)
    told: list[float] = []
    with SessionWriter(tmp_path / "s", info, on_warning=lambda text: told.append(clock.now_s()), clock=clock):
        clock.sleep(55.0)
    assert seen == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert told == [30.0]


def test_many_threads_write_whole_lines(tmp_path: Path, info: SessionInfo, make_samples: MakeSamples) -> None:
    def feed(writer: SessionWriter, segment: Segment, start: int) -> None:
        for i in range(20):
            writer.append(segment, make_samples(5, start=start + 5 * i))
            writer.event(Marker(float(i), segment))

    with SessionWriter(tmp_path / "s", info) as writer:
        threads = [
            threading.Thread(target=feed, args=(writer, segment, start))
            for segment in Segment
            for start in (0, 100, 200)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recording = read_session(tmp_path / "s")
    assert len(recording.thigh) == len(recording.shank) == 300
    assert len(recording.events) == 120
    assert not any("damaged" in warning for warning in recording.warnings)


def test_a_session_is_never_overwritten(tmp_path: Path, info: SessionInfo, make_samples: MakeSamples) -> None:
    recording = Recording(info, make_samples(5), make_samples(5))
    write_session(tmp_path / "s", recording)
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    for attempt in (
        lambda: SessionWriter(tmp_path / "s", info),
        lambda: write_session(tmp_path / "s", recording),
    ):
        with pytest.raises(SessionError, match="already"):
            attempt()
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone" / "shank.csv").write_text("precious")
    with pytest.raises(SessionError, match=r"shank\.csv"):
        SessionWriter(tmp_path / "lone", info)
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before


def test_a_folder_that_cannot_be_made_is_one_plain_error(tmp_path: Path, info: SessionInfo) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot be written"):
        SessionWriter(tmp_path / "file" / "s", info)


def test_closing_twice_is_closing_once_and_nothing_goes_in_after(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    writer = SessionWriter(tmp_path / "s", info)
    writer.append(Segment.THIGH, make_samples(3))
    writer.close()
    writer.close()
    for late in (
        lambda: writer.append(Segment.THIGH, make_samples(1)),
        lambda: writer.event(Marker(1.0, "late")),
        lambda: writer.update_sensors({}),
    ):
        with pytest.raises(SessionError, match="closed"):
            late()
    assert read_info(tmp_path / "s").status == "closed"


def test_sensors_are_updated_on_disk_at_once(tmp_path: Path, info: SessionInfo) -> None:
    with SessionWriter(tmp_path / "s", info) as writer:
        writer.update_sensors({Segment.THIGH: SensorInfo("witmotion", "WT901")})
        on_disk = info_from_json((tmp_path / "s" / "session.json").read_text(encoding="utf-8"))
    assert on_disk.sensors[Segment.THIGH].driver == "witmotion"
    assert on_disk.sensors[Segment.SHANK] == info.sensors[Segment.SHANK]
    assert on_disk.status == "recording"


def test_an_error_in_the_block_still_closes_the_session(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    def record() -> None:
        with SessionWriter(tmp_path / "s", info) as writer:
            writer.append(Segment.THIGH, make_samples(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    assert read_info(tmp_path / "s").status == "closed"


def test_columns_are_those_of_the_first_samples(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    plain, rich = make_samples(10, clock=False), make_samples(10, start=10)
    with SessionWriter(tmp_path / "s", info) as writer:
        writer.append(Segment.THIGH, plain)
        writer.append(Segment.THIGH, rich)
        writer.append(Segment.SHANK, rich)
        writer.append(Segment.SHANK, plain)
    recording = read_session(tmp_path / "s")
    assert recording.thigh.device_ticks is None
    assert len(recording.thigh) == len(recording.shank) == 20
    assert any("device_ticks of shank.csv" in warning for warning in recording.warnings)


def test_text_that_is_no_unicode_costs_only_its_letter(tmp_path: Path, info: SessionInfo) -> None:
    write_session(tmp_path / "s", Recording(info, *[_one_sample()] * 2, (Marker(0.0, "a\ud800b"),)))
    assert read_session(tmp_path / "s").events == (Marker(0.0, "a?b"),)


def test_a_session_that_does_not_fit_leaves_nothing_behind(
    tmp_path: Path, info: SessionInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("firmware_bridge.session.writer.replace_file", full)
    with pytest.raises(SessionError, match="No space left"):
        write_session(tmp_path / "s", Recording(info, _one_sample(), _one_sample()))
    with pytest.raises(SessionError, match="No space left"):
        SessionWriter(tmp_path / "s", info)
    assert list((tmp_path / "s").iterdir()) == []


def test_a_listener_that_fails_does_not_stop_the_recording(
    tmp_path: Path, info: SessionInfo, make_samples: MakeSamples
) -> None:
    def broken(text: str) -> None:
        raise RuntimeError(text)

    with SessionWriter(tmp_path / "s", info, on_warning=broken, low_disk_bytes=2**62) as writer:
        writer.append(Segment.THIGH, make_samples(3))
    assert len(writer.warnings) == 1
    assert len(read_session(tmp_path / "s").thigh) == 3


def _one_sample() -> ImuSamples:
    return ImuSamples([0.0], [[0.0, 0.0, 9.8]], [[0.0, 0.0, 0.0]])


def test_low_disk_is_told_once(tmp_path: Path, info: SessionInfo) -> None:
    told: list[str] = []
    with SessionWriter(tmp_path / "s", info, on_warning=told.append, low_disk_bytes=2**62) as writer:
        pass
    assert len(told) == 1
    assert "MB are left" in told[0]
    assert writer.warnings == told
