"""S1: a nova-compute that does not start, as it is not the one that Nova knows."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import broker, subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.infrastructure import SERVICES
from viftrail.chain.quoting import q
from viftrail.chain.saying import said
from viftrail.chain.subject import Subject
from viftrail.facts.log.logs import Signal
from viftrail.facts.openstack import ComputeService
from viftrail.faults.compute import refusal, services, starved
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO, NOTHING_CHANGED
from viftrail.verdict import Evidence, Risk, Stage, Step

_ID_FILE = "/var/lib/nova/compute_id"


def _lost(cloud: Cloud) -> Iterator[Case]:
    """For the host; and for each server that only hosts which are down could take."""
    if broker.broken(cloud):
        return  # nobody can hear them, whatever they said before
    refusing = [
        (row, why)
        for row in services(cloud)
        if row.state == "down" and (why := refusal(cloud, row))
    ]
    for row, why in refusing:
        yield _refusing(row, why, subject.host(row.host), ())
    for server, more in starved(cloud):
        for row, why in refusing:
            yield _refusing(row, why, subject.server(server.id), more)


def _refusing(row: ComputeService, why: Signal, about: Subject, more: tuple[Evidence, ...]) -> Case:
    new = why.groups.get("new", "") if why.pattern == "host-renamed" else ""
    renamed = why.pattern == "host-renamed"
    return Case(
        subject=about,
        summary=f"nova-compute of {row.host} refuses to start: "
        + (
            f"the host is called {new or 'something else'} now, and Nova knows its node by {row.host}"
            if renamed
            else f"{_ID_FILE} is gone, so that it does not know which compute node it is"
        )
        + ("; no host is left that could take the server" if more else ""),
        evidence=(
            said(why.line, "that it has started"),
            Evidence(
                where="Nova",
                what=f"nova-compute of {row.host}",
                seen=f"{row.state}, last heard of {row.updated or 'at a time that was not said'}",
                expected="up, within the last 60 s",
                command=f"{SERVICES} --service nova-compute --host {q(row.host)}",
            ),
            *more,
        ),
        steps=(
            Step(
                command=f"openstack hypervisor list --matching {q(row.host)} --long",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=NOTHING_CHANGED,
                verify=f"openstack hypervisor list --matching {q(row.host)} --long",
            ),
            Step(
                # One that refused to start may hang on instead of ending.
                command="systemctl restart nova-compute",
                where=new or row.host,
                risk=Risk.SAFE,
                undo=NO_UNDO,
                verify=f"{SERVICES} --host {q(row.host)}",
                blinks="nothing: it plugs again what is plugged already",
            ),
        ),
        victims=None if more else frozenset(),
        note=(
            f"Before it is started: give the host its name {row.host} again, or write [DEFAULT]host = "
            f"{row.host} into nova.conf."
            if renamed
            else f"Before it is started: write the id of this host's compute node, as the first step "
            f"prints it, into {_ID_FILE} on {row.host}, owned by nova."
        )
        + " The id of another node would mix two hosts' servers: where in doubt, do not start it.",
    )


FAULTS = (
    Fault(
        id="sched-compute-id-lost",
        stage=Stage.SCHEDULING,
        title="nova-compute has lost its identity",
        what="Since Nova 27 (2023.1) a compute node is known by an id that its host keeps in a file. "
        "The file went with a reinstallation, or the host was renamed, and nova-compute refuses to "
        "start rather than to become a second node.",
        shows="The host is down in Nova and stays so, however often nova-compute is started. Its "
        "servers run on.",
        decisive="nova-compute logs `No local node identity found, but this is not our first startup on "
        "this host`, or `My node … has host 'A' but my host is 'B'; Possible rename detected`.",
        remedy=f"Restore {_ID_FILE} with the node's own id, or the old host name; then start it.",
        risk=Risk.SAFE,
        references=("nova: compute/manager.py _ensure_existing_node_identity",),
        unlike={
            "sched-compute-down": "there it does start, or says another reason",
            "sched-host-not-mapped": "there it runs",
        },
        find=_lost,
    ),
)
