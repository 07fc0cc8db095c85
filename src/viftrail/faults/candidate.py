"""S1: Placement leaves hosts out that have room: traits, zones, providers, or itself."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.filters import Filtering, filtering_of
from viftrail.chain.placement import (
    DEFAULT_ZONE,
    SHOWN,
    TRAIT,
    ZONE,
    Refusal,
    compute_of,
    decisive,
    in_words,
    traits_of,
    would_fit,
)
from viftrail.chain.quoting import q
from viftrail.chain.saying import said, told_during
from viftrail.chain.scheduling import fault_evidence, wanted
from viftrail.facts.log.logs import Signal
from viftrail.facts.openstack import Server
from viftrail.faults.capacity import candidates_command, unplaced
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO, NOTHING_CHANGED
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

PLACEMENT = "openstack resource provider list"
RUNS_AS = (
    "It may run within apache2 or uwsgi under another name. Where it runs, look at [placement] in "
    "nova.conf: its credentials, and its endpoint in `openstack endpoint list`. Then create the "
    "server again."
)


def _own(server: Server) -> Evidence:
    return fault_evidence(server, server.fault.message if server.fault else "")


def _refused(refusals: tuple[Refusal, ...], command: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            where=f"Placement, {each.provider.name}",
            what="why it is not offered",
            seen=each.text,
            expected="nothing against it",
            command=command.replace("PROVIDER", each.provider.uuid),
        )
        for each in refusals[:SHOWN]
    )


def _traits(cloud: Cloud) -> Iterator[Case]:
    yield from _sieved(
        cloud,
        "no host is what its image or flavor asks for",
        "Take the property away if it is not meant.",
        "ImagePropertiesFilter",
        "ComputeCapabilitiesFilter",
    )
    for server in unplaced(cloud):
        required, forbidden = traits_of(cloud, server)
        refused = decisive(cloud, server).get(TRAIT, ())
        if not refused and _left(cloud, server) != TRAIT:
            continue
        words = [f"{name}=required" for name in sorted(required)]
        words += [f"{name}=forbidden" for name in sorted(forbidden)]
        extra = server.flavor.extra_specs
        from_flavor = [word for word in words if f"trait:{word.partition('=')[0]}" in extra]
        kind, name = ("flavor", server.flavor.name) if from_flavor else ("image", server.image)
        first = (from_flavor or words)[0].partition("=")
        yield Case(
            subject=subject.server(server.id),
            summary=f"the {kind} of {server.name} asks for {', '.join(from_flavor or words)}, and "
            + (
                f"no host with room is like that: {in_words(refused)}"
                if refused
                else "nothing else that was recorded keeps the hosts from taking it; their traits were "
                "not recorded"
            ),
            evidence=(
                *_refused(refused, "openstack resource provider trait list PROVIDER"),
                _own(server),
            ),
            steps=(
                Step(
                    command=f"openstack {kind} unset --property trait:{first[0]} {name}",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo=f"openstack {kind} set --property trait:{first[0]}={first[2]} {name}",
                    verify=candidates_command(wanted(server)),
                    tenant="new servers of it may land on hosts without that trait",
                ),
            ),
            certainty=Certainty.PROVEN if refused else Certainty.LIKELY,
            note="Only when the property is not meant; else a host that has the trait is what is "
            "missing. The server is then deleted and created again.",
        )


def _left(cloud: Cloud, server: Server) -> str:
    """What alone can have kept the hosts from taking it: the one thing asked for that was not recorded.

    Empty where some host would not do by what was recorded, or two things are left.
    """
    rows = would_fit(cloud, server)
    services = [compute_of(cloud, row) for row in rows]
    if not rows or any(each is None or each.status != "enabled" for each in services):
        return ""
    left = []
    if any(traits_of(cloud, server)) and all(row.traits is None for row in rows):
        left.append(TRAIT)
    zone = server.availability_zone
    if zone not in ("", DEFAULT_ZONE) and all(row.aggregates is None for row in rows):
        left.append(ZONE)
    return left[0] if len(left) == 1 else ""


def _sieved(cloud: Cloud, why: str, note: str, *names: str) -> Iterator[Case]:
    """Where a filter, and not Placement, decided it."""
    for server, filtering in _by_filter(cloud, *names):
        yield Case(
            subject=subject.server(server.id),
            summary=f"{filtering.deciding} left no host for {server.name}: {why}",
            evidence=(filtering.proof, _own(server)),
            steps=(
                Step(
                    command=f"openstack image show {q(server.image or 'IMAGE')} -c properties; "
                    f"openstack flavor show {q(server.flavor.name or 'FLAVOR')} -c properties; "
                    "openstack aggregate list --long",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo=NOTHING_CHANGED,
                    verify=f"openstack server show {server.id} -c status",
                ),
            ),
            note=note,
        )


def _zone(cloud: Cloud) -> Iterator[Case]:
    yield from _sieved(
        cloud,
        "no host is in the zone or aggregate that it asks for",
        "Name another zone, or put a host into one that is named.",
        "AvailabilityZoneFilter",
        "AggregateInstanceExtraSpecsFilter",
        "AggregateMultiTenancyIsolation",
    )
    for server in unplaced(cloud):
        refused = decisive(cloud, server).get(ZONE, ())
        zones = sorted(
            {
                row.zone
                for row in cloud.openstack.services or ()
                if row.binary == "nova-compute" and row.zone
            }
        )
        if not refused and _left(cloud, server) != ZONE:
            continue
        known = server.availability_zone in zones
        yield Case(
            subject=subject.server(server.id),
            summary=f"{server.name} was asked for in zone {server.availability_zone}, where "
            + (
                f"{'no host has room' if known else 'no host is'}: {in_words(refused)}"
                if refused
                else "a host has room; whether Placement has that host in the zone's aggregate was "
                "not recorded, and nothing that was speaks against it"
            ),
            evidence=(
                Evidence(
                    where="Nova",
                    what="zones of the compute hosts",
                    seen=", ".join(zones) or "none",
                    expected=server.availability_zone,
                    command="openstack compute service list --service nova-compute; "
                    "openstack aggregate list --long",
                ),
                *_refused(refused, "openstack resource provider aggregate list PROVIDER"),
                _own(server),
            ),
            steps=(
                Step(
                    command="nova-manage placement sync_aggregates",
                    where="a host with nova.conf",
                    risk=Risk.SAFE,
                    undo=NO_UNDO,
                    verify="openstack availability zone list --compute",
                ),
            ),
            certainty=Certainty.PROVEN if refused else Certainty.LIKELY,
            note="Ask for a zone that is in `openstack availability zone list`, or put a host into an "
            "aggregate of that zone: `openstack aggregate add host AGGREGATE HOST`.",
        )


def _no_provider(cloud: Cloud) -> Iterator[Case]:
    """A compute that runs, and that Placement does not know."""
    openstack = cloud.openstack
    if openstack.providers is None or openstack.services is None:
        return
    names = {row.name for row in openstack.providers}
    nodes = {row.host: row.hostname for row in openstack.hypervisors or ()}
    waiting = {subject.server(row.id) for row in unplaced(cloud) if not would_fit(cloud, row)}
    for row in openstack.services:
        node = nodes.get(row.host, row.host)
        if row.binary != "nova-compute" or row.state != "up" or node in names:
            continue
        if row.status != "enabled" or (openstack.hypervisors and row.host not in nodes):
            continue  # not to be used, or it has not even a hypervisor yet
        for about in sorted(waiting) or [subject.host(row.host)]:
            yield Case(
                subject=about,
                summary=f"nova-compute of {row.host} runs, and Placement has no resource provider "
                f"{node}, so that nothing is ever put there",
                evidence=(
                    Evidence(
                        where="Placement",
                        what=f"resource provider {node}",
                        seen=f"none; there are {', '.join(sorted(names)) or 'none at all'}",
                        expected="one",
                        command=f"openstack resource provider list --name {node}",
                    ),
                ),
                steps=(
                    Step(
                        command="systemctl restart nova-compute",
                        where=row.host,
                        risk=Risk.SAFE,
                        undo=NO_UNDO,
                        verify=f"openstack resource provider list --name {node}",
                    ),
                ),
                certainty=Certainty.LIKELY if waiting else Certainty.PROVEN,
                victims=None if waiting else frozenset(),
                note="If it does not come back, nova-compute.log says why: credentials in [placement], "
                "or `ResourceProviderCreationFailed`, where an old provider of the same name has "
                "another uuid. That one is deleted once it holds no allocations.",
            )


def _unreachable(cloud: Cloud) -> Iterator[Case]:
    """Nothing is against some host, and still Placement offered none."""
    for server in unplaced(cloud):
        fits = would_fit(cloud, server)
        silent = told_during(cloud, server, "placement-unreachable")
        if silent:
            yield _silent(server, silent)
            continue
        if "placement" in cloud.openstack.unanswered:
            yield _mute(server)
            continue
        if not fits:
            continue
        names = ", ".join(row.name for row in fits)
        yield Case(
            subject=subject.server(server.id),
            summary=f"{names} would take {server.name} now, and Placement offered no host then: it did "
            "not answer, or room has become free since",
            evidence=(
                Evidence(
                    where="Placement",
                    what="hosts that meet every condition of the server now",
                    seen=names,
                    expected="none, as Nova was told",
                    command=candidates_command(wanted(server)),
                ),
                _own(server),
            ),
            steps=(
                Step(
                    command="grep -h scheduler.client.report /var/log/nova/nova-scheduler.log",
                    where="a host with nova-scheduler",
                    risk=Risk.SAFE,
                    undo=NOTHING_CHANGED,
                    verify=candidates_command(wanted(server)),
                ),
            ),
            certainty=Certainty.POSSIBLE,
        )


def _silent(server: Server, signal: Signal) -> Case:
    """The scheduler's own log says that Placement could not be asked."""
    return Case(
        subject=subject.server(server.id),
        summary=f"the scheduler could not ask Placement ({signal.groups.get('why', 'no answer')}), and "
        f"so had no host for {server.name}",
        evidence=(said(signal.line), _own(server)),
        steps=_restarted(),
        note=RUNS_AS,
    )


