from __future__ import annotations

import re

import pytest

from analysis.guide.conditions import CONDITIONS
from analysis.guide.library import load_protocol, protocol_names
from analysis.guide.protocol import parse_protocol
from firmware_bridge.errors import UsageError

MINIMAL = """
name = "Two steps"
[[step]]
kind = "swings"
title = "Swing"
count = 8
[[step]]
kind = "measure"
title = "Before"
phase = "before"
test = "standing"
count = 5
"""


def test_a_protocol_is_its_steps_with_their_phases():
    protocol = parse_protocol(MINIMAL, "two.toml")
    assert [(s.kind, s.phase, s.test, s.count) for s in protocol.steps] == [
        ("swings", "swings", None, 8),
        ("measure", "before", "standing", 5),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[step]", "two.toml cannot be read"),
        ("name = 'x'", "has no steps"),
        ("speed = 3\n" + MINIMAL, "unknown entry: speed"),
        (MINIMAL.replace("count = 8", "cuont = 8"), "Unknown entry `cuont` in step 1"),
        (MINIMAL.replace("count = 5", ""), "There is no `count` in step 2"),
        (MINIMAL.replace("count = 5", "count = 'five'"), "`count` has to be a number in step 2"),
        (MINIMAL.replace("count = 5", "count = -5"), "`count` has to be a number in step 2"),
        (MINIMAL.replace('"before"', '"befroe"'), "befroe"),
        (MINIMAL.replace('"standing"', '"sitting"'), "Possible are standing, supine, prone, ake"),
        (MINIMAL.replace('title = "Swing"', ""), "There is no `title` in step 1"),
        (MINIMAL + "rate_deg_s = [9, 4]", "`rate_deg_s` has to be \\[low, high\\] in step 2"),
    ],
)
def test_mistakes_are_told_with_their_place(text, words):
    with pytest.raises(UsageError, match=words):
        parse_protocol(text, "two.toml")


def test_an_unknown_protocol_tells_which_there_are():
    with pytest.raises(UsageError, match="daily, pandiculation, research"):
        load_protocol("nonsense")


def test_a_file_is_a_protocol_too(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(MINIMAL, encoding="utf-8")
    assert load_protocol(file).name == "Two steps"


@pytest.mark.parametrize("name", protocol_names())
def test_the_protocols_that_come_along_are_sound(name):
    protocol = load_protocol(name)
    kinds = [step.kind for step in protocol.steps]
    phases = [step.phase for step in protocol.steps]
    assert set(kinds) <= set(CONDITIONS)
    assert kinds[-1] == "pain"
    assert "pain" in kinds[:2]
    assert kinds.index("strap") < kinds.index("swings") < phases.index("warmup") < phases.index("before")
    assert phases.index("before") < phases.index("pandiculation") < phases.index("after")
    assert phases.index("after") < phases.index("closing_reference")
    counts = {s.phase: s.count for s in protocol.steps if s.kind == "measure" and s.phase != "warmup"}
    assert len(set(counts.values())) == 1, "the same number of repetitions before and after"
    tests = {s.test for s in protocol.steps if s.kind == "measure"}
    assert len(tests) == 1, "what is compared is one named test"


@pytest.mark.parametrize("name", protocol_names())
def test_no_step_pushes_beyond_what_goes_by_itself(name):
    protocol = load_protocol(name)
    texts = " ".join((step.title + " " + step.text) for step in protocol.steps)
    assert not re.search(r"push further|further|as hard|force|patient|treat|deficit", texts, re.I)
    for step in protocol.steps:
        if step.kind == "measure":
            assert re.search("by itself", step.text)


def test_the_first_screen_names_the_reasons_not_to_go_on():
    first = load_protocol("pandiculation").steps[0]
    assert first.kind == "read"
    page = " ".join(first.page)
    for words in (
        "suddenly stuck",
        "fever",
        "put weight",
        "operation",
        "increasing pain",
        "not a medical device",
    ):
        assert words in page
