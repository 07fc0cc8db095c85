"""S1: nova-compute of a host is down, disabled, in no cell, or not there at all."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import broker, subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import Kind, failure_of
from viftrail.chain.filters import filtering_of
from viftrail.chain.infrastructure import SERVICES
from viftrail.chain.placement import DISABLED, OFF, SHOWN, compute_of, decisive, would_fit
from viftrail.chain.quoting import q
from viftrail.chain.scheduling import fault_evidence
from viftrail.chain.subject import Subject
from viftrail.facts.log.logs import Signal
from viftrail.facts.log.moment import parse
from viftrail.facts.openstack import COMPUTE, ComputeService, Server
from viftrail.faults.build import asked_anew
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

COMPUTE_FILTER = "ComputeFilter"


def _own(server: Server) -> Evidence:
    return fault_evidence(server, server.fault.message if server.fault else "")


def services(cloud: Cloud) -> tuple[ComputeService, ...]:
    """Every nova-compute that Nova has heard of."""
    return tuple(row for row in cloud.openstack.services or () if row.binary == COMPUTE)


def failed(cloud: Cloud, *kinds: Kind) -> Iterator[Server]:
    """The servers that Nova gave up for one of these reasons."""
    for server in cloud.openstack.servers or ():
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        if failure and failure.kind in kinds:
            yield server


def _down(cloud: Cloud) -> Iterator[Case]:
    """For a host that is down; and for each server that only hosts which are down could take."""
    if broker.broken(cloud):
        return  # nobody can hear them, whether they run or not
    # One that refuses to start is not to be started: sched-compute-id-lost.
    down = [row for row in services(cloud) if row.state == "down" and not refusal(cloud, row)]
    for row in down:
        yield _silent((row,), subject.host(row.host), ())
    for server, more in starved(cloud):
        if down:
            yield _silent(tuple(down), subject.server(server.id), more)


def refusal(cloud: Cloud, row: ComputeService) -> Signal | None:
    """Why nova-compute of a host does not start, where it says that it will not by itself."""
    logs = cloud.facts.logs
    found = [each for each in logs.signals("node-identity-lost") if each.line.host == row.host]
    # A renamed host logs under its new name; what it was called stands in the line.
    found += [
        each
        for each in logs.signals("host-renamed")
        if row.host == (each.groups.get("old") or each.line.host)
    ]
    heard = parse(row.updated) or 0.0
    return next((each for each in reversed(found) if each.time >= heard), None)


def starved(cloud: Cloud) -> Iterator[tuple[Server, tuple[Evidence, ...]]]:
    """Servers that only hosts which are down could take, and what says so."""
    down = [row for row in services(cloud) if row.state == "down"]
    for server in failed(cloud, Kind.FILTERED):
        fits = [compute_of(cloud, provider) for provider in would_fit(cloud, server)]
        living = [row for row in services(cloud) if row.state == "up" and row.status == "enabled"]
        alone = bool(fits) and all(row in down for row in fits)
        filtering = filtering_of(cloud, server)
        if filtering and filtering.deciding != COMPUTE_FILTER:
            continue
        if down and (alone or not living or filtering):
            more = (filtering.proof,) if filtering else ()
            yield server, (*more, _own(server))


def _silent(
    down: tuple[ComputeService, ...],
    about: Subject,
    more: tuple[Evidence, ...],
) -> Case:
    names = ", ".join(row.host for row in down)
    forced = all(row.forced_down for row in down)
    return Case(
        subject=about,
        summary=f"nova-compute of {names} is down: "
        + (
            "no host is left that could take the server"
            if more
            else "its servers run on as they are, and Nova can do nothing with them"
        ),
        evidence=(
            *(
                Evidence(
                    where="Nova",
                    what=f"nova-compute of {row.host}",
                    seen=f"{row.state}{' (forced)' if row.forced_down else ''}, last heard of "
                    f"{row.updated or 'at a time that was not said'}",
                    expected="up, within the last 60 s",
                    command=f"{SERVICES} --service nova-compute --host {row.host}",
                )
                for row in down
            ),
            *more,
        ),
        steps=tuple(
            Step(
                command=f"openstack compute service set --up {q(row.host)} nova-compute",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=f"openstack compute service set --down {q(row.host)} nova-compute",
                verify=f"{SERVICES} --host {q(row.host)}",
            )
            if row.forced_down
            else Step(
                command="systemctl restart nova-compute",
                where=row.host,
                risk=Risk.SAFE,
                undo="systemctl stop nova-compute",
                verify=f"{SERVICES} --host {q(row.host)}",
                blinks="nothing: it plugs again what is plugged already",
            )
            for row in down
        ),
        victims=None if more else frozenset(),
        note=""
        if forced
        else "If it runs all the same, its clock is more than 60 s off (infra-clock-skew), or "
        "RabbitMQ does not carry its reports (infra-rabbitmq-down).",
    )


def _disabled(cloud: Cloud) -> Iterator[Case]:
    off = {row.host: row for row in services(cloud) if row.status == "disabled"}
    for server in failed(cloud, Kind.NO_CANDIDATE, Kind.FILTERED):
        refused = decisive(cloud, server).get(OFF, ())
        rows = [row for each in refused if (row := compute_of(cloud, each.provider))]
        left = [row for row in services(cloud) if row.host not in off and row.state == "up"]
        if not rows and not left:
            rows = list(off.values())  # whatever Placement says: there is no other host
        if not rows:
            continue
        stale = [row for row in rows if row.status == "enabled"][:SHOWN]
        rows, refused = rows[:SHOWN], refused[:SHOWN]
        about = subject.server(server.id)
        yield Case(
            subject=about,
            summary=(
                f"{', '.join(row.host for row in stale)} is enabled, and Placement still has it as "
                "disabled"
                if stale
                else f"nova-compute of {', '.join(row.host for row in rows)} is disabled"
                + "".join(f" ({row.disabled_reason})" for row in rows[:1] if row.disabled_reason)
            )
            + ", and no other host would do",
            evidence=(
                *(
                    Evidence(
                        where="Nova",
                        what=f"status of nova-compute on {row.host}",
                        seen=row.status
                        + (f", because: {row.disabled_reason}" if row.disabled_reason else ""),
                        expected="enabled",
                        command=f"{SERVICES} --long --host {row.host}",
                    )
                    for row in rows
                ),
                *(
                    Evidence(
                        where=f"Placement, {each.provider.name}",
                        what="traits",
                        seen=each.text,
                        expected=f"no {DISABLED}",
                        command=f"openstack resource provider trait list {each.provider.uuid}",
                    )
                    for each in refused
                ),
                _own(server),
            ),
            steps=tuple(_enable(row) for row in rows),
            note="Somebody may have had a reason to disable it; ask before enabling.",
        )


def _enable(row: ComputeService) -> Step:
    if row.status == "enabled":
        return Step(
            command="systemctl restart nova-compute",
            where=row.host,
            risk=Risk.SAFE,
            undo=NO_UNDO,
            verify="openstack resource provider trait list PROVIDER",
        )
    reason = f" --disable-reason {q(row.disabled_reason)}" if row.disabled_reason else ""
    return Step(
        command=f"openstack compute service set --enable {q(row.host)} nova-compute",
        where=ADMIN_SHELL,
        risk=Risk.SAFE,
        undo=f"openstack compute service set --disable{reason} {q(row.host)} nova-compute",
        verify=f"{SERVICES} --host {q(row.host)}",
    )


def _unmapped(cloud: Cloud) -> Iterator[Case]:
    """A host that runs and is in no cell, where a server shall go."""
    outside = _outside(cloud)
    for server in failed(cloud, Kind.NOT_MAPPED, Kind.NO_SUCH_HOST, Kind.FILTERED):
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        named = failure.host if failure else ""
        existing = {row.host for row in services(cloud)}
        if named and named not in existing:
            continue  # no such host at all: sched-forced-host
        if not named and not outside:
            continue
        names = [named] if named else [row.host for row in outside]
        yield _outside_cells(names, subject.server(server.id), (_own(server),))
    for row in outside:
        yield _outside_cells([row.host], subject.host(row.host), ())


def _outside(cloud: Cloud) -> list[ComputeService]:
    """As nova-manage says; else as the API shows it, which lists no hypervisor of such a host.

    (nova: api/openstack/compute/hypervisors.py passes over HostMappingNotFound.)
    """
    mapped, nodes = cloud.openstack.cell_hosts, cloud.openstack.hypervisors
    if mapped is not None:
        return [row for row in services(cloud) if row.host not in mapped]
    if nodes is None or cloud.openstack.providers is None:
        return []
    listed = {row.host for row in nodes} | {row.hostname for row in nodes}
    provided = {row.name for row in cloud.openstack.providers}
    return [
        row
        for row in services(cloud)
        if row.state == "up" and row.host not in listed and row.host in provided
    ]


def _outside_cells(names: list[str], about: Subject, more: tuple[Evidence, ...]) -> Case:
    return Case(
        subject=about,
        summary=f"{', '.join(names)} runs nova-compute and is mapped to no cell, so that nothing is "
        "scheduled there",
        evidence=(
            *more,
            Evidence(
                where="Nova",
                what="hosts that are mapped to a cell",
                seen=f"without {', '.join(names)}",
                expected="every host of `openstack compute service list`",
                command="nova-manage cell_v2 list_hosts",
            ),
        ),
        steps=(
            Step(
                command="nova-manage cell_v2 discover_hosts --verbose",
                where="a host with nova.conf",
                risk=Risk.SAFE,
                undo="nova-manage cell_v2 delete_host --cell_uuid CELL --host " + names[0],
                verify="nova-manage cell_v2 list_hosts",
            ),
        ),
        victims=None if more else frozenset(),
    )


def _forced(cloud: Cloud) -> Iterator[Case]:
    known = [row.host for row in services(cloud)]
    nodes = [row.hostname for row in cloud.openstack.hypervisors or ()]
    for server in failed(cloud, Kind.NO_SUCH_HOST):
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        named = failure.host if failure else ""
        if named in known:
            continue  # it exists: sched-host-not-mapped
        short = named.partition(".")[0].lower()
        alike = [name for name in (*known, *nodes) if name.partition(".")[0].lower() == short]
        about = subject.server(server.id)
        yield Case(
            subject=about,
            summary=f"{server.name} was to be put on {named}, and no compute host is called that"
            + (f"; {alike[0]} may be meant" if alike else ""),
            evidence=(
                _own(server),
                Evidence(
                    where="Nova",
                    what="hosts with nova-compute",
                    seen=", ".join(known) or "not read: needs admin",
                    expected=named,
                    command=f"{SERVICES} --service nova-compute",
                ),
            ),
            steps=(asked_anew(server, host=alike[0] if alike else "HOST"),),
            certainty=Certainty.PROVEN if known else Certainty.LIKELY,
            note="Use a name of `openstack compute service list` (--availability-zone ZONE:HOST, "
            "--host), letter by letter; the server in ERROR can be deleted.",
        )


FAULTS = (
    Fault(
        id="sched-compute-down",
        stage=Stage.SCHEDULING,
        title="nova-compute is down",
        what="nova-compute of a host has not reported for a minute (service_down_time): it is dead, cut "
        "off from RabbitMQ, or was forced down.",
        shows="`No valid host was found. There are not enough hosts available.` where no other host "
        "would do. Servers that run there run on, and cannot be stopped, rebooted or changed.",
        decisive="`openstack compute service list` has it as down.",
        remedy="Start nova-compute on that host.",
        risk=Risk.SAFE,
        references=(
            "nova: scheduler/filters/compute_filter.py",
            "nova: servicegroup/drivers/db.py",
        ),
        unlike={
            "sched-compute-id-lost": "there it refuses to start, and its log says why",
            "sched-compute-disabled": "there the status is disabled, and the state may be up",
            "infra-clock-skew": "there it runs, and its clock is off",
        },
        find=_down,
    ),
    Fault(
        id="sched-compute-disabled",
        stage=Stage.SCHEDULING,
        title="The hosts that would do are disabled",
        what="Somebody disabled nova-compute of the hosts that would do, or Placement was not told that "
        "it is enabled again.",
        shows="`No valid host was found. ` without a reason, as Placement leaves out providers with "
        "the trait COMPUTE_STATUS_DISABLED.",
        decisive="The service's status is disabled, or its provider has that trait.",
        remedy="Enable it; where the trait stays, restart nova-compute, which sets it right.",
        risk=Risk.SAFE,
        references=("nova: scheduler/request_filter.py compute_status_filter",),
        unlike={"sched-compute-down": "there it is not heard of"},
        find=_disabled,
    ),
    Fault(
        id="sched-host-not-mapped",
        stage=Stage.SCHEDULING,
        title="A compute host is mapped to no cell",
        what="A new compute host was not discovered, so that the API's database has no mapping of it.",
        shows="`Host 'NAME' is not mapped to any cell`; or the host is never chosen.",
        decisive="The host is in `openstack compute service list`, and `nova-manage cell_v2 list_hosts` "
        "lacks it.",
        remedy="Have Nova discover its hosts.",
        risk=Risk.SAFE,
        references=("nova: conductor/manager.py", "nova: scheduler/host_manager.py"),
        unlike={"sched-forced-host": "there no such host exists at all"},
        find=_unmapped,
    ),
    Fault(
        id="sched-forced-host",
        stage=Stage.SCHEDULING,
        title="The host that was asked for does not exist",
        what="The server was asked for on one host (--availability-zone ZONE:HOST, or --host), and no "
        "compute host has that name; often the full name was given for the short one, or the reverse.",
        shows="`No valid host was found. No such host - host: NAME node: None`, or the log line `No "
        "hosts matched due to not matching 'force_hosts' value`.",
        decisive="`openstack compute service list` has no host of that name.",
        remedy="Name a host that exists.",
        risk=Risk.SAFE,
        references=("nova: scheduler/utils.py resources_from_request_spec",),
        unlike={"sched-host-not-mapped": "there the host exists, and no cell has it"},
        find=_forced,
    ),
)
