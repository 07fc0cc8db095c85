"""S0: file systems that are full, where a database server writes."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import q
from viftrail.chain.server import disk_of, file_of
from viftrail.chain.subject import Subject
from viftrail.facts.host import Disk, Host
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NOTHING_CHANGED, on_host
from viftrail.verdict import Evidence, Risk, Stage

FULL = 64 << 10
"""Bytes. A server writes its file in pages; with less than this the next change fails."""

CENTRAL = {"ovnnb_db": "OVN_Northbound", "ovnsb_db": "OVN_Southbound"}
LOCAL = {"ovsdb-server": "Open_vSwitch"}


def _full(host: Host, daemon: str) -> tuple[str, Disk] | None:
    """The file of this server, and its file system, if that is full."""
    process, path = host.processes.get(daemon), file_of(host, daemon)
    disk = disk_of(host, path) if path and process and process.runs else None
    return (path, disk) if disk and disk.total and disk.free < FULL else None


def _case(
    name: str, what: str, path: str, disk: Disk, about: Subject, victims: frozenset[Subject]
) -> Case:
    return Case(
        subject=about,
        summary=f"the file system of {path} on {name} is full, so {what} can be read and not written",
        evidence=(
            Evidence(
                where=name,
                what=f"room on {disk.path}, where {path} is",
                seen=f"{disk.free} of {disk.total} bytes free",
                expected="room for the next change",
                command=f"df --output=avail,size,target {q(path)}",
            ),
        ),
        steps=on_host(
            name,
            f"du -xah {q(disk.path)}",
            undo=NOTHING_CHANGED,
            verify=f"df --output=avail,size,target {q(path)}",
        ),
        victims=victims,
        note="What may be deleted there is for you to say: old logs (`journalctl --vacuum-size=200M`), "
        "core dumps, packages' caches. Never the database's own file. The server needs no restart: "
        "its next write succeeds.",
    )


def _controller(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        told: set[str] = set()
        for daemon, database in CENTRAL.items():
            found = _full(host, daemon)
            if found is None or found[1].path in told:
                continue
            path, disk = found
            told.add(disk.path)
            yield _case(name, database, path, disk, subject.CLOUD, frozenset())


def _host(cloud: Cloud) -> Iterator[Case]:
    for name, host in cloud.hosts.items():
        for daemon, database in LOCAL.items():
            found = _full(host, daemon)
            if found is None:
                continue
            yield _case(
                *(
                    name,
                    f"{database} (conf.db)",
                    *found,
                    subject.host(name),
                    _unplugged(cloud, name),
                )
            )


def _unplugged(cloud: Cloud, name: str) -> frozenset[Subject]:
    """The ports of VMs here that conf.db lacks, as they could not be written to it."""
    return frozenset(
        subject.port(port.id)
        for port in cloud.ports_on.get(name, ())
        if not cloud.plugs.get(port.id)
    )


FAULTS = (
    Fault(
        id="infra-controller-disk-full",
        stage=Stage.INFRASTRUCTURE,
        title="The disk of an OVN database is full",
        what="The file system with the file of OVN_Northbound or OVN_Southbound is full. Its server "
        "goes on answering what it is asked, and refuses every change.",
        shows="What there is works on. New ports never become active and Neutron's requests fail; the "
        "server logs `write failed (No space left on device)`.",
        decisive="No room on the file system that holds the file the running server was started with.",
        remedy="Make room. The server's next write succeeds; it needs no restart.",
        risk=Risk.SAFE,
        references=("ovs: ovsdb/log.c", "ovsdb-server(1)"),
        unlike={
            "northd-not-running": "there Northbound takes changes, and Southbound does not follow",
            "nb-server-down": "there nobody is answered",
        },
        find=_controller,
    ),
    Fault(
        id="infra-network-node-disk-full",
        stage=Stage.INFRASTRUCTURE,
        title="The disk of a host's conf.db is full",
        what="The file system with a host's conf.db is full, so neither Nova nor ovn-controller can "
        "change its switch: no port is plugged, no tunnel or patch port made.",
        shows="What is plugged works on. A new VM's tap is in no bridge, a gateway that moves here has "
        "no patch port; ovsdb-server logs `write failed (No space left on device)`.",
        decisive="No room on the file system that holds the file the host's ovsdb-server was started "
        "with.",
        remedy="Make room. The server's next write succeeds; it needs no restart.",
        risk=Risk.SAFE,
        references=("ovs: ovsdb/log.c", "ovs-vswitchd.conf.db(5)"),
        unlike={
            "vif-not-in-br-int": "there conf.db takes changes, and nobody made this one",
            "prov-mapping-missing": "there the mapping is not set",
        },
        find=_host,
        on_path_freezes=True,
    ),
)
