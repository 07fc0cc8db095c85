"""Every fault of the catalogue over everything that is known: no target, no trail.

The definitions are the same that `why` runs over one target's slice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from viftrail import __version__
from viftrail.chain.cloud import Cloud
from viftrail.chain.subject import Subject
from viftrail.chain.subject import port as port_subject
from viftrail.chain.subject import server as server_subject
from viftrail.diagnose import Accusation, accuse, cause_of
from viftrail.errors import UnknownTarget
from viftrail.facts.facts import Facts
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.verdict import Cause, Certainty, Stage, State, Unknown

SHOWN = 3
"""Projects that are named to who mistyped one."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """All occurrences of one fault."""

    id: str
    stage: str
    title: str
    state: State
    """The worst of its occurrences."""
    victims: int
    """Ports of VMs that the occurrences affect, each counted once an occurrence."""
    subjects: tuple[str, ...]
    """What each occurrence is about, such as ``port 5b0c7e87-…``; sorted."""
    example: Cause


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found, the most harmful first."""

    format: int = 1
    tool: str = f"viftrail {__version__}"
    time: str = ""
    """When the facts were taken, ISO 8601 in UTC."""
    ports: int = 0
    """Ports of VMs that were looked at."""
    chassis: int = 0
    hosts: int = 0
    """Hosts whose own state was looked at."""
    checked: tuple[str, ...] = ()
    """Ids of the faults that were looked for."""
    groups: tuple[Group, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The worst example of each group."""
        return tuple(group.example for group in self.groups)

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """The fault and the subject of everything that was found."""
        return frozenset((group.id, name) for group in self.groups for name in group.subjects)

    @property
    def blind(self) -> bool:
        """A whole database, or everything, could not be looked at."""
        lost = any(gap.place in (NORTHBOUND, SOUTHBOUND) for gap in self.unknown)
        return lost or not (self.ports or self.hosts)


class Reach:
    """How many ports of VMs depend on a subject."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    @cached_property
    def _by_network(self) -> Counter[str]:
        guests = {port.row.uuid for port in self._cloud.ports.values() if port.row}
        return Counter(
            {
                switch.name: sum(1 for uuid in switch.ports if uuid in guests)
                for switch in self._cloud.nb[LogicalSwitch]
            }
        )

    @cached_property
    def _by_router(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for switch in self._cloud.nb[LogicalSwitch]:
            for router in self._cloud.routers_of(switch):
                found[router.name] += self._by_network[switch.name]
        return found

    def _on(self, host: str) -> int:
        return len(self._cloud.ports_on.get(host, ()))

    @cached_property
    def _by_server(self) -> Counter[str]:
        return Counter(port.server_id for port in self._cloud.ports.values())

    def of(self, subject: Subject) -> int:
        """The number of ports that a subject carries; a port carries itself."""
        if subject.kind == "server":
            return self._by_server[subject.name]
        if subject.kind == "cloud":
            return len(self._cloud.ports)
        if subject.kind == "host":
            return self._on(subject.name)
        if subject.kind == "tunnel":
            return sum(map(self._on, subject.name.split(" and ")))
        if subject.kind == "router":
            return self._by_router[subject.name]
        if subject.kind == "network":
            return self._by_network[subject.name]
        return 1


def audit(
    facts: Facts,
    *,
    only: str = "",
    project: str = "",
    known: Findings | None = None,
    confirming: Findings | None = None,
    time: str = "",
) -> Findings:
    """Run the catalogue over complete facts.

    Args:
        facts: everything that could be read.
        only: a stage (``S8``) or a fault's id; empty for all.
        project: leave out what does not touch a port of this project.
        known: an earlier audit, whose findings are left out.
        confirming: an audit of moments ago: what it did not find, such as a port that was being
            made just now, is left out.
        time: when the facts were taken.

    Raises:
        UnknownTarget: nothing here is of that project.
    """
    cloud = Cloud(facts)
    mine = _of_project(cloud, project) if project else None
    faults = tuple(
        fault for fault in CATALOGUE if not only or only in (fault.id, fault.stage.value)
    )
    # A suspicion that wants a longer look (`why`) is no finding, nor is a tenant's decision that
    # nobody asked about.
    accusations = [
        each
        for each in accuse(cloud, faults=faults)
        if (not each.fault.intended or each.fault.id == only)
        and (each.victim or each.case.certainty is not Certainty.POSSIBLE)
    ]
    if mine is not None:
        accusations = [each for each in accusations if _touches(each, mine)]
    if known:
        old = known.places
        accusations = [each for each in accusations if _place(each) not in old]
    if confirming:
        seen = confirming.places
        accusations = [each for each in accusations if _place(each) in seen]
    return Findings(
        time=time,
        ports=len(cloud.ports) if mine is None else sum(each.kind == "port" for each in mine),
        chassis=cloud.chassis_count,
        hosts=len(cloud.hosts),
        checked=tuple(fault.id for fault in faults),
        groups=_groups(faults, accusations, Reach(cloud)),
        unknown=tuple(Unknown(place=g.place, why=g.why, how=g.how) for g in facts.gaps),
    )


def _place(accusation: Accusation) -> tuple[str, str]:
    return accusation.fault.id, str(accusation.case.subject)


def _groups(
    faults: Iterable[Fault], accusations: list[Accusation], reach: Reach
) -> tuple[Group, ...]:
    by_fault: dict[str, list[Accusation]] = {}
    for accusation in accusations:
        by_fault.setdefault(accusation.fault.id, []).append(accusation)
    found = [_group(fault, by_fault[fault.id], reach) for fault in faults if fault.id in by_fault]
    return tuple(
        sorted(
            found, key=lambda g: (g.state is not State.BROKEN, -g.victims, Stage(g.stage).number)
        )
    )


def _group(fault: Fault, accusations: list[Accusation], reach: Reach) -> Group:
    broken = any(each.state is State.BROKEN for each in accusations)
    victims = [_victims(each, reach) for each in accusations]
    worst = max(range(len(accusations)), key=victims.__getitem__)
    return Group(
        id=fault.id,
        stage=fault.stage.value,
        title=fault.title,
        state=State.BROKEN if broken else State.DEGRADED,
        victims=sum(victims),
        subjects=tuple(sorted(str(each.case.subject) for each in accusations)),
        example=cause_of(accusations[worst]),
    )


def _victims(accusation: Accusation, reach: Reach) -> int:
    victims = accusation.case.victims
    return reach.of(accusation.case.subject) if victims is None else len(victims)


def _of_project(cloud: Cloud, project: str) -> frozenset[Subject]:
    """The ports and servers of a project.

    Raises:
        UnknownTarget: it has none, and all ports were read.
    """
    projects = dict(_projects(cloud))
    mine = frozenset(subject for subject, owner in projects.items() if owner == project)
    lost = any(gap.place == NORTHBOUND for gap in cloud.facts.gaps)
    if not mine and not lost and cloud.nb[LogicalSwitchPort].complete:
        others = sorted({owner for owner in projects.values() if owner})
        raise UnknownTarget(
            f"No port here is of a project {project}.",
            "Give a project's id, as `openstack project list` has it"
            + (f"; among those here are {', '.join(others[:SHOWN])}." if others else "."),
        )
    return mine


def _projects(cloud: Cloud) -> Iterator[tuple[Subject, str]]:
    """Whose each port and server is, as far as Northbound, Nova and Neutron say."""
    for port in cloud.ports.values():
        known = cloud.neutron_port(port.id)
        row = port.row.external_ids.get("neutron:project_id", "") if port.row else ""
        yield port_subject(port.id), row or (known.project_id if known else "")
    for server in cloud.openstack.servers or ():
        yield server_subject(server.id), server.project_id


def _touches(accusation: Accusation, mine: frozenset[Subject]) -> bool:
    """It is about one of these ports or servers, or about something that is nobody's in particular."""
    case = accusation.case
    if case.victims:
        return bool(case.victims & mine)
    return case.subject.kind not in ("port", "server") or case.subject in mine
