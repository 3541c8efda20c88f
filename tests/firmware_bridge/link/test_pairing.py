from __future__ import annotations

import numpy as np
import pytest

from firmware_bridge.errors import SessionError
from firmware_bridge.link.pairing import remember, remembered, remembered_path, which_moved, worn
from firmware_bridge.link.target import Target
from firmware_bridge.samples import ImuSamples, Segment


def gyro(amplitude_rad_s: float, bias_rad_s: float = 0.0, n: int = 200) -> ImuSamples:
    rng = np.random.default_rng(4)
    gyr = amplitude_rad_s * rng.standard_normal((n, 3)) / np.sqrt(3) + bias_rad_s
    return ImuSamples(np.arange(n) / 100, np.zeros((n, 3)), gyr)


@pytest.mark.parametrize(
    ("a", "b", "moved"),
    [
        (gyro(5), gyro(0.05), "a"),
        (gyro(0.05), gyro(5), "b"),
        (gyro(5), gyro(4), None),
        (gyro(0.3), gyro(0.01), None),
        (gyro(0.05, bias_rad_s=3), gyro(3), "b"),
        (gyro(5), gyro(0, n=0), "a"),
    ],
)
def test_the_sensor_that_moved_alone(a, b, moved):
    assert which_moved({"a": a, "b": b}) == moved


def test_nobody_moved_where_nobody_is():
    assert which_moved({}) is None


TARGETS = {
    Segment.THIGH: Target("Xsens DOT", "movella-dot", "D4:22:CD:00:00:01"),
    Segment.SHANK: Target("Knie-ß"),
}


@pytest.mark.parametrize("meant", list(Segment))
def test_the_moved_sensor_is_the_meant_one(meant):
    swapped = {Segment.THIGH: TARGETS[Segment.SHANK], Segment.SHANK: TARGETS[Segment.THIGH]}
    assert worn(TARGETS, moved=meant, meant=meant) == TARGETS
    other = Segment.SHANK if meant == Segment.THIGH else Segment.THIGH
    assert worn(TARGETS, moved=other, meant=meant) == swapped


def test_sensors_are_remembered(tmp_path):
    path = tmp_path / "new folder" / "sensors.json"
    assert remembered(path) == {}
    assert remember(TARGETS, path) == path
    remember(TARGETS, path)
    assert remembered(path) == TARGETS
    assert list(path.parent.iterdir()) == [path]


def test_the_usual_place_is_taken(tmp_path, monkeypatch):
    for variable in ("XDG_CONFIG_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    remember(TARGETS)
    assert tmp_path in remembered_path().parents
    assert remembered() == TARGETS


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "other"}', '{"format": "kneeflex-sensors", "sensors": {"elbow": {}}}'],
)
def test_a_spoilt_file_is_said_plainly(tmp_path, text):
    path = tmp_path / "sensors.json"
    path.write_text(text)
    with pytest.raises(SessionError, match="cannot be read"):
        remembered(path)


def test_a_place_that_cannot_be_written_is_said_plainly(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot be remembered"):
        remember(TARGETS, tmp_path / "file" / "sensors.json")
