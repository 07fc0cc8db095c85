"""Every entry of the catalogue is whole, and the page in docs/ is printed from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.recordings import FAULTS
from viftrail.errors import UsageError
from viftrail.faults.catalogue import CATALOGUE, MODULES, fault
from viftrail.faults.fault import Fault
from viftrail.lab.provoke import all_provocations
from viftrail.report.catalogue import as_markdown

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"

_PLANTED = "planted in the rows by `lab synth`, which a real northd then carries: test_synth.py"
NOT_PROVOKED: dict[str, str] = dict.fromkeys(
    (
        "nb-duplicate-address",
        "northd-binding-missing",
        "pb-unclaimed",
    ),
    _PLANTED,
)
NOT_PROVOKED.update({entry.id: entry.unprovoked for entry in CATALOGUE if entry.unprovoked})
"""Faults that `lab break` does not provoke, and why."""

IN_OPENSTACK = {name for name, way in all_provocations().items() if way.needs.openstack}
"""Their lab takes minutes to come up: they are not recorded, but played as a round."""

NOT_IN_A_BUNDLE = {
    "dhcp-request-mismatch": "only the log of ovn-controller tells",
    "router-stale-mac-binding": "only packets tell",
}
"""They are played as a round, and tested from made facts."""

NO_FAULT = {"event-unexpected-vif-plugged"}
"""What an entry is confused with, and harms nobody."""

each = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)


@each
def test_all_five_headings_say_something(entry: Fault) -> None:
    for text in (entry.title, entry.what, entry.shows, entry.decisive, entry.remedy):
        assert len(text.split()) >= 3
    for text in (entry.what, entry.shows, entry.decisive, entry.remedy):
        assert text.endswith((".", "`")), text
    assert entry.references
    assert all(entry.references)


@each
def test_the_id_is_kebab_case_and_lives_with_its_stage(entry: Fault) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", entry.id)
    (home,) = [module for module in MODULES if entry in module.FAULTS]
    stages = str(home.__doc__).partition(":")[0]
    assert entry.stage.value in re.findall(r"S\d+", stages), "the module says whose it is"


@each
def test_what_it_is_confused_with_exists(entry: Fault) -> None:
    ids = {other.id for other in CATALOGUE}
    for other, difference in entry.unlike.items():
        assert difference
        assert not difference.endswith("."), "the report puts the full stop"
        assert other != entry.id
        assert other in ids or other in NO_FAULT or " " in other, other


def test_what_is_no_fault_is_a_decoy_that_one_is_confused_with() -> None:
    assert all(all_provocations()[each].decoy for each in NO_FAULT)
    named = {other for entry in CATALOGUE for other in entry.unlike}
    assert named >= NO_FAULT


@each
def test_it_can_be_provoked_for_real(entry: Fault) -> None:
    if entry.id in NOT_PROVOKED:
        assert NOT_PROVOKED[entry.id]
    else:
        assert entry.id in all_provocations()


def test_what_is_provoked_is_in_the_catalogue_or_a_decoy() -> None:
    ids = {entry.id for entry in CATALOGUE}
    for name, provocation in all_provocations().items():
        assert (name in ids) is not provocation.decoy, name


def test_every_fault_was_recorded() -> None:
    recordable = {entry.id for entry in CATALOGUE} - set(NOT_PROVOKED) - IN_OPENSTACK
    recordable -= set(NOT_IN_A_BUNDLE)
    assert {entry.id for entry in FAULTS} == recordable


def test_ids_are_unique_and_stages_in_order() -> None:
    ids = [entry.id for entry in CATALOGUE]
    assert len(ids) == len(set(ids))
    numbers = [entry.stage.number for entry in CATALOGUE]
    assert numbers == sorted(numbers)


def test_an_entry_is_found_by_its_id() -> None:
    assert fault("northd-paused").title == "ovn-northd is paused"
    with pytest.raises(UsageError, match="no-such-fault"):
        fault("no-such-fault")


@pytest.mark.skipif(not PAGE.exists(), reason="docs/faults.md is not written yet")
def test_the_page_is_what_the_definitions_say() -> None:
    assert PAGE.read_text() == as_markdown(CATALOGUE), "run `make docs`"
