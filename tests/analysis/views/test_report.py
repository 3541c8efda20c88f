from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest

from analysis.views import wording
from analysis.views.report import render_report
from firmware_bridge.session.model import Pain

KINDS = ("gain", "none", "relative", "few", "slipped", "lost", "two_tests")
# Those whose pictures hold something that no other one's do.
DRAWN = ("relative", "few", "lost", "two_tests")


class Page(HTMLParser):
    """Collects the visible text and every reference to something else, and checks the nesting."""

    VOID = ("meta", "img", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(text for text in self.texts if text)


@pytest.fixture(scope="module")
def page_of(make_answer):
    """The report of a kind of answer, rendered once."""
    return cache(lambda kind: render_report(make_answer(kind)))


@pytest.fixture
def text_of(make_answer, without_pictures):
    """The words of the report of a kind of answer."""
    return lambda kind: Page(render_report(make_answer(kind))).text


@pytest.mark.parametrize("kind", DRAWN)
def test_the_page_needs_nothing_but_itself(page_of, kind):
    html = page_of(kind)
    page = Page(html)
    assert len(page.references) == 3
    assert all(reference.startswith("data:image/svg+xml;base64,") for reference in page.references)
    assert "<script" not in html
    assert "url(" not in html


@pytest.mark.parametrize("kind", KINDS)
def test_no_medical_claim_outside_the_safety_texts(text_of, kind):
    text = text_of(kind)
    for fixed in (wording.PURPOSE, *wording.SAFETY, *wording.PRIVACY):
        assert fixed in text
        text = text.replace(fixed, "")
    forbidden = re.compile(
        r"patient|diagnos|treatment|therap|pain relief|deficit|contracture|\bmonitor", re.I
    )
    assert not forbidden.search(text)


@pytest.mark.usefixtures("without_pictures")
def test_the_first_line_is_the_answer_in_plain_words(make_answer):
    page = Page(render_report(make_answer("gain")))
    first = page.texts[[bool(re.search("straightened", t)) for t in page.texts].index(True)]
    assert first == (
        "After the session the knee straightened 6.3° further, standing "
        "(11.3° short of straight before, 5.0° short of straight after)."
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("none", "No detectable change, standing: the reading after the session was"),
        ("few", "This recording cannot tell whether the knee straightens further, standing."),
        ("slipped", "No change that can be relied on, standing: the reading after the session was"),
    ],
)
def test_what_is_no_change_is_not_called_one(text_of, kind, words):
    text = text_of(kind)
    assert words in text
    assert "straightened" not in text


def test_a_relative_session_shows_no_absolute_angle(make_answer, text_of):
    answer = make_answer("relative")
    text = text_of("relative")
    for block in answer.comparisons[0].blocks.values():
        assert f"{block.extension_deg:.1f}°" not in text
    assert "withheld" in text
    assert "short of straight" not in text
    assert "No reference pose" in text


def test_warnings_stand_before_the_pictures(make_answer, page_of):
    answer = make_answer("lost")
    html = page_of("lost")
    for warning in answer.warnings:
        assert 0 < html.index(warning) < html.index("<img")


def test_truth_and_measurement_stand_side_by_side(make_answer, text_of):
    text = Page(render_report(make_answer("gain"), truth={"standing": 6.0})).text
    assert "standing +6.0° +6.3° +0.27°" in text
    assert "A simulated leg" not in text_of("gain")


def test_rising_pain_is_the_first_warning(make_answer, text_of):
    answer = make_answer("gain")
    events = (*answer.recording.events, Pain(answer.recording.duration_s, 4))
    hurting = replace(answer, recording=replace(answer.recording, events=events))
    text = Page(render_report(hurting)).text
    assert "Pain rose from 2 to 4: stop here" in text
    assert "Pain rose" not in text_of("gain")


@pytest.mark.usefixtures("without_pictures")
def test_what_people_type_is_text_not_markup(make_answer):
    answer = make_answer("gain")
    info = replace(answer.recording.info, client="<img src=x>")
    html = render_report(replace(answer, recording=replace(answer.recording, info=info)))
    assert "<img src=x>" not in html
    assert "&lt;img src=x&gt;" in html


def test_the_same_answer_gives_the_same_page(make_answer, page_of):
    assert page_of("few") == render_report(make_answer("few"))


@pytest.mark.usefixtures("without_pictures")
def test_a_session_without_measuring_blocks_says_so(make_answer):
    empty = replace(make_answer("gain"), comparisons=(), repetitions=(), releases=())
    text = Page(render_report(empty)).text
    assert "cannot tell whether the knee straightens further" in text
    assert "No slow release was found." in text
