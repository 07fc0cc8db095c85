"""S0: RabbitMQ, by which the services of Nova and Neutron talk to each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.broker import SEVERAL, complaints, silent_computes
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import failure_of
from viftrail.chain.infrastructure import SERVICES
from viftrail.chain.saying import said
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import NO_UNDO
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

_WAITED = re.compile(r"MessagingTimeout|Timed out waiting for a reply to message ID")


def _down(cloud: Cloud) -> Iterator[Case]:
    """Several daemons complain of the broker, or every service of Nova fell silent at once."""
    services = cloud.openstack.services or ()
    told = complaints(cloud)
    silent = len({row.host for row in services}) > 1 and all(
        row.state == "down" for row in services
    )
    if len(told) < SEVERAL and not silent:
        return
    waiting = [
        subject.server(row.id)
        for row in cloud.openstack.servers or ()
        if row.vm_state == "building" or row.task_state or _timed_out(cloud, row.id)
    ]
    computes = silent_computes(cloud)
    if not silent and not computes and not waiting and any(row.state == "up" for row in services):
        return  # it was away, and is back
    brokers = sorted({each.groups.get("server", "") for each in told} - {""})
    mute = services if silent else computes
    yield Case(
        subject=subject.CLOUD,
        summary=(
            f"RabbitMQ on {', '.join(brokers)} cannot be reached"
            if brokers
            else "no service of Nova is heard of any more, as when RabbitMQ is down or blocked"
        )
        + ": nothing new is scheduled or built, and what runs works on",
        evidence=(
            *(said(signal.line) for signal in told[:3]),
            *(
                (
                    Evidence(
                        where="Nova",
                        what="services that are up"
                        if silent
                        else "nova-compute services that are up",
                        seen=f"none of {len(mute)}",
                        expected="all",
                        command=SERVICES,
                    ),
                )
                if mute
                else ()
            ),
        ),
        steps=(
            Step(
                command="systemctl restart rabbitmq-server",
                where=brokers[0] if brokers else "the host with RabbitMQ",
                risk=Risk.BLINKS,
                undo=NO_UNDO,
                verify="rabbitmqctl cluster_status; rabbitmqctl list_alarms",
                blinks="requests under way; no traffic",
            ),
        ),
        certainty=Certainty.PROVEN if told else Certainty.LIKELY,
        victims=frozenset(waiting),
        note="Look at `rabbitmqctl list_alarms` first: with less than 50 MB free, or too little memory, "
        "it blocks all who publish, and making room is the mend. The services reconnect by themselves.",
    )


def _timed_out(cloud: Cloud, server_id: str) -> bool:
    server = next(row for row in cloud.openstack.servers or () if row.id == server_id)
    failure = failure_of(cloud.openstack, server, cloud.facts.logs)
    return bool(failure and _WAITED.search(failure.message))


FAULTS = (
    Fault(
        id="infra-rabbitmq-down",
        stage=Stage.INFRASTRUCTURE,
        title="RabbitMQ is down or blocked",
        what="The message broker is stopped, partitioned, or blocks publishers because of an alarm. "
        "Nova's services cannot hand requests on, nor report that they live.",
        shows="Servers stay in BUILD, scheduling; after a minute all computes are down, and then there "
        "is no valid host. OVN does not use it, so what runs works on.",
        decisive="Several daemons log `AMQP server on HOST:PORT is unreachable` since the computes fell "
        "silent; or all services are down.",
        remedy="Clear its alarm, or start it. The services reconnect by themselves.",
        risk=Risk.BLINKS,
        references=("oslo.messaging: _drivers/impl_rabbit.py", "rabbitmq.com: disk alarms"),
        unlike={"sched-compute-down": "there one host's nova-compute is down, and others are up"},
        find=_down,
    ),
)
