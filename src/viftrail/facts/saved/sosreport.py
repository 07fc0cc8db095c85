"""What one sosreport says of its host, by the outputs and small files in it.

Sources: sos, report/plugins/: ``host`` (hostname), ``process`` (ps auxwwwm), ``networking`` (ip -d
address), ``filesys`` (df -al), ``memory`` (/proc/meminfo), ``openvswitch`` (ovs-vsctl -t 5 show and
list, ovs-ofctl dump-flows of each bridge; before 4.3 also ovsdb-client -f list dump), ``ovn_host``,
``ovn_central`` (cluster/status, status of ovn-northd, ovn-nbctl and ovn-sbctl list of each table).
What was run, and whether it failed, is in ``sos_reports/manifest.json``; an output that grew beyond
the limit is in ``sos_strings/``, without its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from viftrail.facts.density import is_sparse
from viftrail.facts.facts import NOT_ASKED
from viftrail.facts.host import (
    PROBE_FORMAT,
    Counters,
    Domain,
    Failure,
    Flows,
    Host,
    Link,
    Process,
    Server,
)
from viftrail.facts.number import number
from viftrail.facts.row import Row
from viftrail.facts.saved import outputs
from viftrail.facts.saved.kind import Kind
from viftrail.facts.saved.listing import Listing, read_listing, table_named

COMMANDS = "sos_commands"
"""The folder that every sosreport has (sos: report/__init__.py, ``cmddir``)."""

MAX_OUTPUT = 64 << 20
"""Bytes of one output that are read. sos keeps 25 MiB of each unless told otherwise."""

_GLANCE = 1 << 20
"""Bytes that tell which table is listed: a switch of 20,000 ports is a record of 760 KiB."""

_MAX_DOMAIN = 1 << 20
_NAME = 300
_CUT = ".tailed"
_ENDED = 124
"""timeout(1) returns it when it ended a command; sos puts it before each."""
_QUESTIONS = {
    "ovs-vswitchd": "version",
    "ovn-controller": "connection-status",
    "ovn-northd": "status",
}
_CLUSTER_NAME = re.compile(r"Name: (OVN_\w+)")


class _Run(msgspec.Struct, frozen=True):
    exec: str = ""
    filepath: str | None = None
    return_code: int | None = None
    truncated: bool = False


class _Plugin(msgspec.Struct, frozen=True):
    commands: list[_Run] = []


class _Report(msgspec.Struct, frozen=True):
    plugins: dict[str, _Plugin] = {}


class _Components(msgspec.Struct, frozen=True):
    report: _Report = _Report()


class _Manifest(msgspec.Struct, frozen=True):
    components: _Components = _Components()


@dataclass(frozen=True)
class Output:
    """A file of the report, and the command that printed it as far as that is known."""

    path: Path
    kind: Kind
    command: str
    cut: bool = False
    """Its beginning is gone."""
    code: int | None = None
    """What it returned, where the manifest says so; 124 when sos ended it, as it hung."""

    def text(self, most: int = MAX_OUTPUT) -> str:
        """All of it, or its beginning."""
        with self.path.open("rb") as file:
            return file.read(most).decode("utf-8", "replace")


@dataclass
class Report:
    """One sosreport: the folder that holds ``sos_commands``."""

    root: Path
    files: dict[Path, Kind] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its host is called (``hostname``); else the folder."""
        try:
            with (self.root / COMMANDS / "host" / "hostname").open(errors="replace") as file:
                told = file.read(_NAME).strip()
        except OSError:
            told = ""
        return told if re.fullmatch(r"[\w.-]{1,253}", told) else self.root.name

    @property
    def time(self) -> float:
        """When it was made: the time of its newest output; 0 where it has none."""
        times = [path.stat().st_mtime for path in self.files if COMMANDS in path.parts]
        return max(times, default=0.0)

    def outputs(self) -> list[Output]:
        """Its commands' outputs and files, those of other network namespaces left out."""
        runs = {run.filepath: run for run in self._runs() if run.filepath}
        found = []
        for path, kind in self.files.items():
            inner = path.relative_to(self.root)
            if "namespaces" in inner.parts or "ip_netns_exec" in path.name:
                continue
            run = runs.get(str(inner), _Run())
            cut = run.truncated or path.name.endswith(_CUT)
            command = run.exec or path.name.removesuffix(_CUT).replace("_", " ")
            found.append(Output(path, kind, command, cut, run.return_code))
        return found

    def _runs(self) -> Iterator[_Run]:
        for path, kind in self.files.items():
            if kind is Kind.MANIFEST:
                try:
                    with path.open("rb") as file:
                        content = file.read(MAX_OUTPUT)
                    if is_sparse(content):
                        continue
                    manifest = msgspec.json.decode(content, type=_Manifest)
                except (msgspec.MsgspecError, OSError, RecursionError, UnicodeDecodeError):
                    continue
                for plugin in manifest.components.report.plugins.values():
                    yield from plugin.commands


