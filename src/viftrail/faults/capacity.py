"""S1: no compute has enough of a resource left, by Placement's reckoning."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import Kind, failure_of
from viftrail.chain.placement import SHOWN, Refusal, decisive, in_words, once_a_request
from viftrail.chain.scheduling import fault_evidence, wanted
from viftrail.facts.openstack import Candidates, Server
from viftrail.faults.allocation import freed_would_do
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

UNITS = {"DISK_GB": "GiB of disk", "MEMORY_MB": "MiB of memory", "VCPU": "VCPUs", "PCPU": "PCPUs"}


def candidates_command(needs: dict[str, int]) -> str:
    """Ask Placement the question that Nova asked."""
    return "openstack allocation candidate list " + " ".join(
        f"--resource {name}={amount}" for name, amount in sorted(needs.items())
    )


def unplaced(cloud: Cloud) -> Iterator[Server]:
    """The servers for which Placement offered no host."""
    for server in cloud.openstack.servers or ():
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        if failure and failure.kind is Kind.NO_CANDIDATE:
            yield server


def _short(*resources: str) -> Callable[[Cloud], Iterator[Case]]:
    def find(cloud: Cloud) -> Iterator[Case]:
        for server in unplaced(cloud):
            if freed_would_do(cloud, server):
                continue  # what is held by nobody is in the way, and not a want of room
            needs = wanted(server)
            deciding = decisive(cloud, server)
            for resource in resources:
                if resource in deciding:
                    large = resource in _too_large(cloud, server)
                    short = deciding[resource]
                    yield _case(server, resource, needs, short, len(deciding) > 1, large)
                elif not deciding and (answer := _asked_again(cloud, needs, resource)):
                    yield _told(server, resource, needs, answer)

    return find


def _asked_again(cloud: Cloud, needs: dict[str, int], resource: str) -> Candidates | None:
    """Placement's own answer without this resource, where with it there is none (FAULTS: D.1)."""
    answers = cloud.openstack.candidates or ()
    without = {name: amount for name, amount in needs.items() if name != resource}
    nothing = any(answer.resources == needs and not answer.providers for answer in answers)
    return next(
        (
            answer
            for answer in answers
            if nothing and answer.resources == without and answer.providers
        ),
        None,
    )


def _case(
    server: Server,
    resource: str,
    needs: dict[str, int],
    short: tuple[Refusal, ...],
    one_of_many: bool,
    everywhere: bool,
) -> Case:
    """``everywhere``: no host could ever give as much to one server."""
    amount, unit = needs[resource], UNITS[resource]
    return Case(
        subject=subject.server(server.id),
        summary=f"no host has {amount} {unit} for {server.name}: " + in_words(short),
        evidence=(
            *(
                Evidence(
                    where=f"Placement, {each.provider.name}",
                    what=f"{resource} left: (total - reserved) x ratio - used",
                    seen=each.text,
                    expected=f"{amount} or more",
                    command=f"openstack resource provider inventory list {each.provider.uuid}; "
                    f"openstack resource provider usage show {each.provider.uuid}",
                )
                for each in short[:SHOWN]
            ),
            fault_evidence(server, server.fault.message if server.fault else ""),
        ),
        steps=() if everywhere else tuple(_more(resource, amount, short, needs)),
        certainty=Certainty.LIKELY if one_of_many else Certainty.PROVEN,
        note="Its flavor is larger than any host: ask for less, or add a host that is large enough. "
        "A server in ERROR that never had a host is deleted and created again."
        if everywhere
        else "Least of all: delete what is not needed any more, or ask for less. The server itself is "
        "then deleted and created again, as it never had a host.",
    )


@once_a_request
def _too_large(cloud: Cloud, server: Server) -> frozenset[str]:
    """The resources of which no provider gives as much to a single server."""
    needs = wanted(server)
    return frozenset(
        resource
        for resource, short in decisive(cloud, server).items()
        if all(
            (own := (each.provider.inventories or {}).get(resource)) is None
            or needs.get(resource, 0) > own.max_unit
            for each in short
        )
    )


