"""The hosts of an Ansible inventory: which chassis each is, the probe on many, a way to each."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec

from viftrail.errors import FileUnreadable, UnknownTarget, ViftrailError
from viftrail.facts import ledger, play
from viftrail.facts.carrier import PROBE, SSH_FAILED, TIMEOUT, Advice, judge
from viftrail.facts.command import Said
from viftrail.facts.facts import Gap
from viftrail.facts.host import Host, probe_script
from viftrail.facts.play import Ansible, Answer

HOST_TIMEOUT = TIMEOUT + 14.0
"""Seconds for one host beside its window: the probe's own, ten to connect (`timeout` in
ansible.cfg, by default), and what Ansible does of its own."""

LIST_TIMEOUT = 60.0
"""Seconds for the inventory, which may be a program that asks a cloud."""


_FEW = 5
"""Hosts that are asked at once whatever is configured: it is what Ansible has by default."""


@dataclass(frozen=True)
class Entry:
    """A host of the inventory."""

    name: str
    address: str = ""
    """Its ``ansible_host``."""


@dataclass(frozen=True)
class InventoryHost:
    """A carrier to one host of an inventory; the operator's Ansible finds the way."""

    way: ClassVar[str] = "ansible"

    ansible: Ansible
    host: str

    def command(self, program: Sequence[str]) -> list[str]:
        """`viftrail.facts.errand`, which runs ``program`` there."""
        become = "become" if self.ansible.become else "-"
        errand = [sys.executable, "-m", "viftrail.facts.errand", self.ansible.inventory, become]
        return [*errand, self.host, "--", *program]


class _Variables(msgspec.Struct):
    """What is read of a host's variables: never its passwords."""

    ansible_host: object = None


class _Meta(msgspec.Struct):
    hostvars: dict[str, _Variables] = {}


class _Group(msgspec.Struct):
    hosts: list[str] = []


class _Setting(msgspec.Struct):
    """One of what `ansible-config dump` prints."""

    name: str = ""
    value: object = None


Tell = Callable[[int, int, int], None]
"""Told how many hosts were asked, how many of them have answered, and how many have failed."""


