from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import SessionError
from firmware_bridge.findings import CONSEQUENCES, Finding
from firmware_bridge.samples import Segment
from firmware_bridge.session.codec import (
    event_from_json,
    event_to_json,
    events_from_jsonl,
    info_from_json,
    info_to_json,
)
from firmware_bridge.session.model import (
    PHASE_NAMES,
    POSE_METHODS,
    TEST_NAMES,
    Event,
    LinkEvent,
    Marker,
    Pain,
    Phase,
    ReferencePose,
    SessionInfo,
)

numbers = st.floats(-1e6, 1e6)
events = st.one_of(
    st.builds(Phase, numbers, st.sampled_from(PHASE_NAMES), st.none() | st.sampled_from(TEST_NAMES)),
    st.builds(
        ReferencePose,
        numbers,
        st.floats(0, 60),
        st.floats(-20, 150),
        st.floats(0, 9),
        st.sampled_from(POSE_METHODS),
    ),
    st.builds(Marker, numbers, st.text()),
    st.builds(Pain, numbers, st.floats(0, 10)),
    st.builds(
        LinkEvent,
        numbers,
        st.sampled_from(Segment),
        st.sampled_from(["lost", "recovered", "stalled", "battery"]),
        st.dictionaries(st.sampled_from(["battery_percent", "reason"]), st.floats(0, 100) | st.text()),
    ),
)


def test_session_json_round_trips(info: SessionInfo) -> None:
    assert info_from_json(info_to_json(info)) == info


findings = st.builds(
    Finding,
    st.text(min_size=1),
    st.none() | st.sampled_from(Segment),
    st.none() | st.tuples(numbers, numbers),
    st.text(),
    st.sampled_from(CONSEQUENCES),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(findings))
def test_what_an_import_knew_comes_back_with_the_session(info: SessionInfo, known: list[Finding]) -> None:
    told = replace(info, findings=tuple(known))
    assert info_from_json(info_to_json(told)) == told


def test_a_session_of_an_earlier_program_has_no_findings(info: SessionInfo) -> None:
    content = json.loads(info_to_json(info))
    del content["findings"]
    assert info_from_json(json.dumps(content)) == info


def test_a_finding_of_a_later_program_is_left_out_and_a_broken_one_is_refused(info: SessionInfo) -> None:
    later = replace(info, findings=(Finding("new", None, None, "Something.", "explode"),))  # type: ignore[arg-type]
    assert info_from_json(info_to_json(later)).findings == ()
    content = json.loads(info_to_json(replace(info, findings=(Finding("x", None, (0.0, 1.0), "Y."),))))
    content["findings"][0]["span"] = [1.0]
    with pytest.raises(SessionError, match="span"):
        info_from_json(json.dumps(content))


@settings(max_examples=200)
@given(events)
def test_every_event_is_one_line_and_comes_back_as_it_was(event: Event) -> None:
    line = event_to_json(event)
    assert "\n" not in line
    assert event_from_json(line) == event


def test_the_lines_of_the_contract_are_read() -> None:
    text = """
    {"time_s": 0.0, "type": "phase", "name": "before", "test": "prone"}
    {"time_s": 1, "type": "phase", "name": "swings"}
    {"time_s": 2.5, "type": "reference_pose", "duration_s": 5, "flexion_deg": 9, "sd_deg": 2, "method": "jig"}
    {"time_s": 3, "type": "marker", "text": "a strap was tightened"}
    {"time_s": 4, "type": "pain", "score": 3}
    {"time_s": 5, "type": "link", "segment": "thigh", "state": "battery", "battery_percent": 80}
    """
    found, warnings = events_from_jsonl(text)
    assert warnings == ()
    assert found == (
        Phase(0.0, "before", "prone"),
        Phase(1.0, "swings"),
        ReferencePose(2.5, 5.0, 9.0, 2.0, "jig"),
        Marker(3.0, "a strap was tightened"),
        Pain(4.0, 3.0),
        LinkEvent(5.0, Segment.THIGH, "battery", {"battery_percent": 80}),
    )


def test_a_text_with_unusual_line_ends_stays_one_event() -> None:
    events = tuple(Marker(float(i), f"a{end}b") for i, end in enumerate("\n\r\v\f\x1c\x85\u2028\u2029"))
    text = "".join(event_to_json(event) + "\n" for event in events)
    assert events_from_jsonl(text) == (events, ())


def test_keys_of_a_later_version_are_ignored(info: SessionInfo) -> None:
    content = json.loads(info_to_json(info)) | {"operator": "B"}
    content["sensors"]["thigh"]["colour"] = "red"
    assert info_from_json(json.dumps(content)) == info


def test_an_unknown_type_of_event_is_a_warning_and_the_others_are_read() -> None:
    found, warnings = events_from_jsonl(
        '{"time_s": 1, "type": "song"}\n{"time_s": 2, "type": "pain", "score": 1}'
    )
    assert found == (Pain(2.0, 1.0),)
    assert len(warnings) == 1
    assert "Line 1" in warnings[0]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('{"time_s": 1, "type": "phase", "name": "dance"}', '"name"'),
        ('{"time_s": 1, "type": "phase", "name": "before", "test": "flying"}', '"test"'),
        ('{"type": "pain", "score": 1}', '"time_s"'),
        ('{"time_s": true, "type": "pain", "score": 1}', '"time_s"'),
        ('{"time_s": 1, "type": "pain", "score": 11}', '"score"'),
        ('{"time_s": NaN, "type": "pain", "score": 1}', "JSON"),
        ('{"time_s": 1e999, "type": "pain", "score": 1}', '"time_s"'),
        ('{"time_s": 1, "type": "marker"}', '"text"'),
        ('{"time_s": 1, "type": "link", "segment": "arm", "state": "lost"}', '"segment"'),
        ('{"time_s": 1, "type": ["pain"]}', '"type"'),
        ('["time_s", 1]', "object"),
        ('{"time_s": 1, "type": "pa', "JSON"),
    ],
)
def test_an_event_that_makes_no_sense_names_the_field(line: str, names: str) -> None:
    with pytest.raises(SessionError, match=names):
        event_from_json(line)
    found, warnings = events_from_jsonl(line)
    assert found == ()
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("format", "something else", "format"),
        ("version", 2, "version 2"),
        ("version", "1", "version"),
        ("side", "middle", "left, right"),
        ("status", "open", "status"),
        ("started_at", "yesterday", "started_at"),
        ("id", None, "id"),
        ("sensors", [], "sensors"),
        ("sensors", {"thigh": 7}, "thigh"),
        ("sensors", {"thigh": {"driver": "x", "clock": {"tick_s": 0}}}, "tick_s"),
        (
            "sensors",
            {"shank": {"driver": "x", "clock": {"tick_s": 1, "ticks_modulo": 9, "shared": 1}}},
            "true or false",
        ),
    ],
)
def test_a_session_json_that_makes_no_sense_names_the_field(
    info: SessionInfo, key: str, value: object, names: str
) -> None:
    with pytest.raises(SessionError, match=names):
        info_from_json(json.dumps(json.loads(info_to_json(info)) | {key: value}))


def test_an_event_with_a_time_that_is_no_number_is_refused_before_it_is_written() -> None:
    with pytest.raises(SessionError, match="finite"):
        event_to_json(Marker(float("nan"), "?"))


def test_a_side_and_a_status_survive_replacing(info: SessionInfo) -> None:
    assert info_from_json(info_to_json(replace(info, status="imported"))).status == "imported"
