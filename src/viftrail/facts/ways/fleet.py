"""The hosts of an Ansible inventory: which chassis each is, the probe on many, a way to each."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from viftrail import itself
from viftrail.errors import ViftrailError
from viftrail.facts.facts import Gap
from viftrail.facts.host import Host, probe_script
from viftrail.facts.ways import ledger, play
from viftrail.facts.ways.carrier import PROBE, SSH_FAILED, TIMEOUT, Advice, judge, permitted
from viftrail.facts.ways.command import Said
from viftrail.facts.ways.dispatch import PYTHON, at_once
from viftrail.facts.ways.inside import complete, unseen
from viftrail.facts.ways.inventory import Entry, Roll, configured_forks, read_inventory
from viftrail.facts.ways.play import Ansible, Answer

PATIENCE = 14.0
"""Seconds for one host beside what its program has: ten to connect (`timeout` in ansible.cfg, by
default), and what Ansible does of its own."""

_FEW = 5
"""Hosts that are asked at once whatever is configured: it is what Ansible has by default."""

_RUNS = 4
"""Runs of Ansible that look into containers at once: each takes a processor while it begins."""


@dataclass(frozen=True)
class InventoryHost:
    """A carrier to one host of an inventory; the operator's Ansible finds the way."""

    way: ClassVar[str] = "ansible"

    ansible: Ansible
    host: str

    def command(self, program: Sequence[str]) -> list[str]:
        """`viftrail.facts.ways.errand`, which runs ``program`` there."""
        become = "become" if self.ansible.become else "-"
        errand = [*itself.part("viftrail.facts.ways.errand"), self.ansible.inventory, become]
        return [*errand, self.host, "--", *program]

    def run_many(
        self,
        hosts: Sequence[str],
        program: Sequence[str],
        text: bytes = b"",
        *,
        script: str = "",
        timeout: float,
        most: int,
    ) -> dict[str, Said]:
        """Run a program on many hosts of the same inventory at once; see `carrier.Many`."""
        answers: dict[str, Said] = {}
        run = Run(program, text, script=script, timeout=timeout)
        complaint = run.on(self.ansible, hosts, answers.__setitem__)
        unheard = Said(b"", complaint.encode(), None)
        return {host: _bounded(answers.get(host) or unheard, most) for host in hosts}