class Fleet:
    """The hosts that the operator named."""

    def __init__(
        self,
        ansible: Ansible,
        entries: Sequence[Entry],
        *,
        limit: str = "",
        tell: Tell | None = None,
    ) -> None:
        self.ansible = ansible
        self.entries = tuple(entries)
        self._roll = Roll(entries)
        self.limit = limit
        self._tell = tell
        self._advice = Advice(
            by_hand=f"`ansible {{name}} -i {shlex.quote(ansible.inventory)} -m raw -a id`",
            key="or name the right user and key in the inventory",
            become="Have Ansible become root there: in the inventory, or with --become.",
            without="or give Ansible its password",
        )

    def way(self, chassis: str) -> InventoryHost | Gap | None:
        """The way to a host by its chassis' hostname; None: it is not in the inventory."""
        found = self._roll.find(chassis)
        if len(found) > 1:
            return Gap(
                f"host {chassis}",
                f"Several hosts of the inventory answer to {chassis}: {_some(found)}.",
                f"Call one of them {chassis} there, or leave the others out with --limit.",
            )
        return InventoryHost(self.ansible, found[0]) if found else None

    def strange(self, chassis: str) -> Gap:
        """Why a host that is not in the inventory was not looked at."""
        return Gap(
            f"host {chassis}",
            f"The inventory {self.ansible.inventory} has no host {chassis}"
            + (f" among those that --limit {self.limit} leaves." if self.limit else "."),
            f"Call it {chassis} there, or give it an ansible_host of that name.",
        )

    def left_out(self, chassis: Sequence[str]) -> tuple[Gap, ...]:
        """One gap for all that --limit leaves out of a look at everything."""
        if not chassis:
            return ()
        return (
            Gap(
                "hosts beyond --limit",
                f"{len(chassis)} chassis are not among the hosts that --limit {self.limit} leaves: "
                f"{_some(chassis)}.",
                "Leave --limit out to look at them too.",
            ),
        )

    def look(self, ways: Mapping[str, InventoryHost], window: float) -> dict[str, Host | Gap]:
        """Probe hosts, each under the name that it has in ``ways``, all in one run of Ansible."""
        seen = self._probe([way.host for way in ways.values()], window)
        return {name: _called(name, seen[way.host]) for name, way in ways.items()}

    def survey(self, chassis: Iterable[str], window: float) -> dict[str, Host | Gap]:
        """Probe every host of the inventory.

        A host is called as the chassis that it is: by its name in the inventory, or where no
        name fits, by what it says itself. What is no chassis keeps the inventory's name. A
        chassis that is not among them is left out.
        """
        called: dict[str, list[str]] = {}
        unnamed: set[str] = set()
        for name in dict.fromkeys(filter(None, chassis)):
            way = self.way(name)
            if isinstance(way, InventoryHost):
                called.setdefault(way.host, []).append(name)
            else:
                unnamed.add(name)
        seen = self._probe([entry.name for entry in self.entries], window)
        for entry, host in seen.items():
            if entry not in called and isinstance(host, Host):
                own = (host.settings.get("hostname", ""), host.hostname)
                called[entry] = [name for name in own if name in unnamed][:1]
                unnamed.difference_update(called[entry])
        return {
            name: _called(name, host)
            for entry, host in seen.items()
            for name in called.get(entry) or [entry]
        }

    def at(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """The hosts that have one of these names or addresses."""
        wanted = set(filter(None, addresses))
        return tuple(each.name for each in self.entries if {each.name, each.address} & wanted)

    def _probe(self, hosts: Sequence[str], window: float) -> dict[str, Host | Gap]:
        """By the inventory's names; each has an answer, or a gap that says why not."""
        seen: dict[str, Host | Gap] = {}
        lost: list[str] = []
        wanted = list(dict.fromkeys(hosts))
        program = ["python3", "-", "--window", str(window)]
        limit = HOST_TIMEOUT + window
        began = time.time()

        def heard(answer: Answer) -> None:
            _note(answer.host, program, answer)
            try:
                seen[answer.host] = judge(answer.host, said_of(answer), limit, self._advice)
            except ViftrailError as error:
                seen[answer.host] = Gap(f"host {answer.host}", error.what, error.do)
                lost.append(answer.host)
            if self._tell:
                self._tell(len(wanted), len(seen) - len(lost), len(lost))

        complaint = ""
        try:
            if wanted:
                complaint = play.run_play(
                    self.ansible,
                    wanted,
                    play.shell_command(program, probe_script()),
                    timeout=limit,
                    forks=self._forks(len(wanted)),
                    heard=heard,
                )
        finally:
            for host in wanted:
                if host not in seen:  # it may have been begun
                    late = Answer(host, "late", began=began, seconds=time.time() - began)
                    _note(host, program, late)
        for host in wanted:
            seen.setdefault(host, self._unheard(host, complaint))
        return seen

    def _forks(self, hosts: int) -> int:
        """At a time: what the operator's configuration says, where it is worth asking."""
        return min(hosts, (hosts > _FEW and _configured_forks(self.ansible)) or play.FORKS)

    def _unheard(self, host: str, complaint: str) -> Gap:
        why = f"Nothing was heard of host {host}: {complaint or 'Ansible does not say why'}."
        return Gap(f"host {host}", why, f"Try {self._advice.by_hand.format(name=host)} by hand.")


def _note(host: str, program: Sequence[str], answer: Answer) -> None:
    ledger.note(
        InventoryHost.way,
        host,
        program,
        script=PROBE,
        began=answer.began,
        seconds=answer.seconds,
        code=SSH_FAILED if answer.state == "unreachable" else answer.code,
    )


def said_of(answer: Answer) -> Said:
    """An answer as if ssh(1) had brought it."""
    message = answer.message.removeprefix("Task failed: ")
    if answer.state == "late":
        return Said(b"", message.encode(), None)
    if answer.state == "unreachable":
        return Said(b"", message.encode(), SSH_FAILED)
    if answer.code is None:  # it never got as far as the command
        return Said(b"", message.encode(), 1)
    return Said(answer.output.encode(), answer.errors.encode(), answer.code)


def _called(name: str, seen: Host | Gap) -> Host | Gap:
    return Gap(f"host {name}", seen.why, seen.how) if isinstance(seen, Gap) else seen


class Roll:
    """The names of an inventory's hosts, to be looked up by a chassis' hostname."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._names: dict[str, list[str]] = {}
        self._addresses: dict[str, list[str]] = {}
        self._shorts: dict[str, list[str]] = {}
        for entry in entries:
            for known, called in ((self._names, entry.name), (self._addresses, entry.address)):
                full = called.casefold()
                known.setdefault(full, []).append(entry.name)
                if _has_domain(full):
                    self._shorts.setdefault(full.partition(".")[0], []).append(entry.name)

    def find(self, chassis: str) -> tuple[str, ...]:
        """The hosts that may be this chassis, by the first rule that finds any.

        It is called so; it is reached by that name; or one of both names is short, and the
        other is the same with a domain. Upper and lower case are alike (RFC 4343).
        """
        wanted = chassis.casefold()
        if not wanted:
            return ()
        found = self._names.get(wanted) or self._addresses.get(wanted) or self._shorts.get(wanted)
        if found is None and _has_domain(wanted):
            short = wanted.partition(".")[0]
            found = [*self._names.get(short, ()), *self._addresses.get(short, ())]
        return tuple(dict.fromkeys(found or ()))


def _has_domain(name: str) -> bool:
    """Whether it is a host's full name; an address is none."""
    _, _, domain = name.partition(".")
    return bool(domain) and not domain.rpartition(".")[2].isdigit()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def open_fleet(
    inventory: str, limit: str = "", *, become: bool = False, tell: Tell | None = None
) -> Fleet:
    """Read an inventory.

    Args:
        inventory: what `ansible -i` takes: a file, a folder, a program, or names with commas.
        limit: a pattern of hosts, as `ansible --limit` takes it.
        become: have Ansible become root.
        tell: told of each answer.

    Raises:
        Unreachable: there is no Ansible.
        FileUnreadable: the inventory cannot be read.
        UnknownTarget: it names no host, or the pattern none of them.
    """
    if "," not in inventory and not os.access(inventory, os.R_OK):
        raise FileUnreadable(f"The inventory {inventory} cannot be read.", "Check --inventory.")
    ansible = Ansible(play.find_ansible(), _absolute(inventory), become)
    words = [f"--inventory={ansible.inventory}", "--list", *([f"--limit={limit}"] if limit else [])]
    entries = _entries(inventory, ansible.ask("ansible-inventory", *words, timeout=LIST_TIMEOUT))
    if not entries:
        raise UnknownTarget(
            f"--limit {limit} leaves no host of the inventory {inventory}."
            if limit
            else f"The inventory {inventory} names no host.",
            f"See `ansible-inventory -i {shlex.quote(inventory)} --graph`.",
        )
    return Fleet(ansible, entries, limit=limit, tell=tell)


def _absolute(inventory: str) -> str:
    """A name that no option looks like."""
    return inventory if "," in inventory else str(Path(inventory).absolute())


def _entries(inventory: str, said: Said) -> tuple[Entry, ...]:
    if said.code is None:
        raise FileUnreadable(
            f"The inventory {inventory} was not read within {LIST_TIMEOUT:g} s.",
            "If it is a program, run it by hand with --list.",
        )
    if said.code != 0:
        reason = play.complaint(said)
        raise FileUnreadable(
            f"Ansible cannot read the inventory {inventory}: {reason or 'it does not say why'}.",
            f"See `ansible-inventory -i {shlex.quote(inventory)} --list`.",
        )
    try:
        groups = msgspec.json.decode(said.output, type=dict[str, msgspec.Raw])
        variables = msgspec.json.decode(groups.pop("_meta", b"{}"), type=_Meta).hostvars
        names = [
            name
            for group in groups.values()
            for name in msgspec.json.decode(group, type=_Group).hosts
        ]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FileUnreadable(
            f"Ansible's list of the inventory {inventory} cannot be read ({error}).",
            "See what `ansible-inventory --list` prints.",
        ) from error
    unnamed = _Variables()
    return tuple(
        Entry(name, address if isinstance(address, str) else "")
        for name in dict.fromkeys(names)
        for address in (variables.get(name, unnamed).ansible_host,)
    )


def _configured_forks(ansible: Ansible) -> int:
    """How many hosts at a time the operator's configuration says; 0: nothing."""
    words = ("dump", "--only-changed", "--format", "json")
    said = ansible.ask("ansible-config", *words, timeout=LIST_TIMEOUT)
    try:
        settings = msgspec.json.decode(said.output, type=list[_Setting])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0
    values = [each.value for each in settings if each.name == "DEFAULT_FORKS"]
    return values[0] if values and isinstance(values[0], int) and values[0] > 0 else 0
