"""Whatever things are called, a printed command is the words that it was meant to be."""

from __future__ import annotations

import gzip
import io
import json
import re
import shlex
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.cloud import ask
from tests.recordings import FAULTS, VICTIM, facts_of, path
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import atom
from viftrail.facts.bundle import bundle
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import LogicalRouterPort
from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault

HOSTILE = " it's; $(id) `id` \"&|<#x"
"""What every name ends in."""

_NAMES = (
    r"(?<![\w/-])(?:compute\d|network\d|controller)\b|\bvm\d\b|\bphysnet1\b|\bbr-ex\b|\brouter1\b|\bnet1\b"
    r"|\b(?:neutron|provnet)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)
"""Hosts, servers, networks and their bridges, and routers; the ids of ports come to it."""


MISREAD = {"prov-mapping-syntax"}
"""What was meant by a mapping with a typing error cannot be seen with such names in it."""


def renamed(name: str, folder: Path) -> Facts:
    """A recording in which every name has a hostile end."""
    facts = facts_of(name)
    ports = {port.id for port in facts.owner.ports}
    ports |= {leg.name.removeprefix("lrp-") for leg in facts.nb[LogicalRouterPort]}
    pattern = re.compile("|".join((_NAMES, *map(re.escape, sorted(ports)))))

    def worse(value: object) -> object:
        if isinstance(value, str):
            return pattern.sub(lambda found: found[0] + HOSTILE, value)
        if isinstance(value, list):
            return [worse(item) for item in value]
        if isinstance(value, dict):
            return {worse(key): worse(item) for key, item in value.items()}
        return value

    made = folder / "hostile.bundle"
    with (
        gzip.open(path(name)) as plain,
        tarfile.open(fileobj=plain) as old,
        tarfile.open(made, "w:gz") as new,
    ):
        for member in old:
            file = old.extractfile(member)
            assert file
            content = json.loads(file.read())
            if member.name not in ("manifest.json", "gaps.json"):
                content = worse(content)
            text = json.dumps(content).encode()
            where, _, last = member.name.rpartition("/")
            if where == "hosts":
                last = str(worse(last.removesuffix(".json"))) + ".json"
            info = tarfile.TarInfo(f"{where}/{last}" if where else last)
            info.size = len(text)
            new.addfile(info, io.BytesIO(text))
    return bundle.read(made)[0]


def commands(facts: Facts) -> Iterator[tuple[str, str]]:
    """Every fault's every command."""
    cloud = Cloud(facts)
    for fault in CATALOGUE:
        for case in fault.find(cloud):
            evidence = [*case.evidence, *(each for more in case.traces.values() for each in more)]
            yield from ((fault.id, each.command) for each in evidence if each.command)
            for step in case.steps:
                for text in (step.command, step.undo, step.verify):
                    if text.split()[:1] and re.match(r"[a-z]+-|ip |systemctl|nft|bridge", text):
                        yield fault.id, text


def told(facts: Facts, target: str) -> Iterator[tuple[str, str]]:
    """What a verdict prints beside its causes: each stage's proof, and what clears a guess."""
    verdict = ask(facts, target)
    for finding in verdict.stages:
        yield from ((finding.id, each.command) for each in finding.evidence if each.command)
    for cleared in verdict.ruled_out:
        yield from ((cleared.guess, each.command) for each in cleared.evidence if each.command)
    yield from ((open_.guess, open_.command) for open_ in verdict.undecided if open_.command)


def words(command: str) -> tuple[str, ...]:
    """As a shell splits it; what means something to a shell is a word of its own."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return tuple(lexer)


def expands(command: str) -> bool:
    """Whether a shell would put something else in place of some of it."""
    # What is in single quotes goes first, but for those in double quotes (POSIX, 2.2).
    bare = re.sub(r"'[^']*'|\"((?:[^\"\\]|\\.)*)\"", lambda found: found[1] or "", command)
    return bool(re.search(r"[$`\\]", bare))


def without_ends(word: str) -> str:
    """A word with names as they were; the database tools' own quotes come and go with a name."""
    for end in (atom(HOSTILE)[1:-1], HOSTILE):
        word = word.replace(end, "")
    return word.replace('"', "")


@cache
def benign(name: str) -> set[tuple[str, tuple[str, ...]]]:
    facts = facts_of(name)
    return {
        (about, tuple(map(without_ends, words(command))))
        for about, command in (*commands(facts), *told(facts, VICTIM))
    }


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.id not in MISREAD], ids=lambda fault: fault.id
)
def test_hostile_names_stay_names(fault: Fault, tmp_path: Path) -> None:
    facts = renamed(fault.id, tmp_path)
    found = list(commands(facts))
    assert fault.id in {each for each, _ in found}
    for each, command in (*found, *told(facts, VICTIM + HOSTILE)):
        assert not expands(command), (each, command)
        meant = (each, tuple(map(without_ends, words(command))))
        assert meant in benign(fault.id), (each, command)
