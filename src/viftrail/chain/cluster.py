"""RAFT clusters: what each member says of itself and of the others.

Sources: ovsdb(7), "Clustered Database Service Model"; ovsdb-server(1), cluster/status, whose text
ovsdb/raft.c writes; ovsdb-server(5), table Database of _Server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from viftrail.chain.cloud import Cloud
from viftrail.chain.daemon import HUNG, RUNNING
from viftrail.chain.server import endpoints, is_part, server_state
from viftrail.facts.host import Server
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.number import number
from viftrail.facts.southbound import SBGlobal

_KEY = re.compile(
    r"^(Address|Status|Role|Term|Leader|Cluster ID|Server ID|Election timer|Log): (.*)$",
    re.MULTILINE,
)
_LOG = re.compile(r"\[\d+, (\d+)\]")
_PEER = re.compile(
    r"^ +\w+ \((\w+) at (\S+)\)(?P<own> \(self\))?.*?(?: last msg (?P<silence>\d+) ms ago)?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Peer:
    """Another member, as a member knows it."""

    id: str
    address: str
    silence: int | None
    """Milliseconds since it was heard; None: never, or the member is not told."""


@dataclass(frozen=True)
class Member:
    """One member of a cluster: by its row in _Server, and by its cluster/status where it gave one."""

    host: str
    connected: bool
    status: str = ""
    role: str = ""
    term: int = 0
    leader: str = ""
    """The short id of the member that it takes for the leader; its own where it leads."""
    id: str = ""
    address: str = ""
    end: int = 0
    """The index after the last entry of its log."""
    cluster: str = ""
    """The short id of its cluster."""
    election: int = 0
    """Milliseconds of silence after which it wants another leader."""
    peers: tuple[Peer, ...] = field(default=())

    @property
    def unheard(self) -> tuple[Peer, ...]:
        """The other members that it has not heard for longer than an election takes.

        Of one that looks for a leader they gave no vote; followers never hear each other.
        """
        return tuple(
            peer
            for peer in self.peers
            if peer.silence is not None and self.election and peer.silence > 2 * self.election
        )

    def told(self) -> str:
        """What it says of itself, in a few words."""
        if not self.status:
            return "connected" if self.connected else "not connected"
        return f"{self.status}; {self.role}, term {self.term}, leader {self.leader}"


def member_of(host: str, server: Server) -> Member | None:
    """A server as a member; None where it is no part of a cluster."""
    if server.model != "clustered":
        return None
    told = dict(_KEY.findall(server.status))
    own = told.get("Server ID", "").split(" ")[0]
    leader = told.get("Leader", "")
    log = _LOG.match(told.get("Log", ""))
    return Member(
        host=host,
        connected=server.connected,
        status=told.get("Status", ""),
        role=told.get("Role", ""),
        term=number(told.get("Term", "")) or 0,
        leader=own if leader == "self" else leader,
        id=own,
        address=told.get("Address", ""),
        cluster=told.get("Cluster ID", "").split(" ")[0],
        end=number(log[1] if log else "") or 0,
        election=number(told.get("Election timer", "")) or 0,
        peers=tuple(
            Peer(found[1], found[2], number(found["silence"] or ""))
            for found in _PEER.finditer(server.status)
            if not found["own"]
        ),
    )


def members(cloud: Cloud, database: str) -> tuple[Member, ...]:
    """The members of a database's cluster that answered, by their hosts' names."""
    found = (
        member_of(name, host.servers[database])
        for name, host in sorted(cloud.hosts.items())
        if database in host.servers
    )
    return tuple(member for member in found if member)


def majority_lost(cloud: Cloud, database: str) -> bool:
    """Members of its cluster answered, and none of them is in contact with a majority.

    A member says so of itself only after two election times without one (``raft_is_connected``
    of ovsdb/raft.c). Until then the servers that were found dead count.
    """
    known = members(cloud, database)
    serving = sum(member.connected for member in known)
    if not serving:
        return bool(known)
    half = size_of(known) // 2
    return serving <= half and size_of(known) - len(gone(cloud, database)) <= half


def size_of(known: Sequence[Member]) -> int:
    """Of how many members the cluster of these consists, as far as they tell; 0: they do not."""
    return max((len(member.peers) + 1 for member in known if member.peers), default=0)


def gone(cloud: Cloud, database: str) -> tuple[str, ...]:
    """The hosts where the server of a database is dead or stopped."""
    alive = ("", RUNNING, HUNG)
    return tuple(
        name for name, host in cloud.central.items() if server_state(host, database) not in alive
    )


def all_seen(cloud: Cloud) -> bool:
    """As many hosts with databases were looked at as the largest cluster has members."""
    sizes = [size_of(members(cloud, database)) for database in (NORTHBOUND, SOUTHBOUND)]
    return max(1, *sizes) <= len(cloud.central)


def unserved(cloud: Cloud, database: str) -> Mapping[str, str]:
    """Where nobody serves a database: the hosts whose server should, and what keeps each from it.

    Empty too where others may serve it, and for what is left of a cluster.
    """
    served = cloud.nb[NBGlobal].rows if database == NORTHBOUND else cloud.sb[SBGlobal].rows
    if served or members(cloud, database) or not all_seen(cloud):
        return {}
    states = {name: server_state(host, database) for name, host in cloud.central.items()}
    return {name: state for name, state in states.items() if state not in ("", RUNNING)}


def whole_remote(cloud: Cloud, remote: str) -> str:
    """What ovn-remote should be where a host may know a part of the Southbound cluster only.

    The longest list of all hosts; where that is no longer, the members by their own addresses.
    """
    lists = (host.settings.get("ovn-remote", "") for host in cloud.hosts.values())
    longest = max(lists, key=lambda each: len(endpoints(each)), default="")
    if is_part(remote, longest) or not endpoints(remote):
        return longest
    scheme, _, port = endpoints(remote)[0]
    own = [
        endpoints(address)[0][1]
        for member in members(cloud, SOUTHBOUND)
        for address in (member.address, *(peer.address for peer in member.peers))
        if endpoints(address)
    ]
    hosts = (f"[{each}]" if ":" in each else each for each in sorted(set(own)))
    return ",".join(f"{scheme}:{each}:{port}" for each in hosts)