def listings(saved: Output, wanted: Collection[type[Row]]) -> list[Listing]:
    """Which of the wanted tables an output lists, and their rows.

    An empty one is an empty table where the manifest says that the command succeeded.
    """
    if saved.kind is Kind.EMPTY:
        row = table_named(saved.command) if saved.code == 0 and not saved.cut else None
        known = row in wanted and "--columns" not in saved.command
        return [Listing(row, (), whole=True)] if row and known else []
    first = saved.text(_GLANCE)
    if "_uuid" in first and not any(each.row in wanted for each in read_listing(first)):
        return []
    return [
        Listing(each.row, each.rows, each.whole and not saved.cut)
        for each in read_listing(saved.text())
        if each.row in wanted
    ]


@dataclass
class Seen:
    """What the outputs of one host say, as the parts of a `Host`."""

    processes: dict[str, Process] | None = None
    links: tuple[Link, ...] = ()
    flows: Flows | None = None
    packets: dict[str, tuple[int, int]] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    hung: set[str] = field(default_factory=set)
    """Daemons that were waited for in vain."""
    servers: dict[str, Server] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    rest: dict[str, object] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)
    """Files that could not be read, or made sense of, and why."""


def look(saved: list[Output], bridge: str) -> Seen:
    """What the outputs of one host say, ``bridge`` being its integration bridge."""
    seen = Seen()
    for output in saved:
        if output.code == _ENDED and (daemon := _asked(output.command)):
            seen.hung.add(daemon)
        if output.cut and output.kind not in (Kind.STATUS, Kind.CLUSTER):
            continue  # a list without its beginning does not tell what is not in it
        try:
            _look_at(seen, output, bridge)
        except (ValueError, LookupError, msgspec.MsgspecError) as error:
            # Somebody else wrote it: one odd file must not cost the verdict.
            seen.failed[output.path] = f"{type(error).__name__}: {error}"[:_NAME]
        except OSError as error:
            seen.failed[output.path] = error.strerror or str(error)
    return seen


def _look_at(seen: Seen, output: Output, bridge: str) -> None:
    if output.kind is Kind.PROCESSES:
        seen.processes = {**outputs.processes(output.text()), **(seen.processes or {})}
    elif output.kind is Kind.LINKS:
        devices = outputs.links(output.text())
        # "ip -s -d link" looks the same, and has no addresses.
        seen.links = max(seen.links, devices, key=_addresses)
    elif output.kind is Kind.FLOWS and output.command.split()[-1:] == [bridge]:
        flows = outputs.flows(output.text(), bridge)
        seen.flows = flows if seen.flows is None or flows.count else seen.flows
    elif output.kind is Kind.PORTS and output.command.split()[-1:] == [bridge]:
        seen.packets = outputs.packets(output.text()) or seen.packets
    elif output.kind is Kind.PID and output.path.suffix == ".pid":
        pid = number(output.text(_GLANCE).strip().lstrip("\ufeff"))
        seen.pids.update({output.path.stem: pid} if pid else {})
    elif output.kind is Kind.CLUSTER:
        _member(seen, output.text())
    else:
        _answer(seen, output)
    if output.kind in (Kind.FLOWS, Kind.PORTS):
        seen.answers.setdefault("ovs-vswitchd", {})[output.command] = "answered"


