"""Steps for hosts whose daemons run in containers, as Kolla and TripleO have them.

A fault names the unit of a distribution's package. Where there is none, because Docker or podman
runs the daemon, the same order goes to its container.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import msgspec

from viftrail.chain.cloud import Cloud
from viftrail.chain.server import UNITS
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.faults.fault import Case
from viftrail.verdict import Step

_ORDER: Final = re.compile(r"\bsystemctl (start|stop|restart|status|kill --signal=[A-Z]+) ([\w-]+)")
_CONTAINERS: Final = {
    "ovn-controller": "ovn_controller",
    "ovn-northd": "ovn_northd",
    "ovs-vswitchd": "openvswitch_vswitchd",
    "openvswitch-switch": "openvswitch_vswitchd",
    UNITS[NORTHBOUND]: "ovn_nb_db",
    UNITS[SOUTHBOUND]: "ovn_sb_db",
}
"""Kolla's name of what a unit starts."""

NOTE: Final = (
    "The daemons of {host} run in containers, which are called here as Kolla calls them: with podman "
    "in place of docker, or by other names, as `docker ps --all` or `podman ps --all` there shows."
)


def as_contained(cloud: Cloud, case: Case) -> Case:
    """The case with its steps as the hosts they are for can run them."""
    steps, hosts = [], []
    for step in case.steps:
        host = cloud.hosts.get(step.where)
        made = _step(host, step) if host else step
        steps.append(made)
        if made != step:
            hosts.append(step.where)
    if not hosts:
        return case
    note = NOTE.format(host=" and ".join(dict.fromkeys(hosts)))
    return replace(case, steps=tuple(steps), note=f"{case.note} {note}".strip())


def _step(host: Host, step: Step) -> Step:
    def order(found: re.Match[str]) -> str:
        verb, unit = found.groups()
        name = _CONTAINERS.get(unit)
        if name is None or not _contained(host, unit):
            return found[0]
        return (
            f"docker ps --all --filter name={name}" if verb == "status" else f"docker {verb} {name}"
        )

    return msgspec.structs.replace(
        step,
        command=_ORDER.sub(order, step.command),
        undo=_ORDER.sub(order, step.undo),
        verify=_ORDER.sub(order, step.verify),
    )


def _contained(host: Host, daemon: str) -> bool:
    """It runs in a container; where it does not run, the host's other daemons tell."""
    process = host.processes.get(daemon)
    if process is not None and process.state:
        return process.container
    return any(each.container for each in host.processes.values())