def _more(
    resource: str, amount: int, short: tuple[Refusal, ...], needs: dict[str, int]
) -> Iterator[Step]:
    """Promise more of it than there is where most is left, by as little as is needed."""
    found = (
        (each.provider, own)
        for each in short
        if (own := (each.provider.inventories or {}).get(resource)) and amount <= own.max_unit
    )
    provider, own = next(found, (None, None))
    if provider is None or own is None:
        return
    base = own.total - own.reserved
    if base <= 0:
        return
    used = (provider.usages or {}).get(resource, 0)
    ratio = -(-10 * (used + amount) // base) / 10
    command = f"openstack resource provider inventory set {provider.uuid} --resource {resource}"
    yield Step(
        command=f"{command}:allocation_ratio={ratio:g} --amend",
        where=ADMIN_SHELL,
        risk=Risk.SAFE,
        undo=f"{command}:allocation_ratio={own.allocation_ratio:g} --amend",
        verify=candidates_command(needs),
        tenant="servers share what there is more of than there is: the disk can fill up, memory run "
        "out, or CPUs be slower",
    )


def _told(server: Server, resource: str, needs: dict[str, int], answer: Candidates) -> Case:
    amount, unit = needs[resource], UNITS[resource]
    return Case(
        subject=subject.server(server.id),
        summary=f"no host has {amount} {unit} for {server.name}: Placement offers none, and without "
        f"{resource} it offers {answer.providers}",
        evidence=(
            Evidence(
                where="Placement",
                what=f"candidates for {' '.join(f'{k}={v}' for k, v in sorted(needs.items()))}",
                seen=f"0; without {resource}: {answer.providers}",
                expected="1 or more",
                command=candidates_command(needs),
            ),
            fault_evidence(server, server.fault.message if server.fault else ""),
        ),
        steps=(),
        note="What each host has left only admins see: `openstack resource provider inventory list`.",
    )


def _fault(
    fault_id: str, title: str, what: str, remedy: str, unlike: dict[str, str], *resources: str
) -> Fault:
    first = resources[0]
    return Fault(
        id=fault_id,
        stage=Stage.SCHEDULING,
        title=title,
        what=what,
        shows="The server goes to ERROR at once, with `No valid host was found. ` and no reason after "
        "it. No nova-compute has logged anything of it.",
        decisive=f"On every host (total - reserved) x allocation_ratio - used of {first} is less than "
        "the flavor asks for, or its max_unit is; without it Placement offers hosts.",
        remedy=remedy,
        risk=Risk.SAFE,
        references=(
            "nova: scheduler/manager.py select_destinations",
            "placement: objects/research_context.py",
        ),
        unlike=unlike,
        find=_short(*resources),
    )


FAULTS = (
    _fault(
        "sched-disk-capacity",
        "No host has enough disk left to promise",
        "Placement compares what was promised (flavors) with what there is (the file system of "
        "instances_path in GiB, times the ratio). What `df` shows as free is not looked at.",
        "Delete what is not needed, ask for a smaller disk, or raise the allocation ratio; or grow the "
        "file system and wait a minute for the inventory.",
        {
            "infra-compute-disk-full": "there a host was found, and the build failed on it",
            "sched-compute-disabled": "there the hosts have room, and are not offered",
        },
        "DISK_GB",
    ),
    _fault(
        "sched-ram-capacity",
        "No host has enough memory left to promise",
        "Placement compares the flavors' RAM with the host's, less reserved_host_memory_mb, times the "
        "ratio, which is 1.0 for new hosts since Nova 27. What `free` shows is not looked at.",
        "Delete what is not needed, ask for less, or raise the allocation ratio.",
        {
            "sched-orphan-allocations": "there what is held belongs to no server any more",
            "sched-compute-disabled": "there the hosts have room, and are not offered",
        },
        "MEMORY_MB",
    ),
    _fault(
        "sched-vcpu-capacity",
        "No host has enough CPUs left to promise",
        "Placement compares the flavors' VCPUs with the host's times the ratio (4.0 for new hosts since "
        "Nova 27, 16.0 before); and no server may have more than the host really has (max_unit).",
        "Delete what is not needed, ask for less, or raise the allocation ratio.",
        {"sched-pci-numa": "there the filters say so, by name"},
        "VCPU",
        "PCPU",
    ),
)
