"""One page, from nowhere else, that no name can break out of."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.recordings import NAMES, source_of
from tests.report.verdicts import EVIL, hostile
from viftrail.report.html import render
from viftrail.verdict import Verdict
from viftrail.why import why

VOID = {"meta", "br", "link", "img"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "span", "ol", "ul", "li"),
    *("b", "br", "code", "pre", "table", "tr", "th", "td"),
}


class Page(HTMLParser):
    """Tags, checked for nesting; attributes; text."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(render(verdict))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_well_formed_and_self_contained(name: str) -> None:
    verdict = why(source_of(name), "vm1")
    page = Page(verdict)
    assert page.tags <= ALLOWED
    assert not {name for name, _ in page.attributes} & {"src", "href", "srcset", "onclick", "style"}
    assert not re.search(r"https?:|//[a-z]|url\(|@import", render(verdict))


def test_hostile_names_are_text() -> None:
    page = Page(hostile())
    assert page.tags <= ALLOWED
    assert "script" not in page.tags
    assert page.text.count("<script>alert('1')</script>") >= 20
    assert EVIL not in render(hostile())


def test_the_chain_is_drawn_link_by_link() -> None:
    text = render(why(source_of("vif-tap-down"), "vm1"))
    chain = text.partition('<ol class="chain">')[2].partition("</ol>")[0]
    assert re.findall(r"<b>(S\d+) ", chain) == [f"S{n}" for n in range(14)]
    assert re.findall(r'class="broken"><b>(S\d+)', chain) == ["S8"]


def test_the_page_says_what_the_verdict_says() -> None:
    verdict = why(source_of("vif-tap-down"), "vm1")
    text = Page(verdict).text
    assert "vm1: broken at S8" in text
    for item in verdict.causes[0].evidence:
        assert item.command in text
    for step in verdict.remedy.steps:
        assert step.command in text
        assert step.undo in text
        assert step.verify in text
    for guess in verdict.ruled_out:
        assert guess.because in text
