"""What the operator's Ansible says of itself: the hosts of an inventory, and its forks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from viftrail.errors import FileUnreadable, UnknownTarget
from viftrail.facts.ways import play
from viftrail.facts.ways.command import Said
from viftrail.facts.ways.play import Ansible

LIST_TIMEOUT = 60.0
"""Seconds for the inventory, which may be a program that asks a cloud."""


@dataclass(frozen=True)
class Entry:
    """A host of the inventory."""

    name: str
    address: str = ""
    """Its ``ansible_host``."""


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


_groups = msgspec.json.Decoder(dict[str, msgspec.Raw])
_meta = msgspec.json.Decoder(_Meta)
_group = msgspec.json.Decoder(_Group)
_settings = msgspec.json.Decoder(list[_Setting])


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


def read_inventory(
    inventory: str, limit: str = "", *, become: bool = False
) -> tuple[Ansible, tuple[Entry, ...]]:
    """Read an inventory; how its hosts are to be asked, and which there are.

    Args:
        inventory: what `ansible -i` takes: a file, a folder, a program, or names with commas.
        limit: a pattern of hosts, as `ansible --limit` takes it.
        become: have Ansible become root.

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
    return ansible, entries


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
        groups = _groups.decode(said.output)
        variables = _meta.decode(groups.pop("_meta", b"{}")).hostvars
        names = [name for group in groups.values() for name in _group.decode(group).hosts]
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


def configured_forks(ansible: Ansible) -> int:
    """How many hosts at a time the operator's configuration says; 0: nothing."""
    words = ("dump", "--only-changed", "--format", "json")
    said = ansible.ask("ansible-config", *words, timeout=LIST_TIMEOUT)
    try:
        settings = _settings.decode(said.output)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0
    values = [each.value for each in settings if each.name == "DEFAULT_FORKS"]
    return values[0] if values and isinstance(values[0], int) and values[0] > 0 else 0
