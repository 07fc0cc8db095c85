"""What is guessed of a server that Nova did not build, and what decides it.

The notes that this began with looked at `df` and `free`, and took a plug for what stopped the
build. Placement looks at neither, and where a server never had a host nobody plugs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from viftrail.chain.failure import BEFORE_HOST, Kind, failure_of
from viftrail.chain.placement import SHOWN, computes
from viftrail.chain.scheduling import reckoning, room, wanted
from viftrail.faults.hypothesis import Guess, Scene, Weighed, at, called
from viftrail.faults.step import ADMIN_SHELL
from viftrail.verdict import Evidence, RuledOut, Stage, Undecided


def _reckoned(resource: str, shown: str, free: str) -> Callable[[Scene, str], Weighed]:
    """A guess that `df` or `free` decides: the numbers that do."""

    def weigh(scene: Scene, guess: str) -> Weighed:
        server, cloud = scene.trail.server, scene.cloud
        needs = wanted(server).get(resource, 0) if server else 0
        rows = [
            (provider, own)
            for provider in computes(cloud)
            if (own := (provider.inventories or {}).get(resource))
        ]
        if not rows:
            return Undecided(
                guess=guess,
                why="Placement's reckoning was not read: needs admin",
                observation=f"less {resource} left than the flavor asks for, on every host",
                where=ADMIN_SHELL,
                command="openstack resource provider inventory list PROVIDER; "
                "openstack resource provider usage show PROVIDER",
            )
        rows.sort(key=lambda row: -(room(row[0], resource) or 0))
        more = f"; {len(rows) - SHOWN} more hosts have no more" if len(rows) > SHOWN else ""
        rows = rows[:SHOWN]
        evidence = tuple(
            Evidence(
                where=f"Placement, {provider.name}",
                what=f"{resource}: (total - reserved) x ratio - used",
                seen=reckoning(own, (provider.usages or {}).get(resource, 0)),
                expected=f"{needs} or more",
                command=f"openstack resource provider inventory list {provider.uuid}; "
                f"openstack resource provider usage show {provider.uuid}",
            )
            for provider, own in rows
        )
        numbers = "; ".join(
            f"{provider.name}: {reckoning(own, (provider.usages or {}).get(resource, 0))}"
            for provider, own in rows
        )
        seen = ", ".join(_free(scene, free))
        return RuledOut(
            guess=guess,
            because=f"what `{shown}` shows{f' ({seen})' if seen else ''} does not decide; Placement "
            f"reckons {resource}, {needs} asked for ({numbers}{more})",
            evidence=evidence,
        )

    return weigh


def _free(scene: Scene, field: str) -> Iterator[str]:
    """What the hypervisors themselves call free, where Nova still tells."""
    for row in scene.cloud.openstack.hypervisors or ():
        value = getattr(row, field)
        if value is not None:
            yield f"{row.hostname} {value} {'GiB' if field == 'free_disk_gb' else 'MiB'} free"
    for name, host in scene.cloud.hosts.items():
        if field == "free_disk_gb" and host.disks:
            disk = max(host.disks, key=lambda each: each.total)
            yield f"{name} {disk.free >> 30} GiB free on {disk.path}"
        elif field == "free_ram_mb" and host.memory.total:
            yield f"{name} {host.memory.available >> 20} MiB available"


def _scheduled(scene: Scene, guess: str) -> Weighed:
    return RuledOut(
        guess=guess,
        because=f"the scheduler found one, {scene.place}, and the build ended there",
        evidence=(),
    )


def _plugging(scene: Scene, guess: str) -> Weighed:
    server = scene.trail.server
    failure = failure_of(scene.cloud.openstack, server, scene.cloud.facts.logs) if server else None
    if failure is None:
        return Undecided(
            guess=guess,
            why="Nova does not say why it failed",
            observation="the words `Failed to allocate the network(s)` in the server's fault",
            where=ADMIN_SHELL,
            command=f"openstack server show {scene.trail.asked} -c fault",
        )
    told = {
        Kind.BINDING: "the port was refused before anything was plugged",
        Kind.PLUG: "the plug itself was made; the port was not reported as up afterwards",
    }
    because = told.get(failure.kind, "its build ended for another reason, in Nova's own words")
    if failure.kind in BEFORE_HOST:
        because = "it was never given to a host, so that no port was made and nothing plugged"
    return RuledOut(
        guess=guess,
        because=because,
        evidence=(
            Evidence(
                where="Nova",
                what="fault of the server",
                seen=failure.message,
                expected="words about the plug",
                command=f"openstack server show {scene.trail.asked} -c fault",
            ),
        ),
    )


def _tunnels(scene: Scene, guess: str) -> Weighed:  # noqa: ARG001
    return RuledOut(
        guess=guess,
        because="no tunnel takes part in scheduling, in binding a port, or in its plug",
        evidence=(),
    )


GUESSES: tuple[Guess, ...] = (
    Guess(
        "the disk of a compute host is short",
        called("sched-disk-capacity", "infra-compute-disk-full"),
        _reckoned("DISK_GB", "df", "free_disk_gb"),
    ),
    Guess(
        "a compute host is short of memory",
        called("sched-ram-capacity"),
        _reckoned("MEMORY_MB", "free", "free_ram_mb"),
    ),
    Guess("the scheduler had no valid host", at(Stage.SCHEDULING), _scheduled),
    Guess(
        "plugging its VIF failed",
        called("build-osvif-plug-failed", "build-libvirt-tap-failed"),
        _plugging,
    ),
    Guess("a geneve tunnel is missing", at(Stage.TUNNEL), _tunnels),
)
