"""S1: a filter of the scheduler left no host."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import Kind
from viftrail.chain.filters import filtering_of
from viftrail.chain.scheduling import fault_evidence
from viftrail.faults.compute import failed
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NOTHING_CHANGED
from viftrail.verdict import Risk, Stage, Step


def _left_none(why: str, look: str, note: str, *names: str) -> Callable[[Cloud], Iterator[Case]]:
    """A case for each server for which one of these filters left no host."""

    def find(cloud: Cloud) -> Iterator[Case]:
        for server in failed(cloud, Kind.FILTERED):
            filtering = filtering_of(cloud, server)
            if filtering is None or filtering.deciding not in names:
                continue
            yield Case(
                subject=subject.server(server.id),
                summary=f"{filtering.deciding} left no host for {server.name}, {why}: "
                + ", ".join(map(str, filtering.sieves)),
                evidence=(
                    filtering.proof,
                    fault_evidence(server, server.fault.message if server.fault else ""),
                ),
                steps=(
                    Step(
                        command=look.replace("SERVER", server.id).replace(
                            "FLAVOR", server.flavor.name or "FLAVOR"
                        ),
                        where=ADMIN_SHELL,
                        risk=Risk.SAFE,
                        undo=NOTHING_CHANGED,
                        verify=f"openstack server show {server.id} -c status",
                    ),
                ),
                note=note,
            )

    return find


FAULTS = (
    Fault(
        id="sched-pci-numa",
        stage=Stage.SCHEDULING,
        title="No host has the NUMA cells or PCI devices",
        what="The flavor asks for huge pages, pinned CPUs or a PCI device, and no host has them free on "
        "one NUMA cell.",
        shows="`No valid host was found. There are not enough hosts available.` for such flavors only.",
        decisive="`Filter NUMATopologyFilter returned 0 hosts`, or PciPassthroughFilter.",
        remedy="Free them, configure hosts with them, or ask for another flavor.",
        risk=Risk.SAFE,
        references=("nova: scheduler/filters/numa_topology_filter.py",),
        unlike={"sched-vcpu-capacity": "there Placement itself offers no host"},
        find=_left_none(
            "which asks for NUMA cells or PCI devices",
            "openstack flavor show FLAVOR -c properties",
            "Compare with what the hosts have: hugepages, cpu_dedicated_set and [pci] of nova.conf.",
            "NUMATopologyFilter",
            "PciPassthroughFilter",
        ),
        unprovoked="of Nova's default filters, which the lab has, none looks at NUMA or PCI",
    ),
    Fault(
        id="sched-server-group",
        stage=Stage.SCHEDULING,
        title="The server group has no host left",
        what="The server is in a group with the policy affinity or anti-affinity: all others are to be "
        "on the same host, or on other ones, and no host is left that fits.",
        shows="`No valid host was found. There are not enough hosts available.` for members of the "
        "group only.",
        decisive="`Filter ServerGroupAntiAffinityFilter returned 0 hosts`, or the one for affinity.",
        remedy="Use a soft policy, or add hosts.",
        risk=Risk.SAFE,
        references=("nova: scheduler/filters/affinity_filter.py",),
        unlike={"sched-ram-capacity": "there a server outside the group finds no host either"},
        find=_left_none(
            "because of its server group",
            "openstack server group list --long",
            "A group's policy cannot be changed: make one with soft-anti-affinity, and create the "
            "server in that.",
            "ServerGroupAntiAffinityFilter",
            "ServerGroupAffinityFilter",
        ),
    ),
)
