"""Whether RabbitMQ carries what the services of Nova say to each other, as far as can be seen."""

from __future__ import annotations

from viftrail.chain.cloud import Cloud
from viftrail.facts.log.logs import Signal
from viftrail.facts.log.moment import parse
from viftrail.facts.openstack import ComputeService

SEVERAL = 2
"""Hosts or daemons that complain, or fall silent; a single one may be cut off by itself."""
_REPORT = 60.0
"""Seconds for which a service counts as up after its last report (nova.conf, service_down_time)."""


def complaints(cloud: Cloud) -> tuple[Signal, ...]:
    """The last complaint of each daemon that the broker cannot be reached.

    While computes are silent, only what was said since they were last heard of has to do with it.
    """
    silent = silent_computes(cloud)
    heard = max((parse(row.updated) or 0.0 for row in silent), default=0.0)
    found = {
        (signal.line.host, signal.line.service): signal
        for signal in cloud.facts.logs.signals("amqp-unreachable")
        if signal.time > heard - _REPORT
    }
    return tuple(found.values())


def silent_computes(cloud: Cloud) -> tuple[ComputeService, ...]:
    """Every nova-compute, where all of several are down at once; else none.

    Only computes report by way of a conductor, and so by RabbitMQ; the other services of Nova
    write to the database themselves (nova: objects/service.py, servicegroup/drivers/db.py).
    """
    rows = [
        row
        for row in cloud.openstack.services or ()
        if row.binary == "nova-compute" and not row.forced_down
    ]
    silent = len(rows) >= SEVERAL and all(row.state == "down" for row in rows)
    return tuple(rows) if silent else ()


def broken(cloud: Cloud) -> bool:
    """All computes fell silent, and several daemons say that it is the broker's fault."""
    return bool(silent_computes(cloud)) and len(complaints(cloud)) >= SEVERAL