def _asked(command: str) -> str:
    """The daemon that a command waits for."""
    words = command.split()
    # In a container there may be another -t, of podman exec, before it.
    targets = [word for before, word in pairwise(words) if before == "-t"]
    target = targets[-1] if targets else ""
    if any(word.endswith("ovs-ofctl") for word in words) or ("appctl" in command and not target):
        return "ovs-vswitchd"
    named = (daemon for daemon in _QUESTIONS if daemon in target)
    return next(named, "") if "appctl" in command else ""


def _addresses(devices: tuple[Link, ...]) -> int:
    return sum(len(link.addr_info) for link in devices) * 10_000 + len(devices)


def _answer(seen: Seen, output: Output) -> None:
    if output.kind is Kind.STATUS:
        text = output.text().strip()
        daemon = "ovn-northd" if text.startswith("Status: ") else "ovn-controller"
        if daemon == "ovn-northd" or output.command.endswith(" connection-status"):
            seen.answers.setdefault(daemon, {})[_QUESTIONS[daemon]] = text
    elif output.kind is Kind.DISKS:
        seen.rest["disks"] = outputs.disks(output.text())
    elif output.kind is Kind.MEMORY:
        seen.rest["memory"] = outputs.memory(output.text())
    elif output.kind is Kind.FIREWALL:
        seen.rest["firewall"] = outputs.firewall(output.text())
    elif output.kind is Kind.KERNEL:
        seen.rest["conntrack"] = outputs.tracked(output.text())
    elif output.kind is Kind.DOMAIN and (domain := outputs.domain(output.text(_MAX_DOMAIN))):
        seen.domains[domain.uuid] = domain


def _member(seen: Seen, text: str) -> None:
    told = _CLUSTER_NAME.search(text)
    if told:
        seen.servers[told[1]] = Server(
            model="clustered",
            connected="\nStatus: cluster member\n" in text and "\nLeader: unknown\n" not in text,
            leader="\nRole: leader\n" in text,
            status=text,
        )


def host_of(
    seen: Seen, name: str, time: float, vswitch: dict[str, list[dict[str, object]]]
) -> Host:
    """A host as its report shows it; what it does not show is listed in ``errors``.

    ``ps`` lists every process, so a daemon that is not among them does not run. Its pid file,
    where the report has it, tells that it once did. When one was started is not told: ``ps`` rounds.
    """
    processes = dict(seen.processes or {})
    if seen.processes is not None:
        for daemon, pid in seen.pids.items():
            processes.setdefault(daemon, Process(pid=pid))
    missing = [
        Failure(what, NOT_ASKED)
        for what, known in (
            ("ip -j -d addr", seen.links),
            ("nft -j list ruleset", "firewall" in seen.rest),
        )
        if not known
    ]
    missing += [
        Failure(
            f"ovs-appctl -t {daemon} {question}",
            "no answer within the time that sos waits" if daemon in seen.hung else NOT_ASKED,
        )
        for daemon, question in _QUESTIONS.items()
        if daemon in processes and daemon not in seen.answers
    ]
    return msgspec.structs.replace(
        Host(format=PROBE_FORMAT, hostname=name, time=time),
        processes=processes,
        unixctl={name: told for name, told in seen.answers.items() if name in processes},
        vswitch=vswitch,
        links=seen.links,
        flows=seen.flows,
        # Taken once: all that was ever counted is known, and nothing of any while.
        counters=Counters(0.0, seen.packets, seen.packets),
        servers=seen.servers,
        domains=tuple(seen.domains.values()) or None,
        errors=tuple(missing),
        conf_only=seen.processes is None,
        **seen.rest,
    )