def _bounded(said: Said, most: int) -> Said:
    """As if nobody had listened any longer."""
    if len(said.output) + len(said.errors) <= most:
        return said
    return replace(said, output=said.output[: most + 1], code=None)


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
        self._met: dict[str, str] = {}
        """Chassis that were known by their own word only, and their names in the inventory."""
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
        found = (self._met[chassis],) if chassis in self._met else self._roll.find(chassis)
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
        seen = self._probe([each.name for each in self.entries], window)
        for entry, host in seen.items():
            if entry not in called and isinstance(host, Host):
                own = (host.settings.get("hostname", ""), host.hostname)
                called[entry] = [name for name in own if name in unnamed][:1]
                unnamed.difference_update(called[entry])
                self._met.update(dict.fromkeys(called[entry], entry))
        return {
            name: _called(name, host)
            for entry, host in seen.items()
            for name in called.get(entry) or [entry]
        }

    def at(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """The hosts that have one of these names or addresses."""
        wanted = set(filter(None, addresses))
        return tuple(each.name for each in self.entries if {each.name, each.address} & wanted)

    def _probe(self, hosts: Iterable[str], window: float) -> dict[str, Host | Gap]:
        """By the inventory's names; each has an answer, or a gap that says why not."""
        seen = self._round(list(dict.fromkeys(hosts)), (), window, self._tell)
        return {
            name: self._permitted(name, host) for name, host in self._inside(seen, window).items()
        }

    def _inside(self, seen: Mapping[str, Host | Gap], window: float) -> dict[str, Host | Gap]:
        """The same with what containers say: a run of Ansible for all that are entered alike."""
        entries: dict[tuple[str, ...], list[str]] = {}
        for name, host in seen.items():
            for container in unseen(host) if isinstance(host, Host) else ():
                entries.setdefault(tuple(container.entry()), []).append(name)
        answers = at_once(
            lambda entry: self._round(entries[entry], entry, window, None), entries, _RUNS
        )

        def whole(name: str, host: Host | Gap) -> Host | Gap:
            if isinstance(host, Gap):
                return host
            return complete(host, lambda each: answers[tuple(each.entry())][name])

        return {name: whole(name, host) for name, host in seen.items()}

    def _permitted(self, name: str, host: Host | Gap) -> Host | Gap:
        """The host, or why this user may not see it."""
        try:
            return host if isinstance(host, Gap) else permitted(name, host, self._advice)
        except ViftrailError as error:
            return Gap(f"host {name}", error.what, error.do)

    def _round(
        self, wanted: Sequence[str], entry: Sequence[str], window: float, tell: Tell | None
    ) -> dict[str, Host | Gap]:
        """One run of Ansible: the probe on hosts, behind a command that enters some place there."""
        seen: dict[str, Host | Gap] = {}

        def heard(host: str, said: Said) -> None:
            try:
                seen[host] = judge(host, said, PATIENCE + run.timeout, self._advice)
            except ViftrailError as error:
                seen[host] = Gap(f"host {host}", error.what, error.do)

        program = [*entry, *PYTHON, "--window", str(window)]
        run = Run(program, probe_script(), script=PROBE, timeout=TIMEOUT + window)
        complaint = run.on(self.ansible, wanted, heard, tell)
        for host in wanted:
            seen.setdefault(host, self._unheard(host, complaint))
        return seen

    def _unheard(self, host: str, complaint: str) -> Gap:
        why = f"Nothing was heard of host {host}: {complaint or 'Ansible does not say why'}."
        return Gap(f"host {host}", why, f"Try {self._advice.by_hand.format(name=host)} by hand.")


@dataclass(frozen=True)
class Run:
    """One program for many hosts, in one run of Ansible."""

    program: Sequence[str]
    text: bytes = b""
    script: str = ""
    timeout: float = TIMEOUT
    """Seconds that the program has; Ansible gets `PATIENCE` beside that."""

    def on(
        self,
        ansible: Ansible,
        hosts: Iterable[str],
        heard: Callable[[str, Said], None],
        tell: Tell | None = None,
    ) -> str:
        """Run it on hosts of the inventory, and note it; what Ansible complains of, if it does.

        Raises:
            ProtocolError: it is too long for that.
        """
        waiting = dict.fromkeys(hosts)
        total, lost, began = len(waiting), 0, time.time()
        if not waiting:
            return ""

        def take(answer: Answer) -> None:
            nonlocal lost
            if answer.host not in waiting:
                return
            del waiting[answer.host]
            said = said_of(answer)
            self._note(answer.host, said, answer.began, answer.seconds)
            heard(answer.host, said)
            lost += said.code != 0
            if tell:
                tell(total, total - len(waiting) - lost, lost)

        try:
            return play.run_play(
                ansible,
                list(waiting),
                play.shell_command(self.program, self.text),
                timeout=PATIENCE + self.timeout,
                forks=min(total, (total > _FEW and configured_forks(ansible)) or play.FORKS),
                heard=take,
            )
        finally:
            for host in waiting:  # each of them may have been begun
                self._note(host, Said(b"", b"", None), began, time.time() - began)
            if tell and waiting:
                lost += len(waiting)
                tell(total, total - lost, lost)

    def _note(self, host: str, said: Said, began: float, seconds: float) -> None:
        way, program, script = InventoryHost.way, self.program, self.script
        ledger.note(way, host, program, script=script, began=began, seconds=seconds, code=said.code)


def said_of(answer: Answer) -> Said:
    """An answer as if ssh(1) had brought it."""
    message = answer.message.removeprefix("Task failed: ")
    if answer.state == "late":
        return Said(b"", message.encode(), None)
    if answer.state == "unreachable":
        return Said(b"", message.encode(), SSH_FAILED)
    if answer.code is None:  # it never got as far as the command
        return Said(b"", message.encode(), 1)
    output, errors = answer.output.encode(), answer.errors.encode()
    return Said(output, errors, answer.code, answer.began, answer.seconds)


def _called(name: str, seen: Host | Gap) -> Host | Gap:
    return Gap(f"host {name}", seen.why, seen.how) if isinstance(seen, Gap) else seen


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def open_fleet(
    inventory: str, limit: str = "", *, become: bool = False, tell: Tell | None = None
) -> Fleet:
    """The hosts of an inventory, as `viftrail.facts.ways.inventory.read_inventory` has them.

    Raises:
        ViftrailError: as that does.
    """
    ansible, entries = read_inventory(inventory, limit, become=become)
    return Fleet(ansible, entries, limit=limit, tell=tell)
