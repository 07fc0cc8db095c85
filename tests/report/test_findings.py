"""What an audit prints."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import click
import msgspec
import pytest

from tests.cloud import healthy, without
from tests.recordings import NAMES, facts_of
from tests.synthetic import Served
from viftrail.audit import audit
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.stored import from_files
from viftrail.faults.catalogue import CATALOGUE
from viftrail.report.findings import WIDTH, as_html, as_json, as_junit, as_text


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit_a_terminal(name: str) -> None:
    for line in click.unstyle(as_text(audit(facts_of(name)))).splitlines():
        assert len(line) <= WIDTH or " $ " in line or len(line.split()) == 1, line


def test_nothing_wrong_is_said_so() -> None:
    text = click.unstyle(as_text(audit(healthy())))
    assert text.startswith("3 ports of VMs, 3 chassis and 4 hosts looked at, for ")
    assert "nothing wrong found" in text


def test_a_fault_is_told_once_with_its_number_and_mend() -> None:
    text = click.unstyle(as_text(audit(facts_of("vif-tap-down"))))
    assert "S8   vif-tap-down: 1 port, 1 port affected" in text
    assert "mend: compute1 (safe):\n       $ ip link set tap" in text
    assert text.count("vif-tap-down") == 1


def test_the_place_of_the_example_comes_first_of_many(served: Served) -> None:
    found = audit(from_files(served.file("nb"), served.file("sb")).everything())
    group = next(g for g in found.groups if g.example.subject.startswith("network "))
    many = msgspec.structs.replace(group, subjects=tuple(f"network n{n}" for n in range(9)))
    text = click.unstyle(as_text(msgspec.structs.replace(found, groups=(many,))))
    assert f"{group.id}: 9 networks, " in text
    assert f"     at: {group.example.subject}\n         network n0\n" in text
    assert "and 5 more (-f json names all)" in text


def test_html_names_every_place_and_escapes_it() -> None:
    found = audit(facts_of("vif-tap-down"))
    (group,) = found.groups
    odd = msgspec.structs.replace(group, subjects=("port <b>&",))
    page = as_html(msgspec.structs.replace(found, groups=(odd,)))
    assert "port &lt;b&gt;&amp;" in page
    assert "<b>&" not in page
    assert "<script" not in page
    assert "vif-tap-down" in page


def test_junit_has_a_case_for_every_fault_that_was_looked_for() -> None:
    found = audit(facts_of("vif-tap-down"))
    suite = ET.fromstring(as_junit(found))
    assert suite.get("tests") == str(len(CATALOGUE))
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert failed == {"vif-tap-down"}


def test_what_could_not_be_looked_at_is_listed() -> None:
    facts = without(healthy(), "compute1")
    gap = Gap("host compute1", "It did not answer.", "Look whether it is up.")
    text = click.unstyle(as_text(audit(type(facts)(nb=facts.nb, sb=facts.sb, gaps=(gap,)))))
    assert "host compute1: It did not answer. Look whether it is up." in text


def test_json() -> None:
    found = json.loads(as_json(audit(facts_of("vif-tap-down"))))
    assert (found["format"], found["ports"], found["hosts"]) == (1, 3, 4)
    assert [group["id"] for group in found["groups"]] == ["vif-tap-down"]
    assert found["unknown"] == []


def test_nothing_looked_at_is_not_nothing_wrong() -> None:
    nothing = audit(Facts())
    for text in (as_text(nothing), as_html(nothing)):
        assert "nothing could be judged" in text
        assert "nothing wrong found" not in text
    half = replace(healthy(), gaps=(Gap(NORTHBOUND, "It is down.", "Start it."),))
    assert "nothing wrong found, as far as it could be looked at" in as_text(audit(half))


def test_one_of_each_is_in_the_singular() -> None:
    found = msgspec.structs.replace(audit(healthy()), ports=1, chassis=1, hosts=1, checked=("x",))
    said = "1 port of VMs, 1 chassis and 1 host looked at, for 1 fault"
    assert as_text(found).splitlines()[0] == said