def _mute(server: Server) -> Case:
    """Whoever asked for these facts got no answer from Placement either."""
    return Case(
        subject=subject.server(server.id),
        summary=f"Placement does not answer, which the scheduler takes for no host for {server.name}",
        evidence=(
            Evidence(
                where="Placement",
                what="its API",
                seen="no answer, or an error of its own",
                expected="an answer",
                command=PLACEMENT,
            ),
            _own(server),
        ),
        steps=_restarted(),
        certainty=Certainty.LIKELY,
        note=RUNS_AS,
    )


def _restarted() -> tuple[Step, ...]:
    return (
        Step(
            command="systemctl restart placement-api",
            where="the host with the Placement API",
            risk=Risk.SAFE,
            undo=NO_UNDO,
            verify=PLACEMENT,
            blinks="requests to Placement for a second; no traffic",
        ),
    )


def _by_filter(cloud: Cloud, *names: str) -> Iterator[tuple[Server, Filtering]]:
    for server in cloud.openstack.servers or ():
        filtering = filtering_of(cloud, server)
        if filtering and filtering.deciding in names:
            yield server, filtering


FAULTS = (
    Fault(
        id="sched-traits-image-properties",
        stage=Stage.SCHEDULING,
        title="The flavor or the image asks for what no host is",
        what="A flavor or an image requires a trait (`trait:NAME=required`), forbids one, or has a "
        "property that the filters hold against hosts.",
        shows="`No valid host was found. ` for one flavor or image only; a small plain server of "
        "another image starts.",
        decisive="Every host with room lacks a trait that is required, or has one that is forbidden.",
        remedy="Take the property away if it is not meant; else add a host that has it.",
        risk=Risk.SAFE,
        references=("nova: scheduler/request_filter.py", "nova: scheduler/filters"),
        unlike={"sched-ram-capacity": "there another flavor's size is all that helps"},
        find=_traits,
    ),
    Fault(
        id="sched-az-aggregate",
        stage=Stage.SCHEDULING,
        title="The zone or aggregate that was asked for has no host",
        what="The server names an availability zone, or its project is bound to an aggregate, in which "
        "there is no host, or none with room; or Placement was not told of a host's aggregate.",
        shows="`No valid host was found. ` with --availability-zone only. Since Nova 28 without a "
        "reason, as Placement itself is asked for members of the zone.",
        decisive="All hosts with room are in other zones.",
        remedy="Name another zone, or put a host into an aggregate of that one.",
        risk=Risk.SAFE,
        references=("nova: scheduler/request_filter.py map_az_to_placement_aggregate",),
        unlike={"sched-forced-host": "there one host was named, and does not exist"},
        find=_zone,
    ),
    Fault(
        id="sched-provider-missing",
        stage=Stage.SCHEDULING,
        title="Placement does not know a compute host",
        what="nova-compute could not make its resource provider: Placement refuses its credentials, or "
        "has an older provider of the same name and another uuid, of a host that was installed anew.",
        shows="Nothing is ever put on the host; where it is the only one, `No valid host was found. `.",
        decisive="The service is up and enabled, and no resource provider has its hypervisor's name.",
        remedy="Mend what nova-compute.log complains of, and restart it.",
        risk=Risk.SAFE,
        references=("nova: scheduler/client/report.py _create_resource_provider",),
        unlike={"sched-host-not-mapped": "there Placement knows it, and no cell does"},
        find=_no_provider,
        unprovoked="nova-compute makes its provider anew within a minute",
    ),
    Fault(
        id="sched-placement-unreachable",
        stage=Stage.SCHEDULING,
        title="Placement did not answer the scheduler",
        what="The Placement API, its database, or Keystone for it did not answer. The scheduler takes "
        "no answer for no host.",
        shows="`No valid host was found. ` for every flavor, while every host has room.",
        decisive="nova-scheduler.log says `Placement API service is not responding.`, or that its "
        "credentials do not work, just before.",
        remedy="Start Placement, or mend [placement] in nova.conf.",
        risk=Risk.SAFE,
        references=("nova: scheduler/client/report.py safe_connect",),
        unlike={"sched-ram-capacity": "there the reckoning says the same as Placement"},
        find=_unreachable,
    ),
)
